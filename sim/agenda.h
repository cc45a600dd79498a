/*
 * agenda: what is going to happen, ordered by virtual time and, at one instant, by the order in
 * which it was put down. Virtual time jumps from one item to the next and never passes by itself.
 */
#ifndef TT_SIM_AGENDA_H
#define TT_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TT_US_PER_MS 1000ULL
#define TT_US_PER_S  1000000ULL

typedef void (*tt_agenda_run)(void *context, void *payload);
typedef void (*tt_agenda_drop)(void *payload);

struct tt_agenda_item {
    uint64_t at_us;
    uint64_t id;
    tt_agenda_run run;
    tt_agenda_drop drop; /* what destroys a payload that never ran; may be NULL */
    void *context;
    void *payload;
};

struct tt_agenda {
    struct tt_agenda_item *items; /* a binary heap */
    size_t count;
    size_t capacity;
    uint64_t now_us;
    uint64_t next_id;
};

void tt_agenda_init(struct tt_agenda *agenda, uint64_t now_us);

/* Drops what has not run. */
void tt_agenda_deinit(struct tt_agenda *agenda);

/* Runs `run` at that time; a time that has passed means now. The payload is given to `run`. */
void tt_agenda_at(struct tt_agenda *agenda, uint64_t at_us, tt_agenda_run run, void *context,
                  void *payload, tt_agenda_drop drop);

/* The same, counted from now. */
void tt_agenda_after(struct tt_agenda *agenda, uint64_t delay_us, tt_agenda_run run, void *context,
                     void *payload, tt_agenda_drop drop);

/* Runs the next item that is due by `until_us`; false if there is none, and it is then. */
bool tt_agenda_step(struct tt_agenda *agenda, uint64_t until_us);

#endif
