#include "app/line.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "app/client.h"

int64_t tt_line_now(void)
{
    return (int64_t)(tt_clock_os_nanoseconds() / 1000000U);
}

bool tt_line_wait(const struct tt_line *line, short events, int64_t until)
{
    for (;;) {
        int64_t left = until - tt_line_now();
        struct pollfd poll_fd = {.fd = line->fd, .events = events};
        int ready = poll(&poll_fd, 1, left < 0 ? 0 : (int)left);
        if (ready >= 0 || errno != EINTR)
            return ready > 0;
    }
}

/* Whom the certificate has to name. */
static bool expect_name(SSL *ssl, const struct tt_endpoint *endpoint)
{
    char name[sizeof(endpoint->name)]; /* OpenSSL's macro takes no const */
    memcpy(name, endpoint->name, sizeof(name));
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
        return true;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static SSL *create_ssl(const struct tt_endpoint *endpoint, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    if (context != NULL && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_default_verify_paths(context) == 1) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        ssl = SSL_new(context);
    }
    SSL_CTX_free(context); /* ssl holds it */
    if (ssl != NULL && (!expect_name(ssl, endpoint) || SSL_set_fd(ssl, fd) != 1)) {
        SSL_free(ssl);
        ssl = NULL;
    }
    ERR_clear_error();
    return ssl;
}

/* After a call that returned `result`: whether to try it again. */
static bool wait_for_ssl(const struct tt_line *line, int result, int64_t until)
{
    int error = SSL_get_error(line->ssl, result);
    if (error == SSL_ERROR_WANT_READ)
        return tt_line_wait(line, POLLIN, until);
    return error == SSL_ERROR_WANT_WRITE && tt_line_wait(line, POLLOUT, until);
}

static bool shake(const struct tt_endpoint *endpoint, struct tt_line *line, char *sentence)
{
    int64_t until = tt_line_now() + TT_CLIENT_WAIT_MS;
    int result;
    line->ssl = create_ssl(endpoint, line->fd);
    if (line->ssl == NULL) {
        snprintf(sentence, TT_LINE_SENTENCE, "OpenSSL cannot be set up");
        return false;
    }
    do {
        ERR_clear_error();
        result = SSL_connect(line->ssl);
    } while (result != 1 && wait_for_ssl(line, result, until));
    if (result == 1)
        return true;
    long verified = SSL_get_verify_result(line->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (verified != X509_V_OK)
        reason = X509_verify_cert_error_string(verified);
    snprintf(sentence, TT_LINE_SENTENCE,
             "no TLS with https://%.200s: %.150s (SSL_CERT_FILE=FILE trusts one more authority)",
             endpoint->host, reason == NULL ? "it speaks something else" : reason);
    ERR_clear_error();
    return false;
}

/* The port is chosen by connect, which knows that only the pair of addresses must be unique. */
static bool come_from(int fd, const struct tt_address *from)
{
    int on = 1;
    if (from->any.sa_family == 0)
        return true;
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
           bind(fd, &from->any, tt_address_size(from)) == 0;
}

bool tt_line_open(const struct tt_endpoint *endpoint, struct tt_line *line,
                  char sentence[TT_LINE_SENTENCE])
{
    int on = 1;
    int fd = socket(endpoint->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !come_from(fd, &endpoint->from) ||
        connect(fd, &endpoint->address.any, tt_address_size(&endpoint->address)) != 0) {
        snprintf(sentence, TT_LINE_SENTENCE,
                 "cannot reach http%s://%.300s: %s; is the server "
                 "running?",
                 endpoint->tls ? "s" : "", endpoint->host, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *line = (struct tt_line){.fd = fd};
    if (!endpoint->tls)
        return true;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
        shake(endpoint, line, sentence))
        return true;
    tt_line_close(line);
    return false;
}

void tt_line_close(struct tt_line *line)
{
    if (line->ssl != NULL && SSL_is_init_finished(line->ssl))
        (void)SSL_shutdown(line->ssl);
    ERR_clear_error();
    SSL_free(line->ssl);
    close(line->fd);
    *line = (struct tt_line){.fd = -1};
}

/* -1 with EAGAIN: not now. */
static ssize_t send_some(struct tt_line *line, struct tt_slice bytes)
{
    size_t done = 0;
    if (line->ssl == NULL)
        return send(line->fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    ERR_clear_error();
    int result = SSL_write_ex(line->ssl, bytes.data, bytes.size, &done);
    if (result == 1)
        return (ssize_t)done;
    errno = SSL_get_error(line->ssl, result) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
    return -1;
}

bool tt_line_send(struct tt_line *line, struct tt_slice bytes)
{
    int64_t until = tt_line_now() + TT_CLIENT_WAIT_MS;
    while (bytes.size > 0) {
        ssize_t sent = send_some(line, bytes);
        if (sent > 0)
            bytes = tt_slice_from(bytes, (size_t)sent);
        else if (errno == EAGAIN) {
            if (!tt_line_wait(line, POLLOUT, until))
                return false;
        } else if (errno != EINTR)
            return false;
    }
    return true;
}

ssize_t tt_line_receive(struct tt_line *line, char *bytes, size_t size)
{
    size_t done = 0;
    if (line->ssl == NULL)
        return recv(line->fd, bytes, size, MSG_DONTWAIT);
    ERR_clear_error();
    int result = SSL_read_ex(line->ssl, bytes, size, &done);
    if (result == 1)
        return (ssize_t)done;
    int error = SSL_get_error(line->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = error == SSL_ERROR_WANT_READ ? EAGAIN : EPIPE;
    return -1;
}

bool tt_line_has_more(const struct tt_line *line)
{
    return line->ssl != NULL && SSL_has_pending(line->ssl) == 1;
}
