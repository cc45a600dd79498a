#include "net/address_scope.h"

#include <arpa/inet.h>

struct block4 {
    uint32_t base;
    uint8_t bits;
};

static const struct block4 reserved4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* carriers' NAT */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local, and the clouds' metadata services */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, and broadcast */
};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(reserved4) / sizeof(reserved4[0]); i++)
        if ((address ^ reserved4[i].base) >> (32 - reserved4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t read4(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool is_mapped(const uint8_t *bytes)
{
    return is_zero(bytes, 10) && bytes[10] == 0xff && bytes[11] == 0xff;
}

/* 64:ff9b::/96, which a gateway translates to IPv4. */
static bool is_nat64(const uint8_t *bytes)
{
    static const uint8_t prefix[] = {0x00, 0x64, 0xff, 0x9b};
    return memcmp(bytes, prefix, sizeof(prefix)) == 0 && is_zero(bytes + 4, 8);
}

static bool is_public6(const uint8_t *bytes)
{
    uint32_t head = read4(bytes);
    if (is_mapped(bytes) || is_nat64(bytes))
        return is_public4(read4(bytes + 12));
    if (bytes[0] >> 5 != 1) /* 2000::/3 is all that is given out */
        return false;
    if (head >> 16 == 0x2002) /* 6to4 */
        return is_public4(read4(bytes + 2));
    bool is_assignment = head >> 9 == 0x20010000 >> 9;      /* 2001::/23, with Teredo */
    bool is_documentation = head == 0x20010db8 ||           /* 2001:db8::/32 */
                            head >> 12 == 0x3fff0000 >> 12; /* 3fff::/20 */
    return !is_assignment && !is_documentation;
}

bool tt_address_is_public(const struct tt_address *address)
{
    if (address->any.sa_family == AF_INET)
        return is_public4(ntohl(address->v4.sin_addr.s_addr));
    return address->any.sa_family == AF_INET6 && is_public6(address->v6.sin6_addr.s6_addr);
}
