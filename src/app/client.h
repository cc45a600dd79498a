/*
 * client: the program's own side of the wire, for its commands: requests over HTTP and one
 * WebSocket, blocking, with a bound on every wait.
 */
#ifndef TT_APP_CLIENT_H
#define TT_APP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/endpoint.h"
#include "base/buffer.h"

#define TT_CLIENT_WAIT_MS  10000
#define TT_CLIENT_BYTES    16384
#define TT_CLIENT_SENTENCE 512

struct tt_client_answer {
    int status;
    struct tt_buffer body;
};

/* One request on a connection of its own. `body` may be empty. The answer's body is the caller's.
 * False: nothing came back, and `sentence` says why. */
bool tt_client_request(const struct tt_endpoint *endpoint, const char *method, const char *target,
                       struct tt_slice token, struct tt_slice body, struct tt_client_answer *answer,
                       char sentence[TT_CLIENT_SENTENCE]);

struct tt_client;

/* Upgrades; `hello` is then the first frame to come. NULL: `sentence` says why. */
struct tt_client *tt_client_connect(const struct tt_endpoint *endpoint, struct tt_slice token,
                                    char sentence[TT_CLIENT_SENTENCE]);

/* Asks for the upgrade without waiting for the answer, which tt_client_receive reads before the
 * first frame. A refusal is then GONE. NULL: `sentence` says why.
 *
 * `bytes` is what is read into. Many clients of one thread may share it, if each is received from
 * until there is NOTHING before another is. */
struct tt_client *tt_client_begin(const struct tt_endpoint *endpoint, struct tt_slice token,
                                  char bytes[TT_CLIENT_BYTES], char sentence[TT_CLIENT_SENTENCE]);

/* Sends what is unsent, without a close frame, and closes: as a phone dies. Sets *client to NULL.
 */
void tt_client_destroy(struct tt_client **client);

/* Says goodbye with 1000 first. */
void tt_client_close(struct tt_client **client);

/* What is sent from now on is gathered, until tt_client_release sends it in one write. False: the
 * connection is gone. */
void tt_client_hold(struct tt_client *client);
bool tt_client_release(struct tt_client *client);

/* False: the connection is gone. */
bool tt_client_send(struct tt_client *client, struct tt_slice frame);

enum tt_client_outcome { TT_CLIENT_FRAME, TT_CLIENT_NOTHING, TT_CLIENT_GONE };

/* The next text frame, valid until the next call. NOTHING: none came within wait_ms. Answers pings
 * on the way. GONE: tt_client_close_code tells more. */
enum tt_client_outcome tt_client_receive(struct tt_client *client, int wait_ms,
                                         struct tt_slice *frame);

/* The code of the server's close frame, 1006 without one. */
uint16_t tt_client_close_code(const struct tt_client *client);

/* Pings of the server that were answered. */
uint64_t tt_client_pings(const struct tt_client *client);

/* To wait for input on it; a frame may be there already, so receive first. */
int tt_client_fd(const struct tt_client *client);

#endif
