#include "unit.h"

#include <pthread.h>

#include "adapter/account/password.h"
#include "adapter/account/pool.h"
#include "sim/store_tables.h"

#define MEMORY ((size_t)1 << 20)

#define REFERENCE                                                                                  \
    "$argon2id$v=19$m=256,t=3,p=1$c29tZXNhbHQ$EZHT3IxWLM2nYKkEkBZ+XGXlDQLlI5ZgvUm/tCtBVSA"
#define REFERENCE_OF_FOUR_LANES                                                                    \
    "$argon2id$v=19$m=64,t=1,p=4$YW5vdGhlcnNhbHQ$ABmbiEk6JH9des6g3S/G1CnlXj4bzJRf"
#define SODIUM                                                                                     \
    "$argon2id$v=19$m=1024,t=2,p=1$CZV/Rqi5KGHbK2hbTeBPtg$"                                        \
    "o7Bj+OPiOIcVIpOrDwDBpc3M+8PUd61sdP8KO2yypYA"

/* A store that answers at once, counts, and can be made to wait. */
struct world {
    struct tt_store_tables tables;
    struct tt_store_sink sink;
    struct tt_desk *desk;
    struct tt_room room;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t ops;
    bool is_shut;
    struct tt_account_ask *back[16];
    size_t back_count;
    size_t cuts;
    size_t cuts_of_all;
    bool loses_unlinks;  /* done, and reported as failed */
    const char *refused; /* the device that cannot be unlinked */
    bool refuses_lists;
    bool lists_leaving; /* whoever listed devices wanted those that are leaving */
};

static bool refuses(const struct world *world, const struct tt_store_op *op)
{
    if (op->kind == TT_STORE_LIST_DEVICES)
        return world->refuses_lists;
    if (op->kind != TT_STORE_UNLINK_DEVICE || world->refused == NULL)
        return false;
    const tt_id refused = tt_id_of(world->refused);
    return tt_id_eq(&op->unlink_device.device, &refused);
}

static void submit(void *self, struct tt_store_op *const *ops, size_t count)
{
    struct world *world = self;
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_lock(&world->lock);
        world->ops++;
        pthread_cond_broadcast(&world->changed);
        while (world->is_shut)
            pthread_cond_wait(&world->changed, &world->lock);
        if (ops[i]->kind == TT_STORE_LIST_DEVICES)
            world->lists_leaving = ops[i]->list_devices.leaving_too;
        if (refuses(world, ops[i]))
            ops[i]->err = TT_FAIL(UNAVAILABLE);
        else
            tt_store_tables_apply(&world->tables, ops[i], 0, false);
        if (world->loses_unlinks && ops[i]->kind == TT_STORE_UNLINK_DEVICE)
            ops[i]->err = TT_FAIL(UNAVAILABLE);
        pthread_mutex_unlock(&world->lock);
        world->sink.done(world->sink.context, ops[i]);
    }
}

static struct tt_store_port attach(void *context, struct tt_store_sink sink)
{
    struct world *world = context;
    world->sink = sink;
    return (struct tt_store_port){.self = world, .submit = submit};
}

static void fill(void *bytes, size_t size)
{
    memset(bytes, 7, size);
}

static void on_cut(void *context, const tt_id *user, const tt_id *device)
{
    struct world *world = context;
    (void)user;
    world->cuts += !tt_id_is_none(device);
    world->cuts_of_all += tt_id_is_none(device);
}

static void open_world(struct world *world)
{
    memset(world, 0, sizeof(*world));
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->changed, NULL);
    tt_store_tables_init(&world->tables, TT_MUTANT_NONE);
    const struct tt_desk_owner owner = {.context = world,
                                        .attach = attach,
                                        .fill = fill,
                                        .memory = MEMORY,
                                        .compares = true,
                                        .cut = on_cut};
    expect_ok(tt_desk_create(&owner, &world->desk));
}

static void close_world(struct world *world)
{
    tt_desk_destroy(&world->desk);
    tt_room_leave(&world->room);
    tt_store_tables_deinit(&world->tables);
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->lock);
}

static tt_err log_in(struct world *world, const char *user, const char *password)
{
    tt_id id = tt_id_of(user);
    tt_id device = tt_id_of("phone");
    uint64_t login;
    return tt_desk_log_in(world->desk, &world->room, &id, tt_slice_text(password), TT_TIME(1),
                          &device, &login);
}

static bool is(struct tt_slice password, const char *hash)
{
    struct tt_room room = {0};
    bool is_it;
    expect_ok(tt_password_is(password, tt_slice_text(hash), &room, &is_it));
    tt_room_leave(&room);
    return is_it;
}

static void a_hash_is_of_its_password_only(void **unused)
{
    (void)unused;
    char one[TT_PASSWORD_HASH_SIZE];
    char two[TT_PASSWORD_HASH_SIZE];
    const unsigned char salts[2][TT_PASSWORD_SALT_SIZE] = {{1, 2, 3}, {1, 2, 4}};
    struct tt_slice password = TT_SLICE_LITERAL("pass\0word");
    struct tt_room room = {0};
    expect_ok(tt_password_hash(password, salts[0], MEMORY, &room, one));
    expect_ok(tt_password_hash(password, salts[1], MEMORY, &room, two));
    tt_room_leave(&room);
    assert_int_equal(strncmp(one, "$argon2id$v=19$m=1024,t=2,p=1$", 30), 0);
    assert_string_not_equal(one, two); /* salted */
    assert_true(is(password, one));
    assert_false(is(TT_SLICE_LITERAL("pass"), one));
    assert_false(is(TT_SLICE_EMPTY, one));
}

/* Made by the reference program (argon2 of Debian) and by libsodium 1.0.18. */
static void hashes_of_other_makers_are_known(void **unused)
{
    (void)unused;
    struct tt_slice password = TT_SLICE_LITERAL("correct horse");
    assert_true(is(password, REFERENCE));
    assert_true(is(password, REFERENCE_OF_FOUR_LANES));
    assert_true(is(password, SODIUM));
    assert_false(is(TT_SLICE_LITERAL("correct horsf"), SODIUM));
}

static void what_is_no_hash_is_of_no_password(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        "$",
        "$argon2id$nonsense",
        "$argon2i$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=16$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=-64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=7,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=1048577,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=18446744073709551680,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=9$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
        "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAA!A",
        "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(is(TT_SLICE_LITERAL("password"), texts[i]));
    char longer[TT_PASSWORD_HASH_SIZE + 1];
    memset(longer, 'A', TT_PASSWORD_HASH_SIZE);
    longer[TT_PASSWORD_HASH_SIZE] = 0;
    memcpy(longer, "$argon2id$v=19$m=64,t=2,p=1$", 28);
    assert_false(is(TT_SLICE_LITERAL("password"), longer));
}

/* And nothing of what was computed in it stays. */
static void a_room_is_kept_until_it_is_left(void **unused)
{
    (void)unused;
    struct tt_room room = {0};
    bool is_it;
    expect_ok(
        tt_password_is(TT_SLICE_LITERAL("password"), tt_slice_text(REFERENCE), &room, &is_it));
    void *bytes = room.bytes;
    size_t size = room.size;
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(((unsigned char *)bytes)[i], 0);
    expect_ok(
        tt_password_is(TT_SLICE_LITERAL("password"), tt_slice_text(REFERENCE), &room, &is_it));
    assert_ptr_equal(room.bytes, bytes);
    assert_ptr_equal(tt_room_get(&room, 1), bytes);
    memset(tt_room_get(&room, size + 1), 1, size + 1);
    assert_int_equal(room.size, size + 1);
    tt_room_leave(&room);
    assert_null(room.bytes);
    assert_null(tt_room_get(&room, SIZE_MAX / 2));
    assert_null(room.bytes);
    tt_room_leave(&room);
}

/* The same looks into the store and the same hashes, whatever is wrong. */
static void whatever_is_wrong_costs_the_same(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    const char *names[] = {"alice", "off"};
    for (size_t i = 0; i < 2; i++) {
        tt_id id = tt_id_of(names[i]);
        expect_ok(tt_desk_add(world.desk, &world.room, &id, TT_SLICE_LITERAL("password"), false,
                              TT_TIME(1)));
    }
    tt_id off = tt_id_of("off");
    expect_ok(tt_desk_disable(world.desk, &off, TT_TIME(2)));
    const char *tries[][2] = {
        {"alice", "wrong"}, {"nobody", "password"}, {"off", "password"}, {"off", ""}};
    for (size_t i = 0; i < 4; i++) {
        size_t ops = world.ops;
        uint64_t comparisons = tt_desk_comparisons(world.desk);
        tt_err err = log_in(&world, tries[i][0], tries[i][1]);
        assert_int_equal(err.code, TT_ERR_BAD_LOGIN);
        assert_int_equal(world.ops - ops, 1);
        assert_int_equal(tt_desk_comparisons(world.desk) - comparisons, 1);
    }
    expect_ok(log_in(&world, "alice", "password"));
    close_world(&world);
}

static void link_device(struct world *world, const char *user, const char *device)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of(user);
    op->link_device.device = tt_id_of(device);
    op->link_device.device_count_max = 4;
    op->link_device.silent_ms_max = 1000;
    tt_store_tables_apply(&world->tables, op, 0, false);
    expect_ok(op->err);
    tt_store_op_destroy(&op);
}

static void put_address(struct world *world, const char *user, const char *device)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of(user);
    op->put_push_address.device = tt_id_of(device);
    op->put_push_address.address_count_max = 4;
    op->put_push_address.address =
        (struct tt_push_address){.provider = TT_PUSH_FCM, .token = tt_slice_text(device)};
    tt_store_tables_apply(&world->tables, op, 0, false);
    expect_ok(op->err);
    tt_store_op_destroy(&op);
}

static size_t addresses(struct world *world, const char *user)
{
    const tt_id id = tt_id_of(user);
    return tt_store_tables_user(&world->tables, &id)->address_count;
}

static size_t devices(struct world *world, const char *user)
{
    const tt_id id = tt_id_of(user);
    return tt_store_tables_user(&world->tables, &id)->device_count;
}

static void a_new_password_unlinks_every_device(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    tt_id alice = tt_id_of("alice");
    expect_ok(tt_desk_add(world.desk, &world.room, &alice, TT_SLICE_LITERAL("password"), false,
                          TT_TIME(1)));
    expect_ok(log_in(&world, "alice", "password"));
    link_device(&world, "alice", "phone");
    link_device(&world, "alice", "laptop");
    expect_ok(tt_desk_set_password(world.desk, &world.room, &alice, TT_SLICE_LITERAL("another"),
                                   TT_TIME(2)));
    assert_int_equal(world.cuts, 2);
    assert_int_equal(world.cuts_of_all, 1);
    assert_int_equal(devices(&world, "alice"), 0);
    assert_true(world.lists_leaving);
    assert_int_equal(log_in(&world, "alice", "password").code, TT_ERR_BAD_LOGIN);
    close_world(&world);
}

/* Asked again, it is not in the list any more. */
static void a_device_that_may_be_unlinked_is_cut(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    tt_id alice = tt_id_of("alice");
    expect_ok(tt_desk_add(world.desk, &world.room, &alice, TT_SLICE_LITERAL("password"), false,
                          TT_TIME(1)));
    link_device(&world, "alice", "phone");
    world.loses_unlinks = true;
    assert_int_equal(tt_desk_disable(world.desk, &alice, TT_TIME(2)).code, TT_ERR_UNAVAILABLE);
    assert_int_equal(world.cuts_of_all, 1);
    world.loses_unlinks = false;
    expect_ok(tt_desk_disable(world.desk, &alice, TT_TIME(3)));
    assert_int_equal(world.cuts_of_all, 2);
    close_world(&world);
}

/* It may be the phone of somebody who knew the old password. */
static void a_phone_that_never_connected_rings_no_more(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    tt_id alice = tt_id_of("alice");
    expect_ok(tt_desk_add(world.desk, &world.room, &alice, TT_SLICE_LITERAL("password"), false,
                          TT_TIME(1)));
    link_device(&world, "alice", "laptop");
    put_address(&world, "alice", "phone");
    put_address(&world, "alice", "laptop");
    put_address(&world, "bob", "tablet");
    expect_ok(tt_desk_set_password(world.desk, &world.room, &alice, TT_SLICE_LITERAL("another"),
                                   TT_TIME(2)));
    assert_int_equal(addresses(&world, "alice"), 0);
    assert_int_equal(addresses(&world, "bob"), 1);
    close_world(&world);
}

static void a_device_that_cannot_be_unlinked_keeps_no_other(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    tt_id alice = tt_id_of("alice");
    expect_ok(tt_desk_add(world.desk, &world.room, &alice, TT_SLICE_LITERAL("password"), false,
                          TT_TIME(1)));
    link_device(&world, "alice", "laptop");
    link_device(&world, "alice", "phone");
    put_address(&world, "alice", "watch");
    world.refused = "laptop";
    assert_int_equal(tt_desk_disable(world.desk, &alice, TT_TIME(2)).code, TT_ERR_UNAVAILABLE);
    assert_int_equal(devices(&world, "alice"), 1);
    assert_int_equal(addresses(&world, "alice"), 0);
    assert_int_equal(world.cuts_of_all, 1);
    world.refused = NULL;
    world.refuses_lists = true;
    put_address(&world, "alice", "watch");
    assert_int_equal(tt_desk_disable(world.desk, &alice, TT_TIME(3)).code, TT_ERR_UNAVAILABLE);
    assert_int_equal(addresses(&world, "alice"), 0);
    assert_int_equal(world.cuts_of_all, 2);
    close_world(&world);
}

static void on_done(struct tt_account_ask *ask)
{
    struct world *world = ask->owner;
    pthread_mutex_lock(&world->lock);
    world->back[world->back_count++] = ask;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static tt_mono mono(void *self)
{
    (void)self;
    return TT_MONO(1000);
}

static tt_time wall(void *self)
{
    (void)self;
    return TT_TIME(1000);
}

static struct tt_account_ask *new_ask(struct world *world, const char *user)
{
    struct tt_account_ask *ask = tt_account_ask_create();
    ask->user = tt_id_of(user);
    ask->owner = world;
    memcpy(ask->password, "password", 8);
    ask->password_size = 8;
    return ask;
}

static void await(struct world *world, const size_t *count, size_t wanted)
{
    pthread_mutex_lock(&world->lock);
    while (*count < wanted)
        pthread_cond_wait(&world->changed, &world->lock);
    pthread_mutex_unlock(&world->lock);
}

static void set_shut(struct world *world, bool is_shut)
{
    pthread_mutex_lock(&world->lock);
    world->is_shut = is_shut;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void past_its_queue_the_pool_puts_off(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    const struct tt_account_pool_options options = {
        .desk = world.desk,
        .thread_count = 1,
        .queue_max = 2,
        .clock = {.mono = mono, .wall = wall},
        .done = on_done,
    };
    struct tt_account_pool *pool = tt_account_pool_create(&options);
    set_shut(&world, true);
    assert_true(tt_account_pool_ask(pool, new_ask(&world, "a")));
    await(&world, &world.ops, 1); /* the only thread has it */
    assert_true(tt_account_pool_ask(pool, new_ask(&world, "b")));
    assert_true(tt_account_pool_ask(pool, new_ask(&world, "c")));
    struct tt_account_ask *refused = new_ask(&world, "d");
    assert_false(tt_account_pool_ask(pool, refused));
    assert_int_equal(refused->err.code, TT_ERR_OVERLOADED);
    assert_true(refused->retry_after_ms > 0);
    tt_account_ask_destroy(&refused);
    set_shut(&world, false);
    await(&world, &world.back_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(world.back[i]->err.code, TT_ERR_BAD_LOGIN);
        assert_int_equal(world.back[i]->password[0], 0); /* wiped */
        tt_account_ask_destroy(&world.back[i]);
    }
    tt_account_pool_destroy(&pool);
    close_world(&world);
}

static void what_waits_at_the_end_is_given_back(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    const struct tt_account_pool_options options = {
        .desk = world.desk,
        .thread_count = 1,
        .queue_max = 8,
        .by_account = {1, 60000},
        .clock = {.mono = mono, .wall = wall},
        .done = on_done,
    };
    struct tt_account_pool *pool = tt_account_pool_create(&options);
    set_shut(&world, true);
    for (size_t i = 0; i < 3; i++) {
        const char *names[] = {"a", "b", "c"};
        assert_true(tt_account_pool_ask(pool, new_ask(&world, names[i])));
    }
    struct tt_account_ask *again = new_ask(&world, "b");
    assert_false(tt_account_pool_ask(pool, again));
    assert_int_equal(again->err.code, TT_ERR_RATE_LIMITED);
    assert_int_equal(again->retry_after_ms, 60000);
    tt_account_ask_destroy(&again);
    set_shut(&world, false);
    tt_account_pool_destroy(&pool);
    assert_int_equal(world.back_count, 3);
    for (size_t i = 0; i < 3; i++)
        tt_account_ask_destroy(&world.back[i]);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_of_its_password_only),
        cmocka_unit_test(hashes_of_other_makers_are_known),
        cmocka_unit_test(what_is_no_hash_is_of_no_password),
        cmocka_unit_test(a_room_is_kept_until_it_is_left),
        cmocka_unit_test(whatever_is_wrong_costs_the_same),
        cmocka_unit_test(a_new_password_unlinks_every_device),
        cmocka_unit_test(a_device_that_may_be_unlinked_is_cut),
        cmocka_unit_test(a_phone_that_never_connected_rings_no_more),
        cmocka_unit_test(a_device_that_cannot_be_unlinked_keeps_no_other),
        cmocka_unit_test(past_its_queue_the_pool_puts_off),
        cmocka_unit_test(what_waits_at_the_end_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
