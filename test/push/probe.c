/*
 * probe: the notifier by itself, for tests against doubles of the push services. Options are those
 * of the server. Each line of stdin is a notification, its parts separated by tabs:
 *
 *   ring|clear  provider  production|sandbox  token  conversation  seq  p256dh  auth  name  content
 *
 * (p256dh and auth in base64url, "-" for none). Each outcome is a line of stdout: outcome, device,
 * conversation, seq, milliseconds to wait, dead since, detail. What is put off is asked for again
 * after that, as the core would, unless --once is given; --quiet tells no outcomes. Ends when stdin
 * has ended and all has been answered; the last line tells what it cost.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "adapter/push/notifier_push.h"
#include "base/base64url.h"
#include "base/memory.h"

#define PARTS_MAX     10
#define BACKOFF_MS    50
#define LINE_SIZE_MAX (1024 * 1024)

/* A line that is waiting to be asked for again. */
struct again {
    struct again *next;
    size_t number; /* of the line */
    uint64_t at_ms;
};

struct probe {
    struct tt_notifier_port port;
    bool once;
    bool quiet;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct again *again;
    char **lines; /* by number: the device of a notification is "d<number>" */
    size_t line_count;
    size_t line_room;
    size_t answered;
    size_t waited_for;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

static size_t split(char *line, char *parts[PARTS_MAX])
{
    size_t count = 0;
    for (char *at = line; at != NULL && count < PARTS_MAX; count++) {
        parts[count] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    return count;
}

static enum tt_push_provider provider_of(const char *name)
{
    if (strcmp(name, "apns") == 0)
        return TT_PUSH_APNS;
    return strcmp(name, "fcm") == 0 ? TT_PUSH_FCM : TT_PUSH_WEBPUSH;
}

static struct tt_slice bytes_of(const char *text, unsigned char *room)
{
    size_t size = 0;
    if (strcmp(text, "-") != 0)
        TT_ASSERT(tt_base64url_decode(tt_slice_text(text), room, &size));
    return tt_slice(room, size);
}

static void ask(struct probe *probe, size_t number)
{
    char *parts[PARTS_MAX];
    char device[32];
    unsigned char p256dh[128];
    unsigned char auth[64];
    char *line = strdup(probe->lines[number]);
    TT_ASSERT(line != NULL && strlen(line) < LINE_SIZE_MAX && split(line, parts) == PARTS_MAX);
    (void)snprintf(device, sizeof(device), "d%zu", number);
    struct tt_notification notification = {
        .kind = strcmp(parts[0], "ring") == 0 ? TT_NOTIFY_RING : TT_NOTIFY_CLEAR,
        .user = tt_id_of("user"),
        .device = tt_id_of(device),
        .conversation = tt_id_of(parts[4]),
        .seq = TT_SEQ(number_of(parts[5])),
        .address = {.provider = provider_of(parts[1]),
                    .sandbox = strcmp(parts[2], "sandbox") == 0,
                    .token = tt_slice_text(parts[3]),
                    .p256dh = bytes_of(parts[6], p256dh),
                    .auth = bytes_of(parts[7], auth)},
        .sender = tt_id_of("alice"),
        .sender_name = tt_slice_text(parts[8]),
        .content = tt_slice_text(parts[9]),
        .badge = 1,
    };
    probe->port.notify(probe->port.self, &notification);
    free(line);
}

static const char *const outcomes[] = {"accepted", "failed", "gone", "later"};

static void wait_and_ask_again(struct probe *probe, size_t number, uint32_t after_ms)
{
    struct again *again = tt_alloc(sizeof(*again));
    again->at_ms = now_ms() + (after_ms > BACKOFF_MS ? after_ms : BACKOFF_MS);
    again->number = number;
    again->next = probe->again;
    probe->again = again;
}

static void tell(const struct tt_notified *notified)
{
    printf("%s\t%.*s\t%.*s\t%llu\t%u\t%lld\t%.*s\n", outcomes[notified->outcome],
           (int)notified->device.size, notified->device.bytes, (int)notified->conversation.size,
           notified->conversation.bytes, (unsigned long long)notified->seq.n,
           notified->retry_after_ms, (long long)notified->dead_since.ms, (int)notified->detail.size,
           notified->detail.data);
}

/* On the notifier's thread. */
static void on_notified(void *context, const struct tt_notified *notified)
{
    struct probe *probe = context;
    pthread_mutex_lock(&probe->lock);
    if (!probe->quiet)
        tell(notified);
    char number[TT_ID_SIZE_MAX] = "";
    memcpy(number, notified->device.bytes + 1, (size_t)notified->device.size - 1);
    if (notified->outcome == TT_NOTIFY_LATER && !probe->once)
        wait_and_ask_again(probe, number_of(number), notified->retry_after_ms);
    else
        probe->answered++;
    pthread_cond_signal(&probe->changed);
    pthread_mutex_unlock(&probe->lock);
}

/* Under the lock, which is let go while asking: the line that is due, or how long to wait. */
static bool take_due(struct probe *probe, size_t *number, uint64_t *wait_ms)
{
    uint64_t now = now_ms();
    *wait_ms = 1000;
    for (struct again **at = &probe->again; *at != NULL; at = &(*at)->next) {
        struct again *again = *at;
        if (again->at_ms <= now) {
            *number = again->number;
            *at = again->next;
            tt_free(again);
            return true;
        }
        if (again->at_ms - now < *wait_ms)
            *wait_ms = again->at_ms - now;
    }
    return false;
}

static void wait_for_all(struct probe *probe)
{
    pthread_mutex_lock(&probe->lock);
    while (probe->answered < probe->waited_for) {
        size_t number;
        uint64_t wait_ms;
        if (take_due(probe, &number, &wait_ms)) {
            pthread_mutex_unlock(&probe->lock);
            ask(probe, number);
            pthread_mutex_lock(&probe->lock);
            continue;
        }
        struct timespec until;
        (void)timespec_get(&until, TIME_UTC);
        uint64_t nanoseconds = (uint64_t)until.tv_nsec + wait_ms * 1000000;
        until.tv_sec += (time_t)(nanoseconds / 1000000000);
        until.tv_nsec = (long)(nanoseconds % 1000000000);
        pthread_cond_timedwait(&probe->changed, &probe->lock, &until);
    }
    pthread_mutex_unlock(&probe->lock);
}

static void take_lines(struct probe *probe)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) > 0) {
        if (line[size - 1] == '\n')
            line[size - 1] = '\0';
        pthread_mutex_lock(&probe->lock);
        if (probe->line_count == probe->line_room) {
            probe->line_room = probe->line_room == 0 ? 1024 : 2 * probe->line_room;
            probe->lines = tt_grow(probe->lines, probe->line_room, sizeof(probe->lines[0]));
        }
        probe->lines[probe->line_count++] = strdup(line);
        probe->waited_for += strncmp(line, "ring", 4) == 0;
        pthread_mutex_unlock(&probe->lock);
        ask(probe, probe->line_count - 1);
    }
    free(line);
}

static double cpu_s_of(int who)
{
    struct rusage usage;
    TT_ASSERT(getrusage(who, &usage) == 0);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

/* Of the notifier's threads, that of name lookups among them; and of all, with the reading and
 * copying of notifications on this one. */
static void tell_cost(struct tt_notifier_push *notifier)
{
    double all_s = cpu_s_of(RUSAGE_SELF);
    printf("cost\t%.6f\t%.6f", all_s - cpu_s_of(RUSAGE_THREAD), all_s);
    for (int i = TT_PUSH_APNS; i <= TT_PUSH_WEBPUSH; i++) {
        struct tt_push_report report;
        tt_notifier_push_report(notifier, (enum tt_push_provider)i, &report);
        printf("\t%s resent=%llu connections=%llu", tt_push_provider_name((enum tt_push_provider)i),
               (unsigned long long)report.resent, (unsigned long long)report.connections);
    }
    printf("\n");
}

static void read_times(const char *name, const char *value, struct tt_push_times *times)
{
    struct {
        const char *name;
        uint32_t *value;
    } options[] = {
        {"--apns-idle-ms", &times->apns_idle_ms},
        {"--apns-ping-ms", &times->apns_ping_ms},
        {"--apns-silence-ms", &times->apns_silence_ms},
        {"--apns-token-ms", &times->apns_token_ms},
        {"--apns-token-ms-min", &times->apns_token_ms_min},
        {"--fcm-answer-ms", &times->fcm_answer_ms},
        {"--webpush-answer-ms", &times->webpush_answer_ms},
    };
    for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++)
        if (strcmp(name, options[o].name) == 0)
            *options[o].value = (uint32_t)number_of(value);
}

static void read_options(int argc, char **argv, struct tt_push_config *config,
                         struct tt_push_times *times, struct probe *probe)
{
    struct {
        const char *name;
        const char **value;
    } options[] = {
        {"--apns-key", &config->apns_key},
        {"--apns-key-id", &config->apns_key_id},
        {"--apns-team", &config->apns_team},
        {"--apns-topic", &config->apns_topic},
        {"--apns-token-file", &config->apns_token_file},
        {"--apns-host", &config->apns_host},
        {"--apns-sandbox-host", &config->apns_sandbox_host},
        {"--fcm-service-account", &config->fcm_service_account},
        {"--fcm-host", &config->fcm_host},
        {"--vapid-subject", &config->vapid_subject},
        {"--push-ca", &config->ca_file},
    };
    for (int i = 1; i < argc; i++) {
        probe->once = probe->once || strcmp(argv[i], "--once") == 0;
        probe->quiet = probe->quiet || strcmp(argv[i], "--quiet") == 0;
        if (i + 1 < argc)
            read_times(argv[i], argv[i + 1], times);
        if (strcmp(argv[i], "--webpush-private") == 0)
            config->webpush_allows_private = true;
        if (strcmp(argv[i], "--vapid-key") == 0 && i + 1 < argc)
            config->vapid_key = tt_slice_text(argv[++i]);
        for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++)
            if (strcmp(argv[i], options[o].name) == 0 && i + 1 < argc)
                *options[o].value = argv[++i];
    }
}

int main(int argc, char **argv)
{
    struct tt_push_config config = {0};
    struct probe probe = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct tt_notifier_push *notifier;
    char sentence[TT_PUSH_SENTENCE_SIZE];
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    struct tt_push_times times = tt_push_times_default();
    config.times = &times;
    read_options(argc, argv, &config, &times, &probe);
    if (!tt_is_ok(tt_notifier_push_create(&config, &notifier, sentence))) {
        (void)fprintf(stderr, "%s\n", sentence);
        return 2;
    }
    struct tt_slice vapid = tt_notifier_push_vapid(notifier);
    printf("vapid\t%.*s\n", (int)vapid.size, vapid.data);
    (void)fflush(stdout);
    probe.port = tt_notifier_push_attach(
        notifier, (struct tt_notifier_sink){.context = &probe, .notified = on_notified});
    take_lines(&probe);
    wait_for_all(&probe);
    while (tt_notifier_push_waiting(notifier) > 0) /* the silent ones, which nobody tells of */
        (void)poll(NULL, 0, 1);
    tell_cost(notifier);
    tt_notifier_push_destroy(&notifier);
    for (size_t i = 0; i < probe.line_count; i++)
        free(probe.lines[i]);
    tt_free(probe.lines);
    return 0;
}
