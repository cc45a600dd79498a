#include "adapter/embedded/address.h"

#include <openssl/evp.h>

#define ADDRESSES_MAX 4096
#define SIZE_MIN      8
#define DIGEST_SIZE   32

void tt_address_pack(const struct tt_push_address *address, struct tt_buffer *out)
{
    tt_pack_number(out, address->provider);
    tt_pack_number(out, address->sandbox ? 1 : 0);
    tt_pack_text(out, address->token);
    tt_pack_text(out, address->p256dh);
    tt_pack_text(out, address->auth);
    tt_pack_time(out, address->registered_at);
}

struct tt_push_address tt_address_unpack(struct tt_unpack *in)
{
    struct tt_push_address address;
    address.provider = (enum tt_push_provider)tt_unpack_count(in, TT_PUSH_WEBPUSH);
    address.sandbox = tt_unpack_count(in, 1) == 1;
    address.token = tt_unpack_text(in);
    address.p256dh = tt_unpack_text(in);
    address.auth = tt_unpack_text(in);
    address.registered_at = tt_unpack_time(in);
    return address;
}

tt_err tt_addresses_unpack(struct tt_slice packed, struct tt_arena *arena,
                           struct tt_addresses *addresses)
{
    struct tt_unpack in = {.rest = packed};
    *addresses = (struct tt_addresses){NULL, 0};
    if (packed.size == 0)
        return TT_OK;
    size_t count = tt_unpack_count(&in, ADDRESSES_MAX);
    if (in.failed || count > in.rest.size / SIZE_MIN)
        return TT_FAIL(CORRUPT);
    addresses->list = tt_arena_array(arena, count, sizeof(addresses->list[0]));
    addresses->count = count;
    for (size_t i = 0; i < count; i++) {
        addresses->list[i].device = tt_unpack_id(&in, false);
        addresses->list[i].address = tt_address_unpack(&in);
        if (i > 0 && tt_id_compare(&addresses->list[i - 1].device, &addresses->list[i].device) >= 0)
            in.failed = true;
    }
    return tt_unpack_end(&in);
}

void tt_addresses_pack(const struct tt_addresses *addresses, struct tt_buffer *out)
{
    if (addresses->count == 0)
        return;
    tt_pack_number(out, addresses->count);
    for (size_t i = 0; i < addresses->count; i++) {
        tt_pack_id(out, &addresses->list[i].device);
        tt_address_pack(&addresses->list[i].address, out);
    }
}

const struct tt_push_address *tt_addresses_find(const struct tt_addresses *addresses,
                                                const tt_id *device)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (tt_id_eq(&addresses->list[i].device, device))
            return &addresses->list[i].address;
    return NULL;
}

void tt_addresses_set(struct tt_addresses *addresses, const tt_id *device,
                      const struct tt_push_address *address, struct tt_arena *arena)
{
    struct tt_device_address *list =
        tt_arena_array(arena, addresses->count + 1, sizeof(addresses->list[0]));
    size_t count = 0;
    size_t at = 0;
    for (; at < addresses->count && tt_id_compare(&addresses->list[at].device, device) < 0; at++)
        list[count++] = addresses->list[at];
    if (address != NULL)
        list[count++] = (struct tt_device_address){*device, *address};
    for (; at < addresses->count; at++)
        if (!tt_id_eq(&addresses->list[at].device, device))
            list[count++] = addresses->list[at];
    *addresses = (struct tt_addresses){list, count};
}

tt_err tt_address_digest(const struct tt_push_address *address, tt_id *digest)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[DIGEST_SIZE];
    struct tt_buffer text = {0};
    tt_buffer_add_byte(&text, (char)address->provider);
    tt_buffer_add(&text, address->token);
    int done = EVP_Digest(text.data, text.size, bytes, NULL, EVP_sha256(), NULL);
    tt_buffer_deinit(&text);
    if (done != 1)
        return TT_FAIL(INTERNAL);
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        digest->bytes[2 * i] = digits[bytes[i] >> 4];
        digest->bytes[2 * i + 1] = digits[bytes[i] & 15];
    }
    digest->size = 2 * DIGEST_SIZE;
    return TT_OK;
}
