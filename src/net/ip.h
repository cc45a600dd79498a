/*
 * ip: an IP address without a port, in one form for both families (IPv4 as ::ffff:a.b.c.d, RFC 4291
 * section 2.5.5.2), and networks as an operator writes them: 10.0.0.0/8, fd00::/8, 192.0.2.7.
 */
#ifndef TT_NET_IP_H
#define TT_NET_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/address.h"

/* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" and its end. */
#define TT_IP_TEXT_SIZE 48

struct tt_ip {
    uint8_t bytes[16];
};

struct tt_network {
    struct tt_ip ip;
    uint8_t bits; /* 0 to 128, of the common form */
};

struct tt_networks {
    const struct tt_network *items;
    size_t count;
};

/* Anything but IPv4 and IPv6 becomes `::`. */
struct tt_ip tt_ip_of_address(const struct tt_address *address);
struct tt_ip tt_ip_of_v4(const uint8_t bytes[4]);

/* Without brackets, port or zone. */
bool tt_ip_parse(struct tt_slice text, struct tt_ip *ip);

bool tt_ip_eq(const struct tt_ip *a, const struct tt_ip *b);

/* Terminated; returns the length. */
size_t tt_ip_format(const struct tt_ip *ip, char text[TT_IP_TEXT_SIZE]);

/* What a limit per client counts by: all of an IPv4 address, the network (/64) of an IPv6 one. */
#define TT_IP_ORIGIN_SIZE 8
void tt_ip_origin(const struct tt_ip *ip, unsigned char origin[TT_IP_ORIGIN_SIZE]);

/* ADDRESS or ADDRESS/BITS; bits beyond those must be zero, since 10.0.0.1/8 is a slip. */
bool tt_network_parse(struct tt_slice text, struct tt_network *network);

bool tt_networks_have(const struct tt_networks *networks, const struct tt_ip *ip);

#endif
