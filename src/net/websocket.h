/*
 * websocket: the frames of RFC 6455, bytes in and events out, without any I/O.
 *
 * Strict: what the RFC forbids fails the connection (1002, 1007, 1009) and is not repaired. A
 * length over the limit fails from the frame's header alone. Text is checked while it comes, so
 * bad UTF-8 fails at its first byte, also in the middle of a frame. No extension is spoken.
 *
 * A frame that lies whole in the input is handed on in place; only an unfinished frame or message
 * takes memory, in proportion to what came of it and not to what it announced. A server's and a
 * client's side differ by the masks only.
 *
 *     while (tt_websocket_next(ws, &input, &event)) {
 *         tt_websocket_answer(ws, &event, tt_socket_output(socket));
 *         ...the owner's switch over event.kind; to stop early: tt_websocket_keep(ws, &input)
 *     }
 */
#ifndef TT_NET_WEBSOCKET_H
#define TT_NET_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "net/input.h"

#define TT_WEBSOCKET_CONTROL_SIZE_MAX 125

struct tt_websocket_limits {
    size_t message_size_max;     /* all fragments of a message together */
    uint32_t fragment_count_max; /* of one message */
};

enum tt_websocket_role { TT_WEBSOCKET_SERVER, TT_WEBSOCKET_CLIENT };

enum tt_websocket_kind {
    TT_WEBSOCKET_TEXT,   /* bytes: a whole message, valid UTF-8 */
    TT_WEBSOCKET_BINARY, /* bytes: a whole message */
    TT_WEBSOCKET_PING,   /* bytes: what a pong has to repeat */
    TT_WEBSOCKET_PONG,   /* bytes */
    TT_WEBSOCKET_CLOSED, /* the peer's close frame: code (1005 if it gave none), bytes: the reason
                          */
    TT_WEBSOCKET_BROKEN, /* the peer broke the rules: code to close with, bytes: what it did */
};

struct tt_websocket_event {
    enum tt_websocket_kind kind;
    uint16_t code;         /* CLOSED and BROKEN only */
    struct tt_slice bytes; /* valid until the next tt_websocket_next or _keep */
};

struct tt_websocket_partial;

/* Small, to lie inside of a connection; its fields are private. */
struct tt_websocket {
    const struct tt_websocket_limits *limits;
    struct tt_websocket_partial *partial; /* NULL while nothing is unfinished */
    uint64_t mask_state;
    uint8_t role;
    bool ended;      /* after CLOSED or BROKEN: nothing more is read */
    bool close_sent; /* nothing more is written */
};

/* `limits` is borrowed. `mask_seed` is what a client's masks come from; a server's is 0. */
void tt_websocket_init(struct tt_websocket *ws, enum tt_websocket_role role,
                       const struct tt_websocket_limits *limits, uint64_t mask_seed);
void tt_websocket_deinit(struct tt_websocket *ws);

/* The next event, if the input (and what was kept) holds a whole one. False: all of the input is
 * taken, and more is needed. After CLOSED and BROKEN it stays false and drops all input. */
bool tt_websocket_next(struct tt_websocket *ws, struct tt_input *input,
                       struct tt_websocket_event *event);

/* Keeps a copy of what was not looked at yet, for a later tt_websocket_next, whose input (usually
 * an empty one) comes after it. Pause the socket's reading meanwhile. */
void tt_websocket_keep(struct tt_websocket *ws, struct tt_input *input);

/* Writes what the RFC wants in answer to an event: a pong, the close frame; else nothing. */
void tt_websocket_answer(struct tt_websocket *ws, const struct tt_websocket_event *event,
                         struct tt_buffer *output);

/* One message in one frame. After tt_websocket_close they write nothing. */
void tt_websocket_write_text(struct tt_websocket *ws, struct tt_slice text,
                             struct tt_buffer *output);
void tt_websocket_write_binary(struct tt_websocket *ws, struct tt_slice bytes,
                               struct tt_buffer *output);

/* At most TT_WEBSOCKET_CONTROL_SIZE_MAX bytes. */
void tt_websocket_write_ping(struct tt_websocket *ws, struct tt_slice bytes,
                             struct tt_buffer *output);

/*
 * Writes a close frame, once; a second call writes nothing. The reason is cut at a character's
 * boundary to fit. A server goes on with tt_socket_finish; one that wants to see the peer's close
 * frame goes on reading.
 */
void tt_websocket_close(struct tt_websocket *ws, uint16_t code, struct tt_slice reason,
                        struct tt_buffer *output);

#endif
