#include "adapter/embedded/table.h"

#include "adapter/embedded/pack.h"
#include "adapter/embedded/record.h"

#define VERSION              1
#define VERSION_WITH_ACCOUNT 2 /* of user rows: the same, and the account after it */

enum { SHARES_LAST_SEEN = 1, PUSH_PREVIEW = 2 };
enum { CONNECTED = 1, DISCONNECTED = 2 };

static struct tt_unpack begin(struct tt_slice bytes)
{
    struct tt_unpack in = {.rest = bytes};
    if (tt_unpack_byte(&in) != VERSION)
        in.failed = true;
    return in;
}

/* How many elements follow, each of at least `size_min` bytes: a count cannot ask for much. */
static size_t unpack_array_count(struct tt_unpack *in, uint32_t max, size_t size_min)
{
    size_t count = tt_unpack_count(in, max);
    if (count > in->rest.size / size_min)
        in->failed = true;
    return in->failed ? 0 : count;
}

void tt_row_pack_conversation(const struct tt_conversation *conversation, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_number(out, conversation->kind);
    tt_pack_text(out, conversation->title);
    tt_pack_time(out, conversation->created_at);
    tt_pack_number(out, conversation->member_count);
    for (size_t i = 0; i < conversation->member_count; i++)
        tt_pack_id(out, &conversation->members[i]);
}

tt_err tt_row_unpack_conversation(struct tt_slice bytes, struct tt_arena *arena,
                                  struct tt_conversation *conversation)
{
    struct tt_unpack in = begin(bytes);
    uint64_t kind = tt_unpack_number(&in);
    if (kind != TT_DIRECT && kind != TT_GROUP)
        in.failed = true;
    conversation->kind = kind == TT_DIRECT ? TT_DIRECT : TT_GROUP;
    conversation->title = tt_unpack_text(&in);
    conversation->created_at = tt_unpack_time(&in);
    size_t count = unpack_array_count(&in, TT_RECORD_MEMBERS_MAX, 2);
    tt_id *members = tt_arena_array(arena, count, sizeof(tt_id));
    for (size_t i = 0; i < count; i++) {
        members[i] = tt_unpack_id(&in, false);
        if (i > 0 && tt_id_compare(&members[i - 1], &members[i]) >= 0)
            in.failed = true;
    }
    conversation->members = members;
    conversation->member_count = count;
    if (count == 0 || (conversation->kind == TT_DIRECT && count != 2))
        in.failed = true;
    return tt_unpack_end(&in);
}

void tt_row_pack_head(const struct tt_head_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_seq(out, row->head);
    tt_pack_time(out, row->active_at);
    tt_pack_time(out, row->changed_at);
}

tt_err tt_row_unpack_head(struct tt_slice bytes, struct tt_head_row *row)
{
    struct tt_unpack in = begin(bytes);
    row->head = tt_unpack_seq(&in);
    row->active_at = tt_unpack_time(&in);
    row->changed_at = tt_unpack_time(&in);
    return tt_unpack_end(&in);
}

void tt_row_pack_message(const struct tt_message *message, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_id(out, &message->sender);
    tt_pack_id(out, &message->sender_device);
    tt_pack_id(out, &message->client_id);
    tt_pack_time(out, message->timestamp);
    tt_pack_text(out, message->content);
}

tt_err tt_row_unpack_message(struct tt_slice bytes, struct tt_message *message)
{
    struct tt_unpack in = begin(bytes);
    message->sender = tt_unpack_id(&in, false);
    message->sender_device = tt_unpack_id(&in, true);
    message->client_id = tt_unpack_id(&in, true);
    message->timestamp = tt_unpack_time(&in);
    message->content = tt_unpack_text(&in);
    return tt_unpack_end(&in);
}

void tt_row_pack_status(const struct tt_status_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_seq(out, row->cursor.delivered);
    tt_pack_seq(out, row->cursor.read);
    tt_pack_seq(out, row->last_own);
    tt_pack_time(out, row->muted_until);
    tt_pack_number(out, row->device_count);
    for (size_t i = 0; i < row->device_count; i++) {
        tt_pack_id(out, &row->devices[i].device);
        tt_pack_seq(out, row->devices[i].delivered);
    }
}

tt_err tt_row_unpack_status(struct tt_slice bytes, struct tt_arena *arena,
                            struct tt_status_row *row)
{
    struct tt_unpack in = begin(bytes);
    row->cursor.delivered = tt_unpack_seq(&in);
    row->cursor.read = tt_unpack_seq(&in);
    row->last_own = tt_unpack_seq(&in);
    row->muted_until = tt_unpack_time(&in);
    row->device_count = unpack_array_count(&in, TT_RECORD_DEVICES_MAX, 3);
    row->devices = tt_arena_array(arena, row->device_count, sizeof(*row->devices));
    for (size_t i = 0; i < row->device_count; i++) {
        row->devices[i].device = tt_unpack_id(&in, false);
        row->devices[i].delivered = tt_unpack_seq(&in);
    }
    return tt_unpack_end(&in);
}

tt_err tt_row_unpack_cursor(struct tt_slice bytes, struct tt_cursor *cursor)
{
    struct tt_unpack in = begin(bytes);
    cursor->delivered = tt_unpack_seq(&in);
    cursor->read = tt_unpack_seq(&in);
    return in.failed ? TT_FAIL(CORRUPT) : TT_OK;
}

void tt_row_pack_send(const struct tt_send_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_seq(out, row->seq);
    tt_pack_time(out, row->timestamp);
}

tt_err tt_row_unpack_send(struct tt_slice bytes, struct tt_send_row *row)
{
    struct tt_unpack in = begin(bytes);
    row->seq = tt_unpack_seq(&in);
    row->timestamp = tt_unpack_time(&in);
    return tt_unpack_end(&in);
}

void tt_row_pack_step(const struct tt_step_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_seq(out, row->from);
    tt_pack_time(out, row->at);
    tt_pack_id(out, &row->device);
}

tt_err tt_row_unpack_step(struct tt_slice bytes, struct tt_step_row *row)
{
    struct tt_unpack in = begin(bytes);
    row->from = tt_unpack_seq(&in);
    row->at = tt_unpack_time(&in);
    row->device = tt_unpack_id(&in, true);
    return tt_unpack_end(&in);
}

void tt_row_pack_pending(const struct tt_pending_values *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_seq(out, row->first);
    tt_pack_seq(out, row->armed);
    tt_pack_seq(out, row->pushed);
}

tt_err tt_row_unpack_pending(struct tt_slice bytes, struct tt_pending_values *row)
{
    struct tt_unpack in = begin(bytes);
    row->first = tt_unpack_seq(&in);
    row->armed = tt_unpack_seq(&in);
    row->pushed = tt_unpack_seq(&in);
    return tt_unpack_end(&in);
}

void tt_row_pack_pair(const tt_id *conversation, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_id(out, conversation);
}

tt_err tt_row_unpack_pair(struct tt_slice bytes, tt_id *conversation)
{
    struct tt_unpack in = begin(bytes);
    *conversation = tt_unpack_id(&in, false);
    return tt_unpack_end(&in);
}

static void pack_device(const struct tt_device *device, struct tt_buffer *out)
{
    tt_pack_id(out, &device->id);
    tt_pack_number(out, device->epoch);
    tt_pack_time(out, device->linked_at);
    tt_pack_time(out, device->active_at);
    tt_pack_number(out, device->connected ? CONNECTED : DISCONNECTED);
}

void tt_row_pack_user(const struct tt_user_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, row->account.size > 0 ? VERSION_WITH_ACCOUNT : VERSION);
    tt_pack_number(out, (row->settings.share_last_seen ? (unsigned)SHARES_LAST_SEEN : 0u) |
                            (row->settings.push_preview ? (unsigned)PUSH_PREVIEW : 0u));
    tt_pack_time(out, row->last_seen);
    tt_pack_number(out, row->conversation_count);
    tt_pack_number(out, row->connection_count);
    tt_pack_text(out, row->settings.display_name);
    tt_pack_number(out, row->device_count);
    for (size_t i = 0; i < row->device_count; i++)
        pack_device(&row->devices[i], out);
    tt_pack_text(out, row->addresses);
    if (row->account.size > 0)
        tt_pack_text(out, row->account);
}

static struct tt_device unpack_device(struct tt_unpack *in)
{
    struct tt_device device = {.id = tt_unpack_id(in, false)};
    device.epoch = tt_unpack_number(in);
    device.linked_at = tt_unpack_time(in);
    device.active_at = tt_unpack_time(in);
    uint64_t state = tt_unpack_number(in);
    if (state != CONNECTED && state != DISCONNECTED)
        in->failed = true;
    device.connected = state == CONNECTED;
    return device;
}

tt_err tt_row_unpack_user(struct tt_slice bytes, struct tt_arena *arena, struct tt_user_row *row)
{
    struct tt_unpack in = {.rest = bytes};
    uint8_t version = tt_unpack_byte(&in);
    if (version != VERSION && version != VERSION_WITH_ACCOUNT)
        in.failed = true;
    uint32_t flags = tt_unpack_count(&in, SHARES_LAST_SEEN | PUSH_PREVIEW);
    row->settings.share_last_seen = (flags & SHARES_LAST_SEEN) != 0;
    row->settings.push_preview = (flags & PUSH_PREVIEW) != 0;
    row->last_seen = tt_unpack_time(&in);
    row->conversation_count = tt_unpack_number(&in);
    row->connection_count = tt_unpack_number(&in);
    row->settings.display_name = tt_unpack_text(&in);
    row->device_count = unpack_array_count(&in, TT_RECORD_DEVICES_MAX, 6);
    row->devices = tt_arena_array(arena, row->device_count, sizeof(*row->devices));
    for (size_t i = 0; i < row->device_count; i++) {
        row->devices[i] = unpack_device(&in);
        if (i > 0 && tt_id_compare(&row->devices[i - 1].id, &row->devices[i].id) >= 0)
            in.failed = true;
    }
    row->addresses = tt_unpack_text(&in);
    row->account = version == VERSION_WITH_ACCOUNT ? tt_unpack_text(&in) : TT_SLICE_EMPTY;
    return tt_unpack_end(&in);
}

void tt_row_pack_token(const tt_id *user, const tt_id *device, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_id(out, user);
    tt_pack_id(out, device);
}

tt_err tt_row_unpack_token(struct tt_slice bytes, tt_id *user, tt_id *device)
{
    struct tt_unpack in = begin(bytes);
    *user = tt_unpack_id(&in, false);
    *device = tt_unpack_id(&in, false);
    return tt_unpack_end(&in);
}

void tt_row_pack_push(const struct tt_push_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_number(out, row->accepted ? 1 : 0);
    tt_pack_text(out, row->detail);
}

tt_err tt_row_unpack_push(struct tt_slice bytes, struct tt_push_row *row)
{
    struct tt_unpack in = begin(bytes);
    row->accepted = tt_unpack_count(&in, 1) == 1;
    row->detail = tt_unpack_text(&in);
    return tt_unpack_end(&in);
}

void tt_row_pack_connection(const struct tt_connection_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_time(out, row->at);
    tt_pack_number(out, row->connected ? CONNECTED : DISCONNECTED);
    tt_pack_id(out, &row->device);
}

tt_err tt_row_unpack_connection(struct tt_slice bytes, struct tt_connection_row *row)
{
    struct tt_unpack in = begin(bytes);
    row->at = tt_unpack_time(&in);
    uint64_t kind = tt_unpack_number(&in);
    if (kind != CONNECTED && kind != DISCONNECTED)
        in.failed = true;
    row->connected = kind == CONNECTED;
    row->device = tt_unpack_id(&in, false);
    return tt_unpack_end(&in);
}

void tt_row_pack_position(const struct tt_position_row *row, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_pack_number(out, row->applied);
    tt_pack_number(out, row->start);
    tt_pack_time(out, row->alive_at);
}

tt_err tt_row_unpack_position(struct tt_slice bytes, struct tt_position_row *row)
{
    struct tt_unpack in = begin(bytes);
    row->applied = tt_unpack_number(&in);
    row->start = tt_unpack_number(&in);
    row->alive_at = tt_unpack_time(&in);
    return tt_unpack_end(&in);
}

void tt_row_pack_nothing(struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
}

tt_err tt_row_unpack_nothing(struct tt_slice bytes)
{
    struct tt_unpack in = begin(bytes);
    return tt_unpack_end(&in);
}
