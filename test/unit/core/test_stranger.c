#include "unit.h"

#include "core/core.h"

/* What a request came to: how often the store and the registry were asked, and the answer. */
struct work {
    size_t store;
    size_t registry;
    size_t steps;
    tt_err err;
    bool answered;
};

struct world {
    struct tt_core *core;
    struct tt_now now;
    struct work work;
    uint32_t next;
    bool store_is_away;
};

static void step(struct world *world, const struct tt_event *event);

static void answer(struct world *world, struct tt_store_op *op)
{
    static tt_id members[2];
    members[0] = tt_id_of("alice");
    members[1] = tt_id_of("bob");
    TT_ASSERT(op->kind == TT_STORE_GET_CONVERSATION);
    op->err = world->store_is_away ? TT_FAIL(UNAVAILABLE) : TT_FAIL(NOT_FOUND);
    if (!world->store_is_away &&
        tt_slice_eq(tt_id_slice(&op->get_conversation.id), TT_SLICE_LITERAL("theirs"))) {
        op->err = TT_OK;
        op->get_conversation.conversation = (struct tt_conversation){.id = op->get_conversation.id,
                                                                     .kind = TT_DIRECT,
                                                                     .members = members,
                                                                     .member_count = 2};
    }
    step(world, &(struct tt_event){.kind = TT_EVENT_STORE_DONE, .store_op = op});
}

/* Carries the effects out, one after the other. */
static void step(struct world *world, const struct tt_event *event)
{
    struct tt_store_op *asked[8];
    size_t asked_count = 0;
    size_t count;
    world->now.mono.ms++;
    tt_core_step(world->core, &world->now, event);
    world->work.steps++;
    const struct tt_effect *effects = tt_core_effects(world->core, &count);
    for (size_t i = 0; i < count; i++) {
        if (effects[i].kind == TT_EFFECT_STORE)
            asked[asked_count++] = effects[i].store_op;
        if (effects[i].kind == TT_EFFECT_REGISTRY)
            world->work.registry++;
        if (effects[i].kind == TT_EFFECT_REPLY) {
            world->work.err = effects[i].reply->err;
            world->work.answered = true;
        }
    }
    world->work.store += asked_count;
    for (size_t i = 0; i < asked_count; i++)
        answer(world, asked[i]);
}

static struct work ask(struct world *world, enum tt_request_kind kind, const char *conversation)
{
    struct tt_request request = {.kind = kind,
                                 .user = tt_id_of("mallory"),
                                 .device = tt_id_of("phone"),
                                 .conversation = tt_id_of(conversation),
                                 .limit = 50};
    if (kind == TT_REQUEST_SEND) {
        request.send.client_id = tt_id_of("m1");
        request.send.content = TT_SLICE_LITERAL("hello");
    }
    if (kind == TT_REQUEST_INFO || kind == TT_REQUEST_WHY)
        request.about.seq = TT_SEQ(1);
    world->work = (struct work){0};
    step(world, &(struct tt_event){
                    .kind = TT_EVENT_REQUEST, .handle = {0, ++world->next}, .request = &request});
    return world->work;
}

/* Not yours, seen for the first time or not, is as not there: in the answer and in the work. */
static void what_is_not_his_is_as_what_is_not_there(void **unused)
{
    (void)unused;
    const enum tt_request_kind kinds[] = {TT_REQUEST_SNAPSHOT, TT_REQUEST_PAGE,
                                          TT_REQUEST_SEND,     TT_REQUEST_INFO,
                                          TT_REQUEST_WHY,      TT_REQUEST_TIMELINE};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct tt_core_options options = tt_core_options_default();
        options.store_keeps_order = true;
        struct world world = {.core = tt_core_create(&options),
                              .now = {TT_MONO(1), TT_TIME(1700000000000), 1}};
        struct work missing = ask(&world, kinds[i], "missing");
        assert_true(missing.answered);
        assert_int_equal(missing.err.code, TT_ERR_NOT_FOUND);
        assert_int_equal(missing.store, 1);
        for (int again = 0; again < 3; again++) {
            struct work theirs = ask(&world, kinds[i], "theirs");
            assert_memory_equal(&theirs, &missing, sizeof(missing));
        }
        world.store_is_away = true;
        missing = ask(&world, kinds[i], "missing");
        struct work theirs = ask(&world, kinds[i], "theirs");
        assert_int_equal(theirs.err.code, TT_ERR_UNAVAILABLE);
        assert_memory_equal(&theirs, &missing, sizeof(missing));
        tt_core_destroy(&world.core);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_his_is_as_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
