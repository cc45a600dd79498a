#include "fuzz.h"

#include "net/websocket.h"

/* The same bytes, whole and cut in two at a place that the first byte chooses, must give the same
 * events; both roles; what is answered stays in bounds. */
static uint64_t run(enum tt_websocket_role role, struct tt_slice bytes, size_t cut)
{
    static const struct tt_websocket_limits limits = {.message_size_max = 4096,
                                                      .fragment_count_max = 16};
    struct tt_websocket ws;
    struct tt_buffer output = {0};
    uint64_t digest = 14695981039346656037ULL;
    tt_websocket_init(&ws, role, &limits, 1);
    struct tt_slice parts[2] = {tt_slice(bytes.data, cut), tt_slice_from(bytes, cut)};
    for (int i = 0; i < 2; i++) {
        /* The input may be unmasked in place, so it is a copy. */
        struct tt_buffer copy = {0};
        tt_buffer_add(&copy, parts[i]);
        struct tt_input input = {.data = copy.data, .size = copy.size};
        struct tt_websocket_event event;
        while (tt_websocket_next(&ws, &input, &event)) {
            TT_ASSERT(event.bytes.size <= limits.message_size_max);
            digest = (digest ^ (uint64_t)event.kind ^ event.code) * 1099511628211ULL;
            if (event.kind != TT_WEBSOCKET_BROKEN)
                for (size_t at = 0; at < event.bytes.size; at++)
                    digest = (digest ^ (uint8_t)event.bytes.data[at]) * 1099511628211ULL;
            tt_websocket_answer(&ws, &event, &output);
        }
        tt_buffer_deinit(&copy);
    }
    tt_websocket_deinit(&ws);
    tt_buffer_deinit(&output);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct tt_slice bytes = tt_slice(data + 2, size - 2);
    size_t cut = bytes.size == 0 ? 0 : (((size_t)data[0] << 8) + data[1]) % bytes.size;
    enum tt_websocket_role roles[] = {TT_WEBSOCKET_SERVER, TT_WEBSOCKET_CLIENT};
    for (int i = 0; i < 2; i++)
        TT_ASSERT(run(roles[i], bytes, 0) == run(roles[i], bytes, cut));
    return 0;
}
