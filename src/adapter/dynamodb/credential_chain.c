#include "adapter/dynamodb/credential_chain.h"

#include <stdio.h>

#include "adapter/dynamodb/credential_process.h"
#include "adapter/dynamodb/sigv4.h"
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

#define PROCESS_MS      30000
#define PROCESS_LOOK_MS 20

enum kind {
    KIND_NONE,
    KIND_FIXED,
    KIND_WEB_IDENTITY,
    KIND_ROLE,
    KIND_PROCESS,
    KIND_CONTAINER,
    KIND_METADATA
};

enum step { STEP_IDLE, STEP_TOKEN, STEP_ROLE, STEP_CREDENTIALS, STEP_PROCESS };

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
    struct tt_arena kept;   /* of what the profile and the environment say */
    const char *role_arn;
    const char *session_name;
    const char *token_file;         /* of the web identity */
    const char *external_id;        /* or NULL */
    struct tt_aws_credentials base; /* that the role is assumed with */
    const char *command;
    struct tt_aws_process *process;
    tt_mono process_until;
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

/* The two profile files; `credentials` comes first, as in AWS's SDKs. */
struct profiles {
    struct tt_buffer files[2];
};

static void read_profiles(const struct tt_aws_chain *chain, struct profiles *profiles)
{
    static const char *const variables[] = {"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"};
    static const char *const names[] = {"credentials", "config"};
    const char *home = variable(chain, "HOME");
    for (size_t i = 0; i < 2; i++) {
        char usual[1024];
        const char *path = variable(chain, variables[i]);
        if (path == NULL && home != NULL &&
            (size_t)snprintf(usual, sizeof(usual), "%s/.aws/%s", home, names[i]) < sizeof(usual))
            path = usual;
        if (path == NULL || !read_file(path, &profiles->files[i]))
            profiles->files[i].size = 0;
    }
}

static struct tt_slice value_of(const struct profiles *profiles, struct tt_slice profile,
                                const char *key)
{
    struct tt_slice value = TT_SLICE_EMPTY;
    for (size_t i = 0; i < 2 && value.size == 0; i++)
        if (profiles->files[i].size > 0)
            value = tt_aws_profile_value(tt_buffer_slice(&profiles->files[i]), profile, key);
    return value;
}

static bool read_keys(const struct profiles *profiles, struct tt_slice profile,
                      struct tt_arena *arena, struct tt_aws_credentials *credentials)
{
    struct tt_slice key = value_of(profiles, profile, "aws_access_key_id");
    struct tt_slice secret = value_of(profiles, profile, "aws_secret_access_key");
    if (key.size == 0 || secret.size == 0)
        return false;
    *credentials = (struct tt_aws_credentials){
        .access_key = tt_arena_copy(arena, key),
        .secret = tt_arena_copy(arena, secret),
        .session_token = tt_arena_copy(arena, value_of(profiles, profile, "aws_session_token")),
    };
    return true;
}

/* Terminated; NULL where it is empty. */
static const char *keep_text(struct tt_aws_chain *chain, struct tt_slice text)
{
    if (text.size == 0)
        return NULL;
    char *copy = tt_arena_alloc(&chain->kept, text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
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

static bool open_sts(struct tt_aws_chain *chain)
{
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

static bool find_web_identity(struct tt_aws_chain *chain)
{
    const char *file = variable(chain, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = variable(chain, "AWS_ROLE_ARN");
    if (file == NULL || role == NULL)
        return false;
    chain->token_file = keep_text(chain, tt_slice_text(file));
    chain->role_arn = keep_text(chain, tt_slice_text(role));
    return open_sts(chain);
}

/* What the profile says, in the order of AWS's SDKs: a role, keys, a command. */
static enum kind find_in(struct tt_aws_chain *chain, const struct profiles *profiles,
                         struct tt_slice name)
{
    struct tt_slice source = value_of(profiles, name, "source_profile");
    chain->role_arn = keep_text(chain, value_of(profiles, name, "role_arn"));
    chain->token_file = keep_text(chain, value_of(profiles, name, "web_identity_token_file"));
    chain->external_id = keep_text(chain, value_of(profiles, name, "external_id"));
    chain->command = keep_text(chain, value_of(profiles, name, "credential_process"));
    const char *session = keep_text(chain, value_of(profiles, name, "role_session_name"));
    if (session != NULL)
        chain->session_name = session;
    if (chain->role_arn != NULL && chain->token_file != NULL)
        return open_sts(chain) ? KIND_WEB_IDENTITY : KIND_NONE;
    if (chain->role_arn != NULL && source.size > 0 &&
        read_keys(profiles, source, &chain->kept, &chain->base))
        return open_sts(chain) ? KIND_ROLE : KIND_NONE;
    if (chain->role_arn == NULL &&
        read_keys(profiles, name, next_arena(chain), &chain->credentials)) {
        chain->generation++;
        return KIND_FIXED;
    }
    return chain->role_arn == NULL && chain->command != NULL ? KIND_PROCESS : KIND_NONE;
}

static enum kind find_profile(struct tt_aws_chain *chain)
{
    struct profiles profiles = {0};
    const char *profile = variable(chain, "AWS_PROFILE");
    read_profiles(chain, &profiles);
    enum kind kind =
        find_in(chain, &profiles, tt_slice_text(profile == NULL ? "default" : profile));
    tt_buffer_deinit(&profiles.files[0]);
    tt_buffer_deinit(&profiles.files[1]);
    return kind;
}

static void ask(struct tt_aws_chain *chain, const char *method, const char *path,
                const char *header, struct tt_slice value, uint32_t within_ms);

static void ask_web_identity(struct tt_aws_chain *chain)
{
    struct tt_buffer token = {0};
    struct tt_arena arena = {0};
    bool read = read_file(chain->token_file, &token);
    struct tt_buffer query = {0};
    if (read) {
        tt_buffer_add_text(&query, "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                                   "&RoleArn=");
        tt_buffer_add(&query, tt_aws_encode(tt_slice_text(chain->role_arn), &arena));
        tt_buffer_add_text(&query, "&RoleSessionName=");
        tt_buffer_add(&query, tt_aws_encode(tt_slice_text(chain->session_name), &arena));
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

static void add_parameter(struct tt_buffer *body, const char *name, const char *value)
{
    struct tt_arena arena = {0};
    tt_buffer_add_byte(body, '&');
    tt_buffer_add_text(body, name);
    tt_buffer_add_byte(body, '=');
    tt_buffer_add(body, tt_aws_encode(tt_slice_text(value), &arena));
    tt_arena_deinit(&arena);
}

static void on_answer(void *context, const struct tt_http_result *result);

/* Signed with the keys of the source profile. */
static void ask_role(struct tt_aws_chain *chain)
{
    struct tt_buffer body = {0};
    struct tt_buffer out = {0};
    char time[TT_SIGV4_TIME_SIZE];
    tt_sigv4_format_time(chain->options.clock.wall(chain->options.clock.self), time);
    tt_buffer_add_text(&body, "Action=AssumeRole&Version=2011-06-15");
    add_parameter(&body, "RoleArn", chain->role_arn);
    add_parameter(&body, "RoleSessionName", chain->session_name);
    if (chain->external_id != NULL)
        add_parameter(&body, "ExternalId", chain->external_id);
    struct tt_sigv4_header headers[4] = {
        {TT_SLICE_LITERAL("content-type"), TT_SLICE_LITERAL("application/x-www-form-urlencoded")},
        {TT_SLICE_LITERAL("host"), tt_slice_text(chain->host)},
        {TT_SLICE_LITERAL("x-amz-date"), tt_slice(time, TT_SIGV4_TIME_SIZE)},
        {TT_SLICE_LITERAL("x-amz-security-token"), chain->base.session_token},
    };
    struct tt_sigv4_request request = {
        .method = "POST",
        .path = TT_SLICE_LITERAL("/"),
        .headers = headers,
        .header_count = chain->base.session_token.size > 0 ? 4 : 3,
        .body = tt_buffer_slice(&body),
    };
    struct tt_sigv4_signer signer = {.region = tt_slice_text(chain->options.region),
                                     .service = TT_SLICE_LITERAL("sts")};
    tt_buffer_add_text(&out, "POST / HTTP/1.1\r\n");
    for (size_t i = 0; i < request.header_count; i++) {
        tt_buffer_add(&out, headers[i].name);
        tt_buffer_add_text(&out, ": ");
        tt_buffer_add(&out, headers[i].value);
        tt_buffer_add_text(&out, "\r\n");
    }
    tt_buffer_add_text(&out, "authorization: ");
    tt_sigv4_sign(&signer, chain->base.access_key, chain->base.secret, &request, time, &out);
    tt_sigv4_forget_key(&signer);
    tt_buffer_add_text(&out, "\r\ncontent-length: ");
    tt_buffer_add_u64(&out, body.size);
    tt_buffer_add_text(&out, "\r\n\r\n");
    tt_buffer_add(&out, tt_buffer_slice(&body));
    tt_buffer_deinit(&body);
    chain->step = STEP_CREDENTIALS;
    tt_http_pool_send(chain->http, &out, tt_mono_after(tt_loop_now(chain->loop), FETCH_MS),
                      on_answer, chain);
}

static void run_process(struct tt_aws_chain *chain)
{
    tt_mono now = tt_loop_now(chain->loop);
    chain->process = tt_aws_process_start(chain->command);
    chain->step = chain->process == NULL ? STEP_IDLE : STEP_PROCESS;
    chain->process_until = tt_mono_after(now, PROCESS_MS);
    tt_alarm_set(chain->alarm,
                 tt_mono_after(now, chain->process == NULL ? RETRY_MS : PROCESS_LOOK_MS));
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
    case KIND_ROLE:
        ask_role(chain);
        return;
    case KIND_PROCESS:
        run_process(chain);
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
    bool is_sts = chain->kind == KIND_WEB_IDENTITY || chain->kind == KIND_ROLE;
    tt_err err =
        is_sts ? tt_aws_read_sts(body, arena, &found) : tt_aws_read_json(body, arena, &found);
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
    case STEP_PROCESS:
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

static void look_at_process(struct tt_aws_chain *chain)
{
    struct tt_slice printed;
    tt_mono now = tt_loop_now(chain->loop);
    enum tt_aws_process_state state = tt_aws_process_look(chain->process, &printed);
    if (state == TT_AWS_RUNNING && now.ms < chain->process_until.ms) {
        tt_alarm_set(chain->alarm, tt_mono_after(now, PROCESS_LOOK_MS));
        return;
    }
    if (state == TT_AWS_PRINTED)
        take_credentials(chain, without_end(printed));
    else
        plan(chain);
    tt_aws_process_destroy(&chain->process);
}

static void on_alarm(void *context)
{
    struct tt_aws_chain *chain = context;
    if (chain->step == STEP_PROCESS)
        look_at_process(chain);
    else
        fetch(chain);
}

static enum kind find_kind(struct tt_aws_chain *chain)
{
    if (take_environment(chain))
        return KIND_FIXED;
    if (find_web_identity(chain))
        return KIND_WEB_IDENTITY;
    enum kind in_profile = find_profile(chain);
    if (in_profile != KIND_NONE)
        return in_profile;
    if (find_container(chain))
        return KIND_CONTAINER;
    return find_metadata(chain) ? KIND_METADATA : KIND_NONE;
}

struct tt_aws_chain *tt_aws_chain_create(struct tt_loop *loop,
                                         const struct tt_aws_chain_options *options)
{
    struct tt_aws_chain *chain = tt_alloc(sizeof(*chain));
    chain->loop = loop;
    chain->options = *options;
    chain->alarm = tt_alarm_create(loop, on_alarm, chain);
    const char *session = variable(chain, "AWS_ROLE_SESSION_NAME");
    chain->session_name = keep_text(chain, tt_slice_text(session == NULL ? "twoticks" : session));
    chain->kind = find_kind(chain);
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
    if (chain->process != NULL)
        tt_aws_process_destroy(&chain->process);
    tt_alarm_destroy(&chain->alarm);
    tt_arena_deinit(&chain->kept);
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
    if (chain->step == STEP_IDLE && (chain->http != NULL || chain->command != NULL))
        tt_alarm_set(chain->alarm, tt_mono_after(tt_loop_now(chain->loop), RETRY_MS));
}

struct tt_aws_source tt_aws_chain_source(struct tt_aws_chain *chain)
{
    return (struct tt_aws_source){.self = chain, .get = get, .expired = expired};
}
