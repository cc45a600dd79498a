#include "app/jwks_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/push/webpush_request.h"
#include "base/memory.h"
#include "net/http1_client.h"

#define ANSWER_MS      10000
#define CONNECT_MS     5000
#define RETRY_MS       10000
#define LOOK_MS        1000 /* how often is looked for unknown keys */
#define SIZE_MAX_BYTES (256 * 1024)
#define FILE_NAME      "jwks.kept"

struct tt_jwks_source {
    struct tt_jwks_source_options options;
    struct tt_buffer url; /* with https, whatever it was given with */
    struct tt_webpush_endpoint endpoint;
    bool plain;
    struct tt_tls_trust *trust;
    struct tt_loop *loop;
    struct tt_http1_client *client; /* NULL: no fetch is under way */
    struct tt_buffer last;          /* what was taken last */
    tt_mono fetched_at;
    tt_mono next_at;
    atomic_bool stopping;
    pthread_t thread;
};

bool tt_jwks_is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

static bool say(char *sentence, const char *url, const char *what)
{
    snprintf(sentence, TT_JWKS_SENTENCE, "--jwks %.200s: %s", url, what);
    return false;
}

static bool is_loopback(struct tt_slice host)
{
    return tt_slice_eq(host, TT_SLICE_LITERAL("localhost")) ||
           tt_slice_eq(host, TT_SLICE_LITERAL("127.0.0.1")) ||
           tt_slice_eq(host, TT_SLICE_LITERAL("::1"));
}

static bool has_port(struct tt_slice authority)
{
    size_t at = authority.size;
    while (at > 0 && authority.data[at - 1] >= '0' && authority.data[at - 1] <= '9')
        at--;
    return at > 0 && at < authority.size && authority.data[at - 1] == ':';
}

static bool read_url(struct tt_jwks_source *source, char *sentence)
{
    const char *url = source->options.url;
    source->plain = strncmp(url, "http://", 7) == 0;
    tt_buffer_add_text(&source->url, "https://");
    tt_buffer_add_text(&source->url, url + (source->plain ? 7 : 8));
    if (!tt_is_ok(tt_webpush_endpoint(tt_buffer_slice(&source->url), &source->endpoint)))
        return say(sentence, url, "write a URL like https://id.example/keys");
    if (!source->plain)
        return true;
    if (!has_port(source->endpoint.authority))
        source->endpoint.port = 80;
    return is_loopback(source->endpoint.host) ||
           say(sentence, url, "keys come over https; http is for a loopback address only");
}

static void complain(const struct tt_jwks_source *source, const char *reason)
{
    TT_LOG(source->options.log, WARN, "the keys for tokens could not be fetched",
           tt_log_text("url", source->options.url), tt_log_text("reason", reason),
           tt_log_text("kept", source->last.size > 0 ? "the ones before" : "none"));
}

static bool path_of(const struct tt_jwks_source *source, const char *name, char path[PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%s/%s", source->options.dir, name);
    return size > 0 && size < PATH_MAX;
}

/* Under another name first, so that a crash leaves no half of it. */
static void keep(const struct tt_jwks_source *source)
{
    char path[PATH_MAX];
    char fresh[PATH_MAX];
    if (!path_of(source, FILE_NAME, path) || !path_of(source, FILE_NAME ".new", fresh))
        return;
    struct tt_buffer bytes = {0};
    tt_buffer_add_text(&bytes, source->options.url);
    tt_buffer_add_byte(&bytes, '\n');
    tt_buffer_add(&bytes, tt_buffer_slice(&source->last));
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool kept =
        fd >= 0 && write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size && fsync(fd) == 0;
    tt_buffer_deinit(&bytes);
    if (fd >= 0)
        close(fd);
    if (!kept || rename(fresh, path) != 0)
        TT_LOG(source->options.log, WARN, "the keys for tokens could not be kept",
               tt_log_text("file", path), tt_log_text("why", strerror(errno)));
}

static bool take(struct tt_jwks_source *source, struct tt_slice json)
{
    const char *problem = "";
    if (tt_slice_eq(json, tt_buffer_slice(&source->last)))
        return true;
    if (!source->options.take(source->options.context, json, &problem)) {
        complain(source, problem);
        return false;
    }
    source->last.size = 0;
    tt_buffer_add(&source->last, json);
    return true;
}

/* Only of this very URL: another one's keys are somebody else's. */
static void take_kept_of(struct tt_jwks_source *source, struct tt_slice bytes)
{
    struct tt_slice url = tt_slice_text(source->options.url);
    if (bytes.size > url.size && bytes.data[url.size] == '\n' &&
        tt_slice_eq(tt_slice(bytes.data, url.size), url))
        (void)take(source, tt_slice_from(bytes, url.size + 1));
}

static void take_kept(struct tt_jwks_source *source)
{
    char path[PATH_MAX];
    struct tt_buffer bytes = {0};
    int fd = path_of(source, FILE_NAME, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
    if (fd < 0)
        return;
    char *room = tt_buffer_reserve(&bytes, (size_t)2 * SIZE_MAX_BYTES);
    ssize_t got = read(fd, room, (size_t)2 * SIZE_MAX_BYTES);
    close(fd);
    if (got > 0) {
        tt_buffer_grow_by(&bytes, (size_t)got);
        take_kept_of(source, tt_buffer_slice(&bytes));
    }
    tt_buffer_deinit(&bytes);
}

static void hang_up(struct tt_jwks_source *source, bool good)
{
    tt_mono now = tt_loop_now(source->loop);
    uint64_t refresh = source->options.refresh_ms;
    if (source->client != NULL)
        tt_http1_client_destroy(&source->client);
    source->fetched_at = now;
    source->next_at = tt_mono_after(now, good || refresh < RETRY_MS ? refresh : RETRY_MS);
}

static void on_answered(void *context, const struct tt_http1_response *response)
{
    struct tt_jwks_source *source = context;
    size_t before = source->last.size;
    bool changed = !tt_slice_eq(response->body, tt_buffer_slice(&source->last));
    bool good = response->status == 200 && take(source, response->body);
    if (response->status != 200)
        complain(source, "the answer was not 200");
    if (good && changed) {
        keep(source);
        TT_LOG(source->options.log, INFO, before == 0 ? "keys for tokens" : "new keys for tokens",
               tt_log_text("url", source->options.url));
    }
    hang_up(source, good);
}

static void on_ended(void *context, enum tt_tls_end end, bool was_sent, const char *reason)
{
    struct tt_jwks_source *source = context;
    (void)end;
    (void)was_sent;
    complain(source, reason);
    hang_up(source, false);
}

static const struct tt_http1_client_events client_events = {.answered = on_answered,
                                                            .ended = on_ended};

static void fetch(struct tt_jwks_source *source)
{
    const struct tt_tls_options options = {
        .trust = source->plain ? NULL : source->trust,
        .host = source->endpoint.host,
        .port = source->endpoint.port,
        .connect_ms = CONNECT_MS,
    };
    struct tt_buffer fields = {0};
    tt_http1_add_field(&fields, "Accept", TT_SLICE_LITERAL("application/json"));
    source->client =
        tt_http1_client_create(source->loop, &options, SIZE_MAX_BYTES, &client_events, source);
    tt_http1_client_send(source->client,
                         &(struct tt_http1_request_out){.method = "GET",
                                                        .authority = source->endpoint.authority,
                                                        .target = source->endpoint.target,
                                                        .fields = tt_buffer_slice(&fields),
                                                        .answer_ms = ANSWER_MS});
    tt_buffer_deinit(&fields);
}

static void on_turn_end(void *context)
{
    struct tt_jwks_source *source = context;
    tt_mono now = tt_loop_now(source->loop);
    if (atomic_load(&source->stopping)) {
        if (source->client != NULL)
            tt_http1_client_destroy(&source->client);
        tt_loop_stop(source->loop);
        return;
    }
    bool misses = source->options.misses(source->options.context) &&
                  now.ms >= source->fetched_at.ms + RETRY_MS;
    if (source->client == NULL && (now.ms >= source->next_at.ms || misses))
        fetch(source);
    tt_loop_set_deadline(source->loop, tt_mono_after(now, LOOK_MS));
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end};

static void *run(void *context)
{
    struct tt_jwks_source *source = context;
    tt_loop_again(source->loop);
    tt_loop_run(source->loop);
    return NULL;
}

static void destroy(struct tt_jwks_source *source)
{
    if (source->loop != NULL)
        tt_loop_destroy(&source->loop);
    if (source->trust != NULL)
        tt_tls_trust_destroy(&source->trust);
    tt_buffer_deinit(&source->url);
    tt_buffer_deinit(&source->last);
    tt_free(source);
}

static bool read_options(struct tt_jwks_source *source, char *sentence)
{
    const char *problem = "";
    return read_url(source, sentence) &&
           (tt_is_ok(tt_tls_trust_create(source->options.ca_file, &source->trust, &problem)) ||
            say(sentence, source->options.url, problem));
}

static bool prepare(struct tt_jwks_source *source, char *sentence)
{
    if (!read_options(source, sentence))
        return false;
    if (!tt_is_ok(tt_loop_create(&loop_events, source, &source->loop)))
        return say(sentence, source->options.url, "cannot make an event loop");
    take_kept(source);
    return pthread_create(&source->thread, NULL, run, source) == 0 ||
           say(sentence, source->options.url, "cannot start a thread");
}

bool tt_jwks_source_check(const struct tt_jwks_source_options *options,
                          char sentence[TT_JWKS_SENTENCE])
{
    struct tt_jwks_source *source = tt_alloc(sizeof(*source));
    source->options = *options;
    bool good = read_options(source, sentence);
    destroy(source);
    return good;
}

struct tt_jwks_source *tt_jwks_source_start(const struct tt_jwks_source_options *options,
                                            char sentence[TT_JWKS_SENTENCE])
{
    struct tt_jwks_source *source = tt_alloc(sizeof(*source));
    source->options = *options;
    if (prepare(source, sentence))
        return source;
    destroy(source);
    return NULL;
}

void tt_jwks_source_stop(struct tt_jwks_source **take_source)
{
    struct tt_jwks_source *source = *take_source;
    *take_source = NULL;
    atomic_store(&source->stopping, true);
    tt_loop_wake(source->loop);
    pthread_join(source->thread, NULL);
    destroy(source);
}
