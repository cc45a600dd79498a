#include "adapter/account/room.h"

#include <sys/mman.h>

#include "base/assert.h"

#define HUGE_PAGE ((size_t)2 * 1024 * 1024)

void *tt_room_get(struct tt_room *room, size_t size)
{
    if (size <= room->size)
        return room->bytes;
    tt_room_leave(room);
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    if (size >= HUGE_PAGE) /* where there are none it goes on without */
        (void)madvise(bytes, size, MADV_HUGEPAGE);
    *room = (struct tt_room){bytes, size};
    return bytes;
}

void tt_room_leave(struct tt_room *room)
{
    int failed = room->bytes == NULL ? 0 : munmap(room->bytes, room->size);
    TT_ASSERT(failed == 0);
    *room = (struct tt_room){NULL, 0};
}
