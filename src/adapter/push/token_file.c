#include "adapter/push/token_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX 2048

enum { KEY_ID, TEAM_ID, MADE_AT, TOKEN, PARTS };

/* Four words. */
static bool split(struct tt_slice text, struct tt_slice parts[PARTS])
{
    size_t begin = 0;
    size_t count = 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] > ' ' && (unsigned char)text.data[i] < 0x7f)
            continue;
        if (i == begin || count == PARTS)
            return i == text.size && count == PARTS;
        parts[count++] = tt_slice(text.data + begin, i - begin);
        begin = i + 1;
    }
    return count == PARTS;
}

static bool read_number(struct tt_slice text, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 15)
            return false;
        *number = *number * 10 + (text.data[i] - '0');
    }
    return true;
}

static void take(struct tt_provider_token *token, struct tt_slice text, tt_mono now, tt_time wall)
{
    struct tt_slice parts[PARTS];
    int64_t made_at;
    if (!split(text, parts) || !read_number(parts[MADE_AT], &made_at) ||
        !tt_slice_eq(parts[KEY_ID], token->key_id) || !tt_slice_eq(parts[TEAM_ID], token->team_id))
        return;
    if (made_at > wall.ms || wall.ms - made_at >= token->lives_ms)
        return;
    token->age_ms = (uint64_t)(wall.ms - made_at);
    token->made_at = now;
    token->made_at_wall = TT_TIME(made_at);
    token->is_kept = true;
    tt_buffer_add_text(&token->text, "bearer ");
    tt_buffer_add(&token->text, parts[TOKEN]);
}

void tt_token_file_read(const char *path, struct tt_provider_token *token, tt_mono now,
                        tt_time wall)
{
    char bytes[FILE_SIZE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    ssize_t got = read(fd, bytes, sizeof(bytes));
    close(fd);
    if (got > 0 && got < FILE_SIZE_MAX)
        take(token, tt_slice(bytes, (size_t)got), now, wall);
}

void tt_token_file_write(const char *path, const struct tt_provider_token *token)
{
    char fresh[PATH_MAX];
    struct tt_buffer text = {0};
    int size = snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (size < 0 || size >= (int)sizeof(fresh))
        return;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    tt_buffer_add(&text, token->key_id);
    tt_buffer_add_text(&text, " ");
    tt_buffer_add(&text, token->team_id);
    tt_buffer_add_text(&text, " ");
    tt_buffer_add_u64(&text, (uint64_t)token->made_at_wall.ms);
    tt_buffer_add_text(&text, " ");
    tt_buffer_add(&text, tt_slice_from(tt_buffer_slice(&token->text), sizeof("bearer ") - 1));
    tt_buffer_add_text(&text, "\n");
    bool is_written =
        fchmod(fd, 0600) == 0 && write(fd, text.data, text.size) == (ssize_t)text.size;
    close(fd);
    if (!is_written || rename(fresh, path) != 0)
        (void)unlink(fresh);
    tt_buffer_deinit(&text);
}
