#include "net/outgoing.h"

#include <stdio.h>
#include <uv.h>

#include "base/memory.h"
#include "net/alarm.h"
#include "net/tls_client.h"

#define TLS_CONNECT_MS 5000

struct tt_outgoing {
    struct tt_loop *loop;
    const struct tt_remote *remote;
    const struct tt_socket_events *events;
    void *context;
    struct tt_socket *socket; /* NULL before the name is known and after the end */
    struct tt_tls_client *tls;
    struct tt_buffer early;   /* written before there was a socket; of TLS, all that is written */
    struct tt_alarm *failing; /* tells `ended` in a later turn */
    struct tt_alarm *writing; /* of TLS: encrypts in the next turn what was written in this one */
    bool ready;               /* of TLS */
    uv_getaddrinfo_t lookup;
    bool looking_up;
    bool destroyed; /* the memory waits for the lookup */
};

static void release(struct tt_outgoing *outgoing)
{
    tt_buffer_deinit(&outgoing->early);
    tt_free(outgoing);
}

static void on_read(void *context, struct tt_input *input)
{
    struct tt_outgoing *outgoing = context;
    outgoing->events->read(outgoing->context, input);
}

static void on_drained(void *context)
{
    struct tt_outgoing *outgoing = context;
    if (outgoing->events->drained != NULL)
        outgoing->events->drained(outgoing->context);
}

static void on_ended(void *context, enum tt_socket_end end)
{
    struct tt_outgoing *outgoing = context;
    tt_socket_destroy(&outgoing->socket);
    outgoing->events->ended(outgoing->context, end);
}

static void on_connected(void *context)
{
    struct tt_outgoing *outgoing = context;
    if (outgoing->events->connected != NULL)
        outgoing->events->connected(outgoing->context);
}

static const struct tt_socket_events socket_events = {
    .read = on_read,
    .drained = on_drained,
    .ended = on_ended,
    .connected = on_connected,
};

static void on_failing(void *context)
{
    struct tt_outgoing *outgoing = context;
    outgoing->events->ended(outgoing->context, TT_SOCKET_FAILED);
}

static void fail_later(struct tt_outgoing *outgoing)
{
    outgoing->failing = tt_alarm_create(outgoing->loop, on_failing, outgoing);
    tt_alarm_set(outgoing->failing, tt_loop_now(outgoing->loop));
}

static void on_writing(void *context)
{
    struct tt_outgoing *outgoing = context;
    if (!outgoing->ready || outgoing->early.size == 0)
        return;
    tt_tls_client_write(outgoing->tls, tt_buffer_slice(&outgoing->early));
    tt_buffer_deinit(&outgoing->early);
}

static void on_tls_ready(void *context)
{
    struct tt_outgoing *outgoing = context;
    outgoing->ready = true;
    on_writing(outgoing);
    on_connected(outgoing);
}

static void on_tls_ended(void *context, enum tt_tls_end end, const char *reason)
{
    struct tt_outgoing *outgoing = context;
    (void)reason;
    outgoing->ready = false;
    outgoing->events->ended(outgoing->context,
                            end == TT_TLS_CLOSED ? TT_SOCKET_PEER_CLOSED : TT_SOCKET_FAILED);
}

static const struct tt_tls_events tls_events = {
    .ready = on_tls_ready,
    .read = on_read,
    .ended = on_tls_ended,
};

static bool open_tls(struct tt_outgoing *outgoing)
{
    if (outgoing->remote->trust == NULL)
        return false; /* never in clear what was meant to be secret */
    struct tt_tls_options options = {
        .trust = outgoing->remote->trust,
        .host = tt_slice_text(outgoing->remote->host),
        .port = outgoing->remote->port,
        .connect_ms = TLS_CONNECT_MS,
    };
    outgoing->writing = tt_alarm_create(outgoing->loop, on_writing, outgoing);
    outgoing->tls = tt_tls_client_create(outgoing->loop, &options, &tls_events, outgoing);
    return true;
}

static bool open_socket(struct tt_outgoing *outgoing, const struct sockaddr *found)
{
    struct tt_address address = {0};
    if (found->sa_family == AF_INET)
        memcpy(&address.v4, found, sizeof(address.v4));
    else if (found->sa_family == AF_INET6)
        memcpy(&address.v6, found, sizeof(address.v6));
    else
        return false;
    if (!tt_is_ok(tt_socket_connect(outgoing->loop, &address, &socket_events, outgoing,
                                    &outgoing->socket)))
        return false;
    tt_buffer_add(tt_socket_output(outgoing->socket), tt_buffer_slice(&outgoing->early));
    tt_buffer_deinit(&outgoing->early);
    return true;
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct tt_outgoing *outgoing = lookup->data;
    outgoing->looking_up = false;
    bool opened = false;
    if (!outgoing->destroyed && status == 0)
        opened = open_socket(outgoing, found->ai_addr);
    uv_freeaddrinfo(found);
    if (outgoing->destroyed)
        release(outgoing);
    else if (!opened)
        outgoing->events->ended(outgoing->context, TT_SOCKET_FAILED);
}

struct tt_outgoing *tt_outgoing_connect(struct tt_loop *loop, const struct tt_remote *remote,
                                        const struct tt_socket_events *events, void *context)
{
    struct tt_outgoing *outgoing = tt_alloc(sizeof(*outgoing));
    outgoing->loop = loop;
    outgoing->remote = remote;
    outgoing->events = events;
    outgoing->context = context;
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)remote->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    bool opened = false;
    if (remote->tls) {
        opened = open_tls(outgoing);
    } else if (uv_ip4_addr(remote->host, remote->port, &v4) == 0) {
        opened = open_socket(outgoing, (const struct sockaddr *)&v4);
    } else if (uv_ip6_addr(remote->host, remote->port, &v6) == 0) {
        opened = open_socket(outgoing, (const struct sockaddr *)&v6);
    } else {
        outgoing->lookup.data = outgoing;
        opened = uv_getaddrinfo(tt_loop_uv(loop), &outgoing->lookup, on_looked_up, remote->host,
                                port, &hints) == 0;
        outgoing->looking_up = opened;
    }
    if (!opened)
        fail_later(outgoing);
    return outgoing;
}

struct tt_buffer *tt_outgoing_output(struct tt_outgoing *outgoing)
{
    if (outgoing->socket != NULL)
        return tt_socket_output(outgoing->socket);
    if (outgoing->ready && tt_alarm_at(outgoing->writing).ms == 0)
        tt_alarm_set(outgoing->writing, tt_loop_now(outgoing->loop));
    return &outgoing->early;
}

size_t tt_outgoing_buffered(const struct tt_outgoing *outgoing)
{
    if (outgoing->socket != NULL)
        return tt_socket_buffered(outgoing->socket);
    return outgoing->early.size +
           (outgoing->tls == NULL ? 0 : tt_tls_client_buffered(outgoing->tls));
}

void tt_outgoing_destroy(struct tt_outgoing **take_outgoing)
{
    struct tt_outgoing *outgoing = *take_outgoing;
    *take_outgoing = NULL;
    if (outgoing->socket != NULL)
        tt_socket_destroy(&outgoing->socket);
    if (outgoing->tls != NULL)
        tt_tls_client_destroy(&outgoing->tls);
    if (outgoing->writing != NULL)
        tt_alarm_destroy(&outgoing->writing);
    if (outgoing->failing != NULL)
        tt_alarm_destroy(&outgoing->failing);
    if (outgoing->looking_up) {
        outgoing->destroyed = true;
        (void)uv_cancel((uv_req_t *)&outgoing->lookup);
        return;
    }
    release(outgoing);
}
