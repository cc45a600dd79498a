/*
 * table: the rows of the index: every key and every value that it holds.
 *
 * A key is a byte that names the table, then its parts. Ids are followed by a zero byte unless they
 * end the key; no id holds a zero byte, so no key is another's prefix by accident and all rows of
 * one id stand together. Numbers are 8 bytes, the highest first, so that they sort.
 *
 *   tag  table               key                           value, after the version byte (now 1)
 *   c    conversations       conversation                  kind, title, created at, count, members
 *   h    heads               conversation                  head, active at, changed at
 *   m    messages            conversation 0 seq            sender, device?, client id?, timestamp,
 *                                                          content
 *   s    message_status      conversation 0 user           delivered, read, last own, muted until,
 *                                                          count, {device, delivered}
 *   d    sends               conversation 0 user # client  seq, timestamp
 *   t    steps               conversation 0 user 0 k to    from, at, device? (k: d delivered, r
 * read) p    pending_deliveries  user 0 conversation           first, armed (0: the head), pushed
 *   l    lists               user 0 conversation           (nothing)
 *   q    pairs               user 0 user                   conversation (the direct one)
 *   u    users               user                          flags, last seen, conversations,
 *                                                          connections, display name, count,
 *                                                          {device, epoch, linked, active, flag},
 *                                                          addresses (text, see address.h),
 *                                                          and with version 2 account (text,
 *                                                          see account.h)
 *   k    push tokens         digest                        user, device: where it was put last
 *   e    pushes              conversation 0 seq at user 0  1 if accepted, detail
 *                            device
 *   o    online              user                          (nothing): has a connected device
 *   n    connections         user 0 number                 at, kind (1 connected, 2 not), device
 *   z    position            -                             records applied, start number, alive at
 *
 * A missing row of heads, message_status or users stands for zeros and defaults. All values are in
 * the forms of pack.h. The row of the last own message spares counting where nothing was sent.
 */
#ifndef TT_ADAPTER_EMBEDDED_TABLE_H
#define TT_ADAPTER_EMBEDDED_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "model/conversation.h"
#include "model/message.h"
#include "model/store_op.h"
#include "model/user.h"

enum tt_table {
    TT_TABLE_CONVERSATIONS = 'c',
    TT_TABLE_HEADS = 'h',
    TT_TABLE_MESSAGES = 'm',
    TT_TABLE_STATUS = 's',
    TT_TABLE_SENDS = 'd',
    TT_TABLE_STEPS = 't',
    TT_TABLE_PENDING = 'p',
    TT_TABLE_LISTS = 'l',
    TT_TABLE_PAIRS = 'q',
    TT_TABLE_USERS = 'u',
    TT_TABLE_ONLINE = 'o',
    TT_TABLE_CONNECTIONS = 'n',
    TT_TABLE_TOKENS = 'k',
    TT_TABLE_PUSHES = 'e',
    TT_TABLE_POSITION = 'z',
};

#define TT_KEY_SIZE_MAX 216

struct tt_key {
    size_t size;
    char bytes[TT_KEY_SIZE_MAX];
};

static inline struct tt_slice tt_key_slice(const struct tt_key *key)
{
    return tt_slice(key->bytes, key->size);
}

enum tt_step { TT_STEP_DELIVERED = 'd', TT_STEP_READ = 'r' };

/* Keys of one id (conversations, heads, users, online), of two, and the ones with more. */
struct tt_key tt_key_of(enum tt_table table, const tt_id *id);
struct tt_key tt_key_of_two(enum tt_table table, const tt_id *first, const tt_id *second);
struct tt_key tt_key_of_number(enum tt_table table, const tt_id *id, uint64_t number);
struct tt_key tt_key_of_send(const tt_id *conversation, const tt_id *user, const tt_id *client);
struct tt_key tt_key_of_step(const tt_id *conversation, const tt_id *user, enum tt_step kind,
                             tt_seq to);
struct tt_key tt_key_of_push(const tt_id *conversation, tt_seq seq, tt_time at, const tt_id *user,
                             const tt_id *device);
struct tt_key tt_key_of_position(void);

/* What all rows of a table, or of one id in it, start with. */
struct tt_key tt_key_prefix(enum tt_table table);
struct tt_key tt_key_prefix_of(enum tt_table table, const tt_id *id);

struct tt_key_parts {
    enum tt_table table;
    tt_id first;
    tt_id second;
    tt_id client;
    enum tt_step step;
    uint64_t number;
    tt_time at; /* of pushes; `client` is the device there */
};

/* Takes a key apart. CORRUPT if it is none. */
TT_MUST_CHECK tt_err tt_key_split(struct tt_slice key, struct tt_key_parts *parts);

struct tt_head_row {
    tt_seq head;
    tt_time active_at;  /* of the last message, or of the creation */
    tt_time changed_at; /* of the latest message or cursor step, or of the creation */
};

struct tt_status_row {
    struct tt_cursor cursor;
    tt_seq last_own; /* the newest message that the user sent, 0: none */
    tt_time muted_until;
    struct tt_device_position *devices;
    size_t device_count;
};

struct tt_pending_values {
    tt_seq first;
    tt_seq armed; /* 0: whatever the head is, which spares a write per message and member */
    tt_seq pushed;
};

struct tt_send_row {
    tt_seq seq;
    tt_time timestamp;
};

struct tt_step_row {
    tt_seq from;
    tt_time at;
    tt_id device; /* whose ack it was; may be none */
};

struct tt_connection_row {
    tt_time at;
    bool connected;
    tt_id device;
};

struct tt_user_row {
    struct tt_user_settings settings;
    tt_time last_seen;
    uint64_t conversation_count;
    uint64_t connection_count; /* connections and disconnections ever; the next one's number */
    struct tt_device *devices; /* sorted by id */
    size_t device_count;
    struct tt_slice addresses; /* packed, see address.h */
    struct tt_slice account;   /* packed, see account.h; empty: none */
};

struct tt_push_row {
    bool accepted;
    struct tt_slice detail;
};

struct tt_position_row {
    uint64_t applied; /* records of the journal that the index reflects */
    uint64_t start;   /* how often the store was started */
    tt_time alive_at;
};

/* Each appends the value's bytes. */
void tt_row_pack_conversation(const struct tt_conversation *conversation, struct tt_buffer *out);
void tt_row_pack_head(const struct tt_head_row *row, struct tt_buffer *out);
void tt_row_pack_message(const struct tt_message *message, struct tt_buffer *out);
void tt_row_pack_status(const struct tt_status_row *row, struct tt_buffer *out);
void tt_row_pack_send(const struct tt_send_row *row, struct tt_buffer *out);
void tt_row_pack_step(const struct tt_step_row *row, struct tt_buffer *out);
void tt_row_pack_pending(const struct tt_pending_values *row, struct tt_buffer *out);
void tt_row_pack_pair(const tt_id *conversation, struct tt_buffer *out);
void tt_row_pack_user(const struct tt_user_row *row, struct tt_buffer *out);
void tt_row_pack_connection(const struct tt_connection_row *row, struct tt_buffer *out);
void tt_row_pack_token(const tt_id *user, const tt_id *device, struct tt_buffer *out);
void tt_row_pack_push(const struct tt_push_row *row, struct tt_buffer *out);
void tt_row_pack_position(const struct tt_position_row *row, struct tt_buffer *out);
void tt_row_pack_nothing(struct tt_buffer *out);

/* Each reads a value, or fails with CORRUPT. Texts point into `bytes`, arrays live in the arena;
 * what stands in the key (id, seq) is left as it was. */
TT_MUST_CHECK tt_err tt_row_unpack_conversation(struct tt_slice bytes, struct tt_arena *arena,
                                                struct tt_conversation *conversation);
TT_MUST_CHECK tt_err tt_row_unpack_head(struct tt_slice bytes, struct tt_head_row *row);
TT_MUST_CHECK tt_err tt_row_unpack_message(struct tt_slice bytes, struct tt_message *message);
TT_MUST_CHECK tt_err tt_row_unpack_status(struct tt_slice bytes, struct tt_arena *arena,
                                          struct tt_status_row *row);
/* Only the cursor of a status row; what follows it is not looked at. */
TT_MUST_CHECK tt_err tt_row_unpack_cursor(struct tt_slice bytes, struct tt_cursor *cursor);
TT_MUST_CHECK tt_err tt_row_unpack_send(struct tt_slice bytes, struct tt_send_row *row);
TT_MUST_CHECK tt_err tt_row_unpack_step(struct tt_slice bytes, struct tt_step_row *row);
TT_MUST_CHECK tt_err tt_row_unpack_pending(struct tt_slice bytes, struct tt_pending_values *row);
TT_MUST_CHECK tt_err tt_row_unpack_pair(struct tt_slice bytes, tt_id *conversation);
TT_MUST_CHECK tt_err tt_row_unpack_user(struct tt_slice bytes, struct tt_arena *arena,
                                        struct tt_user_row *row);
TT_MUST_CHECK tt_err tt_row_unpack_connection(struct tt_slice bytes, struct tt_connection_row *row);
TT_MUST_CHECK tt_err tt_row_unpack_token(struct tt_slice bytes, tt_id *user, tt_id *device);
TT_MUST_CHECK tt_err tt_row_unpack_push(struct tt_slice bytes, struct tt_push_row *row);
TT_MUST_CHECK tt_err tt_row_unpack_position(struct tt_slice bytes, struct tt_position_row *row);
TT_MUST_CHECK tt_err tt_row_unpack_nothing(struct tt_slice bytes);

#endif
