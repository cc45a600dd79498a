#include "net/websocket_handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#define GUID      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define GUID_SIZE (sizeof(GUID) - 1)

static const char protocol_field[] = "sec-websocket-protocol";

static bool any_has_token(const struct tt_http1_request *request, const char *name,
                          const char *token)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (tt_http1_is(request->fields[i].name, name) &&
            tt_http1_has_token(request->fields[i].value, token))
            return true;
    return false;
}

/* 16 bytes in base64: 22 digits and "==". */
static bool is_key(struct tt_slice key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (key.size != TT_WEBSOCKET_KEY_SIZE || key.data[22] != '=' || key.data[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++)
        if (memchr(digits, key.data[i], sizeof(digits) - 1) == NULL)
            return false;
    return true;
}

int tt_websocket_check(const struct tt_http1_request *request, const char **problem)
{
    struct tt_slice version = tt_http1_header(request, "sec-websocket-version");
    *problem = NULL;
    if (request->method != TT_HTTP1_GET) {
        *problem = "a WebSocket is opened by GET";
        return 405;
    }
    if (!any_has_token(request, "upgrade", "websocket")) {
        *problem = "this is a WebSocket; ask for it by Upgrade: websocket";
        return 426;
    }
    if (tt_http1_header_count(request, "sec-websocket-version") != 1 ||
        !tt_slice_eq(version, TT_SLICE_LITERAL("13"))) {
        *problem = "only Sec-WebSocket-Version: 13 is spoken here";
        return 426;
    }
    if (request->minor == 0)
        *problem = "a WebSocket is opened over HTTP/1.1";
    else if (!any_has_token(request, "connection", "upgrade"))
        *problem = "Connection: Upgrade is missing";
    else if (tt_http1_header_count(request, "sec-websocket-key") != 1 ||
             !is_key(tt_http1_header(request, "sec-websocket-key")))
        *problem = "Sec-WebSocket-Key must stand there once, with 16 bytes in base64";
    else if (request->body.size > 0)
        *problem = "a WebSocket is opened without a body";
    return *problem == NULL ? 101 : 400;
}

void tt_websocket_add_required_fields(struct tt_buffer *fields)
{
    tt_buffer_add_text(fields, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
}

void tt_websocket_write_switch(const struct tt_http1_request *request, struct tt_slice protocol,
                               struct tt_buffer *output)
{
    char accept[TT_WEBSOCKET_ACCEPT_SIZE];
    tt_websocket_accept(tt_http1_header(request, "sec-websocket-key"), accept);
    tt_buffer_add_text(output, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\n");
    tt_http1_add_field(output, "Sec-WebSocket-Accept", tt_slice(accept, sizeof(accept)));
    if (protocol.size > 0)
        tt_http1_add_field(output, "Sec-WebSocket-Protocol", protocol);
    tt_buffer_add_text(output, "\r\n");
}

bool tt_websocket_offers(const struct tt_http1_request *request, struct tt_slice protocol)
{
    struct tt_slice element;
    for (size_t i = 0; i < request->field_count; i++) {
        struct tt_slice list = request->fields[i].value;
        if (!tt_http1_is(request->fields[i].name, protocol_field))
            continue;
        while (tt_http1_next_element(&list, &element))
            if (tt_slice_eq(element, protocol))
                return true;
    }
    return false;
}

struct tt_slice tt_websocket_offer_after(const struct tt_http1_request *request,
                                         struct tt_slice prefix)
{
    struct tt_slice element;
    for (size_t i = 0; i < request->field_count; i++) {
        struct tt_slice list = request->fields[i].value;
        if (!tt_http1_is(request->fields[i].name, protocol_field))
            continue;
        while (tt_http1_next_element(&list, &element))
            if (element.size > prefix.size &&
                tt_slice_eq(tt_slice(element.data, prefix.size), prefix))
                return tt_slice_from(element, prefix.size);
    }
    return TT_SLICE_EMPTY;
}

static void encode(const unsigned char *bytes, size_t size, char *text, size_t text_size)
{
    unsigned char padded[TT_WEBSOCKET_ACCEPT_SIZE + 1];
    int written = EVP_EncodeBlock(padded, bytes, (int)size);
    TT_ASSERT(written >= 0 && (size_t)written == text_size);
    memcpy(text, padded, text_size);
}

void tt_websocket_accept(struct tt_slice key, char accept[TT_WEBSOCKET_ACCEPT_SIZE])
{
    unsigned char text[TT_WEBSOCKET_KEY_SIZE + GUID_SIZE];
    unsigned char digest[SHA_DIGEST_LENGTH];
    TT_ASSERT(key.size == TT_WEBSOCKET_KEY_SIZE);
    memcpy(text, key.data, key.size);
    memcpy(text + key.size, GUID, GUID_SIZE);
    SHA1(text, sizeof(text), digest);
    encode(digest, sizeof(digest), accept, TT_WEBSOCKET_ACCEPT_SIZE);
}

void tt_websocket_key(const unsigned char nonce[TT_WEBSOCKET_NONCE_SIZE],
                      char key[TT_WEBSOCKET_KEY_SIZE])
{
    encode(nonce, TT_WEBSOCKET_NONCE_SIZE, key, TT_WEBSOCKET_KEY_SIZE);
}

void tt_websocket_write_request(struct tt_slice host, struct tt_slice target, struct tt_slice key,
                                struct tt_slice fields, struct tt_buffer *output)
{
    struct tt_buffer all = {0};
    tt_buffer_add_text(&all, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Version: 13\r\n");
    tt_http1_add_field(&all, "Sec-WebSocket-Key", key);
    tt_buffer_add(&all, fields);
    tt_http1_write_request("GET", host, target, tt_buffer_slice(&all), TT_SLICE_EMPTY, output);
    tt_buffer_deinit(&all);
}

bool tt_websocket_switched(const struct tt_http1_response *response, struct tt_slice key)
{
    char accept[TT_WEBSOCKET_ACCEPT_SIZE];
    tt_websocket_accept(key, accept);
    return response->status == 101 &&
           tt_http1_is(tt_http1_response_header(response, "upgrade"), "websocket") &&
           tt_http1_has_token(tt_http1_response_header(response, "connection"), "upgrade") &&
           tt_slice_eq(tt_http1_response_header(response, "sec-websocket-accept"),
                       tt_slice(accept, sizeof(accept)));
}
