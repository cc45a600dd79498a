#include "sim/model.h"

/*
 * When somebody was last seen, worked out from when his sockets ended and from what the store was
 * told. Two bounds:
 *
 * What the store has kept is never lost again. Who asks for a chat, a list or a receipt is told no
 * earlier time than what was kept when he asked, whatever has died meanwhile and whatever the
 * registry has forgotten: the end of the last socket by its server's clock, or, if the server died
 * first, its last sign of life that the store has. A clock that is behind shows its own time; one
 * that is so far behind that the time must be wrong shows none.
 *
 * Where nothing goes wrong there is a bound on both sides, of the true time (seen.c, left.c).
 */

#define CALM_US     (60 * TT_US_PER_S) /* what was slow, or not renewed, is over */
#define CLOCKS_MS   60000              /* so far ahead, a time is taken for wrong */
#define SKEW_MS     2000
#define LATE_MS     2000 /* the store hears of two devices that leave in either order */
#define ALIVE_MS    4500 /* how old a sign of life, and a renewal of a lease, may be */
#define LATE_END_MS 5000 /* a socket that had ended before it was linked is taken for one */

#define NAME(id) (id).size, (id).bytes

static int64_t clock_ms(const struct tt_link *link)
{
    return tt_world_wall(link->world).ms + tt_link_server(link)->skew_ms;
}

/* The latest that somebody can be said to have been seen whose socket ends now. */
static tt_time latest_end(const struct tt_oracle *oracle)
{
    return TT_TIME(tt_world_wall(oracle->world).ms + SKEW_MS + LATE_END_MS);
}

static void keep(struct tt_oracle *oracle, int user, tt_time last_seen, bool by_crash)
{
    for (int i = 0; i < oracle->device_count; i++)
        if (oracle->devices[i].user == user && oracle->devices[i].is_connected)
            return;
    struct known_seen *seen = &oracle->seen[user];
    uint32_t newest = (seen->count + SEEN_KEPT - 1) % SEEN_KEPT;
    if (seen->count > 0 && seen->kept[newest].last_seen.ms >= last_seen.ms)
        return;
    uint32_t at = seen->count++ % SEEN_KEPT;
    seen->kept[at].at_us = oracle->world->agenda.now_us;
    seen->kept[at].last_seen = last_seen;
    seen->kept[at].by_crash = by_crash;
}

static void learn_link(struct tt_oracle *oracle, const struct tt_link_device *link,
                       uint32_t process)
{
    int device = tt_model_device(oracle, &link->user, &link->device);
    if (device < 0)
        return;
    oracle->devices[device].is_connected = true;
    oracle->devices[device].process = process;
    oracle->devices[device].connected_at = link->at;
}

static void learn_disconnect(struct tt_oracle *oracle, const struct tt_disconnect *disconnect)
{
    int number = tt_model_device(oracle, &disconnect->user, &disconnect->device);
    if (number < 0)
        return;
    struct known_device *device = &oracle->devices[number];
    if (!device->is_connected || device->epoch != disconnect->epoch)
        return;
    device->is_connected = false;
    bool has_ended = device->left_epoch == disconnect->epoch;
    keep(oracle, device->user, has_ended ? device->left_at : disconnect->at, false);
}

static void learn_unlink(struct tt_oracle *oracle, const struct tt_unlink_device *unlink)
{
    int number = tt_model_device(oracle, &unlink->user, &unlink->device);
    if (number < 0 || !oracle->devices[number].is_connected)
        return;
    oracle->devices[number].is_connected = false;
    keep(oracle, oracle->devices[number].user, unlink->at, false);
}

void tt_model_learn_seen(struct tt_oracle *oracle, const struct tt_store_op *op, uint32_t process)
{
    if (op->kind == TT_STORE_LINK_DEVICE)
        learn_link(oracle, &op->link_device, process);
    else if (op->kind == TT_STORE_DISCONNECT)
        learn_disconnect(oracle, &op->disconnect);
    else if (op->kind == TT_STORE_UNLINK_DEVICE)
        learn_unlink(oracle, &op->unlink_device);
    else if (op->kind == TT_STORE_ALIVE)
        oracle->alive[process] = tt_time_max(oracle->alive[process], op->alive.at);
}

void tt_oracle_server_died(struct tt_oracle *oracle, uint32_t process)
{
    tt_time last[TT_ORACLE_USERS_MAX] = {0};
    if (oracle == NULL)
        return;
    for (int i = 0; i < oracle->device_count; i++) {
        struct known_device *device = &oracle->devices[i];
        if (!device->is_connected || device->process != process)
            continue;
        device->is_connected = false;
        tt_time at = tt_time_max(oracle->alive[process], device->connected_at);
        last[device->user] = tt_time_max(last[device->user], at);
        keep(oracle, device->user, last[device->user], true);
        struct known_seen *seen = &oracle->seen[device->user];
        seen->to = tt_time_max(seen->to, latest_end(oracle));
    }
}

void tt_oracle_calms(struct tt_oracle *oracle)
{
    oracle->calm_us = oracle->world->agenda.now_us;
    oracle->calm_highest = tt_world_highest_wall(oracle->world);
}

/* The registry notes the last renewal of a lease by true time. The viewer's clock may be behind. */
static void note_end(struct tt_oracle *oracle, const struct tt_link *link,
                     const struct known_device *device)
{
    struct known_seen *seen = &oracle->seen[device->user];
    int64_t wall_ms = tt_world_wall(oracle->world).ms;
    int64_t from_ms = wall_ms - SKEW_MS - LATE_MS;
    if (!tt_link_server(link)->is_up)
        from_ms -= ALIVE_MS;
    seen->to = tt_time_max(seen->to, latest_end(oracle));
    if (link->epoch == 0 || link->epoch != device->epoch)
        return; /* it was refused, or there is a newer one */
    seen->is_known = true;
    seen->from = tt_time_max(seen->from, TT_TIME(from_ms));
}

void tt_model_session_ended(struct tt_oracle *oracle, const struct tt_link *link, int number)
{
    struct known_device *device = &oracle->devices[number];
    if (tt_link_server(link)->is_up && link->epoch != 0) {
        device->left_epoch = link->epoch;
        device->left_at = TT_TIME(clock_ms(link));
    }
    if (oracle->calm_us != 0 && oracle->world->agenda.now_us >= oracle->calm_us + CALM_US)
        note_end(oracle, link, device);
}

struct tt_oracle_seen tt_oracle_last_seen(const struct tt_oracle *oracle, const tt_id *user)
{
    const struct known_seen *seen = &oracle->seen[tt_model_user(oracle, user)];
    return (struct tt_oracle_seen){
        .is_known = seen->is_known,
        .from = seen->from,
        .to = seen->to,
        .may_be_later = oracle->calm_highest.ms > seen->from.ms,
    };
}

tt_time tt_model_seen_kept(const struct tt_oracle *oracle, const tt_id *user, uint64_t before_us)
{
    const struct known_seen *seen = &oracle->seen[tt_model_user(oracle, user)];
    for (uint32_t i = seen->count; i > 0 && i + SEEN_KEPT > seen->count; i--)
        if (seen->kept[(i - 1) % SEEN_KEPT].at_us < before_us)
            return seen->kept[(i - 1) % SEEN_KEPT].last_seen;
    return TT_TIME(0);
}

void tt_model_check_seen(struct tt_oracle *oracle, const tt_id *user,
                         const struct tt_status *status, tt_time least, const struct tt_told *told)
{
    int about = tt_model_user(oracle, user);
    bool chose = oracle->settings_us[about] != 0 || oracle->settings_us[told->viewer] != 0;
    int64_t highest_ms = tt_world_highest_wall(oracle->world).ms;
    bool may_be_none = chose || highest_ms > told->clock.earliest.ms + CLOCKS_MS;
    if (status->online || status->unknown || (status->last_seen.ms == 0 && may_be_none))
        return;
    if (least.ms > told->clock.earliest.ms)
        least = told->clock.earliest;
    if (status->last_seen.ms < least.ms)
        tt_oracle_fail(oracle, "promise 9: %.*s is told that %.*s was last seen %lld s too early%s",
                       NAME(oracle->users[told->viewer]), NAME(*user),
                       (long long)(least.ms - status->last_seen.ms) / 1000,
                       status->last_seen.ms == 0 ? ", never" : "");
    const struct known_seen *seen = &oracle->seen[about];
    uint32_t newest = (seen->count + SEEN_KEPT - 1) % SEEN_KEPT;
    oracle->world->sometimes.seen_of_crash += seen->count > 0 && seen->kept[newest].by_crash &&
                                              seen->kept[newest].last_seen.ms == least.ms;
}
