/*
 * request: what a caller asks over HTTP, and the answer, as values. Routes and JSON are the edge's;
 * who may see what is the core's.
 */
#ifndef TT_MODEL_REQUEST_H
#define TT_MODEL_REQUEST_H

#include "base/err.h"
#include "model/conversation.h"
#include "model/history.h"
#include "model/notification.h"
#include "model/push_address.h"
#include "model/user.h"

enum tt_request_kind {
    TT_REQUEST_SNAPSHOT,      /* GET /conversation/{id} */
    TT_REQUEST_PAGE,          /* GET /conversation/{id}?before=N | ?after=N */
    TT_REQUEST_LIST,          /* GET /conversations */
    TT_REQUEST_CREATE,        /* POST /conversation */
    TT_REQUEST_SEND,          /* POST /conversation/{id}/messages */
    TT_REQUEST_GET_ME,        /* GET /me */
    TT_REQUEST_PUT_ME,        /* PUT /me */
    TT_REQUEST_MUTE,          /* PUT /conversation/{id}/settings */
    TT_REQUEST_LIST_DEVICES,  /* GET /devices */
    TT_REQUEST_UNLINK_DEVICE, /* DELETE /device/{id} */
    TT_REQUEST_INFO,          /* GET /conversation/{id}/messages/{seq}/info */
    TT_REQUEST_WHY,           /* GET /conversation/{id}/messages/{seq}/why */
    TT_REQUEST_PUT_PUSH,      /* PUT /device/{id}/push */
    TT_REQUEST_DELETE_PUSH,   /* DELETE /device/{id}/push */
    TT_REQUEST_TEST_PUSH,     /* POST /push/test */
    TT_REQUEST_TIMELINE,      /* GET /conversation/{id}/timeline */
    TT_REQUEST_CHECK,         /* whether the caller may ask anything at all */
};

struct tt_request {
    enum tt_request_kind kind;
    tt_id user; /* the caller, from the token */
    tt_id device;
    uint64_t login; /* that the token names; 0: none, and it is good by itself */
    tt_id conversation;
    uint32_t limit; /* SNAPSHOT, PAGE, LIST: 1-200 */
    union {
        struct {
            bool mark_open; /* false with ?open=0 */
        } snapshot;
        struct {
            bool before; /* else after */
            tt_seq seq;
        } page;
        struct {
            struct tt_slice cursor;
            tt_time changed_since;
        } list;
        struct {
            bool id_given; /* in `conversation` */
            enum tt_conversation_kind kind;
            struct tt_slice title;
            const tt_id *members;
            size_t member_count;
        } create;
        struct {
            tt_id client_id;
            struct tt_slice content;
        } send;
        struct {
            bool set_display_name;
            bool set_share_last_seen;
            bool set_push_preview;
            struct tt_user_settings settings;
        } put_me;
        struct {
            tt_time until;
        } mute;
        struct {
            tt_id device;
        } unlink;
        struct {
            tt_id device;
            struct tt_push_address address; /* PUT_PUSH; registered_at is the core's */
        } push;
        struct {
            tt_seq seq;
        } about; /* INFO, WHY */
        struct {
            tt_seq from; /* 0: open */
            tt_seq to;
            tt_time since;
            tt_time until;
        } timeline;
    };
};

/* What became of a test push on one device. */
struct tt_push_result {
    tt_id device;
    enum tt_push_provider provider;
    bool answered;
    enum tt_notify_outcome outcome;
    struct tt_slice detail; /* plain text */
};

enum tt_waiting_for {
    TT_WAITING_FOR_NOTHING,
    TT_WAITING_FOR_CONNECTION,
    TT_WAITING_FOR_DELIVERED_ACK,
    TT_WAITING_FOR_READ_ACK,
};

enum tt_tick { TT_TICK_ONE, TT_TICK_TWO, TT_TICK_BLUE };

/* How far one of the other members is with one message: INFO and WHY. */
struct tt_receipt {
    tt_id user;
    tt_time delivered_at; /* 0: not yet */
    tt_time read_at;
    enum tt_waiting_for waiting_for;
    tt_time offline_since; /* 0: online, unknown or not shared */
    struct tt_slice display_name;
    struct tt_happening push; /* the latest about this message; at 0: none */
};

/* The answer. `err` decides; the part that belongs to the request's kind is filled in. */
struct tt_reply {
    enum tt_request_kind kind;
    tt_err err;
    uint32_t retry_after_ms; /* RATE_LIMITED */
    bool created;            /* CREATE, SEND: 201, else 200 */
    tt_id conversation;
    union {
        const struct tt_snapshot *snapshot; /* SNAPSHOT; PAGE: of it only head, messages, more */
        struct {
            const struct tt_conversation_entry *entries;
            size_t entry_count;
            struct tt_slice next;
        } list;
        const struct tt_conversation_entry *entry; /* CREATE */
        struct {
            tt_seq seq;
            tt_time timestamp;
        } sent;
        struct {
            tt_id user;
            tt_id device;
            struct tt_user_settings settings;
        } me; /* GET_ME, PUT_ME */
        struct {
            tt_time until;
        } mute;
        struct {
            tt_id device;
            enum tt_push_provider provider;
        } push; /* PUT_PUSH */
        struct {
            const struct tt_push_result *results;
            size_t result_count;
        } push_test; /* TEST_PUSH */
        struct {
            const struct tt_device *devices;
            size_t device_count;
        } devices; /* LIST_DEVICES */
        struct {
            tt_seq seq;
            tt_id sender;
            tt_time timestamp;
            enum tt_tick tick;
            const struct tt_receipt *receipts;
            size_t receipt_count;
        } about; /* INFO, WHY */
        struct {
            const struct tt_happening *happenings;
            size_t happening_count;
        } timeline;
    };
};

#endif
