/*
 * trace: what happened, as lines that a person can read, and as a hash that two runs of one seed
 * must share. Lines cost time, so they are made only when somebody wants them; the hash always is.
 */
#ifndef TT_SIM_TRACE_H
#define TT_SIM_TRACE_H

#include "base/buffer.h"
#include "core/effect.h"
#include "core/event.h"

struct tt_trace {
    bool enabled;
    size_t bytes_max; /* 0: all lines are kept; else about the last so many bytes */
    struct tt_buffer lines;
    uint64_t hash;
};

void tt_trace_deinit(struct tt_trace *trace);

/* Takes a number into the hash. */
void tt_trace_mix(struct tt_trace *trace, uint64_t number);
void tt_trace_mix_id(struct tt_trace *trace, const tt_id *id);

/* A line: "day 3 09:02:00.012  " and the text. */
void tt_trace_line(struct tt_trace *trace, uint64_t now_us, struct tt_slice text);

/* Append what a line says of these, without its time. */
void tt_trace_put_client_frame(struct tt_buffer *out, const struct tt_client_frame *frame);
void tt_trace_put_server_frame(struct tt_buffer *out, const struct tt_server_frame *frame);
void tt_trace_put_request(struct tt_buffer *out, const struct tt_request *request);
void tt_trace_put_reply(struct tt_buffer *out, const struct tt_reply *reply);
void tt_trace_put_store_op(struct tt_buffer *out, const struct tt_store_op *op, bool done);
void tt_trace_put_registry_op(struct tt_buffer *out, const struct tt_registry_op *op, bool done);
void tt_trace_put_hint(struct tt_buffer *out, const struct tt_hint *hint);
void tt_trace_put_place(struct tt_buffer *out, const struct tt_place *place);
void tt_trace_put_notification(struct tt_buffer *out, const struct tt_notification *notification);
void tt_trace_put_id(struct tt_buffer *out, const tt_id *id);

#endif
