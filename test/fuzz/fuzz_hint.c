#include "fuzz.h"

#include "model/hint.h"

/* What decodes means the same after it was encoded again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_hint hint;
    if (!tt_is_ok(tt_hint_decode(tt_slice(data, size), &hint)))
        return 0;
    struct tt_buffer first = {0};
    struct tt_buffer second = {0};
    struct tt_hint again;
    tt_hint_encode(&hint, &first);
    tt_err err = tt_hint_decode(tt_buffer_slice(&first), &again);
    TT_ASSERT(tt_is_ok(err));
    tt_hint_encode(&again, &second);
    TT_ASSERT(tt_slice_eq(tt_buffer_slice(&first), tt_buffer_slice(&second)));
    tt_buffer_deinit(&first);
    tt_buffer_deinit(&second);
    return 0;
}
