/*
 * pack: the few primitive forms that all stored bytes are made of.
 *
 * number  LEB128: seven bits a byte, the lowest first, the top bit says that more follow
 * id      a byte with its size, then its bytes
 * text    a number with its size, then its bytes
 *
 * Reading trusts nothing: once something does not fit, `failed` stays set and zeros come out, so a
 * decoder reads all its fields and asks once at the end (tt_unpack_end).
 */
#ifndef TT_ADAPTER_EMBEDDED_PACK_H
#define TT_ADAPTER_EMBEDDED_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/seq.h"
#include "base/slice.h"
#include "base/time.h"

void tt_pack_number(struct tt_buffer *out, uint64_t number);
void tt_pack_id(struct tt_buffer *out, const tt_id *id);
void tt_pack_text(struct tt_buffer *out, struct tt_slice text);

static inline void tt_pack_seq(struct tt_buffer *out, tt_seq seq)
{
    tt_pack_number(out, seq.n);
}

static inline void tt_pack_time(struct tt_buffer *out, tt_time time)
{
    tt_pack_number(out, (uint64_t)time.ms);
}

struct tt_unpack {
    struct tt_slice rest;
    bool failed;
};

uint8_t tt_unpack_byte(struct tt_unpack *in);
uint64_t tt_unpack_number(struct tt_unpack *in);

/* A number from 0 to `max`. */
uint32_t tt_unpack_count(struct tt_unpack *in, uint32_t max);

/* A number from 0 to TT_SEQ_MAX. */
tt_seq tt_unpack_seq(struct tt_unpack *in);
tt_time tt_unpack_time(struct tt_unpack *in);

/* A valid id; `none_allowed`: or the empty one. */
tt_id tt_unpack_id(struct tt_unpack *in, bool none_allowed);

/* Points into what is read. */
struct tt_slice tt_unpack_text(struct tt_unpack *in);

/* CORRUPT if anything failed or bytes are left over. */
TT_MUST_CHECK tt_err tt_unpack_end(const struct tt_unpack *in);

#endif
