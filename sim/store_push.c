#include "sim/store_tables.h"

#include "base/memory.h"

static void disown(struct tt_slice bytes)
{
    tt_free((void *)(uintptr_t)bytes.data);
}

static struct tt_device_address *find(const struct tt_user_row *user, const tt_id *device)
{
    for (size_t i = 0; i < user->address_count; i++)
        if (tt_id_eq(&user->addresses[i].device, device))
            return &user->addresses[i];
    return NULL;
}

bool tt_store_tables_remove_address(struct tt_user_row *user, const tt_id *device)
{
    struct tt_device_address *row = find(user, device);
    if (row == NULL)
        return false;
    disown(row->address.token);
    disown(row->address.p256dh);
    disown(row->address.auth);
    size_t at = (size_t)(row - user->addresses);
    user->address_count--;
    memmove(row, row + 1, (user->address_count - at) * sizeof(*row));
    return true;
}

static bool is_same(const struct tt_push_address *a, const struct tt_push_address *b)
{
    return a->provider == b->provider && tt_slice_eq(a->token, b->token);
}

/* A phone rings for one. */
static void take_token(struct tt_store_tables *tables, const struct tt_push_address *address)
{
    struct tt_user_row *user;
    for (size_t at = 0; (user = tt_map_next(&tables->users, &at)) != NULL;)
        for (size_t i = 0; i < user->address_count; i++)
            if (is_same(&user->addresses[i].address, address)) {
                tt_store_tables_remove_address(user, &user->addresses[i].device);
                return;
            }
}

static void add(struct tt_user_row *user, const tt_id *device,
                const struct tt_push_address *address)
{
    size_t at = 0;
    user->addresses = tt_grow(user->addresses, user->address_count + 1, sizeof(user->addresses[0]));
    while (at < user->address_count && tt_id_compare(&user->addresses[at].device, device) < 0)
        at++;
    memmove(&user->addresses[at + 1], &user->addresses[at],
            (user->address_count - at) * sizeof(user->addresses[0]));
    struct tt_device_address *row = &user->addresses[at];
    *row = (struct tt_device_address){*device, *address};
    row->address.token = tt_store_tables_own(address->token);
    row->address.p256dh = tt_store_tables_own(address->p256dh);
    row->address.auth = tt_store_tables_own(address->auth);
    user->address_count++;
}

static void put_address(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_put_push_address *put = &op->put_push_address;
    struct tt_user_row *user = tt_store_tables_user(tables, &put->user);
    bool sets = put->address.provider != TT_PUSH_NONE;
    if (sets && find(user, &put->device) == NULL && user->address_count >= put->address_count_max) {
        op->err = TT_FAIL(TOO_MANY_ADDRESSES);
        return;
    }
    if (sets)
        take_token(tables, &put->address);
    tt_store_tables_remove_address(user, &put->device);
    if (sets)
        add(user, &put->device, &put->address);
}

static void drop_address(struct tt_store_tables *tables, struct tt_store_op *op)
{
    const struct tt_drop_push_address *drop = &op->drop_push_address;
    struct tt_user_row *user = tt_store_tables_user(tables, &drop->user);
    const struct tt_device_address *row = find(user, &drop->device);
    if (row == NULL || !tt_slice_eq(row->address.token, drop->token))
        return;
    if (drop->dead_since.ms == 0 || row->address.registered_at.ms <= drop->dead_since.ms)
        tt_store_tables_remove_address(user, &drop->device);
}

static void list_addresses(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_list_push_addresses *list = &op->list_push_addresses;
    const struct tt_user_row *user = tt_store_tables_user(tables, &list->user);
    struct tt_device_address *copy = tt_arena_array(&op->arena, user->address_count, sizeof(*copy));
    for (size_t i = 0; i < user->address_count; i++) {
        copy[i] = user->addresses[i];
        copy[i].address.token = tt_arena_copy(&op->arena, copy[i].address.token);
        copy[i].address.p256dh = tt_arena_copy(&op->arena, copy[i].address.p256dh);
        copy[i].address.auth = tt_arena_copy(&op->arena, copy[i].address.auth);
    }
    list->addresses = copy;
    list->address_count = user->address_count;
}

static void record_push(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_conversation_row *row =
        tt_store_tables_conversation(tables, &op->record_push.conversation);
    if (row == NULL) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    row->pushes = tt_grow(row->pushes, row->push_count + 1, sizeof(row->pushes[0]));
    struct tt_happening *push = &row->pushes[row->push_count++];
    *push = op->record_push.happening;
    push->detail = tt_store_tables_own(push->detail);
}

void tt_store_tables_free_pushes(struct tt_conversation_row *row)
{
    for (size_t i = 0; i < row->push_count; i++)
        disown(row->pushes[i].detail);
    tt_free(row->pushes);
}

static int order(const struct tt_unrung *a, const tt_id *user, const tt_id *conversation)
{
    int by_user = tt_id_compare(&a->user, user);
    return by_user != 0 ? by_user : tt_id_compare(&a->conversation, conversation);
}

/* All rows that come after, in order: a world has few. */
static size_t gather(struct tt_store_tables *tables, const struct tt_list_unrung *list,
                     struct tt_unrung *rows)
{
    struct tt_conversation_row *row;
    size_t count = 0;
    for (size_t at = 0; (row = tt_map_next(&tables->conversations, &at)) != NULL;)
        for (size_t i = 0; i < row->member_count; i++) {
            const struct tt_member_row *member = &row->members[i];
            tt_seq armed = tt_seq_min(member->armed, tt_store_tables_head(row));
            struct tt_unrung found = {member->user, row->id, armed, member->pushed};
            if (!member->is_pending || member->pushed.n >= armed.n ||
                order(&found, &list->after_user, &list->after_conversation) <= 0)
                continue;
            size_t place = count++;
            for (; place > 0 && order(&rows[place - 1], &found.user, &found.conversation) > 0;
                 place--)
                rows[place] = rows[place - 1];
            rows[place] = found;
        }
    return count;
}

static void list_unrung(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_list_unrung *list = &op->list_unrung;
    const struct tt_conversation_row *row;
    size_t most = 0;
    for (size_t at = 0; (row = tt_map_next(&tables->conversations, &at)) != NULL;)
        most += row->member_count;
    struct tt_unrung *rows = tt_arena_array(&op->arena, most, sizeof(*rows));
    size_t count = tables->mutant == TT_MUTANT_UNRUNG_EMPTY ? 0 : gather(tables, list, rows);
    list->more = count > list->count_max;
    list->row_count = list->more ? list->count_max : count;
    list->rows = rows;
    if (list->row_count > 0) {
        list->last_user = rows[list->row_count - 1].user;
        list->last_conversation = rows[list->row_count - 1].conversation;
    }
}

void tt_store_tables_push(struct tt_store_tables *tables, struct tt_store_op *op)
{
    if (op->kind == TT_STORE_PUT_PUSH_ADDRESS)
        put_address(tables, op);
    else if (op->kind == TT_STORE_DROP_PUSH_ADDRESS)
        drop_address(tables, op);
    else if (op->kind == TT_STORE_LIST_PUSH_ADDRESSES)
        list_addresses(tables, op);
    else if (op->kind == TT_STORE_RECORD_PUSH)
        record_push(tables, op);
    else
        list_unrung(tables, op);
}
