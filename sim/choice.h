/*
 * choice: the things that somebody decides to do in a run, each with a number: the n-th thought of
 * a device, the n-th change of the weather. Each draws from a generator of its own, so one that is
 * left out changes nothing about the others; a failing run is made smaller by leaving them out.
 */
#ifndef TT_SIM_CHOICE_H
#define TT_SIM_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TT_CHOICE_WEATHER   63 /* who: or the number of a device */
#define TT_CHOICE_WHO_SHIFT 20

/* Numbers of things, `who << TT_CHOICE_WHO_SHIFT | n`. */
struct tt_choices {
    uint32_t *items;
    size_t count;
    size_t capacity;
};

struct tt_choice {
    const struct tt_choices *only; /* what happens, sorted; NULL: everything */
    struct tt_choices *done;       /* what happened is noted here; may be NULL */
};

/* Whether it is to happen. */
bool tt_choice_take(const struct tt_choice *choice, uint32_t who, uint32_t number);

void tt_choices_add(struct tt_choices *choices, uint32_t item);
void tt_choices_sort(struct tt_choices *choices);
void tt_choices_deinit(struct tt_choices *choices);

#endif
