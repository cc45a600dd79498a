#include "adapter/dynamodb/credential_chain.h"

#include <stdio.h>

#include "base/memory.h"
#include "net/alarm.h"
#include "net/http_pool.h"

#define REFRESH_AHEAD_MS ((int64_t)5 * 60 * 1000)
#define RETRY_MS         5000
#define FETCH_MS         5000
#define METADATA_MS      1000 /* where there is no metadata service nobody answers at all */
#define FILE_SIZE_MAX    ((size_t)1024 * 1024)
#define ANSWER_SIZE_MAX  ((size_t)256 * 1024)
#define ROLE_SIZE_MAX    128

enum kind { KIND_NONE, KIND_FIXED, KIND_WEB_IDENTITY, KIND_CONTAINER, KIND_METADATA };

enum step { STEP_IDLE, STEP_TOKEN, STEP_ROLE, STEP_CREDENTIALS };

struct tt_aws_chain {
    struct tt_loop *loop;
    struct tt_aws_chain_options options;
    enum kind kind;
    enum step step;
    struct tt_alarm *alarm;
    struct tt_http_pool *http;
    char path[1024];
    char host[TT_HOST_SIZE_MAX + 10];
    struct tt_buffer token; /* of the metadata service, or what the container wants to hear */
    char role[ROLE_SIZE_MAX];
    struct tt_arena arenas[2]; /* of the credentials now and before: somebody may still read them */
    unsigned arena_now;
    struct tt_aws_credentials credentials;
    uint64_t generation; /* 0: there are none */
};

static const char *variable(const struct tt_aws_chain *chain, const char *name)
{
    const char *value = chain->options.variable(chain->options.context, name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool read_file(const char *path, struct tt_buffer *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t got = fread(tt_buffer_reserve(out, FILE_SIZE_MAX), 1, FILE_SIZE_MAX, file);
    tt_buffer_grow_by(out, got);
    bool whole = ferror(file) == 0 && feof(file);
    fclose(file);
    return whole;
}

static struct tt_slice without_end(struct tt_slice text)
{
    while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
        text.size--;
    return text;
}

/* The arena for the next credentials; those now stay readable until the ones after them. */
static struct tt_arena *next_arena(struct tt_aws_chain *chain)
{
    chain->arena_now ^= 1;
    tt_arena_reset(&chain->arenas[chain->arena_now]);
    return &chain->arenas[chain->arena_now];
}

static bool take_environment(struct tt_aws_chain *chain)
{
    const char *key = variable(chain, "AWS_ACCESS_KEY_ID");
    const char *secret = variable(chain, "AWS_SECRET_ACCESS_KEY");
    const char *token = variable(chain, "AWS_SESSION_TOKEN");
    if (key == NULL || secret == NULL)
        return false;
    struct tt_arena *arena = next_arena(chain);
    chain->credentials = (struct tt_aws_credentials){
        .access_key = tt_arena_copy(arena, tt_slice_text(key)),
        .secret = tt_arena_copy(arena, tt_slice_text(secret)),
        .session_token = tt_arena_copy(arena, tt_slice_text(token == NULL ? "" : token)),
    };
    chain->generation++;
    return true;
}

static bool take_profile(struct tt_aws_chain *chain, const char *file_variable, const char *file)
{
    const char *path = variable(chain, file_variable);
    const char *home = variable(chain, "HOME");
    const char *profile = variable(chain, "AWS_PROFILE");
    struct tt_slice name = tt_slice_text(profile == NULL ? "default" : profile);
    char usual[1024];
    if (path == NULL && home != NULL &&
        (size_t)snprintf(usual, sizeof(usual), "%s/.aws/%s", home, file) < sizeof(usual))
        path = usual;
    struct tt_buffer text = {0};
    bool found = path != NULL && read_file(path, &text);
    if (found) {
        struct tt_slice bytes = tt_buffer_slice(&text);
        struct tt_slice key = tt_aws_profile_value(bytes, name, "aws_access_key_id");
        struct tt_slice secret = tt_aws_profile_value(bytes, name, "aws_secret_access_key");
        found = key.size > 0 && secret.size > 0;
        if (found) {
            struct tt_arena *arena = next_arena(chain);
            chain->credentials = (struct tt_aws_credentials){
                .access_key = tt_arena_copy(arena, key),
                .secret = tt_arena_copy(arena, secret),
                .session_token =
                    tt_arena_copy(arena, tt_aws_profile_value(bytes, name, "aws_session_token")),
            };
            chain->generation++;
        }
    }
    tt_buffer_deinit(&text);
    return found;
}

static void open_http(struct tt_aws_chain *chain, const struct tt_remote *remote)
{
    struct tt_http_pool_options options = {
        .remote = *remote,
        .connections_max = 1,
        .body_size_max = ANSWER_SIZE_MAX,
        .idle_ms_max = 1000,
    };
    options.remote.trust = chain->options.trust;
    tt_http_pool_host(remote, chain->host);
    chain->http = tt_http_pool_create(chain->loop, &options);
}

static bool read_port(const char *text, uint16_t *port)
{
    uint32_t sum = 0;
    if (*text == '\0')
        return false;
    for (; *text >= '0' && *text <= '9' && sum <= UINT16_MAX; text++)
        sum = sum * 10 + (uint32_t)(*text - '0');
    *port = (uint16_t)sum;
    return *text == '\0' && sum > 0 && sum <= UINT16_MAX;
}

/* http://host[:port]/path, or https. */
static bool read_url(const char *url, struct tt_remote *remote, const char **path)
{
    bool tls = strncmp(url, "https://", 8) == 0;
    if (!tls && strncmp(url, "http://", 7) != 0)
        return false;
    const char *at = url + (tls ? 8 : 7);
    size_t size = at[0] == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/");
    size_t edge = at[0] == '[' ? 1 : 0;
    if (size <= 2 * edge || size - 2 * edge > TT_HOST_SIZE_MAX)
        return false;
    memcpy(remote->host, at + edge, size - 2 * edge);
    remote->host[size - 2 * edge] = '\0';
    remote->tls = tls;
    remote->port = tls ? 443 : 80;
    at += size;
    char digits[8] = "";
    if (*at == ':') {
        size_t count = strcspn(at + 1, "/");
        if (count >= sizeof(digits))
            return false;
        memcpy(digits, at + 1, count);
        digits[count] = '\0';
        if (!read_port(digits, &remote->port))
            return false;
        at += 1 + count;
    }
    *path = *at == '\0' ? "/" : at;
    return *at == '\0' || *at == '/';
}

static bool find_container(struct tt_aws_chain *chain)
{
    const char *relative = variable(chain, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable(chain, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct tt_remote remote = {.host = "169.254.170.2", .port = 80};
    const char *path = relative;
    if (relative == NULL && (full == NULL || !read_url(full, &remote, &path)))
        return false;
    if ((size_t)snprintf(chain->path, sizeof(chain->path), "%s", path) >= sizeof(chain->path))
        return false;
    open_http(chain, &remote);
    return true;
}

static bool find_metadata(struct tt_aws_chain *chain)
{
    const char *disabled = variable(chain, "AWS_EC2_METADATA_DISABLED");
    const char *endpoint = variable(chain, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct tt_remote remote = {.host = "169.254.169.254", .port = 80};
    const char *path;
    if (disabled != NULL && strcmp(disabled, "true") == 0)
        return false;
    if (endpoint != NULL && !read_url(endpoint, &remote, &path))
        return false;
    open_http(chain, &remote);
    return true;
}

static bool find_web_identity(struct tt_aws_chain *chain)
{
    if (variable(chain, "AWS_WEB_IDENTITY_TOKEN_FILE") == NULL ||
        variable(chain, "AWS_ROLE_ARN") == NULL)
        return false;
    const char *endpoint = variable(chain, "AWS_ENDPOINT_URL_STS");
    struct tt_remote remote = {.port = 443, .tls = true};
    const char *path;
    if (endpoint != NULL && !read_url(endpoint, &remote, &path))
        return false;
    if (endpoint == NULL)
        snprintf(remote.host, sizeof(remote.host), "sts.%s.amazonaws.com", chain->options.region);
    open_http(chain, &remote);
    return true;
}

static void ask(struct tt_aws_chain *chain, const char *method, const char *path,
                const char *header, struct tt_slice value, uint32_t within_ms);

static void ask_web_identity(struct tt_aws_chain *chain)
{
    struct tt_buffer token = {0};
    struct tt_arena arena = {0};
    const char *session = variable(chain, "AWS_ROLE_SESSION_NAME");
    bool read = read_file(variable(chain, "AWS_WEB_IDENTITY_TOKEN_FILE"), &token);
    struct tt_buffer query = {0};
    if (read) {
        tt_buffer_add_text(&query, "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                                   "&RoleArn=");
        tt_buffer_add(&query,
                      tt_aws_encode(tt_slice_text(variable(chain, "AWS_ROLE_ARN")), &arena));
        tt_buffer_add_text(&query, "&RoleSessionName=");
        tt_buffer_add(&query,
                      tt_aws_encode(tt_slice_text(session == NULL ? "twoticks" : session), &arena));
        tt_buffer_add_text(&query, "&WebIdentityToken=");
        tt_buffer_add(&query, tt_aws_encode(without_end(tt_buffer_slice(&token)), &arena));
        tt_buffer_add_byte(&query, '\0');
        chain->step = STEP_CREDENTIALS;
        ask(chain, "POST", query.data, NULL, TT_SLICE_EMPTY, FETCH_MS);
    } else {
        tt_alarm_set(chain->alarm, tt_mono_after(tt_loop_now(chain->loop), RETRY_MS));
    }
    tt_buffer_deinit(&query);
    tt_buffer_deinit(&token);
    tt_arena_deinit(&arena);
}

static void ask_container(struct tt_aws_chain *chain)
{
    const char *file = variable(chain, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = variable(chain, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    chain->token.size = 0;
    if (file != NULL)
        (void)read_file(file, &chain->token);
    else if (text != NULL)
        tt_buffer_add_text(&chain->token, text);
    struct tt_slice token = without_end(tt_buffer_slice(&chain->token));
    chain->step = STEP_CREDENTIALS;
    ask(chain, "GET", chain->path, token.size > 0 ? "authorization" : NULL, token, FETCH_MS);
}

static void fetch(struct tt_aws_chain *chain)
{
    switch (chain->kind) {
    case KIND_NONE:
    case KIND_FIXED:
        return;
    case KIND_WEB_IDENTITY:
        ask_web_identity(chain);
        return;
    case KIND_CONTAINER:
        ask_container(chain);
        return;
    case KIND_METADATA:
        chain->step = STEP_TOKEN;
        ask(chain, "PUT", "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds",
            TT_SLICE_LITERAL("21600"), METADATA_MS);
        return;
    }
}

/* When to fetch the next ones. */
static void plan(struct tt_aws_chain *chain)
{
    chain->step = STEP_IDLE;
    int64_t left_ms = RETRY_MS;
    if (chain->generation > 0 && chain->credentials.expires_at.ms == 0)
        return;
    if (chain->generation > 0) {
        tt_time now = chain->options.clock.wall(chain->options.clock.self);
        left_ms = chain->credentials.expires_at.ms - now.ms - REFRESH_AHEAD_MS;
    }
    uint64_t jitter = chain->options.entropy.next(chain->options.entropy.self) % 1000;
    uint64_t pause_ms = left_ms < RETRY_MS ? RETRY_MS : (uint64_t)left_ms;
    tt_alarm_set(chain->alarm, tt_mono_after(tt_loop_now(chain->loop), pause_ms + jitter));
}

static void take_credentials(struct tt_aws_chain *chain, struct tt_slice body)
{
    struct tt_arena *arena = next_arena(chain);
    struct tt_aws_credentials found;
    tt_err err = chain->kind == KIND_WEB_IDENTITY ? tt_aws_read_sts(body, arena, &found)
                                                  : tt_aws_read_json(body, arena, &found);
    if (tt_is_ok(err)) {
        chain->credentials = found;
        chain->generation++;
    } else {
        chain->arena_now ^= 1; /* those that stand are in the other one */
    }
    plan(chain);
}

static void ask_metadata(struct tt_aws_chain *chain, enum step step, struct tt_slice more)
{
    char path[256];
    chain->step = step;
    snprintf(path, sizeof(path), "/latest/meta-data/iam/security-credentials/%.*s", (int)more.size,
             more.data);
    ask(chain, "GET", path, "x-aws-ec2-metadata-token", tt_buffer_slice(&chain->token),
        METADATA_MS);
}

static void on_answer(void *context, const struct tt_http_result *result)
{
    struct tt_aws_chain *chain = context;
    struct tt_slice body = without_end(result->body);
    if (result->outcome != TT_HTTP_ANSWERED || result->status != 200) {
        plan(chain);
        return;
    }
    switch (chain->step) {
    case STEP_IDLE:
        return;
    case STEP_TOKEN:
        chain->token.size = 0;
        tt_buffer_add(&chain->token, body);
        ask_metadata(chain, STEP_ROLE, TT_SLICE_LITERAL(""));
        return;
    case STEP_ROLE:
        if (body.size == 0 || body.size >= ROLE_SIZE_MAX)
            plan(chain);
        else
            ask_metadata(chain, STEP_CREDENTIALS, body);
        return;
    case STEP_CREDENTIALS:
        take_credentials(chain, body);
        return;
    }
}

static void ask(struct tt_aws_chain *chain, const char *method, const char *path,
                const char *header, struct tt_slice value, uint32_t within_ms)
{
    struct tt_buffer request = {0};
    tt_buffer_add_text(&request, method);
    tt_buffer_add_byte(&request, ' ');
    tt_buffer_add_text(&request, path);
    tt_buffer_add_text(&request, " HTTP/1.1\r\nhost: ");
    tt_buffer_add_text(&request, chain->host);
    if (header != NULL) {
        tt_buffer_add_text(&request, "\r\n");
        tt_buffer_add_text(&request, header);
        tt_buffer_add_text(&request, ": ");
        tt_buffer_add(&request, value);
    }
    if (strcmp(method, "GET") != 0)
        tt_buffer_add_text(&request, "\r\ncontent-length: 0");
    tt_buffer_add_text(&request, "\r\naccept: */*\r\n\r\n");
    tt_http_pool_send(chain->http, &request, tt_mono_after(tt_loop_now(chain->loop), within_ms),
                      on_answer, chain);
}

static void on_alarm(void *context)
{
    fetch(context);
}

struct tt_aws_chain *tt_aws_chain_create(struct tt_loop *loop,
                                         const struct tt_aws_chain_options *options)
{
    struct tt_aws_chain *chain = tt_alloc(sizeof(*chain));
    chain->loop = loop;
    chain->options = *options;
    chain->alarm = tt_alarm_create(loop, on_alarm, chain);
    if (take_environment(chain))
        chain->kind = KIND_FIXED;
    else if (find_web_identity(chain))
        chain->kind = KIND_WEB_IDENTITY;
    else if (take_profile(chain, "AWS_SHARED_CREDENTIALS_FILE", "credentials") ||
             take_profile(chain, "AWS_CONFIG_FILE", "config"))
        chain->kind = KIND_FIXED;
    else if (find_container(chain))
        chain->kind = KIND_CONTAINER;
    else if (find_metadata(chain))
        chain->kind = KIND_METADATA;
    if (chain->kind != KIND_FIXED && chain->kind != KIND_NONE)
        tt_alarm_set(chain->alarm, tt_loop_now(loop));
    return chain;
}

void tt_aws_chain_destroy(struct tt_aws_chain **take_chain)
{
    struct tt_aws_chain *chain = *take_chain;
    *take_chain = NULL;
    if (chain->http != NULL)
        tt_http_pool_destroy(&chain->http);
    tt_alarm_destroy(&chain->alarm);
    tt_buffer_deinit(&chain->token);
    tt_arena_deinit(&chain->arenas[0]);
    tt_arena_deinit(&chain->arenas[1]);
    tt_free(chain);
}

static bool get(void *self, struct tt_aws_credentials *credentials, uint64_t *generation)
{
    struct tt_aws_chain *chain = self;
    *credentials = chain->credentials;
    *generation = chain->generation;
    return chain->generation > 0;
}

/* Asked at once for new ones, if these came from somebody who has any. */
static void expired(void *self)
{
    struct tt_aws_chain *chain = self;
    if (chain->step == STEP_IDLE && chain->http != NULL)
        tt_alarm_set(chain->alarm, tt_mono_after(tt_loop_now(chain->loop), RETRY_MS));
}

struct tt_aws_source tt_aws_chain_source(struct tt_aws_chain *chain)
{
    return (struct tt_aws_source){.self = chain, .get = get, .expired = expired};
}
