#include "edge/deadline.h"

#include <stddef.h>

void tt_deadlines_init(struct tt_deadlines *deadlines, const uint64_t ms[TT_DEADLINE_KINDS])
{
    for (int kind = 0; kind < TT_DEADLINE_KINDS; kind++) {
        struct tt_deadline *head = &deadlines->lists[kind];
        *head = (struct tt_deadline){.next = head, .previous = head};
        deadlines->ms[kind] = ms[kind];
    }
}

void tt_deadline_set(struct tt_deadlines *deadlines, struct tt_deadline *deadline,
                     enum tt_deadline_kind kind, tt_mono now)
{
    if (deadline->kind != TT_DEADLINE_NONE) {
        deadline->next->previous = deadline->previous;
        deadline->previous->next = deadline->next;
    }
    *deadline = (struct tt_deadline){.kind = kind};
    if (kind == TT_DEADLINE_NONE)
        return;
    struct tt_deadline *head = &deadlines->lists[kind];
    deadline->at = tt_mono_after(now, deadlines->ms[kind]);
    deadline->next = head;
    deadline->previous = head->previous;
    head->previous->next = deadline;
    head->previous = deadline;
}

static struct tt_deadline *first(const struct tt_deadlines *deadlines)
{
    struct tt_deadline *earliest = NULL;
    for (int kind = 0; kind < TT_DEADLINE_KINDS; kind++) {
        const struct tt_deadline *head = &deadlines->lists[kind];
        if (head->next != head && (earliest == NULL || head->next->at.ms < earliest->at.ms))
            earliest = head->next;
    }
    return earliest;
}

tt_mono tt_deadlines_next(const struct tt_deadlines *deadlines)
{
    const struct tt_deadline *earliest = first(deadlines);
    return earliest == NULL ? TT_MONO(0) : earliest->at;
}

struct tt_deadline *tt_deadlines_due(struct tt_deadlines *deadlines, tt_mono now)
{
    struct tt_deadline *earliest = first(deadlines);
    return earliest != NULL && earliest->at.ms <= now.ms ? earliest : NULL;
}
