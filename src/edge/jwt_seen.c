#include "edge/jwt_seen.h"

#include "base/map.h"
#include "base/memory.h"

/* A power of two; the tokens of so many people who are about, in less than a megabyte. */
#define PLACES         1024
#define TOKEN_SIZE_MAX 800

struct place {
    uint64_t hash;
    uint64_t version; /* of the keys */
    struct tt_jwt_claims claims;
    struct tt_buffer token; /* empty: none */
};

struct tt_jwt_seen {
    uint64_t seed;
    struct place places[PLACES];
};

struct tt_jwt_seen *tt_jwt_seen_create(uint64_t hash_seed)
{
    struct tt_jwt_seen *seen = tt_alloc(sizeof(*seen));
    seen->seed = hash_seed;
    return seen;
}

void tt_jwt_seen_destroy(struct tt_jwt_seen **take_seen)
{
    struct tt_jwt_seen *seen = *take_seen;
    *take_seen = NULL;
    if (seen == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        tt_buffer_deinit(&seen->places[i].token);
    tt_free(seen);
}

static bool is_seen(const struct place *place, uint64_t hash, uint64_t version,
                    struct tt_slice token)
{
    return place->hash == hash && place->version == version &&
           tt_slice_eq(tt_buffer_slice(&place->token), token);
}

tt_err tt_jwt_seen_verify(struct tt_jwt_seen *seen, const struct tt_jwt_keys *keys,
                          const struct tt_jwt_policy *policy, struct tt_slice token, tt_time now,
                          struct tt_jwt_claims *claims, const char **reason)
{
    if (seen == NULL || token.size == 0 || token.size > TOKEN_SIZE_MAX)
        return tt_jwt_verify(keys, policy, token, now, claims, reason);
    uint64_t hash = tt_hash(token, seen->seed);
    uint64_t version = tt_jwt_keys_version(keys); /* before it is verified with them */
    struct place *place = &seen->places[hash % PLACES];
    if (is_seen(place, hash, version, token) && now.ms < place->claims.expires.ms) {
        *claims = place->claims;
        return TT_OK;
    }
    TT_TRY(tt_jwt_verify(keys, policy, token, now, claims, reason));
    place->hash = hash;
    place->version = version;
    place->claims = *claims;
    place->token.size = 0;
    tt_buffer_add(&place->token, token);
    return TT_OK;
}
