/*
 * hint: what one node tells another. At most once: a hint may be lost, doubled, late or out of
 * order, so each is safe to drop and safe to repeat, and the store is the truth.
 */
#ifndef TT_MODEL_HINT_H
#define TT_MODEL_HINT_H

#include "base/buffer.h"
#include "base/err.h"
#include "base/handle.h"
#include "model/conversation.h"
#include "model/message.h"
#include "model/place.h"

#define TT_HINT_MAP(X)                                                                             \
    X(MESSAGE)   /* to `user`'s devices: this message was stored; `over_http`: it came so */       \
    X(NUDGE)     /* to `user`'s devices: the conversation has messages up to message.seq */        \
    X(STATUS)    /* to `user`'s devices: `about` moved; `cursor` is what to show, `moved` what;    \
                    up to message.seq all of `about`'s devices have everything */                  \
    X(READ_SYNC) /* to `user`'s devices: cursor.read is the user's own */                          \
    X(ADDED)     /* to `user`'s devices: a member of `conversation` now */                         \
    X(SETTINGS)  /* to `user`'s devices: the user's settings were changed */                       \
    X(PRESENCE)  /* to a node that watches `user`: status and its version */                       \
    X(TYPING)    /* to a node that watches `user`: types in `conversation` */                      \
    X(KICK)   /* to a node: `user`'s `device` has connected elsewhere with `version` as epoch; a   \
                 socket that has this one looks whether it is still registered */                  \
    X(CUT)    /* to a node: `user`'s `device`, or with none each of them, was unlinked, or may     \
                 have been */                                                                      \
    X(HANDED) /* to the node of `user`'s `device`: cursor.read..cursor.delivered was handed out    \
                 over HTTP; `opened`: and the conversation is to be on its screen */               \
    X(HANDED_OK) /* back to the node that answers the request `waiter`; message.seq: 0, or the     \
                    turn of the device's screen */                                                 \
    X(MARK)      /* to the node of `user`'s `device`: the conversation is on its screen, if that   \
                    has not changed since the turn message.seq */

enum tt_hint_kind {
#define X(name) TT_HINT_##name,
    TT_HINT_MAP(X)
#undef X
};

struct tt_hint {
    enum tt_hint_kind kind;
    tt_id user;
    tt_id device;
    tt_id conversation;
    tt_id about;
    struct tt_message message;
    struct tt_cursor cursor;
    bool moved_delivered;
    bool moved_read;
    bool opened;
    bool over_http;
    bool hidden; /* PRESENCE, SETTINGS: the user; MARK: the other one, from who asked */
    bool chosen; /* PRESENCE: whether he shares is to be read before anything is told; `hidden`
                    then says to hide him at once */
    struct tt_status status;
    uint64_t version;
    struct tt_place reply_to;
    tt_handle waiter;
};

/* Appends the hint's bytes. */
void tt_hint_encode(const struct tt_hint *hint, struct tt_buffer *out);

/* Reads one hint; its slices point into `bytes`. Fails with CORRUPT. */
TT_MUST_CHECK tt_err tt_hint_decode(struct tt_slice bytes, struct tt_hint *hint);

const char *tt_hint_name(enum tt_hint_kind kind);

#endif
