/*
 * jwks_source: a JWKS that another server publishes, fetched again and again on a thread and loop
 * of its own, so that whoever signs tokens can rotate his keys without telling us.
 *
 * What was fetched last is kept in DIR/jwks.kept, after a line with its URL, and stays good while
 * the fetch fails: a restart while the other server is away believes the same keys as before. A
 * token with a key that is not known leads to an early fetch, but not sooner than RETRY after the
 * one before.
 */
#ifndef TT_APP_JWKS_SOURCE_H
#define TT_APP_JWKS_SOURCE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/log.h"

#define TT_JWKS_SENTENCE 512

struct tt_jwks_source_options {
    const char *url;     /* https://, or http:// to a loopback address */
    const char *ca_file; /* more certificate authorities, or NULL */
    const char *dir;     /* the data folder */
    uint64_t refresh_ms;
    const struct tt_log *log;
    void *context;

    /* A JWKS came (also the kept one, from within the start). False: it is of no use, and
     * `*problem` says why; then the one before stays. */
    bool (*take)(void *context, struct tt_slice json, const char **problem);

    /* Whether a token came whose key is not known, since the last time this was asked. */
    bool (*misses)(void *context);
};

struct tt_jwks_source;

bool tt_jwks_is_url(const char *text);

/* Whether it could be started, by its URL and its authorities; fetches nothing. False: likewise. */
bool tt_jwks_source_check(const struct tt_jwks_source_options *options,
                          char sentence[TT_JWKS_SENTENCE]);

/* Starts the thread. NULL: `sentence` says what to do. */
struct tt_jwks_source *tt_jwks_source_start(const struct tt_jwks_source_options *options,
                                            char sentence[TT_JWKS_SENTENCE]);
void tt_jwks_source_stop(struct tt_jwks_source **take_source);

#endif
