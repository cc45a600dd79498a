#include "app/endpoint.h"

#include <stdio.h>
#include <string.h>

/* [::1]:443 is ::1, localhost:443 is localhost. */
static void name_of(struct tt_endpoint *endpoint)
{
    const char *host = endpoint->host;
    const char *end = host[0] == '[' ? strchr(host, ']') : strrchr(host, ':');
    const char *start = host[0] == '[' ? host + 1 : host;
    int size = end == NULL ? (int)strlen(start) : (int)(end - start);
    snprintf(endpoint->name, sizeof(endpoint->name), "%.*s", size, start);
}

bool tt_endpoint_parse(const char *url, struct tt_endpoint *endpoint, const char **problem)
{
    endpoint->from = (struct tt_address){0};
    endpoint->tls = strncmp(url, "https://", 8) == 0;
    if (!endpoint->tls && strncmp(url, "http://", 7) != 0) {
        *problem = "write http://HOST:PORT or https://HOST:PORT";
        return false;
    }
    const char *host = url + (endpoint->tls ? 8 : 7);
    size_t size = strcspn(host, "/");
    if (host[size] != '\0' && host[size + 1] != '\0') {
        *problem = "write http://HOST:PORT or https://HOST:PORT, without a path";
        return false;
    }
    int written = snprintf(endpoint->host, sizeof(endpoint->host), "%.*s", (int)size, host);
    if (written < 0 || (size_t)written >= sizeof(endpoint->host)) {
        *problem = "the host's name is too long";
        return false;
    }
    name_of(endpoint);
    return tt_is_ok(tt_address_resolve(tt_slice(host, size), &endpoint->address, problem));
}
