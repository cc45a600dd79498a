/*
 * frame: what goes over a socket, as values. The codec (edge/frame_codec.h) is the only place that
 * knows their JSON. Slices are borrowed for the call, or as the holder says.
 */
#ifndef TT_MODEL_FRAME_H
#define TT_MODEL_FRAME_H

#include "base/err.h"
#include "model/conversation.h"

enum tt_client_frame_kind {
    TT_CLIENT_SEND,
    TT_CLIENT_DELIVERED,
    TT_CLIENT_READ,
    TT_CLIENT_OPEN,
    TT_CLIENT_CLOSE,
    TT_CLIENT_TYPING,
    TT_CLIENT_TOKEN,
    TT_CLIENT_PING,
};

struct tt_client_frame {
    enum tt_client_frame_kind kind;
    tt_id conversation;      /* all but TOKEN and PING */
    tt_id client_id;         /* SEND */
    struct tt_slice content; /* SEND: see model/message.h */
    tt_seq seq;              /* DELIVERED, READ */
    struct tt_slice token;   /* TOKEN: verified at the edge, never given to the core */
};

enum tt_server_frame_kind {
    TT_SERVER_HELLO,
    TT_SERVER_SENT,
    TT_SERVER_MESSAGE,
    TT_SERVER_CAUGHT_UP,
    TT_SERVER_STATUS_UPDATE,
    TT_SERVER_READ_SYNC,
    TT_SERVER_PRESENCE,
    TT_SERVER_TYPING,
    TT_SERVER_CONVERSATION,
    TT_SERVER_CONVERSATION_ADDED,
    TT_SERVER_ERROR,
    TT_SERVER_PONG,
};

struct tt_hello {
    tt_id user;
    tt_id device;
    tt_id session;
    tt_id server;
    tt_time server_time;
    uint32_t heartbeat_seconds;
    bool resumed;
    tt_time linked_at; /* since when the device is linked: another link is another time */
};

struct tt_server_frame {
    enum tt_server_frame_kind kind;
    tt_id conversation; /* SENT, MESSAGE, STATUS_UPDATE, READ_SYNC, PRESENCE, TYPING, ERROR (or
                           none) */
    tt_id user;         /* STATUS_UPDATE (whose move), PRESENCE, TYPING; CONVERSATION_ADDED: the
                           receiver */
    tt_id client_id;    /* SENT, ERROR (or none) */
    union {
        struct tt_hello hello;
        struct tt_message message; /* MESSAGE; its client_id only for the sender's own devices.
                                      SENT: seq and timestamp of it */
        struct tt_cursor status;   /* STATUS_UPDATE: 0 where it did not move; READ_SYNC: read */
        struct {
            struct tt_status status;
            enum tt_conversation_kind kind;
        } presence;
        const struct tt_snapshot *snapshot;
        const struct tt_conversation_entry *entry; /* CONVERSATION_ADDED */
        struct {
            tt_err err;
            const char *key;         /* of a bad frame: what it is about; may be NULL */
            tt_seq limit;            /* ACK_AHEAD */
            uint32_t retry_after_ms; /* RATE_LIMITED */
        } error;
    };
};

#endif
