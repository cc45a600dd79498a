/*
 * route: which request a method and a path are: one table.
 */
#ifndef TT_EDGE_ROUTE_H
#define TT_EDGE_ROUTE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/seq.h"
#include "model/request.h"
#include "net/http1.h"

enum tt_route_kind {
    TT_ROUTE_REQUEST, /* the core answers */
    TT_ROUTE_SOCKET,  /* GET /ws */
    TT_ROUTE_VAPID,   /* GET /push/vapid: the edge answers */
    TT_ROUTE_TOKEN,   /* POST /token: the edge answers */
    TT_ROUTE_SIGN_IN, /* GET /login: how one can sign in; the edge answers, to anybody */
    TT_ROUTE_DEMO,    /* POST /demo/login: likewise */
    TT_ROUTE_LOG_IN,  /* POST /login */
    TT_ROUTE_REGISTER,
    TT_ROUTE_LOG_OUT, /* POST /logout: the core unlinks the device */
};

struct tt_route {
    enum tt_route_kind kind;
    enum tt_request_kind request; /* of REQUEST */
    bool changes;                 /* by its method it may change something */
    tt_id conversation;
    tt_id device;
    tt_seq seq;
};

/*
 * Finds the route; HEAD is taken for GET. Fails with NOT_FOUND (no such path), METHOD (the path is
 * known, not with this method: then `allow` gets the value of the Allow field), BAD_ID or BAD_SEQ.
 */
TT_MUST_CHECK tt_err tt_route_find(enum tt_http1_method method, struct tt_slice path,
                                   struct tt_route *route, struct tt_buffer *allow);

/* "GET, PUT, OPTIONS": what the path knows; nothing if it is unknown. For OPTIONS. */
void tt_route_methods(struct tt_slice path, struct tt_buffer *allow);

#endif
