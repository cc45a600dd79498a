#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define HOST_SIZE_MAX 255

static const char no_port[] =
    "an address is HOST:PORT, like 127.0.0.1:8080 or [::1]:8080; the port is missing";
static const char bad_port[] = "the port of an address is a number from 0 to 65535";
static const char bad_host[] =
    "the host of an address is an IPv4 address, an IPv6 address in brackets or localhost; "
    "0.0.0.0 and [::] mean all";
static const char bad_name[] = "this host name cannot be resolved";

struct parts {
    char host[HOST_SIZE_MAX + 1];
    uint16_t port;
    bool bracketed;
};

static bool parse_port(struct tt_slice text, uint16_t *port)
{
    uint32_t number = 0;
    if (text.size == 0 || text.size > 5)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(text.data[i] - '0');
    }
    *port = (uint16_t)number;
    return number <= UINT16_MAX;
}

static const char *split(struct tt_slice text, struct parts *parts)
{
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0 || memchr(text.data + colon, ']', text.size - colon) != NULL)
        return no_port;
    if (!parse_port(tt_slice_from(text, colon), &parts->port))
        return bad_port;
    struct tt_slice host = tt_slice(text.data, colon - 1);
    parts->bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (parts->bracketed)
        host = tt_slice(host.data + 1, host.size - 2);
    if (host.size == 0 || host.size > HOST_SIZE_MAX || memchr(host.data, '\0', host.size) != NULL)
        return bad_host;
    memcpy(parts->host, host.data, host.size);
    parts->host[host.size] = '\0';
    return NULL;
}

static bool from_numbers(const struct parts *parts, struct tt_address *address)
{
    *address = (struct tt_address){0};
    if (parts->bracketed) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(parts->port);
        return inet_pton(AF_INET6, parts->host, &address->v6.sin6_addr) == 1;
    }
    const char *host = strcmp(parts->host, "localhost") == 0 ? "127.0.0.1" : parts->host;
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(parts->port);
    return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1;
}

tt_err tt_address_parse(struct tt_slice text, struct tt_address *address, const char **problem)
{
    struct parts parts = {0};
    *problem = split(text, &parts);
    if (*problem != NULL)
        return TT_FAIL(INVALID);
    if (!from_numbers(&parts, address)) {
        *problem = bad_host;
        return TT_FAIL(INVALID);
    }
    return TT_OK;
}

tt_err tt_address_resolve(struct tt_slice text, struct tt_address *address, const char **problem)
{
    struct parts parts = {0};
    *problem = split(text, &parts);
    if (*problem != NULL)
        return TT_FAIL(INVALID);
    if (from_numbers(&parts, address))
        return TT_OK;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(parts.host, NULL, &hints, &found) != 0 || found == NULL) {
        *problem = bad_name;
        return TT_FAIL(INVALID);
    }
    *address = (struct tt_address){0};
    memcpy(&address->any, found->ai_addr,
           found->ai_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4));
    if (found->ai_family == AF_INET6)
        address->v6.sin6_port = htons(parts.port);
    else
        address->v4.sin_port = htons(parts.port);
    freeaddrinfo(found);
    return TT_OK;
}

size_t tt_address_format_host(const struct tt_address *address, char text[TT_ADDRESS_TEXT_SIZE])
{
    const void *bytes = address->any.sa_family == AF_INET6 ? (const void *)&address->v6.sin6_addr
                                                           : (const void *)&address->v4.sin_addr;
    const char *written = inet_ntop(address->any.sa_family, bytes, text, TT_ADDRESS_TEXT_SIZE);
    TT_ASSERT(written != NULL);
    return strlen(text);
}

size_t tt_address_format(const struct tt_address *address, char text[TT_ADDRESS_TEXT_SIZE])
{
    bool brackets = address->any.sa_family == AF_INET6;
    char host[TT_ADDRESS_TEXT_SIZE];
    size_t size = tt_address_format_host(address, host);
    char *at = text;
    if (brackets)
        *at++ = '[';
    memcpy(at, host, size);
    at += size;
    if (brackets)
        *at++ = ']';
    *at++ = ':';
    char digits[5];
    size_t count = 0;
    uint32_t port = tt_address_port(address);
    do {
        digits[count++] = (char)('0' + port % 10);
        port /= 10;
    } while (port > 0);
    while (count > 0)
        *at++ = digits[--count];
    *at = '\0';
    return (size_t)(at - text);
}

uint16_t tt_address_port(const struct tt_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

bool tt_address_is_loopback(const struct tt_address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

socklen_t tt_address_size(const struct tt_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}
