/*
 * record: one entry of the journal: a decided change, from which the index follows by apply.h.
 *
 *   byte 0   version, now 1
 *   byte 1   type (enum tt_record_kind)
 *   then, in the forms of pack.h (times and seqs are numbers, `?` marks an id that may be empty):
 *
 *   STARTED       start number
 *   ALIVE         at
 *   CREATED       conversation, kind, title (text), created at, count, that many member ids
 *   APPENDED      conversation, seq, sender, device?, client id?, timestamp, content (text)
 *   ADVANCED      conversation, user, device?, delivered, read, at
 *   LINKED        user, device, epoch, at, count, that many ids of devices unlinked before
 *   UNLINKED      user, device, at
 *   DISCONNECTED  user, device, epoch, at
 *   PUSHED        user, conversation, seq
 *   CHOSEN        user, flags (1: shares last seen, 2: push preview), display name (text)
 *   MUTED         conversation, user, until
 *   ADDRESSED     user, device, address (address.h; provider 0: none any more)
 *   NOTIFIED      conversation, user, device, seq, 1 if accepted, at, detail (text)
 *   ACCOUNTED     user, account (text, see account.h): as it is from now on
 *
 * The journal frames records with their length and a checksum (journal.h).
 */
#ifndef TT_ADAPTER_EMBEDDED_RECORD_H
#define TT_ADAPTER_EMBEDDED_RECORD_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "model/conversation.h"
#include "model/message.h"
#include "model/push_address.h"
#include "model/user.h"

/* What decoders accept; the core's own limits are lower or equal. */
#define TT_RECORD_MEMBERS_MAX 65536
#define TT_RECORD_DEVICES_MAX 4096

/* These numbers are on disk. */
enum tt_record_kind {
    TT_RECORD_STARTED = 1,
    TT_RECORD_ALIVE = 2,
    TT_RECORD_CREATED = 3,
    TT_RECORD_APPENDED = 4,
    TT_RECORD_ADVANCED = 5,
    TT_RECORD_LINKED = 6,
    TT_RECORD_UNLINKED = 7,
    TT_RECORD_DISCONNECTED = 8,
    TT_RECORD_PUSHED = 9,
    TT_RECORD_CHOSEN = 10,
    TT_RECORD_MUTED = 11,
    TT_RECORD_ADDRESSED = 12,
    TT_RECORD_NOTIFIED = 13,
    TT_RECORD_ACCOUNTED = 14,
};

struct tt_record {
    enum tt_record_kind kind;
    tt_id conversation;
    tt_id user;
    tt_id device;
    tt_time at; /* MUTED: until */
    union {
        uint64_t start;                   /* STARTED */
        uint64_t epoch;                   /* DISCONNECTED */
        struct tt_conversation created;   /* CREATED */
        struct tt_message message;        /* APPENDED */
        struct tt_cursor to;              /* ADVANCED */
        tt_seq pushed;                    /* PUSHED */
        struct tt_user_settings settings; /* CHOSEN */
        struct tt_push_address address;   /* ADDRESSED */
        struct tt_slice account;          /* ACCOUNTED */
        struct {
            tt_seq seq;
            bool accepted;
            struct tt_slice detail;
        } notified; /* NOTIFIED */
        struct {
            uint64_t epoch;
            const tt_id *unlinked;
            size_t unlinked_count;
        } linked; /* LINKED */
    };
};

/* Appends the record's bytes. */
void tt_record_encode(const struct tt_record *record, struct tt_buffer *out);

/* Reads one record: its slices point into `bytes`, its arrays live in the arena. CORRUPT. */
TT_MUST_CHECK tt_err tt_record_decode(struct tt_slice bytes, struct tt_arena *arena,
                                      struct tt_record *record);

#endif
