#include "contract/contract.h"

#define DAY_MS (24LL * 3600 * 1000)

static void a_first_link_starts_anew(struct fixture *f)
{
    const struct tt_link_device *linked = link_at(f, "bob", "phone", 5);
    assert_false(linked->resumed);
    assert_int_equal(linked->device_count, 1);
    expect_id(&linked->devices[0].id, "phone");
    assert_true(linked->devices[0].connected);
    assert_int_equal(linked->devices[0].linked_at.ms, at(5).ms);
    assert_int_equal(linked->devices[0].active_at.ms, at(5).ms);
    assert_int_equal(linked->devices[0].epoch, linked->epoch);
    assert_true(linked->settings.share_last_seen);
    assert_true(linked->settings.push_preview);
}

static void a_second_link_resumes_with_a_larger_epoch(struct fixture *f)
{
    uint64_t first = link_at(f, "bob", "phone", 1)->epoch;
    const struct tt_link_device *again = link_at(f, "bob", "phone", 2);
    assert_true(again->resumed);
    assert_true(again->epoch > first);
    assert_int_equal(again->devices[0].linked_at.ms, at(1).ms);
}

static void an_epoch_grows_over_unlinking_too(struct fixture *f)
{
    uint64_t first = link_at(f, "bob", "phone", 1)->epoch;
    expect_ok(unlink_device(f, "bob", "phone"));
    const struct tt_link_device *again = link_at(f, "bob", "phone", 2);
    assert_false(again->resumed);
    assert_true(again->epoch > first);
}

static void an_ack_of_a_link_that_is_over_moves_no_later_position(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 1);
    send_text(f, "c", "alice", "desk", "m1", 1);
    send_text(f, "c", "alice", "desk", "m2", 2);
    expect_ok(unlink_device(f, "bob", "phone"));
    link_at(f, "bob", "phone", 4);
    struct tt_store_op *late = new_ack(f, "c", "bob", "phone", 2, 0);
    late->advance.linked_at = at(1);
    expect_ok(run(f, late)->err);
    assert_int_equal(late->advance.after.delivered.n, 2);
    assert_int_equal(late->advance.device_delivered.n, 0);
    assert_false(late->advance.settled);
    struct tt_store_op *own = new_ack(f, "c", "bob", "phone", 1, 0);
    own->advance.linked_at = at(4);
    expect_ok(run(f, own)->err);
    assert_int_equal(own->advance.device_delivered.n, 1);
}

static void devices_are_listed_by_id(struct fixture *f)
{
    link_at(f, "bob", "tablet", 1);
    link_at(f, "bob", "desk", 2);
    link_at(f, "bob", "phone", 3);
    const struct tt_list_devices *listed = devices(f, "bob");
    assert_int_equal(listed->device_count, 3);
    expect_id(&listed->devices[0].id, "desk");
    expect_id(&listed->devices[1].id, "phone");
    expect_id(&listed->devices[2].id, "tablet");
    assert_int_equal(devices(f, "nobody")->device_count, 0);
}

static void one_device_too_many_is_refused_with_the_others(struct fixture *f)
{
    link_at(f, "bob", "d1", 1);
    link_at(f, "bob", "d2", 1);
    struct tt_store_op *op = new_op(f, TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of("bob");
    op->link_device.device = tt_id_of("d3");
    op->link_device.at = at(2);
    op->link_device.device_count_max = 2;
    op->link_device.silent_ms_max = DAY_MS;
    expect_err(run(f, op)->err, TT_ERR_TOO_MANY_DEVICES);
    assert_int_equal(op->link_device.device_count, 2);
    expect_id(&op->link_device.devices[0].id, "d1");
    expect_id(&op->link_device.devices[1].id, "d2");
    assert_int_equal(devices(f, "bob")->device_count, 2);

    struct tt_store_op *again = new_op(f, TT_STORE_LINK_DEVICE);
    again->link_device = op->link_device;
    again->link_device.device = tt_id_of("d2");
    expect_ok(run(f, again)->err);
}

static void silent_devices_make_room(struct fixture *f)
{
    uint64_t silent = link_at(f, "bob", "silent", 0)->epoch;
    link_at(f, "bob", "open", 0);
    disconnect(f, "bob", "silent", silent, 10);
    struct tt_store_op *op = new_op(f, TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of("bob");
    op->link_device.device = tt_id_of("new");
    op->link_device.at = at(10 + DAY_MS);
    op->link_device.device_count_max = 2;
    op->link_device.silent_ms_max = DAY_MS;
    expect_err(run(f, op)->err, TT_ERR_TOO_MANY_DEVICES);
    op->link_device.at = at(11 + DAY_MS);
    expect_ok(run(f, op)->err);
    assert_int_equal(op->link_device.device_count, 2);
    expect_id(&op->link_device.devices[0].id, "new");
    expect_id(&op->link_device.devices[1].id, "open");
}

static void a_refused_link_unlinks_nobody(struct fixture *f)
{
    uint64_t silent = link_at(f, "bob", "silent", 0)->epoch;
    link_at(f, "bob", "open", 0);
    disconnect(f, "bob", "silent", silent, 10);
    struct tt_store_op *op = new_op(f, TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of("bob");
    op->link_device.device = tt_id_of("new");
    op->link_device.at = at(11 + DAY_MS);
    op->link_device.device_count_max = 1;
    op->link_device.silent_ms_max = DAY_MS;
    expect_err(run(f, op)->err, TT_ERR_TOO_MANY_DEVICES);
    assert_int_equal(op->link_device.device_count, 2);
    assert_int_equal(devices(f, "bob")->device_count, 2);
}

static void unlinking_a_connected_device_disconnects_it(struct fixture *f)
{
    uint64_t epoch = link_at(f, "bob", "phone", 1)->epoch;
    expect_ok(unlink_device(f, "bob", "phone"));
    assert_int_equal(last_seen(f, "bob").ms, at(0).ms);
    assert_false(disconnect(f, "bob", "phone", epoch, 90)->was_current);
    assert_int_equal(last_seen(f, "bob").ms, at(0).ms);
}

static void a_device_that_was_silent_itself_starts_anew(struct fixture *f)
{
    uint64_t epoch = link_at(f, "bob", "phone", 0)->epoch;
    disconnect(f, "bob", "phone", epoch, 10);
    struct tt_store_op *op = new_op(f, TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of("bob");
    op->link_device.device = tt_id_of("phone");
    op->link_device.at = at(11 + DAY_MS);
    op->link_device.device_count_max = 2;
    op->link_device.silent_ms_max = DAY_MS;
    expect_ok(run(f, op)->err);
    assert_false(op->link_device.resumed);
    assert_true(op->link_device.epoch > epoch);
    assert_int_equal(op->link_device.devices[0].linked_at.ms, at(11 + DAY_MS).ms);
}

static void a_new_device_starts_where_its_user_is(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    for (uint64_t seq = 1; seq <= 3; seq++)
        send_text(f, "c", "alice", "a", seq == 1 ? "m1" : seq == 2 ? "m2" : "m3", seq);
    ack(f, "c", "bob", "phone", 2, 1);
    assert_false(link_at(f, "bob", "tablet", 1)->resumed);
    const struct tt_positions *stand = positions(f, "c", "bob");
    expect_cursor(stand->cursor, 2, 1);
    assert_int_equal(stand->device_count, 2);
    expect_id(&stand->devices[1].device, "tablet");
    assert_int_equal(stand->devices[1].delivered.n, 2);
}

static void a_first_device_starts_at_zero(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    send_text(f, "c", "alice", "a", "m1", 1);
    link_at(f, "bob", "phone", 1);
    const struct tt_positions *stand = positions(f, "c", "bob");
    assert_int_equal(stand->device_count, 1);
    assert_int_equal(stand->devices[0].delivered.n, 0);
    assert_int_equal(stand->head.n, 1);
}

/* Sent over HTTP by a device that was never linked, when there was no other: it armed nobody. */
static void a_new_device_waits_for_own_messages_too(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    send_text(f, "c", "bob", "web", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    ack(f, "c", "alice", "a", 2, 2);
    send_text(f, "c", "alice", "a", "m3", 3);
    expect_cursor(positions(f, "c", "alice")->cursor, 3, 3);
    ack(f, "c", "bob", "web", 3, 0);
    expect_nothing_pending(f, "bob");
    send_text(f, "c", "bob", "web", "m4", 4);
    expect_nothing_pending(f, "bob");
    link_at(f, "bob", "phone", 1);
    expect_pending(f, "bob", 4, 4, 4);
    ack(f, "c", "bob", "phone", 4, 0);
    expect_nothing_pending(f, "bob");
}

static bool is_over(struct fixture *f, tt_time linked_at)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_PENDING);
    op->list_pending.user = tt_id_of("bob");
    op->list_pending.device = tt_id_of("tablet");
    op->list_pending.linked_at = linked_at;
    op->list_pending.count_max = 100;
    expect_ok(run(f, op)->err);
    return op->list_pending.unlinked;
}

static void another_link_is_told_apart(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 1);
    link_at(f, "bob", "tablet", 2);
    send_text(f, "c", "alice", "a", "m1", 1);
    assert_false(is_over(f, at(2)));
    expect_ok(unlink_device(f, "bob", "tablet"));
    assert_true(is_over(f, at(2)));
    link_at(f, "bob", "tablet", 5);
    assert_true(is_over(f, at(2)));
    assert_false(is_over(f, at(5)));
    const tt_id tablet = tt_id_of("tablet");
    const struct tt_positions *stand = positions(f, "c", "bob");
    for (size_t i = 0; i < stand->device_count; i++)
        if (tt_id_eq(&stand->devices[i].device, &tablet))
            assert_int_equal(stand->devices[i].linked_at.ms, at(5).ms);
    assert_false(is_over(f, TT_TIME(0)));
}

static void unlinking_forgets_the_device(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    link_at(f, "bob", "tablet", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    ack(f, "c", "bob", "phone", 1, 1);
    expect_pending(f, "bob", 1, 1, 1);
    assert_false(pending(f, "bob", "tablet")->unlinked);
    expect_ok(unlink_device(f, "bob", "tablet"));
    assert_true(pending(f, "bob", "tablet")->unlinked);
    assert_false(pending(f, "bob", "phone")->unlinked);
    expect_nothing_pending(f, "bob");
    expect_err(unlink_device(f, "bob", "tablet"), TT_ERR_NOT_FOUND);
    expect_err(unlink_device(f, "nobody", "tablet"), TT_ERR_NOT_FOUND);
    const struct tt_positions *stand = positions(f, "c", "bob");
    expect_cursor(stand->cursor, 1, 1);
    assert_int_equal(stand->device_count, 1);
    assert_false(link_at(f, "bob", "tablet", 1)->resumed);
    assert_int_equal(positions(f, "c", "bob")->devices[1].delivered.n, 1);
}

static void unlinking_the_last_device_leaves_what_the_user_has_not(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    create_direct(f, "d", "carol", "bob");
    link_at(f, "bob", "phone", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "d", "carol", "a", "m1", 1);
    ack(f, "c", "bob", "phone", 1, 0);
    expect_ok(unlink_device(f, "bob", "phone"));
    const struct tt_list_pending *left = pending(f, "bob", "phone");
    assert_int_equal(left->row_count, 1);
    expect_id(&left->rows[0].conversation, "d");
}

static void the_last_disconnect_leaves_last_seen(struct fixture *f)
{
    uint64_t phone = link_at(f, "bob", "phone", 1)->epoch;
    uint64_t tablet = link_at(f, "bob", "tablet", 2)->epoch;
    const struct tt_disconnect *first = disconnect(f, "bob", "phone", phone, 50);
    assert_true(first->was_current);
    assert_false(first->was_last);
    assert_int_equal(last_seen(f, "bob").ms, 0);
    const struct tt_disconnect *second = disconnect(f, "bob", "tablet", tablet, 60);
    assert_true(second->was_current);
    assert_true(second->was_last);
    assert_int_equal(second->last_seen.ms, at(60).ms);
    assert_int_equal(last_seen(f, "bob").ms, at(60).ms);
    assert_false(devices(f, "bob")->devices[0].connected);
    assert_int_equal(devices(f, "bob")->devices[0].active_at.ms, at(50).ms);
}

static void a_stale_disconnect_changes_nothing(struct fixture *f)
{
    uint64_t old = link_at(f, "bob", "phone", 1)->epoch;
    link_at(f, "bob", "phone", 2);
    assert_false(disconnect(f, "bob", "phone", old, 50)->was_current);
    assert_true(devices(f, "bob")->devices[0].connected);
    assert_int_equal(last_seen(f, "bob").ms, 0);
    assert_false(disconnect(f, "bob", "other", old, 50)->was_current);
}

static void last_seen_never_goes_back(struct fixture *f)
{
    uint64_t epoch = link_at(f, "bob", "phone", 1)->epoch;
    disconnect(f, "bob", "phone", epoch, 50);
    epoch = link_at(f, "bob", "phone", 60)->epoch;
    assert_int_equal(disconnect(f, "bob", "phone", epoch, 40)->last_seen.ms, at(50).ms);
    assert_int_equal(last_seen(f, "bob").ms, at(50).ms);
}

static void a_repeated_disconnect_is_harmless(struct fixture *f)
{
    uint64_t epoch = link_at(f, "bob", "phone", 1)->epoch;
    disconnect(f, "bob", "phone", epoch, 50);
    disconnect(f, "bob", "phone", epoch, 55);
    assert_int_equal(last_seen(f, "bob").ms, at(50).ms);
}

static void a_crash_leaves_the_last_alive_time_as_last_seen(struct fixture *f)
{
    if (f->subject->reopen == NULL)
        return;
    uint64_t before = link_at(f, "bob", "phone", 10)->epoch;
    uint64_t carol = link_at(f, "carol", "phone", 10)->epoch;
    disconnect(f, "carol", "phone", carol, 15);
    alive(f, 20);
    alive(f, 19);
    link_at(f, "dave", "phone", 30);
    link_at(f, "erin", "phone", 31);
    link_at(f, "erin", "laptop", 32);
    link_at(f, "frank", "laptop", 33);
    link_at(f, "frank", "phone", 34);
    f->subject->reopen(f->store);
    assert_int_equal(last_seen(f, "bob").ms, at(20).ms);
    assert_int_equal(last_seen(f, "carol").ms, at(15).ms);
    assert_int_equal(last_seen(f, "dave").ms, at(30).ms);
    assert_int_equal(last_seen(f, "erin").ms, at(32).ms);
    assert_int_equal(last_seen(f, "frank").ms, at(34).ms);
    assert_false(devices(f, "bob")->devices[0].connected);
    const struct tt_link_device *again = link_at(f, "bob", "phone", 40);
    assert_true(again->resumed);
    assert_true(again->epoch > before);
}

static void settings_have_defaults_and_change_one_by_one(struct fixture *f)
{
    struct tt_store_op *op = new_op(f, TT_STORE_PUT_USER);
    op->put_user.user = tt_id_of("bob");
    op->put_user.set_display_name = true;
    op->put_user.settings.display_name =
        tt_arena_copy(&op->arena, tt_slice_text("Bob \\\"\xc3\xa9\\\""));
    expect_ok(run(f, op)->err);
    assert_true(op->put_user.settings.share_last_seen);
    assert_true(op->put_user.settings.push_preview);

    op = new_op(f, TT_STORE_PUT_USER);
    op->put_user.user = tt_id_of("bob");
    op->put_user.set_share_last_seen = true;
    expect_ok(run(f, op)->err);
    expect_slice(op->put_user.settings.display_name, "Bob \\\"\xc3\xa9\\\"");
    assert_false(op->put_user.settings.share_last_seen);
    assert_true(op->put_user.settings.push_preview);

    op = new_op(f, TT_STORE_GET_USERS);
    tt_id *ids = tt_arena_array(&op->arena, 2, sizeof(*ids));
    ids[0] = tt_id_of("unknown");
    ids[1] = tt_id_of("bob");
    op->get_users.ids = ids;
    op->get_users.id_count = 2;
    expect_ok(run(f, op)->err);
    expect_id(&op->get_users.users[0].id, "unknown");
    assert_int_equal(op->get_users.users[0].settings.display_name.size, 0);
    assert_true(op->get_users.users[0].settings.share_last_seen);
    assert_int_equal(op->get_users.users[0].last_seen.ms, 0);
    expect_slice(op->get_users.users[1].settings.display_name, "Bob \\\"\xc3\xa9\\\"");
    assert_false(op->get_users.users[1].settings.share_last_seen);
    expect_slice(link_at(f, "bob", "phone", 1)->settings.display_name, "Bob \\\"\xc3\xa9\\\"");
}

const struct contract_case device_cases[] = {
    CASE(a_first_link_starts_anew),
    CASE(a_second_link_resumes_with_a_larger_epoch),
    CASE(an_epoch_grows_over_unlinking_too),
    CASE(an_ack_of_a_link_that_is_over_moves_no_later_position),
    CASE(devices_are_listed_by_id),
    CASE(one_device_too_many_is_refused_with_the_others),
    CASE(silent_devices_make_room),
    CASE(a_refused_link_unlinks_nobody),
    CASE(unlinking_a_connected_device_disconnects_it),
    CASE(a_device_that_was_silent_itself_starts_anew),
    CASE(a_new_device_starts_where_its_user_is),
    CASE(a_first_device_starts_at_zero),
    CASE(a_new_device_waits_for_own_messages_too),
    CASE(unlinking_forgets_the_device),
    CASE(another_link_is_told_apart),
    CASE(unlinking_the_last_device_leaves_what_the_user_has_not),
    CASE(the_last_disconnect_leaves_last_seen),
    CASE(a_stale_disconnect_changes_nothing),
    CASE(last_seen_never_goes_back),
    CASE(a_repeated_disconnect_is_harmless),
    CASE(a_crash_leaves_the_last_alive_time_as_last_seen),
    CASE(settings_have_defaults_and_change_one_by_one),
    {NULL, NULL},
};
