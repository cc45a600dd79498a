#include "golden/story.h"

#include <stdio.h>

#include "base/memory.h"
#include "sim/oracle.h"
#include "sim/world.h"

#define MINUTE_US (60 * TT_US_PER_S)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

/* 2024-01-12T00:00:00Z, so that day 3 is the day of the second document. */
#define EPOCH_WALL_MS 1705017600000LL

struct actor {
    struct story *story;
    tt_id user;
    tt_id device;
    struct tt_link *link;
    uint64_t held;
    struct tt_cursor shown;
    uint32_t client_ids;
};

struct story {
    struct tt_world *world;
    tt_id conversation;
    struct actor alice;
    struct actor bob;
};

static void opened(void *context, struct tt_link *link)
{
    (void)context;
    (void)link;
}

static void heard(void *context, struct tt_link *link, const struct tt_server_frame *frame)
{
    (void)link;
    struct actor *actor = context;
    if (frame->kind == TT_SERVER_MESSAGE)
        actor->held = frame->message.seq.n;
    if (frame->kind == TT_SERVER_STATUS_UPDATE) {
        actor->shown.delivered = tt_seq_max(actor->shown.delivered, frame->status.delivered);
        actor->shown.read = tt_seq_max(actor->shown.read, frame->status.read);
    }
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

static void run_until(struct story *story, uint64_t at_us)
{
    while (tt_agenda_step(&story->world->agenda, at_us))
        story->world->steps++;
}

static void run_for(struct story *story, uint64_t us)
{
    run_until(story, story->world->agenda.now_us + us);
}

static void remark(struct story *story, const char *text)
{
    tt_trace_line(&story->world->trace, story->world->agenda.now_us, tt_slice_text(text));
}

static void connect(struct actor *actor, uint32_t server)
{
    struct tt_link_owner owner = {actor, opened, heard, pinged, closed};
    actor->link =
        tt_link_connect(actor->story->world, server, 0, &actor->user, &actor->device, &owner, 8000);
}

static void say(struct actor *actor, enum tt_client_frame_kind kind, uint64_t seq)
{
    struct tt_client_frame frame = {
        .kind = kind,
        .conversation = actor->story->conversation,
        .seq = TT_SEQ(seq),
    };
    tt_link_send(actor->link, &frame);
}

static void send(struct actor *actor, const char *content)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "m%u", ++actor->client_ids);
    struct tt_client_frame frame = {
        .kind = TT_CLIENT_SEND,
        .conversation = actor->story->conversation,
        .client_id = tt_id_of(name),
        .content = tt_slice_text(content),
    };
    tt_link_send(actor->link, &frame);
}

static void apply(struct story *story, struct tt_store_op *op)
{
    tt_fake_store_apply(story->world->store, op);
    TT_ASSERT(tt_is_ok(op->err));
    tt_store_op_destroy(&op);
}

static struct tt_world *create_world(uint64_t start_us)
{
    struct tt_world_options options = {
        .seed = 1,
        .servers = 3,
        .nodes = 1,
        .keeps_order = true,
        .epoch_wall = TT_TIME(EPOCH_WALL_MS),
        .epoch_us = start_us,
        .turn_us = 50,
        .store_latency_us = 1500,
        .registry_latency_us = 300,
        .bus_latency_us = 200,
        .core = tt_core_options_default(),
    };
    struct tt_world *world = tt_world_create(&options);
    world->oracle = tt_oracle_create(world);
    for (uint32_t i = 0; i < options.servers; i++)
        tt_world_start(world, i);
    return world;
}

static void set_up(struct story *story, uint64_t start_us)
{
    *story = (struct story){.world = create_world(start_us)};
    story->conversation = tt_id_of("conv_abc123");
    story->alice =
        (struct actor){.story = story, .user = tt_id_of("alice"), .device = tt_id_of("laptop")};
    story->bob =
        (struct actor){.story = story, .user = tt_id_of("bob"), .device = tt_id_of("phone")};
    struct tt_oracle *oracle = story->world->oracle;
    tt_oracle_add_device(oracle, &story->alice.user, &story->alice.device, true);
    tt_oracle_add_device(oracle, &story->bob.user, &story->bob.device, true);
    tt_oracle_expect_conversation(oracle, &story->conversation);

    struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    tt_id members[] = {story->alice.user, story->bob.user};
    op->create_conversation.conversation = (struct tt_conversation){
        .id = story->conversation,
        .kind = TT_DIRECT,
        .created_at = tt_world_wall(story->world),
        .members = members,
        .member_count = 2,
    };
    op->create_conversation.creator = members[0];
    op->create_conversation.id_given = true;
    op->create_conversation.conversation_count_max = 10;
    apply(story, op);
}

/* What was said before the story begins, and was read: seq 1 to 41. */
static void tell_the_past(struct story *story)
{
    connect(&story->alice, 0);
    connect(&story->bob, 2);
    run_for(story, TT_US_PER_S);
    for (unsigned i = 0; i < 41; i++) {
        send(&story->alice, "before");
        run_for(story, TT_US_PER_S / 10);
    }
    run_for(story, TT_US_PER_S);
    say(&story->bob, TT_CLIENT_DELIVERED, story->bob.held);
    say(&story->bob, TT_CLIENT_READ, story->bob.held);
    run_for(story, TT_US_PER_S);
    TT_ASSERT(story->bob.held == 41 && story->alice.shown.read.n == 41);
    run_for(story, 10 * TT_US_PER_S);
}

/* The line that Alice sees: a tick for each of her messages. */
static void show_ticks(struct story *story, uint64_t from, uint64_t to)
{
    struct tt_cursor shown = story->alice.shown;
    struct tt_buffer line = {0};
    tt_buffer_add_text(&line, "   alice sees");
    for (uint64_t seq = from; seq <= to; seq++) {
        tt_buffer_add_text(&line, " ");
        tt_buffer_add_u64(&line, seq);
        tt_buffer_add_text(&line, seq <= shown.read.n        ? ":blue"
                                  : seq <= shown.delivered.n ? ":two"
                                                             : ":one");
    }
    tt_trace_line(&story->world->trace, story->world->agenda.now_us, tt_buffer_slice(&line));
    tt_buffer_deinit(&line);
}

static void send_at(struct story *story, uint64_t at_us, const char *content, uint64_t seq)
{
    run_until(story, at_us);
    send(&story->alice, content);
    run_for(story, 10 * TT_US_PER_S);
    show_ticks(story, 42, seq);
}

static void phone_off(struct story *story)
{
    set_up(story, 8 * HOUR_US + 50 * MINUTE_US);
    tell_the_past(story);
    story->world->trace.enabled = true;
    remark(story, "-- Bob has read up to seq 41, and his phone dies");
    tt_link_break(story->bob.link, 0, 0);
    run_until(story, 9 * HOUR_US);
    send_at(story, 9 * HOUR_US, "hey", 42);
    send_at(story, 14 * HOUR_US, "where are you?", 43);
    send_at(story, DAY_US + 10 * HOUR_US, "hello??", 44);
    send_at(story, DAY_US + 18 * HOUR_US, "is everything okay?", 45);
    send_at(story, 3 * DAY_US + 8 * HOUR_US, "call me when you can", 46);
    run_until(story, 3 * DAY_US + 9 * HOUR_US);
    remark(story, "-- Bob turns his phone on; the notification alone changes nothing");
    run_for(story, 2 * MINUTE_US);
    show_ticks(story, 42, 46);
    remark(story, "-- Bob opens the app");
    connect(&story->bob, 2);
    run_for(story, TT_US_PER_S);
    remark(story, "-- Bob's client has rendered all five");
    say(&story->bob, TT_CLIENT_DELIVERED, story->bob.held);
    run_for(story, TT_US_PER_S);
    show_ticks(story, 42, 46);
    remark(story, "-- the chat is on his screen");
    say(&story->bob, TT_CLIENT_READ, story->bob.held);
    run_for(story, TT_US_PER_S);
    show_ticks(story, 42, 46);
}

static void replied(void *context, struct tt_call *call, const struct tt_reply *reply)
{
    (void)context;
    (void)call;
    TT_ASSERT(reply != NULL && tt_is_ok(reply->err));
}

static void chat_open(struct story *story)
{
    set_up(story, 3 * DAY_US + 9 * HOUR_US + 41 * MINUTE_US + 50 * TT_US_PER_S);
    connect(&story->alice, 0);
    connect(&story->bob, 2);
    run_for(story, TT_US_PER_S);
    send(&story->alice, "hey");
    send(&story->alice, "where are you?");
    run_until(story, 3 * DAY_US + 9 * HOUR_US + 42 * MINUTE_US);
    tt_link_close(story->bob.link);
    run_for(story, 10 * MINUTE_US);
    story->world->trace.enabled = true;
    remark(story, "-- Alice opens the chat: one request, and the lookups side by side");
    struct tt_request request = {
        .kind = TT_REQUEST_SNAPSHOT,
        .user = story->alice.user,
        .device = story->alice.device,
        .conversation = story->conversation,
        .limit = 50,
        .snapshot = {.mark_open = true},
    };
    tt_call_make(story->world, 0, 0, &request, story, replied);
    run_for(story, TT_US_PER_S);
    remark(story, "-- Bob opens the app; Alice has the chat on her screen");
    connect(&story->bob, 2);
    run_for(story, TT_US_PER_S);
    remark(story, "-- Bob closes it");
    tt_link_close(story->bob.link);
    run_for(story, 4 * TT_US_PER_S);
    remark(story, "-- Alice closes the chat; what Bob does is no longer told to her");
    say(&story->alice, TT_CLIENT_CLOSE, 0);
    run_for(story, TT_US_PER_S);
    connect(&story->bob, 1);
    run_for(story, TT_US_PER_S);
}

bool tt_story_play(const char *name, struct tt_buffer *lines)
{
    struct tt_slice wanted = tt_slice_text(name);
    struct story story;
    if (tt_slice_eq(wanted, tt_slice_text("phone-off")))
        phone_off(&story);
    else if (tt_slice_eq(wanted, tt_slice_text("chat-open")))
        chat_open(&story);
    else
        return false;
    tt_buffer_add(lines, tt_buffer_slice(&story.world->trace.lines));
    struct tt_oracle *oracle = story.world->oracle;
    bool is_kept = tt_oracle_failure(oracle) == NULL;
    tt_world_destroy(&story.world);
    tt_oracle_destroy(&oracle);
    return is_kept;
}
