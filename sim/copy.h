/*
 * copy: deep copies of frames, requests and replies, for what is on its way through the simulated
 * network while its first owner has gone on. All pointers of a copy lead into the arena.
 */
#ifndef TT_SIM_COPY_H
#define TT_SIM_COPY_H

#include "base/arena.h"
#include "model/frame.h"
#include "model/request.h"

void tt_copy_client_frame(struct tt_arena *arena, const struct tt_client_frame *from,
                          struct tt_client_frame *to);
void tt_copy_server_frame(struct tt_arena *arena, const struct tt_server_frame *from,
                          struct tt_server_frame *to);
void tt_copy_request(struct tt_arena *arena, const struct tt_request *from, struct tt_request *to);

/* SNAPSHOT, PAGE, LIST, CREATE, SEND and errors; the others' parts stay empty. */
void tt_copy_reply(struct tt_arena *arena, const struct tt_reply *from, struct tt_reply *to);

#endif
