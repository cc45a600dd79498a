/*
 * event: everything that can happen to a node. Time and entropy come with each step (tt_now), and
 * from nowhere else. What an event points at is borrowed for the step, except for ops: a *_DONE
 * event gives its op to the core.
 */
#ifndef TT_CORE_EVENT_H
#define TT_CORE_EVENT_H

#include "base/handle.h"
#include "base/time.h"
#include "model/frame.h"
#include "model/hint.h"
#include "model/notification.h"
#include "model/registry_op.h"
#include "model/request.h"
#include "model/store_op.h"

struct tt_now {
    tt_mono mono;
    tt_time wall;
    uint64_t entropy; /* fresh bits for this step */
};

enum tt_event_kind {
    TT_EVENT_SESSION_OPEN,   /* an authenticated upgrade waits for ACCEPT or REJECT */
    TT_EVENT_SESSION_CLOSED, /* the socket is gone; its handle is never used again */
    TT_EVENT_FRAME,          /* a frame that the codec accepted (not TOKEN) */
    TT_EVENT_BAD_FRAME,      /* one that it refused, with the socket staying open */
    TT_EVENT_TOKEN,          /* a fresh token was verified */
    TT_EVENT_HEARD,          /* a sign of life: a pong, or any bytes */
    TT_EVENT_DRAINED,        /* all that was sent before WANT_DRAIN has left the process */
    TT_EVENT_REQUEST,        /* an authenticated HTTP request waits for its REPLY */
    TT_EVENT_REQUEST_GONE,   /* its connection died; no REPLY is wanted any more */
    TT_EVENT_STORE_DONE,
    TT_EVENT_REGISTRY_DONE,
    TT_EVENT_NOTIFIED, /* what became of a RING */
    TT_EVENT_HINT,
    TT_EVENT_BUS_GAP,         /* hints to this node were lost */
    TT_EVENT_NODE_GONE,       /* a server's lease has ended */
    TT_EVENT_REGISTRY_FORGOT, /* the registry came back empty */
    TT_EVENT_TICK,            /* tt_core_deadline has passed */
    TT_EVENT_CUT,             /* a device, or with none each of the user's, was unlinked without a
                                 request, or may have been: its sockets end */
    TT_EVENT_DRAIN,           /* the process wants to end: close every session with 1001 */
};

struct tt_event {
    enum tt_event_kind kind;
    tt_handle handle; /* SESSION_*, *FRAME, TOKEN, HEARD, DRAINED: connection; REQUEST*: request */
    union {
        struct {
            tt_id user;
            tt_id device;
            tt_time token_expires;
            uint64_t login; /* as in tt_request */
        } open;
        const struct tt_client_frame *frame;
        struct {
            tt_err err;
            const char *key;    /* which key of the frame it is about, static; or NULL */
            tt_id conversation; /* none where it could not be read */
            tt_id client_id;
        } bad_frame;
        struct {
            tt_id user; /* must be those of the session */
            tt_id device;
            tt_time expires;
        } token;
        uint32_t control_frames; /* HEARD: pings and pongs, which count as frames */
        const struct tt_request *request;
        struct tt_store_op *store_op;
        struct tt_registry_op *registry_op;
        const struct tt_notified *notified;
        const struct tt_hint *hint;
        struct {
            tt_id user;
            tt_id device;
        } cut;
    };
};

#endif
