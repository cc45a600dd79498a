/*
 * address: push addresses as stored bytes. A user's addresses are one text in his row, so that they
 * come and go with it: a number with their count, then for each, sorted by device,
 *
 *   device (id), provider, 1 if sandbox, token (text), p256dh (text), auth (text), registered at
 *
 * A token is found again, under whomever it stands, by its digest.
 */
#ifndef TT_ADAPTER_EMBEDDED_ADDRESS_H
#define TT_ADAPTER_EMBEDDED_ADDRESS_H

#include "adapter/embedded/pack.h"
#include "base/arena.h"
#include "model/push_address.h"

struct tt_addresses {
    struct tt_device_address *list;
    size_t count;
};

void tt_address_pack(const struct tt_push_address *address, struct tt_buffer *out);
struct tt_push_address tt_address_unpack(struct tt_unpack *in);

/* Texts point into `packed`. An empty text stands for none. CORRUPT. */
TT_MUST_CHECK tt_err tt_addresses_unpack(struct tt_slice packed, struct tt_arena *arena,
                                         struct tt_addresses *addresses);
void tt_addresses_pack(const struct tt_addresses *addresses, struct tt_buffer *out);

/* NULL if the device has none. */
const struct tt_push_address *tt_addresses_find(const struct tt_addresses *addresses,
                                                const tt_id *device);

/* Sets or (with NULL) removes the device's; the list moves to the arena. */
void tt_addresses_set(struct tt_addresses *addresses, const tt_id *device,
                      const struct tt_push_address *address, struct tt_arena *arena);

/* 64 hexadecimal digits of provider and token. INTERNAL. */
TT_MUST_CHECK tt_err tt_address_digest(const struct tt_push_address *address, tt_id *digest);

#endif
