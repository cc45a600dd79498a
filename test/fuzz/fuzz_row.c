#include "fuzz.h"

#include "adapter/embedded/account.h"
#include "adapter/embedded/address.h"
#include "adapter/embedded/table.h"

/* What is read from `bytes` and written again; false: it is no such row. */
typedef bool (*again)(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out);

#define PLAIN(name, type)                                                                          \
    static bool again_##name(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out) \
    {                                                                                              \
        type row = {0};                                                                            \
        (void)arena;                                                                               \
        if (!tt_is_ok(tt_row_unpack_##name(bytes, &row)))                                          \
            return false;                                                                          \
        tt_row_pack_##name(&row, out);                                                             \
        return true;                                                                               \
    }

#define WITH_LISTS(name, type)                                                                     \
    static bool again_##name(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out) \
    {                                                                                              \
        type row = {0};                                                                            \
        if (!tt_is_ok(tt_row_unpack_##name(bytes, arena, &row)))                                   \
            return false;                                                                          \
        tt_row_pack_##name(&row, out);                                                             \
        return true;                                                                               \
    }

PLAIN(head, struct tt_head_row)
PLAIN(message, struct tt_message)
PLAIN(send, struct tt_send_row)
PLAIN(step, struct tt_step_row)
PLAIN(pending, struct tt_pending_values)
PLAIN(pair, tt_id)
PLAIN(connection, struct tt_connection_row)
PLAIN(push, struct tt_push_row)
PLAIN(position, struct tt_position_row)
WITH_LISTS(conversation, struct tt_conversation)
WITH_LISTS(status, struct tt_status_row)
WITH_LISTS(user, struct tt_user_row)

static bool again_token(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out)
{
    tt_id user;
    tt_id device;
    (void)arena;
    if (!tt_is_ok(tt_row_unpack_token(bytes, &user, &device)))
        return false;
    tt_row_pack_token(&user, &device, out);
    return true;
}

static bool again_nothing(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out)
{
    (void)arena;
    if (!tt_is_ok(tt_row_unpack_nothing(bytes)))
        return false;
    tt_row_pack_nothing(out);
    return true;
}

static bool again_addresses(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out)
{
    struct tt_addresses addresses;
    if (!tt_is_ok(tt_addresses_unpack(bytes, arena, &addresses)))
        return false;
    tt_addresses_pack(&addresses, out);
    return true;
}

static bool again_account(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out)
{
    struct tt_account account;
    if (!tt_is_ok(tt_account_unpack(bytes, arena, &account)))
        return false;
    tt_account_pack(&account, out);
    return true;
}

static bool again_key(struct tt_slice bytes, struct tt_arena *arena, struct tt_buffer *out)
{
    struct tt_key_parts parts;
    (void)arena;
    if (!tt_is_ok(tt_key_split(bytes, &parts)))
        return false;
    tt_buffer_add(out, bytes);
    return true;
}

static const again kinds[] = {
    again_head, again_message, again_send,       again_step,         again_pending,   again_pair,
    again_push, again_user,    again_position,   again_conversation, again_status,    again_token,
    again_key,  again_nothing, again_connection, again_account,      again_addresses,
};

/* First byte: the kind of row. What is read means the same after it was written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_arena arena = {0};
    struct tt_buffer first = {0};
    struct tt_buffer second = {0};
    if (size < 1)
        return 0;
    again kind = kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))];
    if (kind(tt_slice(data + 1, size - 1), &arena, &first)) {
        bool same = kind(tt_buffer_slice(&first), &arena, &second);
        TT_ASSERT(same && tt_slice_eq(tt_buffer_slice(&first), tt_buffer_slice(&second)));
    }
    tt_buffer_deinit(&first);
    tt_buffer_deinit(&second);
    tt_arena_deinit(&arena);
    return 0;
}
