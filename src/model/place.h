/*
 * place: where a node is: the process's server id, its incarnation (a new one at every start), and
 * the node's number in it. In the registry it is written `ws_server_3.<incarnation>.<node>`.
 */
#ifndef TT_MODEL_PLACE_H
#define TT_MODEL_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct tt_place {
    tt_id server;
    uint64_t incarnation;
    uint32_t node;
};

static inline bool tt_place_eq(const struct tt_place *a, const struct tt_place *b)
{
    return a->node == b->node && a->incarnation == b->incarnation &&
           tt_id_eq(&a->server, &b->server);
}

#endif
