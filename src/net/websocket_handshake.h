/*
 * websocket_handshake: how an HTTP request becomes a WebSocket (RFC 6455, section 4), both sides.
 *
 * Who may connect (path, Origin, token, subprotocol) is decided by the owner, before the 101.
 */
#ifndef TT_NET_WEBSOCKET_HANDSHAKE_H
#define TT_NET_WEBSOCKET_HANDSHAKE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "net/http1.h"
#include "net/http1_response.h"

#define TT_WEBSOCKET_NONCE_SIZE  16
#define TT_WEBSOCKET_KEY_SIZE    24
#define TT_WEBSOCKET_ACCEPT_SIZE 28

/* The status to answer an upgrade request with: 101 when all of section 4.2.1 is met; 405 (not a
 * GET), 426 (no upgrade asked for, or a version other than 13; the answer needs the fields of
 * tt_websocket_add_required_fields) or 400. `*problem` says what was wrong; NULL with 101. */
int tt_websocket_check(const struct tt_http1_request *request, const char **problem);

/* Upgrade and Sec-WebSocket-Version, for a 426. */
void tt_websocket_add_required_fields(struct tt_buffer *fields);

/* Writes the 101 for a request that passed tt_websocket_check. `protocol` is the subprotocol that
 * the owner selected from the client's list; empty for none. */
void tt_websocket_write_switch(const struct tt_http1_request *request, struct tt_slice protocol,
                               struct tt_buffer *output);

/* Whether the client's Sec-WebSocket-Protocol fields offer this very name. */
bool tt_websocket_offers(const struct tt_http1_request *request, struct tt_slice protocol);

/* The offered name that starts with `prefix`, without the prefix; empty if there is none. */
struct tt_slice tt_websocket_offer_after(const struct tt_http1_request *request,
                                         struct tt_slice prefix);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key; not terminated. */
void tt_websocket_accept(struct tt_slice key, char accept[TT_WEBSOCKET_ACCEPT_SIZE]);

/* A client's side: the key for a request, made of 16 random bytes; not terminated. */
void tt_websocket_key(const unsigned char nonce[TT_WEBSOCKET_NONCE_SIZE],
                      char key[TT_WEBSOCKET_KEY_SIZE]);

/* Writes the upgrade request. `fields` (by tt_http1_add_field) carry Authorization and the like. */
void tt_websocket_write_request(struct tt_slice host, struct tt_slice target, struct tt_slice key,
                                struct tt_slice fields, struct tt_buffer *output);

/* Whether the server's answer switches as the key asks for. */
bool tt_websocket_switched(const struct tt_http1_response *response, struct tt_slice key);

#endif
