/*
 * table: the tables of the scale-out mode (docs/protocol.md names the first four) and what is asked
 * of them. Only what every DynamoDB API has: single-item writes with a condition, Get, Query.
 *
 * A request is data, so that one codec writes its JSON, and a test can carry it out in memory.
 * Everything a request points at is borrowed until it is answered.
 */
#ifndef TT_ADAPTER_DYNAMODB_TABLE_H
#define TT_ADAPTER_DYNAMODB_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"

/*
 * id, name, hash key, range key (NULL: none), the range key is a number
 *
 * PUSH_ADDRESSES holds the addresses of a user's devices, and under "#" and a digest of the token
 * who has that token now, so that a phone which changes hands rings for one.
 *
 * MEMBERSHIPS also lists the built-in accounts, under "#accounts".
 *
 * CONVERSATIONS also holds a row per pair of users, under "alice#bob", that names their direct
 * conversation: # is in no id, so the two cannot meet. HISTORY holds the older cursor steps of a
 * conversation under its id, and the comings and goings of a user under "#bob".
 */
#define TT_DDB_TABLE_MAP(X)                                                                        \
    X(MESSAGES, "messages", "conversation_id", "seq", true)                                        \
    X(MESSAGE_STATUS, "message_status", "conversation_id", "user_id", false)                       \
    X(PENDING, "pending_deliveries", "user_id", "conversation_id", false)                          \
    X(SENDS, "sends", "conversation_id", "user_id#client_id", false)                               \
    X(CONVERSATIONS, "conversations", "conversation_id", NULL, false)                              \
    X(MEMBERSHIPS, "memberships", "user_id", "conversation_id", false)                             \
    X(USERS, "users", "user_id", NULL, false)                                                      \
    X(HISTORY, "history", "owner", "entry", false)                                                 \
    X(SERVERS, "servers", "server_id", "incarnation", true)                                        \
    X(PUSH_ADDRESSES, "push_addresses", "user_id", "device_id", false)

enum tt_ddb_table {
#define X(id, name, hash, range, numeric) TT_DDB_##id,
    TT_DDB_TABLE_MAP(X)
#undef X
        TT_DDB_TABLE_COUNT
};

struct tt_ddb_table_form {
    const char *name;
    const char *hash;
    const char *range;
    bool range_is_number;
};

const struct tt_ddb_table_form *tt_ddb_table_form(enum tt_ddb_table table);

enum tt_ddb_value_kind {
    TT_DDB_NONE,
    TT_DDB_TEXT,   /* S; needs no escapes */
    TT_DDB_RAW,    /* S; the raw text of a JSON string */
    TT_DDB_NUMBER, /* N */
    TT_DDB_JSON,   /* a whole attribute value as JSON: {"M":{}} */
};

struct tt_ddb_value {
    enum tt_ddb_value_kind kind;
    struct tt_slice text;
    uint64_t number;
};

struct tt_ddb_attr {
    const char *name;
    struct tt_ddb_value value;
    bool if_absent; /* UPDATE: keeps what is there */
};

struct tt_ddb_key {
    struct tt_ddb_value hash;
    struct tt_ddb_value range;
};

enum tt_ddb_test {
    TT_DDB_ABSENT,
    TT_DDB_PRESENT,
    TT_DDB_EQUAL,
    TT_DDB_AT_MOST,           /* attribute <= value */
    TT_DDB_ABSENT_OR_SMALLER, /* no such attribute, or attribute < value */
};

struct tt_ddb_clause {
    enum tt_ddb_test test;
    const char *name;
    struct tt_ddb_value value;
};

enum tt_ddb_verb {
    TT_DDB_PUT,
    TT_DDB_UPDATE,
    TT_DDB_DELETE,
    TT_DDB_GET,
    TT_DDB_QUERY,
    TT_DDB_SCAN, /* all rows of a table, in an order of its own */
    TT_DDB_VERB_COUNT
};

#define TT_DDB_ATTRS_MAX   14
#define TT_DDB_CLAUSES_MAX 3

struct tt_ddb_request {
    enum tt_ddb_verb verb;
    enum tt_ddb_table table;
    struct tt_ddb_key key; /* QUERY: of it the hash key; SCAN: goes on behind it; NONE: begins */
    size_t attr_count;
    size_t clause_count;
    struct tt_ddb_attr attrs[TT_DDB_ATTRS_MAX];       /* PUT: besides the key; UPDATE: to set */
    struct tt_ddb_clause clauses[TT_DDB_CLAUSES_MAX]; /* of writes: all must hold */
    struct {
        struct tt_ddb_value from;  /* range key >=; NONE: open */
        struct tt_ddb_value to;    /* range key <= */
        struct tt_ddb_value after; /* goes on behind this range key */
        bool descending;
        uint32_t limit;   /* 0: as many as fit into a megabyte */
        const char *only; /* one attribute alone */
    } query;
};

enum tt_ddb_outcome {
    TT_DDB_DONE,
    TT_DDB_REFUSED, /* the condition does not hold; nothing changed by this try */
    TT_DDB_UNKNOWN, /* nobody knows whether it was done */
};

/* Lives in the arena that was given with the request. */
struct tt_ddb_answer {
    enum tt_ddb_outcome outcome;
    bool retried;          /* an earlier try may have been carried out */
    struct tt_json *items; /* objects: attribute name -> attribute value; GET: 0 or 1 */
    size_t item_count;
    bool more;                       /* QUERY, SCAN: ended before the end of the range */
    struct tt_ddb_value behind;      /* `after` for the next QUERY; text or number as the key is */
    struct tt_ddb_value behind_hash; /* SCAN: the other half of the last key */
};

/* Who carries requests out. Each is answered once, never from within `send`. */
struct tt_ddb_tables {
    void *self;
    void (*send)(void *self, const struct tt_ddb_request *request, tt_mono deadline,
                 struct tt_arena *arena, struct tt_ddb_answer *answer, void (*done)(void *context),
                 void *context);
};

static inline struct tt_ddb_value tt_ddb_text(struct tt_slice text)
{
    return (struct tt_ddb_value){.kind = TT_DDB_TEXT, .text = text};
}

static inline struct tt_ddb_value tt_ddb_id(const tt_id *id)
{
    return tt_ddb_text(tt_id_slice(id));
}

static inline struct tt_ddb_value tt_ddb_raw(struct tt_slice raw)
{
    return (struct tt_ddb_value){.kind = TT_DDB_RAW, .text = raw};
}

static inline struct tt_ddb_value tt_ddb_json(struct tt_slice json)
{
    return (struct tt_ddb_value){.kind = TT_DDB_JSON, .text = json};
}

static inline struct tt_ddb_value tt_ddb_number(uint64_t number)
{
    return (struct tt_ddb_value){.kind = TT_DDB_NUMBER, .number = number};
}

void tt_ddb_set(struct tt_ddb_request *request, const char *name, struct tt_ddb_value value);
void tt_ddb_set_if_absent(struct tt_ddb_request *request, const char *name,
                          struct tt_ddb_value value);
void tt_ddb_only_if(struct tt_ddb_request *request, enum tt_ddb_test test, const char *name,
                    struct tt_ddb_value value);

/* The value of an attribute, without its type: STRING (raw), OBJECT of a map; of a number the
 * STRING of its digits. ABSENT if there is none of that type ('S', 'N', 'M', 'L' or 'B'ool). */
struct tt_json tt_ddb_get(struct tt_json item, const char *name, char type);

/* The same as values; 0, none or empty where there is none. */
uint64_t tt_ddb_get_number(struct tt_json item, const char *name);
tt_id tt_ddb_get_id(struct tt_json item, const char *name);
struct tt_slice tt_ddb_get_raw(struct tt_json item, const char *name);
tt_time tt_ddb_get_time(struct tt_json item, const char *name);

/* The digits of a slice; false if it is no number that fits. */
bool tt_ddb_digits(struct tt_slice text, uint64_t *number);

#endif
