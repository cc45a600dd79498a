#include "base/map.h"

#include <string.h>

#include "base/assert.h"
#include "base/memory.h"

#define CAPACITY_MIN 16

__extension__ typedef unsigned __int128 uint128;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A multiply-fold hash in the manner of wyhash (Wang Yi, public domain), 8 bytes a round. */
uint64_t tt_hash(struct tt_slice bytes, uint64_t seed)
{
    const uint64_t p0 = 0xa0761d6478bd642fULL;
    const uint64_t p1 = 0xe7037ed1a0b428dbULL;
    uint64_t hash = seed ^ p0;
    const char *at = bytes.data;
    size_t left = bytes.size;
    while (left > 0) {
        uint64_t word = 0;
        size_t count = left < sizeof(word) ? left : sizeof(word);
        memcpy(&word, at, count);
        hash = mix(hash ^ word, p1 ^ count);
        at += count;
        left -= count;
    }
    return mix(hash ^ p1, bytes.size ^ p0);
}

void tt_map_init(struct tt_map *map, tt_map_key_of key_of, uint64_t seed)
{
    *map = (struct tt_map){.key_of = key_of, .seed = seed};
}

void tt_map_deinit(struct tt_map *map)
{
    tt_free(map->slots);
    map->slots = NULL;
    map->capacity = 0;
    map->count = 0;
}

static size_t home_of(const struct tt_map *map, struct tt_slice key)
{
    return (size_t)tt_hash(key, map->seed) & (map->capacity - 1);
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t find(const struct tt_map *map, struct tt_slice key)
{
    size_t slot = home_of(map, key);
    while (map->slots[slot] != NULL && !tt_slice_eq(map->key_of(map->slots[slot]), key))
        slot = (slot + 1) & (map->capacity - 1);
    return slot;
}

void *tt_map_get(const struct tt_map *map, struct tt_slice key)
{
    return map->capacity == 0 ? NULL : map->slots[find(map, key)];
}

static void rehash(struct tt_map *map, size_t capacity)
{
    void **old = map->slots;
    size_t old_capacity = map->capacity;
    map->slots = tt_alloc(capacity * sizeof(void *));
    map->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i] != NULL)
            map->slots[find(map, map->key_of(old[i]))] = old[i];
    tt_free(old);
}

void tt_map_add(struct tt_map *map, void *value)
{
    if (map->capacity == 0 || map->count * 4 >= map->capacity * 3)
        rehash(map, map->capacity == 0 ? CAPACITY_MIN : map->capacity * 2);
    size_t slot = find(map, map->key_of(value));
    TT_ASSERT(map->slots[slot] == NULL);
    map->slots[slot] = value;
    map->count++;
}

/* Backward-shift deletion: what had been pushed past the hole moves up, so no tombstones. */
static void close_hole(struct tt_map *map, size_t hole)
{
    size_t slot = hole;
    for (;;) {
        slot = (slot + 1) & (map->capacity - 1);
        if (map->slots[slot] == NULL)
            break;
        size_t home = home_of(map, map->key_of(map->slots[slot]));
        size_t from_home = (slot - home) & (map->capacity - 1);
        size_t from_hole = (slot - hole) & (map->capacity - 1);
        if (from_home >= from_hole) {
            map->slots[hole] = map->slots[slot];
            hole = slot;
        }
    }
    map->slots[hole] = NULL;
}

void *tt_map_remove(struct tt_map *map, struct tt_slice key)
{
    if (map->capacity == 0)
        return NULL;
    size_t slot = find(map, key);
    void *value = map->slots[slot];
    if (value == NULL)
        return NULL;
    close_hole(map, slot);
    map->count--;
    if (map->capacity > CAPACITY_MIN && map->count * 8 < map->capacity)
        rehash(map, map->capacity / 2);
    return value;
}

void *tt_map_next(const struct tt_map *map, size_t *at)
{
    while (*at < map->capacity) {
        void *value = map->slots[(*at)++];
        if (value != NULL)
            return value;
    }
    return NULL;
}
