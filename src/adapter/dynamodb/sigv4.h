/*
 * sigv4: AWS Signature Version 4 for requests whose headers the caller chose himself. Pure: the
 * time comes in, bytes go out.
 *
 * The signing key depends on the secret, the day, the region and the service only, so a signer
 * keeps it: making it anew costs four times as much as all the rest.
 */
#ifndef TT_ADAPTER_DYNAMODB_SIGV4_H
#define TT_ADAPTER_DYNAMODB_SIGV4_H

#include "base/buffer.h"
#include "base/time.h"

#define TT_SIGV4_TIME_SIZE 16 /* 20150830T123600Z */
#define TT_SIGV4_KEY_SIZE  32

struct tt_sigv4_signer {
    struct tt_slice region; /* borrowed, as is the service */
    struct tt_slice service;
    char day[8]; /* that the key is for; 0: there is none yet */
    unsigned char key[TT_SIGV4_KEY_SIZE];
};

struct tt_sigv4_header {
    struct tt_slice name; /* in lower case */
    struct tt_slice value;
};

struct tt_sigv4_request {
    const char *method;
    struct tt_slice path;  /* canonical: encoded as S3 does not want it and all others do */
    struct tt_slice query; /* canonical: sorted and encoded; empty for none */
    const struct tt_sigv4_header *headers; /* all that are signed, sorted by name */
    size_t header_count;
    struct tt_slice body;
};

/* After the secret has changed the key must be made anew. */
void tt_sigv4_forget_key(struct tt_sigv4_signer *signer);

/* The value of X-Amz-Date. */
void tt_sigv4_format_time(tt_time time, char text[TT_SIGV4_TIME_SIZE]);

/* Appends the value of the Authorization header. */
void tt_sigv4_sign(struct tt_sigv4_signer *signer, struct tt_slice access_key,
                   struct tt_slice secret, const struct tt_sigv4_request *request,
                   const char time[TT_SIGV4_TIME_SIZE], struct tt_buffer *out);

#endif
