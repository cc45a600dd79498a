/*
 * line: one connection of the program's own side of the wire, plain or over TLS, with a bound on
 * every wait. Over TLS the server's certificate has to be of the endpoint's name, and signed by one
 * of the system's authorities (or those of the file that SSL_CERT_FILE names).
 */
#ifndef TT_APP_LINE_H
#define TT_APP_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/endpoint.h"
#include "base/slice.h"

#define TT_LINE_SENTENCE 512

struct ssl_st;

struct tt_line {
    int fd;
    struct ssl_st *ssl; /* NULL: plain */
};

/* False: `sentence` says why. */
bool tt_line_open(const struct tt_endpoint *endpoint, struct tt_line *line,
                  char sentence[TT_LINE_SENTENCE]);
void tt_line_close(struct tt_line *line);

/* All of it, within TT_CLIENT_WAIT_MS of client.h. */
bool tt_line_send(struct tt_line *line, struct tt_slice bytes);

/* What is there now: 0 at the end; -1 with EAGAIN if nothing is, with another errno if the line
 * broke. */
ssize_t tt_line_receive(struct tt_line *line, char *bytes, size_t size);

/* Whether there is something to receive that the descriptor does not show. */
bool tt_line_has_more(const struct tt_line *line);

/* Until the descriptor is ready for these events of poll; false: not by then (monotonic ms). */
bool tt_line_wait(const struct tt_line *line, short events, int64_t until);

/* Now, in the same milliseconds. */
int64_t tt_line_now(void);

#endif
