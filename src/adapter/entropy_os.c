#include "adapter/entropy_os.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

void tt_entropy_os_fill(void *bytes, size_t size)
{
    ssize_t got;
    do
        got = getrandom(bytes, size, 0);
    while (got < 0 && errno == EINTR);
    TT_ASSERT(got == (ssize_t)size);
}

static uint64_t next(void *self)
{
    struct tt_entropy_os *entropy = self;
    if (entropy->left == 0) {
        tt_entropy_os_fill(entropy->block, sizeof(entropy->block));
        entropy->left = TT_ENTROPY_OS_BLOCK;
    }
    return entropy->block[--entropy->left];
}

struct tt_entropy_port tt_entropy_os(struct tt_entropy_os *entropy)
{
    return (struct tt_entropy_port){.self = entropy, .next = next};
}
