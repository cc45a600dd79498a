#include "fuzz.h"

#include "net/http1.h"

/* Whole, and cut in two: the same requests, and a refusal at the same one; what is both bad and too
 * long may be refused for either. */
static uint64_t run(struct tt_slice bytes, size_t cut)
{
    static const struct tt_http1_limits limits = {.head_size_max = 2048, .body_size_max = 2048};
    struct tt_http1 http;
    uint64_t digest = 1;
    tt_http1_init(&http, &limits);
    struct tt_slice parts[2] = {tt_slice(bytes.data, cut), tt_slice_from(bytes, cut)};
    bool is_over = false;
    for (int i = 0; i < 2 && !is_over; i++) {
        struct tt_buffer copy = {0};
        tt_buffer_add(&copy, parts[i]);
        struct tt_input input = {.data = copy.data, .size = copy.size};
        enum tt_http1_result result;
        while (!is_over && (result = tt_http1_next(&http, &input, TT_MONO(1))) != TT_HTTP1_MORE) {
            if (result == TT_HTTP1_CONTINUE)
                continue;
            const struct tt_http1_request *request = tt_http1_request(&http);
            digest = digest * 31 + (uint64_t)result;
            is_over = result == TT_HTTP1_REFUSED || !request->keep_alive;
            if (result == TT_HTTP1_REQUEST) {
                TT_ASSERT(request->body.size <= limits.body_size_max);
                digest = digest * 31 + request->body.size * 7 + request->path.size * 3 +
                         request->field_count;
                tt_http1_done(&http);
            }
        }
        tt_buffer_deinit(&copy);
    }
    tt_http1_deinit(&http);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct tt_slice bytes = tt_slice(data + 2, size - 2);
    size_t cut = bytes.size == 0 ? 0 : (((size_t)data[0] << 8) + data[1]) % bytes.size;
    TT_ASSERT(run(bytes, 0) == run(bytes, cut));
    return 0;
}
