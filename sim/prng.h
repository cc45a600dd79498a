/*
 * prng: xoshiro256** (Blackman and Vigna, public domain), integers only. One stream per subsystem,
 * so that switching one fault off leaves the draws of all the others as they were.
 */
#ifndef TT_SIM_PRNG_H
#define TT_SIM_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct tt_prng {
    uint64_t state[4];
};

enum tt_prng_stream {
    TT_STREAM_SWARM = 1,
    TT_STREAM_WORKLOAD,
    TT_STREAM_NETWORK,
    TT_STREAM_STORE,
    TT_STREAM_REGISTRY,
    TT_STREAM_BUS,
    TT_STREAM_CRASH,
    TT_STREAM_ENTROPY,
    TT_STREAM_TURN,
    TT_STREAM_NOTIFIER,
    TT_STREAM_THOUGHT,
    TT_STREAM_WEATHER,
    TT_STREAM_CLOCK,
    TT_STREAM_PHONES,
};

static inline uint64_t tt_prng_rotate(uint64_t word, unsigned bits)
{
    return (word << bits) | (word >> (64 - bits));
}

/* The seed is spread by splitmix64, as the authors recommend. */
static inline void tt_prng_init(struct tt_prng *prng, uint64_t seed, enum tt_prng_stream stream)
{
    uint64_t at = seed * 0x9e3779b97f4a7c15ULL + (uint64_t)stream * 0xd1342543de82ef95ULL;
    for (unsigned i = 0; i < 4; i++) {
        at += 0x9e3779b97f4a7c15ULL;
        uint64_t word = at;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
        prng->state[i] = word ^ (word >> 31);
    }
}

static inline uint64_t tt_prng_next(struct tt_prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = tt_prng_rotate(s[1] * 5, 7) * 9;
    uint64_t word = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= word;
    s[3] = tt_prng_rotate(s[3], 45);
    return result;
}

/* 0 to bound - 1; bound > 0. The bias of the remainder does not matter for tests. */
static inline uint64_t tt_prng_below(struct tt_prng *prng, uint64_t bound)
{
    return tt_prng_next(prng) % bound;
}

static inline uint64_t tt_prng_between(struct tt_prng *prng, uint64_t low, uint64_t high)
{
    return low + tt_prng_below(prng, high - low + 1);
}

/* True `per_mille` times in 1000. Draws once whatever the chance, so that streams stay aligned. */
static inline bool tt_prng_chance(struct tt_prng *prng, uint32_t per_mille)
{
    return tt_prng_below(prng, 1000) < per_mille;
}

/* About exponentially distributed around `mean`, with its long tail. */
static inline uint64_t tt_prng_delay(struct tt_prng *prng, uint64_t mean)
{
    uint64_t half_life = mean * 693 / 1000;
    unsigned halvings = (unsigned)__builtin_clzll(tt_prng_next(prng) | 1);
    return half_life * halvings + tt_prng_below(prng, half_life + 1);
}

/* Likewise, of an op that some adapter carries out: those give up after a while. */
static inline uint64_t tt_prng_tail(struct tt_prng *prng, uint64_t mean)
{
    uint64_t delay = tt_prng_delay(prng, mean);
    return delay < 4 * mean ? delay : 4 * mean;
}

#endif
