#include "sim/model.h"

#include "base/memory.h"

#define UNREAD_MAX 1000 /* and more are told as this */

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
                       "promise 5: an answer shows %.*s/%.*s %.*s %llu/%llu; before it was "
                       "%llu/%llu",
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

bool tt_model_was_hidden(const struct tt_oracle *oracle, int user, uint64_t at_us)
{
    return oracle->hides_since_us[user] != 0 && oracle->hides_since_us[user] < at_us;
}

void tt_oracle_check_status(struct tt_oracle *oracle, const tt_id *user,
                            const struct tt_status *status, const struct tt_told *told)
{
    int about = tt_model_user(oracle, user);
    struct tt_sometimes *sometimes = &oracle->world->sometimes;
    bool may_see = about >= 0 && !tt_model_was_hidden(oracle, about, told->asked_us) &&
                   !tt_model_was_hidden(oracle, told->viewer, told->asked_us);
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
void tt_oracle_check_answer(struct tt_oracle *oracle, const tt_id *user,
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

/* What it says of all the others is the least of what it says of each. */
static void check_least(struct tt_oracle *oracle, const tt_id *id,
                        const struct tt_snapshot *snapshot)
{
    struct tt_cursor least = {TT_SEQ(UINT64_MAX), TT_SEQ(UINT64_MAX)};
    for (size_t i = 0; i < snapshot->other_count; i++) {
        least.delivered = tt_seq_min(least.delivered, snapshot->others[i].cursor.delivered);
        least.read = tt_seq_min(least.read, snapshot->others[i].cursor.read);
    }
    if (snapshot->other_count > 0 && (least.delivered.n != snapshot->others_min.delivered.n ||
                                      least.read.n != snapshot->others_min.read.n))
        tt_oracle_fail(oracle, "promise 3/4: an answer of %.*s contradicts itself", NAME(*id));
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
    check_least(oracle, id, snapshot);
    for (size_t i = 0; i < snapshot->other_count; i++) {
        const struct tt_member_view *other = &snapshot->others[i];
        int about = tt_model_user(oracle, &other->user);
        if (about < 0 || other->cursor.delivered.n > conversation->cursors[about].delivered.n ||
            other->cursor.read.n > conversation->cursors[about].read.n)
            tt_oracle_fail(oracle, "promise 3/4: an answer of %.*s shows too much of %.*s",
                           NAME(conversation->id), NAME(other->user));
        tt_oracle_check_answer(oracle, &other->user, &other->status, told);
    }
    if (snapshot->my_read.n > conversation->cursors[user].read.n)
        tt_oracle_fail(oracle, "promise 4: an answer tells %.*s that it has read %llu",
                       NAME(oracle->users[user]), NUMBER(snapshot->my_read.n));
}

static void note_truth(const struct tt_oracle *oracle, int device, struct call_note *note)
{
    int user = oracle->devices[device].user;
    for (int i = 0; i < oracle->conversation_count; i++) {
        const struct known_conversation *conversation = &oracle->conversations[i];
        struct tt_cursor shown = oracle->devices[device].views[i].shown;
        struct tt_cursor truth = tt_model_others(conversation, user);
        note->ticks[i] = (struct tt_cursor){tt_seq_max(shown.delivered, truth.delivered),
                                            tt_seq_max(shown.read, truth.read)};
        note->heads[i] = conversation->message_count;
        note->my_read[i] = conversation->cursors[user].read;
        if (tt_model_is_member(conversation, user))
            note->mine |= 1U << i;
    }
}

void tt_oracle_request_begins(struct tt_oracle *oracle, struct tt_call *call)
{
    if (oracle == NULL)
        return;
    const struct tt_request *request = &call->request;
    int device = tt_model_device(oracle, &request->user, &request->device);
    struct call_note *note = tt_alloc(sizeof(*note));
    note_truth(oracle, device, note);
    note->begun_us = oracle->world->agenda.now_us;
    call->oracle = note;
    int number = tt_model_conversation(oracle, &request->conversation);
    if (number >= 0)
        note->happening_count = oracle->conversations[number].happening_count;
    if (number >= 0 && request->kind == TT_REQUEST_SEND)
        note->was_stored = tt_model_find_send(&oracle->conversations[number], &request->user,
                                              &request->send.client_id) != 0;
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

static bool has_its_members(const struct tt_oracle *oracle,
                            const struct known_conversation *conversation,
                            const struct tt_conversation *told)
{
    if (told->kind != conversation->kind ||
        told->member_count != (size_t)conversation->member_count)
        return false;
    for (size_t i = 0; i < told->member_count; i++)
        if (tt_model_user(oracle, &told->members[i]) != conversation->members[i])
            return false;
    return true;
}

static uint32_t count_unread(const struct tt_oracle *oracle,
                             const struct known_conversation *conversation, int user,
                             const struct tt_conversation_entry *entry)
{
    uint32_t count = 0;
    for (uint64_t seq = entry->my_read.n + 1; seq <= entry->head.n && count < UNREAD_MAX; seq++)
        count += !tt_id_eq(&conversation->messages[seq - 1].sender, &oracle->users[user]);
    return count;
}

/* Whether the last message is the one at the head, as it is stored. */
static bool has_true_end(const struct known_conversation *conversation,
                         const struct tt_conversation_entry *entry)
{
    const struct tt_message *last = &entry->last_message;
    if (last->seq.n != entry->head.n)
        return false;
    return last->seq.n == 0 || tt_model_is_true(conversation, last);
}

static void check_entry_of(struct tt_oracle *oracle, int user,
                           const struct known_conversation *conversation,
                           const struct tt_conversation_entry *entry,
                           const struct entry_floor *floor)
{
    const tt_id *id = &oracle->users[user];
    if (!has_its_members(oracle, conversation, &entry->conversation))
        tt_oracle_fail(oracle, "promise 10: the list of %.*s shows others in %.*s", NAME(*id),
                       NAME(conversation->id));
    if (entry->head.n > conversation->message_count ||
        entry->my_read.n > conversation->cursors[user].read.n) {
        tt_oracle_fail(oracle, "promise 2/4: the list of %.*s is ahead of the truth in %.*s",
                       NAME(*id), NAME(conversation->id));
        return;
    }
    if (entry->head.n < floor->head || entry->my_read.n < floor->my_read.n)
        tt_oracle_fail(oracle,
                       "the list of %.*s has head %llu and read %llu of %.*s; it was asked for at "
                       "%llu and %llu",
                       NAME(*id), NUMBER(entry->head.n), NUMBER(entry->my_read.n),
                       NAME(conversation->id), NUMBER(floor->head), NUMBER(floor->my_read.n));
    if (!has_true_end(conversation, entry))
        tt_oracle_fail(oracle, "promise 1: the list of %.*s ends %.*s with seq %llu, not stored so",
                       NAME(*id), NAME(conversation->id), NUMBER(entry->last_message.seq.n));
    uint32_t unread = count_unread(oracle, conversation, user, entry);
    if (entry->unread != unread)
        tt_oracle_fail(oracle, "promise 4: the list of %.*s counts %u unread in %.*s; there are %u",
                       NAME(*id), entry->unread, NAME(conversation->id), unread);
}

void tt_oracle_check_entry(struct tt_oracle *oracle, int device,
                           const struct tt_conversation_entry *entry,
                           const struct entry_floor *floor, const struct tt_told *told)
{
    int user = oracle->devices[device].user;
    int number = tt_model_conversation(oracle, &entry->conversation.id);
    if (number < 0 || !tt_model_is_member(&oracle->conversations[number], user)) {
        tt_oracle_fail(oracle, "promise 10: the list of %.*s holds %.*s", NAME(oracle->users[user]),
                       NAME(entry->conversation.id));
        return;
    }
    const struct known_conversation *conversation = &oracle->conversations[number];
    check_entry_of(oracle, user, conversation, entry, floor);
    check_cursors(oracle, device, number, entry->others, floor->ticks);
    if (conversation->kind != TT_DIRECT)
        return;
    bool is_first = conversation->members[0] == user;
    const tt_id *peer = &oracle->users[conversation->members[is_first ? 1 : 0]];
    tt_oracle_check_answer(oracle, peer, &entry->peer, told);
}

static void check_entry_asked(struct tt_oracle *oracle, int device, const struct tt_call *call,
                              const struct tt_conversation_entry *entry)
{
    const struct call_note *note = call->oracle;
    int number = tt_model_conversation(oracle, &entry->conversation.id);
    const struct tt_told told = {oracle->devices[device].user, note->begun_us, tt_call_clock(call)};
    struct entry_floor floor = {.head = 0};
    if (number >= 0) {
        floor.ticks = note->ticks[number];
        floor.head = note->heads[number];
        floor.my_read = note->my_read[number];
    }
    tt_oracle_check_entry(oracle, device, entry, &floor, &told);
}

/* Each conversation once, and all that he was a member of when he asked. */
static void check_list(struct tt_oracle *oracle, int device, const struct tt_call *call,
                       const struct tt_reply *reply)
{
    const struct call_note *note = call->oracle;
    const struct tt_request *request = &call->request;
    uint32_t told = 0;
    for (size_t i = 0; i < reply->list.entry_count; i++) {
        const struct tt_conversation_entry *entry = &reply->list.entries[i];
        int number = tt_model_conversation(oracle, &entry->conversation.id);
        check_entry_asked(oracle, device, call, entry);
        if (number >= 0 && (told >> number & 1) != 0)
            tt_oracle_fail(oracle, "the list of %.*s holds %.*s twice", NAME(request->user),
                           NAME(entry->conversation.id));
        told |= number < 0 ? 0 : 1U << number;
    }
    bool is_whole = request->list.cursor.size == 0 && request->list.changed_since.ms == 0 &&
                    reply->list.next.size == 0;
    if (is_whole && (note->mine & ~told) != 0)
        tt_oracle_fail(oracle, "the list of %.*s lacks a conversation", NAME(request->user));
}

static void check_sent_over_http(struct tt_oracle *oracle, const struct tt_call *call, int number,
                                 const struct tt_reply *reply)
{
    const struct known_conversation *conversation = &oracle->conversations[number];
    uint64_t seq = reply->sent.seq.n;
    bool is_true = seq > 0 && seq <= conversation->message_count;
    is_true = is_true &&
              tt_id_eq(&conversation->messages[seq - 1].client_id, &call->request.send.client_id) &&
              tt_id_eq(&conversation->messages[seq - 1].sender, &call->request.user) &&
              conversation->messages[seq - 1].timestamp.ms == reply->sent.timestamp.ms;
    if (!is_true)
        tt_oracle_fail(oracle, "promise 1: %.*s is answered seq %llu of %.*s, not stored so",
                       NAME(call->request.user), NUMBER(seq), NAME(conversation->id));
    const struct call_note *note = call->oracle;
    if (reply->created && note->was_stored)
        tt_oracle_fail(oracle, "promise 2: %.*s is told that %.*s seq %llu is new; it is not",
                       NAME(call->request.user), NAME(conversation->id), NUMBER(seq));
}

bool tt_model_hides(tt_err err)
{
    return tt_err_is(err, TT_ERR_NOT_FOUND) || tt_err_is(err, TT_ERR_RATE_LIMITED) ||
           tt_err_who(err) == TT_ERR_RETRY;
}

/* Requests about one conversation, which only its members may make. */
static bool is_for_members(enum tt_request_kind kind)
{
    return kind == TT_REQUEST_SNAPSHOT || kind == TT_REQUEST_PAGE || kind == TT_REQUEST_SEND ||
           kind == TT_REQUEST_MUTE || kind == TT_REQUEST_INFO || kind == TT_REQUEST_WHY ||
           kind == TT_REQUEST_TIMELINE;
}

/* What is taken is taken, and who is no member makes nothing. */
static void check_creation(struct tt_oracle *oracle, const struct tt_call *call,
                           const struct tt_reply *reply)
{
    bool is_expected = tt_is_ok(reply->err) || tt_model_hides(reply->err) ||
                       tt_err_is(reply->err, TT_ERR_CONFLICT) ||
                       tt_err_is(reply->err, TT_ERR_BAD_MEMBERS);
    if (!is_expected)
        tt_oracle_fail(oracle, "promise 10: %.*s may not make %.*s: %s", NAME(call->request.user),
                       NAME(call->request.conversation), tt_err_text(reply->err));
}

/* A chat that is not his is answered as one that is not there. */
static void check_stranger(struct tt_oracle *oracle, const struct tt_call *call,
                           const struct tt_reply *reply)
{
    if (tt_is_ok(reply->err))
        tt_oracle_fail(oracle,
                       "promise 10: a request (%d) of %.*s about %.*s is answered, and he is no "
                       "member",
                       (int)reply->kind, NAME(call->request.user),
                       NAME(call->request.conversation));
    else if (!tt_model_hides(reply->err))
        tt_oracle_fail(oracle, "promise 10: %.*s, who is no member, is told of %.*s: %s",
                       NAME(call->request.user), NAME(call->request.conversation),
                       tt_err_text(reply->err));
    oracle->world->sometimes.pried += tt_err_is(reply->err, TT_ERR_NOT_FOUND);
}

/* It is not older than the question. */
static void check_age(struct tt_oracle *oracle, const struct tt_call *call, int number,
                      const struct tt_snapshot *snapshot)
{
    const struct call_note *note = call->oracle;
    bool has_read = snapshot->my_read.n >= note->my_read[number].n;
    if (snapshot->head.n < note->heads[number] ||
        (!has_read && call->request.kind == TT_REQUEST_SNAPSHOT))
        tt_oracle_fail(oracle,
                       "an answer has head %llu and read %llu of %.*s; it was asked for at %llu "
                       "and %llu",
                       NUMBER(snapshot->head.n), NUMBER(snapshot->my_read.n),
                       NAME(call->request.conversation), NUMBER(note->heads[number]),
                       NUMBER(note->my_read[number].n));
}

/* What somebody is told who may know. */
static void check_content(struct tt_oracle *oracle, int device, const struct tt_call *call,
                          const struct tt_reply *reply)
{
    const struct call_note *note = call->oracle;
    const struct tt_told told = {oracle->devices[device].user, note->begun_us, tt_call_clock(call)};
    const tt_id *id = &call->request.conversation;
    int number = tt_model_conversation(oracle, id);
    struct tt_sometimes *sometimes = &oracle->world->sometimes;
    switch (reply->kind) {
    case TT_REQUEST_SNAPSHOT:
        tt_oracle_check_snapshot(oracle, device, id, reply->snapshot, note->ticks[number], &told);
        check_age(oracle, call, number, reply->snapshot);
        return;
    case TT_REQUEST_PAGE:
        tt_oracle_check_page(oracle, device, id, reply->snapshot);
        check_age(oracle, call, number, reply->snapshot);
        return;
    case TT_REQUEST_LIST:
        check_list(oracle, device, call, reply);
        return;
    case TT_REQUEST_CREATE:
        check_entry_asked(oracle, device, call, reply->entry);
        sometimes->created += reply->created;
        return;
    case TT_REQUEST_SEND:
        check_sent_over_http(oracle, call, number, reply);
        sometimes->sent_over_http++;
        return;
    case TT_REQUEST_INFO:
    case TT_REQUEST_WHY:
        tt_oracle_check_about(oracle, call, number, reply);
        return;
    case TT_REQUEST_TIMELINE:
        tt_oracle_check_timeline(oracle, call, number, reply);
        return;
    case TT_REQUEST_GET_ME:
    case TT_REQUEST_PUT_ME:
    case TT_REQUEST_MUTE:
    case TT_REQUEST_LIST_DEVICES:
    case TT_REQUEST_UNLINK_DEVICE:
    case TT_REQUEST_PUT_PUSH:
    case TT_REQUEST_DELETE_PUSH:
    case TT_REQUEST_TEST_PUSH:
    case TT_REQUEST_CHECK:
        return;
    }
}

void tt_oracle_replied(struct tt_oracle *oracle, struct tt_call *call, const struct tt_reply *reply)
{
    if (oracle == NULL)
        return;
    const struct tt_request *request = &call->request;
    int device = tt_model_device(oracle, &request->user, &request->device);
    int user = oracle->devices[device].user;
    int number = tt_model_conversation(oracle, &request->conversation);
    bool is_member = number >= 0 && tt_model_is_member(&oracle->conversations[number], user);
    if (!is_member && is_for_members(request->kind)) {
        check_stranger(oracle, call, reply);
        return;
    }
    if (!is_member && request->kind == TT_REQUEST_CREATE)
        check_creation(oracle, call, reply);
    if (!tt_is_ok(reply->err)) {
        bool is_final =
            tt_err_who(reply->err) == TT_ERR_CLIENT && !tt_err_is(reply->err, TT_ERR_RATE_LIMITED);
        if (is_final && is_member && oracle->devices[device].honest)
            tt_oracle_fail(oracle, "promise 6: a request of %.*s about %.*s is refused: %s",
                           NAME(request->user), NAME(request->conversation),
                           tt_err_text(reply->err));
        return;
    }
    check_content(oracle, device, call, reply);
}
