#include <stdint.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/steps.h"

/* One cursor's step into the row's text. */
static void add_step(struct tt_ddb_work *work, struct tt_ddb_status *row,
                     enum tt_happening_kind kind, tt_seq before, tt_seq after)
{
    const struct tt_advance *advance = &work->op->advance;
    if (after.n == before.n)
        return;
    struct tt_happening step = {.kind = kind,
                                .at = advance->at,
                                .from = tt_seq_next(before),
                                .to = after,
                                .device = advance->device};
    row->steps = tt_ddb_steps_add(row->steps, &step, &work->arena);
}

/* NULL: the device is not linked, or not by the link that acked. */
static struct tt_device_position *position_of(const struct tt_ddb_status *row,
                                              const struct tt_advance *advance)
{
    struct tt_device_position *position = tt_ddb_status_device(row, &advance->device);
    bool is_other = position != NULL && advance->linked_at.ms != 0 && position->linked_at.ms != 0 &&
                    position->linked_at.ms != advance->linked_at.ms;
    return is_other ? NULL : position;
}

/* True if anything moves. */
static bool move(struct tt_ddb_work *work, struct tt_ddb_status *row,
                 const struct tt_advance *advance)
{
    struct tt_cursor before = row->cursor;
    tt_seq delivered = tt_seq_max(advance->to.delivered, advance->to.read);
    struct tt_device_position *position = position_of(row, advance);
    bool moved = false;
    if (position != NULL && position->delivered.n < delivered.n) {
        position->delivered = delivered;
        moved = true;
    }
    row->cursor.delivered = tt_seq_max(before.delivered, delivered);
    row->cursor.read = tt_seq_max(before.read, advance->to.read);
    add_step(work, row, TT_HAPPENED_DELIVERED, before.delivered, row->cursor.delivered);
    add_step(work, row, TT_HAPPENED_READ, before.read, row->cursor.read);
    return moved || row->cursor.delivered.n > before.delivered.n ||
           row->cursor.read.n > before.read.n;
}

static tt_err move_row(struct tt_ddb_work *work, struct tt_ddb_status *stand)
{
    struct tt_advance *advance = &work->op->advance;
    TT_TRY(tt_ddb_status_of(work, &advance->conversation, &advance->user, false, stand));
    for (bool stands = false; !stands;) {
        struct tt_ddb_status row = tt_ddb_status_copy(stand, &work->arena);
        advance->before = row.cursor;
        if (!move(work, &row, advance))
            return TT_OK;
        TT_TRY(tt_ddb_spill(work, tt_id_slice(&advance->conversation), &advance->user, &row.steps));
        uint64_t mark = tt_ddb_new_mark(work->store);
        const struct tt_ddb_answer *answer =
            tt_ddb_ask(work, tt_ddb_swap_status(work, &advance->conversation, &row, mark));
        TT_TRY(tt_ddb_swapped_status(work, &advance->conversation, &row, mark, answer, &stands,
                                     stand));
    }
    return TT_OK;
}

static void tell(struct tt_advance *advance, const struct tt_ddb_status *row)
{
    const struct tt_device_position *position = position_of(row, advance);
    advance->after = row->cursor;
    advance->device_delivered = position == NULL ? TT_SEQ(0) : position->delivered;
}

/* The others' cursors are read after the own row was written, so that of two members who advance
 * at once one sees the other. At its side goes what else is to be done. */
static tt_err advance_cursor(struct tt_ddb_work *work)
{
    struct tt_advance *advance = &work->op->advance;
    struct tt_ddb_conversation *conversation;
    struct tt_ddb_status row;
    tt_seq furthest = tt_seq_max(advance->to.delivered, advance->to.read);
    TT_TRY(tt_ddb_find_for(work, &advance->conversation, &advance->user, &conversation));
    if (!conversation->head_known || furthest.n > conversation->head.n)
        TT_TRY(tt_ddb_look_for_head(work, conversation));
    if (furthest.n > conversation->head.n)
        return TT_FAIL(ACK_AHEAD);
    TT_TRY(move_row(work, &row));
    tell(advance, &row);
    advance->head = conversation->head;

    size_t count = 0;
    struct tt_ddb_request **requests = tt_arena_array(
        &work->arena, conversation->is.member_count + 2, sizeof(struct tt_ddb_request *));
    requests[count++] = tt_ddb_all_status(work, &advance->conversation);
    tt_seq reached = tt_ddb_status_reached(&row);
    if (reached.n >= conversation->head.n && reached.n > 0)
        requests[count++] = tt_ddb_disarm(work, &advance->user, &advance->conversation, reached);
    if (advance->after.delivered.n > advance->before.delivered.n ||
        advance->after.read.n > advance->before.read.n)
        count += tt_ddb_note(work, conversation, advance->at, false, requests + count);
    struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, count);
    TT_TRY(tt_ddb_known(&answers[0]));
    tt_ddb_follow_pages(work, requests[0], &answers[0], SIZE_MAX);
    TT_TRY(tt_ddb_known(&answers[0]));
    advance->members = tt_ddb_member_cursors(&answers[0], &conversation->is, &work->op->arena);
    advance->member_count = conversation->is.member_count;
    return TT_OK;
}

void tt_ddb_advance(struct tt_ddb_work *work)
{
    work->op->err = advance_cursor(work);
}
