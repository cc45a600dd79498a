#include "edge/reply_codec.h"

#include "edge/conversation_json.h"
#include "edge/why_text.h"

static void put_list(struct tt_json_writer *json, const struct tt_reply *reply,
                     const struct tt_caller *caller)
{
    tt_json_begin_array(json, "conversations");
    for (size_t i = 0; i < reply->list.entry_count; i++)
        tt_put_entry(json, NULL, &reply->list.entries[i], &caller->user);
    tt_json_end_array(json);
    if (reply->list.next.size == 0)
        tt_json_put_null(json, "next");
    else
        tt_json_put_string(json, "next", reply->list.next);
}

static void put_me(struct tt_json_writer *json, const struct tt_reply *reply)
{
    const struct tt_user_settings *settings = &reply->me.settings;
    tt_json_put_id(json, "user_id", &reply->me.user);
    tt_json_put_id(json, "device_id", &reply->me.device);
    if (settings->display_name.size == 0)
        tt_json_put_null(json, "display_name");
    else
        tt_json_put_raw(json, "display_name", settings->display_name);
    tt_json_put_text(json, "share_last_seen", settings->share_last_seen ? "everyone" : "nobody");
    tt_json_put_bool(json, "push_preview", settings->push_preview);
}

static void put_device(struct tt_json_writer *json, const struct tt_device *device)
{
    tt_json_put_id(json, "device_id", &device->id);
    tt_json_put_time(json, "linked_at", device->linked_at);
    tt_json_put_time(json, "active_at", device->active_at);
    tt_json_put_bool(json, "connected", device->connected);
}

static void put_devices(struct tt_json_writer *json, const struct tt_reply *reply,
                        const struct tt_caller *caller)
{
    tt_json_begin_array(json, "devices");
    for (size_t i = 0; i < reply->devices.device_count; i++) {
        const struct tt_device *device = &reply->devices.devices[i];
        tt_json_begin_object(json, NULL);
        put_device(json, device);
        tt_json_put_bool(json, "this_device", tt_id_eq(&device->id, &caller->device));
        tt_json_end_object(json);
    }
    tt_json_end_array(json);
}

static void put_receipt_keys(struct tt_json_writer *json, const struct tt_receipt *receipt)
{
    tt_json_put_id(json, "user_id", &receipt->user);
    tt_json_put_time(json, "delivered_at", receipt->delivered_at);
    tt_json_put_time(json, "read_at", receipt->read_at);
}

static void put_info(struct tt_json_writer *json, const struct tt_reply *reply)
{
    tt_json_put_id(json, "conversation_id", &reply->conversation);
    tt_json_put_seq(json, "seq", reply->about.seq);
    tt_json_put_id(json, "sender", &reply->about.sender);
    tt_json_put_time(json, "timestamp", reply->about.timestamp);
    tt_json_begin_array(json, "members");
    for (size_t i = 0; i < reply->about.receipt_count; i++) {
        tt_json_begin_object(json, NULL);
        put_receipt_keys(json, &reply->about.receipts[i]);
        tt_json_end_object(json);
    }
    tt_json_end_array(json);
}

static const char *waiting_for(enum tt_waiting_for what)
{
    switch (what) {
    case TT_WAITING_FOR_NOTHING:
        break;
    case TT_WAITING_FOR_CONNECTION:
        return "connection";
    case TT_WAITING_FOR_DELIVERED_ACK:
        return "delivered_ack";
    case TT_WAITING_FOR_READ_ACK:
        return "read_ack";
    }
    return NULL;
}

static void put_push(struct tt_json_writer *json, const struct tt_happening *push)
{
    if (push->at.ms == 0) {
        tt_json_put_null(json, "push");
        return;
    }
    struct tt_push_detail detail = tt_push_detail(push->detail);
    tt_json_begin_object(json, "push");
    tt_json_put_time(json, "at", push->at);
    if (detail.provider.size == 0)
        tt_json_put_null(json, "provider");
    else
        tt_json_put_string(json, "provider", detail.provider);
    tt_json_put_text(json, "outcome",
                     push->kind == TT_HAPPENED_PUSH_ACCEPTED ? "accepted" : "failed");
    if (detail.rest.size > 0)
        tt_json_put_string(json, "detail", detail.rest);
    tt_json_end_object(json);
}

static void put_why(struct tt_json_writer *json, const struct tt_reply *reply)
{
    static const char *const ticks[] = {
        [TT_TICK_ONE] = "one", [TT_TICK_TWO] = "two", [TT_TICK_BLUE] = "blue"};
    tt_json_put_id(json, "conversation_id", &reply->conversation);
    tt_json_put_seq(json, "seq", reply->about.seq);
    tt_json_put_text(json, "tick", ticks[reply->about.tick]);
    tt_json_begin_array(json, "members");
    for (size_t i = 0; i < reply->about.receipt_count; i++) {
        const struct tt_receipt *receipt = &reply->about.receipts[i];
        const char *what = waiting_for(receipt->waiting_for);
        tt_json_begin_object(json, NULL);
        put_receipt_keys(json, receipt);
        if (what == NULL)
            tt_json_put_null(json, "waiting_for");
        else
            tt_json_put_text(json, "waiting_for", what);
        tt_json_put_time(json, "offline_since", receipt->offline_since);
        put_push(json, &receipt->push);
        tt_json_end_object(json);
    }
    tt_json_end_array(json);
    struct tt_buffer text = {0};
    tt_why_text(reply, &text);
    tt_json_put_string(json, "text", tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
}

static const char *happening_name(enum tt_happening_kind kind)
{
    switch (kind) {
    case TT_HAPPENED_STORED:
        return "stored";
    case TT_HAPPENED_DELIVERED:
        return "delivered";
    case TT_HAPPENED_READ:
        return "read";
    case TT_HAPPENED_CONNECTED:
        return "connected";
    case TT_HAPPENED_DISCONNECTED:
        return "disconnected";
    case TT_HAPPENED_PUSH_ACCEPTED:
        return "push_accepted";
    case TT_HAPPENED_PUSH_FAILED:
        return "push_failed";
    }
    return "";
}

static void put_happening(struct tt_json_writer *json, const struct tt_happening *happening)
{
    tt_json_begin_object(json, NULL);
    tt_json_put_time(json, "at", happening->at);
    tt_json_put_text(json, "event", happening_name(happening->kind));
    if (happening->to.n > 0 && happening->from.n == happening->to.n) {
        tt_json_put_seq(json, "seq", happening->to);
    } else if (happening->to.n > 0) {
        tt_json_put_seq(json, "from_seq", happening->from);
        tt_json_put_seq(json, "to_seq", happening->to);
    }
    tt_json_put_id(json, "user_id", &happening->user);
    if (!tt_id_is_none(&happening->device))
        tt_json_put_id(json, "device_id", &happening->device);
    if (happening->detail.size > 0)
        tt_json_put_string(json, "detail", happening->detail);
    tt_json_end_object(json);
}

static void put_timeline(struct tt_json_writer *json, const struct tt_reply *reply)
{
    tt_json_put_id(json, "conversation_id", &reply->conversation);
    tt_json_begin_array(json, "events");
    for (size_t i = 0; i < reply->timeline.happening_count; i++)
        put_happening(json, &reply->timeline.happenings[i]);
    tt_json_end_array(json);
}

static const char *outcome_name(const struct tt_push_result *result)
{
    if (!result->answered)
        return "none";
    switch (result->outcome) {
    case TT_NOTIFY_ACCEPTED:
        return "accepted";
    case TT_NOTIFY_FAILED:
        return "failed";
    case TT_NOTIFY_GONE:
        return "gone";
    case TT_NOTIFY_LATER:
        return "later";
    }
    return "";
}

static void put_push_results(struct tt_json_writer *json, const struct tt_reply *reply)
{
    tt_json_begin_array(json, "results");
    for (size_t i = 0; i < reply->push_test.result_count; i++) {
        const struct tt_push_result *result = &reply->push_test.results[i];
        tt_json_begin_object(json, NULL);
        tt_json_put_id(json, "device_id", &result->device);
        tt_json_put_text(json, "provider", tt_push_provider_name(result->provider));
        tt_json_put_text(json, "outcome", outcome_name(result));
        tt_json_put_string(json, "detail", result->detail);
        tt_json_end_object(json);
    }
    tt_json_end_array(json);
}

static void put_keys(struct tt_json_writer *json, const struct tt_reply *reply,
                     const struct tt_caller *caller)
{
    switch (reply->kind) {
    case TT_REQUEST_SNAPSHOT:
        tt_put_snapshot_keys(json, reply->snapshot);
        break;
    case TT_REQUEST_PAGE:
        tt_put_page_keys(json, reply->snapshot);
        break;
    case TT_REQUEST_LIST:
        put_list(json, reply, caller);
        break;
    case TT_REQUEST_CREATE:
        tt_put_entry_keys(json, reply->entry, &caller->user);
        break;
    case TT_REQUEST_SEND:
        tt_json_put_id(json, "conversation_id", &reply->conversation);
        tt_json_put_seq(json, "seq", reply->sent.seq);
        tt_json_put_time(json, "timestamp", reply->sent.timestamp);
        break;
    case TT_REQUEST_GET_ME:
    case TT_REQUEST_PUT_ME:
        put_me(json, reply);
        break;
    case TT_REQUEST_MUTE:
        tt_json_put_id(json, "conversation_id", &reply->conversation);
        tt_json_put_time(json, "muted_until", reply->mute.until);
        break;
    case TT_REQUEST_LIST_DEVICES:
        put_devices(json, reply, caller);
        break;
    case TT_REQUEST_TEST_PUSH:
        put_push_results(json, reply);
        break;
    case TT_REQUEST_PUT_PUSH:
        tt_json_put_id(json, "device_id", &reply->push.device);
        tt_json_put_text(json, "provider", tt_push_provider_name(reply->push.provider));
        break;
    case TT_REQUEST_UNLINK_DEVICE:
    case TT_REQUEST_DELETE_PUSH:
    case TT_REQUEST_CHECK:
        break;
    case TT_REQUEST_INFO:
        put_info(json, reply);
        break;
    case TT_REQUEST_WHY:
        put_why(json, reply);
        break;
    case TT_REQUEST_TIMELINE:
        put_timeline(json, reply);
        break;
    }
}

/* Of a query only the cursor is read as late as in the store. */
static struct tt_problem problem_of(const struct tt_reply *reply)
{
    if (reply->kind == TT_REQUEST_LIST && tt_err_is(reply->err, TT_ERR_BAD_QUERY))
        return (struct tt_problem){NULL, TT_CURSOR_TEXT};
    return (struct tt_problem){NULL, NULL};
}

int tt_reply_write(const struct tt_reply *reply, const struct tt_caller *caller,
                   struct tt_buffer *body)
{
    if (!tt_is_ok(reply->err)) {
        const struct tt_problem problem = problem_of(reply);
        tt_write_http_error(reply->err, &problem, body);
        return tt_err_http(reply->err);
    }
    struct tt_json_writer json = {.out = body};
    tt_json_begin_object(&json, NULL);
    put_keys(&json, reply, caller);
    tt_json_end_object(&json);
    return reply->created ? 201 : 200;
}

void tt_write_too_many_devices(const struct tt_device *devices, size_t count,
                               struct tt_buffer *body)
{
    struct tt_json_writer json = {.out = body};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "error");
    tt_put_error_keys(&json, TT_FAIL(TOO_MANY_DEVICES), NULL);
    tt_json_begin_array(&json, "devices");
    for (size_t i = 0; i < count; i++) {
        tt_json_begin_object(&json, NULL);
        put_device(&json, &devices[i]);
        tt_json_end_object(&json);
    }
    tt_json_end_array(&json);
    tt_json_end_object(&json);
    tt_json_end_object(&json);
}
