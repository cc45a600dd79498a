/*
 * recent: a list in the order of last use, threaded through what it holds: the one that was not
 * used for longest goes first. A zeroed list is empty.
 */
#ifndef TT_ADAPTER_EMBEDDED_RECENT_H
#define TT_ADAPTER_EMBEDDED_RECENT_H

#include <stddef.h>

struct tt_recent {
    struct tt_recent *newer;
    struct tt_recent *older;
};

struct tt_recent_list {
    struct tt_recent *newest;
    struct tt_recent *oldest;
};

static inline void tt_recent_add(struct tt_recent_list *list, struct tt_recent *item)
{
    item->newer = NULL;
    item->older = list->newest;
    if (item->older != NULL)
        item->older->newer = item;
    else
        list->oldest = item;
    list->newest = item;
}

static inline void tt_recent_remove(struct tt_recent_list *list, struct tt_recent *item)
{
    if (item->newer != NULL)
        item->newer->older = item->older;
    else
        list->newest = item->older;
    if (item->older != NULL)
        item->older->newer = item->newer;
    else
        list->oldest = item->newer;
}

static inline void tt_recent_use(struct tt_recent_list *list, struct tt_recent *item)
{
    if (list->newest == item)
        return;
    tt_recent_remove(list, item);
    tt_recent_add(list, item);
}

#endif
