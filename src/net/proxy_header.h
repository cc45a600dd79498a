/*
 * proxy_header: what a proxy in front writes before a connection's own bytes, to say whose they
 * are: the PROXY protocol of haproxy.org, version 1 (a line of text) and 2 (binary), for streams
 * over IP.
 *
 * It is read only where it must be there: nobody guesses, or a client could write one himself.
 */
#ifndef TT_NET_PROXY_HEADER_H
#define TT_NET_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "net/ip.h"

/* Of version 2 with all its extensions; version 1 has at most 107 bytes. */
#define TT_PROXY_HEADER_SIZE_MAX ((size_t)1024)

enum tt_proxy_result {
    TT_PROXY_MORE, /* so far it may become one */
    TT_PROXY_DONE,
    TT_PROXY_BAD,
};

struct tt_proxy_header {
    size_t size;         /* the connection's own bytes begin behind so many */
    bool is_proxied;     /* false: the proxy speaks for itself (LOCAL, UNKNOWN, UNSPEC) */
    struct tt_ip client; /* if is_proxied */
};

/* `bytes` is everything since the connection's begin. Fills `header` if DONE. */
enum tt_proxy_result tt_proxy_header_read(struct tt_slice bytes, struct tt_proxy_header *header);

#endif
