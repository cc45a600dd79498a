#include "adapter/embedded/account.h"
#include "adapter/embedded/address.h"
#include "adapter/embedded/transfer_parts.h"
#include "base/memory.h"

#define IDS_MAX      256
#define MESSAGES_MAX 200

struct tt_reading tt_transfer_reading(struct tt_embedded_transfer *transfer, struct tt_arena *arena)
{
    return (struct tt_reading){.view = tt_index_latest(transfer->base.index), .arena = arena};
}

/* Rows of one kind in an arena, gathered in a buffer that is given back at the end. */
static void *keep(struct tt_buffer *rows, struct tt_arena *arena)
{
    void *copy = tt_arena_alloc(arena, rows->size + 1);
    if (rows->size > 0)
        memcpy(copy, rows->data, rows->size);
    tt_buffer_deinit(rows);
    return copy;
}

/* What a walk over all rows with that prefix does with each. */
typedef tt_err (*row_reader)(struct tt_reading *reading, const struct tt_key_parts *key,
                             struct tt_slice value, struct tt_buffer *rows);

static tt_err walk_rows(struct tt_reading *reading, const struct tt_key *prefix, row_reader read,
                        struct tt_buffer *rows)
{
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(prefix));
    tt_err err = TT_OK;
    for (; tt_is_ok(err) && tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_key_parts key;
        err = tt_key_split(tt_walk_key(walk), &key);
        if (tt_is_ok(err))
            err = read(reading, &key, tt_walk_value(walk), rows);
    }
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

tt_err tt_transfer_list(void *self, enum tt_dossier_kind kind, struct tt_slice after,
                        struct tt_arena *arena, struct tt_transfer_page *page)
{
    struct tt_embedded_transfer *transfer = self;
    struct tt_reading reading = tt_transfer_reading(transfer, arena);
    enum tt_table table = kind == TT_DOSSIER_USERS ? TT_TABLE_USERS : TT_TABLE_CONVERSATIONS;
    struct tt_key prefix = tt_key_prefix(table);
    struct tt_key from = prefix;
    tt_id last;
    *page = (struct tt_transfer_page){.ids = tt_arena_array(arena, IDS_MAX, sizeof(tt_id))};
    if (after.size > 0) {
        TT_TRY(tt_id_parse(after, &last));
        from = tt_key_of(table, &last);
    }
    struct tt_walk *walk = tt_walk_create(reading.view, tt_key_slice(&prefix));
    tt_walk_to(walk, tt_key_slice(&from));
    tt_err err = TT_OK;
    for (; tt_is_ok(err) && tt_walk_valid(walk) && page->count < IDS_MAX; tt_walk_next(walk)) {
        struct tt_key_parts key;
        err = tt_key_split(tt_walk_key(walk), &key);
        if (tt_is_ok(err) && !(after.size > 0 && tt_id_eq(&key.first, &last)))
            page->ids[page->count++] = key.first;
    }
    if (page->count == IDS_MAX)
        page->next = tt_arena_copy(arena, tt_id_slice(&page->ids[page->count - 1]));
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err read_connection(struct tt_reading *reading, const struct tt_key_parts *key,
                              struct tt_slice value, struct tt_buffer *rows)
{
    struct tt_connection_row row;
    (void)reading;
    TT_TRY(tt_row_unpack_connection(value, &row));
    struct tt_happening happening = {
        .kind = row.connected ? TT_HAPPENED_CONNECTED : TT_HAPPENED_DISCONNECTED,
        .at = row.at,
        .user = key->first,
        .device = row.device,
    };
    tt_buffer_add(rows, tt_slice(&happening, sizeof(happening)));
    return TT_OK;
}

/* Epochs of this store are below the next start's; whoever was never linked needs none. */
static tt_err read_user(struct tt_embedded_transfer *transfer, struct tt_user_dossier *dossier,
                        struct tt_arena *arena)
{
    struct tt_reading reading = tt_transfer_reading(transfer, arena);
    struct tt_user_row row;
    struct tt_addresses addresses;
    struct tt_buffer connections = {0};
    tt_err err = tt_read_user_row(&reading, &dossier->user, &row);
    tt_buffer_deinit(&reading.value);
    TT_TRY(err);
    dossier->settings = row.settings;
    dossier->last_seen = row.last_seen;
    dossier->devices = row.devices;
    dossier->device_count = row.device_count;
    dossier->has_account = row.account.size > 0;
    if (dossier->has_account)
        TT_TRY(tt_account_unpack(row.account, arena, &dossier->account));
    TT_TRY(tt_addresses_unpack(row.addresses, arena, &addresses));
    dossier->addresses = addresses.list;
    dossier->address_count = addresses.count;
    dossier->epoch_floor = row.connection_count > 0 ? (transfer->start + 1) << TT_EPOCH_SHIFT : 0;
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_CONNECTIONS, &dossier->user);
    err = walk_rows(&reading, &prefix, read_connection, &connections);
    dossier->connection_count = connections.size / sizeof(struct tt_happening);
    dossier->connections = keep(&connections, arena);
    tt_user_dossier_settle(dossier);
    return err;
}

static tt_err read_step(struct tt_reading *reading, const struct tt_key_parts *key,
                        struct tt_slice value, struct tt_buffer *rows)
{
    struct tt_step_row row;
    (void)reading;
    TT_TRY(tt_row_unpack_step(value, &row));
    struct tt_happening happening = {
        .kind = key->step == TT_STEP_READ ? TT_HAPPENED_READ : TT_HAPPENED_DELIVERED,
        .at = row.at,
        .from = row.from,
        .to = TT_SEQ(key->number),
        .user = key->second,
        .device = row.device,
    };
    tt_buffer_add(rows, tt_slice(&happening, sizeof(happening)));
    return TT_OK;
}

static tt_err read_push(struct tt_reading *reading, const struct tt_key_parts *key,
                        struct tt_slice value, struct tt_buffer *rows)
{
    struct tt_push_row row;
    TT_TRY(tt_row_unpack_push(value, &row));
    struct tt_happening happening = {
        .kind = row.accepted ? TT_HAPPENED_PUSH_ACCEPTED : TT_HAPPENED_PUSH_FAILED,
        .at = key->at,
        .from = TT_SEQ(key->number),
        .to = TT_SEQ(key->number),
        .user = key->second,
        .device = key->client,
        .detail = tt_arena_copy(reading->arena, row.detail),
    };
    tt_buffer_add(rows, tt_slice(&happening, sizeof(happening)));
    return TT_OK;
}

static tt_err read_pending(struct tt_reading *reading, const tt_id *conversation, tt_seq head,
                           struct tt_member_dossier *member)
{
    struct tt_pending_values values;
    struct tt_key key = tt_key_of_two(TT_TABLE_PENDING, &member->user, conversation);
    tt_err err = tt_read_row(reading, &key);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    TT_TRY(tt_row_unpack_pending(reading->row, &values));
    member->has_pending = true;
    member->first_undelivered = values.first;
    member->armed = values.armed.n == 0 ? head : values.armed;
    member->pushed = values.pushed;
    return TT_OK;
}

static tt_err read_member(struct tt_reading *reading, const struct tt_conversation_dossier *dossier,
                          struct tt_member_dossier *member)
{
    struct tt_status_row status;
    struct tt_user_row user;
    TT_TRY(tt_read_status_row(reading, &dossier->is.id, &member->user, &status));
    TT_TRY(tt_read_user_row(reading, &member->user, &user));
    member->cursor = status.cursor;
    member->muted_until = status.muted_until;
    member->position_count = user.device_count;
    member->positions =
        tt_arena_array(reading->arena, user.device_count, sizeof(*member->positions));
    for (size_t i = 0; i < user.device_count; i++)
        member->positions[i] =
            (struct tt_device_position){.device = user.devices[i].id,
                                        .delivered = tt_read_position(&status, &user.devices[i].id),
                                        .linked_at = user.devices[i].linked_at};
    return read_pending(reading, &dossier->is.id, dossier->head, member);
}

/* Steps are sorted by user, as members are. */
static void share_steps(struct tt_conversation_dossier *dossier, struct tt_happening *steps,
                        size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < dossier->is.member_count; i++) {
        struct tt_member_dossier *member = &dossier->members[i];
        while (at < count && tt_id_compare(&steps[at].user, &member->user) < 0)
            at++;
        member->steps = steps + at;
        for (; at < count && tt_id_eq(&steps[at].user, &member->user); at++)
            member->step_count++;
    }
}

static tt_err read_messages(struct tt_reading *reading, const tt_id *conversation, tt_seq from,
                            size_t max, struct tt_message **messages, size_t *count)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_MESSAGES, conversation);
    struct tt_key first = tt_key_of_number(TT_TABLE_MESSAGES, conversation, from.n);
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    *messages = tt_arena_array(reading->arena, max, sizeof(**messages));
    *count = 0;
    tt_walk_to(walk, tt_key_slice(&first));
    tt_err err = TT_OK;
    for (; tt_is_ok(err) && tt_walk_valid(walk) && *count < max; tt_walk_next(walk)) {
        struct tt_key_parts key;
        struct tt_message *message = &(*messages)[*count];
        err = tt_key_split(tt_walk_key(walk), &key);
        if (tt_is_ok(err))
            err =
                tt_row_unpack_message(tt_arena_copy(reading->arena, tt_walk_value(walk)), message);
        message->seq = TT_SEQ(key.number);
        (*count)++;
    }
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err read_conversation(struct tt_reading *reading, struct tt_conversation_dossier *dossier)
{
    struct tt_head_row head;
    struct tt_buffer steps = {0};
    struct tt_buffer pushes = {0};
    tt_id id = dossier->is.id;
    TT_TRY(tt_read_conversation_row(reading, &id, &dossier->is));
    TT_TRY(tt_read_head_row(reading, &id, &head));
    dossier->head = head.head;
    dossier->active_at = head.active_at;
    dossier->members =
        tt_arena_array(reading->arena, dossier->is.member_count, sizeof(*dossier->members));
    for (size_t i = 0; i < dossier->is.member_count; i++) {
        dossier->members[i].user = dossier->is.members[i];
        TT_TRY(read_member(reading, dossier, &dossier->members[i]));
    }
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_STEPS, &id);
    tt_err err = walk_rows(reading, &prefix, read_step, &steps);
    size_t step_count = steps.size / sizeof(struct tt_happening);
    share_steps(dossier, keep(&steps, reading->arena), step_count);
    TT_TRY(err);
    prefix = tt_key_prefix_of(TT_TABLE_PUSHES, &id);
    err = walk_rows(reading, &prefix, read_push, &pushes);
    dossier->push_count = pushes.size / sizeof(struct tt_happening);
    dossier->pushes = keep(&pushes, reading->arena);
    TT_TRY(err);
    tt_conversation_dossier_settle(dossier);
    return read_messages(reading, &id, TT_SEQ(1), TT_DOSSIER_MESSAGES_MAX, &dossier->messages,
                         &dossier->message_count);
}

tt_err tt_transfer_read(void *self, struct tt_dossiers *dossiers, struct tt_arena *arena)
{
    struct tt_embedded_transfer *transfer = self;
    struct tt_reading reading = tt_transfer_reading(transfer, arena);
    tt_err err = TT_OK;
    for (size_t i = 0; tt_is_ok(err) && i < dossiers->user_count; i++)
        err = read_user(transfer, &dossiers->users[i], arena);
    for (size_t i = 0; tt_is_ok(err) && i < dossiers->conversation_count; i++)
        err = read_conversation(&reading, &dossiers->conversations[i]);
    tt_buffer_deinit(&reading.value);
    return err;
}

tt_err tt_transfer_read_messages(void *self, const tt_id *conversation, tt_seq from,
                                 struct tt_arena *arena, struct tt_message **messages,
                                 size_t *count)
{
    struct tt_reading reading = tt_transfer_reading(self, arena);
    return read_messages(&reading, conversation, from, MESSAGES_MAX, messages, count);
}

static tt_err count_rows(struct tt_reading *reading, enum tt_table table, uint64_t *rows,
                         uint64_t *heads)
{
    struct tt_key prefix = tt_key_prefix(table);
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_head_row head;
        (*rows)++;
        if (heads != NULL && tt_is_ok(tt_row_unpack_head(tt_walk_value(walk), &head)))
            *heads += head.head.n;
    }
    return tt_walk_destroy(&walk);
}

tt_err tt_transfer_count(void *self, struct tt_transfer_counts *counts)
{
    struct tt_arena arena = {0};
    struct tt_reading reading = tt_transfer_reading(self, &arena);
    *counts = (struct tt_transfer_counts){0};
    TT_TRY(count_rows(&reading, TT_TABLE_USERS, &counts->users, NULL));
    return count_rows(&reading, TT_TABLE_HEADS, &counts->conversations, &counts->messages);
}
