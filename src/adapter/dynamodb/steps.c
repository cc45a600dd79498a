#include "adapter/dynamodb/steps.h"

#include "adapter/dynamodb/table.h"

static const struct {
    enum tt_happening_kind kind;
    char letter;
} letters[] = {
    {TT_HAPPENED_DELIVERED, 'd'},     {TT_HAPPENED_READ, 'r'},
    {TT_HAPPENED_CONNECTED, 'c'},     {TT_HAPPENED_DISCONNECTED, 'x'},
    {TT_HAPPENED_PUSH_ACCEPTED, 'p'}, {TT_HAPPENED_PUSH_FAILED, 'f'},
};

static char letter_of(enum tt_happening_kind kind)
{
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].kind == kind)
            return letters[i].letter;
    TT_ASSERT(false);
    return 0;
}

struct tt_slice tt_ddb_steps_add(struct tt_slice steps, const struct tt_happening *step,
                                 struct tt_arena *arena)
{
    struct tt_buffer text = {0};
    tt_buffer_add(&text, steps);
    tt_buffer_add_byte(&text, letter_of(step->kind));
    if (step->from.n != 0) {
        tt_buffer_add_u64(&text, step->from.n);
        tt_buffer_add_byte(&text, '-');
        tt_buffer_add_u64(&text, step->to.n);
    }
    tt_buffer_add_byte(&text, '@');
    tt_buffer_add_u64(&text, step->at.ms < 0 ? 0 : (uint64_t)step->at.ms);
    if (!tt_id_is_none(&step->device)) {
        tt_buffer_add_byte(&text, '=');
        tt_buffer_add(&text, tt_id_slice(&step->device));
    }
    tt_buffer_add_byte(&text, ';');
    struct tt_slice copy = tt_arena_copy(arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return copy;
}

static bool read_step(struct tt_slice text, struct tt_happening *step)
{
    if (text.size == 0)
        return false;
    char letter = text.data[0];
    text = tt_slice_from(text, 1);
    *step = (struct tt_happening){.user = step->user, .detail = step->detail};
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].letter == letter)
            step->kind = letters[i].kind;
    struct tt_slice seqs = tt_slice_take_until(&text, '@');
    if (seqs.size > 0) {
        struct tt_slice from = tt_slice_take_until(&seqs, '-');
        if (!tt_ddb_digits(from, &step->from.n) || !tt_ddb_digits(seqs, &step->to.n))
            return false;
    }
    struct tt_slice time = tt_slice_take_until(&text, '=');
    uint64_t ms;
    if (!tt_ddb_digits(time, &ms))
        return false;
    step->at = TT_TIME((int64_t)ms);
    return text.size == 0 || tt_is_ok(tt_id_parse(text, &step->device));
}

bool tt_ddb_steps_next(struct tt_slice *rest, struct tt_happening *step)
{
    while (rest->size > 0)
        if (read_step(tt_slice_take_until(rest, ';'), step))
            return true;
    return false;
}

size_t tt_ddb_steps_cut(struct tt_slice steps)
{
    if (steps.size < TT_DDB_STEPS_SIZE_MAX)
        return 0;
    size_t at = steps.size / 2;
    while (at > 0 && steps.data[at - 1] != ';')
        at--;
    return at;
}

size_t tt_ddb_steps_count(struct tt_slice steps)
{
    size_t count = 0;
    for (size_t i = 0; i < steps.size; i++)
        count += steps.data[i] == ';';
    return count;
}
