/*
 * wire: frames as they are on a real socket. A client's frame becomes JSON and is read as the
 * server reads it; a server's frame becomes JSON and is read as a client reads it, and must say the
 * same then.
 */
#ifndef TT_SIM_WIRE_H
#define TT_SIM_WIRE_H

#include "base/arena.h"
#include "model/frame.h"

/* The frame as the server gets it; all it points at lies in the arena. False if it is refused. */
bool tt_wire_client_frame(struct tt_arena *arena, const struct tt_client_frame *from,
                          struct tt_client_frame *to);

/* Whether a client reads in the text what the server meant. */
bool tt_wire_server_frame_is_true(const struct tt_server_frame *frame);

#endif
