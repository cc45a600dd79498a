/*
 * chat_room: what one person's terminal knows of one conversation: the latest messages, the
 * cursors, who is online. Frames change it; chat_view shows it.
 */
#ifndef TT_APP_CHAT_ROOM_H
#define TT_APP_CHAT_ROOM_H

#include "base/buffer.h"
#include "edge/client_codec.h"
#include "model/request.h"

#define TT_CHAT_MESSAGES_MAX 500
#define TT_CHAT_PEERS_MAX    32

struct tt_chat_message {
    tt_seq seq; /* 0: not stored yet */
    tt_id sender;
    tt_id client_id;       /* own ones that wait for `sent` */
    struct tt_buffer text; /* UTF-8, safe to print */
    struct tt_buffer raw;  /* own ones: to send again */
};

struct tt_chat_peer {
    tt_id user;
    struct tt_status status;
};

struct tt_chat_room {
    tt_id me;
    tt_id conversation;
    struct tt_chat_message messages[TT_CHAT_MESSAGES_MAX]; /* oldest first, unsent ones last */
    size_t count;
    struct tt_chat_peer peers[TT_CHAT_PEERS_MAX];
    size_t peer_count;
    struct tt_cursor others;
    tt_seq held;        /* the highest seq of others that this terminal shows */
    tt_id typing;       /* who types */
    uint64_t typing_at; /* in milliseconds; 0: nobody */
};

void tt_chat_room_deinit(struct tt_chat_room *room);

/* What a frame changes. Returns whether the frame was about this room. */
bool tt_chat_room_take(struct tt_chat_room *room, const struct tt_received *frame, uint64_t now_ms);

/* A message typed here, not stored yet. The room must not be full of unsent ones: false. */
bool tt_chat_room_add_own(struct tt_chat_room *room, const tt_id *client_id, struct tt_slice text);

/* The n-th message that waits for `sent`; NULL after the last. */
const struct tt_chat_message *tt_chat_room_unsent(const struct tt_chat_room *room, size_t number);

#endif
