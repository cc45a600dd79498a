#include "base/map.h"

#include <string.h>

#include "base/assert.h"
#include "base/load.h"
#include "base/memory.h"

#define CAPACITY_MIN 4
#define KEPT_MAX     1024 /* slots of an empty map */

__extension__ typedef unsigned __int128 uint128;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A multiply-fold hash in the manner of wyhash (Wang Yi, public domain), 16 bytes a round. The last
 * words overlap where they must, so that no length needs a loop over bytes. */
uint64_t tt_hash(struct tt_slice bytes, uint64_t seed)
{
    const uint64_t p0 = 0xa0761d6478bd642fULL;
    const uint64_t p1 = 0xe7037ed1a0b428dbULL;
    uint64_t hash = seed ^ p0;
    const char *at = bytes.data;
    size_t left = bytes.size;
    for (; left > 16; left -= 16, at += 16)
        hash = mix(tt_load8(at) ^ p1, tt_load8(at + 8) ^ hash);
    uint64_t a = 0;
    uint64_t b = 0;
    if (left >= 8) {
        a = tt_load8(at);
        b = tt_load8(at + left - 8);
    } else if (left >= 4) {
        a = tt_load4(at);
        b = tt_load4(at + left - 4);
    } else if (left > 0) {
        a = tt_load_few(at, left);
    }
    hash = mix(a ^ p1, b ^ hash);
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

void tt_map_clear(struct tt_map *map)
{
    if (map->capacity > KEPT_MAX) {
        tt_map_deinit(map);
        return;
    }
    if (map->count > 0)
        memset(map->slots, 0, map->capacity * sizeof(*map->slots));
    map->count = 0;
}

/* The slot that holds the key, or the free one where it belongs. The hash is compared first: the
 * key itself lies elsewhere in memory, and is looked at only when it is very likely the one. */
static size_t find(const struct tt_map *map, struct tt_slice key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t slot = (size_t)hash & mask;
    for (; map->slots[slot].value != NULL; slot = (slot + 1) & mask)
        if (map->slots[slot].hash == hash && tt_slice_eq(map->key_of(map->slots[slot].value), key))
            break;
    return slot;
}

void *tt_map_get(const struct tt_map *map, struct tt_slice key)
{
    if (map->count == 0)
        return NULL;
    return map->slots[find(map, key, tt_hash(key, map->seed))].value;
}

uint64_t tt_map_hash(const struct tt_map *map, struct tt_slice key)
{
    return tt_hash(key, map->seed);
}

void tt_map_expect(const struct tt_map *map, uint64_t hash)
{
    if (map->count > 0)
        tt_expect(&map->slots[hash & (map->capacity - 1)], 1);
}

void *tt_map_guess(const struct tt_map *map, uint64_t hash)
{
    if (map->count == 0)
        return NULL;
    size_t mask = map->capacity - 1;
    size_t slot = (size_t)hash & mask;
    while (map->slots[slot].value != NULL && map->slots[slot].hash != hash)
        slot = (slot + 1) & mask;
    return map->slots[slot].value;
}

static void rehash(struct tt_map *map, size_t capacity)
{
    struct tt_map_slot *old = map->slots;
    size_t old_capacity = map->capacity;
    map->slots = tt_alloc(capacity * sizeof(*map->slots));
    map->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].value == NULL)
            continue;
        size_t slot = (size_t)old[i].hash & (capacity - 1);
        while (map->slots[slot].value != NULL)
            slot = (slot + 1) & (capacity - 1);
        map->slots[slot] = old[i];
    }
    tt_free(old);
}

void tt_map_add(struct tt_map *map, void *value)
{
    if (map->capacity == 0 || map->count * 4 >= map->capacity * 3)
        rehash(map, map->capacity == 0 ? CAPACITY_MIN : map->capacity * 2);
    struct tt_slice key = map->key_of(value);
    uint64_t hash = tt_hash(key, map->seed);
    size_t slot = find(map, key, hash);
    TT_ASSERT(map->slots[slot].value == NULL);
    map->slots[slot] = (struct tt_map_slot){hash, value};
    map->count++;
}

/* Backward-shift deletion: what had been pushed past the hole moves up, so no tombstones. */
static void close_hole(struct tt_map *map, size_t hole)
{
    size_t slot = hole;
    for (;;) {
        slot = (slot + 1) & (map->capacity - 1);
        if (map->slots[slot].value == NULL)
            break;
        size_t home = (size_t)map->slots[slot].hash & (map->capacity - 1);
        size_t from_home = (slot - home) & (map->capacity - 1);
        size_t from_hole = (slot - hole) & (map->capacity - 1);
        if (from_home >= from_hole) {
            map->slots[hole] = map->slots[slot];
            hole = slot;
        }
    }
    map->slots[hole] = (struct tt_map_slot){0};
}

void *tt_map_remove(struct tt_map *map, struct tt_slice key)
{
    if (map->count == 0)
        return NULL;
    size_t slot = find(map, key, tt_hash(key, map->seed));
    void *value = map->slots[slot].value;
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
        void *value = map->slots[(*at)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}
