#include "net/tls_server.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/memory.h"

/* OpenSSL's own scale: RSA of 2048 bits and up, no SHA-1. */
#define SECURITY_LEVEL 2
#define CIPHERS_1_2    "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS         "X25519:P-256:P-384"

struct tt_tls_server {
    char *cert_file;
    char *key_file;
    pthread_mutex_t lock; /* guards the rest */
    SSL_CTX *context;
    int64_t expires;
};

static const unsigned char http1[] = "\x08http/1.1";

/* Who asks for other protocols only is told so, RFC 7301 section 3.2. */
static int choose_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
                       const unsigned char *offered, unsigned offered_size, void *context)
{
    (void)ssl;
    (void)context;
    for (unsigned at = 0; at < offered_size; at += offered[at] + 1U) {
        if (offered_size - at >= sizeof(http1) - 1 &&
            memcmp(offered + at, http1, sizeof(http1) - 1) == 0) {
            *chosen = offered + at + 1;
            *chosen_size = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A server starts without anybody near who could type a passphrase. */
static int no_passphrase(char *text, int size, int writing, void *asked)
{
    (void)text;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static SSL_CTX *create_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    char groups[] = GROUPS; /* OpenSSL's macro casts const away */
    if (context == NULL)
        return NULL;
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1 &&
        SSL_CTX_set1_groups_list(context, groups) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static const char *last_error(void)
{
    unsigned long error = ERR_peek_last_error();
    const char *text = error == 0 ? NULL : ERR_reason_error_string(error);
    return text == NULL ? "unknown" : text;
}

static bool can_read(const char *path, const char *what, char *sentence)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) {
        close(fd);
        return true;
    }
    snprintf(sentence, TT_TLS_SENTENCE_SIZE, "cannot read the %s %.250s: %s", what, path,
             strerror(errno));
    return false;
}

static bool load_chain(SSL_CTX *context, const char *path, char *sentence)
{
    if (!can_read(path, "certificate", sentence))
        return false;
    if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
        return true;
    snprintf(sentence, TT_TLS_SENTENCE_SIZE,
             "%.250s holds no certificate that can be used (%.80s); it must be PEM, the server's "
             "own certificate first, with a key of at least 2048 bits (RSA) or 224 (EC)",
             path, last_error());
    return false;
}

/* A group may read it: that is how certificates are shared out on Debian (ssl-cert). */
static bool is_kept_private(const char *path, char *sentence)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & S_IRWXO) == 0)
        return true;
    snprintf(sentence, TT_TLS_SENTENCE_SIZE,
             "everybody on this machine may read the key %.250s; run `chmod o-rwx` on it (and, if "
             "somebody may have read it, get a new certificate)",
             path);
    return false;
}

static bool load_key(SSL_CTX *context, const char *path, char *sentence)
{
    bool asked = false;
    if (!can_read(path, "key", sentence) || !is_kept_private(path, sentence))
        return false;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
    int loaded = SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    SSL_CTX_set_default_passwd_cb(context, NULL);
    if (loaded == 1)
        return true;
    unsigned long error = ERR_peek_last_error();
    if (asked)
        snprintf(sentence, TT_TLS_SENTENCE_SIZE,
                 "the key %.250s has a passphrase; give one without: openssl pkey -in FILE -out "
                 "PLAIN",
                 path);
    else if (ERR_GET_LIB(error) == ERR_LIB_X509)
        snprintf(sentence, TT_TLS_SENTENCE_SIZE,
                 "the key %.250s is not the one of the certificate; give the pair that belongs "
                 "together",
                 path);
    else
        snprintf(sentence, TT_TLS_SENTENCE_SIZE, "%.250s holds no key in PEM form (%.80s)", path,
                 last_error());
    return false;
}

static int64_t end_of(const SSL_CTX *context)
{
    struct tm parts;
    const X509 *own = SSL_CTX_get0_certificate(context);
    if (own == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(own), &parts) != 1)
        return 0;
    return (int64_t)timegm(&parts);
}

static SSL_CTX *load(const struct tt_tls_server *server, char *sentence)
{
    ERR_clear_error();
    SSL_CTX *context = create_context();
    if (context == NULL) {
        snprintf(sentence, TT_TLS_SENTENCE_SIZE, "OpenSSL cannot be set up: %.80s", last_error());
    } else if (!load_chain(context, server->cert_file, sentence) ||
               !load_key(context, server->key_file, sentence)) {
        SSL_CTX_free(context);
        context = NULL;
    }
    ERR_clear_error();
    return context;
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(tt_alloc(size), text, size);
}

tt_err tt_tls_server_create(const char *cert_file, const char *key_file,
                            struct tt_tls_server **server, char sentence[TT_TLS_SENTENCE_SIZE])
{
    struct tt_tls_server *fresh = tt_alloc(sizeof(*fresh));
    fresh->cert_file = copy(cert_file);
    fresh->key_file = copy(key_file);
    int failed = pthread_mutex_init(&fresh->lock, NULL);
    TT_ASSERT(failed == 0);
    *server = fresh;
    tt_err err = tt_tls_server_reload(fresh, sentence);
    if (!tt_is_ok(err))
        tt_tls_server_destroy(server);
    return err;
}

void tt_tls_server_destroy(struct tt_tls_server **take_server)
{
    struct tt_tls_server *server = *take_server;
    *take_server = NULL;
    SSL_CTX_free(server->context);
    pthread_mutex_destroy(&server->lock);
    tt_free(server->cert_file);
    tt_free(server->key_file);
    tt_free(server);
}

tt_err tt_tls_server_reload(struct tt_tls_server *server, char sentence[TT_TLS_SENTENCE_SIZE])
{
    SSL_CTX *fresh = load(server, sentence);
    if (fresh == NULL)
        return TT_FAIL(INVALID);
    pthread_mutex_lock(&server->lock);
    SSL_CTX *old = server->context;
    server->context = fresh;
    server->expires = end_of(fresh);
    pthread_mutex_unlock(&server->lock);
    SSL_CTX_free(old); /* each connection holds it, too, until it ends */
    return TT_OK;
}

int64_t tt_tls_server_expires(struct tt_tls_server *server)
{
    pthread_mutex_lock(&server->lock);
    int64_t expires = server->expires;
    pthread_mutex_unlock(&server->lock);
    return expires;
}

struct ssl_st *tt_tls_server_accept(struct tt_tls_server *server)
{
    pthread_mutex_lock(&server->lock);
    SSL *ssl = SSL_new(server->context);
    pthread_mutex_unlock(&server->lock);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return ssl;
}
