#include "sim/store_steps.h"

struct tt_store_step tt_store_step_of(const struct tt_append *append)
{
    return (struct tt_store_step){append->conversation, append->message.sender};
}

void tt_store_step_arm(struct tt_store_tables *tables, const struct tt_store_step *step)
{
    struct tt_conversation_row *row = tt_store_tables_conversation(tables, &step->conversation);
    if (row == NULL || tt_store_tables_member(row, &step->sender) == NULL ||
        tables->mutant == TT_MUTANT_PENDING_NOT_ARMED)
        return;
    tt_seq seq = tt_seq_next(tt_store_tables_head(row));
    for (size_t i = 0; i < row->member_count; i++) {
        struct tt_member_row *member = &row->members[i];
        if (tt_id_eq(&member->user, &step->sender))
            continue;
        if (!member->is_pending)
            member->first_undelivered = seq;
        member->is_pending = true;
        member->armed = tt_seq_max(member->armed, seq);
    }
}
