/*
 * demo: signing in as alice or bob without a password, so that a stranger sees chat work in a
 * minute. Only a server that listens on a loopback address may offer it, and it answers only who
 * calls it by a loopback name: a page elsewhere whose name was made to point here is refused.
 */
#ifndef TT_EDGE_DEMO_H
#define TT_EDGE_DEMO_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json_writer.h"
#include "edge/origin.h"
#include "edge/problem.h"
#include "edge/request_codec.h"
#include "net/http1.h"

/* Whether the request was sent to 127.0.0.1, ::1 or localhost by a page of the same, or by none. */
bool tt_demo_is_local(const struct tt_http1_request *request);

/* Reads {"user_id","device_id"?} of one of the demo's users. On failure `problem` says more. */
TT_MUST_CHECK tt_err tt_demo_read(struct tt_slice body, struct tt_caller *caller,
                                  struct tt_problem *problem);

/* "demo_users":["alice","bob"], or [] if `on` is false. */
void tt_demo_write_users(struct tt_json_writer *json, bool on);

#endif
