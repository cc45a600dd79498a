/*
 * room: the memory that a hash is computed in, kept for the next one. A hash writes all over 64
 * MiB. Were they fresh each time, that would be 16,384 page faults under the lock of the process's
 * memory map, for which the loops wait too: a flood of logins would be felt in every message.
 *
 * A room is of one thread. One that is all zero has no memory yet.
 */
#ifndef TT_ADAPTER_ACCOUNT_ROOM_H
#define TT_ADAPTER_ACCOUNT_ROOM_H

#include <stddef.h>

struct tt_room {
    void *bytes;
    size_t size;
};

/* At least so many bytes, with anything in them. NULL: the system has not so much. */
void *tt_room_get(struct tt_room *room, size_t size);

/* Gives the memory back. The next one who asks gets new memory. */
void tt_room_leave(struct tt_room *room);

#endif
