#include "bench.h"
#include "unit.h"

/* What is told of a device that was unlinked, and perhaps linked again. */

static void unlink_phone(struct bench *bench)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_UNLINK_DEVICE);
    op->unlink_device.user = tt_id_of("bob");
    op->unlink_device.device = tt_id_of("phone");
    op->unlink_device.at = bench->now.wall;
    bench_store(bench, op);
}

static const struct tt_hint *cut(struct tt_hint *hint)
{
    *hint =
        (struct tt_hint){.kind = TT_HINT_CUT, .user = tt_id_of("bob"), .device = tt_id_of("phone")};
    return hint;
}

static void a_socket_of_an_unlinked_device_is_closed(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    struct tt_hint hint;
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "bob", "tablet");
    bench_hear(bench, cut(&hint));
    expect_unsaid(bench, "closed");
    unlink_phone(bench);
    bench_hear(bench, cut(&hint));
    expect_said(bench, "bob/phone: closed with 4401");
    expect_unsaid(bench, "bob/tablet: closed");
    bench_destroy(&bench);
}

static void a_late_word_of_an_unlinking_spares_the_next_link(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    struct tt_hint hint;
    tt_handle first = bench_connect(bench, "bob", "phone");
    unlink_phone(bench);
    bench_hear(bench, cut(&hint));
    bench_hang_up(bench, first);
    bench_pass_ms(bench, 50);
    bench_forget(bench);
    (void)bench_connect(bench, "bob", "phone");
    bench_hear(bench, cut(&hint));
    expect_said(bench, "bob/phone: hello anew");
    expect_unsaid(bench, "closed");
    bench_destroy(&bench);
}

static void link_phone_again(struct bench *bench)
{
    unlink_phone(bench);
    bench->now.wall.ms += 10;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LINK_DEVICE);
    op->link_device = (struct tt_link_device){.user = tt_id_of("bob"),
                                              .device = tt_id_of("phone"),
                                              .at = bench->now.wall,
                                              .device_count_max = 16,
                                              .silent_ms_max = INT64_MAX};
    bench_store(bench, op);
}

/* The new link's socket is elsewhere, and the word that it has replaced this one was lost. */
static void a_socket_of_the_link_before_is_closed(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    struct tt_hint hint;
    (void)bench_connect(bench, "bob", "phone");
    link_phone_again(bench);
    bench_hear(bench, cut(&hint));
    expect_said(bench, "bob/phone: closed with 4401");
    bench_destroy(&bench);
}

/* The new link's position is none of this one's: there would be a gap before it. */
static void a_socket_of_the_link_before_is_handed_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "phone");
    link_phone_again(bench);
    bench_send(bench, alice, "c", "m1");
    expect_said(bench, "bob/phone: closed with 4401");
    expect_unsaid(bench, "bob/phone: message");
    bench_destroy(&bench);
}

static void a_store_that_is_away_is_asked_again(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    struct tt_hint hint;
    (void)bench_connect(bench, "bob", "phone");
    unlink_phone(bench);
    bench_hold(bench, TT_STORE_LIST_DEVICES);
    bench_hear(bench, cut(&hint));
    bench_let_go(bench, TT_STORE_LIST_DEVICES, TT_FAIL(UNAVAILABLE));
    expect_unsaid(bench, "closed");
    bench_pass_ms(bench, 2000);
    expect_said(bench, "bob/phone: closed with 4401");
    bench_destroy(&bench);
}

/* Bob's phone acks, and before that takes effect it is unlinked and linked again: what it held is
 * gone, so its new link starts where it was put. */
static void an_ack_of_the_link_before_moves_no_later_position(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_time first = bench->now.wall;
    tt_handle alice = bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "m1");
    bench_send(bench, alice, "c", "m2");
    unlink_phone(bench);
    bench_pass_ms(bench, 100);
    bench_forget(bench);
    (void)bench_connect(bench, "bob", "phone");
    struct tt_store_op *op = tt_store_op_create(TT_STORE_ADVANCE);
    op->advance = (struct tt_advance){.conversation = tt_id_of("c"),
                                      .user = tt_id_of("bob"),
                                      .device = tt_id_of("phone"),
                                      .linked_at = first,
                                      .to = {.delivered = TT_SEQ(2)},
                                      .at = bench->now.wall};
    tt_store_tables_apply(&bench->tables, op, 0, false);
    expect_ok(op->err);
    assert_int_equal(op->advance.after.delivered.n, 2);
    assert_int_equal(op->advance.device_delivered.n, 0);
    assert_false(op->advance.settled);
    tt_store_op_destroy(&op);
    expect_said(bench, "bob/phone: message c seq=1");
    bench_destroy(&bench);
}

static void an_ack_names_the_link_of_its_socket(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_time first = bench->now.wall;
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 100);
    bench_hold(bench, TT_STORE_ADVANCE);
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 1);
    assert_int_equal(bench->ops[bench->op_count - 1]->kind, TT_STORE_ADVANCE);
    assert_int_equal(bench->ops[bench->op_count - 1]->advance.linked_at.ms, first.ms);
    bench_let_go(bench, TT_STORE_ADVANCE, TT_OK);
    expect_said(bench, "alice/desk: status_update c last_delivered_seq=1");
    bench_destroy(&bench);
}

static size_t registrations(const struct bench *bench, const char *user)
{
    tt_id id = tt_id_of(user);
    size_t count = 0;
    for (size_t i = 0; i < bench->entry_count; i++)
        count += tt_id_eq(&bench->entries[i].user, &id);
    return count;
}

/* A connection that the device had given up is taken after a newer one, and ends at once: what it
 * stood in the place of is the socket that the device goes on using. */
static void a_dead_connection_leaves_the_living_one_registered(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    bench->holds_registry = true;
    tt_handle dead = bench_connect(bench, "bob", "phone");
    bench_hang_up(bench, dead);
    bench_let_registry_go(bench, TT_OK);
    expect_unsaid(bench, "bob/phone: closed");
    assert_int_equal(registrations(bench, "bob"), 1);
    bench_destroy(&bench);
}

static void a_dead_connection_tells_the_node_of_the_living_one(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_register(bench, "bob", "phone", 1);
    bench->holds_registry = true;
    tt_handle dead = bench_connect(bench, "bob", "phone");
    bench_hang_up(bench, dead);
    bench_let_registry_go(bench, TT_OK);
    expect_said(bench, "hint: KICK bob/phone");
    assert_int_equal(bench->hint.version, 1);
    bench_destroy(&bench);
}

/* What that node does: the socket that is meant looks for itself, and is not closed. */
static void who_is_told_so_registers_again(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    struct tt_hint kick = {.kind = TT_HINT_KICK,
                           .user = tt_id_of("bob"),
                           .device = tt_id_of("phone"),
                           .version = bench->entries[0].device.epoch};
    bench_unregister(bench, "bob", "phone");
    bench_hear(bench, &kick);
    assert_int_equal(registrations(bench, "bob"), 1);
    expect_unsaid(bench, "bob/phone: closed");
    bench_unregister(bench, "bob", "phone");
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_BUS_GAP}); /* the word of it was lost */
    assert_int_equal(registrations(bench, "bob"), 1);
    bench_destroy(&bench);
}

/* The registry is away while the phone connects anew, and until that socket has gone too. */
static void who_is_replaced_does_not_stay_registered(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    assert_int_equal(registrations(bench, "bob"), 1);
    bench->registry_refused = UINT64_MAX;
    tt_handle newer = bench_connect(bench, "bob", "phone");
    expect_said(bench, "bob/phone: closed with 4409");
    bench_hang_up(bench, newer);
    tt_time left_at = bench->now.wall;
    bench_pass_ms(bench, 60000);
    bench->registry_refused = 0;
    bench_pass_ms(bench, 5000);
    assert_int_equal(registrations(bench, "bob"), 0);
    assert_int_equal(bench->left_at.ms, left_at.ms);
    bench_destroy(&bench);
}

/* The registry is away for a moment: until the newer socket is registered, the older one's entry
 * leads hints to it, and nobody is told that Bob has gone. */
static void who_replaces_is_found_by_the_older_ones_entry(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench->registry_refused = 1ULL << TT_REGISTRY_REGISTER;
    bench_forget(bench);
    (void)bench_connect(bench, "bob", "phone");
    bench_pass_ms(bench, 3000);
    assert_int_equal(registrations(bench, "bob"), 1);
    bench->registry_refused = 0;
    bench_pass_ms(bench, 5000);
    assert_int_equal(registrations(bench, "bob"), 1);
    expect_unsaid(bench, "bob offline");
    bench_destroy(&bench);
}

/* The older one is answered after the newer one, that is not registered. */
static void who_is_replaced_before_it_is_there_does_not_stay_registered(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench->holds_registry = true;
    (void)bench_connect(bench, "bob", "phone");
    struct tt_registry_op *slow = bench->lookups[--bench->lookup_count];
    assert_int_equal(slow->kind, TT_REGISTRY_REGISTER);
    bench->registry_refused = UINT64_MAX;
    bench_let_registry_go(bench, TT_OK);
    tt_handle newer = bench_connect(bench, "bob", "phone");
    bench->lookups[bench->lookup_count++] = slow;
    bench_let_registry_go(bench, TT_OK);
    bench_hang_up(bench, newer);
    bench->registry_refused = 0;
    bench_pass_ms(bench, 5000);
    assert_int_equal(registrations(bench, "bob"), 0);
    bench_destroy(&bench);
}

/* The word of the unlinking was lost. It acks nothing, so only the append can say it. */
static void a_socket_that_sends_for_an_unlinked_device_is_closed(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "m1");
    bench_send(bench, bob, "c", "m2");
    bench_pass_ms(bench, 100);
    expect_said(bench, "bob/phone: sent c seq=2");
    expect_unsaid(bench, "closed");
    unlink_phone(bench);
    bench_send(bench, bob, "c", "m3");
    bench_pass_ms(bench, 100);
    expect_said(bench, "bob/phone: sent c seq=3");
    expect_said(bench, "bob/phone: closed with 4401");
    bench_destroy(&bench);
}

static void who_is_unlinked_is_cut_though_the_registry_was_away(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_register(bench, "bob", "phone", 1);
    bench->holds_registry = true;
    bench_ask(
        bench,
        (struct tt_request){.kind = TT_REQUEST_UNLINK_DEVICE, .unlink.device = tt_id_of("phone")},
        "bob", "desk");
    bench_let_registry_go(bench, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "reply: 200");
    expect_unsaid(bench, "hint: CUT");
    bench_pass_ms(bench, 3000);
    expect_said(bench, "hint: CUT bob/phone");
    bench_destroy(&bench);
}

static void look_each_second(struct tt_core_options *options)
{
    options->reassert_ms = 1000;
}

/* So that its socket, if the word is lost, finds out when it looks whether it is registered. */
static void a_device_that_is_unlinked_is_registered_no_more(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    struct tt_request unlink = {.kind = TT_REQUEST_UNLINK_DEVICE,
                                .unlink.device = tt_id_of("phone")};
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_register(bench, "bob", "phone", 1);
    bench_ask(bench, unlink, "bob", "desk");
    expect_said(bench, "hint: CUT bob/phone");
    assert_int_equal(registrations(bench, "bob"), 0);
    bench_register(bench, "bob", "phone", 2); /* by a socket that nobody has told yet */
    bench_forget(bench);
    bench_ask(bench, unlink, "bob", "desk");
    expect_said(bench, "reply: 404");
    assert_int_equal(registrations(bench, "bob"), 0);
    bench_destroy(&bench);
}

/* The store has been asked, and before it answers the device connects once more. */
static void what_has_connected_since_stays_registered(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_register(bench, "bob", "phone", 1);
    bench_hold(bench, TT_STORE_LIST_DEVICES);
    bench_ask(
        bench,
        (struct tt_request){.kind = TT_REQUEST_UNLINK_DEVICE, .unlink.device = tt_id_of("phone")},
        "bob", "desk");
    bench_register(bench, "bob", "phone", 2);
    bench_let_go(bench, TT_STORE_LIST_DEVICES, TT_OK);
    assert_int_equal(registrations(bench, "bob"), 1);
    bench_destroy(&bench);
}

static void a_device_that_could_not_be_unlinked_stays_registered(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_register(bench, "bob", "phone", 1);
    bench_refuse(bench, TT_STORE_UNLINK_DEVICE);
    bench_ask(
        bench,
        (struct tt_request){.kind = TT_REQUEST_UNLINK_DEVICE, .unlink.device = tt_id_of("phone")},
        "bob", "desk");
    expect_said(bench, "reply: 503");
    expect_said(bench, "hint: CUT bob/phone");
    assert_int_equal(registrations(bench, "bob"), 1);
    bench_destroy(&bench);
}

/* Whoever has something for it finds it there, and cuts it. */
static void it_stays_registered_where_no_socket_looks(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_register(bench, "bob", "phone", 1);
    bench_ask(
        bench,
        (struct tt_request){.kind = TT_REQUEST_UNLINK_DEVICE, .unlink.device = tt_id_of("phone")},
        "bob", "desk");
    expect_said(bench, "hint: CUT bob/phone");
    assert_int_equal(registrations(bench, "bob"), 1);
    bench_destroy(&bench);
}

static void a_socket_that_is_neither_registered_nor_linked_is_closed(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    (void)bench_connect(bench, "bob", "phone");
    unlink_phone(bench);
    bench_unregister(bench, "bob", "phone");
    bench_pass_ms(bench, 2000);
    expect_said(bench, "bob/phone: closed with 4401");
    assert_int_equal(registrations(bench, "bob"), 0);
    bench_destroy(&bench);
}

/* It was done, and that is not known; or it had been done, and the word of it was lost. */
static void who_may_be_unlinked_is_cut(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    struct tt_request unlink = {.kind = TT_REQUEST_UNLINK_DEVICE,
                                .unlink.device = tt_id_of("phone")};
    (void)bench_connect(bench, "bob", "phone");
    bench_hold(bench, TT_STORE_UNLINK_DEVICE);
    bench_ask(bench, unlink, "bob", "desk");
    bench_let_go(bench, TT_STORE_UNLINK_DEVICE, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "reply: 503");
    expect_said(bench, "bob/phone: closed with 4401");
    (void)bench_connect(bench, "bob", "phone");
    unlink_phone(bench);
    bench_forget(bench);
    bench_ask(bench, unlink, "bob", "desk");
    expect_said(bench, "reply: 404");
    expect_said(bench, "bob/phone: closed with 4401");
    bench_destroy(&bench);
}

static void cut_by_desk(struct bench *bench, const char *device)
{
    struct tt_event event = {.kind = TT_EVENT_CUT};
    event.cut.user = tt_id_of("bob");
    if (device != NULL)
        event.cut.device = tt_id_of(device);
    bench_step(bench, &event);
}

/* After a new password: whoever's unlinking took effect late, or was done by who died. */
static void all_sockets_of_a_user_are_looked_at_together(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "bob", "tablet");
    (void)bench_connect(bench, "alice", "phone");
    unlink_phone(bench);
    bench_forget(bench);
    cut_by_desk(bench, NULL);
    expect_said(bench, "bob/phone: closed with 4401");
    expect_unsaid(bench, "bob/tablet: closed");
    expect_unsaid(bench, "alice/phone: closed");
    assert_int_equal(bench_count(bench, "store: LIST_DEVICES"), 1);
    bench_destroy(&bench);
}

static void all_entries_of_a_user_are_looked_at_together(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_hang_up(bench, bench_connect(bench, "bob", "tablet"));
    bench_register(bench, "bob", "phone", 1);
    bench_register(bench, "bob", "tablet", 2);
    unlink_phone(bench);
    bench_forget(bench);
    cut_by_desk(bench, NULL);
    expect_said(bench, "hint: CUT bob");
    assert_true(tt_id_is_none(&bench->hint.device));
    assert_int_equal(registrations(bench, "bob"), 1);
    assert_int_equal(bench_count(bench, "store: LIST_DEVICES"), 1);
    bench_destroy(&bench);
}

static void who_hears_of_no_device_looks_at_each(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    const struct tt_hint hint = {.kind = TT_HINT_CUT, .user = tt_id_of("bob")};
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "bob", "tablet");
    unlink_phone(bench);
    bench_hear(bench, &hint);
    expect_said(bench, "bob/phone: closed with 4401");
    expect_unsaid(bench, "bob/tablet: closed");
    bench_destroy(&bench);
}

/* Nobody knew the outcome, and it comes after the look. */
static void what_takes_effect_late_is_looked_at_once_more(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "bob", "tablet");
    cut_by_desk(bench, "phone");
    cut_by_desk(bench, "tablet");
    unlink_phone(bench);
    expect_unsaid(bench, "closed");
    bench_pass_ms(bench, 3000);
    expect_said(bench, "bob/phone: closed with 4401");
    expect_unsaid(bench, "bob/tablet: closed");
    bench_forget(bench);
    bench_pass_ms(bench, 30000);
    assert_int_equal(bench_count(bench, "store: LIST_DEVICES"), 0);
    bench_destroy(&bench);
}

/* It was linked when the store was asked, and is not any more when it is asked again. */
static void an_entry_is_looked_at_once_more_too(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_register(bench, "bob", "phone", 1);
    cut_by_desk(bench, "phone");
    assert_int_equal(registrations(bench, "bob"), 1);
    unlink_phone(bench);
    bench_pass_ms(bench, 3000);
    assert_int_equal(registrations(bench, "bob"), 0);
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_connection_leaves_the_living_one_registered),
        cmocka_unit_test(a_dead_connection_tells_the_node_of_the_living_one),
        cmocka_unit_test(who_is_told_so_registers_again),
        cmocka_unit_test(who_is_replaced_does_not_stay_registered),
        cmocka_unit_test(who_replaces_is_found_by_the_older_ones_entry),
        cmocka_unit_test(who_is_replaced_before_it_is_there_does_not_stay_registered),
        cmocka_unit_test(a_socket_of_an_unlinked_device_is_closed),
        cmocka_unit_test(a_late_word_of_an_unlinking_spares_the_next_link),
        cmocka_unit_test(a_socket_of_the_link_before_is_closed),
        cmocka_unit_test(a_socket_of_the_link_before_is_handed_nothing),
        cmocka_unit_test(a_store_that_is_away_is_asked_again),
        cmocka_unit_test(an_ack_of_the_link_before_moves_no_later_position),
        cmocka_unit_test(an_ack_names_the_link_of_its_socket),
        cmocka_unit_test(a_socket_that_sends_for_an_unlinked_device_is_closed),
        cmocka_unit_test(who_is_unlinked_is_cut_though_the_registry_was_away),
        cmocka_unit_test(a_device_that_is_unlinked_is_registered_no_more),
        cmocka_unit_test(what_has_connected_since_stays_registered),
        cmocka_unit_test(a_device_that_could_not_be_unlinked_stays_registered),
        cmocka_unit_test(it_stays_registered_where_no_socket_looks),
        cmocka_unit_test(a_socket_that_is_neither_registered_nor_linked_is_closed),
        cmocka_unit_test(who_may_be_unlinked_is_cut),
        cmocka_unit_test(all_sockets_of_a_user_are_looked_at_together),
        cmocka_unit_test(all_entries_of_a_user_are_looked_at_together),
        cmocka_unit_test(who_hears_of_no_device_looks_at_each),
        cmocka_unit_test(what_takes_effect_late_is_looked_at_once_more),
        cmocka_unit_test(an_entry_is_looked_at_once_more_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
