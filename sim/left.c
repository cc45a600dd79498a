#include "sim/node.h"
#include "sim/run.h"

/*
 * When all have gone and nothing is under way, nothing is left over: in no core, in the registry,
 * and in the store only what somebody still lacks. What is forgotten in a corner grows otherwise,
 * for as long as the server runs.
 */
#define GONE_US  (60 * TT_US_PER_S) /* a socket that is half-open is noticed in 35 s */
#define LOOK_US  (3 * TT_US_PER_S + TT_US_PER_S / 7) /* a sign of life may be on its way */
#define LOOKS    70 /* what somebody did not have is looked after again, at last after 48 s */
#define ROWS_MAX 100

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

static const char *held_by(const struct tt_node *node, uint64_t *count)
{
    const struct tt_core_held held = tt_core_held(tt_driver_core(node->driver));
#define X(name)                                                                                    \
    if (held.name > 0) {                                                                           \
        *count = held.name;                                                                        \
        return #name;                                                                              \
    }
    TT_CORE_HELD_MAP(X)
#undef X
    return NULL;
}

static bool look(struct tt_run *run, bool is_last)
{
    bool is_empty = true;
    for (const struct tt_node *node = run->world->all_nodes; node != NULL; node = node->next) {
        uint64_t count = 0;
        const char *what = node->driver == NULL ? NULL : held_by(node, &count);
        is_empty = is_empty && what == NULL;
        if (what != NULL && is_last)
            tt_oracle_fail(run->oracle, "left over: %.*s.%u holds %llu %s, and everybody has gone",
                           NAME(node->place.server), node->place.node, NUMBER(count), what);
    }
    return is_empty;
}

/* A watcher is taken out once, and not again if that fails. */
static void check_registry(struct tt_run *run)
{
    const struct tt_sometimes *sometimes = &run->world->sometimes;
    bool was_bad = sometimes->registry_failed + sometimes->registry_fell_back > 0;
    size_t watchers;
    size_t devices = tt_fake_registry_count(run->world->registry, &watchers);
    if (devices > 0 || (watchers > 0 && !was_bad))
        tt_oracle_fail(run->oracle,
                       "left over: the registry has %zu devices and %zu watchers, and everybody "
                       "has gone",
                       devices, watchers);
}

static bool has_everything(const struct tt_run *run, const tt_id *conversation,
                           const struct tt_store_op *linked, uint64_t head)
{
    const struct tt_list_devices *list = &linked->list_devices;
    for (size_t i = 0; i < list->device_count; i++)
        if (tt_oracle_position(run->oracle, conversation, &list->user, &list->devices[i].id).n <
            head)
            return false;
    return list->device_count > 0;
}

/* What was armed for a message that was then not stored stays until the next one that somebody else
 * sends is acked: one's own, sent from one's only device, asks for no ack. */
static bool may_stay(const struct tt_run *run, const struct tt_pending_row *row,
                     const struct tt_store_op *linked, uint64_t head)
{
    const struct tt_list_devices *list = &linked->list_devices;
    return row->armed.n > head ||
           (list->device_count == 1 &&
            tt_oracle_last_by(run->oracle, &row->conversation, head, &list->user) == head);
}

static void check_pending(struct tt_run *run, const tt_id *user, const struct tt_store_op *linked)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PENDING);
    op->list_pending.user = *user;
    op->list_pending.count_max = ROWS_MAX;
    tt_fake_store_apply(run->world->store, op);
    for (size_t i = 0; i < op->list_pending.row_count; i++) {
        const struct tt_pending_row *row = &op->list_pending.rows[i];
        uint64_t head = tt_oracle_head(run->oracle, &row->conversation).n;
        if (!may_stay(run, row, linked, head) &&
            has_everything(run, &row->conversation, linked, head))
            tt_oracle_fail(run->oracle,
                           "left over: %.*s is pending for %.*s up to %llu, and all his devices "
                           "have that",
                           NAME(row->conversation), NAME(*user), NUMBER(row->armed.n));
    }
    tt_store_op_destroy(&op);
}

/* What the store keeps of when he was last seen is what it would say after the worst crash. */
static void check_kept(struct tt_run *run, const tt_id *user)
{
    const struct tt_oracle_seen seen = tt_oracle_last_seen(run->oracle, user);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_USERS);
    op->get_users.ids = user;
    op->get_users.id_count = 1;
    tt_fake_store_apply(run->world->store, op);
    tt_time kept = op->get_users.users[0].last_seen;
    bool is_wrong = kept.ms < seen.from.ms || (kept.ms > seen.to.ms && !seen.may_be_later);
    if (seen.is_known && is_wrong)
        tt_oracle_fail(run->oracle,
                       "promise 9: the store keeps %lld ms after the earliest that %.*s can have "
                       "been last seen, and the latest is %lld ms",
                       (long long)(kept.ms - seen.from.ms), NAME(*user),
                       (long long)(seen.to.ms - seen.from.ms));
    tt_store_op_destroy(&op);
}

/* A connection that was given up is refused when the store does not say whether it linked it. If it
 * did, its epoch is the newest: the end of the one that is used instead is then too old to count,
 * and the device stays connected in the store until it connects again or that server dies. Whether
 * all are gone; else the store has kept no last seen yet. */
static bool check_connected(struct tt_run *run, const struct tt_store_op *linked)
{
    const struct tt_list_devices *list = &linked->list_devices;
    bool are_gone = true;
    for (size_t i = 0; i < list->device_count; i++) {
        if (!list->devices[i].connected)
            continue;
        are_gone = false;
        if (run->world->sometimes.store_failed_after == 0)
            tt_oracle_fail(run->oracle, "left over: %.*s/%.*s is connected in the store, and gone",
                           NAME(list->user), NAME(list->devices[i].id));
    }
    return are_gone;
}

static void check_user(struct tt_run *run, const tt_id *user)
{
    struct tt_store_op *linked = tt_store_op_create(TT_STORE_LIST_DEVICES);
    linked->list_devices.user = *user;
    tt_fake_store_apply(run->world->store, linked);
    check_pending(run, user, linked);
    if (check_connected(run, linked))
        check_kept(run, user);
    tt_store_op_destroy(&linked);
}

void tt_left_check(struct tt_run *run)
{
    struct tt_world *world = run->world;
    for (uint32_t i = 0; i < run->device_count; i++)
        tt_device_stay_away(run->devices[i]);
    for (struct tt_link *link = world->all_links; link != NULL; link = link->next)
        tt_link_close(link); /* those that a liar has forgotten */
    tt_run_until(run, world->agenda.now_us + GONE_US);
    for (int i = 0; i < LOOKS && !look(run, i == LOOKS - 1); i++)
        tt_run_until(run, world->agenda.now_us + LOOK_US);
    check_registry(run);
    for (uint32_t i = 0; i < run->swarm.users; i++) {
        const tt_id user = tt_id_numbered('u', i);
        check_user(run, &user);
    }
}
