#include "adapter/embedded/record.h"

#include "adapter/embedded/address.h"
#include "adapter/embedded/pack.h"

#define VERSION 1

enum { SHARES_LAST_SEEN = 1, PUSH_PREVIEW = 2 };

static void pack_ids(struct tt_buffer *out, const tt_id *ids, size_t count)
{
    tt_pack_number(out, count);
    for (size_t i = 0; i < count; i++)
        tt_pack_id(out, &ids[i]);
}

static void pack_created(struct tt_buffer *out, const struct tt_conversation *created)
{
    tt_pack_id(out, &created->id);
    tt_pack_number(out, created->kind);
    tt_pack_text(out, created->title);
    tt_pack_time(out, created->created_at);
    pack_ids(out, created->members, created->member_count);
}

static void pack_appended(struct tt_buffer *out, const tt_id *conversation,
                          const struct tt_message *message)
{
    tt_pack_id(out, conversation);
    tt_pack_seq(out, message->seq);
    tt_pack_id(out, &message->sender);
    tt_pack_id(out, &message->sender_device);
    tt_pack_id(out, &message->client_id);
    tt_pack_time(out, message->timestamp);
    tt_pack_text(out, message->content);
}

static void pack_chosen(struct tt_buffer *out, const struct tt_record *record)
{
    unsigned flags = (record->settings.share_last_seen ? (unsigned)SHARES_LAST_SEEN : 0u) |
                     (record->settings.push_preview ? (unsigned)PUSH_PREVIEW : 0u);
    tt_pack_id(out, &record->user);
    tt_pack_number(out, flags);
    tt_pack_text(out, record->settings.display_name);
}

static void pack_device(struct tt_buffer *out, const struct tt_record *record)
{
    tt_pack_id(out, &record->user);
    tt_pack_id(out, &record->device);
}

static void pack_member(struct tt_buffer *out, const struct tt_record *record)
{
    tt_pack_id(out, &record->conversation);
    tt_pack_id(out, &record->user);
}

static void pack_notified(struct tt_buffer *out, const struct tt_record *record)
{
    pack_member(out, record);
    tt_pack_id(out, &record->device);
    tt_pack_seq(out, record->notified.seq);
    tt_pack_number(out, record->notified.accepted ? 1 : 0);
    tt_pack_time(out, record->at);
    tt_pack_text(out, record->notified.detail);
}

void tt_record_encode(const struct tt_record *record, struct tt_buffer *out)
{
    tt_buffer_add_byte(out, VERSION);
    tt_buffer_add_byte(out, (char)record->kind);
    switch (record->kind) {
    case TT_RECORD_STARTED:
        tt_pack_number(out, record->start);
        return;
    case TT_RECORD_ALIVE:
        tt_pack_time(out, record->at);
        return;
    case TT_RECORD_CREATED:
        pack_created(out, &record->created);
        return;
    case TT_RECORD_APPENDED:
        pack_appended(out, &record->conversation, &record->message);
        return;
    case TT_RECORD_ADVANCED:
        pack_member(out, record);
        tt_pack_id(out, &record->device);
        tt_pack_seq(out, record->to.delivered);
        tt_pack_seq(out, record->to.read);
        tt_pack_time(out, record->at);
        return;
    case TT_RECORD_LINKED:
        pack_device(out, record);
        tt_pack_number(out, record->linked.epoch);
        tt_pack_time(out, record->at);
        pack_ids(out, record->linked.unlinked, record->linked.unlinked_count);
        return;
    case TT_RECORD_UNLINKED:
        pack_device(out, record);
        tt_pack_time(out, record->at);
        return;
    case TT_RECORD_DISCONNECTED:
        pack_device(out, record);
        tt_pack_number(out, record->epoch);
        tt_pack_time(out, record->at);
        return;
    case TT_RECORD_PUSHED:
        tt_pack_id(out, &record->user);
        tt_pack_id(out, &record->conversation);
        tt_pack_seq(out, record->pushed);
        return;
    case TT_RECORD_CHOSEN:
        pack_chosen(out, record);
        return;
    case TT_RECORD_MUTED:
        pack_member(out, record);
        tt_pack_time(out, record->at);
        return;
    case TT_RECORD_ADDRESSED:
        pack_device(out, record);
        tt_address_pack(&record->address, out);
        return;
    case TT_RECORD_NOTIFIED:
        pack_notified(out, record);
        return;
    case TT_RECORD_ACCOUNTED:
        tt_pack_id(out, &record->user);
        tt_pack_text(out, record->account);
        return;
    }
}

/* Ids are at least two bytes long, so a count cannot make a small record take much memory. */
static const tt_id *unpack_ids(struct tt_unpack *in, struct tt_arena *arena, uint32_t max,
                               size_t *count)
{
    size_t announced = tt_unpack_count(in, max);
    if (announced > in->rest.size / 2)
        in->failed = true;
    *count = in->failed ? 0 : announced;
    tt_id *ids = tt_arena_array(arena, *count, sizeof(tt_id));
    for (size_t i = 0; i < *count; i++)
        ids[i] = tt_unpack_id(in, false);
    return ids;
}

static void unpack_created(struct tt_unpack *in, struct tt_arena *arena, struct tt_record *record)
{
    struct tt_conversation *created = &record->created;
    created->id = record->conversation = tt_unpack_id(in, false);
    uint64_t kind = tt_unpack_number(in);
    if (kind != TT_DIRECT && kind != TT_GROUP)
        in->failed = true;
    created->kind = kind == TT_DIRECT ? TT_DIRECT : TT_GROUP;
    created->title = tt_unpack_text(in);
    created->created_at = tt_unpack_time(in);
    created->members = unpack_ids(in, arena, TT_RECORD_MEMBERS_MAX, &created->member_count);
    if (created->member_count == 0)
        in->failed = true;
    for (size_t i = 1; i < created->member_count; i++)
        if (tt_id_compare(&created->members[i - 1], &created->members[i]) >= 0)
            in->failed = true;
    if (created->kind == TT_DIRECT && created->member_count != 2)
        in->failed = true;
}

static void unpack_appended(struct tt_unpack *in, struct tt_record *record)
{
    record->conversation = tt_unpack_id(in, false);
    record->message.seq = tt_unpack_seq(in);
    record->message.sender = record->user = tt_unpack_id(in, false);
    record->message.sender_device = record->device = tt_unpack_id(in, true);
    record->message.client_id = tt_unpack_id(in, true);
    record->message.timestamp = record->at = tt_unpack_time(in);
    record->message.content = tt_unpack_text(in);
}

static void unpack_chosen(struct tt_unpack *in, struct tt_record *record)
{
    record->user = tt_unpack_id(in, false);
    uint32_t flags = tt_unpack_count(in, SHARES_LAST_SEEN | PUSH_PREVIEW);
    record->settings.share_last_seen = (flags & SHARES_LAST_SEEN) != 0;
    record->settings.push_preview = (flags & PUSH_PREVIEW) != 0;
    record->settings.display_name = tt_unpack_text(in);
}

static void unpack_device(struct tt_unpack *in, struct tt_record *record)
{
    record->user = tt_unpack_id(in, false);
    record->device = tt_unpack_id(in, false);
}

static void unpack_member(struct tt_unpack *in, struct tt_record *record)
{
    record->conversation = tt_unpack_id(in, false);
    record->user = tt_unpack_id(in, false);
}

static void unpack_linked(struct tt_unpack *in, struct tt_arena *arena, struct tt_record *record)
{
    unpack_device(in, record);
    record->linked.epoch = tt_unpack_number(in);
    record->at = tt_unpack_time(in);
    record->linked.unlinked =
        unpack_ids(in, arena, TT_RECORD_DEVICES_MAX, &record->linked.unlinked_count);
}

static void unpack_notified(struct tt_unpack *in, struct tt_record *record)
{
    unpack_member(in, record);
    record->device = tt_unpack_id(in, false);
    record->notified.seq = tt_unpack_seq(in);
    record->notified.accepted = tt_unpack_count(in, 1) == 1;
    record->at = tt_unpack_time(in);
    record->notified.detail = tt_unpack_text(in);
}

static void unpack_fields(struct tt_unpack *in, struct tt_arena *arena, struct tt_record *record)
{
    switch (record->kind) {
    case TT_RECORD_STARTED:
        record->start = tt_unpack_number(in);
        return;
    case TT_RECORD_ALIVE:
        record->at = tt_unpack_time(in);
        return;
    case TT_RECORD_CREATED:
        unpack_created(in, arena, record);
        return;
    case TT_RECORD_APPENDED:
        unpack_appended(in, record);
        return;
    case TT_RECORD_ADVANCED:
        unpack_member(in, record);
        record->device = tt_unpack_id(in, true);
        record->to.delivered = tt_unpack_seq(in);
        record->to.read = tt_unpack_seq(in);
        record->at = tt_unpack_time(in);
        return;
    case TT_RECORD_LINKED:
        unpack_linked(in, arena, record);
        return;
    case TT_RECORD_UNLINKED:
        unpack_device(in, record);
        record->at = tt_unpack_time(in);
        return;
    case TT_RECORD_DISCONNECTED:
        unpack_device(in, record);
        record->epoch = tt_unpack_number(in);
        record->at = tt_unpack_time(in);
        return;
    case TT_RECORD_PUSHED:
        record->user = tt_unpack_id(in, false);
        record->conversation = tt_unpack_id(in, false);
        record->pushed = tt_unpack_seq(in);
        return;
    case TT_RECORD_CHOSEN:
        unpack_chosen(in, record);
        return;
    case TT_RECORD_MUTED:
        unpack_member(in, record);
        record->at = tt_unpack_time(in);
        return;
    case TT_RECORD_ADDRESSED:
        unpack_device(in, record);
        record->address = tt_address_unpack(in);
        return;
    case TT_RECORD_NOTIFIED:
        unpack_notified(in, record);
        return;
    case TT_RECORD_ACCOUNTED:
        record->user = tt_unpack_id(in, false);
        record->account = tt_unpack_text(in);
        return;
    }
    in->failed = true;
}

tt_err tt_record_decode(struct tt_slice bytes, struct tt_arena *arena, struct tt_record *record)
{
    struct tt_unpack in = {.rest = bytes};
    if (tt_unpack_byte(&in) != VERSION)
        in.failed = true;
    *record = (struct tt_record){.kind = (enum tt_record_kind)tt_unpack_byte(&in)};
    unpack_fields(&in, arena, record);
    return tt_unpack_end(&in);
}
