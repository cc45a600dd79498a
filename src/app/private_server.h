/*
 * private_server: a server of one's own in a folder of its own, for drills and measurements. It
 * can be killed as by a power cut and started again on the same folder; the folder goes away with
 * it.
 */
#ifndef TT_APP_PRIVATE_SERVER_H
#define TT_APP_PRIVATE_SERVER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "app/endpoint.h"

#define TT_PRIVATE_SERVER_ARGS_MAX 16

struct tt_private_server {
    char data[PATH_MAX];
    pid_t pid; /* 0: it does not run */
    struct tt_endpoint endpoint;
    const char *const *extra; /* more arguments for serve, ended by NULL */
};

/* False: a sentence was printed to stderr. `extra` is borrowed; may be NULL. */
bool tt_private_server_open(struct tt_private_server *server, const char *const *extra);

/* kill -9, and start on the same folder. The endpoint changes. */
bool tt_private_server_crash(struct tt_private_server *server);

/* SIGTERM; false if it did not exit with 0. Removes the folder. */
bool tt_private_server_close(struct tt_private_server *server);

#endif
