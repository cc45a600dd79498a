/*
 * The policy of ringing, in the simulator: Bob's phone has a push address, Alice sends, and what
 * the push service has accepted tells whether it rang.
 */
#include "unit.h"

#include "sim/oracle.h"
#include "sim/world.h"

#define CRASH_POINTS 40

struct actor {
    tt_id user;
    tt_id device;
    struct tt_link *link;
    bool acks;
    uint32_t sent;
};

struct scene {
    struct tt_world *world;
    tt_id conversation;
    struct actor alice;
    struct actor phone;
    struct actor laptop;
};

static struct scene scene;
static bool asks_nobody; /* as an embedded store with one node does */

static void opened(void *context, struct tt_link *link)
{
    (void)context;
    (void)link;
}

static void heard(void *context, struct tt_link *link, const struct tt_server_frame *frame)
{
    const struct actor *actor = context;
    if (frame->kind != TT_SERVER_MESSAGE || !actor->acks)
        return;
    struct tt_client_frame ack = {.kind = TT_CLIENT_DELIVERED,
                                  .conversation = frame->conversation,
                                  .seq = frame->message.seq};
    tt_link_send(link, &ack);
}

static void pinged(void *context, struct tt_link *link)
{
    (void)context;
    (void)link;
}

static void closed(void *context, struct tt_link *link, uint32_t code, tt_err err)
{
    (void)link;
    (void)code;
    (void)err;
    ((struct actor *)context)->link = NULL;
}

static void run_for(uint64_t us)
{
    uint64_t until = scene.world->agenda.now_us + us;
    while (tt_agenda_step(&scene.world->agenda, until))
        scene.world->steps++;
}

static void come(struct actor *actor)
{
    struct tt_link_owner owner = {actor, opened, heard, pinged, closed};
    actor->link = tt_link_connect(scene.world, 0, 0, &actor->user, &actor->device, &owner, 8000);
    run_for(TT_US_PER_S);
}

static void leave(struct actor *actor)
{
    tt_link_close(actor->link);
    run_for(5 * TT_US_PER_S);
}

static void say(struct actor *actor, enum tt_client_frame_kind kind, uint64_t seq)
{
    struct tt_client_frame frame = {
        .kind = kind, .conversation = scene.conversation, .seq = TT_SEQ(seq)};
    tt_link_send(actor->link, &frame);
}

static void send(void)
{
    char name[] = "m0";
    name[1] = (char)('0' + ++scene.alice.sent);
    struct tt_client_frame frame = {.kind = TT_CLIENT_SEND,
                                    .conversation = scene.conversation,
                                    .client_id = tt_id_of(name),
                                    .content = TT_SLICE_LITERAL("hey")};
    tt_link_send(scene.alice.link, &frame);
}

static void apply(struct tt_store_op *op)
{
    tt_fake_store_apply(scene.world->store, op);
    expect_ok(op->err);
    tt_store_op_destroy(&op);
}

static void register_phone(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = scene.phone.user;
    op->put_push_address.device = scene.phone.device;
    op->put_push_address.address_count_max = 2;
    op->put_push_address.address =
        (struct tt_push_address){.provider = TT_PUSH_APNS,
                                 .token = TT_SLICE_LITERAL("aabb"),
                                 .registered_at = tt_world_wall(scene.world)};
    apply(op);
}

static void begin(void)
{
    struct tt_world_options options = {
        .seed = 1,
        .servers = 1,
        .nodes = 1,
        .embedded = asks_nobody,
        .keeps_order = true,
        .epoch_wall = TT_TIME(1705017600000LL),
        .turn_us = 50,
        .store_latency_us = 1500,
        .registry_latency_us = 300,
        .bus_latency_us = 200,
        .core = tt_core_options_default(),
    };
    scene = (struct scene){.world = tt_world_create(&options),
                           .conversation = tt_id_of("c"),
                           .alice = {.user = tt_id_of("alice"), .device = tt_id_of("laptop")},
                           .phone = {.user = tt_id_of("bob"), .device = tt_id_of("phone")},
                           .laptop = {.user = tt_id_of("bob"), .device = tt_id_of("laptop")}};
    tt_world_start(scene.world, 0);
    tt_id members[] = {scene.alice.user, scene.phone.user};
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    op->create_conversation.conversation =
        (struct tt_conversation){.id = scene.conversation,
                                 .kind = TT_DIRECT,
                                 .created_at = tt_world_wall(scene.world),
                                 .members = members,
                                 .member_count = 2};
    op->create_conversation.creator = members[0];
    op->create_conversation.id_given = true;
    op->create_conversation.conversation_count_max = 10;
    apply(op);
    register_phone();
    come(&scene.alice);
}

static void end(void)
{
    tt_world_destroy(&scene.world);
}

static uint64_t rung(void)
{
    return scene.world->notifier.rung;
}

static uint64_t accepted(void)
{
    return tt_fake_notifier_accepted(&scene.world->notifier, &scene.phone.user, &scene.phone.device,
                                     &scene.conversation)
        .n;
}

static uint64_t head(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_READ_MESSAGES);
    op->read_messages.conversation = scene.conversation;
    op->read_messages.from = TT_SEQ(1);
    tt_fake_store_apply(scene.world->store, op);
    uint64_t seq = op->read_messages.head.n;
    tt_store_op_destroy(&op);
    return seq;
}

static tt_time dead_since;

static bool is_dead(void *context, const struct tt_notification *notification, tt_time *since)
{
    (void)context;
    (void)notification;
    *since = dead_since;
    return true;
}

static void test_no_socket_rings_at_once_and_once(void **state)
{
    (void)state;
    begin();
    send();
    run_for(TT_US_PER_S / 2);
    assert_int_equal(accepted(), 1);
    send();
    run_for(60 * TT_US_PER_S);
    assert_int_equal(accepted(), 2);
    assert_int_equal(rung(), 2);
    end();
}

/* The packets of the phone are dropped; its socket looks open. */
static void test_half_open_phone_rings_after_the_delay(void **state)
{
    (void)state;
    begin();
    come(&scene.phone);
    tt_link_break(scene.phone.link, UINT64_MAX, UINT64_MAX);
    send();
    run_for(2900 * (TT_US_PER_S / 1000));
    assert_int_equal(rung(), 0);
    run_for(200 * (TT_US_PER_S / 1000));
    assert_int_equal(accepted(), 1);
    run_for(300 * TT_US_PER_S);
    assert_int_equal(rung(), 1);
    end();
}

static void test_a_phone_that_acks_stays_silent(void **state)
{
    (void)state;
    begin();
    scene.phone.acks = true;
    come(&scene.phone);
    send();
    run_for(60 * TT_US_PER_S);
    assert_int_equal(rung(), 0);
    end();
}

/* Linked, away, and the laptop acks everything: the phone rings all the same. */
static void test_a_forgotten_laptop_silences_nothing(void **state)
{
    (void)state;
    begin();
    come(&scene.phone);
    leave(&scene.phone);
    scene.laptop.acks = true;
    come(&scene.laptop);
    send();
    run_for(60 * TT_US_PER_S);
    assert_int_equal(accepted(), 1);
    assert_int_equal(rung(), 1);
    end();
}

/* The chat is open on the laptop: the phone waits for the delay, and reading keeps it silent. */
static void test_an_open_chat_delays_and_reading_silences(void **state)
{
    (void)state;
    begin();
    come(&scene.phone);
    leave(&scene.phone);
    come(&scene.laptop);
    say(&scene.laptop, TT_CLIENT_OPEN, 0);
    run_for(TT_US_PER_S);
    send();
    run_for(TT_US_PER_S);
    assert_int_equal(rung(), 0);
    say(&scene.laptop, TT_CLIENT_READ, 1);
    run_for(60 * TT_US_PER_S);
    assert_int_equal(rung(), 0);
    send();
    run_for(4 * TT_US_PER_S);
    assert_int_equal(accepted(), 2);
    end();
}

static void test_reading_elsewhere_clears_once(void **state)
{
    (void)state;
    begin();
    come(&scene.phone);
    leave(&scene.phone);
    come(&scene.laptop);
    for (int i = 0; i < 3; i++)
        send();
    run_for(TT_US_PER_S);
    for (uint64_t seq = 1; seq <= 3; seq++)
        say(&scene.laptop, TT_CLIENT_READ, seq);
    run_for(60 * TT_US_PER_S);
    assert_int_equal(scene.world->notifier.cleared, 1);
    end();
}

/* What still matters goes out later, and of that only the newest. */
static void test_a_service_that_is_away(void **state)
{
    (void)state;
    begin();
    scene.world->notifier.is_away = true;
    for (int i = 0; i < 3; i++)
        send();
    run_for(3600 * TT_US_PER_S);
    assert_int_equal(accepted(), 0);
    scene.world->notifier.is_away = false;
    uint64_t before = rung();
    run_for(600 * TT_US_PER_S);
    assert_int_equal(accepted(), 3);
    assert_int_equal(rung(), before + 1);
    end();
}

/* Backoff, in the core's time: at first soon, then ever more rarely, and not for ever. */
static void test_a_service_that_never_comes_back(void **state)
{
    (void)state;
    begin();
    scene.world->notifier.is_away = true;
    send();
    run_for(60 * TT_US_PER_S);
    uint64_t minute = rung();
    assert_in_range(minute, 5, 9);
    run_for(23 * 3600 * TT_US_PER_S);
    uint64_t day = rung();
    assert_in_range(day, 23 * 3600 / 300, 23 * 3600 / 150 + minute);
    run_for(2 * 3600 * TT_US_PER_S);
    uint64_t last = rung();
    run_for(240 * 3600 * TT_US_PER_S);
    assert_int_equal(rung(), last);
    scene.world->notifier.is_away = false;
    send(); /* the next message rings all the same */
    run_for(10 * TT_US_PER_S);
    assert_int_equal(accepted(), 2);
    assert_int_equal(rung(), last + 1);
    end();
}

/* What the service asks for is kept to. */
static void test_retry_after(void **state)
{
    (void)state;
    begin();
    scene.world->notifier.faults.later_per_mille = 1000;
    scene.world->notifier.retry_after_ms = 90000;
    send();
    run_for(89 * TT_US_PER_S);
    assert_int_equal(rung(), 1);
    run_for(3 * TT_US_PER_S);
    assert_int_equal(rung(), 2);
    end();
}

/* A dead address rings no more; one that was registered after its death does. */
static void test_an_address_that_died(void **state)
{
    (void)state;
    begin();
    dead_since = TT_TIME(0);
    scene.world->notifier.watch.is_dead = is_dead;
    send();
    run_for(10 * TT_US_PER_S);
    assert_int_equal(rung(), 1);
    send();
    run_for(10 * TT_US_PER_S);
    assert_int_equal(rung(), 1);
    register_phone();
    dead_since = TT_TIME(1); /* long before it was registered */
    send();
    run_for(10 * TT_US_PER_S);
    send();
    run_for(10 * TT_US_PER_S);
    assert_int_equal(rung(), 3);
    end();
}

/* Read while the service was away: nothing rings any more. */
static void test_what_matters_no_more_stays_silent(void **state)
{
    (void)state;
    begin();
    scene.world->notifier.is_away = true;
    send();
    run_for(10 * TT_US_PER_S);
    come(&scene.laptop);
    say(&scene.laptop, TT_CLIENT_READ, 1);
    run_for(TT_US_PER_S);
    scene.world->notifier.is_away = false;
    run_for(600 * TT_US_PER_S);
    assert_int_equal(accepted(), 0);
    end();
}

/* kill -9 at each effect from the send on, between store and push among them: what was stored
 * rings, if not before the crash then after the restart. */
static void test_a_crash_at_every_point(void **state)
{
    (void)state;
    uint64_t late = 0;
    for (uint64_t point = 1; point <= CRASH_POINTS; point++) {
        begin();
        send();
        tt_world_crash_in(scene.world, 0, point);
        run_for(5 * TT_US_PER_S);
        tt_world_crash(scene.world, 0);
        uint64_t before = accepted();
        tt_world_start(scene.world, 0);
        run_for(60 * TT_US_PER_S);
        if (accepted() != head())
            fail_msg("crash at effect %llu: head %llu, rung for %llu", (unsigned long long)point,
                     (unsigned long long)head(), (unsigned long long)accepted());
        late += before < head();
        end();
    }
    assert_in_range(late, 1, CRASH_POINTS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_socket_rings_at_once_and_once),
        cmocka_unit_test(test_half_open_phone_rings_after_the_delay),
        cmocka_unit_test(test_a_phone_that_acks_stays_silent),
        cmocka_unit_test(test_a_forgotten_laptop_silences_nothing),
        cmocka_unit_test(test_an_open_chat_delays_and_reading_silences),
        cmocka_unit_test(test_reading_elsewhere_clears_once),
        cmocka_unit_test(test_a_service_that_is_away),
        cmocka_unit_test(test_a_service_that_never_comes_back),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_an_address_that_died),
        cmocka_unit_test(test_what_matters_no_more_stays_silent),
        cmocka_unit_test(test_a_crash_at_every_point),
    };
    int failed = cmocka_run_group_tests_name("with a registry", tests, NULL, NULL);
    asks_nobody = true;
    return failed + cmocka_run_group_tests_name("the only node", tests, NULL, NULL);
}
