#include "adapter/redis/words.h"

void tt_redis_add_command(struct tt_buffer *out, const struct tt_slice *words, size_t count)
{
    tt_buffer_add_byte(out, '*');
    tt_buffer_add_u64(out, count);
    tt_buffer_add_text(out, "\r\n");
    for (size_t i = 0; i < count; i++) {
        tt_buffer_add_byte(out, '$');
        tt_buffer_add_u64(out, words[i].size);
        tt_buffer_add_text(out, "\r\n");
        tt_buffer_add(out, words[i]);
        tt_buffer_add_text(out, "\r\n");
    }
}

size_t tt_redis_add_auth(struct tt_buffer *out, const struct tt_redis_options *options)
{
    struct tt_slice words[3] = {TT_SLICE_LITERAL("AUTH"), tt_slice_text(options->user),
                                tt_slice_text(options->password)};
    bool has_user = options->user[0] != '\0';
    if (options->password[0] == '\0')
        return 0;
    if (!has_user)
        words[1] = words[2];
    tt_redis_add_command(out, words, has_user ? 3 : 2);
    return 1;
}
