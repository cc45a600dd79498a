/*
 * effect: everything that a node wants done. Effects and what they point at live until the next
 * step; ops are given away.
 */
#ifndef TT_CORE_EFFECT_H
#define TT_CORE_EFFECT_H

#include "base/handle.h"
#include "model/frame.h"
#include "model/hint.h"
#include "model/notification.h"
#include "model/registry_op.h"
#include "model/request.h"
#include "model/store_op.h"

enum tt_effect_kind {
    TT_EFFECT_STORE,
    TT_EFFECT_REGISTRY,
    TT_EFFECT_HINT, /* to another node */
    TT_EFFECT_NOTIFY,
    TT_EFFECT_ACCEPT,     /* answer the upgrade with 101; frames follow */
    TT_EFFECT_REJECT,     /* answer the upgrade with an error; the handle is done with */
    TT_EFFECT_FRAME,      /* write a frame to the connection */
    TT_EFFECT_PING,       /* send a WebSocket ping */
    TT_EFFECT_WANT_DRAIN, /* answer with DRAINED when all sent so far has left the process */
    TT_EFFECT_CLOSE,      /* close the connection with that code after what was sent; a
                             SESSION_CLOSED must not follow: the core is done with it */
    TT_EFFECT_REPLY,      /* answer the request; the handle is done with */
};

/* RFC 6455, section 7.4, and the protocol's own. */
enum tt_close_code {
    TT_CLOSE_NORMAL = 1000,
    TT_CLOSE_GOING_AWAY = 1001,
    TT_CLOSE_PROTOCOL_ERROR = 1002,
    TT_CLOSE_UNSUPPORTED = 1003,
    TT_CLOSE_BAD_DATA = 1007,
    TT_CLOSE_POLICY = 1008,
    TT_CLOSE_TOO_BIG = 1009,
    TT_CLOSE_INTERNAL = 1011,
    TT_CLOSE_TOKEN_EXPIRED = 4401,
    TT_CLOSE_NO_HEARTBEAT = 4408,
    TT_CLOSE_REPLACED = 4409,
    TT_CLOSE_SLOW = 4413,
    TT_CLOSE_TOO_FAST = 4429,
};

struct tt_effect {
    enum tt_effect_kind kind;
    tt_handle handle; /* connection or request */
    union {
        struct tt_store_op *store_op;       /* given away */
        struct tt_registry_op *registry_op; /* given away */
        struct {
            struct tt_place to;
            const struct tt_hint *hint;
        } hint;
        const struct tt_notification *notification;
        struct {
            tt_err err;
            const struct tt_device *devices; /* TOO_MANY_DEVICES: the linked ones */
            size_t device_count;
        } reject;
        const struct tt_server_frame *frame;
        enum tt_close_code close_code;
        const struct tt_reply *reply;
    };
};

#endif
