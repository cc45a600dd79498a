/*
 * map: a hash table from byte strings to pointers, with open addressing and no memory of its own
 * for the keys: each value holds its key, and `key_of` finds it there.
 *
 * The hash is seeded by the owner (a process draws it from its entropy, the
 * simulator from its seed), and the order of iteration depends on nothing but the seed and the
 * history, so a simulated run repeats exactly.
 */
#ifndef TT_BASE_MAP_H
#define TT_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

typedef struct tt_slice (*tt_map_key_of)(const void *value);

struct tt_map_slot {
    uint64_t hash;
    void *value; /* NULL: free */
};

struct tt_map {
    struct tt_map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
    tt_map_key_of key_of;
};

void tt_map_init(struct tt_map *map, tt_map_key_of key_of, uint64_t seed);
void tt_map_deinit(struct tt_map *map);

/* Forgets all values, and keeps some of the room for new ones. */
void tt_map_clear(struct tt_map *map);

/* The value with that key, or NULL. */
void *tt_map_get(const struct tt_map *map, struct tt_slice key);

/* For a look-up soon after: the key's hash; starting to load where it says that the key would be
 * found; and the value that very likely has the key, which is not looked at, or NULL. */
uint64_t tt_map_hash(const struct tt_map *map, struct tt_slice key);
void tt_map_expect(const struct tt_map *map, uint64_t hash);
void *tt_map_guess(const struct tt_map *map, uint64_t hash);

/* Adds a value whose key is not yet there (asserted). */
void tt_map_add(struct tt_map *map, void *value);

/* Takes the value with that key out and returns it, or NULL. */
void *tt_map_remove(struct tt_map *map, struct tt_slice key);

/* Iteration: *at starts at 0; returns NULL at the end. Removing while iterating is not allowed. */
void *tt_map_next(const struct tt_map *map, size_t *at);

/* The hash that the map uses: 64 bits, seeded; not for secrets. */
uint64_t tt_hash(struct tt_slice bytes, uint64_t seed);

#endif
