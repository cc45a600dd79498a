#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "app/bench/histogram.h"
#include "app/option.h"
#include "base/memory.h"

#define EVENTS       256
#define READ_BYTES   65536
#define TEXT_MAX     1024
#define WAIT_SECONDS 20 /* while logging in */
#define NANOSECONDS  1000000000ULL
#define DRAIN_NS     (2 * NANOSECONDS)

struct load {
    const struct load_protocol *protocol;
    uint64_t port;
    uint64_t pairs;
    uint64_t seconds;
    struct load_end *ends; /* Alice and Bob, in turns */
    uint32_t run;          /* part of every mark, so that runs do not meet */
    int epoll;
    struct tt_slice content;
    bool is_ending;
    uint64_t open; /* rounds */
    uint64_t rounds;
    struct tt_histogram stored;
    struct tt_histogram round;
};

void load_die(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, values);
    fputs("\n", stderr);
    va_end(values);
    exit(1);
}

void load_add(struct tt_buffer *buffer, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    if (size < 0 || (size_t)size >= sizeof(text))
        load_die("a text of more than %d bytes", TEXT_MAX);
    tt_buffer_add(buffer, tt_slice(text, (size_t)size));
}

const char *load_find(struct tt_slice bytes, const char *text)
{
    return bytes.size == 0 ? NULL : memmem(bytes.data, bytes.size, text, strlen(text));
}

void load_copy_mark(char mark[LOAD_MARK_SIZE], struct tt_slice bytes)
{
    size_t size = bytes.size < LOAD_MARK_SIZE ? bytes.size : 0;
    memcpy(mark, bytes.data, size);
    mark[size] = '\0';
}

void load_flush(struct load_end *end)
{
    for (size_t sent = 0; sent < end->output.size;) {
        ssize_t size =
            send(end->fd, end->output.data + sent, end->output.size - sent, MSG_NOSIGNAL);
        if (size < 0)
            load_die("send as %s: %s", end->name, strerror(errno));
        sent += (size_t)size;
    }
    end->output.size = 0;
}

void load_read(struct load_end *end)
{
    ssize_t got = recv(end->fd, tt_buffer_reserve(&end->input, READ_BYTES), READ_BYTES, 0);
    if (got <= 0)
        load_die("%s: %s; the last of what it said: %.*s", end->name,
                 got == 0 ? "the server closed the connection" : strerror(errno),
                 (int)(end->input.size < 300 ? end->input.size : 300),
                 end->input.size == 0 ? "" : end->input.data);
    tt_buffer_grow_by(&end->input, (size_t)got);
}

void load_expect(struct load_end *end, const char *text)
{
    load_flush(end);
    for (;;) {
        const char *found = load_find(tt_buffer_slice(&end->input), text);
        if (found != NULL) {
            tt_buffer_consume(&end->input, (size_t)(found - end->input.data) + strlen(text));
            return;
        }
        load_read(end);
    }
}

static void open_end(struct load *load, struct load_end *end)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)load->port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct timeval wait = {.tv_sec = WAIT_SECONDS};
    const void *any = &address;
    int on = 1;
    end->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end->fd < 0 || connect(end->fd, any, sizeof(address)) != 0)
        load_die("connecting as %s: %s", end->name, strerror(errno));
    (void)setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(end->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)setsockopt(end->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    load->protocol->log_in(end);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, end->fd, &event) != 0)
        load_die("epoll_ctl: %s", strerror(errno));
}

static void open_ends(struct load *load)
{
    load->ends = tt_alloc((size_t)load->pairs * 2 * sizeof(*load->ends));
    for (uint64_t i = 0; i < 2 * load->pairs; i++) {
        struct load_end *end = &load->ends[i];
        end->is_alice = i % 2 == 0;
        snprintf(end->name, sizeof(end->name), "%c%llu", end->is_alice ? 'a' : 'b',
                 (unsigned long long)i / 2);
        snprintf(end->peer, sizeof(end->peer), "%c%llu", end->is_alice ? 'b' : 'a',
                 (unsigned long long)i / 2);
        open_end(load, end);
    }
}

static void mark_of(const struct load *load, const struct load_end *alice,
                    char mark[LOAD_MARK_SIZE])
{
    snprintf(mark, LOAD_MARK_SIZE, "%08x-%llu", load->run, (unsigned long long)alice->number);
}

static void send_next(struct load *load, struct load_end *alice, uint64_t now)
{
    char mark[LOAD_MARK_SIZE];
    alice->number++;
    alice->began_at = now;
    alice->is_stored = !load->protocol->has_stored;
    alice->has_receipt = false;
    alice->is_waiting = true;
    load->open++;
    mark_of(load, alice, mark);
    load->protocol->add_message(alice, mark, load->content);
}

static void end_round(struct load *load, struct load_end *alice)
{
    if (!alice->is_waiting || !alice->is_stored || !alice->has_receipt)
        return;
    uint64_t now = tt_clock_os_nanoseconds();
    tt_histogram_add(&load->round, now - alice->began_at);
    load->rounds++;
    load->open--;
    alice->is_waiting = false;
    if (!load->is_ending)
        send_next(load, alice, now);
}

static void take_receipt(struct load *load, struct load_end *alice, const char *mark)
{
    char awaited[LOAD_MARK_SIZE];
    mark_of(load, alice, awaited);
    if (strcmp(mark, awaited) != 0)
        return; /* of an earlier run, or sent twice */
    alice->has_receipt = true;
    end_round(load, alice);
}

static void take(struct load *load, struct load_end *end, enum load_event event, const char *mark)
{
    if (event == LOAD_MESSAGE && !end->is_alice)
        load->protocol->add_receipt(end, mark);
    else if (event == LOAD_RECEIPT && end->is_alice)
        take_receipt(load, end, mark);
    else if (event == LOAD_STORED && end->is_alice && !end->is_stored) {
        tt_histogram_add(&load->stored, tt_clock_os_nanoseconds() - end->began_at);
        end->is_stored = true;
        end_round(load, end);
    }
}

static void turn(struct load *load, struct load_end *end)
{
    char mark[LOAD_MARK_SIZE] = "";
    load_read(end);
    size_t done = 0;
    for (;;) {
        size_t used = 0;
        struct tt_slice rest = tt_slice_from(tt_buffer_slice(&end->input), done);
        enum load_event event = load->protocol->next(end, rest, &used, mark);
        done += used;
        if (event == LOAD_NOTHING)
            break;
        take(load, end, event, mark);
    }
    tt_buffer_consume(&end->input, done);
    load_flush(end);
}

/* Until this time, or, at the end, until no round is open. */
static void run_until(struct load *load, uint64_t until)
{
    struct epoll_event events[EVENTS];
    for (uint64_t now = tt_clock_os_nanoseconds();
         now < until && !(load->is_ending && load->open == 0); now = tt_clock_os_nanoseconds()) {
        int count = epoll_wait(load->epoll, events, EVENTS, 10);
        for (int i = 0; i < count; i++)
            turn(load, events[i].data.ptr);
    }
}

static void report(const struct load *load, double seconds)
{
    printf("{\"bench\":\"%s\",\"pairs\":%llu,\"seconds\":%.2f,\"messages\":%llu,"
           "\"messages_per_second\":%.1f,",
           load->protocol->name, (unsigned long long)load->pairs, seconds,
           (unsigned long long)load->rounds, (double)load->rounds / seconds);
    if (load->protocol->has_stored)
        printf("\"sent_p50_ms\":%.3f,\"sent_p99_ms\":%.3f,", tt_histogram_ms(&load->stored, 0.5),
               tt_histogram_ms(&load->stored, 0.99));
    printf("\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", tt_histogram_ms(&load->round, 0.5),
           tt_histogram_ms(&load->round, 0.99));
    fflush(stdout);
}

static void measure(struct load *load)
{
    uint64_t part = load->seconds * NANOSECONDS / 5;
    for (uint64_t i = 0; i < load->pairs; i++) {
        send_next(load, &load->ends[2 * i], tt_clock_os_nanoseconds());
        load_flush(&load->ends[2 * i]);
    }
    run_until(load, tt_clock_os_nanoseconds() + part);
    load->rounds = 0;
    load->stored = (struct tt_histogram){.count = 0};
    load->round = (struct tt_histogram){.count = 0};
    uint64_t from = tt_clock_os_nanoseconds();
    run_until(load, from + 4 * part);
    double seconds = (double)(tt_clock_os_nanoseconds() - from) / NANOSECONDS;
    if (load->rounds == 0)
        load_die("not a single round was finished in %.1f s", seconds);
    report(load, seconds);
    load->is_ending = true;
    run_until(load, tt_clock_os_nanoseconds() + DRAIN_NS);
}

static const char usage[] =
    "usage: load xmpp|mqtt|nats --port N [--pairs N] [--seconds N] [--bytes N]\n";

static bool find_protocol(const char *name, const struct load_protocol **protocol)
{
    static const struct load_protocol *const all[] = {&load_xmpp, &load_mqtt, &load_nats};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0)
            *protocol = all[i];
    return *protocol != NULL;
}

static bool read_options(int argc, char **argv, struct load *load, uint64_t *bytes)
{
    struct {
        const char *name;
        uint64_t *value;
        uint64_t max;
    } options[] = {{"--port", &load->port, 65535},
                   {"--pairs", &load->pairs, 100000},
                   {"--seconds", &load->seconds, 3600},
                   {"--bytes", bytes, 60000}};
    if (argc % 2 != 0 || !find_protocol(argv[1], &load->protocol))
        return false;
    for (int i = 2; i + 1 < argc; i += 2) {
        bool known = false;
        for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
            if (strcmp(argv[i], options[k].name) == 0)
                known = tt_option_parse_number(argv[i + 1], options[k].value) &&
                        *options[k].value > 0 && *options[k].value <= options[k].max;
        if (!known)
            return false;
    }
    return load->port > 0;
}

int main(int argc, char **argv)
{
    struct load load = {.pairs = 1000, .seconds = 5};
    uint64_t bytes = 150;
    if (argc < 2 || !read_options(argc, argv, &load, &bytes)) {
        fputs(usage, stderr);
        return 2;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    char *content = tt_alloc((size_t)bytes);
    memset(content, 'x', (size_t)bytes);
    load.content = tt_slice(content, (size_t)bytes);
    tt_entropy_os_fill(&load.run, sizeof(load.run));
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.epoll < 0)
        load_die("epoll_create1: %s", strerror(errno));
    open_ends(&load);
    measure(&load);
    for (uint64_t i = 0; i < 2 * load.pairs; i++) {
        close(load.ends[i].fd);
        tt_buffer_deinit(&load.ends[i].input);
        tt_buffer_deinit(&load.ends[i].output);
    }
    tt_free(load.ends);
    tt_free(content);
    close(load.epoll);
    return 0;
}
