/*
 * client_codec: the same frames seen from a client: for this program's own commands, and for the
 * devices of the simulator.
 *
 * It reads loosely, as a client should: unknown keys are passed over, missing ones are zero or
 * ABSENT. What is there must have the right type.
 */
#ifndef TT_EDGE_CLIENT_CODEC_H
#define TT_EDGE_CLIENT_CODEC_H

#include "base/buffer.h"
#include "base/err.h"
#include "base/json.h"
#include "model/frame.h"

/* Any frame of a server, or any answer to a GET of conversations. All slices and values point
 * into the text that was read. */
struct tt_received {
    enum tt_server_frame_kind kind;
    enum tt_conversation_kind conversation_kind; /* 0 where it is not said */
    uint32_t heartbeat_seconds;                  /* HELLO */
    uint32_t retry_after_ms;                     /* ERROR */
    tt_seq seq;                                  /* SENT, MESSAGE */
    tt_seq limit;                                /* ERROR, if has_limit */
    tt_seq head;                                 /* CONVERSATION */
    tt_seq my_read;
    uint64_t unread;
    tt_time timestamp;
    tt_time server_time;
    struct tt_cursor cursor; /* if has_delivered, if has_read */
    struct tt_status status; /* if has_status */
    struct tt_slice content; /* raw, as all strings here */
    struct tt_slice title;
    struct tt_slice code; /* ERROR */
    struct tt_slice error;
    struct tt_json messages; /* ARRAY: iterate with tt_client_next_message */
    struct tt_json members;  /* ARRAY: iterate with tt_client_next_member, or of ids */
    struct tt_json added;    /* CONVERSATION_ADDED: an OBJECT for tt_client_read_conversation */
    tt_id conversation;
    tt_id user;
    tt_id client_id;
    tt_id sender;
    tt_id status_of; /* bob, of `bob_status`; none of `status` */
    tt_id device;    /* HELLO */
    tt_id session;
    tt_id server;
    bool known; /* false: a frame type of a newer server, nothing else is set */
    bool resumed;
    tt_time linked_at;
    bool has_delivered;
    bool has_read;
    bool has_status;
    bool has_limit;
    bool has_more_before;
    bool has_more_after;
};

/* Appends the text of a client's frame. */
void tt_client_write_frame(const struct tt_client_frame *frame, struct tt_buffer *out);

/* Reads a frame of the server. Fails with NOT_JSON, NOT_OBJECT, KEY_MISSING (no type) or what a
 * value's type leads to. */
TT_MUST_CHECK tt_err tt_client_read_frame(struct tt_slice text, struct tt_received *received);

/* Reads a snapshot, a page, or an entry of a list of conversations, as HTTP gives them; `kind` is
 * then CONVERSATION. */
TT_MUST_CHECK tt_err tt_client_read_conversation(struct tt_slice text,
                                                 struct tt_received *received);

/* Reads {"error":{"code","message"}} into code and error; `kind` is then ERROR. */
TT_MUST_CHECK tt_err tt_client_read_http_error(struct tt_slice text, struct tt_received *received);

/* The next entry of `messages`; false at the end, or at one that is none. */
bool tt_client_next_message(struct tt_json_items *items, struct tt_message *message);

/* The next entry of a snapshot's `members`; false at the end, or at one that is none. */
bool tt_client_next_member(struct tt_json_items *items, struct tt_member_view *member);

#endif
