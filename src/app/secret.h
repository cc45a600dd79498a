/*
 * secret: the data folder and the key in it that signs this server's tokens.
 *
 * DIR/secret is a line of text, made at the first start with mode 0600; the line without its end
 * is the HS256 key, so that another program which may read the file can sign tokens too. Lines
 * after it are the keys of before: tokens that they signed are still good.
 */
#ifndef TT_APP_SECRET_H
#define TT_APP_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

#define TT_SECRET_SIZE_MAX 512
#define TT_SECRET_SIZE_MIN 32 /* RFC 7518, section 3.2 */
#define TT_SECRET_SENTENCE 512

struct tt_secret {
    char bytes[TT_SECRET_SIZE_MAX];
    size_t size;  /* of the first line */
    size_t whole; /* of all lines */
};

static inline struct tt_slice tt_secret_slice(const struct tt_secret *secret)
{
    return tt_slice(secret->bytes, secret->size);
}

/* The line after `*at`, which starts at 0 for the first of the older ones; false at the end. */
bool tt_secret_next_older(const struct tt_secret *secret, size_t *at, struct tt_slice *line);

/* Makes the data folder (0700) if it is not there; one that holds other things is refused. False:
 * `sentence` says what to do. */
bool tt_secret_make_folder(const char *dir, char sentence[TT_SECRET_SENTENCE]);

/* The same, but makes none: one that is not there yet is good. */
bool tt_secret_look_at_folder(const char *dir, char sentence[TT_SECRET_SENTENCE]);

/* Reads the secret. False: `sentence`; a secret that is not there, is too short, or may be read by
 * group or others is refused. */
bool tt_secret_read(const char *dir, struct tt_secret *secret, char sentence[TT_SECRET_SENTENCE]);

/* The same, but makes one where there is none. */
bool tt_secret_read_or_make(const char *dir, struct tt_secret *secret,
                            char sentence[TT_SECRET_SENTENCE]);

/* The same, but one that is not there yet has size 0. */
bool tt_secret_look(const char *dir, struct tt_secret *secret, char sentence[TT_SECRET_SENTENCE]);

#endif
