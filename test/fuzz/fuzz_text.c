#include "fuzz.h"

#include "app/option.h"
#include "edge/forwarded.h"
#include "edge/invite.h"
#include "edge/url.h"
#include "net/ip.h"

static void read_addresses(struct tt_slice text)
{
    struct tt_address address;
    struct tt_network network;
    struct tt_ip ip;
    const char *problem = NULL;
    char form[TT_IP_TEXT_SIZE];
    tt_err err = tt_address_parse(text, &address, &problem);
    TT_ASSERT(tt_is_ok(err) || problem != NULL);
    if (tt_network_parse(text, &network))
        TT_ASSERT(network.bits <= 128);
    if (!tt_ip_parse(text, &ip))
        return;
    struct tt_ip same;
    size_t size = tt_ip_format(&ip, form);
    bool parsed = tt_ip_parse(tt_slice(form, size), &same);
    TT_ASSERT(parsed && tt_ip_eq(&ip, &same));
}

static void read_options(struct tt_slice text)
{
    char terminated[64];
    uint64_t number;
    size_t size = text.size < sizeof(terminated) ? text.size : sizeof(terminated) - 1;
    memcpy(terminated, text.data, size);
    terminated[size] = '\0';
    (void)tt_option_parse_number(terminated, &number);
    (void)tt_option_parse_size(terminated, &number);
    (void)tt_option_parse_duration(terminated, &number);
}

static void read_forwarded(struct tt_slice text)
{
    static const struct tt_ip local = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1}};
    const struct tt_network all = {.bits = 0};
    const struct tt_networks trusted = {&all, 1};
    struct tt_http1_request request = {
        .fields = {{TT_SLICE_LITERAL("X-Forwarded-For"), text},
                   {TT_SLICE_LITERAL("X-Forwarded-Proto"), text}},
        .field_count = 2,
    };
    (void)tt_forwarded_client(&trusted, &local, &request);
    (void)tt_forwarded_is_https(&trusted, &local, &request);
}

static void read_url(struct tt_slice text)
{
    char bytes[64];
    size_t size;
    bool found;
    struct tt_slice value;
    struct tt_arena arena = {0};
    if (tt_url_decode(text, bytes, sizeof(bytes), &size))
        TT_ASSERT(size <= sizeof(bytes));
    (void)!tt_is_ok(tt_url_parameter(text, "limit", &arena, &found, &value));
    tt_arena_deinit(&arena);
}

static void read_invite(struct tt_slice text)
{
    const tt_id user = tt_id_of("alice");
    bool good = tt_invite_is_good(TT_SLICE_LITERAL("0123456789abcdef0123456789abcdef"), &user, text,
                                  TT_TIME(1700000000000));
    TT_ASSERT(!good);
}

/* The short texts that strangers or operators give: addresses, options, URLs, codes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_slice text = tt_slice(data, size);
    read_addresses(text);
    read_options(text);
    read_forwarded(text);
    read_url(text);
    read_invite(text);
    return 0;
}
