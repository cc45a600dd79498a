#include <stdio.h>

#include "contract/contract.h"

static struct tt_store_op *new_change(struct fixture *f, const char *user, const char *password)
{
    struct tt_store_op *op = new_op(f, TT_STORE_PUT_ACCOUNT);
    op->put_account.user = tt_id_of(user);
    op->put_account.change.at = at(5);
    if (password != NULL) {
        op->put_account.change.set_password = true;
        op->put_account.change.password = tt_arena_copy(&op->arena, tt_slice_text(password));
    }
    return op;
}

static tt_err add(struct fixture *f, const char *user, const char *password)
{
    struct tt_store_op *op = new_change(f, user, password);
    op->put_account.change.creates = true;
    return run(f, op)->err;
}

static tt_err set_password(struct fixture *f, const char *user, const char *password)
{
    return run(f, new_change(f, user, password))->err;
}

static tt_err set_disabled(struct fixture *f, const char *user, bool disabled)
{
    struct tt_store_op *op = new_change(f, user, NULL);
    op->put_account.change.set_disabled = true;
    op->put_account.change.disabled = disabled;
    return run(f, op)->err;
}

static struct tt_store_op *get(struct fixture *f, const char *user)
{
    struct tt_store_op *op = new_op(f, TT_STORE_GET_ACCOUNT);
    op->get_account.user = tt_id_of(user);
    return run(f, op);
}

static tt_err log_in(struct fixture *f, const char *user, const char *device, const char *password,
                     uint64_t number, int64_t ms)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LOG_IN);
    op->log_in.user = tt_id_of(user);
    op->log_in.password = tt_arena_copy(&op->arena, tt_slice_text(password));
    op->log_in.login = (struct tt_login){tt_id_of(device), number, at(ms)};
    op->log_in.login_count_max = 3;
    return run(f, op)->err;
}

static tt_err check(struct fixture *f, const char *user, const char *device, uint64_t login)
{
    struct tt_store_op *op = new_op(f, TT_STORE_CHECK_LOGIN);
    op->check_login.user = tt_id_of(user);
    op->check_login.device = tt_id_of(device);
    op->check_login.login = login;
    return run(f, op)->err;
}

static tt_err link_with(struct fixture *f, const char *user, const char *device, uint64_t login)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of(user);
    op->link_device.device = tt_id_of(device);
    op->link_device.at = at(1);
    op->link_device.device_count_max = 4;
    op->link_device.silent_ms_max = INT64_MAX / 2;
    op->link_device.login = login;
    return run(f, op)->err;
}

static void an_account_comes_back_as_it_was_put(struct fixture *f)
{
    expect_err(get(f, "bob")->err, TT_ERR_NOT_FOUND);
    expect_ok(add(f, "bob", "hash 1"));
    const struct tt_store_op *op = get(f, "bob");
    expect_ok(op->err);
    expect_slice(op->get_account.account.password, "hash 1");
    assert_false(op->get_account.account.disabled);
    assert_int_equal(op->get_account.account.created_at.ms, at(5).ms);
    assert_int_equal(op->get_account.account.login_count, 0);
}

static void a_name_is_given_once(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash 1"));
    expect_ok(add(f, "bob", "hash 1")); /* the same creation again */
    expect_err(add(f, "bob", "hash 2"), TT_ERR_CONFLICT);
    expect_slice(get(f, "bob")->get_account.account.password, "hash 1");
}

static void a_name_that_was_connected_is_for_no_stranger(struct fixture *f)
{
    link_at(f, "bob", "phone", 0);
    expect_ok(unlink_device(f, "bob", "phone"));
    struct tt_store_op *op = new_change(f, "bob", "hash");
    op->put_account.change.creates = true;
    op->put_account.by_stranger = true;
    expect_err(run(f, op)->err, TT_ERR_CONFLICT);
    expect_ok(add(f, "bob", "hash"));
    expect_ok(run(f, op)->err); /* made meanwhile, with this very password */
}

static void nobody_is_changed_who_is_not_there(struct fixture *f)
{
    link_at(f, "bob", "phone", 0); /* a user, but without an account */
    expect_err(set_password(f, "bob", "hash"), TT_ERR_NOT_FOUND);
    expect_err(set_disabled(f, "bob", true), TT_ERR_NOT_FOUND);
    expect_err(get(f, "bob")->err, TT_ERR_NOT_FOUND);
    expect_err(log_in(f, "bob", "phone", "hash", 1, 1), TT_ERR_NOT_FOUND);
    expect_err(check(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
}

static void a_login_stands_for_its_device_only(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash"));
    expect_ok(log_in(f, "bob", "phone", "hash", 11, 1));
    expect_ok(log_in(f, "bob", "laptop", "hash", 12, 2));
    expect_ok(check(f, "bob", "phone", 11));
    expect_ok(check(f, "bob", "laptop", 12));
    expect_err(check(f, "bob", "phone", 12), TT_ERR_UNAUTHENTICATED);
    expect_err(check(f, "bob", "tablet", 11), TT_ERR_UNAUTHENTICATED);
    expect_err(check(f, "alice", "phone", 11), TT_ERR_UNAUTHENTICATED);
    expect_ok(log_in(f, "bob", "phone", "hash", 13, 3));
    expect_err(check(f, "bob", "phone", 11), TT_ERR_UNAUTHENTICATED);
    expect_ok(check(f, "bob", "phone", 13));
}

static void the_oldest_login_ends_past_the_limit(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash"));
    expect_ok(log_in(f, "bob", "b", "hash", 1, 20));
    expect_ok(log_in(f, "bob", "a", "hash", 2, 30));
    expect_ok(log_in(f, "bob", "c", "hash", 3, 10));
    expect_ok(log_in(f, "bob", "d", "hash", 4, 5));
    expect_err(check(f, "bob", "c", 3), TT_ERR_UNAUTHENTICATED);
    expect_ok(check(f, "bob", "a", 2));
    expect_ok(check(f, "bob", "b", 1));
    expect_ok(check(f, "bob", "d", 4));
}

static void only_the_password_that_stands_logs_in(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash 1"));
    expect_ok(log_in(f, "bob", "phone", "hash 1", 1, 1));
    expect_ok(set_password(f, "bob", "hash 2"));
    expect_err(check(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
    expect_err(log_in(f, "bob", "phone", "hash 1", 2, 2), TT_ERR_NOT_FOUND);
    expect_ok(log_in(f, "bob", "phone", "hash 2", 3, 3));
    expect_ok(check(f, "bob", "phone", 3));
}

static void switching_off_ends_all_logins(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash"));
    expect_ok(log_in(f, "bob", "phone", "hash", 1, 1));
    expect_ok(set_disabled(f, "bob", true));
    expect_err(check(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
    expect_err(log_in(f, "bob", "phone", "hash", 2, 2), TT_ERR_NOT_FOUND);
    assert_true(get(f, "bob")->get_account.account.disabled);
    expect_ok(set_disabled(f, "bob", false));
    expect_err(check(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
    expect_ok(log_in(f, "bob", "phone", "hash", 3, 3));
}

static void unlinking_ends_the_login(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash"));
    expect_ok(log_in(f, "bob", "phone", "hash", 1, 1));
    expect_ok(log_in(f, "bob", "laptop", "hash", 2, 1));
    expect_ok(link_with(f, "bob", "phone", 1));
    expect_ok(unlink_device(f, "bob", "phone"));
    expect_err(check(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
    expect_err(link_with(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
    assert_int_equal(devices(f, "bob")->device_count, 0);
    expect_ok(unlink_device(f, "bob", "laptop")); /* logged in, never connected */
    expect_err(check(f, "bob", "laptop", 2), TT_ERR_UNAUTHENTICATED);
    expect_err(unlink_device(f, "bob", "laptop"), TT_ERR_NOT_FOUND);
}

static void unlinking_ends_a_login_and_its_address_alike(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash"));
    expect_ok(log_in(f, "bob", "phone", "hash", 1, 1));
    expect_ok(log_in(f, "bob", "laptop", "hash", 2, 1));
    expect_ok(put_address(f, "bob", "phone", "t1", 1));
    expect_ok(unlink_device(f, "bob", "phone"));
    expect_err(check(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
    expect_ok(check(f, "bob", "laptop", 2));
    assert_int_equal(addresses(f, "bob")->address_count, 0);
    expect_err(unlink_device(f, "bob", "phone"), TT_ERR_NOT_FOUND);
}

static void a_login_that_ended_links_nothing(struct fixture *f)
{
    expect_ok(add(f, "bob", "hash"));
    expect_err(link_with(f, "bob", "phone", 1), TT_ERR_UNAUTHENTICATED);
    expect_err(link_with(f, "carol", "phone", 1), TT_ERR_UNAUTHENTICATED);
    assert_int_equal(devices(f, "bob")->device_count, 0);
    expect_ok(log_in(f, "bob", "phone", "hash", 7, 1));
    expect_ok(link_with(f, "bob", "phone", 7));
    expect_ok(link_with(f, "bob", "other", 0)); /* a token that names no login */
    assert_int_equal(devices(f, "bob")->device_count, 2);
}

static void accounts_are_listed_in_pages(struct fixture *f)
{
    const char *names[] = {"dora", "alice", "carol"};
    link_at(f, "bob", "phone", 0);
    for (size_t i = 0; i < 3; i++)
        expect_ok(add(f, names[i], "hash"));
    expect_ok(log_in(f, "carol", "phone", "hash", 1, 1));
    expect_ok(set_disabled(f, "dora", true));
    char found[64] = "";
    struct tt_list_accounts *list;
    tt_id after = {0};
    do {
        struct tt_store_op *op = new_op(f, TT_STORE_LIST_ACCOUNTS);
        op->list_accounts.after = after;
        op->list_accounts.count_max = 2;
        expect_ok(run(f, op)->err);
        list = &op->list_accounts;
        for (size_t i = 0; i < list->row_count; i++) {
            const struct tt_account *account = &list->rows[i].account;
            assert_int_equal(account->password.size, 0);
            size_t size = strlen(found);
            snprintf(found + size, sizeof(found) - size, "%.*s%s%s ", list->rows[i].user.size,
                     list->rows[i].user.bytes, account->disabled ? "-" : "",
                     account->login_count > 0 ? "+" : "");
        }
        after = list->last;
    } while (list->more);
    assert_string_equal(found, "alice carol+ dora- ");
}

const struct contract_case account_cases[] = {
    CASE(an_account_comes_back_as_it_was_put),
    CASE(a_name_is_given_once),
    CASE(a_name_that_was_connected_is_for_no_stranger),
    CASE(nobody_is_changed_who_is_not_there),
    CASE(a_login_stands_for_its_device_only),
    CASE(the_oldest_login_ends_past_the_limit),
    CASE(only_the_password_that_stands_logs_in),
    CASE(switching_off_ends_all_logins),
    CASE(unlinking_ends_the_login),
    CASE(unlinking_ends_a_login_and_its_address_alike),
    CASE(a_login_that_ended_links_nothing),
    CASE(accounts_are_listed_in_pages),
    {NULL, NULL},
};
