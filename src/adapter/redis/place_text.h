/*
 * place_text: a place as the registry writes it: ws_server_3.<incarnation>.<node>
 */
#ifndef TT_ADAPTER_REDIS_PLACE_TEXT_H
#define TT_ADAPTER_REDIS_PLACE_TEXT_H

#include "base/slice.h"
#include "model/place.h"

#define TT_PLACE_TEXT_SIZE (TT_ID_SIZE_MAX + 34)

/* Terminated. */
struct tt_slice tt_place_format(const struct tt_place *place, char text[TT_PLACE_TEXT_SIZE]);

/* False: it is none. */
bool tt_place_parse(struct tt_slice text, struct tt_place *place);

/* Digits alone, at most 19 of them. */
bool tt_digits_parse(struct tt_slice text, uint64_t *number);

#endif
