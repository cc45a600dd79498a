#include "adapter/account/desk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "adapter/account/password.h"
#include "base/memory.h"

#define LIST_PAGE 200

struct tt_desk {
    struct tt_desk_owner owner;
    struct tt_store_port store;
    char nobody[TT_PASSWORD_HASH_SIZE]; /* compared with where there is nobody; nobody knows it */
    atomic_uint_fast64_t comparisons;
};

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void on_done(void *context, struct tt_store_op *op)
{
    (void)context;
    struct waiting *waiting = op->tag.context;
    pthread_mutex_lock(&waiting->lock);
    waiting->done = true;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

static tt_err run(struct tt_desk *desk, struct tt_store_op *op)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    op->tag.context = &waiting;
    desk->store.submit(desk->store.self, &op, 1);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.done)
        pthread_cond_wait(&waiting.changed, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    pthread_cond_destroy(&waiting.changed);
    pthread_mutex_destroy(&waiting.lock);
    return op->err;
}

static tt_err run_once(struct tt_desk *desk, struct tt_store_op *op)
{
    tt_err err = run(desk, op);
    tt_store_op_destroy(&op);
    return err;
}

static tt_err hash_of(const struct tt_desk *desk, struct tt_room *room, struct tt_slice password,
                      char hash[TT_PASSWORD_HASH_SIZE])
{
    unsigned char salt[TT_PASSWORD_SALT_SIZE];
    desk->owner.fill(salt, sizeof(salt));
    return tt_password_hash(password, salt, desk->owner.memory, room, hash);
}

tt_err tt_desk_create(const struct tt_desk_owner *owner, struct tt_desk **desk)
{
    struct tt_desk *made = tt_alloc(sizeof(*made));
    struct tt_room room = {0};
    char secret[32];
    made->owner = *owner;
    owner->fill(secret, sizeof(secret));
    tt_err err = TT_OK;
    if (owner->compares)
        err = hash_of(made, &room, tt_slice(secret, sizeof(secret)), made->nobody);
    tt_room_leave(&room);
    if (!tt_is_ok(err)) {
        tt_free(made);
        return err;
    }
    made->store = owner->attach(owner->context, (struct tt_store_sink){NULL, on_done});
    *desk = made;
    return TT_OK;
}

void tt_desk_destroy(struct tt_desk **take_desk)
{
    tt_free(*take_desk);
    *take_desk = NULL;
}

uint64_t tt_desk_comparisons(struct tt_desk *desk)
{
    return atomic_load(&desk->comparisons);
}

static tt_id made_up_device(const struct tt_desk *desk)
{
    uint64_t bits;
    char text[24];
    desk->owner.fill(&bits, sizeof(bits));
    snprintf(text, sizeof(text), "dev_%016llx", (unsigned long long)bits);
    return tt_id_of(text);
}

static uint64_t made_up_login(const struct tt_desk *desk)
{
    uint64_t number = 0;
    while (number == 0) {
        desk->owner.fill(&number, sizeof(number));
        number &= TT_LOGIN_MAX;
    }
    return number;
}

/* BAD_LOGIN, whatever of it is wrong; always one comparison. */
static tt_err compare(struct tt_desk *desk, struct tt_room *room, struct tt_store_op *op,
                      struct tt_slice password)
{
    tt_err err = run(desk, op);
    if (!tt_is_ok(err) && !tt_err_is(err, TT_ERR_NOT_FOUND))
        return err;
    const struct tt_account *account = &op->get_account.account;
    bool is_somebody = tt_is_ok(err) && !account->disabled;
    struct tt_slice hash = is_somebody ? account->password : tt_slice_text(desk->nobody);
    atomic_fetch_add(&desk->comparisons, 1);
    bool is_right;
    TT_TRY(tt_password_is(password, hash, room, &is_right));
    return is_somebody && is_right ? TT_OK : TT_FAIL(BAD_LOGIN);
}

static tt_err begin_login(struct tt_desk *desk, const tt_id *user, struct tt_slice hash,
                          tt_time now, const tt_id *device, uint64_t *login)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LOG_IN);
    *login = made_up_login(desk);
    op->log_in.user = *user;
    op->log_in.password = tt_arena_copy(&op->arena, hash);
    op->log_in.login = (struct tt_login){*device, *login, now};
    op->log_in.login_count_max = TT_DESK_LOGINS_MAX;
    tt_err err = run_once(desk, op);
    return tt_err_is(err, TT_ERR_NOT_FOUND) ? TT_FAIL(BAD_LOGIN) : err;
}

tt_err tt_desk_log_in(struct tt_desk *desk, struct tt_room *room, const tt_id *user,
                      struct tt_slice password, tt_time now, tt_id *device, uint64_t *login)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_ACCOUNT);
    op->get_account.user = *user;
    tt_err err = compare(desk, room, op, password);
    if (tt_id_is_none(device))
        *device = made_up_device(desk);
    if (tt_is_ok(err))
        err = begin_login(desk, user, op->get_account.account.password, now, device, login);
    tt_store_op_destroy(&op);
    return err;
}

static tt_err new_password(const struct tt_desk *desk, struct tt_room *room, const tt_id *user,
                           struct tt_slice password, tt_time now, struct tt_store_op **op)
{
    char hash[TT_PASSWORD_HASH_SIZE];
    TT_TRY(hash_of(desk, room, password, hash));
    *op = tt_store_op_create(TT_STORE_PUT_ACCOUNT);
    (*op)->put_account.user = *user;
    (*op)->put_account.change.at = now;
    (*op)->put_account.change.set_password = true;
    (*op)->put_account.change.password = tt_arena_copy(&(*op)->arena, tt_slice_text(hash));
    return TT_OK;
}

tt_err tt_desk_add(struct tt_desk *desk, struct tt_room *room, const tt_id *user,
                   struct tt_slice password, bool by_stranger, tt_time now)
{
    struct tt_store_op *op;
    TT_TRY(new_password(desk, room, user, password, now, &op));
    op->put_account.change.creates = true;
    op->put_account.by_stranger = by_stranger;
    return run_once(desk, op);
}

static void cut(const struct tt_desk *desk, const tt_id *user, const tt_id *device)
{
    if (desk->owner.cut != NULL)
        desk->owner.cut(desk->owner.context, user, device);
}

static tt_err unlink_one(struct tt_desk *desk, const tt_id *user, const tt_id *device, tt_time now)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_UNLINK_DEVICE);
    op->unlink_device.user = *user;
    op->unlink_device.device = *device;
    op->unlink_device.at = now;
    tt_err err = run_once(desk, op);
    cut(desk, user, device); /* also if not: it may have been done */
    return tt_err_is(err, TT_ERR_NOT_FOUND) ? TT_OK : err;
}

static tt_err first_of(tt_err first, tt_err second)
{
    return tt_is_ok(first) ? second : first;
}

static tt_err unlink_linked(struct tt_desk *desk, const tt_id *user, tt_time now)
{
    struct tt_store_op *list = tt_store_op_create(TT_STORE_LIST_DEVICES);
    list->list_devices.user = *user;
    list->list_devices.leaving_too = true;
    tt_err err = run(desk, list);
    size_t count = tt_is_ok(err) ? list->list_devices.device_count : 0;
    for (size_t i = 0; i < count; i++)
        err = first_of(err, unlink_one(desk, user, &list->list_devices.devices[i].id, now));
    tt_store_op_destroy(&list);
    return err;
}

/* Those that have never been linked. */
static tt_err unlink_addressed(struct tt_desk *desk, const tt_id *user, tt_time now)
{
    struct tt_store_op *list = tt_store_op_create(TT_STORE_LIST_PUSH_ADDRESSES);
    list->list_push_addresses.user = *user;
    tt_err err = run(desk, list);
    size_t count = tt_is_ok(err) ? list->list_push_addresses.address_count : 0;
    for (size_t i = 0; i < count; i++)
        err = first_of(err,
                       unlink_one(desk, user, &list->list_push_addresses.addresses[i].device, now));
    tt_store_op_destroy(&list);
    return err;
}

/* So that whoever holds a token of before has no socket either, and hears of nothing. An unlinking
 * of which nobody knew the outcome, now or when this was asked before, may be listed no more: in
 * the end all sockets of the user are looked at. */
static tt_err unlink_all(struct tt_desk *desk, const tt_id *user, tt_time now)
{
    const tt_id each = {0};
    tt_err err = unlink_linked(desk, user, now);
    err = first_of(err, unlink_addressed(desk, user, now));
    cut(desk, user, &each);
    return err;
}

tt_err tt_desk_set_password(struct tt_desk *desk, struct tt_room *room, const tt_id *user,
                            struct tt_slice password, tt_time now)
{
    struct tt_store_op *op;
    TT_TRY(new_password(desk, room, user, password, now, &op));
    TT_TRY(run_once(desk, op));
    return unlink_all(desk, user, now);
}

static tt_err switch_account(struct tt_desk *desk, const tt_id *user, bool disabled, tt_time now)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_ACCOUNT);
    op->put_account.user = *user;
    op->put_account.change.at = now;
    op->put_account.change.set_disabled = true;
    op->put_account.change.disabled = disabled;
    return run_once(desk, op);
}

tt_err tt_desk_disable(struct tt_desk *desk, const tt_id *user, tt_time now)
{
    TT_TRY(switch_account(desk, user, true, now));
    return unlink_all(desk, user, now);
}

tt_err tt_desk_enable(struct tt_desk *desk, const tt_id *user, tt_time now)
{
    return switch_account(desk, user, false, now);
}

tt_err tt_desk_list(struct tt_desk *desk,
                    void (*row)(void *context, const struct tt_account_row *row), void *context)
{
    tt_id after = {0};
    for (bool more = true; more;) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_ACCOUNTS);
        op->list_accounts.after = after;
        op->list_accounts.count_max = LIST_PAGE;
        tt_err err = run(desk, op);
        for (size_t i = 0; tt_is_ok(err) && i < op->list_accounts.row_count; i++)
            row(context, &op->list_accounts.rows[i]);
        more = op->list_accounts.more;
        after = op->list_accounts.last;
        tt_store_op_destroy(&op);
        TT_TRY(err);
    }
    return TT_OK;
}
