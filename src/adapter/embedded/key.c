#include "adapter/embedded/table.h"

#include "adapter/embedded/pack.h"

#define NUMBER_SIZE 8
#define SEND_MARK   '#' /* as in the scale-out mode's `user_id#client_id`; no id holds it */

static void add_byte(struct tt_key *key, char byte)
{
    TT_ASSERT(key->size < TT_KEY_SIZE_MAX);
    key->bytes[key->size++] = byte;
}

static void add_id(struct tt_key *key, const tt_id *id)
{
    TT_ASSERT(key->size + id->size <= TT_KEY_SIZE_MAX);
    memcpy(key->bytes + key->size, id->bytes, id->size);
    key->size += id->size;
}

static void add_number(struct tt_key *key, uint64_t number)
{
    TT_ASSERT(key->size + NUMBER_SIZE <= TT_KEY_SIZE_MAX);
    char *at = key->bytes + key->size;
    for (int i = 0; i < NUMBER_SIZE; i++)
        at[i] = (char)(number >> (56 - 8 * i));
    key->size += NUMBER_SIZE;
}

static struct tt_key start(enum tt_table table)
{
    struct tt_key key;
    key.size = 1;
    key.bytes[0] = (char)table;
    return key;
}

struct tt_key tt_key_of(enum tt_table table, const tt_id *id)
{
    struct tt_key key = start(table);
    add_id(&key, id);
    return key;
}

struct tt_key tt_key_of_two(enum tt_table table, const tt_id *first, const tt_id *second)
{
    struct tt_key key = tt_key_prefix_of(table, first);
    add_id(&key, second);
    return key;
}

struct tt_key tt_key_of_number(enum tt_table table, const tt_id *id, uint64_t number)
{
    struct tt_key key = tt_key_prefix_of(table, id);
    add_number(&key, number);
    return key;
}

struct tt_key tt_key_of_send(const tt_id *conversation, const tt_id *user, const tt_id *client)
{
    struct tt_key key = tt_key_of_two(TT_TABLE_SENDS, conversation, user);
    add_byte(&key, SEND_MARK);
    add_id(&key, client);
    return key;
}

struct tt_key tt_key_of_step(const tt_id *conversation, const tt_id *user, enum tt_step kind,
                             tt_seq to)
{
    struct tt_key key = tt_key_of_two(TT_TABLE_STEPS, conversation, user);
    add_byte(&key, 0);
    add_byte(&key, (char)kind);
    add_number(&key, to.n);
    return key;
}

struct tt_key tt_key_of_push(const tt_id *conversation, tt_seq seq, tt_time at, const tt_id *user,
                             const tt_id *device)
{
    struct tt_key key = tt_key_of_number(TT_TABLE_PUSHES, conversation, seq.n);
    add_number(&key, (uint64_t)at.ms);
    add_id(&key, user);
    add_byte(&key, 0);
    add_id(&key, device);
    return key;
}

struct tt_key tt_key_of_position(void)
{
    return start(TT_TABLE_POSITION);
}

struct tt_key tt_key_prefix(enum tt_table table)
{
    return start(table);
}

struct tt_key tt_key_prefix_of(enum tt_table table, const tt_id *id)
{
    struct tt_key key = tt_key_of(table, id);
    add_byte(&key, 0);
    return key;
}

static tt_err take_number(struct tt_slice rest, uint64_t *number)
{
    if (rest.size != NUMBER_SIZE)
        return TT_FAIL(CORRUPT);
    *number = 0;
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        *number = *number << 8 | (unsigned char)rest.data[i];
    return TT_OK;
}

static tt_err split_step(struct tt_slice rest, struct tt_key_parts *parts)
{
    TT_TRY(tt_id_parse(tt_slice_take_until(&rest, 0), &parts->second));
    if (rest.size == 0 || (rest.data[0] != TT_STEP_DELIVERED && rest.data[0] != TT_STEP_READ))
        return TT_FAIL(CORRUPT);
    parts->step = rest.data[0] == TT_STEP_READ ? TT_STEP_READ : TT_STEP_DELIVERED;
    return take_number(tt_slice_from(rest, 1), &parts->number);
}

static tt_err split_send(struct tt_slice rest, struct tt_key_parts *parts)
{
    TT_TRY(tt_id_parse(tt_slice_take_until(&rest, SEND_MARK), &parts->second));
    return rest.size == 0 ? TT_OK : tt_id_parse(rest, &parts->client);
}

static tt_err split_push(struct tt_slice rest, struct tt_key_parts *parts)
{
    uint64_t at;
    if (rest.size < (size_t)2 * NUMBER_SIZE)
        return TT_FAIL(CORRUPT);
    TT_TRY(take_number(tt_slice(rest.data, NUMBER_SIZE), &parts->number));
    TT_TRY(take_number(tt_slice(rest.data + NUMBER_SIZE, NUMBER_SIZE), &at));
    parts->at = TT_TIME((int64_t)at);
    rest = tt_slice_from(rest, (size_t)2 * NUMBER_SIZE);
    TT_TRY(tt_id_parse(tt_slice_take_until(&rest, 0), &parts->second));
    return tt_id_parse(rest, &parts->client);
}

static tt_err split_rest(struct tt_slice rest, struct tt_key_parts *parts)
{
    switch (parts->table) {
    case TT_TABLE_CONVERSATIONS:
    case TT_TABLE_HEADS:
    case TT_TABLE_USERS:
    case TT_TABLE_ONLINE:
    case TT_TABLE_TOKENS:
        return tt_id_parse(rest, &parts->first);
    case TT_TABLE_STATUS:
    case TT_TABLE_PENDING:
    case TT_TABLE_LISTS:
    case TT_TABLE_PAIRS:
        TT_TRY(tt_id_parse(tt_slice_take_until(&rest, 0), &parts->first));
        return tt_id_parse(rest, &parts->second);
    case TT_TABLE_MESSAGES:
    case TT_TABLE_CONNECTIONS:
        TT_TRY(tt_id_parse(tt_slice_take_until(&rest, 0), &parts->first));
        return take_number(rest, &parts->number);
    case TT_TABLE_SENDS:
        TT_TRY(tt_id_parse(tt_slice_take_until(&rest, 0), &parts->first));
        return split_send(rest, parts);
    case TT_TABLE_STEPS:
        TT_TRY(tt_id_parse(tt_slice_take_until(&rest, 0), &parts->first));
        return split_step(rest, parts);
    case TT_TABLE_PUSHES:
        TT_TRY(tt_id_parse(tt_slice_take_until(&rest, 0), &parts->first));
        return split_push(rest, parts);
    case TT_TABLE_POSITION:
        return rest.size == 0 ? TT_OK : TT_FAIL(CORRUPT);
    }
    return TT_FAIL(CORRUPT);
}

tt_err tt_key_split(struct tt_slice key, struct tt_key_parts *parts)
{
    *parts = (struct tt_key_parts){0};
    if (key.size == 0)
        return TT_FAIL(CORRUPT);
    parts->table = (enum tt_table)key.data[0];
    return tt_is_ok(split_rest(tt_slice_from(key, 1), parts)) ? TT_OK : TT_FAIL(CORRUPT);
}
