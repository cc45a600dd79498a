#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapter/dynamodb/credential_chain.h"
#include "net/listener.h"

struct world;

struct peer_of {
    struct world *world;
    size_t index;
};

/* A metadata service, a container's address and an STS in the same loop as the chain. */
struct world {
    struct tt_loop *loop;
    struct tt_listener *listener;
    struct tt_socket *peers[8];
    struct tt_buffer got[8];
    size_t peer_count;
    struct peer_of peer_ofs[8];
    struct tt_aws_chain *chain;
    char url[64];
    const char *names[8];
    const char *values[8];
    size_t variable_count;
    size_t asked;
    bool says_no;
    char last[2048];
    int64_t wall_ms;
    bool too_late;
};

static const char *variable(void *context, const char *name)
{
    const struct world *world = context;
    for (size_t i = 0; i < world->variable_count; i++)
        if (strcmp(world->names[i], name) == 0)
            return world->values[i];
    return NULL;
}

static void set(struct world *world, const char *name, const char *value)
{
    world->names[world->variable_count] = name;
    world->values[world->variable_count++] = value;
}

static tt_time wall(void *self)
{
    const struct world *world = self;
    return TT_TIME(world->wall_ms);
}

static tt_mono mono(void *self)
{
    (void)self;
    return TT_MONO(1);
}

static uint64_t entropy(void *self)
{
    (void)self;
    return 0;
}

static const char *answer_to(const struct world *world, const char *request)
{
    if (world->says_no)
        return NULL;
    if (strncmp(request, "PUT /latest/api/token ", 22) == 0)
        return "imds-token";
    if (strstr(request, "/security-credentials/ ") != NULL)
        return strstr(request, "x-aws-ec2-metadata-token: imds-token") == NULL ? NULL : "role-1";
    if (strstr(request, "/security-credentials/role-1 ") != NULL)
        return "{\"AccessKeyId\":\"IMDS\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
               "\"Expiration\":\"2026-01-02T04:00:00Z\"}";
    if (strncmp(request, "GET /v2/creds ", 14) == 0)
        return strstr(request, "authorization: let-me-in\r") == NULL
                   ? NULL
                   : "{\"AccessKeyId\":\"ECS\",\"SecretAccessKey\":\"s\"}";
    if (strncmp(request, "POST /?Action=AssumeRoleWithWebIdentity", 39) == 0)
        return strstr(request, "WebIdentityToken=j.w%2Ft ") == NULL
                   ? NULL
                   : "<AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                     "<SessionToken>t</SessionToken><Expiration>2026-01-02T04:00:00Z</Expiration>";
    if (strncmp(request, "POST / HTTP/1.1", 15) == 0)
        return strstr(request, "Credential=BASE/") == NULL ||
                       strstr(request, "/eu-west-1/sts/aws4_request") == NULL ||
                       strstr(request, "Action=AssumeRole&") == NULL ||
                       strstr(request, "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&") == NULL ||
                       strstr(request, "&ExternalId=ours") == NULL
                   ? NULL
                   : "<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                     "<SessionToken>t</SessionToken><Expiration>2026-01-02T04:00:00Z</Expiration>";
    return NULL;
}

static void on_read(void *context, struct tt_input *input)
{
    struct peer_of *peer = context;
    struct world *world = peer->world;
    struct tt_buffer *got = &world->got[peer->index];
    tt_buffer_add(got, tt_slice(input->data, input->size));
    if (memmem(got->data, got->size, "\r\n\r\n", 4) == NULL)
        return;
    tt_buffer_add_byte(got, '\0');
    world->asked++;
    snprintf(world->last, sizeof(world->last), "%s", got->data);
    const char *body = answer_to(world, got->data);
    char head[128];
    snprintf(head, sizeof(head), "HTTP/1.1 %s\r\ncontent-length: %zu\r\n\r\n",
             body == NULL ? "403 No" : "200 OK", body == NULL ? (size_t)0 : strlen(body));
    got->size = 0;
    struct tt_buffer *out = tt_socket_output(world->peers[peer->index]);
    tt_buffer_add_text(out, head);
    tt_buffer_add_text(out, body == NULL ? "" : body);
}

static void on_ended(void *context, enum tt_socket_end end)
{
    struct peer_of *peer = context;
    (void)end;
    tt_socket_destroy(&peer->world->peers[peer->index]);
}

static const struct tt_socket_events peer_events = {.read = on_read, .ended = on_ended};

static void on_accepted(void *context, int fd, const struct tt_address *address)
{
    struct world *world = context;
    (void)address;
    assert_true(world->peer_count < 8);
    struct peer_of *peer = &world->peer_ofs[world->peer_count];
    *peer = (struct peer_of){world, world->peer_count++};
    expect_ok(tt_socket_open(world->loop, fd, &peer_events, peer, &world->peers[peer->index]));
}

static const struct tt_listener_events listener_events = {.accepted = on_accepted};

static bool has_credentials(const struct world *world)
{
    struct tt_aws_source source = tt_aws_chain_source(world->chain);
    struct tt_aws_credentials credentials;
    uint64_t generation;
    return source.get(source.self, &credentials, &generation);
}

static void on_turn_end(void *context)
{
    struct world *world = context;
    if (world->chain != NULL && (has_credentials(world) || (world->says_no && world->asked > 0)))
        tt_loop_stop(world->loop);
}

static void on_deadline(void *context)
{
    struct world *world = context;
    world->too_late = true;
    tt_loop_stop(world->loop);
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end, .deadline = on_deadline};

static void open_world(struct world *world)
{
    const char *problem;
    struct tt_address any;
    memset(world, 0, sizeof(*world));
    world->wall_ms = 1767323045000;
    expect_ok(tt_loop_create(&loop_events, world, &world->loop));
    expect_ok(tt_address_parse(TT_SLICE_LITERAL("127.0.0.1:0"), &any, &problem));
    expect_ok(
        tt_listener_open(world->loop, &any, &listener_events, world, &world->listener, &problem));
    snprintf(world->url, sizeof(world->url), "http://127.0.0.1:%u",
             (unsigned)tt_address_port(tt_listener_address(world->listener)));
    set(world, "HOME", "/nonexistent");
}

static void start(struct world *world)
{
    struct tt_aws_chain_options options = {
        .variable = variable,
        .context = world,
        .region = "eu-west-1",
        .clock = {world, wall, mono},
        .entropy = {world, entropy},
    };
    world->chain = tt_aws_chain_create(world->loop, &options);
}

static void expect_key(struct world *world, const char *key)
{
    struct tt_aws_credentials credentials;
    uint64_t generation;
    start(world);
    if (!has_credentials(world)) {
        tt_loop_set_deadline(world->loop, tt_mono_after(tt_loop_now(world->loop), 10000));
        tt_loop_run(world->loop);
    }
    assert_false(world->too_late);
    struct tt_aws_source source = tt_aws_chain_source(world->chain);
    assert_true(source.get(source.self, &credentials, &generation));
    assert_int_equal(credentials.access_key.size, strlen(key));
    assert_memory_equal(credentials.access_key.data, key, strlen(key));
    assert_true(generation > 0);
}

static void close_world(struct world *world)
{
    tt_aws_chain_destroy(&world->chain);
    for (size_t i = 0; i < world->peer_count; i++) {
        if (world->peers[i] != NULL)
            tt_socket_destroy(&world->peers[i]);
        tt_buffer_deinit(&world->got[i]);
    }
    tt_listener_close(&world->listener);
    tt_loop_destroy(&world->loop);
}

static void write_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/twoticks-chain-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void the_environment_comes_first(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    set(&world, "AWS_ACCESS_KEY_ID", "ENV");
    set(&world, "AWS_SECRET_ACCESS_KEY", "s");
    set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT", world.url);
    expect_key(&world, "ENV");
    assert_int_equal(world.asked, 0);
    close_world(&world);
}

static void a_profile_is_read(void **state)
{
    (void)state;
    struct world world;
    char path[64];
    write_file(path, "[x]\naws_access_key_id=FILE\naws_secret_access_key=s\n");
    open_world(&world);
    set(&world, "AWS_SHARED_CREDENTIALS_FILE", path);
    set(&world, "AWS_PROFILE", "x");
    expect_key(&world, "FILE");
    close_world(&world);
    unlink(path);
}

static void an_instance_asks_its_metadata_with_a_token(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT", world.url);
    expect_key(&world, "IMDS");
    assert_int_equal(world.asked, 3);
    close_world(&world);
}

static void a_container_asks_its_address(void **state)
{
    (void)state;
    struct world world;
    char url[96];
    open_world(&world);
    snprintf(url, sizeof(url), "%s/v2/creds", world.url);
    set(&world, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me-in");
    expect_key(&world, "ECS");
    close_world(&world);
}

static void a_web_identity_is_exchanged(void **state)
{
    (void)state;
    struct world world;
    char path[64];
    write_file(path, "j.w/t\n");
    open_world(&world);
    set(&world, "AWS_WEB_IDENTITY_TOKEN_FILE", path);
    set(&world, "AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    set(&world, "AWS_ENDPOINT_URL_STS", world.url);
    expect_key(&world, "WEB");
    close_world(&world);
    unlink(path);
}

static void a_profile_may_name_a_role(void **state)
{
    (void)state;
    struct world world;
    char path[64];
    write_file(path, "[profile base]\naws_access_key_id=BASE\naws_secret_access_key=s\n"
                     "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
                     "external_id=ours\n");
    open_world(&world);
    set(&world, "AWS_CONFIG_FILE", path);
    set(&world, "AWS_ENDPOINT_URL_STS", world.url);
    expect_key(&world, "ROLE");
    close_world(&world);
    unlink(path);
}

static void a_profile_may_name_a_web_identity(void **state)
{
    (void)state;
    struct world world;
    char token[64];
    char path[64];
    char text[256];
    write_file(token, "j.w/t\n");
    snprintf(text, sizeof(text), "[default]\nrole_arn=arn:x\nweb_identity_token_file=%s\n", token);
    write_file(path, text);
    open_world(&world);
    set(&world, "AWS_CONFIG_FILE", path);
    set(&world, "AWS_ENDPOINT_URL_STS", world.url);
    expect_key(&world, "WEB");
    close_world(&world);
    unlink(path);
    unlink(token);
}

static void a_profile_may_name_a_command(void **state)
{
    (void)state;
    struct world world;
    char path[64];
    write_file(path, "[default]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":"
                     "\"PROC\",\"SecretAccessKey\":\"s\"}'\n");
    open_world(&world);
    set(&world, "AWS_CONFIG_FILE", path);
    expect_key(&world, "PROC");
    close_world(&world);
    unlink(path);
}

/* It is killed with the chain: nothing waits for it. */
static void a_command_that_hangs_gives_nothing(void **state)
{
    (void)state;
    struct world world;
    char path[64];
    write_file(path, "[default]\ncredential_process = exec sleep 600\n");
    open_world(&world);
    set(&world, "AWS_CONFIG_FILE", path);
    start(&world);
    tt_loop_set_deadline(world.loop, tt_mono_after(tt_loop_now(world.loop), 200));
    tt_loop_run(world.loop);
    assert_true(world.too_late);
    assert_false(has_credentials(&world));
    close_world(&world);
    unlink(path);
}

static void who_says_no_gives_nothing(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    world.says_no = true;
    set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT", world.url);
    start(&world);
    tt_loop_set_deadline(world.loop, tt_mono_after(tt_loop_now(world.loop), 10000));
    tt_loop_run(world.loop);
    assert_false(world.too_late);
    assert_false(has_credentials(&world));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_comes_first),
        cmocka_unit_test(a_profile_is_read),
        cmocka_unit_test(an_instance_asks_its_metadata_with_a_token),
        cmocka_unit_test(a_container_asks_its_address),
        cmocka_unit_test(a_web_identity_is_exchanged),
        cmocka_unit_test(a_profile_may_name_a_role),
        cmocka_unit_test(a_profile_may_name_a_web_identity),
        cmocka_unit_test(a_profile_may_name_a_command),
        cmocka_unit_test(a_command_that_hangs_gives_nothing),
        cmocka_unit_test(who_says_no_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
