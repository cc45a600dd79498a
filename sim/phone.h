/*
 * phone: devices that can be rung, in the swarm. Each has an address at a push service that puts
 * things off, refuses, stalls and declares addresses dead; a phone whose address has died makes a
 * new one known. The oracle's part of it:
 *
 *   no miss    what a device has not acked and its user has not read has rung there: within the
 *              delay in the phase without faults; and once all faults are over, whatever crashed,
 *              failed or was away before (the dusk: those who are away stay away)
 *   no noise   nothing rings long after it was acked there or read; in the phase without faults no
 *              message rings twice, none before the delay where a socket is open, none on a device
 *              that acks
 *   no lie     what rings is stored so, by somebody else, for a member, with its badge
 */
#ifndef TT_SIM_PHONE_H
#define TT_SIM_PHONE_H

#include "sim/run.h"

struct tt_phones;

/* Draws who has an address, and makes it known to the store. */
struct tt_phones *tt_phones_create(struct tt_run *run, uint64_t seed);
void tt_phones_destroy(struct tt_phones **phones);

/* The push service changes its mood; addresses die. */
void tt_phones_weather(struct tt_phones *phones);

/* The faults are over, and whoever is away stays away until all that is due has rung. */
void tt_phones_dusk(struct tt_phones *phones);

/* The phase without faults. */
void tt_phones_stored(struct tt_phones *phones, const tt_id *conversation, tt_seq seq);

#endif
