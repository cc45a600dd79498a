/*
 * Whole sessions: a script that connects devices, lets them say frames and ask over HTTP, breaks
 * connections, crashes servers and lets time pass, in a simulated world whose oracle checks the
 * promises all the while. All devices may lie; nobody else may suffer. A line is one of
 *
 *     0{"type":"open",...}          device 0 to 5 says a frame
 *     0?GET /conversations?limit=2  device 0 to 5 asks; the body comes after a blank
 *     +01   device 0 connects to server 1        -0   it closes
 *     /0    its connection breaks                !1   server 1 crashes     ^1   it starts
 *     ~1    server 1 drains                      .5   so many tenths of a second pass
 *     b     every node hears that hints were lost
 *     f     the registry forgets everything      d0   the disk is (1: not) full enough again
 *     s123  of a thousand store ops fail before taking effect, after it, and are late: 10, 20, 30
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "edge/frame_codec.h"
#include "edge/request_codec.h"
#include "sim/oracle.h"
#include "sim/world.h"

#define DEVICES     6
#define SERVERS     2
#define LINES_MAX   200
#define TENTH_US    (TT_US_PER_S / 10)
#define STEPS_MAX   20000
#define EPOCH_MS    1705017600000LL
#define CONTENT_MAX 256

struct device {
    tt_id user;
    tt_id id;
    struct tt_link *link;
};

struct play {
    struct tt_world *world;
    struct device devices[DEVICES];
    uint64_t steps;
};

static void ignore(void *context, struct tt_link *link)
{
    (void)context;
    (void)link;
}

static void heard(void *context, struct tt_link *link, const struct tt_server_frame *frame)
{
    struct tt_buffer text = {0};
    (void)context;
    (void)link;
    tt_frame_write(frame, &text);
    TT_ASSERT(text.size > 0);
    tt_buffer_deinit(&text);
}

static void closed(void *context, struct tt_link *link, uint32_t code, tt_err err)
{
    struct device *device = context;
    (void)code;
    (void)err;
    if (device->link == link)
        device->link = NULL;
}

static void replied(void *context, struct tt_call *call, const struct tt_reply *reply)
{
    (void)context;
    (void)call;
    (void)reply;
}

static void pass(struct play *play, uint64_t us)
{
    uint64_t until = play->world->agenda.now_us + us;
    while (play->steps < STEPS_MAX && tt_agenda_step(&play->world->agenda, until))
        play->steps++;
    const char *failure = tt_oracle_failure(play->world->oracle);
    if (failure != NULL)
        fprintf(stderr, "%s\n", failure);
    TT_ASSERT(failure == NULL);
}

static void add_conversation(struct play *play, const char *id, enum tt_conversation_kind kind,
                             size_t members)
{
    static const char *const names[] = {"alice", "bob", "carol"};
    tt_id ids[3];
    for (size_t i = 0; i < members; i++)
        ids[i] = tt_id_of(names[i]);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    op->create_conversation.conversation = (struct tt_conversation){
        .id = tt_id_of(id),
        .kind = kind,
        .created_at = tt_world_wall(play->world),
        .members = ids,
        .member_count = members,
    };
    op->create_conversation.creator = ids[0];
    op->create_conversation.id_given = true;
    op->create_conversation.conversation_count_max = 10;
    tt_oracle_expect_conversation(play->world->oracle, &op->create_conversation.conversation.id);
    tt_fake_store_apply(play->world->store, op);
    TT_ASSERT(tt_is_ok(op->err));
    tt_store_op_destroy(&op);
}

static void begin(struct play *play)
{
    static const char *const users[] = {"alice", "bob", "carol"};
    static const char *const ids[] = {"phone", "laptop"};
    struct tt_world_options options = {
        .seed = 1,
        .servers = SERVERS,
        .nodes = 1,
        .keeps_order = true,
        .epoch_wall = TT_TIME(EPOCH_MS),
        .turn_us = 50,
        .store_latency_us = 1500,
        .registry_latency_us = 300,
        .bus_latency_us = 200,
        .core = tt_core_options_default(),
    };
    *play = (struct play){.world = tt_world_create(&options)};
    play->world->oracle = tt_oracle_create(play->world);
    for (uint32_t i = 0; i < SERVERS; i++)
        tt_world_start(play->world, i);
    for (size_t i = 0; i < DEVICES; i++) {
        play->devices[i].user = tt_id_of(users[i / 2]);
        play->devices[i].id = tt_id_of(ids[i % 2]);
        tt_oracle_add_device(play->world->oracle, &play->devices[i].user, &play->devices[i].id,
                             false);
    }
    add_conversation(play, "conv_ab", TT_DIRECT, 2);
    add_conversation(play, "conv_abc", TT_GROUP, 3);
}

static void say(struct play *play, const struct device *device, struct tt_slice text)
{
    static const struct tt_frame_limits limits = {.content_size_max = CONTENT_MAX};
    struct tt_client_frame frame;
    const char *key;
    if (device->link == NULL || !tt_is_ok(tt_frame_parse(text, &limits, &frame, &key)) ||
        frame.kind == TT_CLIENT_TOKEN)
        return;
    tt_link_send(device->link, &frame);
    pass(play, 0);
}

/* The part before the mark; what follows it stays in *text. */
static struct tt_slice take(struct tt_slice *text, char mark)
{
    const char *end = text->size == 0 ? NULL : memchr(text->data, mark, text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    struct tt_slice part = tt_slice(text->data, size);
    *text = tt_slice_from(*text, end == NULL ? size : size + 1);
    return part;
}

static enum tt_http1_method method_of(struct tt_slice name)
{
    static const struct {
        const char *name;
        enum tt_http1_method method;
    } methods[] = {{"GET", TT_HTTP1_GET}, {"POST", TT_HTTP1_POST}, {"PUT", TT_HTTP1_PUT}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (tt_slice_eq(name, tt_slice_text(methods[i].name)))
            return methods[i].method;
    return TT_HTTP1_DELETE;
}

static void ask(struct play *play, const struct device *device, struct tt_slice text)
{
    struct tt_route route;
    struct tt_buffer allow = {0};
    enum tt_http1_method method = method_of(take(&text, ' '));
    struct tt_slice query = take(&text, ' ');
    struct tt_slice path = take(&query, '?');
    tt_err err = tt_route_find(method, path, &route, &allow);
    tt_buffer_deinit(&allow);
    if (!tt_is_ok(err) || route.kind != TT_ROUTE_REQUEST)
        return;
    struct tt_caller caller = {.user = device->user, .device = device->id};
    struct tt_request_limits limits = {.content_size_max = CONTENT_MAX, .members_max = 16};
    struct tt_arena arena = {0};
    struct tt_request request = {0};
    struct tt_problem problem = {0};
    struct tt_request_source source = {&route, &caller, query, text};
    err = tt_request_read(&source, &limits, &arena, &request, &problem);
    /* The oracle knows the conversations from the start. */
    if (tt_is_ok(err) && request.kind != TT_REQUEST_CREATE)
        tt_call_make(play->world, 0, 0, &request, NULL, replied);
    tt_arena_deinit(&arena);
}

static unsigned digit(struct tt_slice text, size_t at, unsigned below)
{
    char c = at < text.size ? text.data[at] : '0';
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') % below : 0;
}

static void act_on_link(struct play *play, struct tt_slice line)
{
    struct device *device = &play->devices[digit(line, 1, DEVICES)];
    struct tt_link_owner owner = {device, ignore, heard, ignore, closed};
    struct tt_link *link = device->link;
    if (line.data[0] == '+' && link == NULL) {
        device->link = tt_link_connect(play->world, digit(line, 2, SERVERS), 0, &device->user,
                                       &device->id, &owner, 1000);
    } else if (line.data[0] == '-' && link != NULL) {
        device->link = NULL;
        tt_link_close(link);
    } else if (line.data[0] == '/' && link != NULL) {
        tt_link_break(link, TENTH_US, 5 * TT_US_PER_S);
    }
}

static void set_faults(struct play *play, struct tt_slice line)
{
    struct tt_fake_store_faults *faults = tt_fake_store_faults(play->world->store);
    if (line.data[0] == 'd') {
        faults->disk_low = digit(line, 1, 2) == 0;
        return;
    }
    faults->before_per_mille = 10 * digit(line, 1, 10);
    faults->after_per_mille = 10 * digit(line, 2, 10);
    faults->late_per_mille = 10 * digit(line, 3, 10);
}

static void act_on_server(struct play *play, struct tt_slice line)
{
    uint32_t number = digit(line, 1, SERVERS);
    const struct tt_server *server = &play->world->servers[number];
    if (line.data[0] == '!' && server->is_up)
        tt_world_crash(play->world, number);
    else if (line.data[0] == '^' && !server->is_up)
        tt_world_start(play->world, number);
    else if (line.data[0] == '~' && server->is_up && !server->is_draining)
        tt_world_drain(play->world, number);
}

static void act(struct play *play, struct tt_slice line)
{
    switch (line.data[0]) {
    case '+':
    case '-':
    case '/':
        act_on_link(play, line);
        break;
    case '!':
    case '^':
    case '~':
        act_on_server(play, line);
        break;
    case 's':
    case 'd':
        set_faults(play, line);
        break;
    case 'b':
        tt_fake_bus_gap_everywhere(play->world->bus);
        break;
    case 'f':
        tt_fake_registry_forget(play->world->registry);
        break;
    case '.':
        pass(play, digit(line, 1, 10) * TENTH_US);
        break;
    default:
        if (line.data[0] >= '0' && line.data[0] < '0' + DEVICES && line.size > 1) {
            const struct device *device = &play->devices[line.data[0] - '0'];
            if (line.data[1] == '?')
                ask(play, device, tt_slice_from(line, 2));
            else
                say(play, device, tt_slice_from(line, 1));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play;
    struct tt_slice script = tt_slice(data, size);
    begin(&play);
    for (int i = 0; i < LINES_MAX && script.size > 0; i++) {
        struct tt_slice line = take(&script, '\n');
        if (line.size > 0)
            act(&play, line);
    }
    pass(&play, 3 * TT_US_PER_S);
    struct tt_oracle *oracle = play.world->oracle;
    tt_world_destroy(&play.world);
    tt_oracle_destroy(&oracle);
    return 0;
}
