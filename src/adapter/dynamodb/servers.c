#include "adapter/dynamodb/servers.h"

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/steps.h"

struct server {
    struct tt_slice text; /* "ws_server_3.17" */
    tt_id id;
    uint64_t incarnation;
    bool known; /* there is a row of it */
    bool later; /* a later incarnation is known */
    bool alive;
    tt_time alive_at;
};

static bool read_server(struct tt_slice text, struct server *server)
{
    size_t dot = text.size;
    while (dot > 0 && text.data[dot - 1] != '.')
        dot--;
    return dot > 1 && tt_is_ok(tt_id_parse(tt_slice(text.data, dot - 1), &server->id)) &&
           tt_ddb_digits(tt_slice_from(text, dot), &server->incarnation);
}

/* A server is dead when a later incarnation of it is known, or when it has not been alive for a
 * lease. One of which there is no row has just started and linked its first device. */
static void judge(const struct tt_ddb_work *work, const struct tt_ddb_answer *rows,
                  struct server *server)
{
    const struct tt_ddb_store_options *options = &work->store->options;
    server->later = tt_id_eq(&server->id, &options->place.server) &&
                    server->incarnation < options->place.incarnation;
    for (size_t i = 0; i < rows->item_count; i++) {
        uint64_t incarnation = tt_ddb_get_number(rows->items[i], "incarnation");
        server->later = server->later || incarnation > server->incarnation;
        if (incarnation != server->incarnation)
            continue;
        server->known = true;
        server->alive_at = tt_ddb_get_time(rows->items[i], "alive_at");
    }
    bool silent = server->known &&
                  tt_ddb_wall(work->store).ms - server->alive_at.ms > (int64_t)options->lease_ms;
    server->alive = !server->later && !silent;
}

static struct server *find(struct server *servers, size_t count, struct tt_slice text)
{
    for (size_t i = 0; i < count; i++)
        if (tt_slice_eq(servers[i].text, text))
            return &servers[i];
    return NULL;
}

/* All servers but our own that the devices name. */
static size_t gather(const struct tt_ddb_work *work, const struct tt_ddb_user *users, size_t count,
                     struct server *servers)
{
    size_t found = 0;
    struct tt_slice own = tt_slice_text(work->store->server_text);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < users[i].device_count; j++) {
            struct tt_slice text = users[i].devices[j].server;
            if (text.size == 0 || tt_slice_eq(text, own) || find(servers, found, text) != NULL)
                continue;
            servers[found].text = text;
            if (read_server(text, &servers[found]))
                found++;
        }
    return found;
}

static void bury_in(struct tt_ddb_work *work, struct tt_ddb_user *user, struct server *servers,
                    size_t server_count)
{
    bool anybody = false;
    tt_time died = TT_TIME(0);
    for (size_t i = 0; i < user->device_count; i++) {
        struct tt_ddb_device *device = &user->devices[i];
        const struct server *server = find(servers, server_count, device->server);
        if (device->server.size == 0)
            continue;
        if (server == NULL || server->alive) {
            anybody = true;
            continue;
        }
        tt_time left = tt_time_max(server->alive_at, device->connected_at);
        struct tt_happening step = {
            .kind = TT_HAPPENED_DISCONNECTED, .at = left, .device = device->is.id};
        user->steps = tt_ddb_steps_add(user->steps, &step, &work->arena);
        device->server = TT_SLICE_EMPTY;
        device->is.connected = false;
        device->is.active_at = tt_time_max(device->is.active_at, left);
        died = tt_time_max(died, left);
    }
    if (!anybody)
        user->last_seen = tt_time_max(user->last_seen, died);
}

static tt_err judge_all(struct tt_ddb_work *work, struct server *servers, size_t server_count)
{
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, server_count, sizeof(struct tt_ddb_request *));
    for (size_t i = 0; i < server_count; i++)
        requests[i] = tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_SERVERS, tt_ddb_id(&servers[i].id),
                                 (struct tt_ddb_value){.kind = TT_DDB_NONE});
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, server_count);
    for (size_t i = 0; i < server_count; i++) {
        TT_TRY(tt_ddb_known(&answers[i]));
        judge(work, &answers[i], &servers[i]);
    }
    return TT_OK;
}

tt_err tt_ddb_bury(struct tt_ddb_work *work, struct tt_ddb_user *users, size_t count)
{
    size_t named = 0;
    for (size_t i = 0; i < count; i++)
        named += users[i].device_count;
    struct server *servers = tt_arena_array(&work->arena, named + 1, sizeof(*servers));
    size_t server_count = gather(work, users, count, servers);
    if (server_count == 0)
        return TT_OK;
    TT_TRY(judge_all(work, servers, server_count));
    for (size_t i = 0; i < count; i++)
        bury_in(work, &users[i], servers, server_count);
    return TT_OK;
}

/* "ws_server_3.17" of "ws_server_3.17.0". */
static struct tt_slice server_of(struct tt_slice node)
{
    size_t dot = node.size;
    while (dot > 0 && node.data[dot - 1] != '.')
        dot--;
    return tt_slice(node.data, dot == 0 ? 0 : dot - 1);
}

static bool is_quiet(const struct tt_ddb_work *work, const struct server *server)
{
    int64_t quiet_ms = (int64_t)work->store->options.lease_ms / 2;
    return server->later || !server->known ||
           tt_ddb_wall(work->store).ms - server->alive_at.ms > quiet_ms;
}

tt_err tt_ddb_find_dead(struct tt_ddb_work *work, const struct tt_slice *nodes, size_t count,
                        bool *dead)
{
    struct tt_slice own = tt_slice_text(work->store->server_text);
    struct server *servers = tt_arena_array(&work->arena, count, sizeof(*servers));
    size_t server_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct tt_slice text = server_of(nodes[i]);
        if (text.size == 0 || tt_slice_eq(text, own) || find(servers, server_count, text) != NULL)
            continue;
        servers[server_count] = (struct server){.text = text};
        if (read_server(text, &servers[server_count]))
            server_count++;
    }
    TT_TRY(judge_all(work, servers, server_count));
    for (size_t i = 0; i < count; i++) {
        const struct server *server = find(servers, server_count, server_of(nodes[i]));
        dead[i] = server != NULL && is_quiet(work, server);
    }
    return TT_OK;
}

void tt_ddb_alive(struct tt_ddb_work *work)
{
    const struct tt_ddb_store_options *options = &work->store->options;
    struct tt_ddb_request *update =
        tt_ddb_new(work, TT_DDB_UPDATE, TT_DDB_SERVERS, tt_ddb_id(&options->place.server),
                   tt_ddb_number(options->place.incarnation));
    struct tt_ddb_value at = tt_ddb_time(work, work->op->alive.at);
    tt_ddb_set(update, "alive_at", at);
    tt_ddb_only_if(update, TT_DDB_ABSENT_OR_SMALLER, "alive_at", at);
    work->op->err = tt_ddb_known(tt_ddb_ask(work, update));
}
