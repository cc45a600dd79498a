#include "adapter/embedded/decide.h"

#include "adapter/embedded/address.h"

tt_err tt_decide_put_address(struct tt_working *working, struct tt_store_op *op,
                             struct tt_record *record, bool *changes)
{
    const struct tt_put_push_address *put = &op->put_push_address;
    struct tt_user_state *user;
    struct tt_addresses addresses;
    TT_TRY(tt_working_user(working, &put->user, &user));
    TT_TRY(tt_addresses_unpack(user->row.addresses, &op->arena, &addresses));
    bool is_there = tt_addresses_find(&addresses, &put->device) != NULL;
    bool removes = put->address.provider == TT_PUSH_NONE;
    if (!removes && !is_there && addresses.count >= put->address_count_max)
        return TT_FAIL(TOO_MANY_ADDRESSES);
    *changes = !removes || is_there;
    *record = (struct tt_record){.kind = TT_RECORD_ADDRESSED,
                                 .user = put->user,
                                 .device = put->device,
                                 .address = put->address};
    return TT_OK;
}

tt_err tt_decide_drop_address(struct tt_working *working, struct tt_store_op *op,
                              struct tt_record *record, bool *changes)
{
    const struct tt_drop_push_address *drop = &op->drop_push_address;
    struct tt_user_state *user;
    struct tt_addresses addresses;
    TT_TRY(tt_working_user(working, &drop->user, &user));
    TT_TRY(tt_addresses_unpack(user->row.addresses, &op->arena, &addresses));
    const struct tt_push_address *address = tt_addresses_find(&addresses, &drop->device);
    *changes = address != NULL && tt_slice_eq(address->token, drop->token) &&
               (drop->dead_since.ms == 0 || address->registered_at.ms <= drop->dead_since.ms);
    *record =
        (struct tt_record){.kind = TT_RECORD_ADDRESSED, .user = drop->user, .device = drop->device};
    return TT_OK;
}

tt_err tt_decide_has_address(const struct tt_user_state *user, const tt_id *device,
                             struct tt_arena *arena, bool *has)
{
    struct tt_addresses addresses;
    TT_TRY(tt_addresses_unpack(user->row.addresses, arena, &addresses));
    *has = tt_addresses_find(&addresses, device) != NULL;
    return TT_OK;
}

tt_err tt_decide_record_push(struct tt_working *working, struct tt_store_op *op,
                             struct tt_record *record)
{
    const struct tt_happening *happening = &op->record_push.happening;
    struct tt_conversation_state *conversation;
    TT_TRY(tt_working_conversation(working, &op->record_push.conversation, &conversation));
    *record = (struct tt_record){.kind = TT_RECORD_NOTIFIED,
                                 .conversation = op->record_push.conversation,
                                 .user = happening->user,
                                 .device = happening->device,
                                 .at = happening->at};
    record->notified.seq = happening->from;
    record->notified.accepted = happening->kind == TT_HAPPENED_PUSH_ACCEPTED;
    record->notified.detail = happening->detail;
    return TT_OK;
}
