#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapter/embedded/journal.h"

#define DIR_SIZE      64
#define SENTENCE_SIZE 512

static tt_err see(void *context, uint64_t number, struct tt_slice bytes)
{
    uint64_t *next = context;
    struct tt_arena arena = {0};
    struct tt_record record;
    TT_ASSERT(*next == 0 || number == *next);
    *next = number + 1;
    tt_err err = tt_record_decode(bytes, &arena, &record);
    tt_arena_deinit(&arena);
    return err;
}

static void put(int dir_fd, const char *name, struct tt_slice bytes)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    TT_ASSERT(fd >= 0);
    ssize_t size = write(fd, bytes.data, bytes.size);
    TT_ASSERT(size == (ssize_t)bytes.size);
    close(fd);
}

static int make_dir(char dir[DIR_SIZE])
{
    snprintf(dir, DIR_SIZE, "%s/twoticks-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    TT_ASSERT(mkdtemp(dir) != NULL);
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    TT_ASSERT(fd >= 0);
    return fd;
}

/* First byte: where the second segment begins, in eighths; the rest: two segments. Whatever lies
 * there, it is read in order, or refused with a sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"journal-0000000001", "journal-0000000002"};
    char dir[DIR_SIZE];
    char sentence[SENTENCE_SIZE] = "";
    struct tt_journal_map map;
    uint64_t next = 0;
    if (size < 1)
        return 0;
    struct tt_slice all = tt_slice(data + 1, size - 1);
    size_t cut = all.size * (data[0] % 9U) / 8;
    int dir_fd = make_dir(dir);
    put(dir_fd, names[0], tt_slice(all.data, cut));
    if (cut < all.size)
        put(dir_fd, names[1], tt_slice_from(all, cut));
    tt_err err = tt_journal_scan(dir_fd, see, &next, &map, sentence, sizeof(sentence));
    if (tt_is_ok(err))
        TT_ASSERT(next == 0 || map.next_record == next);
    else
        TT_ASSERT(sentence[0] != '\0' || next > 0);
    tt_journal_map_deinit(&map);
    unlinkat(dir_fd, names[0], 0);
    unlinkat(dir_fd, names[1], 0);
    close(dir_fd);
    rmdir(dir);
    return 0;
}
