/*
 * desk: where accounts are made, looked at and changed, one step after the other: each call waits
 * for the store and for Argon2id. Any thread may call, but no loop's; who calls often keeps a room
 * for it.
 *
 * Whether a name is known cannot be told from outside: an unknown one, one that is switched off and
 * a wrong password all cost one look into the store and one hash, and are answered alike.
 */
#ifndef TT_ADAPTER_ACCOUNT_DESK_H
#define TT_ADAPTER_ACCOUNT_DESK_H

#include "adapter/account/room.h"
#include "base/arena.h"
#include "port/clock.h"
#include "port/store.h"

/* Past so many devices that are logged in the oldest is logged out. */
#define TT_DESK_LOGINS_MAX 64

struct tt_desk;

struct tt_desk_owner {
    void *context;
    struct tt_store_port (*attach)(void *context, struct tt_store_sink sink);
    void (*fill)(void *bytes, size_t size); /* entropy */

    size_t memory; /* of a hash */
    bool compares; /* somebody may log in here */

    /* A device, or with none each of the user's, was unlinked, or may have been, and then its
     * sockets must end. Any thread. May be NULL. */
    void (*cut)(void *context, const tt_id *user, const tt_id *device);
};

/* OVERLOADED: there is no memory for a hash. */
TT_MUST_CHECK tt_err tt_desk_create(const struct tt_desk_owner *owner, struct tt_desk **desk);
void tt_desk_destroy(struct tt_desk **take_desk);

/* How many passwords were compared. */
uint64_t tt_desk_comparisons(struct tt_desk *desk);

/* BAD_LOGIN; UNAVAILABLE, OVERLOADED and their like. A device that is none is made up. */
TT_MUST_CHECK tt_err tt_desk_log_in(struct tt_desk *desk, struct tt_room *room, const tt_id *user,
                                    struct tt_slice password, tt_time now, tt_id *device,
                                    uint64_t *login);

/* CONFLICT: the name is taken; for a stranger also one that has ever been connected. */
TT_MUST_CHECK tt_err tt_desk_add(struct tt_desk *desk, struct tt_room *room, const tt_id *user,
                                 struct tt_slice password, bool by_stranger, tt_time now);

/* These end all logins and unlink all devices of the user. NOT_FOUND. An error of the unlinking
 * leaves no other device linked, and asking again is right. */
TT_MUST_CHECK tt_err tt_desk_set_password(struct tt_desk *desk, struct tt_room *room,
                                          const tt_id *user, struct tt_slice password, tt_time now);
TT_MUST_CHECK tt_err tt_desk_disable(struct tt_desk *desk, const tt_id *user, tt_time now);

TT_MUST_CHECK tt_err tt_desk_enable(struct tt_desk *desk, const tt_id *user, tt_time now);

/* Tells `row` of each account, by name. */
TT_MUST_CHECK tt_err tt_desk_list(struct tt_desk *desk,
                                  void (*row)(void *context, const struct tt_account_row *row),
                                  void *context);

#endif
