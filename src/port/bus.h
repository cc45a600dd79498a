/*
 * bus: a hint to another node. At most once: it may be lost, doubled, late or out of order.
 *
 * `send` copies the bytes and never blocks; `flush` is called once at the end of a loop turn. A
 * queue that is full drops the hint, and the receiver's sink hears `gap`: something for it was
 * lost, so it reads again what it would have been told.
 */
#ifndef TT_PORT_BUS_H
#define TT_PORT_BUS_H

#include "base/slice.h"
#include "model/place.h"

struct tt_bus_sink {
    void *context;
    void (*hint)(void *context, struct tt_slice bytes); /* borrowed for the call */
    void (*gap)(void *context);
};

struct tt_bus_port {
    void *self;
    void (*send)(void *self, const struct tt_place *to, struct tt_slice bytes);
    void (*flush)(void *self);
};

#endif
