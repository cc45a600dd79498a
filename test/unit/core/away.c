#include "away.h"

struct bench *bob_is_away_and(void (*change)(struct tt_core_options *options))
{
    struct bench *bench = bench_create(change);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_hang_up(bench, bob);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of("bob");
    op->put_push_address.device = tt_id_of("phone");
    op->put_push_address.address_count_max = 10;
    op->put_push_address.address =
        (struct tt_push_address){.provider = TT_PUSH_APNS, .token = TT_SLICE_LITERAL("token")};
    bench_store(bench, op);
    bench_pass_ms(bench, 3000);
    return bench;
}

struct bench *bob_is_away(void)
{
    return bob_is_away_and(NULL);
}

uint64_t kept_as_rung(struct bench *bench)
{
    const tt_id conversation = tt_id_of("c");
    const tt_id bob = tt_id_of("bob");
    return tt_store_tables_member(tt_store_tables_conversation(&bench->tables, &conversation), &bob)
        ->pushed.n;
}

void become_of_it(struct bench *bench, uint64_t seq, enum tt_notify_outcome outcome,
                  uint32_t retry_after_ms)
{
    struct tt_notified notified = {.user = tt_id_of("bob"),
                                   .device = tt_id_of("phone"),
                                   .conversation = tt_id_of("c"),
                                   .seq = TT_SEQ(seq),
                                   .provider = TT_PUSH_APNS,
                                   .outcome = outcome,
                                   .retry_after_ms = retry_after_ms};
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NOTIFIED, .notified = &notified});
}

void accept_all(struct bench *bench, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++)
        become_of_it(bench, seq, TT_NOTIFY_ACCEPTED, 0);
}
