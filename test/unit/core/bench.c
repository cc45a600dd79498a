#include "bench.h"

#include <stdio.h>

#include "base/memory.h"
#include "sim/trace.h"
#include "unit.h"

#define WALL_MS 1705017600000LL

static struct tt_place here(void)
{
    return (struct tt_place){.server = tt_id_of("here"), .incarnation = 1};
}

struct tt_place bench_elsewhere(void)
{
    return (struct tt_place){.server = tt_id_of("elsewhere"), .incarnation = 1};
}

void bench_store(struct bench *bench, struct tt_store_op *op)
{
    tt_store_tables_apply(&bench->tables, op, 0, false);
    expect_ok(op->err);
    tt_store_op_destroy(&op);
}

void bench_store_message(struct bench *bench, const char *conversation, const char *sender,
                         const char *client_id)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_APPEND);
    op->append.conversation = tt_id_of(conversation);
    op->append.message = (struct tt_message){.sender = tt_id_of(sender),
                                             .sender_device = tt_id_of("elsewhere"),
                                             .client_id = tt_id_of(client_id),
                                             .timestamp = bench->now.wall,
                                             .content = TT_SLICE_LITERAL("hello")};
    bench_store(bench, op);
}

void bench_make(struct bench *bench, const char *conversation, enum tt_conversation_kind kind,
                const char *a, const char *b)
{
    tt_id members[2] = {tt_id_of(a), tt_id_of(b)};
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    op->create_conversation = (struct tt_create_conversation){
        .conversation = {.id = tt_id_of(conversation),
                         .kind = kind,
                         .created_at = bench->now.wall,
                         .members = members,
                         .member_count = 2},
        .creator = members[0],
        .id_given = true,
        .conversation_count_max = 1000,
    };
    bench_store(bench, op);
}

struct bench *bench_create(void (*change)(struct tt_core_options *options))
{
    struct bench *bench = tt_alloc(sizeof(*bench));
    bench->now = (struct tt_now){.mono = TT_MONO(1000), .wall = TT_TIME(WALL_MS), .entropy = 1};
    struct tt_core_options options = tt_core_options_default();
    options.place = here();
    if (change != NULL)
        change(&options);
    bench->core = tt_core_create(&options);
    tt_store_tables_init(&bench->tables, TT_MUTANT_NONE);
    bench_make(bench, "c", TT_DIRECT, "alice", "bob");
    return bench;
}

void bench_destroy(struct bench **take_bench)
{
    struct bench *bench = *take_bench;
    *take_bench = NULL;
    for (size_t i = 0; i < bench->op_count; i++)
        tt_store_op_destroy(&bench->ops[i]);
    for (size_t i = 0; i < bench->lookup_count; i++)
        tt_registry_op_destroy(&bench->lookups[i]);
    tt_core_destroy(&bench->core);
    tt_store_tables_deinit(&bench->tables);
    tt_buffer_deinit(&bench->lines);
    tt_free(bench);
}

const char *bench_lines(const struct bench *bench)
{
    return bench->lines.size == 0 ? "" : bench->lines.data;
}

static void add_line(struct bench *bench, const char *who, struct tt_slice text)
{
    tt_buffer_add_text(&bench->lines, who);
    tt_buffer_add_text(&bench->lines, ": ");
    tt_buffer_add(&bench->lines, text);
    tt_buffer_add_text(&bench->lines, "\n");
    tt_buffer_add_byte(&bench->lines, '\0');
    bench->lines.size--;
}

size_t bench_count(const struct bench *bench, const char *text)
{
    size_t count = 0;
    for (const char *at = bench_lines(bench); (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

void bench_forget(struct bench *bench)
{
    bench->lines.size = 0;
    if (bench->lines.data != NULL)
        bench->lines.data[0] = '\0';
}

/* The registry. */

void bench_unregister(struct bench *bench, const char *user, const char *device)
{
    tt_id ids[2] = {tt_id_of(user), tt_id_of(device)};
    bench->version++;
    for (size_t i = 0; i < bench->entry_count; i++)
        if (tt_id_eq(&bench->entries[i].user, &ids[0]) &&
            tt_id_eq(&bench->entries[i].device.device, &ids[1]))
            bench->entries[i] = bench->entries[--bench->entry_count];
}

static void put_entry(struct bench *bench, const tt_id *user,
                      const struct tt_registered_device *device)
{
    bench->version++;
    for (size_t i = 0; i < bench->entry_count; i++) {
        struct bench_entry *entry = &bench->entries[i];
        if (tt_id_eq(&entry->user, user) && tt_id_eq(&entry->device.device, &device->device)) {
            entry->device = *device;
            return;
        }
    }
    assert_true(bench->entry_count < BENCH_ENTRIES);
    bench->entries[bench->entry_count++] = (struct bench_entry){*user, *device};
}

void bench_register(struct bench *bench, const char *user, const char *device, uint64_t epoch)
{
    tt_id id = tt_id_of(user);
    struct tt_registered_device is = {tt_id_of(device), epoch, bench_elsewhere()};
    put_entry(bench, &id, &is);
}

static void look_up(struct bench *bench, struct tt_arena *arena, const tt_id *user,
                    struct tt_whereabouts *found)
{
    struct tt_registered_device *devices = tt_arena_array(arena, BENCH_ENTRIES, sizeof(devices[0]));
    struct tt_place *watchers = tt_arena_array(arena, BENCH_ENTRIES, sizeof(watchers[0]));
    *found = (struct tt_whereabouts){
        .user = *user, .devices = devices, .watchers = watchers, .version = bench->version};
    for (size_t i = 0; i < bench->entry_count; i++)
        if (tt_id_eq(&bench->entries[i].user, user))
            devices[found->device_count++] = bench->entries[i].device;
    for (size_t i = 0; i < bench->watcher_count; i++)
        if (tt_id_eq(&bench->watchers[i].user, user))
            watchers[found->watcher_count++] = bench->watchers[i].place;
}

static void set_watcher(struct bench *bench, const tt_id *user, const struct tt_place *place,
                        bool watches)
{
    size_t at = 0;
    while (at < bench->watcher_count && !(tt_id_eq(&bench->watchers[at].user, user) &&
                                          tt_place_eq(&bench->watchers[at].place, place)))
        at++;
    if (watches && at == bench->watcher_count) {
        assert_true(bench->watcher_count < BENCH_ENTRIES);
        bench->watchers[bench->watcher_count++] = (struct bench_watcher){*user, *place};
    }
    if (!watches && at < bench->watcher_count)
        bench->watchers[at] = bench->watchers[--bench->watcher_count];
}

static void about(struct bench *bench, struct tt_registry_op *op)
{
    struct tt_about_users *users = &op->about;
    struct tt_whereabouts *found = tt_arena_array(&op->arena, users->user_count, sizeof(found[0]));
    for (size_t i = 0; i < users->user_count; i++) {
        if (op->kind != TT_REGISTRY_LOOKUP)
            set_watcher(bench, &users->users[i], &users->watcher, op->kind == TT_REGISTRY_WATCH);
        look_up(bench, &op->arena, &users->users[i], &found[i]);
    }
    users->found = found;
}

static void enter(struct bench *bench, struct tt_registry_op *op)
{
    struct tt_register *reg = &op->reg;
    for (size_t i = 0; i < bench->entry_count; i++) {
        const struct bench_entry *entry = &bench->entries[i];
        if (!tt_id_eq(&entry->user, &reg->user) ||
            !tt_id_eq(&entry->device.device, &reg->device.device))
            continue;
        if (entry->device.epoch > reg->device.epoch) {
            op->err = TT_FAIL(FENCED);
            return;
        }
        reg->previous = entry->device;
    }
    put_entry(bench, &reg->user, &reg->device);
    look_up(bench, &op->arena, &reg->user, &reg->user_now);
}

static void leave(struct bench *bench, struct tt_registry_op *op)
{
    bench->version++;
    for (size_t i = 0; i < bench->entry_count; i++) {
        const struct bench_entry *entry = &bench->entries[i];
        if (!tt_id_eq(&entry->user, &op->unreg.user) || entry->device.epoch != op->unreg.epoch)
            continue;
        bench->entries[i] = bench->entries[--bench->entry_count];
        bench->left_at = op->unreg.at;
    }
    look_up(bench, &op->arena, &op->unreg.user, &op->unreg.user_now);
}

static void apply_registry(struct bench *bench, struct tt_registry_op *op)
{
    op->err = TT_OK; /* it may be asked again */
    if ((bench->registry_refused >> op->kind & 1) != 0)
        op->err = TT_FAIL(UNAVAILABLE);
    else if (op->kind == TT_REGISTRY_REGISTER)
        enter(bench, op);
    else if (op->kind == TT_REGISTRY_UNREGISTER)
        leave(bench, op);
    else
        about(bench, op);
}

/* Steps. */

static void note_effect(struct bench *bench, const struct tt_effect *effect)
{
    struct tt_buffer text = {0};
    const char *who = bench->names[effect->handle.index % 64];
    char number[32];
    if (effect->kind == TT_EFFECT_FRAME) {
        tt_trace_put_server_frame(&text, effect->frame);
    } else if (effect->kind == TT_EFFECT_CLOSE) {
        (void)snprintf(number, sizeof(number), "closed with %d", (int)effect->close_code);
        tt_buffer_add_text(&text, number);
    } else if (effect->kind == TT_EFFECT_REPLY) {
        tt_trace_put_reply(&text, effect->reply);
        who = "reply";
    } else if (effect->kind == TT_EFFECT_HINT) {
        tt_trace_put_hint(&text, effect->hint.hint);
        bench->hint = *effect->hint.hint;
        who = "hint";
    } else if (effect->kind == TT_EFFECT_NOTIFY) {
        tt_trace_put_notification(&text, effect->notification);
        who = "notify";
    } else if (effect->kind == TT_EFFECT_STORE) {
        tt_buffer_add_text(&text, tt_store_op_name(effect->store_op->kind));
        who = "store";
    } else if (effect->kind == TT_EFFECT_REJECT) {
        tt_buffer_add_text(&text, "rejected");
    } else if (effect->kind == TT_EFFECT_PING) {
        tt_buffer_add_text(&text, "pinged");
    } else if (effect->kind == TT_EFFECT_WANT_DRAIN) {
        tt_buffer_add_text(&text, "asked what has left");
    }
    if (text.size > 0)
        add_line(bench, who, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
}

static void apply_store(struct bench *bench, struct tt_store_op *op)
{
    if ((bench->refused >> op->kind & 1) == 0) {
        tt_store_tables_apply(&bench->tables, op, 0, false);
        return;
    }
    op->err = TT_FAIL(UNAVAILABLE);
}

static void step_once(struct bench *bench, const struct tt_event *event)
{
    size_t count;
    bench->now.entropy++;
    tt_core_step(bench->core, &bench->now, event);
    const struct tt_effect *effects = tt_core_effects(bench->core, &count);
    for (size_t i = 0; i < count; i++) {
        note_effect(bench, &effects[i]);
        if (effects[i].kind == TT_EFFECT_STORE) {
            assert_true(bench->op_count < BENCH_QUEUE);
            apply_store(bench, effects[i].store_op);
            bench->ops[bench->op_count++] = effects[i].store_op;
        }
        if (effects[i].kind == TT_EFFECT_REGISTRY) {
            assert_true(bench->lookup_count < BENCH_QUEUE);
            apply_registry(bench, effects[i].registry_op);
            bench->lookups[bench->lookup_count++] = effects[i].registry_op;
        }
    }
}

static void answer_store(struct bench *bench, size_t at)
{
    struct tt_store_op *op = bench->ops[at];
    bench->op_count--;
    memmove(&bench->ops[at], &bench->ops[at + 1], (bench->op_count - at) * sizeof(bench->ops[0]));
    step_once(bench, &(struct tt_event){.kind = TT_EVENT_STORE_DONE, .store_op = op});
}

static void answer_registry(struct bench *bench)
{
    struct tt_registry_op *op = bench->lookups[0];
    bench->lookup_count--;
    memmove(&bench->lookups[0], &bench->lookups[1],
            bench->lookup_count * sizeof(bench->lookups[0]));
    step_once(bench, &(struct tt_event){.kind = TT_EVENT_REGISTRY_DONE, .registry_op = op});
}

static bool answer_next(struct bench *bench)
{
    if (bench->lookup_count > 0 && !bench->holds_registry) {
        answer_registry(bench);
        return true;
    }
    for (size_t i = 0; i < bench->op_count; i++) {
        if ((bench->held >> bench->ops[i]->kind & 1) != 0)
            continue;
        answer_store(bench, i);
        return true;
    }
    return false;
}

void bench_step(struct bench *bench, const struct tt_event *event)
{
    step_once(bench, event);
    while (answer_next(bench))
        ;
}

void bench_hold(struct bench *bench, enum tt_store_op_kind kind)
{
    bench->held |= 1ULL << kind;
}

void bench_refuse(struct bench *bench, enum tt_store_op_kind kind)
{
    bench->refused |= 1ULL << kind;
}

void bench_refuse_registry(struct bench *bench, enum tt_registry_op_kind kind)
{
    bench->registry_refused |= 1ULL << kind;
}

void bench_let_go(struct bench *bench, enum tt_store_op_kind kind, tt_err err)
{
    bench->held &= ~(1ULL << kind);
    for (size_t i = 0; i < bench->op_count; i++)
        if (bench->ops[i]->kind == kind && !tt_is_ok(err))
            bench->ops[i]->err = err;
    while (answer_next(bench))
        ;
}

void bench_let_registry_go(struct bench *bench, tt_err err)
{
    bench->holds_registry = false;
    for (size_t i = 0; i < bench->lookup_count && !tt_is_ok(err); i++)
        bench->lookups[i]->err = err;
    while (answer_next(bench))
        ;
}

void bench_pass_ms(struct bench *bench, uint64_t ms)
{
    uint64_t end = bench->now.mono.ms + ms;
    for (;;) {
        tt_mono due = tt_core_deadline(bench->core);
        uint64_t to = due.ms == 0 || due.ms > end ? end : due.ms;
        if (to > bench->now.mono.ms) {
            bench->now.wall.ms += (int64_t)(to - bench->now.mono.ms);
            bench->now.mono.ms = to;
        }
        if (due.ms == 0 || due.ms > end)
            return;
        bench_step(bench, &(struct tt_event){.kind = TT_EVENT_TICK});
    }
}

static tt_handle take_handle(struct bench *bench, const char *user, const char *device)
{
    uint32_t index = 0;
    while (bench->names[index][0] != '\0')
        index++;
    assert_true(index < 64);
    (void)snprintf(bench->names[index], sizeof(bench->names[index]), "%s/%s", user, device);
    return (tt_handle){index, ++bench->generations};
}

tt_handle bench_connect(struct bench *bench, const char *user, const char *device)
{
    tt_handle socket = take_handle(bench, user, device);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_SESSION_OPEN,
                                         .handle = socket,
                                         .open = {.user = tt_id_of(user),
                                                  .device = tt_id_of(device),
                                                  .token_expires = TT_TIME(INT64_MAX)}});
    return socket;
}

void bench_hang_up(struct bench *bench, tt_handle socket)
{
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_SESSION_CLOSED, .handle = socket});
}

void bench_say(struct bench *bench, tt_handle socket, enum tt_client_frame_kind kind,
               const char *conversation, uint64_t seq)
{
    struct tt_client_frame frame = {.kind = kind, .seq = TT_SEQ(seq)};
    if (conversation != NULL)
        frame.conversation = tt_id_of(conversation);
    bench_step(bench,
               &(struct tt_event){.kind = TT_EVENT_FRAME, .handle = socket, .frame = &frame});
}

void bench_send(struct bench *bench, tt_handle socket, const char *conversation, const char *id)
{
    struct tt_client_frame frame = {.kind = TT_CLIENT_SEND,
                                    .conversation = tt_id_of(conversation),
                                    .client_id = tt_id_of(id),
                                    .content = TT_SLICE_LITERAL("hello")};
    bench_step(bench,
               &(struct tt_event){.kind = TT_EVENT_FRAME, .handle = socket, .frame = &frame});
}

void bench_ask(struct bench *bench, struct tt_request request, const char *user, const char *device)
{
    request.user = tt_id_of(user);
    request.device = tt_id_of(device);
    if (request.limit == 0)
        request.limit = 50;
    tt_handle handle = take_handle(bench, user, "request");
    bench_step(bench,
               &(struct tt_event){.kind = TT_EVENT_REQUEST, .handle = handle, .request = &request});
    bench->names[handle.index][0] = '\0';
}

void bench_hear(struct bench *bench, const struct tt_hint *hint)
{
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_HINT, .hint = hint});
}
