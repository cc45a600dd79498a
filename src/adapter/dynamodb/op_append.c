#include "adapter/dynamodb/parts.h"

/*
 * Storing a message exactly once, with nothing but conditional writes of single items.
 *
 *   sends(conversation, user#client_id).seq   the one seq under which this message may be put
 *   messages(conversation, seq)               put only if absent: whoever is there first has it
 *
 * Whoever wants to store message m (the first time, again after a lost answer, on any server):
 *   1. claims: puts sends.seq = head + 1 if m has no row yet; else goes on with the row's seq.
 *   2. arms the pending rows of the others with that seq.
 *   3. puts m under the seq if nothing is there. If something is: it is m (done), or another's,
 *      and then moves sends.seq from this seq to head + 1 by compare-and-set, and goes to 2. Who
 *      loses that race reads the row again, and looks whether m is there already.
 *      What the loser needs next goes side by side, so that he does not lose for ever.
 *
 * No gap: a seq gets into sends only as a head that was seen stored, plus one. No double: m is put
 * only under sends.seq, which moves on only after another message was seen under the old one, so a
 * late put under an old seq finds it taken. No order between 1 and 2 is needed: a row armed for
 * nothing is harmless, so they go side by side.
 */
struct attempt {
    struct tt_ddb_work *work;
    struct tt_append *append;
    struct tt_ddb_conversation *conversation;
    struct tt_ddb_status sender;
    struct tt_slice send_key;
    tt_seq seq;   /* sends.seq, as far as we know */
    tt_seq armed; /* the others' rows, by us */
    bool sender_armed;
};

static struct tt_ddb_value send_range(const struct attempt *attempt)
{
    return tt_ddb_text(attempt->send_key);
}

static struct tt_ddb_value conversation_key(const struct attempt *attempt)
{
    return tt_ddb_id(&attempt->append->conversation);
}

static bool has_other_device(const struct attempt *attempt)
{
    const struct tt_ddb_status *sender = &attempt->sender;
    for (size_t i = 0; i < sender->device_count; i++)
        if (!tt_id_eq(&sender->devices[i].device, &attempt->append->message.sender_device))
            return true;
    return false;
}

static size_t arms(struct attempt *attempt, struct tt_ddb_request **requests)
{
    const struct tt_conversation *is = &attempt->conversation->is;
    size_t count = 0;
    bool sender_too = has_other_device(attempt);
    for (size_t i = 0; i < is->member_count; i++)
        if (sender_too || !tt_id_eq(&is->members[i], &attempt->append->message.sender))
            requests[count++] =
                tt_ddb_arm(attempt->work, &is->members[i], &is->id, attempt->seq, attempt->seq);
    attempt->armed = attempt->seq;
    attempt->sender_armed = sender_too;
    return count;
}

static tt_err all_known(const struct tt_ddb_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TT_TRY(tt_ddb_known(&answers[i]));
    return TT_OK;
}

static struct tt_ddb_request **room(struct attempt *attempt)
{
    return tt_arena_array(&attempt->work->arena, attempt->conversation->is.member_count + 2,
                          sizeof(struct tt_ddb_request *));
}

static tt_err arm_others(struct attempt *attempt)
{
    struct tt_ddb_request **requests = room(attempt);
    size_t count = arms(attempt, requests);
    return all_known(tt_ddb_ask_all(attempt->work, requests, count), count);
}

/* 0: there is none. */
static tt_err read_claim(struct attempt *attempt)
{
    const struct tt_ddb_answer *answer =
        tt_ddb_ask(attempt->work, tt_ddb_new(attempt->work, TT_DDB_GET, TT_DDB_SENDS,
                                             conversation_key(attempt), send_range(attempt)));
    TT_TRY(tt_ddb_known(answer));
    attempt->seq = TT_SEQ(0);
    if (answer->item_count > 0)
        attempt->seq = TT_SEQ(tt_ddb_get_number(answer->items[0], "seq"));
    return TT_OK;
}

/* One that was seen standing; if it is gone somebody deletes rows of ours, and we do not guess. */
static tt_err read_standing_claim(struct attempt *attempt)
{
    TT_TRY(read_claim(attempt));
    return attempt->seq.n > 0 ? TT_OK : TT_FAIL(UNAVAILABLE);
}

/* Whether this client_id came through this node lately. Then it is a retry, and no row is armed
 * for a seq which it will not get. */
static bool is_retry(struct attempt *attempt)
{
    struct tt_ddb_conversation *conversation = attempt->conversation;
    uint64_t hash = tt_hash(attempt->send_key, 1);
    for (size_t i = 0; i < TT_DDB_SENDS_KEPT; i++)
        if (conversation->sends[i] == hash)
            return true;
    conversation->sends[conversation->sends_next++ % TT_DDB_SENDS_KEPT] = hash;
    return false;
}

/* Step 1, with step 2 at its side. `*fresh`: the claim is certainly new. */
static tt_err claim(struct attempt *attempt, bool *fresh)
{
    *fresh = false;
    if (is_retry(attempt)) {
        TT_TRY(read_claim(attempt));
        if (attempt->seq.n > 0)
            return TT_OK;
    }
    attempt->seq = tt_seq_next(attempt->conversation->head);
    struct tt_ddb_request **requests = room(attempt);
    struct tt_ddb_request *put = tt_ddb_new(attempt->work, TT_DDB_PUT, TT_DDB_SENDS,
                                            conversation_key(attempt), send_range(attempt));
    tt_ddb_set(put, "seq", tt_ddb_number(attempt->seq.n));
    tt_ddb_only_if(put, TT_DDB_ABSENT, "seq", tt_ddb_number(0));
    requests[0] = put;
    size_t count = 1 + arms(attempt, requests + 1);
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(attempt->work, requests, count);
    TT_TRY(all_known(answers, count));
    *fresh = answers[0].outcome == TT_DDB_DONE;
    return *fresh ? TT_OK : read_standing_claim(attempt);
}

enum slot { SLOT_FREE, SLOT_OURS, SLOT_TAKEN };

/* `and_head`: the head too, which is needed next if the slot is taken. */
static tt_err look_at_slot(struct attempt *attempt, bool and_head, enum slot *slot)
{
    struct tt_append *append = attempt->append;
    struct tt_ddb_work *work = attempt->work;
    struct tt_message there;
    struct tt_ddb_request *requests[2] = {
        tt_ddb_new(work, TT_DDB_GET, TT_DDB_MESSAGES, conversation_key(attempt),
                   tt_ddb_number(attempt->seq.n)),
        tt_ddb_newest(work, &append->conversation, 1),
    };
    requests[1]->query.only = "seq";
    const struct tt_ddb_answer *answer = tt_ddb_ask_all(work, requests, and_head ? 2 : 1);
    TT_TRY(tt_ddb_known(&answer[0]));
    if (and_head) {
        TT_TRY(tt_ddb_known(&answer[1]));
        if (answer[1].item_count > 0)
            tt_ddb_saw_head(attempt->conversation,
                            TT_SEQ(tt_ddb_get_number(answer[1].items[0], "seq")));
    }
    *slot = SLOT_FREE;
    if (answer->item_count == 0 || !tt_ddb_read_message(answer->items[0], &there))
        return TT_OK;
    *slot = SLOT_TAKEN;
    tt_ddb_saw_head(attempt->conversation, there.seq);
    if (tt_id_eq(&there.sender, &append->message.sender) &&
        tt_id_eq(&there.client_id, &append->message.client_id)) {
        *slot = SLOT_OURS;
        append->message.seq = there.seq;
        append->message.timestamp = there.timestamp;
    }
    return TT_OK;
}

/* To behind the head that is known, with step 2 at its side. `*fresh`: we moved it, so nobody can
 * have put m there before us. */
static tt_err move_claim(struct attempt *attempt, bool *fresh)
{
    tt_seq next = tt_seq_next(attempt->conversation->head);
    struct tt_ddb_request **requests = room(attempt);
    struct tt_ddb_request *update = tt_ddb_new(attempt->work, TT_DDB_UPDATE, TT_DDB_SENDS,
                                               conversation_key(attempt), send_range(attempt));
    tt_ddb_set(update, "seq", tt_ddb_number(next.n));
    tt_ddb_only_if(update, TT_DDB_EQUAL, "seq", tt_ddb_number(attempt->seq.n));
    attempt->seq = next;
    requests[0] = update;
    size_t count = 1 + arms(attempt, requests + 1);
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(attempt->work, requests, count);
    TT_TRY(all_known(answers, count));
    *fresh = answers[0].outcome == TT_DDB_DONE;
    return *fresh ? TT_OK : read_standing_claim(attempt);
}

static struct tt_ddb_request *message_put(struct attempt *attempt)
{
    struct tt_ddb_request *put = tt_ddb_put_message(attempt->work, &attempt->append->conversation,
                                                    attempt->seq, &attempt->append->message);
    tt_ddb_only_if(put, TT_DDB_ABSENT, "sender", tt_ddb_number(0));
    return put;
}

/* Steps 2 and 3 until the message is there; `duplicate` says who stored it. */
static tt_err store_message(struct attempt *attempt, bool fresh)
{
    for (;;) {
        enum slot slot = SLOT_FREE;
        if (!fresh) {
            TT_TRY(look_at_slot(attempt, false, &slot));
            attempt->append->duplicate = slot == SLOT_OURS;
            if (slot == SLOT_TAKEN)
                TT_TRY(tt_ddb_look_for_head(attempt->work, attempt->conversation));
        }
        if (slot == SLOT_FREE) {
            if (attempt->armed.n != attempt->seq.n)
                TT_TRY(arm_others(attempt));
            const struct tt_ddb_answer *answer = tt_ddb_ask(attempt->work, message_put(attempt));
            TT_TRY(tt_ddb_known(answer));
            if (answer->outcome == TT_DDB_DONE) {
                attempt->append->message.seq = attempt->seq;
                return TT_OK;
            }
            TT_TRY(look_at_slot(attempt, true, &slot));
            attempt->append->duplicate = slot == SLOT_OURS && !answer->retried;
        }
        if (slot == SLOT_OURS)
            return TT_OK;
        TT_TRY(move_claim(attempt, &fresh));
    }
}

/* What of the sender's cursors stood directly before the message moves onto it. */
static bool carry(struct tt_ddb_status *row, const tt_id *device, tt_seq seq)
{
    bool moved = false;
    struct tt_device_position *position = tt_ddb_status_device(row, device);
    if (position != NULL && position->delivered.n + 1 == seq.n) {
        position->delivered = seq;
        row->cursor.delivered = tt_seq_max(row->cursor.delivered, seq);
        moved = true;
    }
    if (row->cursor.read.n + 1 == seq.n) {
        row->cursor.read = seq;
        row->cursor.delivered = tt_seq_max(row->cursor.delivered, seq);
        moved = true;
    }
    return moved;
}

/*
 * Carries the cursors along, and tells the lists. Where nothing is to be carried, the row is read
 * again instead: a device that was linked meanwhile has its own message armed after all, before
 * anybody looks for that device (its link wrote the row before it looks for what is pending).
 */
static tt_err follow_up(struct attempt *attempt)
{
    struct tt_append *append = attempt->append;
    struct tt_ddb_work *work = attempt->work;
    tt_seq seq = append->message.seq;
    struct tt_ddb_request **requests = room(attempt);
    size_t notes =
        tt_ddb_note(work, attempt->conversation, append->message.timestamp, true, requests);
    for (bool stands = false; !stands;) {
        struct tt_ddb_status row = tt_ddb_status_copy(&attempt->sender, &work->arena);
        if (!carry(&row, &append->message.sender_device, seq)) {
            if (notes > 0)
                (void)tt_ddb_ask_all(work, requests, notes);
            notes = 0;
            TT_TRY(tt_ddb_status_of(work, &append->conversation, &append->message.sender, true,
                                    &attempt->sender));
            row = tt_ddb_status_copy(&attempt->sender, &work->arena);
            if (!carry(&row, &append->message.sender_device, seq))
                break;
        }
        uint64_t mark = tt_ddb_new_mark(work->store);
        requests[notes] = tt_ddb_swap_status(work, &append->conversation, &row, mark);
        const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, notes + 1);
        TT_TRY(tt_ddb_swapped_status(work, &append->conversation, &row, mark, &answers[notes],
                                     &stands, &attempt->sender));
        notes = 0;
    }
    if (has_other_device(attempt) && !attempt->sender_armed)
        TT_TRY(tt_ddb_known(tt_ddb_ask(
            work, tt_ddb_arm(work, &append->message.sender, &append->conversation, seq, seq))));
    return TT_OK;
}

static void tell_cursor(struct attempt *attempt)
{
    const struct tt_device_position *position =
        tt_ddb_status_device(&attempt->sender, &attempt->append->message.sender_device);
    attempt->append->sender_cursor = attempt->sender.cursor;
    attempt->append->device_delivered = position == NULL ? TT_SEQ(0) : position->delivered;
}

static tt_err append_message(struct attempt *attempt)
{
    struct tt_append *append = attempt->append;
    struct tt_ddb_work *work = attempt->work;
    bool fresh;
    append->duplicate = false;
    TT_TRY(tt_ddb_find_for(work, &append->conversation, &append->message.sender,
                           &attempt->conversation));
    TT_TRY(tt_ddb_status_of(work, &append->conversation, &append->message.sender, false,
                            &attempt->sender));
    if (!attempt->conversation->head_known)
        TT_TRY(tt_ddb_look_for_head(work, attempt->conversation));
    attempt->send_key = tt_ddb_send_key(&append->message, &work->arena);
    TT_TRY(claim(attempt, &fresh));
    TT_TRY(store_message(attempt, fresh));
    tt_ddb_saw_head(attempt->conversation, append->message.seq);
    if (append->duplicate)
        return tt_ddb_status_of(work, &append->conversation, &append->message.sender, true,
                                &attempt->sender);
    /* The message is stored, whatever becomes of the rest: its cursors will be acked again, and
     * only a device linked in this moment would have to hear of it by a hint alone. */
    (void)tt_is_ok(follow_up(attempt));
    return TT_OK;
}

void tt_ddb_append(struct tt_ddb_work *work)
{
    struct attempt attempt = {.work = work, .append = &work->op->append};
    work->op->err = append_message(&attempt);
    if (tt_is_ok(work->op->err))
        tell_cursor(&attempt);
}
