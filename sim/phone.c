#include "sim/phone.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/memory.h"
#include "sim/model.h"

/* From reading the positions to ringing the store is asked some four times more. */
#define ALLOWED_US       (3 * TT_US_PER_S / 2)
#define ALLOWED_CHAOS_US (120 * TT_US_PER_S) /* pauses, stalls and slow tails among it */
#define DELAY_US         (TT_PUSH_DELAY_MS * TT_US_PER_MS)
#define PACE_US          (DELAY_US / 50) /* clocks run at a pace of their own */

/* A send that was tried again late, when all was quiet already. */
#define JUST_STORED_US (10 * TT_US_PER_S)
#define WITHIN_US      (2 * TT_US_PER_S)
#define READ_COUNT     16
#define READ_BYTES     1000
#define ENDED_US       (TT_US_PER_S / 2)
#define CONNECTED_US   (3 * TT_US_PER_S)
#define REVIVE_US      (20 * TT_US_PER_S)
#define RETRY_US       (5 * TT_US_PER_S)
#define KILL_US        (4 * TT_US_PER_S)
#define RESTARTED_US   (30 * TT_US_PER_S)
#define DUSK_US        (400 * TT_US_PER_S)       /* the longest backoff is 5 minutes */
#define GIVEN_UP_US    (23 * 3600 * TT_US_PER_S) /* a service that was away for a day is none */
#define MOVES_MAX      6

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

/* Up to where nothing had to ring any more, and since when. */
struct move {
    uint64_t covered;
    uint64_t at_us;
};

struct rings {
    uint64_t done; /* the newest seq that has rung, or never will */
    struct move moves[MOVES_MAX];
    uint8_t move_count;
    uint64_t put_off_us; /* since when the service puts off; 0: it does not */
    uint8_t times[TT_ORACLE_SEQS_TRACKED];
};

struct phone {
    struct tt_phones *phones;
    struct tt_sim_device *device;
    int number; /* the model's, of the device and of its user */
    int user;
    uint32_t token;
    bool is_dead;
    bool was_lost;          /* since it last asked to be known */
    tt_time dead_since;     /* 0: the service says that it never was a token */
    uint64_t registered_us; /* since when the server knows the token; 0: it may not */
    struct rings chats[TT_ORACLE_CONVERSATIONS_MAX];
};

struct tt_phones {
    struct tt_run *run;
    struct tt_world *world;
    struct tt_oracle *oracle;
    struct tt_prng prng;
    struct tt_fake_notifier_faults worst;
    uint32_t die_per_mille;
    bool has_faults;
    bool was_bad; /* something may wait for its backoff */
    uint64_t clean_us;
    uint64_t *stored_us[TT_ORACLE_CONVERSATIONS_MAX];
    uint32_t *repeats[TT_ORACLE_CONVERSATIONS_MAX]; /* how often each was sent again */
    struct phone *phones[TT_RUN_DEVICES_MAX];
    uint32_t count;
};

static uint64_t now_of(const struct tt_phones *phones)
{
    return phones->world->agenda.now_us;
}

static struct phone *find(const struct tt_phones *phones, const tt_id *user, const tt_id *device)
{
    for (uint32_t i = 0; i < phones->count; i++) {
        const struct tt_sim_device *is = phones->phones[i]->device;
        if (tt_id_eq(&is->user, user) && tt_id_eq(&is->id, device))
            return phones->phones[i];
    }
    return NULL;
}

/* Up to where nothing has to ring on this phone. */
static uint64_t covered(const struct phone *phone, const struct known_conversation *conversation)
{
    struct tt_cursor cursor = conversation->cursors[phone->user];
    uint64_t position = phone->phones->oracle->devices[phone->number].linked
                            ? conversation->positions[phone->number]
                            : cursor.delivered.n;
    return position > cursor.read.n ? position : cursor.read.n;
}

static void note_move(struct phone *phone, int number)
{
    struct rings *rings = &phone->chats[number];
    uint64_t to = covered(phone, &phone->phones->oracle->conversations[number]);
    uint64_t now = now_of(phone->phones);
    if (rings->move_count > 0 && rings->moves[rings->move_count - 1].covered == to)
        return;
    uint8_t old = 0; /* only the last of those which are old enough says anything */
    while (old + 1 < rings->move_count && rings->moves[old + 1].at_us + ALLOWED_CHAOS_US <= now)
        old++;
    memmove(rings->moves, rings->moves + old,
            (size_t)(rings->move_count - old) * sizeof(rings->moves[0]));
    rings->move_count = (uint8_t)(rings->move_count - old);
    if (rings->move_count == MOVES_MAX)
        rings->move_count--;
    rings->moves[rings->move_count++] = (struct move){to, now};
}

static uint64_t covered_for(const struct rings *rings, uint64_t now, uint64_t us)
{
    uint64_t seq = 0;
    for (uint8_t i = 0; i < rings->move_count; i++)
        if (rings->moves[i].at_us + us <= now)
            seq = rings->moves[i].covered;
    return seq;
}

static void note_moves(struct tt_phones *phones, const tt_id *user, int number)
{
    for (uint32_t i = 0; i < phones->count; i++)
        if (tt_id_eq(&phones->phones[i]->device->user, user))
            note_move(phones->phones[i], number);
}

static void note_append(struct tt_phones *phones, const struct tt_append *append)
{
    int number = tt_model_conversation(phones->oracle, &append->conversation);
    if (number < 0)
        return;
    note_moves(phones, &append->message.sender, number);
    size_t count = phones->oracle->conversations[number].message_count;
    if (append->duplicate && append->message.seq.n <= count)
        phones->repeats[number][append->message.seq.n]++;
    if (append->duplicate || append->message.seq.n != count)
        return;
    phones->stored_us[number] =
        tt_grow(phones->stored_us[number], count + 1, sizeof(phones->stored_us[0][0]));
    phones->repeats[number] =
        tt_grow(phones->repeats[number], count + 1, sizeof(phones->repeats[0][0]));
    phones->stored_us[number][count] = now_of(phones);
    phones->repeats[number][count] = 0;
}

/* The address of a device that is unlinked goes with it; where a message was on its way to being
 * rung for, nothing is known. Nor is it where clocks jump: a token is dead or not by whether it was
 * put there after the time at which the service says that it died. */
static void lose_address(struct phone *phone)
{
    if (phone == NULL)
        return;
    phone->registered_us = 0;
    phone->was_lost = true;
}

static void applied(void *context, const struct tt_store_op *op)
{
    struct tt_phones *phones = context;
    if (op->kind == TT_STORE_UNLINK_DEVICE)
        lose_address(find(phones, &op->unlink_device.user, &op->unlink_device.device));
    if (op->kind == TT_STORE_DROP_PUSH_ADDRESS && phones->run->swarm.clocks)
        lose_address(find(phones, &op->drop_push_address.user, &op->drop_push_address.device));
    if (op->kind == TT_STORE_APPEND)
        note_append(phones, &op->append);
    if (op->kind == TT_STORE_ADVANCE)
        note_moves(phones, &op->advance.user,
                   tt_model_conversation(phones->oracle, &op->advance.conversation));
    for (int i = 0; i < phones->oracle->conversation_count && op->kind == TT_STORE_LINK_DEVICE; i++)
        note_moves(phones, &op->link_device.user, i);
}

/* What rings. */

static bool has_token(const struct phone *phone, struct tt_slice token)
{
    char text[96];
    const struct tt_sim_device *device = phone->device;
    int size = snprintf(text, sizeof(text), "%.*s:%.*s:%u", NAME(device->user), NAME(device->id),
                        phone->token);
    return tt_slice_eq(token, tt_slice(text, (size_t)size));
}

static bool is_dead(void *context, const struct tt_notification *notification, tt_time *since)
{
    struct tt_phones *phones = context;
    const struct phone *phone = find(phones, &notification->user, &notification->device);
    *since = TT_TIME(0);
    if (phone == NULL || !has_token(phone, notification->address.token))
        return true;
    if (phone->is_dead)
        *since = phone->dead_since;
    return phone->is_dead;
}

static bool has_socket_since(const struct phone *phone, uint64_t us)
{
    const struct tt_link *link = phone->phones->world->all_links;
    for (; link != NULL; link = link->next)
        if (link->server_open && link->opened_us != 0 && link->opened_us <= us &&
            tt_id_eq(&link->user, &phone->device->user) &&
            tt_id_eq(&link->device, &phone->device->id))
            return true;
    return false;
}

static void check_clean_ring(struct phone *phone, int number, uint64_t seq)
{
    struct tt_phones *phones = phone->phones;
    struct rings *rings = &phone->chats[number];
    uint64_t stored_us = phones->stored_us[number][seq];
    const tt_id *id = &phones->oracle->conversations[number].id;
    if (phones->clean_us == 0 || stored_us < phones->clean_us)
        return;
    /* A node that is asked to store it again does not know whether the other one lives. */
    if (phone->device->honest && seq < TT_ORACLE_SEQS_TRACKED &&
        ++rings->times[seq] > 1 + phones->repeats[number][seq])
        tt_oracle_fail(phones->oracle, "ringing: %.*s/%.*s rings %u times for %.*s seq %llu",
                       NAME(phone->device->user), NAME(phone->device->id), rings->times[seq],
                       NAME(*id), NUMBER(seq));
    if (phone->device->honest && now_of(phones) + PACE_US < stored_us + DELAY_US &&
        has_socket_since(phone, stored_us - CONNECTED_US))
        tt_oracle_fail(phones->oracle,
                       "ringing: %.*s/%.*s has a socket and rings for %.*s seq %llu at once",
                       NAME(phone->device->user), NAME(phone->device->id), NAME(*id), NUMBER(seq));
}

static void check_ring(struct phone *phone, int number, const struct tt_notification *ring)
{
    struct tt_phones *phones = phone->phones;
    const struct known_conversation *conversation = &phones->oracle->conversations[number];
    uint64_t seq = ring->seq.n;
    bool is_true = seq > 0 && seq <= conversation->message_count &&
                   tt_model_is_member(conversation, phone->user);
    if (is_true) {
        const struct known_message *known = &conversation->messages[seq - 1];
        is_true = tt_id_eq(&known->sender, &ring->sender) &&
                  !tt_id_eq(&known->sender, &ring->user) &&
                  known->content_hash == tt_model_hash(ring->content);
    }
    if (!is_true || ring->badge < 1 || ring->badge > TT_NOTIFICATION_BADGE_MAX) {
        tt_oracle_fail(phones->oracle, "ringing: what rings on %.*s/%.*s, %.*s seq %llu, is a lie",
                       NAME(ring->user), NAME(ring->device), NAME(ring->conversation), NUMBER(seq));
        return;
    }
    bool is_clean = phones->run->is_clean;
    uint64_t silent = covered_for(&phone->chats[number], now_of(phones),
                                  is_clean ? ALLOWED_US : ALLOWED_CHAOS_US);
    if (seq <= silent)
        tt_oracle_fail(phones->oracle,
                       "promise 8: %.*s/%.*s rings for %.*s seq %llu; up to %llu it was acked "
                       "there or read long ago",
                       NAME(ring->user), NAME(ring->device), NAME(ring->conversation), NUMBER(seq),
                       NUMBER(silent));
    if (is_clean)
        check_clean_ring(phone, number, seq);
}

static void check_clear(struct tt_phones *phones, int number, int user,
                        const struct tt_notification *clear)
{
    const struct known_conversation *conversation = &phones->oracle->conversations[number];
    if (!tt_model_is_member(conversation, user) ||
        clear->seq.n > conversation->cursors[user].read.n)
        tt_oracle_fail(phones->oracle,
                       "promise 4: %.*s/%.*s is told that %.*s is read up to %llu; it is not",
                       NAME(clear->user), NAME(clear->device), NAME(clear->conversation),
                       NUMBER(clear->seq.n));
}

static void asked(void *context, const struct tt_notification *notification,
                  enum tt_notify_outcome outcome, bool taken)
{
    struct tt_phones *phones = context;
    struct phone *phone = find(phones, &notification->user, &notification->device);
    int number = tt_model_conversation(phones->oracle, &notification->conversation);
    if (phone == NULL || number < 0) {
        tt_oracle_fail(phones->oracle, "ringing: %.*s/%.*s has no address",
                       NAME(notification->user), NAME(notification->device));
        return;
    }
    if (notification->kind == TT_NOTIFY_CLEAR) {
        check_clear(phones, number, phone->user, notification);
        return;
    }
    check_ring(phone, number, notification);
    struct rings *rings = &phone->chats[number];
    bool is_put_off = outcome == TT_NOTIFY_LATER;
    rings->put_off_us = !is_put_off              ? 0
                        : rings->put_off_us != 0 ? rings->put_off_us
                                                 : now_of(phones);
    bool is_given_up = is_put_off && rings->put_off_us + GIVEN_UP_US <= now_of(phones);
    if ((is_given_up || taken || outcome == TT_NOTIFY_FAILED) &&
        phone->chats[number].done < notification->seq.n)
        phone->chats[number].done = notification->seq.n;
}

/* What must ring. */

static void check_missed(struct phone *phone, int number, const char *when)
{
    struct tt_phones *phones = phone->phones;
    const struct known_conversation *conversation = &phones->oracle->conversations[number];
    uint64_t seq = conversation->message_count;
    uint64_t reached = covered(phone, conversation);
    uint64_t done = phone->chats[number].done;
    if (phone->registered_us == 0 || !tt_model_is_member(conversation, phone->user))
        return;
    while (seq > reached && tt_id_eq(&conversation->messages[seq - 1].sender, &phone->device->user))
        seq--;
    if (seq <= reached || done >= seq)
        return;
    uint64_t stored_us = phones->stored_us[number][seq];
    if (stored_us + JUST_STORED_US > now_of(phones) || stored_us <= phone->registered_us)
        return;
    tt_oracle_fail(phones->oracle,
                   "promise 8, %s: %.*s/%.*s has not rung for %.*s seq %llu, only up to %llu; it "
                   "acked, or its user read, up to %llu",
                   when, NAME(phone->device->user), NAME(phone->device->id), NAME(conversation->id),
                   NUMBER(seq), NUMBER(done), NUMBER(reached));
}

struct expectation {
    struct phone *phone;
    int number;
    uint64_t seq;
    bool at_once;
};

/* Whether he has a socket, or had one since then or shortly before: the registry may not know yet.
 */
static bool has_had_socket(const struct phone *phone, uint64_t since_us)
{
    const struct tt_link *link = phone->phones->world->all_links;
    for (; link != NULL; link = link->next)
        if ((link->server_open || link->ended_us + ENDED_US > since_us) &&
            tt_id_eq(&link->user, &phone->device->user))
            return true;
    return false;
}

static void check_due(void *context, void *payload)
{
    struct tt_phones *phones = context;
    struct expectation *expected = payload;
    struct phone *phone = expected->phone;
    const struct known_conversation *conversation =
        &phones->oracle->conversations[expected->number];
    bool is_due = phones->run->is_clean && phone->registered_us != 0 &&
                  covered(phone, conversation) < expected->seq &&
                  phone->chats[expected->number].done < expected->seq;
    uint64_t stored_us = phones->stored_us[expected->number][expected->seq];
    if (is_due && (!expected->at_once || !has_had_socket(phone, stored_us)))
        tt_oracle_fail(phones->oracle, "time: %.*s/%.*s has not rung for %.*s seq %llu %s",
                       NAME(phone->device->user), NAME(phone->device->id), NAME(conversation->id),
                       NUMBER(expected->seq),
                       expected->at_once ? "at once, though its user has no socket"
                                         : "after the delay");
    tt_free(expected);
}

static void expect(struct phone *phone, int number, uint64_t seq, bool at_once)
{
    struct expectation *expected = tt_alloc(sizeof(*expected));
    *expected = (struct expectation){phone, number, seq, at_once};
    const struct tt_world_options *options = &phone->phones->world->options;
    /* A page may hold no more than one message, and each is four reads from ringing. */
    bool is_slow =
        options->core.replay_count < READ_COUNT || options->core.replay_bytes < READ_BYTES;
    uint64_t within_us = WITHIN_US + (is_slow ? 64ULL * options->store_latency_us : 0);
    tt_agenda_after(&phone->phones->world->agenda, within_us + (at_once ? 0 : DELAY_US), check_due,
                    phone->phones, expected, tt_free);
}

void tt_phones_stored(struct tt_phones *phones, const tt_id *conversation, tt_seq seq)
{
    int number = tt_model_conversation(phones->oracle, conversation);
    const struct known_conversation *known = &phones->oracle->conversations[number];
    if (phones->clean_us == 0)
        phones->clean_us = now_of(phones);
    for (uint32_t i = 0; i < phones->count; i++) {
        struct phone *phone = phones->phones[i];
        if (!tt_model_is_member(known, phone->user) ||
            tt_id_eq(&known->messages[seq.n - 1].sender, &phone->device->user))
            continue;
        expect(phone, number, seq.n, false);
        if (!has_had_socket(phone, now_of(phones)))
            expect(phone, number, seq.n, true);
    }
}

/* Addresses. */

static void registered(void *context, struct tt_call *call, const struct tt_reply *reply);

static void put_address(void *context, void *payload)
{
    (void)payload;
    struct phone *phone = context;
    struct tt_phones *phones = phone->phones;
    const struct tt_world_options *options = &phones->world->options;
    char token[96];
    const struct tt_sim_device *device = phone->device;
    int size = snprintf(token, sizeof(token), "%.*s:%.*s:%u", NAME(device->user), NAME(device->id),
                        phone->token);
    struct tt_request request = {
        .kind = TT_REQUEST_PUT_PUSH,
        .user = device->user,
        .device = device->id,
        .push = {.device = device->id,
                 .address = {.provider = TT_PUSH_APNS, .token = tt_slice(token, (size_t)size)}},
    };
    phone->is_dead = false;
    phone->was_lost = false;
    /* One after the other: the order in which arguments are worked out is the compiler's. */
    uint32_t server = (uint32_t)tt_prng_below(&phones->prng, options->servers);
    uint32_t node = (uint32_t)tt_prng_below(&phones->prng, options->nodes);
    tt_call_make(phones->world, server, node, &request, phone, registered);
}

static void registered(void *context, struct tt_call *call, const struct tt_reply *reply)
{
    struct phone *phone = context;
    (void)call;
    if (phone->is_dead || phone->was_lost) /* meanwhile */
        return;
    if (reply != NULL && tt_is_ok(reply->err))
        phone->registered_us = now_of(phone->phones);
    else
        tt_agenda_after(&phone->phones->world->agenda, RETRY_US, put_address, phone, NULL, NULL);
}

/* Either the app is gone for a while and comes back under the same token (410), or its backup was
 * put on another phone, which has another one (400). */
static void die(struct phone *phone)
{
    struct tt_phones *phones = phone->phones;
    bool is_other = tt_prng_chance(&phones->prng, 500);
    uint64_t revives_us = RETRY_US + tt_prng_delay(&phones->prng, REVIVE_US);
    phone->is_dead = true;
    phone->registered_us = 0;
    phone->dead_since = is_other ? TT_TIME(0) : tt_world_wall(phones->world);
    phone->token += is_other;
    tt_agenda_after(&phones->world->agenda, revives_us, put_address, phone, NULL, NULL);
}

void tt_phones_weather(struct tt_phones *phones)
{
    bool is_bad = tt_prng_chance(&phones->prng, 600) && phones->has_faults;
    struct tt_fake_notifier *notifier = &phones->world->notifier;
    phones->was_bad = phones->was_bad || is_bad;
    notifier->faults = is_bad ? phones->worst : (struct tt_fake_notifier_faults){0};
    notifier->is_away = tt_prng_chance(&phones->prng, 100) && is_bad;
    for (uint32_t i = 0; i < phones->count; i++)
        if (tt_prng_chance(&phones->prng, phones->die_per_mille) &&
            phones->phones[i]->registered_us != 0)
            die(phones->phones[i]);
}

static void check_all(struct tt_phones *phones, const char *when)
{
    for (uint32_t i = 0; i < phones->count; i++)
        for (int c = 0; c < phones->oracle->conversation_count; c++)
            check_missed(phones->phones[i], c, when);
}

/* kill -9 while people write, and so, by and by, between every store and push. */
static void kill_all(struct tt_phones *phones)
{
    struct tt_world *world = phones->world;
    for (uint32_t i = 0; i < world->options.servers; i++)
        tt_world_crash_in(world, i, tt_prng_between(&phones->prng, 1, 80));
    phones->run->habits.works = true;
    tt_run_until(phones->run, now_of(phones) + KILL_US);
    phones->run->habits.works = false;
    for (uint32_t i = 0; i < world->options.servers; i++) {
        world->servers[i].effects_until_crash = 0;
        tt_world_start(world, i);
    }
}

void tt_phones_dusk(struct tt_phones *phones)
{
    bool was_good = !phones->was_bad;
    phones->world->notifier.faults = (struct tt_fake_notifier_faults){0};
    phones->world->notifier.is_away = false;
    if (phones->count == 0)
        return;
    if (phones->run->swarm.crashes)
        kill_all(phones);
    tt_run_until(phones->run, now_of(phones) + RESTARTED_US);
    if (was_good)
        check_all(phones, "after the restart");
    tt_run_until(phones->run, now_of(phones) + DUSK_US);
    check_all(phones, "at dusk");
}

static void draw_faults(struct tt_phones *phones)
{
    struct tt_prng *prng = &phones->prng;
    struct tt_fake_notifier_faults *worst = &phones->worst;
    uint32_t rates[5];
    for (size_t i = 0; i < 5; i++) {
        rates[i] = (uint32_t)tt_prng_between(prng, 10, 300);
        if (!tt_prng_chance(prng, 500))
            rates[i] = 0;
    }
    *worst = (struct tt_fake_notifier_faults){
        .later_per_mille = rates[0],
        .unknown_per_mille = rates[1],
        .fail_per_mille = rates[2] / 10,
        .stall_per_mille = rates[3],
        .stall_us = (uint32_t)(5 * TT_US_PER_S),
        .retry_ms_max = rates[4] * 60,
    };
    phones->die_per_mille = (uint32_t)tt_prng_below(prng, 100);
}

static void add(struct tt_phones *phones, struct tt_sim_device *device, int number)
{
    struct phone *phone = tt_alloc(sizeof(*phone));
    phone->phones = phones;
    phone->device = device;
    phone->number = number;
    phone->user = phones->oracle->devices[number].user;
    phone->registered_us = 1;
    phones->phones[phones->count++] = phone;
    char token[96];
    int size = snprintf(token, sizeof(token), "%.*s:%.*s:%u", NAME(device->user), NAME(device->id),
                        phone->token);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = device->user;
    op->put_push_address.device = device->id;
    op->put_push_address.address_count_max = 10;
    op->put_push_address.address =
        (struct tt_push_address){.provider = TT_PUSH_APNS, .token = tt_slice(token, (size_t)size)};
    tt_fake_store_apply(phones->world->store, op);
    TT_ASSERT(tt_is_ok(op->err));
    tt_store_op_destroy(&op);
}

struct tt_phones *tt_phones_create(struct tt_run *run, uint64_t seed)
{
    struct tt_phones *phones = tt_alloc(sizeof(*phones));
    phones->run = run;
    phones->world = run->world;
    phones->oracle = run->oracle;
    tt_prng_init(&phones->prng, ~seed, TT_STREAM_PHONES);
    uint32_t per_mille = tt_prng_chance(&phones->prng, 600)
                             ? (uint32_t)tt_prng_between(&phones->prng, 300, 1000)
                             : 0;
    draw_faults(phones);
    phones->has_faults = tt_prng_chance(&phones->prng, 700);
    for (uint32_t i = 0; i < run->device_count; i++)
        if (tt_prng_chance(&phones->prng, per_mille))
            add(phones, run->devices[i], (int)i);
    run->world->notifier.watch = (struct tt_fake_notifier_watch){phones, is_dead, asked};
    tt_oracle_set_listener(phones->oracle, phones, applied);
    return phones;
}

void tt_phones_destroy(struct tt_phones **take_phones)
{
    struct tt_phones *phones = *take_phones;
    *take_phones = NULL;
    for (uint32_t i = 0; i < phones->count; i++)
        tt_free(phones->phones[i]);
    for (int i = 0; i < TT_ORACLE_CONVERSATIONS_MAX; i++) {
        tt_free(phones->stored_us[i]);
        tt_free(phones->repeats[i]);
    }
    tt_free(phones);
}
