/*
 * What happened to messages, and what message info, `why` and the timeline say of it. Each step of
 * a cursor is kept with its time, so a claim is exactly one that is known, or it is a lie; what was
 * there when the request began is in the answer, and what came since may be.
 */
#include "base/limits.h"
#include "base/memory.h"
#include "sim/model.h"

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

/* Who asks, about what. */
struct question {
    struct tt_oracle *oracle;
    const struct tt_call *call;
    const struct call_note *note;
    const struct known_conversation *conversation;
    int viewer;
};

static struct question question_of(struct tt_oracle *oracle, const struct tt_call *call, int number)
{
    return (struct question){
        .oracle = oracle,
        .call = call,
        .note = call->oracle,
        .conversation = &oracle->conversations[number],
        .viewer = tt_model_user(oracle, &call->request.user),
    };
}

static void note(struct known_conversation *conversation, const struct known_happening *happening)
{
    if (conversation->happening_count == conversation->happening_capacity) {
        conversation->happening_capacity = conversation->happening_capacity * 2 + 64;
        conversation->happenings =
            tt_grow(conversation->happenings, conversation->happening_capacity,
                    sizeof(conversation->happenings[0]));
    }
    conversation->happenings[conversation->happening_count++] = *happening;
}

void tt_model_note_steps(struct known_conversation *conversation, int user, struct tt_cursor before,
                         tt_time at)
{
    struct tt_cursor after = conversation->cursors[user];
    struct known_happening delivered = {TT_HAPPENED_DELIVERED, user, before.delivered.n + 1,
                                        after.delivered.n, at};
    struct known_happening read = {TT_HAPPENED_READ, user, before.read.n + 1, after.read.n, at};
    if (after.delivered.n > before.delivered.n)
        note(conversation, &delivered);
    if (after.read.n > before.read.n)
        note(conversation, &read);
}

void tt_model_note_push(struct tt_oracle *oracle, const struct tt_record_push *push)
{
    const struct tt_happening *is = &push->happening;
    int number = tt_model_conversation(oracle, &push->conversation);
    struct known_happening happening = {is->kind, tt_model_user(oracle, &is->user), is->from.n,
                                        is->to.n, is->at};
    if (number >= 0)
        note(&oracle->conversations[number], &happening);
}

/* The step that went over the seq: there is at most one. SIZE_MAX: none. */
static size_t step_over(const struct known_conversation *conversation, int user,
                        enum tt_happening_kind kind, uint64_t seq)
{
    for (size_t i = conversation->happening_count; i-- > 0;) {
        const struct known_happening *is = &conversation->happenings[i];
        if (is->kind == kind && is->user == user && is->from <= seq && seq <= is->to)
            return i;
    }
    return SIZE_MAX;
}

/* Whether it happened at the time that is told (0: it has not). */
static bool is_true_moment(const struct question *question, int user, enum tt_happening_kind kind,
                           uint64_t seq, tt_time told)
{
    size_t step = step_over(question->conversation, user, kind, seq);
    if (told.ms == 0) /* what happened since it was asked need not be told */
        return step == SIZE_MAX || step >= question->note->happening_count;
    return step != SIZE_MAX && question->conversation->happenings[step].at.ms == told.ms;
}

static bool may_see(const struct question *question, int user)
{
    uint64_t asked_us = question->note->begun_us;
    return user == question->viewer ||
           (!tt_model_was_hidden(question->oracle, user, asked_us) &&
            !tt_model_was_hidden(question->oracle, question->viewer, asked_us));
}

static bool is_known_push(const struct question *question, int user,
                          const struct tt_happening *push, uint64_t seq)
{
    for (size_t i = 0; i < question->conversation->happening_count; i++) {
        const struct known_happening *is = &question->conversation->happenings[i];
        if (is->kind == push->kind && is->user == user && is->from == seq &&
            is->at.ms == push->at.ms)
            return true;
    }
    return false;
}

static bool has_true_wait(const struct tt_receipt *receipt)
{
    bool waits_for_delivery = receipt->waiting_for == TT_WAITING_FOR_CONNECTION ||
                              receipt->waiting_for == TT_WAITING_FOR_DELIVERED_ACK;
    if (receipt->delivered_at.ms == 0)
        return waits_for_delivery && receipt->read_at.ms == 0;
    return receipt->waiting_for ==
           (receipt->read_at.ms == 0 ? TT_WAITING_FOR_READ_ACK : TT_WAITING_FOR_NOTHING);
}

static void check_receipt(const struct question *question, uint64_t seq,
                          const struct tt_receipt *receipt)
{
    struct tt_oracle *oracle = question->oracle;
    const tt_id *id = &question->conversation->id;
    int user = tt_model_user(oracle, &receipt->user);
    if (!is_true_moment(question, user, TT_HAPPENED_DELIVERED, seq, receipt->delivered_at) ||
        !is_true_moment(question, user, TT_HAPPENED_READ, seq, receipt->read_at) ||
        !has_true_wait(receipt))
        tt_oracle_fail(oracle,
                       "promise 3/4: of %.*s, %.*s seq %llu, it is said that it was delivered at "
                       "%lld and read at %lld; that is not true",
                       NAME(receipt->user), NAME(*id), NUMBER(seq),
                       (long long)receipt->delivered_at.ms, (long long)receipt->read_at.ms);
    bool tells_presence =
        receipt->offline_since.ms != 0 || receipt->waiting_for == TT_WAITING_FOR_CONNECTION;
    if (tells_presence && !may_see(question, user))
        tt_oracle_fail(oracle, "promise 9: a receipt tells %.*s since when %.*s is away",
                       NAME(question->call->request.user), NAME(receipt->user));
    const struct tt_told told = {question->viewer, question->note->begun_us,
                                 tt_call_clock(question->call)};
    const struct tt_status away = {.last_seen = receipt->offline_since};
    bool is_own = user == question->viewer;
    if (!is_own && receipt->offline_since.ms != 0)
        tt_oracle_check_answer(oracle, &receipt->user, &away, &told);
    const struct tt_happening *push = &receipt->push;
    if (!is_own && (push->detail.size > 0 || !tt_id_is_none(&push->device)))
        tt_oracle_fail(oracle, "promise 10: a receipt tells %.*s of a device of %.*s",
                       NAME(question->call->request.user), NAME(receipt->user));
    if (push->at.ms != 0 && !is_known_push(question, user, push, seq))
        tt_oracle_fail(oracle, "a receipt says that %.*s was rung for %.*s seq %llu; he was not",
                       NAME(receipt->user), NAME(*id), NUMBER(seq));
}

static enum tt_tick tick_of(const struct tt_reply *reply)
{
    enum tt_tick tick = reply->about.receipt_count == 0 ? TT_TICK_ONE : TT_TICK_BLUE;
    for (size_t i = 0; i < reply->about.receipt_count; i++) {
        const struct tt_receipt *receipt = &reply->about.receipts[i];
        if (receipt->delivered_at.ms == 0)
            return TT_TICK_ONE;
        if (receipt->read_at.ms == 0)
            tick = TT_TICK_TWO;
    }
    return tick;
}

/* Everybody but the sender, each once. */
static bool has_all_receipts(const struct question *question, const struct tt_reply *reply)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < reply->about.receipt_count; i++) {
        const struct tt_receipt *receipt = &reply->about.receipts[i];
        int user = tt_model_user(question->oracle, &receipt->user);
        if (!tt_model_is_member(question->conversation, user) || (seen >> user & 1) != 0 ||
            tt_id_eq(&receipt->user, &reply->about.sender))
            return false;
        seen |= 1U << user;
    }
    return reply->about.receipt_count + 1 == (size_t)question->conversation->member_count;
}

void tt_oracle_check_about(struct tt_oracle *oracle, const struct tt_call *call, int number,
                           const struct tt_reply *reply)
{
    struct question question = question_of(oracle, call, number);
    const struct known_conversation *conversation = question.conversation;
    uint64_t seq = reply->about.seq.n;
    bool is_true = seq == call->request.about.seq.n && seq > 0 &&
                   seq <= conversation->message_count &&
                   tt_id_eq(&conversation->messages[seq - 1].sender, &reply->about.sender) &&
                   conversation->messages[seq - 1].timestamp.ms == reply->about.timestamp.ms;
    if (!is_true || !has_all_receipts(&question, reply) || reply->about.tick != tick_of(reply)) {
        tt_oracle_fail(oracle, "promise 3/4: what is said about %.*s seq %llu is not true",
                       NAME(conversation->id), NUMBER(seq));
        return;
    }
    for (size_t i = 0; i < reply->about.receipt_count; i++)
        check_receipt(&question, seq, &reply->about.receipts[i]);
    oracle->world->sometimes.history_told++;
}

/* The timeline. */

static bool is_asked_for(const struct tt_request *request, uint64_t from, uint64_t to)
{
    uint64_t last = request->timeline.to.n == 0 ? UINT64_MAX : request->timeline.to.n;
    return to >= request->timeline.from.n && from <= last;
}

/* Which of the known things it is, messages first, of those not told yet; SIZE_MAX: none. */
static size_t which(const struct question *question, const struct tt_happening *event,
                    const uint8_t *told)
{
    const struct known_conversation *conversation = question->conversation;
    size_t messages = conversation->message_count;
    if (event->kind == TT_HAPPENED_STORED) {
        if (event->from.n == 0 || event->from.n > messages || event->to.n != event->from.n)
            return SIZE_MAX;
        const struct known_message *message = &conversation->messages[event->from.n - 1];
        bool is_it = tt_id_eq(&message->sender, &event->user) &&
                     message->timestamp.ms == event->at.ms && !told[event->from.n - 1];
        return is_it ? event->from.n - 1 : SIZE_MAX;
    }
    int user = tt_model_user(question->oracle, &event->user);
    for (size_t i = conversation->happening_count; i-- > 0;) {
        const struct known_happening *is = &conversation->happenings[i];
        if (is->kind == event->kind && is->user == user && is->from == event->from.n &&
            is->to == event->to.n && is->at.ms == event->at.ms && !told[messages + i])
            return messages + i;
    }
    return SIZE_MAX;
}

static bool is_visit(const struct tt_happening *event)
{
    return event->kind == TT_HAPPENED_CONNECTED || event->kind == TT_HAPPENED_DISCONNECTED;
}

static void check_event(const struct question *question, const struct tt_happening *event,
                        uint8_t *told)
{
    struct tt_oracle *oracle = question->oracle;
    const tt_id *asking = &question->call->request.user;
    const tt_id *id = &question->conversation->id;
    int user = tt_model_user(oracle, &event->user);
    if (!tt_model_is_member(question->conversation, user) ||
        (user != question->viewer && !tt_id_is_none(&event->device)))
        tt_oracle_fail(oracle, "promise 10: the timeline of %.*s tells %.*s of %.*s", NAME(*id),
                       NAME(*asking), NAME(event->user));
    if (is_visit(event)) {
        if (!may_see(question, user))
            tt_oracle_fail(oracle, "promise 9: the timeline tells %.*s when %.*s was there",
                           NAME(*asking), NAME(event->user));
        return;
    }
    size_t is = which(question, event, told);
    if (is == SIZE_MAX || !is_asked_for(&question->call->request, event->from.n, event->to.n)) {
        tt_oracle_fail(oracle,
                       "promise 3/4: the timeline of %.*s tells of something of %.*s, seq %llu to "
                       "%llu, that did not happen so",
                       NAME(*id), NAME(event->user), NUMBER(event->from.n), NUMBER(event->to.n));
        return;
    }
    told[is] = 1;
}

static void check_told(const struct question *question, const uint8_t *told)
{
    const struct known_conversation *conversation = question->conversation;
    const struct tt_request *request = &question->call->request;
    int number = (int)(conversation - question->oracle->conversations);
    for (uint64_t seq = 1; seq <= question->note->heads[number]; seq++)
        if (!told[seq - 1] && is_asked_for(request, seq, seq))
            tt_oracle_fail(question->oracle, "the timeline of %.*s leaves out seq %llu",
                           NAME(conversation->id), NUMBER(seq));
    for (size_t i = 0; i < question->note->happening_count; i++) {
        const struct known_happening *is = &conversation->happenings[i];
        if (!told[conversation->message_count + i] && is_asked_for(request, is->from, is->to))
            tt_oracle_fail(question->oracle,
                           "the timeline of %.*s leaves out what happened to seq %llu to %llu",
                           NAME(conversation->id), NUMBER(is->from), NUMBER(is->to));
    }
}

void tt_oracle_check_timeline(struct tt_oracle *oracle, const struct tt_call *call, int number,
                              const struct tt_reply *reply)
{
    struct question question = question_of(oracle, call, number);
    const struct known_conversation *conversation = question.conversation;
    size_t known = conversation->message_count + conversation->happening_count;
    uint8_t *told = tt_alloc(known + 1);
    for (size_t i = 0; i < reply->timeline.happening_count; i++) {
        const struct tt_happening *event = &reply->timeline.happenings[i];
        if (i > 0 && event->at.ms < reply->timeline.happenings[i - 1].at.ms)
            tt_oracle_fail(oracle, "the timeline of %.*s goes back", NAME(conversation->id));
        check_event(&question, event, told);
    }
    /* Of too many things only the newest are told. Who connects once, leaves once at most. */
    bool is_cut = call->request.timeline.since.ms != 0 || call->request.timeline.until.ms != 0 ||
                  known + 2 * oracle->links > TT_LIMIT_HAPPENINGS;
    if (!is_cut)
        check_told(&question, told);
    tt_free(told);
    oracle->world->sometimes.history_told++;
}
