#include "unit.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "net/http_pool.h"
#include "net/listener.h"

/* An origin in the same loop: each connection answers what the script says, one line per request.
 */
struct world;

struct peer {
    struct world *world;
    struct tt_socket *socket;
    struct tt_buffer got;
};

#define PEERS_MAX 8

struct world {
    struct tt_loop *loop;
    struct tt_listener *listener;
    struct tt_http_pool *client;
    struct peer peers[PEERS_MAX];
    size_t peer_count;
    const char *answer; /* "": says nothing; NULL: closes at once */
    size_t asked;
    size_t answered;
    size_t wanted;
    enum tt_http_outcome outcomes[16];
    int statuses[16];
    char bodies[16][64];
    bool has_crc32;
    uint32_t crc32;
    bool too_late;
};

static void peer_read(void *context, struct tt_input *input)
{
    struct peer *peer = context;
    tt_buffer_add(&peer->got, tt_slice(input->data, input->size));
    if (memmem(peer->got.data, peer->got.size, "\r\n\r\n", 4) == NULL)
        return;
    peer->got.size = 0;
    peer->world->asked++;
    if (peer->world->answer == NULL)
        tt_socket_destroy(&peer->socket);
    else
        tt_buffer_add_text(tt_socket_output(peer->socket), peer->world->answer);
}

static void peer_ended(void *context, enum tt_socket_end end)
{
    struct peer *peer = context;
    (void)end;
    tt_socket_destroy(&peer->socket);
}

static const struct tt_socket_events peer_events = {.read = peer_read, .ended = peer_ended};

static void on_accepted(void *context, int fd, const struct tt_address *address)
{
    struct world *world = context;
    (void)address;
    assert_true(world->peer_count < PEERS_MAX);
    struct peer *peer = &world->peers[world->peer_count++];
    peer->world = world;
    expect_ok(tt_socket_open(world->loop, fd, &peer_events, peer, &peer->socket));
}

static const struct tt_listener_events listener_events = {.accepted = on_accepted};

static void on_answer(void *context, const struct tt_http_result *result)
{
    struct world *world = context;
    size_t at = world->answered++;
    world->outcomes[at] = result->outcome;
    world->statuses[at] = result->status;
    world->has_crc32 = result->has_crc32;
    world->crc32 = result->crc32;
    assert_true(result->body.size < sizeof(world->bodies[at]));
    if (result->body.size > 0)
        memcpy(world->bodies[at], result->body.data, result->body.size);
    if (world->answered == world->wanted)
        tt_loop_stop(world->loop);
}

static void on_deadline(void *context)
{
    struct world *world = context;
    world->too_late = true;
    tt_loop_stop(world->loop);
}

static const struct tt_loop_events loop_events = {.deadline = on_deadline};

static struct world *open_world(size_t connections_max, bool listening)
{
    struct world *world = test_calloc(1, sizeof(*world));
    expect_ok(tt_loop_create(&loop_events, world, &world->loop));
    struct tt_address any = {0};
    const char *problem;
    expect_ok(tt_address_parse(TT_SLICE_LITERAL("127.0.0.1:0"), &any, &problem));
    expect_ok(
        tt_listener_open(world->loop, &any, &listener_events, world, &world->listener, &problem));
    struct tt_http_pool_options options = {
        .remote = {.host = "127.0.0.1",
                   .port = tt_address_port(tt_listener_address(world->listener))},
        .connections_max = connections_max,
        .body_size_max = 32,
        .idle_ms_max = 10000,
    };
    if (!listening)
        tt_listener_close(&world->listener);
    world->client = tt_http_pool_create(world->loop, &options);
    return world;
}

static void close_world(struct world *world)
{
    tt_http_pool_destroy(&world->client);
    if (world->listener != NULL)
        tt_listener_close(&world->listener);
    for (size_t i = 0; i < world->peer_count; i++) {
        if (world->peers[i].socket != NULL)
            tt_socket_destroy(&world->peers[i].socket);
        tt_buffer_deinit(&world->peers[i].got);
    }
    tt_loop_destroy(&world->loop);
    test_free(world);
}

static void ask(struct world *world, uint32_t within_ms)
{
    struct tt_buffer request = {0};
    tt_buffer_add_text(&request, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    tt_http_pool_send(world->client, &request, tt_mono_after(tt_loop_now(world->loop), within_ms),
                      on_answer, world);
    assert_int_equal(request.size, 0);
}

static void run_until_answered(struct world *world, size_t wanted)
{
    world->wanted = wanted;
    tt_loop_set_deadline(world->loop, tt_mono_after(tt_loop_now(world->loop), 10000));
    tt_loop_run(world->loop);
    assert_false(world->too_late);
}

static void an_answer_comes_back_and_the_connection_is_used_again(void **state)
{
    (void)state;
    struct world *world = open_world(4, true);
    world->answer = "HTTP/1.1 200 OK\r\nX-Amz-Crc32: 2745614147\r\ncontent-length: 2\r\n\r\n{}";
    for (size_t i = 1; i <= 3; i++) {
        ask(world, 5000);
        run_until_answered(world, i);
        assert_int_equal(world->outcomes[i - 1], TT_HTTP_ANSWERED);
        assert_int_equal(world->statuses[i - 1], 200);
        assert_string_equal(world->bodies[i - 1], "{}");
        assert_true(world->has_crc32);
        assert_int_equal(world->crc32, 2745614147U);
    }
    assert_int_equal(tt_http_pool_stats(world->client)->connects, 1);
    assert_int_equal(world->peer_count, 1);
    close_world(world);
}

static void chunks_are_joined(void **state)
{
    (void)state;
    struct world *world = open_world(4, true);
    world->answer = "HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
                    "0\r\n\r\n";
    ask(world, 5000);
    run_until_answered(world, 1);
    assert_int_equal(world->statuses[0], 400);
    assert_string_equal(world->bodies[0], "abcde");
    assert_false(world->has_crc32);
    close_world(world);
}

static void requests_beyond_the_connections_wait_for_one(void **state)
{
    (void)state;
    struct world *world = open_world(2, true);
    world->answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    for (size_t i = 0; i < 6; i++)
        ask(world, 5000);
    run_until_answered(world, 6);
    assert_int_equal(world->asked, 6);
    assert_int_equal(tt_http_pool_stats(world->client)->connects, 2);
    close_world(world);
}

static void silence_ends_at_the_deadline_as_lost(void **state)
{
    (void)state;
    struct world *world = open_world(1, true);
    world->answer = "";
    ask(world, 30);
    ask(world, 20); /* waits for the connection and is never sent */
    run_until_answered(world, 2);
    assert_int_equal(world->asked, 1);
    assert_int_equal(world->outcomes[0] + world->outcomes[1], TT_HTTP_LOST + TT_HTTP_NOT_SENT);
    close_world(world);
}

static void an_answer_that_breaks_off_is_lost(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL,
                                      "HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n"
                                      "0123456789012345678901234567890123456789",
                                      "garbage\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        struct world *world = open_world(1, true);
        world->answer = bad[i];
        ask(world, 5000);
        run_until_answered(world, 1);
        assert_int_equal(world->outcomes[0], TT_HTTP_LOST);
        close_world(world);
    }
}

static void nobody_there_means_not_sent(void **state)
{
    (void)state;
    struct world *world = open_world(1, false);
    ask(world, 5000);
    run_until_answered(world, 1);
    assert_int_equal(world->outcomes[0], TT_HTTP_NOT_SENT);
    close_world(world);
}

static void a_name_is_looked_up(void **state)
{
    (void)state;
    struct world *world = open_world(1, true);
    struct tt_http_pool_options options = {
        .remote = {.host = "localhost",
                   .port = tt_address_port(tt_listener_address(world->listener))},
        .connections_max = 1,
        .body_size_max = 32,
        .idle_ms_max = 10000,
    };
    tt_http_pool_destroy(&world->client);
    world->client = tt_http_pool_create(world->loop, &options);
    world->answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    ask(world, 5000);
    run_until_answered(world, 1);
    assert_int_equal(world->outcomes[0], TT_HTTP_ANSWERED);
    close_world(world);
}

static void the_host_header_leaves_the_usual_port_out(void **state)
{
    (void)state;
    char text[TT_HOST_SIZE_MAX + 10];
    struct tt_remote remote = {
        .host = "dynamodb.eu-west-1.amazonaws.com", .port = 443, .tls = true};
    tt_http_pool_host(&remote, text);
    assert_string_equal(text, "dynamodb.eu-west-1.amazonaws.com");
    remote.port = 8000;
    tt_http_pool_host(&remote, text);
    assert_string_equal(text, "dynamodb.eu-west-1.amazonaws.com:8000");
    remote = (struct tt_remote){.host = "::1", .port = 81};
    tt_http_pool_host(&remote, text);
    assert_string_equal(text, "[::1]:81");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back_and_the_connection_is_used_again),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(requests_beyond_the_connections_wait_for_one),
        cmocka_unit_test(silence_ends_at_the_deadline_as_lost),
        cmocka_unit_test(an_answer_that_breaks_off_is_lost),
        cmocka_unit_test(nobody_there_means_not_sent),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(the_host_header_leaves_the_usual_port_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
