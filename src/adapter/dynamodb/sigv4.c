#include "adapter/dynamodb/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#define DAY_SIZE 8
#define HEX_SIZE 64

static void to_hex(const unsigned char *bytes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HEX_SIZE / 2; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static void add_digest(struct tt_buffer *out, struct tt_slice bytes)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(bytes.size == 0 ? "" : bytes.data), bytes.size, digest);
    to_hex(digest, tt_buffer_reserve(out, HEX_SIZE));
    tt_buffer_grow_by(out, HEX_SIZE);
}

static void hmac(const unsigned char *key, size_t key_size, struct tt_slice text,
                 unsigned char out[TT_SIGV4_KEY_SIZE])
{
    unsigned int size = TT_SIGV4_KEY_SIZE;
    const unsigned char *done = HMAC(EVP_sha256(), key, (int)key_size,
                                     (const unsigned char *)text.data, text.size, out, &size);
    TT_ASSERT(done != NULL && size == TT_SIGV4_KEY_SIZE);
}

static void make_key(struct tt_sigv4_signer *signer, struct tt_slice secret, const char *day)
{
    struct tt_buffer first = {0};
    tt_buffer_add_text(&first, "AWS4");
    tt_buffer_add(&first, secret);
    unsigned char *key = signer->key;
    hmac((const unsigned char *)first.data, first.size, tt_slice(day, DAY_SIZE), key);
    OPENSSL_cleanse(first.data, first.size);
    tt_buffer_deinit(&first);
    hmac(key, TT_SIGV4_KEY_SIZE, signer->region, key);
    hmac(key, TT_SIGV4_KEY_SIZE, signer->service, key);
    hmac(key, TT_SIGV4_KEY_SIZE, TT_SLICE_LITERAL("aws4_request"), key);
    memcpy(signer->day, day, DAY_SIZE);
}

void tt_sigv4_forget_key(struct tt_sigv4_signer *signer)
{
    OPENSSL_cleanse(signer->key, sizeof(signer->key));
    memset(signer->day, 0, sizeof(signer->day));
}

void tt_sigv4_format_time(tt_time time, char text[TT_SIGV4_TIME_SIZE])
{
    char full[TT_TIME_TEXT_SIZE]; /* 2015-08-30T12:36:00.000Z */
    tt_time_format(time, full);
    memcpy(text, full, 4);
    memcpy(text + 4, full + 5, 2);
    memcpy(text + 6, full + 8, 3);
    memcpy(text + 9, full + 11, 2);
    memcpy(text + 11, full + 14, 2);
    memcpy(text + 13, full + 17, 2);
    text[15] = 'Z';
}

static void add_signed_names(struct tt_buffer *out, const struct tt_sigv4_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (i > 0)
            tt_buffer_add_byte(out, ';');
        tt_buffer_add(out, request->headers[i].name);
    }
}

static void add_scope(struct tt_buffer *out, const struct tt_sigv4_signer *signer)
{
    tt_buffer_add(out, tt_slice(signer->day, DAY_SIZE));
    tt_buffer_add_byte(out, '/');
    tt_buffer_add(out, signer->region);
    tt_buffer_add_byte(out, '/');
    tt_buffer_add(out, signer->service);
    tt_buffer_add_text(out, "/aws4_request");
}

/* Without spaces at either end, and runs of spaces inside as one. */
static void add_trimmed(struct tt_buffer *out, struct tt_slice value)
{
    bool space = false;
    size_t start = out->size;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == ' ') {
            space = true;
            continue;
        }
        if (space && out->size > start)
            tt_buffer_add_byte(out, ' ');
        space = false;
        tt_buffer_add_byte(out, value.data[i]);
    }
}

static void add_canonical(struct tt_buffer *out, const struct tt_sigv4_request *request)
{
    tt_buffer_add_text(out, request->method);
    tt_buffer_add_byte(out, '\n');
    tt_buffer_add(out, request->path);
    tt_buffer_add_byte(out, '\n');
    tt_buffer_add(out, request->query);
    tt_buffer_add_byte(out, '\n');
    for (size_t i = 0; i < request->header_count; i++) {
        TT_ASSERT(i == 0 ||
                  tt_slice_compare(request->headers[i - 1].name, request->headers[i].name) < 0);
        tt_buffer_add(out, request->headers[i].name);
        tt_buffer_add_byte(out, ':');
        add_trimmed(out, request->headers[i].value);
        tt_buffer_add_byte(out, '\n');
    }
    tt_buffer_add_byte(out, '\n');
    add_signed_names(out, request);
    tt_buffer_add_byte(out, '\n');
    add_digest(out, request->body);
}

void tt_sigv4_sign(struct tt_sigv4_signer *signer, struct tt_slice access_key,
                   struct tt_slice secret, const struct tt_sigv4_request *request,
                   const char time[TT_SIGV4_TIME_SIZE], struct tt_buffer *out)
{
    if (memcmp(signer->day, time, DAY_SIZE) != 0)
        make_key(signer, secret, time);
    struct tt_buffer canonical = {0};
    add_canonical(&canonical, request);

    struct tt_buffer text = {0};
    tt_buffer_add_text(&text, "AWS4-HMAC-SHA256\n");
    tt_buffer_add(&text, tt_slice(time, TT_SIGV4_TIME_SIZE));
    tt_buffer_add_byte(&text, '\n');
    add_scope(&text, signer);
    tt_buffer_add_byte(&text, '\n');
    add_digest(&text, tt_buffer_slice(&canonical));
    unsigned char signature[TT_SIGV4_KEY_SIZE];
    hmac(signer->key, TT_SIGV4_KEY_SIZE, tt_buffer_slice(&text), signature);

    tt_buffer_add_text(out, "AWS4-HMAC-SHA256 Credential=");
    tt_buffer_add(out, access_key);
    tt_buffer_add_byte(out, '/');
    add_scope(out, signer);
    tt_buffer_add_text(out, ", SignedHeaders=");
    add_signed_names(out, request);
    tt_buffer_add_text(out, ", Signature=");
    to_hex(signature, tt_buffer_reserve(out, HEX_SIZE));
    tt_buffer_grow_by(out, HEX_SIZE);
    tt_buffer_deinit(&canonical);
    tt_buffer_deinit(&text);
}
