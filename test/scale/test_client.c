#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/dynamodb/api_client.h"
#include "adapter/entropy_os.h"
#include "fixed_credentials.h"
#include "unit.h"

/* A service that stalls: it takes connections and says nothing. More wait for a connection than
 * the budget for further tries has room for; as they were never sent, their next try is free. */
#define CROWD       400
#define CONNECTIONS 2
#define TRY_MS      100
#define OP_MS       900

struct world {
    struct tt_loop *loop;
    struct tt_ddb_client *client;
    struct tt_entropy_os entropy;
    struct tt_ddb_request request;
    struct tt_ddb_answer answers[CROWD];
    struct tt_arena arena;
    uint64_t start_ms;
    size_t done;
    size_t too_early;
};

static void on_done(void *context)
{
    struct world *world = context;
    if (tt_loop_now(world->loop).ms < world->start_ms + 2 * TRY_MS)
        world->too_early++;
    if (++world->done == CROWD)
        tt_loop_stop(world->loop);
}

static int listen_silently(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void who_was_not_sent_is_tried_again(void **state)
{
    (void)state;
    static const struct tt_loop_events events = {.wake = NULL};
    static struct world world;
    uint16_t port;
    int fd = listen_silently(&port);
    expect_ok(tt_loop_create(&events, NULL, &world.loop));
    struct tt_ddb_client_options options = {
        .remote = {.host = "127.0.0.1", .port = port},
        .region = "eu-west-1",
        .connections_max = CONNECTIONS,
        .try_ms_max = TRY_MS,
        .source = {NULL, tt_fixed_credentials_get, tt_fixed_credentials_expired},
        .clock = tt_clock_os(),
        .entropy = tt_entropy_os(&world.entropy),
    };
    world.client = tt_ddb_client_create(world.loop, &options);
    world.request = (struct tt_ddb_request){.verb = TT_DDB_GET, .table = TT_DDB_USERS};
    world.request.key.hash = tt_ddb_text(TT_SLICE_LITERAL("alice"));
    world.start_ms = tt_loop_now(world.loop).ms;
    tt_mono deadline = TT_MONO(world.start_ms + OP_MS);
    struct tt_ddb_tables tables = tt_ddb_client_tables(world.client);
    for (size_t i = 0; i < CROWD; i++)
        tables.send(tables.self, &world.request, deadline, &world.arena, &world.answers[i], on_done,
                    &world);
    tt_loop_run(world.loop);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(world.answers[i].outcome, TT_DDB_UNKNOWN);
    assert_int_equal(world.too_early, 0);
    tt_ddb_client_destroy(&world.client);
    tt_loop_destroy(&world.loop);
    tt_arena_deinit(&world.arena);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_not_sent_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
