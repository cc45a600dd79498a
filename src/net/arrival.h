/*
 * arrival: connections of which a proxy says whose they are, while it says so. The header is taken
 * off the front, not a byte more, and the descriptor is then handed on with the client's address.
 *
 * Who says nothing, or nonsense, or takes too long, is cut without a word: nothing could be said
 * that he would understand.
 */
#ifndef TT_NET_ARRIVAL_H
#define TT_NET_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"
#include "net/loop.h"

struct tt_arrivals;

struct tt_arrivals_owner {
    void *context;
    /* `fd` is now yours; `client` is at the other end of the proxy, or the proxy itself. */
    void (*arrived)(void *context, int fd, const struct tt_ip *client);
};

/* A header may take wait_ms to come. */
struct tt_arrivals *tt_arrivals_create(struct tt_loop *loop, uint32_t wait_ms,
                                       const struct tt_arrivals_owner *owner);

/* Cuts those that have not arrived. */
void tt_arrivals_destroy(struct tt_arrivals **take_arrivals);

/* Takes over a fresh descriptor of a proxy, whose address is `peer`. */
void tt_arrivals_add(struct tt_arrivals *arrivals, int fd, const struct tt_ip *peer);

/* How many have not arrived yet. */
size_t tt_arrivals_waiting(const struct tt_arrivals *arrivals);

#endif
