#include "app/endpoint.h"

#include <stdio.h>
#include <string.h>

bool tt_endpoint_parse(const char *url, struct tt_endpoint *endpoint, const char **problem)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0) {
        *problem = "write http://HOST:PORT (TLS is for a proxy in front)";
        return false;
    }
    const char *host = url + sizeof(scheme) - 1;
    size_t size = strcspn(host, "/");
    if (host[size] != '\0' && host[size + 1] != '\0') {
        *problem = "write http://HOST:PORT, without a path";
        return false;
    }
    int written = snprintf(endpoint->host, sizeof(endpoint->host), "%.*s", (int)size, host);
    if (written < 0 || (size_t)written >= sizeof(endpoint->host)) {
        *problem = "the host's name is too long";
        return false;
    }
    return tt_is_ok(tt_address_resolve(tt_slice(host, size), &endpoint->address, problem));
}
