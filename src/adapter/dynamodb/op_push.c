#include <stdint.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/push_row.h"

static const struct tt_ddb_value none = {.kind = TT_DDB_NONE};

struct had {
    struct tt_device_address *addresses; /* those that count, sorted by device */
    size_t count;
};

/* What the rows hold, and then, side by side, whether the tokens are still theirs. */
static tt_err read_addresses(struct tt_ddb_work *work, const tt_id *user, struct tt_arena *arena,
                             struct had *had)
{
    const struct tt_ddb_answer *rows = tt_ddb_ask_pages(
        work, tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_PUSH_ADDRESSES, tt_ddb_id(user), none),
        SIZE_MAX);
    TT_TRY(tt_ddb_known(rows));
    struct tt_device_address *read = tt_arena_array(arena, rows->item_count, sizeof(*read));
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, rows->item_count, sizeof(struct tt_ddb_request *));
    size_t count = 0;
    for (size_t i = 0; i < rows->item_count; i++) {
        if (!tt_ddb_push_read(rows->items[i], arena, &read[count]))
            continue;
        requests[count] = tt_ddb_token_get(work, &read[count].address);
        count++;
    }
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, count);
    *had = (struct had){.addresses = read};
    for (size_t i = 0; i < count; i++) {
        tt_id owner;
        tt_id device;
        TT_TRY(tt_ddb_known(&answers[i]));
        if (tt_ddb_token_has(&answers[i], &owner, &device) && tt_id_eq(&owner, user) &&
            tt_id_eq(&device, &read[i].device))
            read[had->count++] = read[i];
    }
    return TT_OK;
}

static bool same_token(const struct tt_push_address *a, const struct tt_push_address *b)
{
    return a->provider == b->provider && tt_slice_eq(a->token, b->token);
}

/* The rows that a new address leaves behind: the token's of the device's old address, and the
 * address of who had the new one's token. They count no more in any case. */
static tt_err tidy(struct tt_ddb_work *work, const struct tt_device_address *old,
                   const struct tt_ddb_answer *token_row)
{
    const struct tt_put_push_address *put = &work->op->put_push_address;
    tt_id user;
    tt_id device;
    if (old != NULL && !same_token(&old->address, &put->address))
        TT_TRY(tt_ddb_known(
            tt_ddb_ask(work, tt_ddb_token_delete(work, &put->user, &put->device, &old->address))));
    if (!tt_ddb_token_has(token_row, &user, &device) ||
        (tt_id_eq(&user, &put->user) && tt_id_eq(&device, &put->device)))
        return TT_OK;
    return tt_ddb_known(
        tt_ddb_ask(work, tt_ddb_push_delete(work, &user, &device, put->address.token)));
}

static tt_err put_address(struct tt_ddb_work *work)
{
    const struct tt_put_push_address *put = &work->op->put_push_address;
    const struct tt_device_address *old = NULL;
    struct had had;
    size_t others = 0;
    bool was_there;
    if (put->address.provider == TT_PUSH_NONE)
        return tt_ddb_push_forget(work, &put->user, &put->device, &was_there);
    TT_TRY(read_addresses(work, &put->user, &work->arena, &had));
    for (size_t i = 0; i < had.count; i++) {
        bool own = tt_id_eq(&had.addresses[i].device, &put->device);
        old = own ? &had.addresses[i] : old;
        others += !own && !same_token(&had.addresses[i].address, &put->address);
    }
    if (others >= put->address_count_max)
        return TT_FAIL(TOO_MANY_ADDRESSES);
    const struct tt_ddb_answer *before = tt_ddb_ask(work, tt_ddb_token_get(work, &put->address));
    TT_TRY(tt_ddb_known(before));
    TT_TRY(tt_ddb_known(
        tt_ddb_ask(work, tt_ddb_push_put(work, &put->user, &put->device, &put->address))));
    TT_TRY(tt_ddb_known(
        tt_ddb_ask(work, tt_ddb_token_put(work, &put->user, &put->device, &put->address))));
    return tidy(work, old, before);
}

void tt_ddb_put_push_address(struct tt_ddb_work *work)
{
    work->op->err = put_address(work);
}

void tt_ddb_drop_push_address(struct tt_ddb_work *work)
{
    const struct tt_drop_push_address *drop = &work->op->drop_push_address;
    struct tt_ddb_request *request =
        tt_ddb_push_delete(work, &drop->user, &drop->device, drop->token);
    if (drop->dead_since.ms != 0)
        tt_ddb_only_if(request, TT_DDB_AT_MOST, "registered_at",
                       tt_ddb_time(work, drop->dead_since));
    work->op->err = tt_ddb_known(tt_ddb_ask(work, request));
}

void tt_ddb_list_push_addresses(struct tt_ddb_work *work)
{
    struct tt_list_push_addresses *list = &work->op->list_push_addresses;
    struct had had = {.count = 0};
    work->op->err = read_addresses(work, &list->user, &work->op->arena, &had);
    list->addresses = had.addresses;
    list->address_count = had.count;
}

static tt_err record_push(struct tt_ddb_work *work)
{
    const struct tt_record_push *record = &work->op->record_push;
    struct tt_ddb_conversation *conversation;
    TT_TRY(tt_ddb_find(work, &record->conversation, &conversation));
    return tt_ddb_known(
        tt_ddb_ask(work, tt_ddb_push_record(work, &record->conversation, &record->happening)));
}

void tt_ddb_record_push(struct tt_ddb_work *work)
{
    work->op->err = record_push(work);
}
