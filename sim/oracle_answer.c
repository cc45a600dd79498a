#include "sim/model.h"

#include "base/memory.h"

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

static void check_cursors(struct tt_oracle *oracle, int device, int number, struct tt_cursor told,
                          struct tt_cursor floor)
{
    const struct known_conversation *conversation = &oracle->conversations[number];
    struct known_device *known = &oracle->devices[device];
    struct tt_cursor truth = tt_model_others(conversation, known->user);
    if (told.delivered.n > truth.delivered.n || told.read.n > truth.read.n ||
        told.read.n > told.delivered.n)
        tt_oracle_fail(
            oracle, "promise 3/4: an answer shows %.*s %.*s %llu/%llu; the truth is %llu/%llu",
            NAME(oracle->users[known->user]), NAME(conversation->id), NUMBER(told.delivered.n),
            NUMBER(told.read.n), NUMBER(truth.delivered.n), NUMBER(truth.read.n));
    if (told.delivered.n < floor.delivered.n || told.read.n < floor.read.n)
        tt_oracle_fail(oracle,
                       "promise 5: an answer shows %.*s/%.*s %.*s %llu/%llu after %llu/%llu",
                       NAME(oracle->users[known->user]), NAME(known->id), NAME(conversation->id),
                       NUMBER(told.delivered.n), NUMBER(told.read.n), NUMBER(floor.delivered.n),
                       NUMBER(floor.read.n));
    struct tt_cursor *shown = &known->views[number].shown;
    shown->delivered = tt_seq_max(shown->delivered, told.delivered);
    shown->read = tt_seq_max(shown->read, told.read);
}

static void check_messages(struct tt_oracle *oracle, int device, int number,
                           const struct tt_snapshot *snapshot)
{
    const struct known_conversation *conversation = &oracle->conversations[number];
    for (size_t i = 0; i < snapshot->message_count; i++) {
        const struct tt_message *message = &snapshot->messages[i];
        if (!tt_model_is_true(conversation, message))
            tt_oracle_fail(oracle, "promise 1: an answer holds %.*s seq %llu, not stored so",
                           NAME(conversation->id), NUMBER(message->seq.n));
        if (i > 0 && message->seq.n != snapshot->messages[i - 1].seq.n + 1)
            tt_oracle_fail(oracle, "promise 6: an answer of %.*s has a gap before seq %llu",
                           NAME(conversation->id), NUMBER(message->seq.n));
    }
    if (snapshot->head.n > conversation->message_count)
        tt_oracle_fail(oracle, "promise 2: an answer has head %llu of %.*s; it is %zu",
                       NUMBER(snapshot->head.n), NAME(conversation->id),
                       conversation->message_count);
    if (snapshot->message_count == 0)
        return;
    uint64_t first = snapshot->messages[0].seq.n;
    uint64_t last = snapshot->messages[snapshot->message_count - 1].seq.n;
    struct known_view *view = &oracle->devices[device].views[number];
    uint64_t reach = conversation->positions[device];
    if (reach < view->ackable)
        reach = view->ackable;
    if (first <= reach + 1 && last > reach)
        view->ackable = last;
}

static bool was_hidden(const struct tt_oracle *oracle, int user, uint64_t at_us)
{
    return oracle->hides_since_us[user] != 0 && oracle->hides_since_us[user] < at_us;
}

void tt_oracle_check_status(struct tt_oracle *oracle, const tt_id *user,
                            const struct tt_status *status, const struct tt_told *told)
{
    int about = tt_model_user(oracle, user);
    struct tt_sometimes *sometimes = &oracle->world->sometimes;
    bool may_see = about >= 0 && !was_hidden(oracle, about, told->asked_us) &&
                   !was_hidden(oracle, told->viewer, told->asked_us);
    if (!may_see && (status->online || status->last_seen.ms != 0))
        tt_oracle_fail(oracle, "promise 9: %.*s sees %.*s %s, and one of them does not share",
                       NAME(oracle->users[told->viewer]), NAME(*user),
                       status->online ? "online" : "last seen");
    if (status->last_seen.ms > told->clock.latest.ms)
        tt_oracle_fail(oracle, "promise 9: last seen of %.*s is in the future", NAME(*user));
    sometimes->hidden += !may_see;
    sometimes->presence_shown += status->online;
    sometimes->last_seen_shown += !status->online && status->last_seen.ms != 0;
}

/* An answer looks into the store, which forgets nothing that it has kept by then. */
static void check_answer(struct tt_oracle *oracle, const tt_id *user,
                         const struct tt_status *status, const struct tt_told *told)
{
    tt_oracle_check_status(oracle, user, status, told);
    tt_model_check_seen(oracle, user, status, tt_model_seen_kept(oracle, user, told->asked_us),
                        told);
}

/* The number of a conversation that the device may look into, or -1. */
static int visible(struct tt_oracle *oracle, int device, const tt_id *id)
{
    int number = tt_model_conversation(oracle, id);
    int user = oracle->devices[device].user;
    if (number >= 0 && tt_model_is_member(&oracle->conversations[number], user))
        return number;
    tt_oracle_fail(oracle, "promise 10: %.*s may look into %.*s and is no member",
                   NAME(oracle->users[user]), NAME(*id));
    return -1;
}

void tt_oracle_check_page(struct tt_oracle *oracle, int device, const tt_id *id,
                          const struct tt_snapshot *snapshot)
{
    int number = visible(oracle, device, id);
    if (number >= 0)
        check_messages(oracle, device, number, snapshot);
}

void tt_oracle_check_snapshot(struct tt_oracle *oracle, int device, const tt_id *id,
                              const struct tt_snapshot *snapshot, struct tt_cursor floor,
                              const struct tt_told *told)
{
    int number = visible(oracle, device, id);
    if (number < 0)
        return;
    int user = oracle->devices[device].user;
    check_messages(oracle, device, number, snapshot);
    const struct known_conversation *conversation = &oracle->conversations[number];
    check_cursors(oracle, device, number, snapshot->others_min, floor);
    for (size_t i = 0; i < snapshot->other_count; i++) {
        const struct tt_member_view *other = &snapshot->others[i];
        int about = tt_model_user(oracle, &other->user);
        if (about < 0 || other->cursor.delivered.n > conversation->cursors[about].delivered.n ||
            other->cursor.read.n > conversation->cursors[about].read.n)
            tt_oracle_fail(oracle, "promise 3/4: an answer of %.*s shows too much of %.*s",
                           NAME(conversation->id), NAME(other->user));
        check_answer(oracle, &other->user, &other->status, told);
    }
    if (snapshot->my_read.n > conversation->cursors[user].read.n)
        tt_oracle_fail(oracle, "promise 4: an answer tells %.*s that it has read %llu",
                       NAME(oracle->users[user]), NUMBER(snapshot->my_read.n));
}

void tt_oracle_request_begins(struct tt_oracle *oracle, struct tt_call *call)
{
    if (oracle == NULL)
        return;
    const struct tt_request *request = &call->request;
    int device = tt_model_device(oracle, &request->user, &request->device);
    struct call_note *note = tt_alloc(sizeof(*note));
    for (int i = 0; i < oracle->conversation_count; i++)
        note->shown[i] = oracle->devices[device].views[i].shown;
    note->begun_us = oracle->world->agenda.now_us;
    call->oracle = note;
    int number = tt_model_conversation(oracle, &request->conversation);
    if (request->kind == TT_REQUEST_SNAPSHOT && request->snapshot.mark_open && number >= 0) {
        oracle->devices[device].views[number].marked_by_get = true;
        oracle->devices[device].views[number].marking++;
    }
}

void tt_oracle_request_ends(struct tt_oracle *oracle, const struct tt_call *call)
{
    if (oracle == NULL || call->oracle == NULL)
        return;
    const struct tt_request *request = &call->request;
    int device = tt_model_device(oracle, &request->user, &request->device);
    int number = tt_model_conversation(oracle, &request->conversation);
    if (request->kind != TT_REQUEST_SNAPSHOT || !request->snapshot.mark_open || number < 0)
        return;
    oracle->devices[device].views[number].marking--;
    /* The mark may still be on its way, to a socket that is there now. */
    for (struct tt_link *link = oracle->world->all_links; link != NULL; link = link->next) {
        struct session_note *note = link->oracle;
        if (note == NULL || note->device != device)
            continue;
        note->may_be_open |= 1U << number;
        note->since_open |= 1U << number;
    }
}

/* A receipt says delivered or read only of what is. */
static void check_receipts(struct tt_oracle *oracle, int number, const struct tt_reply *reply,
                           const struct tt_told *told)
{
    const struct known_conversation *conversation = &oracle->conversations[number];
    for (size_t i = 0; i < reply->about.receipt_count; i++) {
        const struct tt_receipt *receipt = &reply->about.receipts[i];
        int about = tt_model_user(oracle, &receipt->user);
        struct tt_cursor truth = {TT_SEQ(0), TT_SEQ(0)};
        if (about >= 0)
            truth = conversation->cursors[about];
        const struct tt_status status = {.last_seen = receipt->offline_since};
        if (about >= 0 && about != told->viewer && receipt->offline_since.ms != 0)
            check_answer(oracle, &receipt->user, &status, told);
        bool too_much = receipt->delivered_at.ms != 0 && truth.delivered.n < reply->about.seq.n;
        too_much = too_much || (receipt->read_at.ms != 0 && truth.read.n < reply->about.seq.n);
        if (too_much)
            tt_oracle_fail(oracle, "promise 3/4: a receipt says too much of %.*s in %.*s seq %llu",
                           NAME(receipt->user), NAME(conversation->id), NUMBER(reply->about.seq.n));
    }
}

static void check_list(struct tt_oracle *oracle, int device, const struct tt_call *call,
                       const struct tt_reply *reply)
{
    const struct call_note *note = call->oracle;
    int user = oracle->devices[device].user;
    const struct tt_told told = {user, note->begun_us, tt_call_clock(call)};
    for (size_t i = 0; i < reply->list.entry_count; i++) {
        const struct tt_conversation_entry *entry = &reply->list.entries[i];
        int number = tt_model_conversation(oracle, &entry->conversation.id);
        if (number < 0 || !tt_model_is_member(&oracle->conversations[number], user)) {
            tt_oracle_fail(oracle, "promise 10: the list of %.*s holds %.*s",
                           NAME(oracle->users[user]), NAME(entry->conversation.id));
            return;
        }
        const struct known_conversation *conversation = &oracle->conversations[number];
        if (entry->head.n > conversation->message_count ||
            entry->my_read.n > conversation->cursors[user].read.n)
            tt_oracle_fail(oracle, "promise 2/4: the list of %.*s is ahead of the truth in %.*s",
                           NAME(oracle->users[user]), NAME(conversation->id));
        check_cursors(oracle, device, number, entry->others, note->shown[number]);
        if (conversation->kind == TT_DIRECT) {
            bool is_first = conversation->members[0] == user;
            const tt_id *peer = &oracle->users[conversation->members[is_first ? 1 : 0]];
            check_answer(oracle, peer, &entry->peer, &told);
        }
    }
}

static void check_sent_over_http(struct tt_oracle *oracle, const struct tt_call *call, int number,
                                 const struct tt_reply *reply)
{
    const struct known_conversation *conversation = &oracle->conversations[number];
    uint64_t seq = reply->sent.seq.n;
    bool is_true = seq > 0 && seq <= conversation->message_count;
    is_true = is_true &&
              tt_id_eq(&conversation->messages[seq - 1].client_id, &call->request.send.client_id) &&
              tt_id_eq(&conversation->messages[seq - 1].sender, &call->request.user);
    if (!is_true)
        tt_oracle_fail(oracle, "promise 1: %.*s is answered seq %llu of %.*s, not stored so",
                       NAME(call->request.user), NUMBER(seq), NAME(conversation->id));
}

void tt_oracle_replied(struct tt_oracle *oracle, struct tt_call *call, const struct tt_reply *reply)
{
    if (oracle == NULL)
        return;
    const struct tt_request *request = &call->request;
    const struct call_note *note = call->oracle;
    int device = tt_model_device(oracle, &request->user, &request->device);
    int user = oracle->devices[device].user;
    int number = tt_model_conversation(oracle, &request->conversation);
    bool is_member = number >= 0 && tt_model_is_member(&oracle->conversations[number], user);
    if (!tt_is_ok(reply->err)) {
        bool is_final =
            tt_err_who(reply->err) == TT_ERR_CLIENT && !tt_err_is(reply->err, TT_ERR_RATE_LIMITED);
        if (is_final && is_member && oracle->devices[device].honest)
            tt_oracle_fail(oracle, "promise 6: a request of %.*s about %.*s is refused: %s",
                           NAME(request->user), NAME(request->conversation),
                           tt_err_text(reply->err));
        return;
    }
    const struct tt_told told = {user, note->begun_us, tt_call_clock(call)};
    if (reply->kind == TT_REQUEST_SNAPSHOT && number >= 0)
        tt_oracle_check_snapshot(oracle, device, &request->conversation, reply->snapshot,
                                 note->shown[number], &told);
    if (reply->kind == TT_REQUEST_PAGE)
        tt_oracle_check_page(oracle, device, &request->conversation, reply->snapshot);
    if (reply->kind == TT_REQUEST_LIST)
        check_list(oracle, device, call, reply);
    bool is_receipt = reply->kind == TT_REQUEST_INFO || reply->kind == TT_REQUEST_WHY;
    if (is_receipt && is_member)
        check_receipts(oracle, number, reply, &told);
    oracle->world->sometimes.sent_over_http += reply->kind == TT_REQUEST_SEND;
    oracle->world->sometimes.created += reply->kind == TT_REQUEST_CREATE && reply->created;
    if (reply->kind == TT_REQUEST_SEND && is_member)
        check_sent_over_http(oracle, call, number, reply);
    if (reply->kind == TT_REQUEST_SEND && !is_member)
        tt_oracle_fail(oracle, "promise 10: %.*s may send to %.*s", NAME(request->user),
                       NAME(request->conversation));
}
