#include "edge/crowd.h"

#include <pthread.h>

#include "base/map.h"
#include "base/memory.h"

struct place {
    unsigned char origin[TT_IP_ORIGIN_SIZE];
    uint64_t count;
};

struct tt_crowd {
    struct tt_crowd_options options;
    pthread_mutex_t lock;
    struct tt_map places;
};

static struct tt_slice origin_of(const void *value)
{
    const struct place *place = value;
    return tt_slice((const char *)place->origin, sizeof(place->origin));
}

struct tt_crowd *tt_crowd_create(const struct tt_crowd_options *options)
{
    struct tt_crowd *crowd = tt_alloc(sizeof(*crowd));
    crowd->options = *options;
    tt_map_init(&crowd->places, origin_of, options->hash_seed);
    int failed = pthread_mutex_init(&crowd->lock, NULL);
    TT_ASSERT(failed == 0);
    return crowd;
}

void tt_crowd_destroy(struct tt_crowd **take_crowd)
{
    struct tt_crowd *crowd = *take_crowd;
    size_t at = 0;
    *take_crowd = NULL;
    for (struct place *place = tt_map_next(&crowd->places, &at); place != NULL;
         place = tt_map_next(&crowd->places, &at))
        tt_free(place);
    tt_map_deinit(&crowd->places);
    pthread_mutex_destroy(&crowd->lock);
    tt_free(crowd);
}

static bool is_loopback(const struct tt_ip *ip)
{
    static const uint8_t six[16] = {[15] = 1};
    static const uint8_t four[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
    return memcmp(ip->bytes, six, sizeof(six)) == 0 || memcmp(ip->bytes, four, sizeof(four)) == 0;
}

bool tt_crowd_enter(struct tt_crowd *crowd, const struct tt_ip *ip, bool *counted)
{
    struct place key;
    *counted = false;
    if (crowd->options.address_max == 0 || (!crowd->options.counts_loopback && is_loopback(ip)))
        return true;
    tt_ip_origin(ip, key.origin);
    pthread_mutex_lock(&crowd->lock);
    struct place *place = tt_map_get(&crowd->places, origin_of(&key));
    if (place == NULL) {
        place = tt_alloc(sizeof(*place));
        memcpy(place->origin, key.origin, sizeof(place->origin));
        tt_map_add(&crowd->places, place);
    }
    *counted = place->count < crowd->options.address_max;
    if (*counted)
        place->count++;
    pthread_mutex_unlock(&crowd->lock);
    return *counted;
}

void tt_crowd_leave(struct tt_crowd *crowd, const struct tt_ip *ip)
{
    struct place key;
    tt_ip_origin(ip, key.origin);
    pthread_mutex_lock(&crowd->lock);
    struct place *place = tt_map_get(&crowd->places, origin_of(&key));
    TT_ASSERT(place != NULL && place->count > 0);
    if (--place->count == 0) {
        tt_map_remove(&crowd->places, origin_of(&key));
        tt_free(place);
    }
    pthread_mutex_unlock(&crowd->lock);
}
