#include "edge_world.h"

#include <sys/socket.h>

static const struct tt_slice allowed_origins[] = {{"https://app.example", 19}};

struct tt_reply me_reply(void)
{
    return (struct tt_reply){
        .kind = TT_REQUEST_GET_ME,
        .me = {tt_id_of("alice"), tt_id_of("phone"), TT_USER_SETTINGS_DEFAULT}};
}

static void answer_now(struct world *world, const struct tt_event *event)
{
    struct tt_reply reply = me_reply();
    struct tt_effect effect = {.handle = event->handle};
    if (event->kind == TT_EVENT_REQUEST || event->kind == TT_EVENT_REQUEST_GONE) {
        effect.kind = TT_EFFECT_REPLY; /* of the latter: too late, nobody may get it */
        effect.reply = &reply;
        tt_edge_effect(world->edge, &effect);
    } else if (event->kind == TT_EVENT_SESSION_OPEN) {
        effect.kind = TT_EFFECT_ACCEPT;
        tt_edge_effect(world->edge, &effect);
    }
}

void copy_text(char *to, size_t capacity, struct tt_slice text)
{
    size_t size = text.size < capacity - 1 ? text.size : capacity - 1;
    if (size > 0)
        memcpy(to, text.data, size);
    to[size] = '\0';
}

static void on_post(void *context, const struct tt_event *event)
{
    struct world *world = context;
    assert_true(world->event_count < EVENTS_MAX);
    struct recorded *now = &world->events[world->event_count++];
    memset(now, 0, sizeof(*now));
    now->kind = event->kind;
    now->handle = event->handle;
    if (event->kind == TT_EVENT_REQUEST) {
        now->request = event->request->kind;
        now->user = event->request->user;
        if (event->request->kind == TT_REQUEST_SEND)
            copy_text(now->content, sizeof(now->content), event->request->send.content);
    } else if (event->kind == TT_EVENT_SESSION_OPEN) {
        now->user = event->open.user;
        now->expires = event->open.token_expires.ms;
    } else if (event->kind == TT_EVENT_FRAME) {
        now->frame = event->frame->kind;
        copy_text(now->content, sizeof(now->content), event->frame->content);
    } else if (event->kind == TT_EVENT_BAD_FRAME) {
        now->err = event->bad_frame.err;
        if (event->bad_frame.key != NULL)
            copy_text(now->key, sizeof(now->key), tt_slice_text(event->bad_frame.key));
    } else if (event->kind == TT_EVENT_TOKEN) {
        now->user = event->token.user;
        now->expires = event->token.expires.ms;
    }
    if (world->answers_at_once)
        answer_now(world, event);
}

static tt_time on_wall(void *context)
{
    (void)context;
    return WALL;
}

static void on_answered(void *context, const struct tt_edge_answer *answer)
{
    struct world *world = context;
    world->last_status = answer->status;
    copy_text(world->last_reason, sizeof(world->last_reason),
              tt_slice_text(answer->reason == NULL ? "" : answer->reason));
}

static void on_turn_end(void *context)
{
    struct world *world = context;
    tt_edge_turn(world->edge);
    tt_loop_stop(world->loop);
}

static int write_health(void *context, struct tt_buffer *body)
{
    (void)context;
    tt_buffer_add_text(body, "ok\n");
    return 200;
}

static const struct tt_edge_page pages[] = {
    {TT_EDGE_ADMIN, "/healthz", "text/plain", write_health, NULL},
    {TT_EDGE_PUBLIC, "/hello", "text/plain", write_health, NULL},
};

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end};

void open_world(struct world *world, const struct tt_edge_options *wanted)
{
    const char *problem;
    memset(world, 0, sizeof(*world));
    world->keys = tt_jwt_keys_create();
    expect_ok(
        tt_jwt_keys_add_secret(world->keys, TT_SLICE_EMPTY, TT_SLICE_LITERAL(SECRET), &problem));
    struct tt_edge_options options = *wanted;
    options.auth.keys = world->keys;
    options.auth.origins = (struct tt_origins){allowed_origins, 1};
    options.signing_secret = TT_SLICE_LITERAL(SECRET);
    options.pages = pages;
    options.page_count = 2;
    expect_ok(tt_loop_create(&loop_events, world, &world->loop));
    world->edge = tt_edge_create(
        &options, world->loop,
        &(struct tt_edge_owner){
            .context = world, .post = on_post, .wall = on_wall, .answered = on_answered});
}

void close_world(struct world *world)
{
    tt_edge_destroy(&world->edge);
    tt_loop_destroy(&world->loop);
    tt_jwt_keys_destroy(&world->keys);
}

void turn(struct world *world)
{
    tt_loop_again(world->loop);
    tt_loop_run(world->loop);
}

void await_deadline(struct world *world)
{
    tt_mono at = tt_edge_deadline(world->edge);
    assert_true(at.ms > 0);
    while (tt_loop_now(world->loop).ms < at.ms) {
        tt_loop_set_deadline(world->loop, at);
        tt_loop_run(world->loop);
    }
}

int connect_to(struct world *world, enum tt_edge_door door)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_true(tt_edge_accept(world->edge, door, fds[1], &(struct tt_ip){{0}}));
    return fds[0];
}

void write_all(int fd, const void *bytes, size_t size)
{
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
}

const char *talk(struct world *world, int fd, const char *text)
{
    static char got[65536];
    write_all(fd, text, strlen(text));
    turn(world);
    ssize_t size = read(fd, got, sizeof(got) - 1);
    got[size > 0 ? size : 0] = '\0';
    return got;
}

bool is_closed(int fd)
{
    char byte;
    return read(fd, &byte, 1) == 0;
}

void expect_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
}

void token_of(const char *user, const char *device, int64_t seconds, char text[512])
{
    const struct tt_jwt_policy policy = {TT_SLICE_EMPTY, TT_SLICE_EMPTY};
    const struct tt_jwt_claims claims = {tt_id_of(user), tt_id_of(device),
                                         TT_TIME(WALL.ms + seconds * 1000), 0};
    struct tt_buffer token = {0};
    tt_jwt_sign(TT_SLICE_LITERAL(SECRET), &policy, &claims, WALL, &token);
    copy_text(text, 512, tt_buffer_slice(&token));
    tt_buffer_deinit(&token);
}

const char *request_text(const char *line, const char *more)
{
    static char text[8192];
    char token[512];
    struct tt_buffer out = {0};
    token_of("alice", "phone", 60, token);
    tt_buffer_add_text(&out, line);
    tt_buffer_add_text(&out, " HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer ");
    tt_buffer_add_text(&out, token);
    tt_buffer_add_text(&out, "\r\n");
    tt_buffer_add_text(&out, more);
    copy_text(text, sizeof(text), tt_buffer_slice(&out));
    tt_buffer_deinit(&out);
    return text;
}

void send_frame(int fd, unsigned char opcode, const char *payload, size_t size)
{
    unsigned char frame[512] = {(unsigned char)(0x80 | opcode), (unsigned char)(0x80 | size)};
    size_t head = 2;
    if (size > 125) {
        assert_true(size <= sizeof(frame) - 8);
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(size >> 8);
        frame[3] = (unsigned char)size;
        head = 4;
    }
    memcpy(frame + head + 4, payload, size); /* a mask of zeros */
    write_all(fd, frame, head + 4 + size);
}

void send_text(struct world *world, int fd, const char *text)
{
    send_frame(fd, 1, text, strlen(text));
    turn(world);
}

const char *next_frame(int fd, unsigned char *opcode)
{
    static char payload[65536];
    unsigned char head[2];
    assert_int_equal(read(fd, head, 2), 2);
    *opcode = head[0];
    size_t size = head[1];
    if (size == 126) {
        assert_int_equal(read(fd, head, 2), 2);
        size = (size_t)head[0] << 8 | head[1];
    }
    assert_true(size < sizeof(payload));
    assert_int_equal(read(fd, payload, size), (ssize_t)size);
    payload[size] = '\0';
    return payload;
}

int open_session(struct world *world)
{
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    world->answers_at_once = true;
    expect_contains(talk(world, fd, request_text("GET /ws", UPGRADE)),
                    "HTTP/1.1 101 Switching Protocols\r\n");
    world->answers_at_once = false;
    world->event_count = 0;
    return fd;
}

void expect_closed_with(struct world *world, int fd, unsigned code)
{
    unsigned char opcode;
    const char *payload = next_frame(fd, &opcode);
    assert_int_equal(opcode, 0x88);
    assert_int_equal((unsigned)(unsigned char)payload[0] << 8 | (unsigned char)payload[1], code);
    turn(world);
    assert_true(is_closed(fd));
}
