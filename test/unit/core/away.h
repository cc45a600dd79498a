/*
 * away: a bench where Bob has linked a phone, whose push address is known, and is away.
 */
#ifndef TT_TEST_AWAY_H
#define TT_TEST_AWAY_H

#include "bench.h"
#include "unit.h"

struct bench *bob_is_away_and(void (*change)(struct tt_core_options *options));
struct bench *bob_is_away(void);

/* Up to where the store says that it has rung for Bob. */
uint64_t kept_as_rung(struct bench *bench);

/* The notifier's answer about the phone. */
void become_of_it(struct bench *bench, uint64_t seq, enum tt_notify_outcome outcome,
                  uint32_t retry_after_ms);
void accept_all(struct bench *bench, uint64_t from, uint64_t to);

#endif
