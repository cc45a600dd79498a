/*
 * A server whose edge sends every WebSocket message back as it came: the connection code of the
 * real one, with a core that accepts everybody who has a token of SECRET. Its limits are those of
 * the public conformance suites: 16 MiB in 65536 fragments. Ends when it is killed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "adapter/clock_os.h"
#include "base/assert.h"
#include "edge/edge.h"
#include "net/listener.h"

#define SECRET        "0123456789abcdef0123456789abcdef"
#define MESSAGE_BYTES (16UL * 1024 * 1024)
#define FRAGMENTS     65536

struct echo {
    struct tt_loop *loop;
    struct tt_edge *edge;
    struct tt_listener *listener;
};

static void on_post(void *context, const struct tt_event *event)
{
    const struct echo *echo = context;
    struct tt_effect effect = {.kind = TT_EFFECT_ACCEPT, .handle = event->handle};
    if (event->kind == TT_EVENT_SESSION_OPEN)
        tt_edge_effect(echo->edge, &effect);
}

static tt_time on_wall(void *context)
{
    (void)context;
    return tt_clock_os_wall();
}

static void on_turn_end(void *context)
{
    const struct echo *echo = context;
    tt_edge_turn(echo->edge);
    tt_loop_set_deadline(echo->loop, tt_edge_deadline(echo->edge));
}

static void on_accepted(void *context, int fd, const struct tt_address *peer)
{
    const struct echo *echo = context;
    const struct tt_ip ip = tt_ip_of_address(peer);
    (void)tt_edge_accept(echo->edge, TT_EDGE_PUBLIC, fd, &ip);
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end};
static const struct tt_listener_events listener_events = {.accepted = on_accepted};

static void listen_somewhere(struct echo *echo)
{
    struct tt_address address;
    char text[TT_ADDRESS_TEXT_SIZE];
    const char *problem;
    tt_err err = tt_address_parse(TT_SLICE_LITERAL("127.0.0.1:0"), &address, &problem);
    TT_ASSERT(tt_is_ok(err));
    err = tt_listener_open(echo->loop, &address, &listener_events, echo, &echo->listener, &problem);
    TT_ASSERT(tt_is_ok(err));
    tt_address_format(tt_listener_address(echo->listener), text);
    printf("listening on http://%s\n", text);
    fflush(stdout);
}

int main(void)
{
    static struct echo echo;
    const char *problem;
    struct tt_jwt_keys *keys = tt_jwt_keys_create();
    tt_err err = tt_jwt_keys_add_secret(keys, TT_SLICE_EMPTY, TT_SLICE_LITERAL(SECRET), &problem);
    TT_ASSERT(tt_is_ok(err));
    struct tt_edge_options options = tt_edge_options_default();
    options.auth.keys = keys;
    options.frame_size_max = MESSAGE_BYTES;
    options.fragment_count_max = FRAGMENTS;
    options.echoes = true;
    err = tt_loop_create(&loop_events, &echo, &echo.loop);
    TT_ASSERT(tt_is_ok(err));
    echo.edge =
        tt_edge_create(&options, echo.loop,
                       &(struct tt_edge_owner){.context = &echo, .post = on_post, .wall = on_wall});
    listen_somewhere(&echo);
    tt_loop_run(echo.loop);
    return EXIT_SUCCESS;
}
