#include "fuzz.h"

#include "edge/request_codec.h"

/* First byte: the method; then path, query and body, each ended by a line feed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum tt_http1_method method = (enum tt_http1_method)(data[0] % TT_HTTP1_OTHER);
    struct tt_slice rest = tt_slice(data + 1, size - 1);
    struct tt_slice parts[2];
    for (int i = 0; i < 2; i++) {
        const char *end = rest.size == 0 ? NULL : memchr(rest.data, '\n', rest.size);
        size_t part = end == NULL ? rest.size : (size_t)(end - rest.data);
        parts[i] = tt_slice(rest.data, part);
        rest = tt_slice_from(rest, end == NULL ? part : part + 1);
    }
    struct tt_route route;
    struct tt_buffer allow = {0};
    tt_err err = tt_route_find(method, parts[0], &route, &allow);
    tt_buffer_deinit(&allow);
    if (!tt_is_ok(err) || route.kind != TT_ROUTE_REQUEST)
        return 0;

    struct tt_caller caller = {tt_id_of("alice"), tt_id_of("phone"), 0};
    struct tt_request_limits limits = {.content_size_max = 1024, .members_max = 16};
    struct tt_arena arena = {0};
    struct tt_request request = {0};
    struct tt_problem problem = {0};
    struct tt_request_source source = {&route, &caller, parts[1], rest};
    err = tt_request_read(&source, &limits, &arena, &request, &problem);
    if (tt_is_ok(err))
        TT_ASSERT(tt_id_eq(&request.user, &caller.user) && request.limit <= 200);
    tt_arena_deinit(&arena);
    return 0;
}
