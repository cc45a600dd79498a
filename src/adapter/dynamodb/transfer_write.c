#include <stdlib.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/push_row.h"
#include "adapter/dynamodb/steps.h"
#include "adapter/dynamodb/transfer_parts.h"

static const struct tt_ddb_value none = {.kind = TT_DDB_NONE};

void tt_ddb_gather(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                   struct tt_ddb_request *request)
{
    if (requests->count == requests->room) {
        size_t room = requests->room == 0 ? 64 : 2 * requests->room;
        struct tt_ddb_request **more =
            tt_arena_array(&work->arena, room, sizeof(struct tt_ddb_request *));
        if (requests->count > 0)
            memcpy(more, requests->list, requests->count * sizeof(struct tt_ddb_request *));
        requests->list = more;
        requests->room = room;
    }
    requests->list[requests->count++] = request;
}

static tt_err carry_out(struct tt_ddb_work *work, const struct tt_ddb_requests *requests)
{
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests->list, requests->count);
    for (size_t i = 0; i < requests->count; i++)
        TT_TRY(tt_ddb_known(&answers[i]));
    return TT_OK;
}

/* A row of `history` for what is older than the newest steps of a row, as tt_ddb_spill makes it. */
static void spill(struct tt_ddb_work *work, struct tt_ddb_requests *requests, struct tt_slice owner,
                  const tt_id *user, tt_time first_at, struct tt_slice steps)
{
    struct tt_ddb_request *put = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_HISTORY, tt_ddb_text(owner),
                                            tt_ddb_history_entry(work, user, first_at, steps));
    tt_ddb_set(put, "user_id", tt_ddb_id(user));
    tt_ddb_set(put, "steps", tt_ddb_raw(steps));
    tt_ddb_gather(work, requests, put);
}

static int by_time(const void *left, const void *right)
{
    const struct tt_happening *a = left;
    const struct tt_happening *b = right;
    if (a->at.ms != b->at.ms)
        return a->at.ms < b->at.ms ? -1 : 1;
    if (a->to.n != b->to.n)
        return a->to.n < b->to.n ? -1 : 1;
    return a->kind < b->kind ? -1 : a->kind > b->kind;
}

/* The newest steps as the text that stays in the row; the others go to `history`. */
static struct tt_slice share_steps(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                                   struct tt_slice owner, const tt_id *user,
                                   const struct tt_happening *happenings, size_t count)
{
    struct tt_happening *sorted = tt_arena_array(&work->arena, count, sizeof(*sorted));
    struct tt_slice steps = TT_SLICE_EMPTY;
    tt_time first_at = TT_TIME(0);
    if (count > 0) {
        memcpy(sorted, happenings, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), by_time);
    }
    for (size_t i = 0; i < count; i++) {
        if (steps.size >= TT_DDB_STEPS_SIZE_MAX / 2) {
            spill(work, requests, owner, user, first_at, steps);
            steps = TT_SLICE_EMPTY;
        }
        if (steps.size == 0)
            first_at = sorted[i].at;
        steps = tt_ddb_steps_add(steps, &sorted[i], &work->arena);
    }
    return steps;
}

/* "#bob" */
static struct tt_slice owner_of(struct tt_ddb_work *work, const tt_id *user)
{
    char *text = tt_arena_alloc(&work->arena, (size_t)user->size + 1);
    text[0] = '#';
    memcpy(text + 1, user->bytes, user->size);
    return tt_slice(text, (size_t)user->size + 1);
}

static void write_user(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                       const struct tt_user_dossier *dossier)
{
    struct tt_ddb_user user = {
        .id = dossier->user,
        .settings = dossier->settings,
        .last_seen = dossier->last_seen,
        .last_epoch = dossier->epoch_floor,
        .device_count = dossier->device_count,
        .has_account = dossier->has_account,
        .account = dossier->account,
    };
    user.devices = tt_arena_array(&work->arena, user.device_count, sizeof(*user.devices));
    for (size_t i = 0; i < user.device_count; i++)
        user.devices[i] = (struct tt_ddb_device){.is = dossier->devices[i]};
    user.steps = share_steps(work, requests, owner_of(work, &dossier->user), &dossier->user,
                             dossier->connections, dossier->connection_count);
    struct tt_ddb_request *put =
        tt_ddb_new(work, TT_DDB_PUT, TT_DDB_USERS, tt_ddb_id(&dossier->user), none);
    tt_ddb_user_write(&user, tt_ddb_new_mark(work->store), &work->arena, put);
    put->clause_count = 0;
    tt_ddb_gather(work, requests, put);
    if (dossier->has_account)
        tt_ddb_gather(work, requests,
                      tt_ddb_new(work, TT_DDB_PUT, TT_DDB_MEMBERSHIPS, tt_ddb_accounts_key(),
                                 tt_ddb_id(&dossier->user)));
    for (size_t i = 0; i < dossier->address_count; i++) {
        const struct tt_device_address *one = &dossier->addresses[i];
        tt_ddb_gather(work, requests,
                      tt_ddb_push_put(work, &dossier->user, &one->device, &one->address));
        tt_ddb_gather(work, requests,
                      tt_ddb_token_put(work, &dossier->user, &one->device, &one->address));
    }
}

static void write_membership(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                             const struct tt_conversation_dossier *dossier, const tt_id *user)
{
    struct tt_ddb_request *put = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_MEMBERSHIPS, tt_ddb_id(user),
                                            tt_ddb_id(&dossier->is.id));
    tt_ddb_set(put, "active_at", tt_ddb_time(work, dossier->active_at));
    tt_ddb_set(put, "changed_at", tt_ddb_time(work, tt_conversation_dossier_changed_at(dossier)));
    tt_ddb_gather(work, requests, put);
}

static void write_pending(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                          const tt_id *conversation, const struct tt_member_dossier *member)
{
    struct tt_ddb_request *put = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_PENDING,
                                            tt_ddb_id(&member->user), tt_ddb_id(conversation));
    tt_ddb_set(put, "first_undelivered_seq", tt_ddb_number(member->first_undelivered.n));
    tt_ddb_set(put, "armed_seq", tt_ddb_number(member->armed.n));
    tt_ddb_set(put, "armed_by", tt_ddb_text(TT_SLICE_LITERAL(TT_DDB_NOBODY)));
    if (member->pushed.n > 0)
        tt_ddb_set(put, "pushed_seq", tt_ddb_number(member->pushed.n));
    tt_ddb_gather(work, requests, put);
}

static void write_member(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                         const struct tt_conversation_dossier *dossier,
                         const struct tt_member_dossier *member)
{
    const tt_id *id = &dossier->is.id;
    struct tt_ddb_status row = {
        .user = member->user,
        .cursor = member->cursor,
        .devices = member->positions,
        .device_count = member->position_count,
        .muted_until = member->muted_until,
    };
    row.steps = share_steps(work, requests, tt_id_slice(id), &member->user, member->steps,
                            member->step_count);
    struct tt_ddb_request *put = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_MESSAGE_STATUS, tt_ddb_id(id),
                                            tt_ddb_id(&member->user));
    tt_ddb_status_write(&row, tt_ddb_new_mark(work->store), &work->arena, put);
    put->clause_count = 0;
    tt_ddb_gather(work, requests, put);
    write_membership(work, requests, dossier, &member->user);
    if (member->has_pending)
        write_pending(work, requests, id, member);
}

static void write_messages(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                           const tt_id *conversation, const struct tt_message *messages,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tt_ddb_request *put =
            tt_ddb_put_message(work, conversation, messages[i].seq, &messages[i]);
        tt_ddb_gather(work, requests, put);
        put = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_SENDS, tt_ddb_id(conversation),
                         tt_ddb_text(tt_ddb_send_key(&messages[i], &work->arena)));
        tt_ddb_set(put, "seq", tt_ddb_number(messages[i].seq.n));
        tt_ddb_gather(work, requests, put);
    }
}

static void write_conversation(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                               const struct tt_conversation_dossier *dossier)
{
    const struct tt_conversation *is = &dossier->is;
    struct tt_ddb_request *put =
        tt_ddb_new(work, TT_DDB_PUT, TT_DDB_CONVERSATIONS, tt_ddb_id(&is->id), none);
    tt_ddb_conversation_write(work, is, put);
    tt_ddb_set(put, "ready", tt_ddb_json(TT_SLICE_LITERAL("{\"BOOL\":true}")));
    tt_ddb_gather(work, requests, put);
    if (is->kind == TT_DIRECT) {
        put = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_CONVERSATIONS,
                         tt_ddb_pair_key(&is->members[0], &is->members[1], &work->arena), none);
        tt_ddb_set(put, "direct_id", tt_ddb_id(&is->id));
        tt_ddb_gather(work, requests, put);
    }
    for (size_t i = 0; i < is->member_count; i++)
        write_member(work, requests, dossier, &dossier->members[i]);
    for (size_t i = 0; i < dossier->push_count; i++)
        tt_ddb_gather(work, requests, tt_ddb_push_record(work, &is->id, &dossier->pushes[i]));
    write_messages(work, requests, &is->id, dossier->messages, dossier->message_count);
}

tt_err tt_ddb_transfer_write(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    struct tt_ddb_requests requests = {.count = 0};
    for (size_t i = 0; i < call->to_write->user_count; i++)
        write_user(work, &requests, &call->to_write->users[i]);
    for (size_t i = 0; i < call->to_write->conversation_count; i++)
        write_conversation(work, &requests, &call->to_write->conversations[i]);
    return carry_out(work, &requests);
}

tt_err tt_ddb_transfer_write_messages(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    struct tt_ddb_requests requests = {.count = 0};
    write_messages(work, &requests, call->conversation, call->messages, call->message_count);
    return carry_out(work, &requests);
}
