/*
 * edge_world: the edge with real sockets (pairs, without ports) and a core that is played by the
 * test: `post` records events, and may answer at once, as the real core may.
 */
#ifndef TT_TEST_UNIT_EDGE_EDGE_WORLD_H
#define TT_TEST_UNIT_EDGE_EDGE_WORLD_H

#include "unit.h"

#include <unistd.h>

#include "edge/edge.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define WALL   TT_TIME(1705311720000)
#define KEY    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

#define EVENTS_MAX 64

#define UPGRADE                                                                                    \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n"

struct recorded {
    enum tt_event_kind kind;
    tt_handle handle;
    enum tt_request_kind request;
    enum tt_client_frame_kind frame;
    tt_id user;
    tt_err err;
    char key[32];
    char content[64];
    int64_t expires;
};

struct world {
    struct tt_loop *loop;
    struct tt_edge *edge;
    struct tt_jwt_keys *keys;
    struct recorded events[EVENTS_MAX];
    size_t event_count;
    bool answers_at_once; /* requests get the reply for GET /me, upgrades are accepted */
    int last_status;      /* as the log was told */
    char last_reason[64];
};

struct tt_reply me_reply(void);

void open_world(struct world *world, const struct tt_edge_options *wanted);

void close_world(struct world *world);

/* One turn of the loop, at once. */
void turn(struct world *world);

/* Turns until the edge's next deadline is over. */
void await_deadline(struct world *world);

/* The client's end of a new connection. */
int connect_to(struct world *world, enum tt_edge_door door);

void write_all(int fd, const void *bytes, size_t size);

/* Sends the text and returns, terminated, what came back in this turn. */
const char *talk(struct world *world, int fd, const char *text);

bool is_closed(int fd);

void expect_contains(const char *text, const char *part);

/* A token that ends in so many seconds. */
void token_of(const char *user, const char *device, int64_t seconds, char text[512]);

/* A request of alice with her token; `more` are further fields, or the blank line and a body. */
const char *request_text(const char *line, const char *more);

void send_frame(int fd, unsigned char opcode, const char *payload, size_t size);

void send_text(struct world *world, int fd, const char *text);

/* The next frame's payload, terminated; its first byte goes to *opcode. */
const char *next_frame(int fd, unsigned char *opcode);

/* A session of alice on her phone; the events so far are forgotten. */
int open_session(struct world *world);

void expect_closed_with(struct world *world, int fd, unsigned code);

void copy_text(char *to, size_t capacity, struct tt_slice text);

#endif
