#include "sim/run.h"

/*
 * Whether people see each other as they are, within seconds. What is true is looked at four times a
 * second: somebody is online if a device of his is connected and nothing stands in its way, offline
 * if no node holds a socket of his, and in between nobody can know.
 */
#define LOOK_US (TT_US_PER_S / 4)

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

static enum tt_seen truth_of(const struct tt_run *run, const tt_id *user)
{
    bool all_true = true;
    bool any = false;
    for (uint32_t i = 0; i < run->device_count; i++) {
        const struct tt_sim_device *device = run->devices[i];
        if (!tt_id_eq(&device->user, user) || !tt_device_is_online(device))
            continue;
        any = true;
        all_true = all_true && !device->link->is_cut && !device->link->is_stuck &&
                   device->link->server_open;
    }
    if (any && all_true)
        return TT_SEEN_ONLINE;
    return !any && tt_oracle_sessions(run->oracle, user) == 0 ? TT_SEEN_OFFLINE : TT_SEEN_UNKNOWN;
}

static const struct tt_seen_user *seen_of(const struct tt_run *run, const tt_id *user)
{
    for (uint32_t i = 0; i < run->swarm.users; i++)
        if (tt_id_eq(&run->seen[i].user, user))
            return &run->seen[i];
    return NULL;
}

static bool is_long_ago(const struct tt_run *run, uint64_t at_us)
{
    return at_us + run->seen_within_us <= run->world->agenda.now_us;
}

/* Whether the device has been looking at its chat for long enough. */
static bool is_looking(const struct tt_run *run, const struct tt_sim_device *device)
{
    return device->honest && tt_device_is_online(device) && device->screen >= 0 &&
           device->screen_is_shown && device->shown_us != 0 && is_long_ago(run, device->shown_us) &&
           !device->link->is_cut && !device->link->is_stuck && device->link->bytes_per_ms == 0 &&
           device->link->server_open && device->marking == 0 &&
           is_long_ago(run, tt_oracle_settings_us(run->oracle, &device->user));
}

/* Of somebody who has left since the faults ended. */
static void check_last_seen(struct tt_run *run, const struct tt_sim_device *device,
                            const tt_id *member, tt_time shown)
{
    const struct tt_oracle_seen seen = tt_oracle_last_seen(run->oracle, member);
    if (!seen.is_known)
        return;
    bool is_early = shown.ms < seen.from.ms && !(seen.may_be_later && shown.ms == 0);
    bool is_late = shown.ms > seen.to.ms && !seen.may_be_later;
    if (is_early || is_late)
        tt_oracle_fail(run->oracle,
                       "promise 9: %.*s/%.*s sees that %.*s was last seen %lld ms too %s%s",
                       NAME(device->user), NAME(device->id), NAME(*member),
                       (long long)(is_early ? seen.from.ms - shown.ms : shown.ms - seen.to.ms),
                       is_early ? "early" : "late", shown.ms == 0 ? ", never" : "");
    run->world->sometimes.last_seen_in_time++;
}

static void check_member(struct tt_run *run, const struct tt_sim_device *device, uint32_t number)
{
    const struct tt_chat *chat = &device->chats[device->screen];
    const tt_id *member = &chat->is->members[number];
    const struct tt_seen_user *seen = seen_of(run, member);
    if (tt_id_eq(member, &device->user) || seen == NULL || seen->truth == TT_SEEN_UNKNOWN ||
        !is_long_ago(run, seen->since_us) ||
        !is_long_ago(run, tt_oracle_settings_us(run->oracle, member)))
        return;
    if (seen->truth == TT_SEEN_OFFLINE &&
        !is_long_ago(run, tt_oracle_sessions_us(run->oracle, member)))
        return; /* somebody was there for an instant */
    if (seen->truth == TT_SEEN_ONLINE && !is_long_ago(run, tt_oracle_came_us(run->oracle, member)))
        return; /* nobody was */
    bool may_see = tt_oracle_may_see(run->oracle, &device->user, member);
    bool truth = may_see && seen->truth == TT_SEEN_ONLINE;
    if (!may_see && !chat->status_is_known[number])
        return; /* there was nothing to be told, and nothing is */
    if (!chat->status_is_known[number] || chat->status[number].online != truth)
        tt_oracle_fail(run->oracle, "time: %.*s/%.*s sees %.*s %s, who has been %s for %llu s",
                       NAME(device->user), NAME(device->id), NAME(*member),
                       chat->status[number].online ? "online" : "offline",
                       truth ? "online" : "offline", NUMBER(run->seen_within_us / TT_US_PER_S));
    else if (may_see && !truth)
        check_last_seen(run, device, member, chat->status[number].last_seen);
}

static void look(void *context, void *payload)
{
    (void)payload;
    struct tt_run *run = context;
    if (!run->is_seeing)
        return;
    for (uint32_t i = 0; i < run->swarm.users; i++) {
        struct tt_seen_user *seen = &run->seen[i];
        enum tt_seen truth = truth_of(run, &seen->user);
        if (truth != seen->truth)
            seen->since_us = run->world->agenda.now_us;
        seen->truth = truth;
    }
    for (uint32_t i = 0; i < run->device_count; i++) {
        const struct tt_sim_device *device = run->devices[i];
        for (uint32_t m = 0;
             is_looking(run, device) && m < device->chats[device->screen].is->member_count; m++)
            check_member(run, device, m);
    }
    tt_agenda_after(&run->world->agenda, LOOK_US, look, run, NULL, NULL);
}

void tt_seen_begin(struct tt_run *run, uint64_t within_us)
{
    run->seen_within_us = within_us;
    for (uint32_t i = 0; i < run->swarm.users; i++) {
        run->seen[i].user = tt_id_numbered('u', i);
        run->seen[i].truth = TT_SEEN_UNKNOWN;
    }
    if (!run->is_seeing)
        tt_agenda_after(&run->world->agenda, LOOK_US, look, run, NULL, NULL);
    run->is_seeing = true;
}

void tt_seen_end(struct tt_run *run)
{
    run->is_seeing = false;
}
