#include "net/ip.h"

#include <arpa/inet.h>
#include <string.h>

#define V4_BITS_BEFORE 96

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct tt_ip tt_ip_of_v4(const uint8_t bytes[4])
{
    struct tt_ip ip;
    memcpy(ip.bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(ip.bytes + sizeof(v4_prefix), bytes, 4);
    return ip;
}

struct tt_ip tt_ip_of_address(const struct tt_address *address)
{
    struct tt_ip ip = {{0}};
    uint8_t v4[4];
    if (address->any.sa_family == AF_INET) {
        memcpy(v4, &address->v4.sin_addr, sizeof(v4));
        return tt_ip_of_v4(v4);
    }
    if (address->any.sa_family == AF_INET6)
        memcpy(ip.bytes, &address->v6.sin6_addr, sizeof(ip.bytes));
    return ip;
}

bool tt_ip_parse(struct tt_slice text, struct tt_ip *ip)
{
    char terminated[TT_IP_TEXT_SIZE];
    uint8_t v4[4];
    if (text.size == 0 || text.size >= sizeof(terminated))
        return false;
    memcpy(terminated, text.data, text.size);
    terminated[text.size] = '\0';
    if (strlen(terminated) != text.size)
        return false;
    if (inet_pton(AF_INET, terminated, v4) == 1) {
        *ip = tt_ip_of_v4(v4);
        return true;
    }
    return inet_pton(AF_INET6, terminated, ip->bytes) == 1;
}

bool tt_ip_eq(const struct tt_ip *a, const struct tt_ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool is_v4(const struct tt_ip *ip)
{
    return memcmp(ip->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

size_t tt_ip_format(const struct tt_ip *ip, char text[TT_IP_TEXT_SIZE])
{
    const char *written =
        is_v4(ip) ? inet_ntop(AF_INET, ip->bytes + sizeof(v4_prefix), text, TT_IP_TEXT_SIZE)
                  : inet_ntop(AF_INET6, ip->bytes, text, TT_IP_TEXT_SIZE);
    return written == NULL ? 0 : strlen(text);
}

static bool parse_bits(struct tt_slice text, unsigned most, unsigned *bits)
{
    unsigned sum = 0;
    if (text.size == 0 || text.size > 3)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        sum = sum * 10 + (unsigned)(text.data[i] - '0');
    }
    *bits = sum;
    return sum <= most;
}

/* Of the byte at `at`, those bits that count. */
static uint8_t mask(unsigned bits, size_t at)
{
    size_t before = at * 8;
    if (bits >= before + 8)
        return 0xff;
    return bits <= before ? 0 : (uint8_t)(0xff00U >> (bits - before));
}

static bool is_clean(const struct tt_network *network)
{
    for (size_t i = 0; i < sizeof(network->ip.bytes); i++)
        if ((network->ip.bytes[i] & (uint8_t)~mask(network->bits, i)) != 0)
            return false;
    return true;
}

bool tt_network_parse(struct tt_slice text, struct tt_network *network)
{
    const char *slash = text.size == 0 ? NULL : memchr(text.data, '/', text.size);
    size_t size = slash == NULL ? text.size : (size_t)(slash - text.data);
    unsigned bits;
    if (!tt_ip_parse(tt_slice(text.data, size), &network->ip))
        return false;
    bool v4 = memchr(text.data, ':', size) == NULL;
    unsigned most = v4 ? 32 : 128;
    bits = most;
    if (slash != NULL && !parse_bits(tt_slice_from(text, size + 1), most, &bits))
        return false;
    network->bits = (uint8_t)(bits + (v4 ? V4_BITS_BEFORE : 0));
    return is_clean(network);
}

static bool has(const struct tt_network *network, const struct tt_ip *ip)
{
    for (size_t i = 0; i < sizeof(ip->bytes); i++)
        if (((ip->bytes[i] ^ network->ip.bytes[i]) & mask(network->bits, i)) != 0)
            return false;
    return true;
}

bool tt_networks_have(const struct tt_networks *networks, const struct tt_ip *ip)
{
    for (size_t i = 0; i < networks->count; i++)
        if (has(&networks->items[i], ip))
            return true;
    return false;
}

void tt_ip_origin(const struct tt_ip *ip, unsigned char origin[TT_IP_ORIGIN_SIZE])
{
    static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
    bool is_v4 = memcmp(ip->bytes, v4, sizeof(v4)) == 0;
    memcpy(origin, ip->bytes + (is_v4 ? TT_IP_ORIGIN_SIZE : 0), TT_IP_ORIGIN_SIZE);
}
