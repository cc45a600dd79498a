/*
 * tls_stream: the server's side of one TLS connection, without any I/O: ciphertext goes in and
 * comes out, and plaintext likewise. Between two calls an idle stream holds what OpenSSL keeps of a
 * connection, and no buffer.
 *
 * All streams of a loop share one BIO, which is pointed at the bytes in hand for the length of a
 * call: a memory BIO per direction would cost each connection two kilobytes.
 */
#ifndef TT_NET_TLS_STREAM_H
#define TT_NET_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"

struct bio_method_st;
struct bio_st;
struct ssl_st;

/* What of the ciphertext given in comes out as plaintext: at most as much, and the rest of a record
 * whose beginning came before. */
#define TT_TLS_RECORD_MAX ((size_t)16 * 1024 + 512)

/* One per loop. */
struct tt_tls_io {
    struct bio_st *bio;
    struct bio_method_st *method;
    struct tt_slice in;
    struct tt_buffer *out;
};

void tt_tls_io_init(struct tt_tls_io *io);
void tt_tls_io_deinit(struct tt_tls_io *io);

enum tt_tls_state {
    TT_TLS_SHAKING, /* the handshake is under way */
    TT_TLS_OPEN,
    TT_TLS_ENDED,  /* the peer has said that it will send nothing more */
    TT_TLS_FAILED, /* what is in `out` (an alert) is the last that can be said */
};

/* Makes the stream use `io` from now on. */
void tt_tls_stream_begin(struct ssl_st *ssl, struct tt_tls_io *io);

/* Takes all of `cipher`; appends what it means to `plain`, and what is to be sent in return to
 * `out`. */
enum tt_tls_state tt_tls_stream_read(struct ssl_st *ssl, struct tt_tls_io *io,
                                     struct tt_slice cipher, struct tt_buffer *plain,
                                     struct tt_buffer *out);

/* Appends the records that carry `plain`, which is not empty, to `out`. False: failed. */
bool tt_tls_stream_write(struct ssl_st *ssl, struct tt_tls_io *io, struct tt_slice plain,
                         struct tt_buffer *out);

/* Appends the goodbye (close_notify), once. */
void tt_tls_stream_end(struct ssl_st *ssl, struct tt_tls_io *io, struct tt_buffer *out);

#endif
