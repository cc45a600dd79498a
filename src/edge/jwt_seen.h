/*
 * jwt_seen: the tokens that were found good lately, so that whoever asks again and again with the
 * same one is not asked for its signature each time. For one thread.
 *
 * A token counts as seen only if all of it is the same and the keys are the same set as then; its
 * `exp` is looked at each time. Bad tokens are never kept.
 */
#ifndef TT_EDGE_JWT_SEEN_H
#define TT_EDGE_JWT_SEEN_H

#include "edge/jwt.h"

struct tt_jwt_seen;

/* The seed is secret: who knows it can make tokens push each other out. */
struct tt_jwt_seen *tt_jwt_seen_create(uint64_t hash_seed);
void tt_jwt_seen_destroy(struct tt_jwt_seen **take_seen);

/* As tt_jwt_verify, always with the same keys and policy. `seen` NULL: nothing is kept. */
TT_MUST_CHECK tt_err tt_jwt_seen_verify(struct tt_jwt_seen *seen, const struct tt_jwt_keys *keys,
                                        const struct tt_jwt_policy *policy, struct tt_slice token,
                                        tt_time now, struct tt_jwt_claims *claims,
                                        const char **reason);

#endif
