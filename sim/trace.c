#include "sim/trace.h"

#include <stdio.h>

#include "base/map.h"

void tt_trace_deinit(struct tt_trace *trace)
{
    tt_buffer_deinit(&trace->lines);
}

void tt_trace_mix(struct tt_trace *trace, uint64_t number)
{
    uint64_t word = (trace->hash ^ number) * 0x9e3779b97f4a7c15ULL;
    trace->hash = word ^ (word >> 29);
}

void tt_trace_mix_id(struct tt_trace *trace, const tt_id *id)
{
    tt_trace_mix(trace, tt_hash(tt_id_slice(id), 7));
}

void tt_trace_line(struct tt_trace *trace, uint64_t now_us, struct tt_slice text)
{
    if (!trace->enabled)
        return;
    uint64_t ms = now_us / 1000;
    char time[64];
    (void)snprintf(time, sizeof(time), "day %u %02u:%02u:%02u.%03u  ", (unsigned)(ms / 86400000),
                   (unsigned)(ms / 3600000 % 24), (unsigned)(ms / 60000 % 60),
                   (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
    tt_buffer_add_text(&trace->lines, time);
    tt_buffer_add(&trace->lines, text);
    tt_buffer_add_byte(&trace->lines, '\n');
    if (trace->bytes_max > 0 && trace->lines.size > 2 * trace->bytes_max)
        tt_buffer_consume(&trace->lines, trace->lines.size - trace->bytes_max);
}

void tt_trace_put_id(struct tt_buffer *out, const tt_id *id)
{
    tt_buffer_add(out, tt_id_slice(id));
}

static void put_named_id(struct tt_buffer *out, const char *name, const tt_id *id)
{
    if (tt_id_is_none(id))
        return;
    tt_buffer_add_text(out, name);
    tt_trace_put_id(out, id);
}

static void put_number(struct tt_buffer *out, const char *name, uint64_t number)
{
    tt_buffer_add_text(out, name);
    tt_buffer_add_u64(out, number);
}

static void put_content(struct tt_buffer *out, struct tt_slice content)
{
    tt_buffer_add_text(out, " \"");
    tt_buffer_add(out, content);
    tt_buffer_add_text(out, "\"");
}

static void put_status(struct tt_buffer *out, const struct tt_status *status)
{
    if (status->unknown) {
        tt_buffer_add_text(out, " unknown");
    } else if (status->online) {
        tt_buffer_add_text(out, " online");
    } else if (status->last_seen.ms == 0) {
        tt_buffer_add_text(out, " offline, last seen never");
    } else {
        char text[TT_TIME_TEXT_SIZE];
        tt_time_format(status->last_seen, text);
        tt_buffer_add_text(out, " offline, last seen ");
        tt_buffer_add(out, tt_slice(text, sizeof(text)));
    }
}

static void put_cursor(struct tt_buffer *out, const struct tt_cursor *cursor)
{
    if (cursor->delivered.n > 0)
        put_number(out, " last_delivered_seq=", cursor->delivered.n);
    if (cursor->read.n > 0)
        put_number(out, " last_read_seq=", cursor->read.n);
}

void tt_trace_put_client_frame(struct tt_buffer *out, const struct tt_client_frame *frame)
{
    static const char *const names[] = {
        [TT_CLIENT_SEND] = "send",   [TT_CLIENT_DELIVERED] = "delivered",
        [TT_CLIENT_READ] = "read",   [TT_CLIENT_OPEN] = "open",
        [TT_CLIENT_CLOSE] = "close", [TT_CLIENT_TYPING] = "typing",
        [TT_CLIENT_TOKEN] = "token", [TT_CLIENT_PING] = "ping",
    };
    tt_buffer_add_text(out, names[frame->kind]);
    put_named_id(out, " ", &frame->conversation);
    if (frame->kind == TT_CLIENT_SEND) {
        put_named_id(out, " client_id=", &frame->client_id);
        put_content(out, frame->content);
    }
    if (frame->kind == TT_CLIENT_DELIVERED || frame->kind == TT_CLIENT_READ)
        put_number(out, " seq=", frame->seq.n);
}

static void put_snapshot(struct tt_buffer *out, const struct tt_snapshot *snapshot)
{
    put_number(out, " head=", snapshot->head.n);
    if (snapshot->message_count > 0) {
        put_number(out, " messages=", snapshot->messages[0].seq.n);
        put_number(out, "..", snapshot->messages[snapshot->message_count - 1].seq.n);
    }
    put_cursor(out, &snapshot->others_min);
    put_number(out, " my_last_read_seq=", snapshot->my_read.n);
    for (size_t i = 0; i < snapshot->other_count; i++) {
        tt_buffer_add_text(out, "; ");
        tt_trace_put_id(out, &snapshot->others[i].user);
        put_status(out, &snapshot->others[i].status);
    }
}

void tt_trace_put_server_frame(struct tt_buffer *out, const struct tt_server_frame *frame)
{
    static const char *const names[] = {
        [TT_SERVER_HELLO] = "hello",
        [TT_SERVER_SENT] = "sent",
        [TT_SERVER_MESSAGE] = "message",
        [TT_SERVER_CAUGHT_UP] = "caught_up",
        [TT_SERVER_STATUS_UPDATE] = "status_update",
        [TT_SERVER_READ_SYNC] = "read_sync",
        [TT_SERVER_PRESENCE] = "presence",
        [TT_SERVER_TYPING] = "typing",
        [TT_SERVER_CONVERSATION] = "conversation",
        [TT_SERVER_CONVERSATION_ADDED] = "conversation_added",
        [TT_SERVER_ERROR] = "error",
        [TT_SERVER_PONG] = "pong",
    };
    tt_buffer_add_text(out, names[frame->kind]);
    put_named_id(out, " ", &frame->conversation);
    if (frame->kind == TT_SERVER_HELLO)
        tt_buffer_add_text(out, frame->hello.resumed ? " resumed" : " anew");
    if (frame->kind == TT_SERVER_SENT || frame->kind == TT_SERVER_MESSAGE)
        put_number(out, " seq=", frame->message.seq.n);
    if (frame->kind == TT_SERVER_MESSAGE) {
        put_named_id(out, " from ", &frame->message.sender);
        put_content(out, frame->message.content);
    }
    if (frame->kind == TT_SERVER_STATUS_UPDATE || frame->kind == TT_SERVER_READ_SYNC)
        put_cursor(out, &frame->status);
    put_named_id(out, " of ", &frame->user);
    put_named_id(out, " client_id=", &frame->client_id);
    if (frame->kind == TT_SERVER_PRESENCE)
        put_status(out, &frame->presence.status);
    if (frame->kind == TT_SERVER_CONVERSATION)
        put_snapshot(out, frame->snapshot);
    if (frame->kind == TT_SERVER_CONVERSATION_ADDED) {
        put_named_id(out, " ", &frame->entry->conversation.id);
        put_number(out, " head=", frame->entry->head.n);
        put_cursor(out, &frame->entry->others);
    }
    if (frame->kind == TT_SERVER_ERROR) {
        tt_buffer_add_text(out, " ");
        tt_buffer_add_text(out, tt_err_wire(frame->error.err));
        if (tt_err_is(frame->error.err, TT_ERR_ACK_AHEAD))
            put_number(out, " limit=", frame->error.limit.n);
    }
}

void tt_trace_put_request(struct tt_buffer *out, const struct tt_request *request)
{
    switch (request->kind) {
    case TT_REQUEST_SNAPSHOT:
        put_named_id(out, "GET /conversation/", &request->conversation);
        return;
    case TT_REQUEST_PAGE:
        put_named_id(out, "GET /conversation/", &request->conversation);
        put_number(out, request->page.before ? "?before=" : "?after=", request->page.seq.n);
        return;
    case TT_REQUEST_LIST:
        tt_buffer_add_text(out, "GET /conversations");
        return;
    case TT_REQUEST_CREATE:
        tt_buffer_add_text(out, "POST /conversation");
        put_named_id(out, " ", &request->conversation);
        return;
    case TT_REQUEST_SEND:
        put_named_id(out, "POST /conversation/", &request->conversation);
        tt_buffer_add_text(out, "/messages");
        put_named_id(out, " client_id=", &request->send.client_id);
        put_content(out, request->send.content);
        return;
    case TT_REQUEST_MUTE:
        put_named_id(out, "PUT /conversation/", &request->conversation);
        tt_buffer_add_text(out, "/settings");
        return;
    case TT_REQUEST_INFO:
    case TT_REQUEST_WHY:
        put_named_id(out, "GET /conversation/", &request->conversation);
        put_number(out, "/messages/", request->about.seq.n);
        tt_buffer_add_text(out, request->kind == TT_REQUEST_INFO ? "/info" : "/why");
        return;
    case TT_REQUEST_TIMELINE:
        put_named_id(out, "GET /conversation/", &request->conversation);
        put_number(out, "/timeline?from=", request->timeline.from.n);
        put_number(out, "&to=", request->timeline.to.n);
        return;
    case TT_REQUEST_GET_ME:
    case TT_REQUEST_PUT_ME:
    case TT_REQUEST_LIST_DEVICES:
    case TT_REQUEST_UNLINK_DEVICE:
    case TT_REQUEST_PUT_PUSH:
    case TT_REQUEST_DELETE_PUSH:
    case TT_REQUEST_CHECK:
    case TT_REQUEST_TEST_PUSH:
        put_number(out, "request of kind ", (uint64_t)request->kind);
        return;
    }
}

static void put_list(struct tt_buffer *out, const struct tt_reply *reply)
{
    put_number(out, " entries=", reply->list.entry_count);
    for (size_t i = 0; i < reply->list.entry_count; i++) {
        const struct tt_conversation_entry *entry = &reply->list.entries[i];
        if (entry->conversation.kind != TT_DIRECT)
            continue;
        put_named_id(out, "; ", &entry->conversation.id);
        put_status(out, &entry->peer);
    }
}

void tt_trace_put_reply(struct tt_buffer *out, const struct tt_reply *reply)
{
    put_number(out, "", (uint64_t)(reply->created ? 201 : tt_err_http(reply->err)));
    if (!tt_is_ok(reply->err)) {
        tt_buffer_add_text(out, " ");
        tt_buffer_add_text(out, tt_err_wire(reply->err));
        return;
    }
    put_named_id(out, " ", &reply->conversation);
    if (reply->kind == TT_REQUEST_SNAPSHOT || reply->kind == TT_REQUEST_PAGE)
        put_snapshot(out, reply->snapshot);
    if (reply->kind == TT_REQUEST_SEND)
        put_number(out, " seq=", reply->sent.seq.n);
    if (reply->kind == TT_REQUEST_LIST)
        put_list(out, reply);
}

/* User, device, conversation and number that an op is about, as far as it has them. */
static void put_subject(struct tt_buffer *out, const tt_id *user, const tt_id *device,
                        const tt_id *conversation)
{
    if (user != NULL)
        put_named_id(out, " ", user);
    if (device != NULL)
        put_named_id(out, "/", device);
    if (conversation != NULL)
        put_named_id(out, " ", conversation);
}

static void put_pending(struct tt_buffer *out, const struct tt_list_pending *list)
{
    for (size_t i = 0; i < list->row_count; i++) {
        put_named_id(out, " ", &list->rows[i].conversation);
        put_number(out, " first_undelivered_seq=", list->rows[i].first_undelivered.n);
    }
}

static void put_push_subject(struct tt_buffer *out, const struct tt_store_op *op)
{
    const struct tt_happening *push = &op->record_push.happening;
    if (op->kind == TT_STORE_PUT_PUSH_ADDRESS)
        put_subject(out, &op->put_push_address.user, &op->put_push_address.device, NULL);
    else if (op->kind == TT_STORE_DROP_PUSH_ADDRESS)
        put_subject(out, &op->drop_push_address.user, &op->drop_push_address.device, NULL);
    else if (op->kind == TT_STORE_LIST_PUSH_ADDRESSES)
        put_subject(out, &op->list_push_addresses.user, NULL, NULL);
    else
        put_subject(out, &push->user, &push->device, &op->record_push.conversation);
}

static void put_user_subject(struct tt_buffer *out, const struct tt_store_op *op)
{
    if (op->kind == TT_STORE_LIST_DEVICES)
        put_subject(out, &op->list_devices.user, NULL, NULL);
    else if (op->kind == TT_STORE_LIST_CONVERSATIONS)
        put_subject(out, &op->list_conversations.user, NULL, NULL);
    else if (op->kind == TT_STORE_PUT_USER)
        put_subject(out, &op->put_user.user, NULL, NULL);
    else if (op->kind == TT_STORE_PUT_ACCOUNT)
        put_subject(out, &op->put_account.user, NULL, NULL);
    else if (op->kind == TT_STORE_GET_ACCOUNT)
        put_subject(out, &op->get_account.user, NULL, NULL);
    else if (op->kind == TT_STORE_LOG_IN)
        put_subject(out, &op->log_in.user, &op->log_in.login.device, NULL);
    else
        put_subject(out, &op->check_login.user, &op->check_login.device, NULL);
}

static void put_device_subject(struct tt_buffer *out, const struct tt_store_op *op)
{
    if (op->kind == TT_STORE_LINK_DEVICE)
        put_subject(out, &op->link_device.user, &op->link_device.device, NULL);
    else if (op->kind == TT_STORE_UNLINK_DEVICE)
        put_subject(out, &op->unlink_device.user, &op->unlink_device.device, NULL);
    else if (op->kind == TT_STORE_DISCONNECT)
        put_subject(out, &op->disconnect.user, &op->disconnect.device, NULL);
    else
        put_subject(out, &op->list_pending.user, &op->list_pending.device, NULL);
}

static void put_op_subject(struct tt_buffer *out, const struct tt_store_op *op)
{
    switch (op->kind) {
    case TT_STORE_LINK_DEVICE:
    case TT_STORE_UNLINK_DEVICE:
    case TT_STORE_DISCONNECT:
    case TT_STORE_LIST_PENDING:
        put_device_subject(out, op);
        return;
    case TT_STORE_CREATE_CONVERSATION:
        put_subject(out, NULL, NULL, &op->create_conversation.conversation.id);
        return;
    case TT_STORE_GET_CONVERSATION:
        put_subject(out, NULL, NULL, &op->get_conversation.id);
        return;
    case TT_STORE_APPEND:
        put_subject(out, NULL, NULL, &op->append.conversation);
        put_content(out, op->append.message.content);
        return;
    case TT_STORE_ADVANCE:
        put_subject(out, &op->advance.user, &op->advance.device, &op->advance.conversation);
        put_cursor(out, &op->advance.to);
        return;
    case TT_STORE_READ_MESSAGES:
        put_subject(out, NULL, NULL, &op->read_messages.conversation);
        put_number(out, " from seq ", op->read_messages.from.n);
        return;
    case TT_STORE_SNAPSHOT:
        put_subject(out, &op->snapshot.user, NULL, &op->snapshot.conversation);
        return;
    case TT_STORE_POSITIONS:
        put_subject(out, &op->positions.user, NULL, &op->positions.conversation);
        return;
    case TT_STORE_MARK_PUSHED:
        put_subject(out, &op->mark_pushed.user, NULL, &op->mark_pushed.conversation);
        return;
    case TT_STORE_GET_USERS:
        for (size_t i = 0; i < op->get_users.id_count; i++)
            put_named_id(out, " ", &op->get_users.ids[i]);
        return;
    case TT_STORE_LIST_DEVICES:
    case TT_STORE_LIST_CONVERSATIONS:
    case TT_STORE_PUT_USER:
    case TT_STORE_PUT_ACCOUNT:
    case TT_STORE_GET_ACCOUNT:
    case TT_STORE_LOG_IN:
    case TT_STORE_CHECK_LOGIN:
        put_user_subject(out, op);
        return;
    case TT_STORE_MUTE:
        put_subject(out, &op->mute.user, NULL, &op->mute.conversation);
        return;
    case TT_STORE_HISTORY:
        put_subject(out, NULL, NULL, &op->history.conversation);
        return;
    case TT_STORE_PUT_PUSH_ADDRESS:
    case TT_STORE_DROP_PUSH_ADDRESS:
    case TT_STORE_LIST_PUSH_ADDRESSES:
    case TT_STORE_RECORD_PUSH:
        put_push_subject(out, op);
        return;
    case TT_STORE_LIST_ACCOUNTS:
    case TT_STORE_LIST_UNRUNG:
    case TT_STORE_ALIVE:
        return;
    }
}

void tt_trace_put_store_op(struct tt_buffer *out, const struct tt_store_op *op, bool done)
{
    tt_buffer_add_text(out, done ? "store: done " : "store: ");
    tt_buffer_add_text(out, tt_store_op_name(op->kind));
    put_op_subject(out, op);
    if (!done)
        return;
    if (!tt_is_ok(op->err)) {
        tt_buffer_add_text(out, " -> ");
        tt_buffer_add_text(out, tt_err_wire(op->err));
        return;
    }
    if (op->kind == TT_STORE_APPEND)
        put_number(out, op->append.duplicate ? " -> duplicate of seq " : " -> seq ",
                   op->append.message.seq.n);
    if (op->kind == TT_STORE_ADVANCE) {
        tt_buffer_add_text(out, " ->");
        put_cursor(out, &op->advance.after);
    }
    if (op->kind == TT_STORE_READ_MESSAGES)
        put_number(out, " -> messages: ", op->read_messages.message_count);
    if (op->kind == TT_STORE_LIST_PENDING) {
        tt_buffer_add_text(out, " ->");
        put_pending(out, &op->list_pending);
    }
    if (op->kind == TT_STORE_POSITIONS)
        for (size_t i = 0; i < op->positions.device_count; i++) {
            put_named_id(out, " ", &op->positions.devices[i].device);
            put_number(out, "=", op->positions.devices[i].delivered.n);
        }
}

void tt_trace_put_place(struct tt_buffer *out, const struct tt_place *place)
{
    tt_trace_put_id(out, &place->server);
    put_number(out, ".", place->incarnation);
    put_number(out, ".", place->node);
}

static void put_whereabouts(struct tt_buffer *out, const struct tt_whereabouts *found)
{
    tt_buffer_add_text(out, "; ");
    tt_trace_put_id(out, &found->user);
    for (size_t i = 0; i < found->device_count; i++) {
        put_named_id(out, " ", &found->devices[i].device);
        tt_buffer_add_text(out, "@");
        tt_trace_put_place(out, &found->devices[i].place);
    }
    if (found->device_count == 0)
        put_status(out, &(struct tt_status){.last_seen = found->last_seen});
}

void tt_trace_put_registry_op(struct tt_buffer *out, const struct tt_registry_op *op, bool done)
{
    tt_buffer_add_text(out, done ? "registry: done " : "registry: ");
    tt_buffer_add_text(out, tt_registry_op_name(op->kind));
    if (op->kind == TT_REGISTRY_REGISTER) {
        put_subject(out, &op->reg.user, &op->reg.device.device, NULL);
        tt_buffer_add_text(out, " at ");
        tt_trace_put_place(out, &op->reg.device.place);
    } else if (op->kind == TT_REGISTRY_UNREGISTER) {
        put_subject(out, &op->unreg.user, &op->unreg.device, NULL);
    } else {
        for (size_t i = 0; i < op->about.user_count && !done; i++)
            put_named_id(out, " ", &op->about.users[i]);
    }
    if (!done)
        return;
    if (!tt_is_ok(op->err)) {
        tt_buffer_add_text(out, " -> ");
        tt_buffer_add_text(out, tt_err_wire(op->err));
    } else if (op->kind == TT_REGISTRY_LOOKUP || op->kind == TT_REGISTRY_WATCH) {
        for (size_t i = 0; i < op->about.user_count; i++)
            put_whereabouts(out, &op->about.found[i]);
    }
}

void tt_trace_put_hint(struct tt_buffer *out, const struct tt_hint *hint)
{
    tt_buffer_add_text(out, tt_hint_name(hint->kind));
    put_subject(out, &hint->user, &hint->device, &hint->conversation);
    if (hint->message.seq.n > 0)
        put_number(out, " seq=", hint->message.seq.n);
    put_cursor(out, &hint->cursor);
    put_named_id(out, " about ", &hint->about);
    if (hint->kind == TT_HINT_PRESENCE)
        put_status(out, &hint->status);
}

void tt_trace_put_notification(struct tt_buffer *out, const struct tt_notification *notification)
{
    bool rings = notification->kind == TT_NOTIFY_RING;
    tt_buffer_add_text(out, rings ? "ring" : "clear");
    put_subject(out, &notification->user, &notification->device, &notification->conversation);
    put_number(out, " seq=", notification->seq.n);
    if (rings)
        put_content(out, notification->content);
}
