/*
 * Who may be here at all: so many connections of an address, and so many that have not shown a good
 * token. When there are as many strangers as may be, the oldest goes for a new one if he had time
 * enough; otherwise the new one is refused: so that neither those who open connections and say
 * nothing keep all others out, nor a rush of honest ones throws itself out.
 */
#include "edge/connection.h"

#define TIME_ENOUGH_MS 2000

static bool is_proxy(const struct tt_connection *connection)
{
    return tt_networks_have(&connection->edge->options.trusted_proxies, &connection->work->peer);
}

static bool enter(struct tt_connection *connection, const struct tt_ip *ip)
{
    bool counted;
    struct tt_crowd *crowd = connection->edge->options.crowd;
    if (crowd == NULL || connection->counted)
        return true;
    bool entered = tt_crowd_enter(crowd, ip, &counted);
    connection->counted = counted;
    connection->counted_as = *ip;
    return entered;
}

static struct tt_connection *oldest_who_waits(const struct tt_edge *edge)
{
    struct tt_connection *each = edge->oldest_stranger;
    while (each != NULL && each->state != TT_CONNECTION_HTTP)
        each = each->work->newer;
    return each;
}

static bool make_room(struct tt_edge *edge)
{
    if (edge->options.strangers_max == 0 || edge->stranger_count < edge->options.strangers_max)
        return true;
    struct tt_connection *oldest = oldest_who_waits(edge);
    if (oldest == NULL || oldest->entered > 0 ||
        tt_loop_now(edge->loop).ms < oldest->work->arrived_at.ms + TIME_ENOUGH_MS)
        return false;
    edge->counters.refused++;
    tt_connection_end(oldest, true);
    return true;
}

void tt_stranger_add(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    connection->work->arrived_at = tt_loop_now(edge->loop);
    connection->stranger = true;
    connection->work->older = edge->newest_stranger;
    *(edge->newest_stranger != NULL ? &edge->newest_stranger->work->newer
                                    : &edge->oldest_stranger) = connection;
    edge->newest_stranger = connection;
    edge->stranger_count++;
}

static void no_stranger_any_more(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    if (!connection->stranger)
        return;
    connection->stranger = false;
    *(connection->work->older != NULL ? &connection->work->older->work->newer
                                      : &edge->oldest_stranger) = connection->work->newer;
    *(connection->work->newer != NULL ? &connection->work->newer->work->older
                                      : &edge->newest_stranger) = connection->work->older;
    edge->stranger_count--;
}

/* A proxy's connection carries requests of many: only a socket that one of them opens for good is
 * his. */
bool tt_stranger_is_known(struct tt_connection *connection, bool upgrades)
{
    const struct tt_edge_owner *owner = &connection->edge->owner;
    if (connection->stranger && owner->known != NULL)
        owner->known(owner->context);
    no_stranger_any_more(connection);
    return !upgrades || !is_proxy(connection) || enter(connection, &connection->work->client);
}

void tt_stranger_asks_again(struct tt_connection *connection)
{
    if (!connection->counted || !is_proxy(connection))
        return;
    tt_crowd_leave(connection->edge->options.crowd, &connection->counted_as);
    connection->counted = false;
}

void tt_stranger_gone(struct tt_connection *connection)
{
    no_stranger_any_more(connection);
    if (connection->counted)
        tt_crowd_leave(connection->edge->options.crowd, &connection->counted_as);
    connection->counted = false;
}

bool tt_stranger_may_come(struct tt_edge *edge, struct tt_connection *connection, bool *has_room)
{
    if (connection->work->door != TT_EDGE_PUBLIC)
        return true;
    if (!is_proxy(connection) && !enter(connection, &connection->work->peer))
        return false;
    *has_room = make_room(edge);
    if (!*has_room)
        tt_stranger_gone(connection);
    return *has_room;
}
