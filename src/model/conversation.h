/*
 * conversation: who takes part, and how far each of them has got.
 *
 * Members are fixed at creation and sorted by their bytes. A cursor holds read <= delivered <= head
 * and only ever grows. Ticks are derived from cursors and stored nowhere.
 */
#ifndef TT_MODEL_CONVERSATION_H
#define TT_MODEL_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"
#include "base/seq.h"
#include "base/slice.h"
#include "base/time.h"
#include "model/message.h"

enum tt_conversation_kind { TT_DIRECT = 1, TT_GROUP = 2 };

struct tt_conversation {
    tt_id id;
    enum tt_conversation_kind kind;
    struct tt_slice title; /* text of a JSON string, as content is; empty for none */
    tt_time created_at;
    const tt_id *members;
    size_t member_count;
};

struct tt_cursor {
    tt_seq delivered; /* some device of the user holds everything up to here */
    tt_seq read;      /* the user has seen everything up to here */
};

/* The cursor of one member, in the order of tt_conversation.members. */
struct tt_member_cursor {
    tt_id user;
    struct tt_cursor cursor;
};

/* What others are told of a person: `last_seen` 0 means never, or not shared. `unknown`: the
 * registry did not answer, so nothing is said (the keys are left out) rather than something wrong.
 */
struct tt_status {
    bool online;
    bool unknown;
    tt_time last_seen;
};

/* A conversation in the caller's list (GET /conversations). */
struct tt_conversation_entry {
    struct tt_conversation conversation;
    tt_seq head;
    struct tt_message last_message; /* seq 0: there is none yet */
    uint32_t unread; /* the others' messages above my_read; 1000 means 1000 or more */
    tt_seq my_read;
    struct tt_cursor others; /* the minimum over the other members */
    tt_time active_at;       /* of the last message, or of the creation */
    tt_time muted_until;     /* 0: not muted */
    struct tt_status peer;   /* direct conversations: the other member; filled in by the core */
};

/* One of the others in a chat-open snapshot. */
struct tt_member_view {
    tt_id user;
    struct tt_status status;
    struct tt_cursor cursor;
};

/* The answer to GET /conversation/{id} and to `open`. */
struct tt_snapshot {
    struct tt_conversation conversation;
    tt_seq head;
    const struct tt_message *messages; /* ascending and without gaps */
    size_t message_count;
    bool has_more_before;
    bool has_more_after;
    const struct tt_member_view *others;
    size_t other_count;
    struct tt_cursor others_min;
    tt_seq my_read;
    tt_time muted_until;
};

#endif
