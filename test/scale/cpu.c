#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/dynamodb/api_client.h"
#include "adapter/entropy_os.h"
#include "base/memory.h"
#include "fixed_credentials.h"

/*
 * What a request to DynamoDB costs this process in CPU, beside a bare client in the same run: one
 * that sends bytes which were made before and looks for the end of the answer, and nothing else.
 *
 * usage: cpu PORT REQUESTS, by cpu.py
 */
#define ABREAST   64
#define TIMES_MAX 3.0 /* more is a mistake and no noise */
#define CONTENT   "where are you? it is late, and the bus does not wait for anybody"

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static const char bare_body[] =
    "{\"TableName\":\"messages\",\"Item\":{\"conversation_id\":{\"S\":\"conv_abc123\"},"
    "\"seq\":{\"N\":\"42\"},\"sender\":{\"S\":\"alice\"},\"content\":{\"S\":\"" CONTENT
    "\"},\"timestamp\":{\"S\":\"2024-01-15T09:42:00.000Z\"},\"client_id\":{\"S\":\"m1\"}},"
    "\"ConditionExpression\":\"attribute_not_exists(#k0)\","
    "\"ExpressionAttributeNames\":{\"#k0\":\"sender\"}}";

static size_t write_bare(char *out, size_t room)
{
    return (size_t)snprintf(
        out, room,
        "POST / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0\r\nhost: 127.0.0.1\r\n"
        "x-amz-date: 20240115T094200Z\r\nx-amz-target: DynamoDB_20120810.PutItem\r\n"
        "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240115/eu-west-1/dynamodb/"
        "aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
        "Signature=%064d\r\ncontent-length: %zu\r\n\r\n%s",
        0, sizeof(bare_body) - 1, bare_body);
}

static int dial(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        exit(1);
    return fd;
}

static double run_bare(uint16_t port, size_t count)
{
    char request[2048];
    char answer[4096];
    struct pollfd fds[ABREAST];
    size_t size = write_bare(request, sizeof(request));
    size_t sent = 0;
    size_t done = 0;
    for (size_t i = 0; i < ABREAST; i++)
        fds[i] = (struct pollfd){.fd = dial(port), .events = POLLIN};
    double before = cpu_us();
    for (; sent < ABREAST; sent++)
        if (send(fds[sent].fd, request, size, 0) != (ssize_t)size)
            exit(1);
    while (done < count) {
        poll(fds, ABREAST, -1);
        for (size_t i = 0; i < ABREAST; i++) {
            if (fds[i].revents == 0)
                continue;
            ssize_t got = recv(fds[i].fd, answer, sizeof(answer), 0);
            if (got <= 0 || memmem(answer, (size_t)got, "\r\n\r\n{}", 6) == NULL)
                exit(1);
            done++;
            if (sent < count && send(fds[i].fd, request, size, 0) == (ssize_t)size)
                sent++;
        }
    }
    double took = cpu_us() - before;
    for (size_t i = 0; i < ABREAST; i++)
        close(fds[i].fd);
    return took / (double)count;
}

struct ours {
    struct tt_loop *loop;
    struct tt_ddb_client *client;
    struct tt_entropy_os entropy;
    struct slot {
        struct ours *ours;
        struct tt_arena arena;
        struct tt_ddb_request request;
        struct tt_ddb_answer answer;
    } slots[ABREAST];
    size_t sent;
    size_t done;
    size_t count;
};

static void on_done(void *context);

static void send_one(struct slot *slot)
{
    struct ours *ours = slot->ours;
    struct tt_ddb_tables tables = tt_ddb_client_tables(ours->client);
    struct tt_ddb_request *put = &slot->request;
    *put = (struct tt_ddb_request){.verb = TT_DDB_PUT, .table = TT_DDB_MESSAGES};
    put->key.hash = tt_ddb_text(TT_SLICE_LITERAL("conv_abc123"));
    put->key.range = tt_ddb_number(++ours->sent);
    tt_ddb_set(put, "sender", tt_ddb_text(TT_SLICE_LITERAL("alice")));
    tt_ddb_set(put, "content", tt_ddb_raw(TT_SLICE_LITERAL(CONTENT)));
    tt_ddb_set(put, "timestamp", tt_ddb_text(TT_SLICE_LITERAL("2024-01-15T09:42:00.000Z")));
    tt_ddb_set(put, "client_id", tt_ddb_text(TT_SLICE_LITERAL("m1")));
    tt_ddb_only_if(put, TT_DDB_ABSENT, "sender", tt_ddb_number(0));
    tt_arena_reset(&slot->arena);
    tables.send(tables.self, put, tt_mono_after(tt_loop_now(ours->loop), 20000), &slot->arena,
                &slot->answer, on_done, slot);
}

static void on_done(void *context)
{
    struct slot *slot = context;
    struct ours *ours = slot->ours;
    if (slot->answer.outcome != TT_DDB_DONE)
        exit(1);
    if (++ours->done == ours->count)
        tt_loop_stop(ours->loop);
    else if (ours->sent < ours->count)
        send_one(slot);
}

static double run_ours(uint16_t port, size_t count)
{
    static const struct tt_loop_events events = {.wake = NULL};
    struct ours *ours = tt_alloc(sizeof(*ours));
    ours->count = count;
    if (!tt_is_ok(tt_loop_create(&events, NULL, &ours->loop)))
        exit(1);
    struct tt_ddb_client_options options = {
        .remote = {.host = "127.0.0.1", .port = port},
        .region = "eu-west-1",
        .connections_max = ABREAST,
        .try_ms_max = 10000,
        .source = {NULL, tt_fixed_credentials_get, tt_fixed_credentials_expired},
        .clock = tt_clock_os(),
        .entropy = tt_entropy_os(&ours->entropy),
    };
    ours->client = tt_ddb_client_create(ours->loop, &options);
    double before = cpu_us();
    for (size_t i = 0; i < ABREAST; i++) {
        ours->slots[i].ours = ours;
        send_one(&ours->slots[i]);
    }
    tt_loop_run(ours->loop);
    double took = cpu_us() - before;
    tt_ddb_client_destroy(&ours->client);
    tt_loop_destroy(&ours->loop);
    for (size_t i = 0; i < ABREAST; i++)
        tt_arena_deinit(&ours->slots[i].arena);
    tt_free(ours);
    return took / (double)count;
}

static size_t number(const char *text)
{
    size_t sum = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        sum = sum * 10 + (size_t)(*text - '0');
    return sum;
}

int main(int argc, char **argv)
{
    if (argc != 3 || number(argv[2]) < ABREAST)
        return 2;
    uint16_t port = (uint16_t)number(argv[1]);
    size_t count = number(argv[2]);
    (void)run_bare(port, ABREAST); /* whoever answers is warm */
    double bare = run_bare(port, count);
    double ours = run_ours(port, count);
    printf("CPU per request: a bare client %.1f us, this one (encoded, signed, read) %.1f us, "
           "%.1f times as much\n",
           bare, ours, ours / bare);
    return ours / bare <= TIMES_MAX ? 0 : 1;
}
