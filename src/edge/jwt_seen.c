#include "edge/jwt_seen.h"

#include "base/map.h"
#include "base/memory.h"

/* The tokens of so many people who are about, in less than a megabyte. A token has WAYS places to
 * be in: with one, some of a hundred would drive each other out again and again. */
#define WAYS           4
#define SETS           256
#define TOKEN_SIZE_MAX 800

struct place {
    uint64_t hash;
    uint64_t version; /* of the keys */
    struct tt_jwt_claims claims;
    struct tt_buffer token; /* empty: none */
};

struct tt_jwt_seen {
    uint64_t seed;
    struct place places[SETS][WAYS];
    uint8_t next[SETS]; /* the place that was filled longest ago */
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
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < WAYS; j++)
            tt_buffer_deinit(&seen->places[i][j].token);
    tt_free(seen);
}

static bool is_seen(const struct place *place, uint64_t hash, uint64_t version,
                    struct tt_slice token)
{
    return place->hash == hash && place->version == version &&
           tt_slice_eq(tt_buffer_slice(&place->token), token);
}

static void keep(struct place *place, uint64_t hash, uint64_t version, struct tt_slice token,
                 const struct tt_jwt_claims *claims)
{
    place->hash = hash;
    place->version = version;
    place->claims = *claims;
    place->token.size = 0;
    tt_buffer_add(&place->token, token);
}

tt_err tt_jwt_seen_verify(struct tt_jwt_seen *seen, const struct tt_jwt_keys *keys,
                          const struct tt_jwt_policy *policy, struct tt_slice token, tt_time now,
                          struct tt_jwt_claims *claims, const char **reason)
{
    if (seen == NULL || token.size == 0 || token.size > TOKEN_SIZE_MAX)
        return tt_jwt_verify(keys, policy, token, now, claims, reason);
    uint64_t hash = tt_hash(token, seen->seed);
    uint64_t version = tt_jwt_keys_version(keys); /* before it is verified with them */
    size_t set = hash % SETS;
    for (size_t i = 0; i < WAYS; i++) {
        const struct place *place = &seen->places[set][i];
        if (is_seen(place, hash, version, token) && now.ms < place->claims.expires.ms) {
            *claims = place->claims;
            return TT_OK;
        }
    }
    TT_TRY(tt_jwt_verify(keys, policy, token, now, claims, reason));
    keep(&seen->places[set][seen->next[set]], hash, version, token, claims);
    seen->next[set] = (uint8_t)((seen->next[set] + 1) % WAYS);
    return TT_OK;
}
