#include "sim/run.h"

#define CHANGING_US (3 * TT_US_PER_S / 2)

/* From coming back to having a socket. */
#define CONNECT_US (5 * TT_US_PER_S)

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

static bool is_online(const struct tt_run *run, const tt_id *user)
{
    for (uint32_t i = 0; i < run->device_count; i++)
        if (tt_id_eq(&run->devices[i]->user, user) && tt_device_is_online(run->devices[i]))
            return true;
    return false;
}

/* Sending moves no position but where the device stood right before: the rest comes with its next
 * ack. */
static uint64_t held_by(const struct tt_oracle *oracle, const tt_id *conversation,
                        const struct tt_sim_device *device)
{
    uint64_t seq = tt_oracle_position(oracle, conversation, &device->user, &device->id).n;
    while (tt_oracle_is_by(oracle, conversation, seq + 1, &device->user, &device->id))
        seq++;
    return seq;
}

/* Others' cursors also move as they send, of which nobody is told: what shows is which of one's own
 * messages have a tick. */
static bool is_same_tick(const struct tt_run *run, const struct tt_sim_device *device,
                         const tt_id *conversation, tt_seq shown, tt_seq truth)
{
    return tt_oracle_last_by(run->oracle, conversation, shown.n, &device->user) ==
           tt_oracle_last_by(run->oracle, conversation, truth.n, &device->user);
}

static void check_chat(struct tt_run *run, const struct tt_sim_device *device,
                       const struct tt_chat *chat)
{
    struct tt_oracle *oracle = run->oracle;
    const tt_id *id = &chat->is->id;
    if (tt_oracle_changed_us(oracle, id) + CHANGING_US > run->world->agenda.now_us)
        return; /* somebody has come back late, and sends what he had to, or acks */
    uint64_t head = tt_oracle_head(oracle, id).n;
    uint64_t position = held_by(oracle, id, device);
    if (position < head)
        tt_oracle_fail(oracle,
                       "promise 6, after all healed: %.*s/%.*s stands at %llu of %.*s, whose head "
                       "is %llu; it holds %llu, acked %llu",
                       NAME(device->user), NAME(device->id), NUMBER(position), NAME(*id),
                       NUMBER(head), NUMBER(chat->held), NUMBER(chat->acked));
    struct tt_cursor truth = tt_oracle_others(oracle, id, &device->user);
    if (!is_same_tick(run, device, id, chat->shown.delivered, truth.delivered) ||
        !is_same_tick(run, device, id, chat->shown.read, truth.read))
        tt_oracle_fail(oracle,
                       "promise 7, after all healed: %.*s/%.*s shows %.*s %llu/%llu, and the truth "
                       "is %llu/%llu",
                       NAME(device->user), NAME(device->id), NAME(*id),
                       NUMBER(chat->shown.delivered.n), NUMBER(chat->shown.read.n),
                       NUMBER(truth.delivered.n), NUMBER(truth.read.n));
}

/* Whether somebody has come or gone so lately that it need not be known. */
static bool is_changing(const struct tt_run *run, const tt_id *user)
{
    for (uint32_t i = 0; i < run->device_count; i++)
        if (tt_id_eq(&run->devices[i]->user, user) &&
            run->devices[i]->connected_us + CHANGING_US > run->world->agenda.now_us)
            return true;
    return false;
}

static void check_screen(struct tt_run *run, const struct tt_sim_device *device)
{
    if (device->screen < 0)
        return;
    const struct tt_chat *chat = &device->chats[device->screen];
    if (!device->screen_is_shown)
        tt_oracle_fail(run->oracle, "after all healed: %.*s/%.*s gets no answer to open %.*s",
                       NAME(device->user), NAME(device->id), NAME(chat->is->id));
    for (uint32_t i = 0; i < chat->is->member_count; i++) {
        const tt_id *member = &chat->is->members[i];
        if (tt_id_eq(member, &device->user) || is_changing(run, member))
            continue;
        bool may_see = tt_oracle_may_see(run->oracle, &device->user, member);
        bool truth = may_see && is_online(run, member);
        if (!may_see && !chat->status_is_known[i])
            continue; /* there was nothing to be told, and nothing is */
        if (!chat->status_is_known[i] || chat->status[i].online != truth)
            tt_oracle_fail(run->oracle,
                           "promise 9, after all healed: %.*s/%.*s sees %.*s %s, who is %s",
                           NAME(device->user), NAME(device->id), NAME(*member),
                           !chat->status_is_known[i] ? "not at all"
                           : chat->status[i].online  ? "online"
                                                     : "offline",
                           truth ? "online" : "offline");
    }
}

static void check_device(struct tt_run *run, const struct tt_sim_device *device)
{
    if (!tt_device_is_online(device)) {
        if (run->world->agenda.now_us >= device->away_until_us + CONNECT_US)
            tt_oracle_fail(run->oracle, "after all healed: %.*s/%.*s cannot connect",
                           NAME(device->user), NAME(device->id));
        return;
    }
    uint64_t since_us = run->world->agenda.now_us - device->connected_us;
    if (since_us < 10 * TT_US_PER_S)
        return;
    if (!device->caught_up)
        tt_oracle_fail(run->oracle, "after all healed: %.*s/%.*s was never told caught_up",
                       NAME(device->user), NAME(device->id));
    for (uint32_t i = 0; i < device->chat_count; i++)
        if (device->chats[i].is_member &&
            tt_oracle_is_member(run->oracle, &device->chats[i].is->id, &device->user))
            check_chat(run, device, &device->chats[i]);
    check_screen(run, device);
    for (uint32_t i = 0; i < TT_DEVICE_OUTGOING_MAX; i++)
        if (device->outgoing[i].is_used)
            tt_oracle_fail(run->oracle, "after all healed: %.*s of %.*s has no answer",
                           NAME(device->outgoing[i].client_id), NAME(device->user));
}

void tt_settled_check(struct tt_run *run)
{
    for (uint32_t i = 0; i < run->device_count; i++)
        if (run->devices[i]->honest)
            check_device(run, run->devices[i]);
}
