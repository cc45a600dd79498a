#include "sim/node.h"

#include "base/memory.h"
#include "sim/copy.h"
#include "sim/oracle.h"
#include "sim/wire.h"

#define FRAME_BYTES 120 /* of a frame, beside its content */
#define STUCK_US    (3600 * TT_US_PER_S)
/* Two answers to `open`: the one that asks, and the one that is too much. */
#define QUEUE_SLACK 20000

/* Something on its way to a device. */
struct parcel {
    struct tt_link *link;
    struct tt_call *call;
    struct tt_arena arena;
    struct tt_server_frame frame;
    struct tt_reply reply;
    uint64_t leaves_us;
    uint32_t code;
    tt_err err;
};

static void drop_parcel(void *payload)
{
    struct parcel *parcel = payload;
    tt_arena_deinit(&parcel->arena);
    tt_free(parcel);
}

static void drop_node_event(void *payload)
{
    struct tt_node_event *event = payload;
    tt_arena_deinit(&event->arena);
    tt_free(event);
}

static void trace_link(struct tt_link *link, bool to_device, struct tt_slice text)
{
    struct tt_trace *trace = &link->world->trace;
    if (!trace->enabled)
        return;
    struct tt_buffer line = {0};
    tt_buffer_add_text(&line, to_device ? "-> " : "");
    tt_trace_put_id(&line, &link->user);
    tt_buffer_add_text(&line, "/");
    tt_trace_put_id(&line, &link->device);
    tt_buffer_add_text(&line, to_device ? "  " : " ->  ");
    tt_buffer_add(&line, text);
    tt_trace_line(trace, link->world->agenda.now_us, tt_buffer_slice(&line));
    tt_buffer_deinit(&line);
}

static uint64_t arrival(const struct tt_link *link, uint64_t from_us, uint64_t not_before_us)
{
    uint64_t at = from_us + tt_prng_delay(&link->world->network, link->delay_us);
    return at < not_before_us ? not_before_us : at;
}

/* Up: what reaches the node. */

static void arrive_up(void *context, void *payload)
{
    struct tt_link *link = context;
    struct tt_node_event *event = payload;
    if (link->node == NULL || link->node->driver == NULL || !link->server_open || link->is_cut)
        drop_node_event(event);
    else
        tt_node_post(link->node, event);
}

static void send_up(struct tt_link *link, struct tt_node_event *event)
{
    event->link = link;
    link->up_us = arrival(link, link->world->agenda.now_us, link->up_us);
    tt_agenda_at(&link->world->agenda, link->up_us, arrive_up, link, event, drop_node_event);
}

static void tell_up(struct tt_link *link, enum tt_event_kind kind)
{
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = kind;
    send_up(link, event);
}

void tt_link_send(struct tt_link *link, const struct tt_client_frame *frame)
{
    struct tt_buffer text = {0};
    if (link->world->trace.enabled)
        tt_trace_put_client_frame(&text, frame);
    trace_link(link, false, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    tt_oracle_device_says(link->world->oracle, link, frame);
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_FRAME;
    tt_copy_client_frame(&event->arena, frame, &event->frame);
    bool is_json = link->world->options.through_codec;
    if (is_json && !tt_wire_client_frame(&event->arena, frame, &event->frame))
        tt_oracle_fail(link->world->oracle, "the codec refuses its own client's frame");
    send_up(link, event);
}

/* Down: what reaches the device. */

static void arrive_closed(void *context, void *payload)
{
    struct tt_link *link = context;
    struct parcel *parcel = payload;
    if (link->device_open && (!link->is_cut || parcel->leaves_us == 0)) {
        link->device_open = false;
        link->owner.closed(link->owner.context, link, parcel->code, parcel->err);
    }
    drop_parcel(parcel);
}

static void close_down(struct tt_link *link, uint64_t at_us, uint32_t code, tt_err err)
{
    struct parcel *parcel = tt_alloc(sizeof(*parcel));
    parcel->code = code;
    parcel->err = err;
    parcel->leaves_us = 1;
    link->down_us = at_us > link->down_us ? at_us : link->down_us;
    tt_agenda_at(&link->world->agenda, link->down_us, arrive_closed, link, parcel, drop_parcel);
}

static void open_session(void *context, void *payload)
{
    (void)payload;
    struct tt_link *link = context;
    struct tt_node *node = link->node;
    if (node == NULL || node->driver == NULL || link->is_cut) {
        close_down(link, link->world->agenda.now_us, 0, TT_OK);
        return;
    }
    link->handle = tt_node_take_slot(node, link, NULL);
    link->server_open = true;
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_SESSION_OPEN;
    event->link = link;
    tt_node_post(node, event);
}

struct tt_link *tt_link_connect(struct tt_world *world, uint32_t server, uint32_t node,
                                const tt_id *user, const tt_id *device,
                                const struct tt_link_owner *owner, uint32_t delay_us)
{
    struct tt_link *link = tt_alloc(sizeof(*link));
    link->world = world;
    link->id = ++world->link_count;
    link->user = *user;
    link->device = *device;
    link->owner = *owner;
    link->delay_us = delay_us;
    link->device_open = true;
    link->node = world->servers[server].is_up ? world->servers[server].nodes[node] : NULL;
    link->next = world->all_links;
    world->all_links = link;
    trace_link(link, false, tt_slice_text("connects"));
    link->up_us = arrival(link, world->agenda.now_us, 0);
    tt_agenda_at(&world->agenda, link->up_us, open_session, link, NULL, NULL);
    return link;
}

void tt_link_close(struct tt_link *link)
{
    if (!link->device_open)
        return;
    link->device_open = false;
    trace_link(link, false, tt_slice_text("closes"));
    tell_up(link, TT_EVENT_SESSION_CLOSED);
}

static void break_at_server(void *context, void *payload)
{
    (void)payload;
    struct tt_link *link = context;
    if (link->node == NULL || link->node->driver == NULL || !link->server_open)
        return;
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_SESSION_CLOSED;
    event->link = link;
    tt_node_post(link->node, event);
}

void tt_link_break(struct tt_link *link, uint64_t device_us, uint64_t server_us)
{
    struct tt_agenda *agenda = &link->world->agenda;
    trace_link(link, false, tt_slice_text("is cut off"));
    link->is_cut = true;
    if (device_us != UINT64_MAX) {
        struct parcel *parcel = tt_alloc(sizeof(*parcel));
        tt_agenda_after(agenda, device_us, arrive_closed, link, parcel, drop_parcel);
    }
    if (server_us != UINT64_MAX)
        tt_agenda_after(agenda, server_us, break_at_server, link, NULL, NULL);
}

static void arrive_open(void *context, void *payload)
{
    (void)payload;
    struct tt_link *link = context;
    if (!link->device_open || link->is_cut)
        return;
    link->opened_us = link->world->agenda.now_us;
    link->owner.opened(link->owner.context, link);
}

static void arrive_frame(void *context, void *payload)
{
    struct tt_link *link = context;
    struct parcel *parcel = payload;
    bool was_lost = link->node->driver == NULL && parcel->leaves_us > link->drained_us;
    if (link->device_open && !link->is_cut && !was_lost)
        link->owner.heard(link->owner.context, link, &parcel->frame);
    drop_parcel(parcel);
}

static void arrive_ping(void *context, void *payload)
{
    (void)payload;
    struct tt_link *link = context;
    if (!link->device_open || link->is_cut)
        return;
    link->owner.pinged(link->owner.context, link);
    tell_up(link, TT_EVENT_HEARD);
}

static void post_drained(void *context, void *payload)
{
    struct tt_link *link = context;
    struct tt_node_event *event = payload;
    if (link->node->driver == NULL || !link->server_open)
        drop_node_event(event);
    else
        tt_node_post(link->node, event);
}

static size_t frame_bytes(const struct tt_server_frame *frame)
{
    size_t bytes = FRAME_BYTES;
    if (frame->kind == TT_SERVER_MESSAGE)
        bytes += frame->message.content.size;
    if (frame->kind == TT_SERVER_CONVERSATION) {
        const struct tt_snapshot *snapshot = frame->snapshot;
        bytes += (snapshot->message_count + snapshot->other_count) * (size_t)FRAME_BYTES;
        for (size_t i = 0; i < snapshot->message_count; i++)
            bytes += snapshot->messages[i].content.size;
    }
    return bytes;
}

static struct tt_link *recipient(struct tt_link *link)
{
    struct tt_world *world = link->world;
    if (world->options.mutant != TT_MUTANT_WRONG_SOCKET || !tt_prng_chance(&world->network, 1))
        return link;
    for (uint32_t i = 0; i < link->node->slot_count; i++) {
        struct tt_link *other = link->node->slots[i].link;
        if (other != NULL && other != link && other->accepted)
            return other;
    }
    return link;
}

static void mix_frame(struct tt_trace *trace, const struct tt_link *link,
                      const struct tt_server_frame *frame)
{
    tt_trace_mix(trace, (uint64_t)link->id * 64 + (uint64_t)frame->kind);
    tt_trace_mix_id(trace, &frame->conversation);
    if (frame->kind == TT_SERVER_MESSAGE || frame->kind == TT_SERVER_SENT)
        tt_trace_mix(trace, frame->message.seq.n);
    if (frame->kind == TT_SERVER_STATUS_UPDATE)
        tt_trace_mix(trace, frame->status.delivered.n * 65536 + frame->status.read.n);
}

/* A node does not pile up what a device does not take in; at the end of a turn it looks. */
static void check_queue(struct tt_link *link, const struct tt_server_frame *frame)
{
    uint64_t now_us = link->world->agenda.now_us;
    if (link->turn_us != now_us)
        link->queued_before = link->queued_bytes;
    link->turn_us = now_us;
    link->queued_bytes += frame_bytes(frame);
    const struct tt_core_options *core = &link->world->options.core;
    if (link->queued_before > core->slow_bytes_max + core->undrained_bytes_max + QUEUE_SLACK)
        tt_oracle_fail(link->world->oracle,
                       "a queue: %.*s/%.*s takes nothing in, and %zu bytes wait for it",
                       link->user.size, link->user.bytes, link->device.size, link->device.bytes,
                       link->queued_before);
}

static void send_frame(struct tt_link *link, const struct tt_server_frame *frame)
{
    struct tt_world *world = link->world;
    link = recipient(link);
    mix_frame(&world->trace, link, frame);
    struct tt_buffer text = {0};
    if (world->trace.enabled)
        tt_trace_put_server_frame(&text, frame);
    trace_link(link, true, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    tt_oracle_node_says(world->oracle, link, frame);
    if (world->options.through_codec && !tt_wire_server_frame_is_true(frame))
        tt_oracle_fail(world->oracle, "a client reads something else than the server wrote");

    struct parcel *parcel = tt_alloc(sizeof(*parcel));
    tt_copy_server_frame(&parcel->arena, frame, &parcel->frame);
    uint64_t now_us = world->agenda.now_us;
    if (link->drained_us <= now_us) {
        link->drained_us = now_us;
        link->queued_bytes = 0;
    } else if (link->bytes_per_ms > 0 && !link->is_stuck) { /* what it has taken in meanwhile */
        link->queued_bytes = (link->drained_us - now_us) * link->bytes_per_ms / TT_US_PER_MS;
    }
    if (link->bytes_per_ms > 0)
        link->drained_us += frame_bytes(frame) * TT_US_PER_MS / link->bytes_per_ms;
    if (link->is_stuck)
        link->drained_us = now_us + STUCK_US;
    check_queue(link, frame);
    parcel->leaves_us = link->drained_us;
    link->down_us = arrival(link, link->drained_us, link->down_us);
    tt_agenda_at(&world->agenda, link->down_us, arrive_frame, link, parcel, drop_parcel);
}

static void end_link(struct tt_link *link, uint32_t code, tt_err err)
{
    if (code == TT_CLOSE_REPLACED)
        tt_oracle_replaced(link->world->oracle, link);
    if (code == TT_CLOSE_TOKEN_EXPIRED)
        tt_oracle_cut(link->world->oracle, link);
    link->server_open = false;
    link->ended_us = link->world->agenda.now_us;
    tt_oracle_session_ends(link->world->oracle, link);
    tt_node_free_slot(link->node, link->handle);
    close_down(link, arrival(link, link->world->agenda.now_us, 0), code, err);
    struct tt_buffer text = {0};
    tt_buffer_add_text(&text, code == 0 ? "is refused: " : "is closed with ");
    if (code == 0)
        tt_buffer_add_text(&text, tt_err_text(err));
    else
        tt_buffer_add_u64(&text, code);
    trace_link(link, true, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
}

static void want_drain(struct tt_link *link)
{
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_DRAINED;
    event->link = link;
    tt_agenda_at(&link->world->agenda, link->drained_us, post_drained, link, event,
                 drop_node_event);
}

static void link_effect(struct tt_link *link, const struct tt_effect *effect)
{
    struct tt_agenda *agenda = &link->world->agenda;
    if (effect->kind == TT_EFFECT_FRAME) {
        send_frame(link, effect->frame);
    } else if (effect->kind == TT_EFFECT_ACCEPT) {
        link->accepted = true;
        link->down_us = arrival(link, agenda->now_us, link->down_us);
        tt_agenda_at(agenda, link->down_us, arrive_open, link, NULL, NULL);
    } else if (effect->kind == TT_EFFECT_PING) {
        link->down_us = arrival(link, agenda->now_us, link->down_us);
        tt_agenda_at(agenda, link->down_us, arrive_ping, link, NULL, NULL);
    } else if (effect->kind == TT_EFFECT_WANT_DRAIN) {
        want_drain(link);
    } else if (effect->kind == TT_EFFECT_CLOSE) {
        end_link(link, (uint32_t)effect->close_code, TT_OK);
    } else if (effect->kind == TT_EFFECT_REJECT) {
        end_link(link, 0, effect->reject.err);
    }
}

/* Requests. */

static void arrive_reply(void *context, void *payload)
{
    struct tt_call *call = context;
    struct parcel *parcel = payload;
    if (call->replied != NULL)
        call->replied(call->context, call, parcel->code == 0 ? NULL : &parcel->reply);
    call->replied = NULL;
    drop_parcel(parcel);
}

static void trace_call(struct tt_call *call, const char *before, struct tt_slice text)
{
    struct tt_trace *trace = &call->world->trace;
    if (!trace->enabled)
        return;
    struct tt_buffer line = {0};
    tt_buffer_add_text(&line, before);
    tt_trace_put_id(&line, &call->request.user);
    tt_buffer_add_text(&line, "/");
    tt_trace_put_id(&line, &call->request.device);
    tt_buffer_add_text(&line, before[0] == '\0' ? " ->  " : "  ");
    tt_buffer_add(&line, text);
    tt_trace_line(trace, call->world->agenda.now_us, tt_buffer_slice(&line));
    tt_buffer_deinit(&line);
}

static void answer(struct tt_call *call, const struct tt_reply *reply)
{
    struct tt_world *world = call->world;
    struct parcel *parcel = tt_alloc(sizeof(*parcel));
    tt_oracle_request_ends(world->oracle, call);
    if (reply != NULL) {
        struct tt_buffer text = {0};
        if (world->trace.enabled)
            tt_trace_put_reply(&text, reply);
        trace_call(call, "-> ", tt_buffer_slice(&text));
        tt_buffer_deinit(&text);
        tt_trace_mix(&world->trace, (uint64_t)reply->kind * 256 + reply->err.code);
        tt_oracle_replied(world->oracle, call, reply);
        tt_copy_reply(&parcel->arena, reply, &parcel->reply);
        parcel->code = 1;
    }
    uint64_t delay = tt_prng_delay(&world->network, 20000);
    tt_agenda_after(&world->agenda, delay, arrive_reply, call, parcel, drop_parcel);
}

static void begin_call(void *context, void *payload)
{
    (void)payload;
    struct tt_call *call = context;
    struct tt_node *node = call->node;
    if (node == NULL || node->driver == NULL) {
        answer(call, NULL);
        return;
    }
    call->handle = tt_node_take_slot(node, NULL, call);
    call->server_open = true;
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_REQUEST;
    event->call = call;
    tt_node_post(node, event);
}

struct tt_call *tt_call_make(struct tt_world *world, uint32_t server, uint32_t node,
                             const struct tt_request *request, void *context,
                             void (*replied)(void *, struct tt_call *, const struct tt_reply *))
{
    struct tt_call *call = tt_alloc(sizeof(*call));
    call->world = world;
    call->node = world->servers[server].is_up ? world->servers[server].nodes[node] : NULL;
    call->made_us = world->agenda.now_us;
    call->context = context;
    call->replied = replied;
    tt_copy_request(&call->arena, request, &call->request);
    call->next = world->all_calls;
    world->all_calls = call;
    struct tt_buffer text = {0};
    if (world->trace.enabled)
        tt_trace_put_request(&text, request);
    trace_call(call, "", tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    uint64_t delay = tt_prng_delay(&world->network, 20000);
    tt_agenda_after(&world->agenda, delay, begin_call, call, NULL, NULL);
    return call;
}

void tt_call_give_up(struct tt_call *call)
{
    call->replied = NULL;
    if (!call->server_open || call->node->driver == NULL)
        return;
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_REQUEST_GONE;
    event->call = call;
    tt_node_post(call->node, event);
}

void tt_node_effect(void *context, const struct tt_effect *effect)
{
    struct tt_node *node = context;
    if (node->server->is_dying)
        return;
    struct tt_slot *slot = tt_node_slot(node, effect->handle);
    TT_ASSERT(slot != NULL);
    if (effect->kind == TT_EFFECT_REPLY) {
        struct tt_call *call = slot->call;
        TT_ASSERT(call != NULL && call->server_open);
        call->server_open = false;
        tt_node_free_slot(node, effect->handle);
        answer(call, effect->reply);
        return;
    }
    TT_ASSERT(slot->link != NULL && slot->link->server_open);
    link_effect(slot->link, effect);
}

void tt_links_server_died(struct tt_world *world, struct tt_node *node)
{
    for (struct tt_link *link = world->all_links; link != NULL; link = link->next) {
        if (link->node != node || !link->server_open)
            continue;
        link->server_open = false;
        link->ended_us = link->world->agenda.now_us;
        tt_oracle_session_ends(world->oracle, link);
        if (link->drained_us > world->agenda.now_us)
            link->drained_us = world->agenda.now_us;
        close_down(link, arrival(link, world->agenda.now_us, 0), 0, TT_OK);
    }
    for (struct tt_call *call = world->all_calls; call != NULL; call = call->next) {
        if (call->node != node || !call->server_open)
            continue;
        call->server_open = false;
        answer(call, NULL);
    }
}
