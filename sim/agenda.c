#include "sim/agenda.h"

#include "base/memory.h"

void tt_agenda_init(struct tt_agenda *agenda, uint64_t now_us)
{
    *agenda = (struct tt_agenda){.now_us = now_us};
}

void tt_agenda_deinit(struct tt_agenda *agenda)
{
    for (size_t i = 0; i < agenda->count; i++)
        if (agenda->items[i].drop != NULL)
            agenda->items[i].drop(agenda->items[i].payload);
    tt_free(agenda->items);
    *agenda = (struct tt_agenda){0};
}

static bool is_before(const struct tt_agenda_item *a, const struct tt_agenda_item *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->id < b->id;
}

static void sift_up(struct tt_agenda_item *items, size_t at)
{
    struct tt_agenda_item item = items[at];
    while (at > 0 && is_before(&item, &items[(at - 1) / 2])) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    items[at] = item;
}

static void sift_down(struct tt_agenda_item *items, size_t count)
{
    struct tt_agenda_item item = items[0];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= count)
            break;
        if (child + 1 < count && is_before(&items[child + 1], &items[child]))
            child++;
        if (!is_before(&items[child], &item))
            break;
        items[at] = items[child];
        at = child;
    }
    items[at] = item;
}

void tt_agenda_at(struct tt_agenda *agenda, uint64_t at_us, tt_agenda_run run, void *context,
                  void *payload, tt_agenda_drop drop)
{
    if (agenda->count == agenda->capacity) {
        agenda->capacity = agenda->capacity == 0 ? 256 : agenda->capacity * 2;
        agenda->items = tt_grow(agenda->items, agenda->capacity, sizeof(agenda->items[0]));
    }
    agenda->items[agenda->count] = (struct tt_agenda_item){
        .at_us = at_us < agenda->now_us ? agenda->now_us : at_us,
        .id = agenda->next_id++,
        .run = run,
        .drop = drop,
        .context = context,
        .payload = payload,
    };
    sift_up(agenda->items, agenda->count++);
}

void tt_agenda_after(struct tt_agenda *agenda, uint64_t delay_us, tt_agenda_run run, void *context,
                     void *payload, tt_agenda_drop drop)
{
    tt_agenda_at(agenda, agenda->now_us + delay_us, run, context, payload, drop);
}

bool tt_agenda_step(struct tt_agenda *agenda, uint64_t until_us)
{
    if (agenda->count == 0 || agenda->items[0].at_us > until_us) {
        if (agenda->now_us < until_us)
            agenda->now_us = until_us;
        return false;
    }
    struct tt_agenda_item item = agenda->items[0];
    agenda->items[0] = agenda->items[--agenda->count];
    if (agenda->count > 0)
        sift_down(agenda->items, agenda->count);
    agenda->now_us = item.at_us;
    item.run(item.context, item.payload);
    return true;
}
