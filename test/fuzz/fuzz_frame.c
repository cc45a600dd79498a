#include "fuzz.h"

#include "edge/client_codec.h"
#include "edge/frame_codec.h"

static void check_messages(struct tt_json messages)
{
    if (messages.kind != TT_JSON_ARRAY)
        return;
    struct tt_json_items items = tt_json_items(messages);
    struct tt_message message;
    while (tt_client_next_message(&items, &message))
        TT_ASSERT(message.seq.n <= TT_SEQ_MAX);
}

/* What is taken, written again by the client's side, is taken again and means the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tt_frame_limits limits = {.content_size_max = 1024};
    struct tt_client_frame frame;
    const char *key;
    struct tt_received received;
    if (tt_is_ok(tt_client_read_frame(tt_slice(data, size), &received)) && received.known)
        check_messages(received.messages);
    if (!tt_is_ok(tt_frame_parse(tt_slice(data, size), &limits, &frame, &key)))
        return 0;
    struct tt_buffer text = {0};
    struct tt_client_frame again;
    tt_client_write_frame(&frame, &text);
    tt_err err = tt_frame_parse(tt_buffer_slice(&text), &limits, &again, &key);
    TT_ASSERT(tt_is_ok(err) && again.kind == frame.kind && again.seq.n == frame.seq.n);
    TT_ASSERT(tt_slice_eq(again.content, frame.content));
    if (frame.kind != TT_CLIENT_TOKEN && frame.kind != TT_CLIENT_PING) /* they are about none */
        TT_ASSERT(tt_id_eq(&again.conversation, &frame.conversation));
    tt_buffer_deinit(&text);
    return 0;
}
