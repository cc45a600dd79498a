#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/dynamodb/transfer.h"
#include "adapter/embedded/transfer.h"
#include "app/mover.h"
#include "base/memory.h"
#include "contract/contract.h"
#include "contract/embedded_subject.h"
#include "scale/memory_tables.h"

/*
 * What `move` does to a store: every state that the store contract's cases end in goes from a
 * folder into tables (in memory) and back into another folder, and from tables into a folder; and a
 * longer story is cut short at many moments, in both directions.
 */
#define WALL_MS    1805312800000 /* long after all that happens */
#define CALL_MS    10000
#define LEASE_MS   15000
#define STORY_SENT 350
#define MOMENTS    40
#define PLACE_SIZE 32

static const struct contract_case *const all_cases[] = {
    device_cases,  conversation_cases, message_cases, pending_cases, list_cases,
    device_cases,  conversation_cases, message_cases, pending_cases, list_cases,
    history_cases, order_cases,        push_cases,    account_cases,
};

struct world {
    struct tt_memory_tables *tables;
    uint64_t wall_ms;
    uint64_t mono_ms;
    size_t under_way;
    uint64_t requests_left; /* then nothing is answered any more; 0: no end */
    uint64_t requests;
};

static tt_time wall(void *self)
{
    const struct world *world = self;
    return TT_TIME((int64_t)world->wall_ms);
}

/* Passes quickly, so that a move saves often how far it is. */
static tt_mono mono(void *self)
{
    struct world *world = self;
    return TT_MONO(world->mono_ms += 300);
}

static struct tt_clock_port clock_of(struct world *world)
{
    return (struct tt_clock_port){world, wall, mono};
}

static uint64_t entropy(void *self)
{
    struct world *world = self;
    return tt_memory_tables_random(world->tables);
}

/* At the end of its life a process sends requests that are carried out, and others that are not. */
static void turn(void *context)
{
    struct world *world = context;
    world->requests++;
    if (world->requests_left > 0 && --world->requests_left == 0) {
        struct tt_memory_faults *faults = tt_memory_tables_faults(world->tables);
        faults->none_per_mille = 600;
        faults->mute_per_mille = 1000;
    }
    assert_true(tt_memory_tables_step(world->tables));
}

static void stop(void *context)
{
    (void)context;
}

static struct tt_ddb_transfer *open_tables(struct world *world)
{
    struct tt_ddb_transfer_options options = {
        .tables = tt_memory_tables_open(world->tables, 7),
        .clock = clock_of(world),
        .entropy = {world, entropy},
        .call_ms_max = CALL_MS,
        .lease_ms = LEASE_MS,
        .context = world,
        .turn = turn,
        .stop = stop,
    };
    return tt_ddb_transfer_create(&options);
}

static tt_err may_begin(void *context, char sentence[TT_MOVER_SENTENCE])
{
    (void)context;
    sentence[0] = '\0';
    return TT_OK;
}

static void tell(void *context, const struct tt_mover *mover)
{
    (void)context;
    (void)mover;
}

static struct tt_embedded_transfer *open_source(const char *dir)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_embedded_transfer *folder;
    struct tt_embedded_options options = tt_embedded_subject_options(dir);
    if (!tt_is_ok(tt_embedded_transfer_open(&options, &folder, sentence)))
        fail_msg("%s", sentence);
    return folder;
}

static struct tt_embedded_transfer *open_target(const char *dir)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_embedded_transfer *folder;
    struct tt_embedded_options options = tt_embedded_subject_options(dir);
    options.low_watermark = 1;
    if (!tt_is_ok(tt_embedded_transfer_begin(&options, &folder, sentence)))
        fail_msg("%s", sentence);
    return folder;
}

static tt_err move(struct world *world, struct tt_transfer_port source,
                   struct tt_transfer_port target, char sentence[TT_MOVER_SENTENCE])
{
    struct tt_mover mover = {
        .source = source,
        .target = target,
        .from = "here",
        .to = "there",
        .made_up = 42,
        .clock = clock_of(world),
        .may_begin = may_begin,
        .await_silence = may_begin,
        .tell = tell,
    };
    tt_err err = tt_mover_run(&mover);
    memcpy(sentence, mover.sentence, TT_MOVER_SENTENCE);
    return err;
}

static tt_err move_away(struct world *world, const char *dir, char sentence[TT_MOVER_SENTENCE])
{
    struct tt_embedded_transfer *folder = open_source(dir);
    struct tt_ddb_transfer *tables = open_tables(world);
    tt_err err =
        move(world, tt_embedded_transfer_port(folder), tt_ddb_transfer_port(tables), sentence);
    tt_ddb_transfer_destroy(&tables);
    tt_embedded_transfer_close(&folder);
    return err;
}

static tt_err move_back(struct world *world, const char *dir, char sentence[TT_MOVER_SENTENCE])
{
    struct tt_embedded_transfer *folder = open_target(dir);
    struct tt_ddb_transfer *tables = open_tables(world);
    tt_err err =
        move(world, tt_ddb_transfer_port(tables), tt_embedded_transfer_port(folder), sentence);
    if (tt_is_ok(err))
        err = tt_embedded_transfer_finish(folder);
    tt_ddb_transfer_destroy(&tables);
    tt_embedded_transfer_close(&folder);
    return err;
}

static void expect_moved(tt_err err, const char *sentence)
{
    if (!tt_is_ok(err))
        fail_msg("%s: %s", tt_err_text(err), sentence);
}

static void print_problem(void *context, const char *sentence)
{
    (void)context;
    print_error("wrong: %s\n", sentence);
}

static struct tt_embedded_counts expect_whole(const char *dir)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_embedded_counts counts = {0};
    struct tt_embedded_options options = tt_embedded_subject_options(dir);
    options.offline = true;
    const struct tt_embedded_findings findings = {.problem = print_problem};
    expect_ok(tt_embedded_verify(&options, &findings, &counts, sentence));
    assert_int_equal(counts.problems, 0);
    return counts;
}

/* All that a folder holds, as text. */
static void describe(const char *dir, struct tt_buffer *out)
{
    struct tt_embedded_transfer *folder = open_source(dir);
    struct tt_transfer_port port = tt_embedded_transfer_port(folder);
    struct tt_arena arena = {0};
    for (enum tt_dossier_kind kind = TT_DOSSIER_USERS; kind <= TT_DOSSIER_CONVERSATIONS; kind++) {
        struct tt_transfer_page page;
        expect_ok(port.list(port.self, kind, TT_SLICE_EMPTY, &arena, &page));
        for (size_t i = 0; i < page.count; i++) {
            struct tt_user_dossier user = {.user = page.ids[i]};
            struct tt_conversation_dossier conversation = {.is = {.id = page.ids[i]}};
            bool is_user = kind == TT_DOSSIER_USERS;
            struct tt_dossiers one = {&user, is_user ? 1 : 0, &conversation, is_user ? 0 : 1};
            expect_ok(port.read(port.self, &one, &arena));
            if (!is_user)
                tt_conversation_dossier_describe(&conversation, out);
            else if (!tt_user_dossier_is_empty(&user))
                tt_user_dossier_describe(&user, out);
        }
    }
    tt_arena_deinit(&arena);
    tt_embedded_transfer_close(&folder);
}

static void expect_same(const char *a, const char *b)
{
    struct tt_buffer texts[2] = {{0}, {0}};
    describe(a, &texts[0]);
    describe(b, &texts[1]);
    tt_buffer_add_byte(&texts[0], '\0');
    tt_buffer_add_byte(&texts[1], '\0');
    assert_string_equal(texts[0].data, texts[1].data);
    tt_buffer_deinit(&texts[0]);
    tt_buffer_deinit(&texts[1]);
}

static void submit_embedded(void *store, unsigned node, struct tt_store_op *const *ops,
                            size_t count)
{
    tt_embedded_rig_submit(store, node, ops, count);
}

static void wait_embedded(void *store)
{
    tt_embedded_rig_wait(store);
}

static const struct tt_store_subject in_folder = {
    .name = "in a folder", .submit = submit_embedded, .wait = wait_embedded};

static void forget_ops(struct fixture *f)
{
    for (size_t i = 0; i < f->op_count; i++)
        tt_store_op_destroy(&f->ops[i]);
    tt_free(f->ops);
}

static void play_in_folder(const char *dir, void (*story)(struct fixture *f))
{
    struct tt_embedded_options options = tt_embedded_subject_options(dir);
    struct tt_embedded_rig *rig = tt_embedded_rig_open(&options);
    struct fixture f = {.subject = &in_folder, .store = rig};
    story(&f);
    forget_ops(&f);
    tt_embedded_rig_close(&rig);
}

struct in_tables {
    struct world *world;
    struct tt_ddb_store *stores[2];
};

static void submit_tables(void *store, unsigned node, struct tt_store_op *const *ops, size_t count)
{
    struct in_tables *rig = store;
    struct tt_store_port port = tt_ddb_store_port(rig->stores[node]);
    rig->world->under_way += count;
    port.submit(port.self, ops, count);
}

static void wait_tables(void *store)
{
    struct in_tables *rig = store;
    while (rig->world->under_way > 0) {
        for (size_t i = 0; i < 2; i++)
            tt_ddb_store_turn(rig->stores[i]);
        if (rig->world->under_way > 0)
            assert_true(tt_memory_tables_step(rig->world->tables));
    }
}

static void done(void *context, struct tt_store_op *op)
{
    struct world *world = context;
    (void)op;
    world->under_way--;
}

static const struct tt_store_subject in_tables = {
    .name = "in tables", .submit = submit_tables, .wait = wait_tables};

static void play_in_tables(struct world *world, void (*story)(struct fixture *f))
{
    struct in_tables rig = {.world = world};
    for (uint32_t i = 0; i < 2; i++) {
        struct tt_ddb_store_options options = {
            .tables = tt_memory_tables_open(world->tables, i),
            .place = {tt_id_of("ws_server_1"), 1, i},
            .clock = clock_of(world),
            .entropy = {world, entropy},
            .op_ms_max = CALL_MS,
            .lease_ms = LEASE_MS,
            .cache_entries = 64,
        };
        rig.stores[i] = tt_ddb_store_create(NULL, &options, (struct tt_store_sink){world, done});
    }
    struct fixture f = {.subject = &in_tables, .store = &rig};
    story(&f);
    forget_ops(&f);
    for (uint32_t i = 0; i < 2; i++) {
        tt_memory_tables_cut(world->tables, i);
        tt_ddb_store_destroy(&rig.stores[i]);
    }
}

static struct world *make_world(uint64_t seed)
{
    struct world *world = tt_alloc(sizeof(*world));
    world->tables = tt_memory_tables_create(seed);
    world->wall_ms = WALL_MS;
    return world;
}

static void free_world(struct world *world)
{
    tt_memory_tables_destroy(&world->tables);
    tt_free(world);
}

/* Folder, tables, another folder. */
static void there_and_back(void (*story)(struct fixture *f), bool looks_again)
{
    char dirs[2][TT_EMBEDDED_DIR_SIZE];
    char sentence[TT_MOVER_SENTENCE];
    struct world *world = make_world(1);
    tt_embedded_make_dir(dirs[0]);
    tt_embedded_make_dir(dirs[1]);
    play_in_folder(dirs[0], story);
    expect_moved(move_away(world, dirs[0], sentence), sentence);
    expect_moved(move_back(world, dirs[1], sentence), sentence);
    expect_whole(dirs[1]);
    if (looks_again)
        expect_same(dirs[0], dirs[1]);
    free_world(world);
    tt_embedded_remove_dir(dirs[0]);
    tt_embedded_remove_dir(dirs[1]);
}

/* Tables, a folder, other tables, another folder. */
static void back_and_there(void (*story)(struct fixture *f), bool looks_again)
{
    char dirs[2][TT_EMBEDDED_DIR_SIZE];
    char sentence[TT_MOVER_SENTENCE];
    struct world *worlds[2] = {make_world(2), make_world(3)};
    tt_embedded_make_dir(dirs[0]);
    tt_embedded_make_dir(dirs[1]);
    play_in_tables(worlds[0], story);
    expect_moved(move_back(worlds[0], dirs[0], sentence), sentence);
    expect_whole(dirs[0]);
    expect_moved(move_away(worlds[1], dirs[0], sentence), sentence);
    expect_moved(move_back(worlds[1], dirs[1], sentence), sentence);
    if (looks_again)
        expect_same(dirs[0], dirs[1]);
    for (size_t i = 0; i < 2; i++) {
        free_world(worlds[i]);
        tt_embedded_remove_dir(dirs[i]);
    }
}

/* The move itself compares both sides. One way for the first, the other way for the next one, and
 * so on. Cases that need more of a subject than ops find it missing and return. */
static void every_state_of_the_contract_is_moved(void **state)
{
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(all_cases) / sizeof(all_cases[0]); i++)
        for (const struct contract_case *one = all_cases[i]; one->run != NULL; one++) {
            print_message("[          ] %s\n", one->name);
            (count++ % 2 == 0 ? there_and_back : back_and_there)(one->run, false);
        }
}

static void put_apns_address(struct fixture *f, const char *user, const char *device,
                             const char *token)
{
    struct tt_store_op *op = new_op(f, TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of(user);
    op->put_push_address.device = tt_id_of(device);
    op->put_push_address.address_count_max = 16;
    op->put_push_address.address = (struct tt_push_address){
        .provider = TT_PUSH_APNS, .token = tt_slice_text(token), .registered_at = at(5)};
    expect_ok(run(f, op)->err);
}

static void record_push(struct fixture *f, const char *user, uint64_t seq, bool accepted)
{
    struct tt_store_op *op = new_op(f, TT_STORE_RECORD_PUSH);
    op->record_push.conversation = tt_id_of("conv");
    op->record_push.happening = (struct tt_happening){
        .kind = accepted ? TT_HAPPENED_PUSH_ACCEPTED : TT_HAPPENED_PUSH_FAILED,
        .at = at((int64_t)seq * 10 + 3000),
        .from = TT_SEQ(seq),
        .to = TT_SEQ(seq),
        .user = tt_id_of(user),
        .device = tt_id_of("phone"),
        .detail = TT_SLICE_LITERAL("\"so\" it is"),
    };
    expect_ok(run(f, op)->err);
}

static void choose(struct fixture *f, const char *user, const char *name)
{
    struct tt_store_op *op = new_op(f, TT_STORE_PUT_USER);
    op->put_user.user = tt_id_of(user);
    op->put_user.set_display_name = op->put_user.set_share_last_seen = true;
    op->put_user.settings.display_name = tt_slice_text(name);
    expect_ok(run(f, op)->err);
}

static void add_account(struct fixture *f, const char *user)
{
    struct tt_store_op *op = new_op(f, TT_STORE_PUT_ACCOUNT);
    op->put_account.user = tt_id_of(user);
    op->put_account.change.at = at(5);
    op->put_account.change.creates = op->put_account.change.set_password = true;
    op->put_account.change.password = TT_SLICE_LITERAL("$hash$");
    expect_ok(run(f, op)->err);
    op = new_op(f, TT_STORE_LOG_IN);
    op->log_in.user = tt_id_of(user);
    op->log_in.password = TT_SLICE_LITERAL("$hash$");
    op->log_in.login = (struct tt_login){tt_id_of("phone"), 77, at(6)};
    op->log_in.login_count_max = 3;
    expect_ok(run(f, op)->err);
}

/* More messages than come with a dossier or in a page, more steps than stay in a row, comings and
 * goings, somebody who is away and was not rung for, and somebody who was never there. */
static void long_story(struct fixture *f)
{
    char client_id[16];
    create_direct(f, "conv", "alice", "bob");
    create_group(f, "group", "alice bob carol");
    link_at(f, "alice", "phone", 1);
    link_at(f, "alice", "laptop", 2);
    for (int64_t i = 0; i < 60; i++) {
        uint64_t epoch = link_at(f, "bob", "phone", 10 + 10 * i)->epoch;
        disconnect(f, "bob", "phone", epoch, 15 + 10 * i);
    }
    for (uint64_t seq = 1; seq <= STORY_SENT; seq++) {
        snprintf(client_id, sizeof(client_id), "m%u", (unsigned)seq);
        send_text(f, "conv", seq % 3 == 0 ? "bob" : "alice", "phone", client_id, seq);
        if (seq % 2 == 0 && seq < STORY_SENT / 2)
            ack(f, "conv", "bob", "phone", seq, seq - 1);
    }
    send_text(f, "group", "alice", "phone", "g1", 1);
    ack(f, "group", "alice", "laptop", 1, 1);
    put_apns_address(f, "bob", "phone", "a token of bob's");
    put_apns_address(f, "dave", "tablet", "a token of one who was never there");
    record_push(f, "bob", STORY_SENT, true);
    record_push(f, "bob", STORY_SENT - 1, false);
    choose(f, "alice", "Al\\u00efce \\ud83d\\ude00");
    add_account(f, "erin");
    expect_ok(unlink_device(f, "alice", "laptop"));
}

static void a_long_story_goes_there_and_back(void **state)
{
    (void)state;
    there_and_back(long_story, true);
    back_and_there(long_story, true);
}

/* Lives of a random number of requests each, until it is done; how many it took. */
static unsigned move_in_pieces(struct world *world, const char *dir,
                               tt_err (*one)(struct world *world, const char *dir,
                                             char sentence[TT_MOVER_SENTENCE]),
                               uint64_t requests_max)
{
    char sentence[TT_MOVER_SENTENCE];
    struct tt_memory_faults *faults = tt_memory_tables_faults(world->tables);
    for (unsigned lives = 1;; lives++) {
        assert_true(lives < 500);
        world->requests_left = 1 + tt_memory_tables_random(world->tables) % requests_max;
        tt_err err = one(world, dir, sentence);
        *faults = (struct tt_memory_faults){0};
        world->requests_left = 0;
        if (tt_is_ok(err))
            return lives;
        if (!tt_err_is(err, TT_ERR_UNAVAILABLE))
            fail_msg("life %u: %s", lives, sentence);
    }
}

static void a_move_that_is_cut_short_goes_on(void **state)
{
    char from[TT_EMBEDDED_DIR_SIZE];
    unsigned lives = 0;
    (void)state;
    tt_embedded_make_dir(from);
    play_in_folder(from, long_story);
    for (uint64_t seed = 1; seed <= MOMENTS; seed++) {
        char to[TT_EMBEDDED_DIR_SIZE];
        char mark[TT_EMBEDDED_DIR_SIZE + PLACE_SIZE];
        struct world *world = make_world(seed);
        tt_embedded_make_dir(to);
        snprintf(mark, sizeof(mark), "%s/moved", from);
        lives += move_in_pieces(world, from, move_away, 1000);
        lives += move_in_pieces(world, to, move_back, 120);
        expect_whole(to);
        expect_same(from, to);
        free_world(world);
        tt_embedded_remove_dir(to);
        assert_int_equal(remove(mark), 0); /* the next world is another place */
    }
    print_message("[          ] %u lives\n", lives);
    assert_true(lives > 2 * MOMENTS + 10); /* some were cut short */
    tt_embedded_remove_dir(from);
}

/* A row that somebody changed in the target meanwhile is found. */
static void what_is_not_the_same_is_told(void **state)
{
    char dir[TT_EMBEDDED_DIR_SIZE];
    char sentence[TT_MOVER_SENTENCE];
    struct world *world = make_world(5);
    struct tt_arena arena = {0};
    (void)state;
    tt_embedded_make_dir(dir);
    play_in_folder(dir, long_story);
    expect_moved(move_away(world, dir, sentence), sentence);
    struct tt_ddb_transfer *tables = open_tables(world);
    struct tt_transfer_port port = tt_ddb_transfer_port(tables);
    struct tt_message *messages;
    size_t count;
    tt_id conv = tt_id_of("conv");
    expect_ok(port.read_messages(port.self, &conv, TT_SEQ(301), &arena, &messages, &count));
    messages[0].content = TT_SLICE_LITERAL("forged");
    expect_ok(port.write_messages(port.self, &conv, messages, 1));
    expect_ok(port.save(port.self, TT_SLICE_LITERAL("000000000000002a checking ")));
    tt_ddb_transfer_destroy(&tables);
    expect_err(move_away(world, dir, sentence), TT_ERR_CORRUPT);
    assert_non_null(strstr(sentence, "\"message 301 "));
    assert_non_null(strstr(sentence, "forged"));
    expect_moved(move_away(world, dir, sentence), sentence); /* which copies anew */
    tt_arena_deinit(&arena);
    free_world(world);
    tt_embedded_remove_dir(dir);
}

/* Thousands of syncs, whose durability is tested elsewhere: in memory, where there is room. */
int main(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_of_the_contract_is_moved),
        cmocka_unit_test(a_long_story_goes_there_and_back),
        cmocka_unit_test(a_move_that_is_cut_short_goes_on),
        cmocka_unit_test(what_is_not_the_same_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
