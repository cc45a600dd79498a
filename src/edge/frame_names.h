/*
 * frame_names: what each frame is called on the wire (its `type`), and what a client has to put
 * into one.
 */
#ifndef TT_EDGE_FRAME_NAMES_H
#define TT_EDGE_FRAME_NAMES_H

#include "model/frame.h"

/* kind, type, needs: conversation_id, client_id and content, seq, token */
#define TT_CLIENT_FRAME_MAP(X)                                                                     \
    X(SEND, "send", 1, 1, 0, 0)                                                                    \
    X(DELIVERED, "delivered", 1, 0, 1, 0)                                                          \
    X(READ, "read", 1, 0, 1, 0)                                                                    \
    X(OPEN, "open", 1, 0, 0, 0)                                                                    \
    X(CLOSE, "close", 1, 0, 0, 0)                                                                  \
    X(TYPING, "typing", 1, 0, 0, 0)                                                                \
    X(TOKEN, "token", 0, 0, 0, 1)                                                                  \
    X(PING, "ping", 0, 0, 0, 0)

#define TT_SERVER_FRAME_MAP(X)                                                                     \
    X(HELLO, "hello")                                                                              \
    X(SENT, "sent")                                                                                \
    X(MESSAGE, "message")                                                                          \
    X(CAUGHT_UP, "caught_up")                                                                      \
    X(STATUS_UPDATE, "status_update")                                                              \
    X(READ_SYNC, "read_sync")                                                                      \
    X(PRESENCE, "presence")                                                                        \
    X(TYPING, "typing")                                                                            \
    X(CONVERSATION, "conversation")                                                                \
    X(CONVERSATION_ADDED, "conversation_added")                                                    \
    X(ERROR, "error")                                                                              \
    X(PONG, "pong")

struct tt_client_frame_shape {
    const char *type;
    bool conversation;
    bool message; /* client_id and content */
    bool seq;
    bool token;
};

/* The shape of each kind of frame. */
const struct tt_client_frame_shape *tt_client_frame_shape(enum tt_client_frame_kind kind);

/* False if no frame of a client has this type (raw, as the reader hands it out). */
bool tt_client_frame_find(struct tt_slice type, enum tt_client_frame_kind *kind);

const char *tt_server_frame_type(enum tt_server_frame_kind kind);
bool tt_server_frame_find(struct tt_slice type, enum tt_server_frame_kind *kind);

#endif
