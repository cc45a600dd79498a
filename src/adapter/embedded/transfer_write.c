#include "adapter/embedded/account.h"
#include "adapter/embedded/address.h"
#include "adapter/embedded/transfer_parts.h"

/*
 * Rows are written as they will be found, not by records: there is no journal until the store is
 * whole. Each batch of the index is written as a whole and in order, so what counts other rows
 * (conversation_count) is right after a crash at any moment, too.
 */

static void put(struct tt_embedded_transfer *transfer, const struct tt_key *key)
{
    tt_index_put(transfer->base.index, tt_key_slice(key), tt_buffer_slice(&transfer->packed));
    transfer->packed.size = 0;
}

static tt_err put_batch(struct tt_embedded_transfer *transfer)
{
    return tt_index_write(transfer->base.index);
}

tt_err tt_transfer_write_position(struct tt_embedded_transfer *transfer)
{
    struct tt_position_row row = {.start = transfer->start};
    struct tt_key key = tt_key_of_position();
    tt_row_pack_position(&row, &transfer->packed);
    put(transfer, &key);
    return put_batch(transfer);
}

static void put_user_row(struct tt_embedded_transfer *transfer, const tt_id *user,
                         const struct tt_user_row *row)
{
    struct tt_key key = tt_key_of(TT_TABLE_USERS, user);
    tt_row_pack_user(row, &transfer->packed);
    put(transfer, &key);
}

static void put_connections(struct tt_embedded_transfer *transfer,
                            const struct tt_user_dossier *dossier)
{
    for (size_t i = 0; i < dossier->connection_count; i++) {
        const struct tt_happening *happening = &dossier->connections[i];
        struct tt_connection_row row = {happening->at, happening->kind == TT_HAPPENED_CONNECTED,
                                        happening->device};
        struct tt_key key = tt_key_of_number(TT_TABLE_CONNECTIONS, &dossier->user, i);
        tt_row_pack_connection(&row, &transfer->packed);
        put(transfer, &key);
    }
}

static tt_err put_tokens(struct tt_embedded_transfer *transfer,
                         const struct tt_user_dossier *dossier)
{
    for (size_t i = 0; i < dossier->address_count; i++) {
        tt_id digest;
        TT_TRY(tt_address_digest(&dossier->addresses[i].address, &digest));
        struct tt_key key = tt_key_of(TT_TABLE_TOKENS, &digest);
        tt_row_pack_token(&dossier->user, &dossier->addresses[i].device, &transfer->packed);
        put(transfer, &key);
    }
    return TT_OK;
}

/* The user's conversations may have been counted before. */
static tt_err write_user(struct tt_embedded_transfer *transfer,
                         const struct tt_user_dossier *dossier, struct tt_arena *arena)
{
    struct tt_reading reading = tt_transfer_reading(transfer, arena);
    struct tt_buffer addresses = {0};
    struct tt_buffer account = {0};
    struct tt_addresses list = {dossier->addresses, dossier->address_count};
    struct tt_user_row row;
    tt_err err = tt_read_user_row(&reading, &dossier->user, &row);
    tt_buffer_deinit(&reading.value);
    TT_TRY(err);
    tt_addresses_pack(&list, &addresses);
    if (dossier->has_account)
        tt_account_pack(&dossier->account, &account);
    row.settings = dossier->settings;
    row.last_seen = dossier->last_seen;
    row.connection_count = dossier->connection_count;
    if (row.connection_count == 0 && dossier->epoch_floor > 0)
        row.connection_count = 1; /* of a connection that nobody remembers */
    row.devices = dossier->devices;
    row.device_count = dossier->device_count;
    row.addresses = tt_buffer_slice(&addresses);
    row.account = tt_buffer_slice(&account);
    put_user_row(transfer, &dossier->user, &row);
    tt_buffer_deinit(&addresses);
    tt_buffer_deinit(&account);
    put_connections(transfer, dossier);
    err = put_tokens(transfer, dossier);
    uint64_t start = dossier->epoch_floor >> TT_EPOCH_SHIFT;
    if (start > transfer->start)
        transfer->start = start;
    return tt_is_ok(err) ? tt_transfer_write_position(transfer) : err;
}

static void put_steps(struct tt_embedded_transfer *transfer, const tt_id *conversation,
                      const struct tt_member_dossier *member)
{
    for (size_t i = 0; i < member->step_count; i++) {
        const struct tt_happening *step = &member->steps[i];
        struct tt_step_row row = {step->from, step->at, step->device};
        struct tt_key key = tt_key_of_step(
            conversation, &member->user,
            step->kind == TT_HAPPENED_READ ? TT_STEP_READ : TT_STEP_DELIVERED, step->to);
        tt_row_pack_step(&row, &transfer->packed);
        put(transfer, &key);
    }
}

static void put_pending(struct tt_embedded_transfer *transfer, const tt_id *conversation,
                        tt_seq head, const struct tt_member_dossier *member)
{
    struct tt_pending_values row = {
        .first = member->first_undelivered,
        .armed = member->armed.n == head.n ? TT_SEQ(0) : member->armed,
        .pushed = member->pushed,
    };
    struct tt_key key = tt_key_of_two(TT_TABLE_PENDING, &member->user, conversation);
    if (!member->has_pending)
        return;
    tt_row_pack_pending(&row, &transfer->packed);
    put(transfer, &key);
}

static void put_status_row(struct tt_embedded_transfer *transfer, const tt_id *conversation,
                           const tt_id *user, const struct tt_status_row *row)
{
    struct tt_key key = tt_key_of_two(TT_TABLE_STATUS, conversation, user);
    tt_row_pack_status(row, &transfer->packed);
    put(transfer, &key);
}

/* The newest own message is known by the messages, which may have been written before. */
static tt_err put_member(struct tt_embedded_transfer *transfer, struct tt_reading *reading,
                         const struct tt_conversation_dossier *dossier,
                         const struct tt_member_dossier *member)
{
    const tt_id *conversation = &dossier->is.id;
    struct tt_status_row status;
    struct tt_user_row user;
    TT_TRY(tt_read_status_row(reading, conversation, &member->user, &status));
    status.cursor = member->cursor;
    status.muted_until = member->muted_until;
    status.devices = member->positions;
    status.device_count = member->position_count;
    put_status_row(transfer, conversation, &member->user, &status);
    put_pending(transfer, conversation, dossier->head, member);
    put_steps(transfer, conversation, member);
    tt_err err = tt_read_membership(reading, &member->user, conversation);
    if (!tt_err_is(err, TT_ERR_NOT_FOUND))
        return err;
    TT_TRY(tt_read_user_row(reading, &member->user, &user));
    user.conversation_count++;
    put_user_row(transfer, &member->user, &user);
    struct tt_key key = tt_key_of_two(TT_TABLE_LISTS, &member->user, conversation);
    tt_row_pack_nothing(&transfer->packed);
    put(transfer, &key);
    return TT_OK;
}

static void put_pushes(struct tt_embedded_transfer *transfer,
                       const struct tt_conversation_dossier *dossier)
{
    for (size_t i = 0; i < dossier->push_count; i++) {
        const struct tt_happening *push = &dossier->pushes[i];
        struct tt_push_row row = {push->kind == TT_HAPPENED_PUSH_ACCEPTED, push->detail};
        struct tt_key key =
            tt_key_of_push(&dossier->is.id, push->from, push->at, &push->user, &push->device);
        tt_row_pack_push(&row, &transfer->packed);
        put(transfer, &key);
    }
}

static tt_err put_conversation(struct tt_embedded_transfer *transfer, struct tt_reading *reading,
                               const struct tt_conversation_dossier *dossier)
{
    const struct tt_conversation *is = &dossier->is;
    struct tt_head_row head = {dossier->head, dossier->active_at,
                               tt_conversation_dossier_changed_at(dossier)};
    struct tt_key key = tt_key_of(TT_TABLE_CONVERSATIONS, &is->id);
    tt_row_pack_conversation(is, &transfer->packed);
    put(transfer, &key);
    key = tt_key_of(TT_TABLE_HEADS, &is->id);
    tt_row_pack_head(&head, &transfer->packed);
    put(transfer, &key);
    if (is->kind == TT_DIRECT) {
        key = tt_key_of_two(TT_TABLE_PAIRS, &is->members[0], &is->members[1]);
        tt_row_pack_pair(&is->id, &transfer->packed);
        put(transfer, &key);
    }
    for (size_t i = 0; i < is->member_count; i++)
        TT_TRY(put_member(transfer, reading, dossier, &dossier->members[i]));
    put_pushes(transfer, dossier);
    return put_batch(transfer);
}

static void put_message(struct tt_embedded_transfer *transfer, const tt_id *conversation,
                        const struct tt_message *message)
{
    struct tt_key key = tt_key_of_number(TT_TABLE_MESSAGES, conversation, message->seq.n);
    tt_row_pack_message(message, &transfer->packed);
    put(transfer, &key);
    struct tt_send_row send = {message->seq, message->timestamp};
    key = tt_key_of_send(conversation, &message->sender, &message->client_id);
    tt_row_pack_send(&send, &transfer->packed);
    put(transfer, &key);
}

/* Each sender's newest among these: the last of his from behind. */
static tt_err put_last_own(struct tt_embedded_transfer *transfer, struct tt_reading *reading,
                           const tt_id *conversation, const struct tt_message *messages,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tt_status_row status;
        bool later = false;
        for (size_t j = i + 1; j < count && !later; j++)
            later = tt_id_eq(&messages[j].sender, &messages[i].sender);
        if (later)
            continue;
        TT_TRY(tt_read_status_row(reading, conversation, &messages[i].sender, &status));
        if (status.last_own.n >= messages[i].seq.n)
            continue;
        status.last_own = messages[i].seq;
        put_status_row(transfer, conversation, &messages[i].sender, &status);
    }
    return TT_OK;
}

tt_err tt_transfer_write_messages(void *self, const tt_id *conversation,
                                  const struct tt_message *messages, size_t count)
{
    struct tt_embedded_transfer *transfer = self;
    struct tt_arena arena = {0};
    struct tt_reading reading = tt_transfer_reading(transfer, &arena);
    for (size_t i = 0; i < count; i++)
        put_message(transfer, conversation, &messages[i]);
    tt_err err = put_last_own(transfer, &reading, conversation, messages, count);
    tt_buffer_deinit(&reading.value);
    tt_arena_deinit(&arena);
    return tt_is_ok(err) ? put_batch(transfer) : err;
}

tt_err tt_transfer_write(void *self, const struct tt_dossiers *dossiers)
{
    struct tt_embedded_transfer *transfer = self;
    struct tt_arena arena = {0};
    tt_err err = TT_OK;
    for (size_t i = 0; tt_is_ok(err) && i < dossiers->user_count; i++) {
        err = write_user(transfer, &dossiers->users[i], &arena);
        tt_arena_reset(&arena);
    }
    for (size_t i = 0; tt_is_ok(err) && i < dossiers->conversation_count; i++) {
        const struct tt_conversation_dossier *one = &dossiers->conversations[i];
        struct tt_reading reading = tt_transfer_reading(transfer, &arena);
        err = put_conversation(transfer, &reading, one);
        if (tt_is_ok(err))
            err = tt_transfer_write_messages(transfer, &one->is.id, one->messages,
                                             one->message_count);
        tt_buffer_deinit(&reading.value);
        tt_arena_reset(&arena);
    }
    tt_arena_deinit(&arena);
    return err;
}
