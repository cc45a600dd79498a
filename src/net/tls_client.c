#include "net/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <uv.h>

#include "base/memory.h"
#include "net/socket.h"

#define HOST_MAX      253
#define ADDRESSES_MAX 4
#define PLAIN_SIZE    16384 /* of one record */

struct tt_tls_trust {
    SSL_CTX *context;
};

/* Outlives a client that is destroyed while libuv's thread still looks. */
struct lookup {
    uv_getaddrinfo_t request;
    struct tt_tls_client *client; /* NULL: nobody waits any more */
};

struct tt_tls_client {
    uv_timer_t timer; /* first, so that it is the one that libuv frees */
    struct tt_loop *loop;
    const struct tt_tls_events *events;
    void *context;
    bool (*is_allowed)(const struct tt_address *address);
    struct lookup *lookup;
    struct tt_address addresses[ADDRESSES_MAX];
    size_t address_count;
    size_t address_next;
    struct tt_socket *socket;
    SSL *ssl;
    BIO *in; /* owned by ssl */
    BIO *out;
    char host[HOST_MAX + 1];
    uint16_t port;
    bool is_ready;
    bool has_ended;
    bool is_destroyed;
};

tt_err tt_tls_trust_create(const char *extra_file, struct tt_tls_trust **trust,
                           const char **problem)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    *problem = "OpenSSL cannot be set up";
    if (context == NULL)
        return TT_FAIL(INVALID);
    bool done = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_default_verify_paths(context) == 1;
    if (done && extra_file != NULL) {
        *problem = "the file of certificate authorities cannot be read as PEM";
        done = SSL_CTX_load_verify_file(context, extra_file) == 1;
    }
    ERR_clear_error();
    if (!done) {
        SSL_CTX_free(context);
        return TT_FAIL(INVALID);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    *trust = tt_alloc(sizeof(**trust));
    (*trust)->context = context;
    return TT_OK;
}

void tt_tls_trust_destroy(struct tt_tls_trust **take_trust)
{
    if (*take_trust == NULL)
        return;
    SSL_CTX_free((*take_trust)->context);
    tt_free(*take_trust);
    *take_trust = NULL;
}

static void end(struct tt_tls_client *client, enum tt_tls_end how, const char *reason)
{
    if (client->has_ended || client->is_destroyed)
        return;
    client->has_ended = true;
    uv_timer_stop(&client->timer);
    if (client->socket != NULL)
        tt_socket_destroy(&client->socket);
    client->events->ended(client->context, how, reason);
}

static bool is_over(const struct tt_tls_client *client)
{
    return client->has_ended || client->is_destroyed;
}

/* What TLS wants to send. */
static void flush(struct tt_tls_client *client)
{
    char *bytes;
    long size = BIO_get_mem_data(client->out, &bytes);
    if (size > 0 && client->socket != NULL)
        tt_buffer_add(tt_socket_output(client->socket), tt_slice(bytes, (size_t)size));
    (void)BIO_reset(client->out);
}

static void end_by_tls(struct tt_tls_client *client)
{
    long verified = SSL_get_verify_result(client->ssl);
    unsigned long error = ERR_peek_last_error();
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
    ERR_clear_error();
    flush(client);
    if (verified != X509_V_OK)
        reason = X509_verify_cert_error_string(verified);
    end(client, TT_TLS_UNTRUSTED, reason == NULL ? "TLS failed" : reason);
}

static void become_ready(struct tt_tls_client *client)
{
    client->is_ready = true;
    uv_timer_stop(&client->timer);
    client->events->ready(client->context);
}

static void handshake(struct tt_tls_client *client)
{
    ERR_clear_error();
    int result = SSL_do_handshake(client->ssl);
    flush(client);
    if (result == 1)
        become_ready(client);
    else if (SSL_get_error(client->ssl, result) != SSL_ERROR_WANT_READ)
        end_by_tls(client);
}

static void read_all(struct tt_tls_client *client)
{
    char plain[PLAIN_SIZE];
    while (!is_over(client)) {
        ERR_clear_error();
        int size = SSL_read(client->ssl, plain, sizeof(plain));
        if (size <= 0) {
            int error = SSL_get_error(client->ssl, size);
            flush(client);
            if (error == SSL_ERROR_ZERO_RETURN)
                end(client, TT_TLS_CLOSED, "the peer closed the connection");
            else if (error != SSL_ERROR_WANT_READ)
                end_by_tls(client);
            return;
        }
        struct tt_input input = {plain, (size_t)size};
        client->events->read(client->context, &input);
    }
}

static void on_read(void *context, struct tt_input *input)
{
    struct tt_tls_client *client = context;
    if (client->ssl == NULL) {
        client->events->read(client->context, input);
        return;
    }
    TT_ASSERT(BIO_write(client->in, input->data, (int)input->size) == (int)input->size);
    if (!client->is_ready)
        handshake(client);
    if (client->is_ready)
        read_all(client);
    if (!is_over(client))
        flush(client);
}

static void on_connected(void *context)
{
    struct tt_tls_client *client = context;
    if (client->ssl == NULL)
        become_ready(client);
    else
        handshake(client);
}

static void connect_next(struct tt_tls_client *client);

static void on_ended(void *context, enum tt_socket_end how)
{
    struct tt_tls_client *client = context;
    tt_socket_destroy(&client->socket);
    bool has_spoken = client->is_ready || (client->ssl != NULL && SSL_in_before(client->ssl) == 0);
    if (!has_spoken && how == TT_SOCKET_FAILED)
        connect_next(client);
    else
        end(client, how == TT_SOCKET_PEER_CLOSED ? TT_TLS_CLOSED : TT_TLS_UNREACHABLE,
            "the connection broke");
}

static const struct tt_socket_events socket_events = {
    .read = on_read, .ended = on_ended, .connected = on_connected};

static void connect_next(struct tt_tls_client *client)
{
    while (client->address_next < client->address_count) {
        const struct tt_address *address = &client->addresses[client->address_next++];
        if (tt_is_ok(
                tt_socket_connect(client->loop, address, &socket_events, client, &client->socket)))
            return;
    }
    end(client, TT_TLS_UNREACHABLE, "nobody answers at this address");
}

static void keep_addresses(struct tt_tls_client *client, const struct addrinfo *found)
{
    for (; found != NULL && client->address_count < ADDRESSES_MAX; found = found->ai_next) {
        struct tt_address *address = &client->addresses[client->address_count];
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        *address = (struct tt_address){0};
        memcpy(&address->any, found->ai_addr,
               found->ai_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4));
        if (found->ai_family == AF_INET6)
            address->v6.sin6_port = htons(client->port);
        else
            address->v4.sin_port = htons(client->port);
        if (client->is_allowed == NULL || client->is_allowed(address))
            client->address_count++;
    }
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = (struct lookup *)request;
    struct tt_tls_client *client = lookup->client;
    tt_free(lookup);
    if (client != NULL) {
        client->lookup = NULL;
        keep_addresses(client, status == 0 ? found : NULL);
        if (client->address_count > 0)
            connect_next(client);
        else if (status == 0 && found != NULL)
            end(client, TT_TLS_FORBIDDEN, "this host has no address on the public internet");
        else
            end(client, TT_TLS_UNREACHABLE, "this host name cannot be resolved");
    }
    if (found != NULL)
        uv_freeaddrinfo(found);
}

static void on_too_late(uv_timer_t *timer)
{
    struct tt_tls_client *client = (struct tt_tls_client *)timer;
    end(client, TT_TLS_TOO_LATE,
        client->is_ready ? "no answer in time" : "connecting took too long");
}

static void on_no_lookup(uv_timer_t *timer)
{
    end((struct tt_tls_client *)timer, TT_TLS_UNREACHABLE, "this host name cannot be looked up");
}

static void set_alpn(SSL *ssl, const char *alpn)
{
    unsigned char list[16];
    size_t size = strlen(alpn);
    TT_ASSERT(size < sizeof(list));
    list[0] = (unsigned char)size;
    memcpy(list + 1, alpn, size);
    TT_ASSERT(SSL_set_alpn_protos(ssl, list, (unsigned)size + 1) == 0);
}

static void create_ssl(struct tt_tls_client *client, const struct tt_tls_options *options)
{
    struct tt_address literal;
    client->ssl = SSL_new(options->trust->context);
    client->in = BIO_new(BIO_s_mem());
    client->out = BIO_new(BIO_s_mem());
    TT_ASSERT(client->ssl != NULL && client->in != NULL && client->out != NULL);
    SSL_set_bio(client->ssl, client->in, client->out);
    SSL_set_connect_state(client->ssl);
    if (options->alpn != NULL)
        set_alpn(client->ssl, options->alpn);
    bool is_literal = uv_inet_pton(AF_INET, client->host, &literal) == 0 ||
                      uv_inet_pton(AF_INET6, client->host, &literal) == 0;
    X509_VERIFY_PARAM *param = SSL_get0_param(client->ssl);
    if (is_literal) {
        TT_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(param, client->host) == 1);
        return;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    TT_ASSERT(X509_VERIFY_PARAM_set1_host(param, client->host, 0) == 1);
    TT_ASSERT(SSL_set_tlsext_host_name(client->ssl, client->host) == 1);
}

static void look_up(struct tt_tls_client *client)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = tt_alloc(sizeof(*lookup));
    lookup->client = client;
    if (uv_getaddrinfo(tt_loop_uv(client->loop), &lookup->request, on_looked_up, client->host, NULL,
                       &hints) != 0) {
        tt_free(lookup);
        uv_timer_start(&client->timer, on_no_lookup, 0, 0);
        return;
    }
    client->lookup = lookup;
}

struct tt_tls_client *tt_tls_client_create(struct tt_loop *loop,
                                           const struct tt_tls_options *options,
                                           const struct tt_tls_events *events, void *context)
{
    struct tt_tls_client *client = tt_alloc(sizeof(*client));
    client->loop = loop;
    client->events = events;
    client->context = context;
    client->is_allowed = options->is_allowed;
    client->port = options->port;
    TT_ASSERT(options->host.size <= HOST_MAX);
    memcpy(client->host, options->host.data, options->host.size);
    int result = uv_timer_init(tt_loop_uv(loop), &client->timer);
    TT_ASSERT(result == 0);
    uv_timer_start(&client->timer, on_too_late, options->connect_ms, 0);
    if (options->trust != NULL)
        create_ssl(client, options);
    look_up(client);
    return client;
}

void tt_tls_client_write(struct tt_tls_client *client, struct tt_slice bytes)
{
    TT_ASSERT(client->is_ready);
    if (is_over(client) || bytes.size == 0)
        return;
    if (client->ssl == NULL) {
        tt_buffer_add(tt_socket_output(client->socket), bytes);
        return;
    }
    size_t written;
    ERR_clear_error();
    int result = SSL_write_ex(client->ssl, bytes.data, bytes.size, &written);
    TT_ASSERT(result == 1 || SSL_get_error(client->ssl, result) != SSL_ERROR_WANT_WRITE);
    flush(client);
}

size_t tt_tls_client_buffered(const struct tt_tls_client *client)
{
    return client->socket == NULL ? 0 : tt_socket_buffered(client->socket);
}

void tt_tls_client_set_deadline(struct tt_tls_client *client, tt_mono at)
{
    if (is_over(client) || !client->is_ready)
        return;
    uint64_t now = tt_loop_now(client->loop).ms;
    if (at.ms == 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_too_late, at.ms > now ? at.ms - now : 0, 0);
}

bool tt_tls_client_has_alpn(const struct tt_tls_client *client)
{
    const unsigned char *protocol;
    unsigned size = 0;
    if (client->ssl != NULL)
        SSL_get0_alpn_selected(client->ssl, &protocol, &size);
    return size > 0;
}

static void on_freed(uv_handle_t *handle)
{
    struct tt_tls_client *client = (struct tt_tls_client *)handle;
    SSL_free(client->ssl);
    tt_free(client);
}

void tt_tls_client_destroy(struct tt_tls_client **take_client)
{
    struct tt_tls_client *client = *take_client;
    *take_client = NULL;
    TT_ASSERT(!client->is_destroyed);
    if (client->lookup != NULL) {
        client->lookup->client = NULL;
        (void)uv_cancel((uv_req_t *)&client->lookup->request);
    }
    if (client->socket != NULL && client->is_ready) {
        if (client->ssl != NULL) {
            (void)SSL_shutdown(client->ssl);
            flush(client);
        }
        tt_socket_finish(&client->socket);
    }
    client->is_destroyed = true;
    if (client->socket != NULL)
        tt_socket_destroy(&client->socket);
    uv_close((uv_handle_t *)&client->timer, on_freed);
}
