#include "sim/fake_notifier.h"

#include "base/arena.h"
#include "base/memory.h"

#define LATENCY_US   20000
#define KEY_SIZE_MAX ((size_t)3 * (TT_ID_SIZE_MAX + 1))

struct accepted {
    char key[KEY_SIZE_MAX];
    size_t key_size;
    tt_seq seq;
};

struct answer {
    struct tt_notifier_sink sink;
    struct tt_notified notified;
    struct tt_arena arena;
};

static struct tt_slice key_of(const void *value)
{
    const struct accepted *row = value;
    return tt_slice(row->key, row->key_size);
}

static void make_key(struct accepted *row, const tt_id *user, const tt_id *device,
                     const tt_id *conversation)
{
    const tt_id *ids[] = {user, device, conversation};
    for (size_t i = 0; i < 3; i++) {
        row->key[row->key_size++] = (char)ids[i]->size;
        memcpy(row->key + row->key_size, ids[i]->bytes, ids[i]->size);
        row->key_size += ids[i]->size;
    }
}

void tt_fake_notifier_init(struct tt_fake_notifier *notifier, struct tt_agenda *agenda,
                           uint64_t seed)
{
    *notifier = (struct tt_fake_notifier){.agenda = agenda};
    tt_prng_init(&notifier->prng, seed, TT_STREAM_NOTIFIER);
    tt_prng_init(&notifier->fate, seed, TT_STREAM_PHONES);
    tt_map_init(&notifier->accepted, key_of, 1);
}

void tt_fake_notifier_deinit(struct tt_fake_notifier *notifier)
{
    void *row;
    for (size_t at = 0; (row = tt_map_next(&notifier->accepted, &at)) != NULL;)
        tt_free(row);
    tt_map_deinit(&notifier->accepted);
}

static void keep(struct tt_fake_notifier *notifier, const struct tt_notification *notification)
{
    struct accepted *row = tt_alloc(sizeof(*row));
    make_key(row, &notification->user, &notification->device, &notification->conversation);
    struct accepted *old = tt_map_get(&notifier->accepted, key_of(row));
    if (old == NULL) {
        tt_map_add(&notifier->accepted, row);
    } else {
        tt_free(row);
        row = old;
    }
    row->seq = tt_seq_max(row->seq, notification->seq);
}

static void drop(void *payload)
{
    struct answer *answer = payload;
    tt_arena_deinit(&answer->arena);
    tt_free(answer);
}

static void tell(void *context, void *payload)
{
    struct answer *answer = payload;
    (void)context;
    answer->sink.notified(answer->sink.context, &answer->notified);
    drop(answer);
}

/* What becomes of it; `taken`: the phone rings, whatever is said. */
static enum tt_notify_outcome decide(struct tt_fake_notifier *notifier,
                                     const struct tt_notification *notification, tt_time *since,
                                     bool *taken)
{
    struct tt_fake_notifier_faults *faults = &notifier->faults;
    bool later = tt_prng_chance(&notifier->fate, faults->later_per_mille);
    bool unknown = tt_prng_chance(&notifier->fate, faults->unknown_per_mille);
    bool fails = tt_prng_chance(&notifier->fate, faults->fail_per_mille);
    *taken = false;
    if (notifier->is_away || later)
        return TT_NOTIFY_LATER;
    const struct tt_fake_notifier_watch *watch = &notifier->watch;
    if (watch->is_dead != NULL && watch->is_dead(watch->context, notification, since))
        return TT_NOTIFY_GONE;
    if (fails)
        return TT_NOTIFY_FAILED;
    if (notifier->mutant == TT_MUTANT_RING_SWALLOWED && tt_prng_chance(&notifier->fate, 50))
        return TT_NOTIFY_ACCEPTED;
    *taken = true;
    return unknown ? TT_NOTIFY_LATER : TT_NOTIFY_ACCEPTED;
}

static const char *const details[] = {"id", "refused", "gone", "away"};

static void answer_later(struct tt_fake_notifier *notifier,
                         const struct tt_notification *notification, struct tt_notifier_sink sink,
                         enum tt_notify_outcome outcome, tt_time dead_since)
{
    struct tt_fake_notifier_faults *faults = &notifier->faults;
    struct answer *answer = tt_alloc(sizeof(*answer));
    answer->sink = sink;
    answer->notified = (struct tt_notified){
        .outcome = outcome,
        .provider = notification->address.provider,
        .user = notification->user,
        .device = notification->device,
        .conversation = notification->conversation,
        .seq = notification->seq,
        .detail = tt_slice_text(details[outcome]),
        .token = tt_arena_copy(&answer->arena, notification->address.token),
        .dead_since = dead_since,
    };
    if (outcome == TT_NOTIFY_LATER)
        answer->notified.retry_after_ms = notifier->retry_after_ms;
    if (outcome == TT_NOTIFY_LATER && faults->retry_ms_max > 0)
        answer->notified.retry_after_ms =
            (uint32_t)tt_prng_below(&notifier->fate, faults->retry_ms_max);
    uint64_t delay = tt_prng_delay(&notifier->prng, LATENCY_US);
    if (tt_prng_chance(&notifier->fate, faults->stall_per_mille))
        delay += tt_prng_delay(&notifier->fate, faults->stall_us);
    tt_agenda_after(notifier->agenda, delay, tell, notifier, answer, drop);
}

void tt_fake_notifier_ring(struct tt_fake_notifier *notifier,
                           const struct tt_notification *notification, struct tt_notifier_sink sink)
{
    const struct tt_fake_notifier_watch *watch = &notifier->watch;
    enum tt_notify_outcome outcome = TT_NOTIFY_ACCEPTED;
    tt_time dead_since = TT_TIME(0);
    bool rings = notification->kind == TT_NOTIFY_RING;
    bool taken = false;
    notifier->rung += rings;
    notifier->cleared += !rings;
    if (rings)
        outcome = decide(notifier, notification, &dead_since, &taken);
    if (watch->asked != NULL)
        watch->asked(watch->context, notification, outcome, taken);
    if (watch->asked != NULL && notifier->mutant == TT_MUTANT_RING_DOUBLED &&
        tt_prng_chance(&notifier->fate, 10))
        watch->asked(watch->context, notification, outcome, taken);
    if (!rings)
        return;
    if (taken)
        keep(notifier, notification);
    answer_later(notifier, notification, sink, outcome, dead_since);
}

tt_seq tt_fake_notifier_accepted(const struct tt_fake_notifier *notifier, const tt_id *user,
                                 const tt_id *device, const tt_id *conversation)
{
    struct accepted wanted = {.key_size = 0};
    make_key(&wanted, user, device, conversation);
    const struct accepted *row = tt_map_get(&notifier->accepted, key_of(&wanted));
    return row == NULL ? TT_SEQ(0) : row->seq;
}
