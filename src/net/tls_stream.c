#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/assert.h"

/* A browser that was given http:// for https://. */
static const char plain_http[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 46\r\nConnection: close\r\n\r\n"
                                 "this port speaks TLS; write https:// or wss://";

static int bio_read(BIO *bio, char *bytes, size_t size, size_t *done)
{
    struct tt_tls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (io->in.size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *done = size < io->in.size ? size : io->in.size;
    memcpy(bytes, io->in.data, *done);
    io->in = tt_slice_from(io->in, *done);
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t size, size_t *done)
{
    struct tt_tls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    TT_ASSERT(io->out != NULL);
    tt_buffer_add(io->out, tt_slice(bytes, size));
    *done = size;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* A method of its own per loop, so that there is nothing global to take down. */
void tt_tls_io_init(struct tt_tls_io *io)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loop");
    TT_ASSERT(method != NULL);
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    *io = (struct tt_tls_io){.bio = BIO_new(method), .method = method};
    TT_ASSERT(io->bio != NULL);
    BIO_set_data(io->bio, io);
    BIO_set_init(io->bio, 1);
}

void tt_tls_io_deinit(struct tt_tls_io *io)
{
    BIO_free(io->bio);
    BIO_meth_free(io->method);
    *io = (struct tt_tls_io){.bio = NULL};
}

void tt_tls_stream_begin(SSL *ssl, struct tt_tls_io *io)
{
    BIO_up_ref(io->bio); /* one reference for both directions */
    SSL_set_bio(ssl, io->bio, io->bio);
}

static enum tt_tls_state fail(struct tt_tls_io *io)
{
    unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST) {
        io->out->size = 0; /* an alert would be noise to a browser */
        tt_buffer_add_text(io->out, plain_http);
    }
    ERR_clear_error();
    return TT_TLS_FAILED;
}

static enum tt_tls_state read_all(SSL *ssl, struct tt_tls_io *io, struct tt_buffer *plain)
{
    for (;;) {
        size_t done = 0;
        ERR_clear_error();
        int result =
            SSL_read_ex(ssl, tt_buffer_reserve(plain, TT_TLS_RECORD_MAX), TT_TLS_RECORD_MAX, &done);
        if (result == 1) {
            tt_buffer_grow_by(plain, done);
            continue;
        }
        switch (SSL_get_error(ssl, result)) {
        case SSL_ERROR_WANT_READ:
            return SSL_is_init_finished(ssl) ? TT_TLS_OPEN : TT_TLS_SHAKING;
        case SSL_ERROR_ZERO_RETURN:
            return TT_TLS_ENDED;
        default:
            return fail(io);
        }
    }
}

enum tt_tls_state tt_tls_stream_read(SSL *ssl, struct tt_tls_io *io, struct tt_slice cipher,
                                     struct tt_buffer *plain, struct tt_buffer *out)
{
    io->in = cipher;
    io->out = out;
    enum tt_tls_state state = read_all(ssl, io, plain);
    io->in = TT_SLICE_EMPTY;
    io->out = NULL;
    return state;
}

bool tt_tls_stream_write(SSL *ssl, struct tt_tls_io *io, struct tt_slice plain,
                         struct tt_buffer *out)
{
    size_t done = 0;
    io->out = out;
    ERR_clear_error();
    bool written = SSL_write_ex(ssl, plain.data, plain.size, &done) == 1 && done == plain.size;
    ERR_clear_error();
    io->out = NULL;
    return written;
}

void tt_tls_stream_end(SSL *ssl, struct tt_tls_io *io, struct tt_buffer *out)
{
    if (!SSL_is_init_finished(ssl))
        return;
    io->out = out;
    ERR_clear_error();
    (void)SSL_shutdown(ssl);
    ERR_clear_error();
    io->out = NULL;
}
