/*
 * tls_server: with which certificate and on which terms this server speaks TLS (1.2 and up). One
 * for all loops of the process: a fresh certificate is there for all of them at once, and
 * connections that stand keep theirs.
 *
 * The terms: TLS 1.3, or 1.2 with an ephemeral key exchange and an authenticated cipher; no
 * renegotiation, no compression, no early data; ALPN http/1.1, or none asked for; sessions are
 * resumed by tickets, whose keys are as old as the certificate was loaded and are never stored.
 */
#ifndef TT_NET_TLS_SERVER_H
#define TT_NET_TLS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define TT_TLS_SENTENCE_SIZE 640

struct tt_tls_server;
struct ssl_st;

/* Loads a chain (PEM, the server's own certificate first) and its key (PEM, without a passphrase,
 * readable by nobody but its owner and group). Fails with INVALID; `sentence` says what is wrong
 * with which file, and what to do. */
TT_MUST_CHECK tt_err tt_tls_server_create(const char *cert_file, const char *key_file,
                                          struct tt_tls_server **server,
                                          char sentence[TT_TLS_SENTENCE_SIZE]);
void tt_tls_server_destroy(struct tt_tls_server **take_server);

/* From any thread: loads both files again. On failure what was loaded before stays. */
TT_MUST_CHECK tt_err tt_tls_server_reload(struct tt_tls_server *server,
                                          char sentence[TT_TLS_SENTENCE_SIZE]);

/* When the certificate ends, in seconds since 1970; 0: cannot be told. */
int64_t tt_tls_server_expires(struct tt_tls_server *server);

/* From any thread: the state of a new connection, without a BIO; freed by SSL_free. NULL: out of
 * memory. */
struct ssl_st *tt_tls_server_accept(struct tt_tls_server *server);

#endif
