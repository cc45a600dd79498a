/*
 * golden: plays the two source documents in the simulator and compares what happens, line by line,
 * with a trace that a person has read.
 *
 * usage: golden NAME [TRACE]   without TRACE, the lines go to standard output
 */
#include <stdio.h>
#include <stdlib.h>

#include "golden/story.h"

static struct tt_slice read_file(const char *path, struct tt_buffer *into)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return TT_SLICE_EMPTY;
    size_t got;
    do {
        got = fread(tt_buffer_reserve(into, 4096), 1, 4096, file);
        tt_buffer_grow_by(into, got);
    } while (got > 0);
    (void)fclose(file);
    return tt_buffer_slice(into);
}

static struct tt_slice take_line(struct tt_slice *rest)
{
    const char *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    struct tt_slice line = tt_slice(rest->data, size);
    *rest = tt_slice_from(*rest, end == NULL ? size : size + 1);
    return line;
}

/* Says where the two part. */
static bool compare(struct tt_slice expected, struct tt_slice got)
{
    for (unsigned number = 1; expected.size > 0 || got.size > 0; number++) {
        struct tt_slice wanted = take_line(&expected);
        struct tt_slice line = take_line(&got);
        if (tt_slice_eq(wanted, line))
            continue;
        (void)fprintf(stderr, "line %u should be\n  %.*s\nand is\n  %.*s\n", number,
                      (int)wanted.size, wanted.data, (int)line.size, line.data);
        return false;
    }
    return true;
}

int main(int count, char **texts)
{
    struct tt_buffer got = {0};
    if (count < 2 || !tt_story_play(texts[1], &got)) {
        (void)fprintf(stderr, "usage: golden phone-off|chat-open [TRACE]\n");
        return 2;
    }
    bool is_same = true;
    if (count == 2) {
        (void)fwrite(got.data, 1, got.size, stdout);
    } else {
        struct tt_buffer file = {0};
        is_same = compare(read_file(texts[2], &file), tt_buffer_slice(&got));
        tt_buffer_deinit(&file);
    }
    tt_buffer_deinit(&got);
    return is_same ? 0 : 1;
}
