/*
 * storm: everybody comes back at once, each with messages waiting: what a server sees after a
 * network outage, or after its own restart. Groups of people get `pending` messages while they are
 * away; then all connect as fast as the kernel takes them, read what waited, and acknowledge it.
 */
#include "app/bench/rig.h"

#include <stdio.h>

#include "adapter/clock_os.h"
#include "base/memory.h"

#define GROUP_SIZE      50
#define SENT_UNREAD_MAX 1000
#define PATIENCE_NS     120000000000ULL
#define NANOSECONDS     1000000000.0

struct group {
    struct storm *storm;
    struct tt_bench_end sender;
    tt_id conversation;
    uint64_t number; /* of the last message that was sent */
    tt_seq head;     /* of those that are stored */
};

struct guest {
    struct storm *storm;
    struct group *group;
    struct tt_bench_end end;
    struct tt_buffer token;
    tt_id user;
    tt_seq seen;
    bool caught_up;
};

struct storm {
    struct tt_bench *bench;
    struct group *groups;
    uint64_t group_count;
    struct guest *guests;
    uint64_t guest_count;
    uint64_t waiting; /* for so many answers */
    uint64_t messages;
    bool done;
};

static void one_less(struct storm *storm)
{
    storm->waiting--;
    storm->done = storm->waiting == 0;
}

static bool sender_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct group *group = end->owner;
    if (frame->kind != TT_SERVER_SENT)
        return true;
    group->head = tt_seq_max(group->head, frame->seq);
    one_less(group->storm);
    return true;
}

/* Done when it has all, and what it acked is shown to be: the acks are part of the storm. */
static bool guest_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct guest *guest = end->owner;
    if (frame->kind == TT_SERVER_MESSAGE) {
        guest->seen = frame->seq;
        guest->storm->messages++;
        if (guest->seen.n == guest->group->head.n &&
            !tt_bench_delivered(end, &guest->group->conversation, guest->seen))
            return false;
    }
    bool was_caught_up = guest->caught_up;
    guest->caught_up = guest->caught_up || frame->kind == TT_SERVER_CAUGHT_UP;
    if (guest->caught_up && !was_caught_up) {
        if (guest->seen.n < guest->group->head.n)
            return tt_bench_fail(end->bench, "a device was caught_up before it had everything");
        one_less(guest->storm);
    }
    return true;
}

static bool open_group(struct storm *storm, uint64_t number)
{
    struct group *group = &storm->groups[number];
    uint64_t first = number * GROUP_SIZE;
    uint64_t end =
        first + GROUP_SIZE < storm->guest_count ? first + GROUP_SIZE : storm->guest_count;
    tt_id *members = tt_alloc((size_t)(end - first + 1) * sizeof(*members));
    size_t count = 0;
    members[count++] = tt_bench_name(storm->bench, "bench_s", number);
    for (uint64_t i = first; i < end; i++) {
        struct guest *guest = &storm->guests[i];
        guest->storm = storm;
        guest->group = group;
        guest->user = tt_bench_name(storm->bench, "bench_g", i);
        guest->end =
            (struct tt_bench_end){.bench = storm->bench, .owner = guest, .take = guest_takes};
        tt_bench_sign(storm->bench, &guest->user, &guest->token);
        members[count++] = guest->user;
    }
    group->storm = storm;
    group->conversation = tt_bench_name(storm->bench, "bench_storm", number);
    group->sender =
        (struct tt_bench_end){.bench = storm->bench, .owner = group, .take = sender_takes};
    bool opened = tt_bench_create(storm->bench, &group->conversation, members, count) &&
                  tt_bench_connect(&group->sender, &members[0]);
    tt_free(members);
    return opened;
}

static bool wait_for_all(struct storm *storm, uint64_t answers)
{
    storm->waiting += answers;
    storm->done = storm->waiting == 0;
    return tt_bench_read_until(storm->bench, tt_clock_os_nanoseconds() + PATIENCE_NS, &storm->done);
}

/* Now and then the answers are read, as whoever writes so much would. */
static bool write_one(struct storm *storm, struct group *group)
{
    bool sent = tt_bench_send(&group->sender, &group->conversation, ++group->number);
    storm->waiting += sent ? 1 : 0;
    if (!sent || group->number % SENT_UNREAD_MAX != 0)
        return sent;
    return wait_for_all(storm, 0);
}

static bool write_to_all(struct storm *storm)
{
    uint64_t pending = storm->bench->values->pending;
    for (uint64_t i = 0; i < storm->group_count; i++)
        for (uint64_t j = 0; j < pending; j++)
            if (!write_one(storm, &storm->groups[i]))
                return false;
    return wait_for_all(storm, 0);
}

static bool come_back(struct storm *storm, double *seconds)
{
    uint64_t start = tt_clock_os_nanoseconds();
    for (uint64_t i = 0; i < storm->guest_count; i++) {
        struct guest *guest = &storm->guests[i];
        guest->caught_up = false;
        if (!tt_bench_begin_connect(&guest->end, tt_buffer_slice(&guest->token)))
            return false;
        storm->waiting++;
        /* What has been answered is read meanwhile, as phones would. */
        if (i % 64 == 63 && !tt_bench_read_until(storm->bench, tt_clock_os_nanoseconds() + 1, NULL))
            return false;
    }
    if (!wait_for_all(storm, 0))
        return false;
    *seconds = (double)(tt_clock_os_nanoseconds() - start) / NANOSECONDS;
    return true;
}

static bool run_wave(struct storm *storm, uint64_t wave)
{
    double seconds = 0;
    storm->messages = 0;
    if (!write_to_all(storm) || !come_back(storm, &seconds))
        return false;
    for (uint64_t i = 0; i < storm->guest_count; i++)
        tt_bench_disconnect(&storm->guests[i].end);
    double rate = (double)storm->guest_count / seconds;
    if (storm->bench->values->json)
        printf("{\"bench\":\"storm\",\"wave\":%llu,\"devices\":%llu,\"pending\":%llu,"
               "\"seconds\":%.3f,\"devices_per_second\":%.1f,\"messages_per_second\":%.1f}\n",
               (unsigned long long)wave, (unsigned long long)storm->guest_count,
               (unsigned long long)storm->bench->values->pending, seconds, rate,
               (double)storm->messages / seconds);
    else
        printf("storm, wave %llu: %llu devices with %llu messages each were caught up in %.2f s: "
               "%.0f devices/s\n",
               (unsigned long long)wave, (unsigned long long)storm->guest_count,
               (unsigned long long)storm->bench->values->pending, seconds, rate);
    return true;
}

static bool open_all(struct storm *storm)
{
    for (uint64_t i = 0; i < storm->group_count; i++)
        if (!open_group(storm, i))
            return false;
    return true;
}

bool tt_bench_storm(struct tt_bench *bench)
{
    struct storm storm = {.bench = bench, .guest_count = bench->values->sockets};
    storm.group_count = (storm.guest_count + GROUP_SIZE - 1) / GROUP_SIZE;
    storm.groups = tt_alloc((size_t)storm.group_count * sizeof(*storm.groups));
    storm.guests = tt_alloc((size_t)storm.guest_count * sizeof(*storm.guests));
    bool measured = open_all(&storm);
    for (uint64_t wave = 1; measured && wave <= bench->values->waves; wave++)
        measured = run_wave(&storm, wave);
    for (uint64_t i = 0; i < storm.guest_count; i++) {
        tt_bench_disconnect(&storm.guests[i].end);
        tt_buffer_deinit(&storm.guests[i].token);
    }
    for (uint64_t i = 0; i < storm.group_count; i++)
        tt_bench_disconnect(&storm.groups[i].sender);
    tt_free(storm.groups);
    tt_free(storm.guests);
    return measured;
}
