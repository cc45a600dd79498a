#include "fuzz.h"

#include "adapter/embedded/record.h"

/* A record of the journal: what decodes means the same after it was encoded again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_arena arena = {0};
    struct tt_buffer first = {0};
    struct tt_buffer second = {0};
    struct tt_record record;
    if (tt_is_ok(tt_record_decode(tt_slice(data, size), &arena, &record))) {
        tt_record_encode(&record, &first);
        tt_err err = tt_record_decode(tt_buffer_slice(&first), &arena, &record);
        TT_ASSERT(tt_is_ok(err));
        tt_record_encode(&record, &second);
        TT_ASSERT(tt_slice_eq(tt_buffer_slice(&first), tt_buffer_slice(&second)));
    }
    tt_buffer_deinit(&first);
    tt_buffer_deinit(&second);
    tt_arena_deinit(&arena);
    return 0;
}
