/*
 * endpoint: where the commands find a server: http://HOST:PORT or https://HOST:PORT.
 */
#ifndef TT_APP_ENDPOINT_H
#define TT_APP_ENDPOINT_H

#include <stdbool.h>

#include "net/address.h"

#define TT_ENDPOINT_DEFAULT "http://127.0.0.1:8080"

struct tt_endpoint {
    struct tt_address address;
    char host[TT_ADDRESS_TEXT_SIZE + 256]; /* for the Host field */
    char name[TT_ADDRESS_TEXT_SIZE + 256]; /* without the port and brackets: what TLS checks */
    struct tt_address from; /* connections come from there; family 0: from anywhere */
    bool tls;
};

/* False: `*problem` is a sentence about the URL. Looks names up. */
bool tt_endpoint_parse(const char *url, struct tt_endpoint *endpoint, const char **problem);

#endif
