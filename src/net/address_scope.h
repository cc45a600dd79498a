/*
 * address_scope: whether an address is on the public internet. What a user names (the endpoint of a
 * browser's push service) is connected to only if it is, and only at the address that was looked
 * at: otherwise whoever may name a host could reach what only this machine can reach.
 *
 * Not public: everything that IANA's registries of special addresses reserve (loopback, private,
 * link-local with its 169.254.169.254, CGNAT, documentation, multicast, ...), for IPv6 all but
 * 2000::/3, and addresses of IPv6 that carry one of IPv4 that is not public.
 */
#ifndef TT_NET_ADDRESS_SCOPE_H
#define TT_NET_ADDRESS_SCOPE_H

#include <stdbool.h>

#include "net/address.h"

bool tt_address_is_public(const struct tt_address *address);

#endif
