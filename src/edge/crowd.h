/*
 * crowd: how many connections there are from each address, of all edges of a process. An IPv6
 * address counts as its /64, since whoever has one has all of it.
 */
#ifndef TT_EDGE_CROWD_H
#define TT_EDGE_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"

struct tt_crowd;

struct tt_crowd_options {
    uint64_t address_max; /* connections of one address; 0: any number */
    bool counts_loopback; /* this machine's own, too */
    uint64_t hash_seed;
};

struct tt_crowd *tt_crowd_create(const struct tt_crowd_options *options);
void tt_crowd_destroy(struct tt_crowd **take_crowd);

/* False: there are as many as may be. Else *counted: it has to leave, at its end. */
bool tt_crowd_enter(struct tt_crowd *crowd, const struct tt_ip *ip, bool *counted);
void tt_crowd_leave(struct tt_crowd *crowd, const struct tt_ip *ip);

#endif
