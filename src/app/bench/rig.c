#include "app/bench/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "app/signer.h"
#include "base/memory.h"

#define EVENTS         256
#define DAY_MS         (24 * 3600 * 1000ULL)
#define FILES_BESIDE   64
#define LETTERS        ((size_t)256 * 1024)
#define LETTERS_STEP   40503U /* so that a message begins elsewhere than the one before */
#define PROGRESS_NS    1000000000ULL
#define WARM_UP_PART   5
#define NANOSECONDS    1000000000ULL
#define SHOWN_OF_ERROR 300
#define SOURCE_FIRST   0x7f000101U /* 127.0.1.1 */
#define SOURCES        250

static const struct tt_jwt_policy no_policy;

bool tt_bench_fail(struct tt_bench *bench, const char *problem)
{
    snprintf(bench->problem, sizeof(bench->problem), "%s", problem);
    return false;
}

static bool find_server(struct tt_bench *bench, const char *const *serving)
{
    const struct tt_bench_values *values = bench->values;
    bench->endpoint_count = values->urls.count;
    if (values->urls.count == 0) {
        if (!tt_private_server_open(&bench->server, serving))
            return tt_bench_fail(bench, "the private server did not start");
        bench->endpoint_count = 1;
        bench->endpoints[0] = bench->server.endpoint;
        return tt_secret_read(bench->server.data, &bench->secret, bench->problem);
    }
    const char *problem;
    if (values->data == NULL)
        return tt_bench_fail(bench,
                             "with --url, --data DIR is needed too: its secret signs the tokens");
    for (size_t i = 0; i < values->urls.count; i++)
        if (!tt_endpoint_parse(values->urls.items[i], &bench->endpoints[i], &problem))
            return tt_bench_fail(bench, problem);
    return tt_secret_read(values->data, &bench->secret, bench->problem);
}

static bool raise_limit(struct tt_bench *bench, uint64_t files)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= files + FILES_BESIDE)
        return true;
    snprintf(bench->problem, sizeof(bench->problem),
             "this needs %llu open files, but only %llu are allowed; ask for less, or raise the "
             "limit (ulimit -Hn)",
             (unsigned long long)files + FILES_BESIDE, (unsigned long long)limit.rlim_max);
    return false;
}

static char *make_letters(void)
{
    static const char some[] = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789";
    char *letters = tt_alloc(LETTERS);
    tt_entropy_os_fill(letters, LETTERS);
    for (size_t i = 0; i < LETTERS; i++)
        letters[i] = some[(unsigned char)letters[i] % (sizeof(some) - 1)];
    return letters;
}

bool tt_bench_open(struct tt_bench *bench, const struct tt_bench_values *values, uint64_t files,
                   const char *const *serving)
{
    *bench = (struct tt_bench){.values = values, .epoll = -1};
    tt_entropy_os_fill(&bench->run, sizeof(bench->run));
    bench->bytes = tt_alloc(TT_CLIENT_BYTES);
    bench->letters = make_letters();
    /* The kernel lets timers be late by 50 us, which a latency would count as the server's. */
    (void)prctl(PR_SET_TIMERSLACK, 1);
    bench->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bench->epoll < 0)
        return tt_bench_fail(bench, "epoll does not work here");
    return raise_limit(bench, files) && find_server(bench, serving);
}

bool tt_bench_close(struct tt_bench *bench)
{
    if (bench->epoll >= 0)
        close(bench->epoll);
    tt_free(bench->bytes);
    tt_free(bench->letters);
    if (bench->values->urls.count > 0 || bench->server.pid == 0)
        return true;
    return tt_private_server_close(&bench->server) ||
           tt_bench_fail(bench, "the private server did not end well");
}

tt_id tt_bench_name(const struct tt_bench *bench, const char *name, uint64_t number)
{
    char text[TT_ID_SIZE_MAX + 1];
    snprintf(text, sizeof(text), "%s_%08x_%llu", name, bench->run, (unsigned long long)number);
    return tt_id_of(text);
}

void tt_bench_sign(const struct tt_bench *bench, const tt_id *user, struct tt_buffer *token)
{
    tt_id device = tt_id_of("bench");
    tt_signer_sign(&bench->secret, user, &device, DAY_MS, &no_policy, token);
}

bool tt_bench_create(struct tt_bench *bench, const tt_id *conversation, const tt_id *members,
                     size_t count)
{
    struct tt_buffer body = {0};
    struct tt_buffer token = {0};
    tt_buffer_add_text(&body, "{\"conversation_id\":\"");
    tt_buffer_add(&body, tt_id_slice(conversation));
    tt_buffer_add_text(&body,
                       count == 2 ? "\",\"members\":[" : "\",\"kind\":\"group\",\"members\":[");
    for (size_t i = 0; i < count; i++) {
        tt_buffer_add_text(&body, i == 0 ? "\"" : ",\"");
        tt_buffer_add(&body, tt_id_slice(&members[i]));
        tt_buffer_add_text(&body, "\"");
    }
    tt_buffer_add_text(&body, "]}");
    tt_bench_sign(bench, &members[0], &token);
    struct tt_client_answer answer = {0};
    bool created =
        tt_client_request(&bench->endpoints[0], "POST", "/conversation", tt_buffer_slice(&token),
                          tt_buffer_slice(&body), &answer, bench->problem);
    if (created && answer.status != 201) {
        size_t shown = answer.body.size < SHOWN_OF_ERROR ? answer.body.size : SHOWN_OF_ERROR;
        snprintf(bench->problem, sizeof(bench->problem),
                 "creating a conversation was answered with %d: %.*s", answer.status, (int)shown,
                 answer.body.data);
        created = false;
    }
    tt_buffer_deinit(&answer.body);
    tt_buffer_deinit(&body);
    tt_buffer_deinit(&token);
    return created;
}

static bool watch(struct tt_bench_end *end)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    return epoll_ctl(end->bench->epoll, EPOLL_CTL_ADD, tt_client_fd(end->client), &event) == 0 ||
           tt_bench_fail(end->bench, "epoll_ctl does not work");
}

static bool await_caught_up(struct tt_bench_end *end)
{
    struct tt_received frame = {.known = false};
    struct tt_slice text;
    while (!frame.known || frame.kind != TT_SERVER_CAUGHT_UP)
        if (tt_client_receive(end->client, TT_CLIENT_WAIT_MS, &text) != TT_CLIENT_FRAME ||
            !tt_is_ok(tt_client_read_frame(text, &frame)))
            return tt_bench_fail(end->bench, "a connection ended before it was caught_up");
    return true;
}

/* One address has some 28,000 ports, and the kernel searches long for the last free ones: the
 * connections to this machine take turns in addresses of 127.0.1.0/24. */
static struct tt_endpoint next_endpoint(struct tt_bench *bench)
{
    uint32_t number = bench->connections++;
    struct tt_endpoint endpoint = bench->endpoints[number % bench->endpoint_count];
    if (endpoint.address.any.sa_family == AF_INET && tt_address_is_loopback(&endpoint.address))
        endpoint.from.v4 = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_addr.s_addr = htonl(SOURCE_FIRST + number % SOURCES)};
    return endpoint;
}

bool tt_bench_connect(struct tt_bench_end *end, const tt_id *user)
{
    struct tt_buffer token = {0};
    struct tt_endpoint endpoint = next_endpoint(end->bench);
    tt_bench_sign(end->bench, user, &token);
    end->client = tt_client_connect(&endpoint, tt_buffer_slice(&token), end->bench->problem);
    tt_buffer_deinit(&token);
    return end->client != NULL && await_caught_up(end) && watch(end);
}

bool tt_bench_begin_connect(struct tt_bench_end *end, struct tt_slice token)
{
    struct tt_endpoint endpoint = next_endpoint(end->bench);
    end->client = tt_client_begin(&endpoint, token, end->bench->bytes, end->bench->problem);
    return end->client != NULL && watch(end);
}

void tt_bench_disconnect(struct tt_bench_end *end)
{
    if (end->client != NULL)
        tt_client_destroy(&end->client);
}

bool tt_bench_write(struct tt_bench_end *end, const struct tt_client_frame *frame)
{
    struct tt_buffer text = {0};
    tt_client_write_frame(frame, &text);
    bool sent = tt_client_send(end->client, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return sent || tt_bench_fail(end->bench, "the server closed a connection");
}

bool tt_bench_send(struct tt_bench_end *end, const tt_id *conversation, uint64_t number)
{
    char id[1 + TT_U64_TEXT_MAX] = "b";
    size_t size = (size_t)end->bench->values->bytes;
    size_t from = (size_t)(end->bench->sends++ * LETTERS_STEP % (LETTERS - size));
    size_t id_size = (size_t)(tt_buffer_put_u64(id + 1, number) - id);
    struct tt_client_frame frame = {.kind = TT_CLIENT_SEND,
                                    .conversation = *conversation,
                                    .content = tt_slice(end->bench->letters + from, size)};
    tt_err err = tt_id_parse(tt_slice(id, id_size), &frame.client_id);
    TT_ASSERT(tt_is_ok(err));
    return tt_bench_write(end, &frame);
}

bool tt_bench_delivered(struct tt_bench_end *end, const tt_id *conversation, tt_seq seq)
{
    return tt_bench_write(end, &(struct tt_client_frame){.kind = TT_CLIENT_DELIVERED,
                                                         .conversation = *conversation,
                                                         .seq = seq});
}

static bool refused(struct tt_bench *bench, const struct tt_received *frame)
{
    snprintf(bench->problem, sizeof(bench->problem), "the server answered %.*s: %.*s",
             (int)frame->code.size, frame->code.data, (int)frame->error.size, frame->error.data);
    return false;
}

static bool lose(struct tt_bench_end *end)
{
    if (!end->bench->counts_losses) {
        snprintf(end->bench->problem, sizeof(end->bench->problem),
                 "the server closed a connection with code %u",
                 (unsigned)tt_client_close_code(end->client));
        return false;
    }
    end->bench->lost++;
    tt_bench_disconnect(end);
    if (end->gone != NULL)
        end->gone(end);
    return true;
}

/* What is written to a connection because of what came on it goes in one write, as the server's
 * own frames do. */
static bool read_end(struct tt_bench_end *end)
{
    struct tt_slice text;
    tt_client_hold(end->client);
    for (;;) {
        enum tt_client_outcome outcome = tt_client_receive(end->client, 0, &text);
        if (outcome == TT_CLIENT_NOTHING)
            return tt_client_release(end->client) || lose(end);
        struct tt_received frame;
        if (outcome == TT_CLIENT_GONE || !tt_is_ok(tt_client_read_frame(text, &frame)))
            return lose(end);
        bool is_error = frame.known && frame.kind == TT_SERVER_ERROR;
        if (is_error && !end->bench->counts_losses)
            return refused(end->bench, &frame);
        end->bench->refused += is_error;
        if (frame.known && !is_error && !end->take(end, &frame))
            return false;
    }
}

/* One line on a terminal, once a second. */
static void show_progress(const struct tt_bench *bench, uint64_t now, uint64_t *shown_at,
                          uint64_t *shown)
{
    if (bench->counted == NULL || now - *shown_at < PROGRESS_NS || isatty(STDERR_FILENO) == 0)
        return;
    double seconds = (double)(now - *shown_at) / NANOSECONDS;
    if (*shown_at != 0 && *bench->counted >= *shown)
        fprintf(stderr, "\r%12.0f/s ", (double)(*bench->counted - *shown) / seconds);
    *shown_at = now;
    *shown = *bench->counted;
}

bool tt_bench_read_until(struct tt_bench *bench, uint64_t until, const bool *done)
{
    struct epoll_event events[EVENTS];
    uint64_t shown_at = 0;
    uint64_t shown = 0;
    while (done == NULL || !*done) {
        uint64_t now = tt_clock_os_nanoseconds();
        if (now >= until)
            return done == NULL || tt_bench_fail(bench, "it took too long");
        uint64_t left = until - now < PROGRESS_NS ? until - now : PROGRESS_NS;
        struct timespec wait = {(time_t)(left / NANOSECONDS), (long)(left % NANOSECONDS)};
        int count = epoll_pwait2(bench->epoll, events, EVENTS, &wait, NULL);
        if (count < 0 && errno != EINTR)
            return tt_bench_fail(bench, "epoll_wait does not work");
        for (int i = 0; i < count; i++)
            if (!read_end(events[i].data.ptr))
                return false;
        show_progress(bench, now, &shown_at, &shown);
    }
    return true;
}

struct tt_bench_phases tt_bench_phases(const struct tt_bench *bench)
{
    uint64_t all = bench->values->seconds * NANOSECONDS;
    return (struct tt_bench_phases){all / WARM_UP_PART, all - all / WARM_UP_PART};
}
