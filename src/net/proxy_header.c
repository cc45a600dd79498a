#include "net/proxy_header.h"

#define V1_SIZE_MAX 107
#define V1_FIELDS   6 /* PROXY TCP4 SOURCE DESTINATION PORT PORT */

#define V2_FIXED_SIZE 16
#define V2_LOCAL      0x20
#define V2_PROXY      0x21
#define V2_UNSPEC     0x00
#define V2_TCP4       0x11
#define V2_TCP6       0x21
#define V2_TCP4_SIZE  12
#define V2_TCP6_SIZE  36

#define V1_BEGIN_SIZE 6
#define V1_BEGIN      TT_SLICE_LITERAL("PROXY ")
#define V2_BEGIN      TT_SLICE_LITERAL("\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a")

/* Whether one of the two is the beginning of the other. */
static bool agrees(struct tt_slice bytes, struct tt_slice begin)
{
    size_t size = bytes.size < begin.size ? bytes.size : begin.size;
    return tt_slice_eq(tt_slice(bytes.data, size), tt_slice(begin.data, size));
}

/* Takes the text before the next space, or all that is left, off the front of the line. */
static struct tt_slice take_field(struct tt_slice *line)
{
    const char *space = line->size == 0 ? NULL : memchr(line->data, ' ', line->size);
    size_t size = space == NULL ? line->size : (size_t)(space - line->data);
    struct tt_slice field = tt_slice(line->data, size);
    *line = tt_slice_from(*line, space == NULL ? size : size + 1);
    return field;
}

static bool is_port(struct tt_slice text)
{
    unsigned port = 0;
    if (text.size == 0 || text.size > 5 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    return port <= 65535;
}

static bool is_address(struct tt_slice text, bool v6, struct tt_ip *ip)
{
    bool has_colon = text.size > 0 && memchr(text.data, ':', text.size) != NULL;
    return has_colon == v6 && tt_ip_parse(text, ip);
}

static bool read_line(struct tt_slice line, struct tt_proxy_header *header)
{
    struct tt_slice fields[V1_FIELDS];
    struct tt_ip destination;
    struct tt_slice rest = tt_slice_from(line, V1_BEGIN_SIZE);
    struct tt_slice protocol = take_field(&rest);
    if (tt_slice_eq(protocol, TT_SLICE_LITERAL("UNKNOWN")))
        return true;
    bool v6 = tt_slice_eq(protocol, TT_SLICE_LITERAL("TCP6"));
    if (!v6 && !tt_slice_eq(protocol, TT_SLICE_LITERAL("TCP4")))
        return false;
    size_t count = 2;
    for (; count < V1_FIELDS; count++)
        fields[count] = take_field(&rest);
    header->is_proxied = true;
    return rest.size == 0 && line.data[line.size - 1] != ' ' &&
           is_address(fields[2], v6, &header->client) && is_address(fields[3], v6, &destination) &&
           is_port(fields[4]) && is_port(fields[5]);
}

static enum tt_proxy_result read_v1(struct tt_slice bytes, struct tt_proxy_header *header)
{
    size_t reach = bytes.size < V1_SIZE_MAX ? bytes.size : V1_SIZE_MAX;
    const char *end = memchr(bytes.data, '\n', reach);
    if (end == NULL)
        return bytes.size < V1_SIZE_MAX ? TT_PROXY_MORE : TT_PROXY_BAD;
    size_t size = (size_t)(end - bytes.data);
    if (size <= V1_BEGIN_SIZE || bytes.data[size - 1] != '\r' ||
        memchr(bytes.data, '\r', size - 1) != NULL)
        return TT_PROXY_BAD;
    header->size = size + 1;
    return read_line(tt_slice(bytes.data, size - 1), header) ? TT_PROXY_DONE : TT_PROXY_BAD;
}

static bool read_addresses(unsigned family, struct tt_slice rest, struct tt_proxy_header *header)
{
    header->is_proxied = true;
    if (family == V2_TCP4 && rest.size >= V2_TCP4_SIZE) {
        uint8_t v4[4];
        memcpy(v4, rest.data, sizeof(v4));
        header->client = tt_ip_of_v4(v4);
        return true;
    }
    if (family == V2_TCP6 && rest.size >= V2_TCP6_SIZE) {
        memcpy(header->client.bytes, rest.data, sizeof(header->client.bytes));
        return true;
    }
    header->is_proxied = false;
    return family == V2_UNSPEC;
}

/*
 *    0 12  signature
 *   12  1  version (2) and command (0 LOCAL, 1 PROXY)
 *   13  1  address family and transport
 *   14  2  size of the rest, the highest byte first
 *   16  .  source and destination address, source and destination port, extensions
 */
static enum tt_proxy_result read_v2(struct tt_slice bytes, struct tt_proxy_header *header)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    if (bytes.size < V2_FIXED_SIZE)
        return TT_PROXY_MORE;
    size_t size = (size_t)data[14] << 8 | data[15];
    bool local = data[12] == V2_LOCAL;
    if ((!local && data[12] != V2_PROXY) || V2_FIXED_SIZE + size > TT_PROXY_HEADER_SIZE_MAX)
        return TT_PROXY_BAD;
    if (bytes.size < V2_FIXED_SIZE + size)
        return TT_PROXY_MORE;
    header->size = V2_FIXED_SIZE + size;
    if (local)
        return TT_PROXY_DONE;
    return read_addresses(data[13], tt_slice(data + V2_FIXED_SIZE, size), header) ? TT_PROXY_DONE
                                                                                  : TT_PROXY_BAD;
}

enum tt_proxy_result tt_proxy_header_read(struct tt_slice bytes, struct tt_proxy_header *header)
{
    *header = (struct tt_proxy_header){.size = 0};
    if (bytes.size == 0)
        return TT_PROXY_MORE;
    if (agrees(bytes, V1_BEGIN))
        return read_v1(bytes, header);
    return agrees(bytes, V2_BEGIN) ? read_v2(bytes, header) : TT_PROXY_BAD;
}
