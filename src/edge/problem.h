/*
 * problem: what exactly is wrong with a request or a frame, beside its tt_err: so that whoever
 * wrote it can mend it without asking.
 */
#ifndef TT_EDGE_PROBLEM_H
#define TT_EDGE_PROBLEM_H

#include "base/buffer.h"
#include "base/err.h"
#include "base/json_writer.h"

/* A zeroed one says nothing more than the error. Static texts. */
struct tt_problem {
    const char *key;  /* the key, field or parameter that it is about; may be NULL */
    const char *text; /* a sentence instead of the error's own; may be NULL */
};

/* Of a list's cursor, which the codec or only the store sees to be none. */
#define TT_CURSOR_TEXT "cursor is the `next` of the page before"

/* The keys "code" and "message", into an object that is open. `problem` may be NULL. */
void tt_put_error_keys(struct tt_json_writer *json, tt_err err, const struct tt_problem *problem);

/* Appends {"error":{"code":...,"message":...}}, the body of an HTTP answer. */
void tt_write_http_error(tt_err err, const struct tt_problem *problem, struct tt_buffer *body);

#endif
