/*
 * address: an IP address with a port, as the operator writes it: 127.0.0.1:8080, [::1]:8080.
 */
#ifndef TT_NET_ADDRESS_H
#define TT_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct tt_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535" and its end. */
#define TT_ADDRESS_TEXT_SIZE 64

/*
 * Reads HOST:PORT, where HOST is an IPv4 address, an IPv6 address in brackets or `localhost`
 * (127.0.0.1), and PORT 0 to 65535. Fails with INVALID; `*problem` is then a sentence that says
 * what to write instead.
 */
TT_MUST_CHECK tt_err tt_address_parse(struct tt_slice text, struct tt_address *address,
                                      const char **problem);

/* The same for HOST names, which are looked up; this blocks, so it is for commands only. */
TT_MUST_CHECK tt_err tt_address_resolve(struct tt_slice text, struct tt_address *address,
                                        const char **problem);

/* Terminated; returns the length. */
size_t tt_address_format(const struct tt_address *address, char text[TT_ADDRESS_TEXT_SIZE]);

/* Only the IP address: what a limit per client counts by. Terminated; returns the length. */
size_t tt_address_format_host(const struct tt_address *address, char text[TT_ADDRESS_TEXT_SIZE]);

uint16_t tt_address_port(const struct tt_address *address);
/* Whether only this machine can reach it: 127.0.0.0/8 or ::1. */
bool tt_address_is_loopback(const struct tt_address *address);

socklen_t tt_address_size(const struct tt_address *address);

#endif
