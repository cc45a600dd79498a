#include "sim/fake_notifier.h"

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

static void tell(void *context, void *payload)
{
    struct answer *answer = payload;
    (void)context;
    answer->sink.notified(answer->sink.context, &answer->notified);
    tt_free(answer);
}

void tt_fake_notifier_ring(struct tt_fake_notifier *notifier,
                           const struct tt_notification *notification, struct tt_notifier_sink sink)
{
    notifier->rung += notification->kind == TT_NOTIFY_RING;
    notifier->cleared += notification->kind == TT_NOTIFY_CLEAR;
    if (notification->kind != TT_NOTIFY_RING)
        return;
    struct answer *answer = tt_alloc(sizeof(*answer));
    answer->sink = sink;
    answer->notified = (struct tt_notified){
        .outcome = notifier->is_away ? TT_NOTIFY_LATER : TT_NOTIFY_ACCEPTED,
        .provider = notification->address.provider,
        .user = notification->user,
        .device = notification->device,
        .conversation = notification->conversation,
        .seq = notification->seq,
        .detail = tt_slice_text(notifier->is_away ? "away" : "id"),
    };
    if (!notifier->is_away)
        keep(notifier, notification);
    uint64_t delay = tt_prng_delay(&notifier->prng, LATENCY_US);
    tt_agenda_after(notifier->agenda, delay, tell, notifier, answer, tt_free);
}

tt_seq tt_fake_notifier_accepted(const struct tt_fake_notifier *notifier, const tt_id *user,
                                 const tt_id *device, const tt_id *conversation)
{
    struct accepted wanted = {.key_size = 0};
    make_key(&wanted, user, device, conversation);
    const struct accepted *row = tt_map_get(&notifier->accepted, key_of(&wanted));
    return row == NULL ? TT_SEQ(0) : row->seq;
}
