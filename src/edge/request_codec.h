/*
 * request_codec: HTTP's queries and bodies as requests, and replies as JSON.
 *
 * Of a repeated query parameter nothing is guessed (BAD_QUERY); parameters and keys that are not
 * known are passed over. `from` and `to` of the timeline are seqs if they are digits, else times.
 */
#ifndef TT_EDGE_REQUEST_CODEC_H
#define TT_EDGE_REQUEST_CODEC_H

#include "base/arena.h"
#include "base/buffer.h"
#include "edge/problem.h"
#include "edge/route.h"
#include "model/request.h"

struct tt_request_limits {
    size_t content_size_max; /* decoded */
    size_t members_max;
};

/* Who asks, by the token. */
struct tt_caller {
    tt_id user;
    tt_id device;
    uint64_t login; /* that the token names, or 0 */
};

/* A request as it came, with its route (of kind REQUEST). */
struct tt_request_source {
    const struct tt_route *route;
    const struct tt_caller *caller;
    struct tt_slice query;
    struct tt_slice body;
};

/* Reads what is asked for. What `request` points at lies in the body or in
 * the arena. On failure `problem` says more (it may stay zeroed). */
TT_MUST_CHECK tt_err tt_request_read(const struct tt_request_source *source,
                                     const struct tt_request_limits *limits, struct tt_arena *arena,
                                     struct tt_request *request, struct tt_problem *problem);

#endif
