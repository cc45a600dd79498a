#include "adapter/embedded/apply.h"

#include "adapter/embedded/address.h"

static tt_err set_address(struct tt_working *working, struct tt_user_state *user,
                          const tt_id *device, const struct tt_push_address *address)
{
    struct tt_arena arena = {0};
    struct tt_buffer packed = {0};
    struct tt_addresses addresses;
    tt_err err = tt_addresses_unpack(user->row.addresses, &arena, &addresses);
    if (tt_is_ok(err)) {
        tt_addresses_set(&addresses, device, address, &arena);
        tt_addresses_pack(&addresses, &packed);
        tt_user_set_addresses(user, tt_buffer_slice(&packed));
        tt_working_touch_user(working, user);
    }
    tt_buffer_deinit(&packed);
    tt_arena_deinit(&arena);
    return err;
}

/* Whether the address with that digest still stands there: token rows are not taken away. */
static tt_err stands_at(const struct tt_user_state *user, const tt_id *device, const tt_id *digest,
                        bool *stands)
{
    struct tt_arena arena = {0};
    struct tt_addresses addresses;
    tt_id other = {0};
    tt_err err = tt_addresses_unpack(user->row.addresses, &arena, &addresses);
    const struct tt_push_address *address =
        tt_is_ok(err) ? tt_addresses_find(&addresses, device) : NULL;
    if (address != NULL)
        err = tt_address_digest(address, &other);
    *stands = address != NULL && tt_id_eq(&other, digest);
    tt_arena_deinit(&arena);
    return err;
}

/* A phone rings for one: the token is taken from whoever had it. */
static tt_err take_token(struct tt_working *working, const tt_id *digest, const tt_id *user_id,
                         const tt_id *device)
{
    tt_id old_user;
    tt_id old_device;
    struct tt_user_state *user;
    bool stands = false;
    tt_err err = tt_working_token(working, digest, &old_user, &old_device);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    if (tt_id_eq(&old_user, user_id) && tt_id_eq(&old_device, device))
        return TT_OK;
    TT_TRY(tt_working_user(working, &old_user, &user));
    TT_TRY(stands_at(user, &old_device, digest, &stands));
    return stands ? set_address(working, user, &old_device, NULL) : TT_OK;
}

tt_err tt_apply_addressed(struct tt_working *working, const struct tt_record *record)
{
    struct tt_user_state *user;
    bool removes = record->address.provider == TT_PUSH_NONE;
    if (!removes) {
        tt_id digest;
        TT_TRY(tt_address_digest(&record->address, &digest));
        TT_TRY(take_token(working, &digest, &record->user, &record->device));
        tt_working_set_token(working, &digest, &record->user, &record->device);
    }
    TT_TRY(tt_working_user(working, &record->user, &user));
    return set_address(working, user, &record->device, removes ? NULL : &record->address);
}

tt_err tt_apply_no_address(struct tt_working *working, struct tt_user_state *user,
                           const tt_id *device)
{
    return user->row.addresses.size == 0 ? TT_OK : set_address(working, user, device, NULL);
}

tt_err tt_apply_notified(struct tt_working *working, const struct tt_record *record)
{
    struct tt_conversation_state *conversation;
    tt_err err = tt_working_conversation(working, &record->conversation, &conversation);
    if (!tt_is_ok(err))
        return tt_err_is(err, TT_ERR_NOT_FOUND) ? TT_FAIL(CORRUPT) : err;
    struct tt_push_row row = {record->notified.accepted, record->notified.detail};
    struct tt_key key = tt_key_of_push(&record->conversation, record->notified.seq, record->at,
                                       &record->user, &record->device);
    tt_working_add_push(working, &key, &row);
    return TT_OK;
}
