#include "adapter/embedded/sent.h"

#include "base/map.h"
#include "base/memory.h"

#define COUNT_MAX    4096 /* 32 KiB at most */
#define CAPACITY_MIN 16
#define HASH_SEED    4

/* A look into the files costs about as much as so many rows of a walk, and to begin a walk as much
 * as so many rows. */
#define ROWS_PER_LOOK 8
#define ROWS_OF_BEGIN 64

void tt_sent_begin(struct tt_sent *sent)
{
    *sent = (struct tt_sent){.state = TT_SENT_KNOWN};
}

void tt_sent_deinit(struct tt_sent *sent)
{
    tt_free(sent->slots);
    *sent = (struct tt_sent){.state = TT_SENT_UNKNOWN};
}

void tt_sent_give_up(struct tt_sent *sent)
{
    tt_sent_deinit(sent);
    sent->state = TT_SENT_TOO_MANY;
}

size_t tt_sent_size(const struct tt_sent *sent)
{
    return sent->capacity * sizeof(*sent->slots);
}

static uint32_t hash_of(struct tt_slice key)
{
    uint32_t hash = (uint32_t)tt_hash(key, HASH_SEED);
    return hash == 0 ? 1 : hash;
}

/* The slot that holds the hash, or the free one where it belongs. */
static uint32_t *slot_of(const struct tt_sent *sent, uint32_t hash)
{
    uint32_t mask = sent->capacity - 1;
    uint32_t at = hash & mask;
    while (sent->slots[at] != 0 && sent->slots[at] != hash)
        at = (at + 1) & mask;
    return &sent->slots[at];
}

bool tt_sent_has_not(const struct tt_sent *sent, struct tt_slice key)
{
    if (sent->state != TT_SENT_KNOWN)
        return false;
    return sent->count == 0 || *slot_of(sent, hash_of(key)) == 0;
}

static void enlarge(struct tt_sent *sent)
{
    struct tt_sent old = *sent;
    sent->capacity = old.capacity == 0 ? CAPACITY_MIN : old.capacity * 2;
    sent->slots = tt_alloc(sent->capacity * sizeof(*sent->slots));
    for (uint32_t i = 0; i < old.capacity; i++)
        if (old.slots[i] != 0)
            *slot_of(sent, old.slots[i]) = old.slots[i];
    tt_free(old.slots);
}

void tt_sent_add(struct tt_sent *sent, struct tt_slice key)
{
    if (sent->state != TT_SENT_KNOWN)
        return;
    if (sent->count == COUNT_MAX) {
        tt_sent_give_up(sent);
        return;
    }
    if (sent->count >= sent->capacity / 2)
        enlarge(sent);
    uint32_t hash = hash_of(key);
    uint32_t *slot = slot_of(sent, hash);
    sent->count += *slot == 0 ? 1 : 0;
    *slot = hash;
}

bool tt_sent_is_worth_reading(struct tt_sent *sent, uint64_t messages)
{
    if (sent->state != TT_SENT_UNKNOWN)
        return false;
    if (messages > COUNT_MAX / 2)
        sent->state = TT_SENT_TOO_MANY;
    sent->looks++;
    return sent->state == TT_SENT_UNKNOWN &&
           (uint64_t)sent->looks * ROWS_PER_LOOK > messages + ROWS_OF_BEGIN;
}

tt_err tt_sent_read(struct tt_sent *sent, const struct tt_view *view, struct tt_slice prefix)
{
    struct tt_walk *walk = tt_walk_create(view, prefix);
    tt_sent_begin(sent);
    for (; tt_walk_valid(walk); tt_walk_next(walk))
        tt_sent_add(sent, tt_walk_key(walk));
    tt_err err = tt_walk_destroy(&walk);
    if (!tt_is_ok(err))
        tt_sent_deinit(sent);
    return err;
}
