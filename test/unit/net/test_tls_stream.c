#include "unit.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/tls_server.h"
#include "net/tls_stream.h"

/* A server's stream and OpenSSL's own client, with nothing between them but two buffers. */
struct world {
    char folder[32];
    char cert[64];
    char key[64];
    struct tt_tls_server *server;
    struct tt_tls_io io;
    SSL_CTX *trust;
};

struct pair {
    struct world *world;
    SSL *server;
    SSL *client;
    BIO *to_client;
    BIO *from_client;
    struct tt_buffer plain; /* that the server got */
    struct tt_buffer out;
    enum tt_tls_state state;
};

static void write_pair(const struct world *world)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_non_null(key);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *file = fopen(world->cert, "we");
    assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
    file = fopen(world->key, "we");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    assert_int_equal(chmod(world->key, 0600), 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    char sentence[TT_TLS_SENTENCE_SIZE] = "";
    snprintf(world->folder, sizeof(world->folder), "/tmp/tt-tls-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->cert, sizeof(world->cert), "%s/cert", world->folder);
    snprintf(world->key, sizeof(world->key), "%s/key", world->folder);
    write_pair(world);
    expect_ok(tt_tls_server_create(world->cert, world->key, &world->server, sentence));
    assert_string_equal(sentence, "");
    tt_tls_io_init(&world->io);
    world->trust = SSL_CTX_new(TLS_client_method());
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    SSL_CTX_free(world->trust);
    tt_tls_io_deinit(&world->io);
    tt_tls_server_destroy(&world->server);
    unlink(world->cert);
    unlink(world->key);
    rmdir(world->folder);
    free(world);
    return 0;
}

static void open_pair(struct world *world, struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    pair->world = world;
    pair->server = tt_tls_server_accept(world->server);
    tt_tls_stream_begin(pair->server, &world->io);
    pair->client = SSL_new(world->trust);
    pair->to_client = BIO_new(BIO_s_mem());
    pair->from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(pair->client, pair->to_client, pair->from_client);
    SSL_set_connect_state(pair->client);
}

static void close_pair(struct pair *pair)
{
    SSL_free(pair->server);
    SSL_free(pair->client);
    tt_buffer_deinit(&pair->plain);
    tt_buffer_deinit(&pair->out);
}

static void carry_to_client(struct pair *pair)
{
    if (pair->out.size > 0)
        assert_true(BIO_write(pair->to_client, pair->out.data, (int)pair->out.size) > 0);
    pair->out.size = 0;
}

/* What the client has written reaches the server in pieces of `step` bytes; how many there were. */
static size_t carry_to_server(struct pair *pair, size_t step)
{
    char *bytes;
    size_t size = (size_t)BIO_get_mem_data(pair->from_client, &bytes);
    char *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    (void)BIO_reset(pair->from_client);
    for (size_t at = 0; at < size && pair->state != TT_TLS_FAILED; at += step)
        pair->state = tt_tls_stream_read(pair->server, &pair->world->io,
                                         tt_slice(copy + at, size - at < step ? size - at : step),
                                         &pair->plain, &pair->out);
    free(copy);
    return size;
}

static void shake(struct pair *pair, size_t step)
{
    for (int rounds = 0; rounds < 8 && pair->state == TT_TLS_SHAKING; rounds++) {
        (void)SSL_do_handshake(pair->client);
        carry_to_server(pair, step);
        carry_to_client(pair);
    }
    assert_int_equal(pair->state, TT_TLS_OPEN);
}

static void test_any_cut_of_the_bytes_means_the_same(void **state)
{
    static const size_t steps[] = {1, 2, 7, 1000, 100000};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct pair pair;
        char text[40000];
        memset(text, 'a', sizeof(text));
        open_pair(*state, &pair);
        shake(&pair, steps[i]);
        assert_int_equal(SSL_write(pair.client, text, sizeof(text)), sizeof(text));
        carry_to_server(&pair, steps[i]);
        assert_int_equal(pair.plain.size, sizeof(text));
        assert_memory_equal(pair.plain.data, text, sizeof(text));
        assert_int_equal(pair.state, TT_TLS_OPEN);
        close_pair(&pair);
    }
}

static void test_what_is_written_arrives(void **state)
{
    struct pair pair;
    struct world *world = *state;
    char text[25000];
    char got[sizeof(text)];
    size_t size = 0;
    memset(text, 'b', sizeof(text));
    open_pair(world, &pair);
    shake(&pair, 100000);
    assert_true(
        tt_tls_stream_write(pair.server, &world->io, tt_slice(text, sizeof(text)), &pair.out));
    carry_to_client(&pair);
    while (size < sizeof(text)) {
        int more = SSL_read(pair.client, got + size, (int)(sizeof(got) - size));
        assert_true(more > 0);
        size += (size_t)more;
    }
    assert_memory_equal(got, text, sizeof(text));
    close_pair(&pair);
}

/* All streams of a loop share one BIO: none may hear what was meant for another. */
static void test_streams_do_not_meet(void **state)
{
    struct pair pairs[5];
    for (size_t i = 0; i < 5; i++)
        open_pair(*state, &pairs[i]);
    for (int rounds = 0; rounds < 4; rounds++) {
        for (size_t i = 0; i < 5; i++) {
            (void)SSL_do_handshake(pairs[i].client);
            carry_to_server(&pairs[i], 50);
        }
        SSL_free(rounds == 0 ? pairs[4].server : NULL); /* one goes in the middle */
        if (rounds == 0) {
            pairs[4].server = tt_tls_server_accept(pairs[4].world->server);
            tt_tls_stream_begin(pairs[4].server, &pairs[4].world->io);
            pairs[4].out.size = 0;
        }
        for (size_t i = 0; i < 4; i++)
            carry_to_client(&pairs[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pairs[i].state, TT_TLS_OPEN);
        assert_int_equal(SSL_write(pairs[i].client, &"0123"[i], 1), 1);
        carry_to_server(&pairs[i], 100);
        assert_int_equal(pairs[i].plain.size, 1);
        assert_int_equal(pairs[i].plain.data[0], "0123"[i]);
    }
    for (size_t i = 0; i < 5; i++)
        close_pair(&pairs[i]);
}

static void test_a_goodbye_is_told_apart_from_a_break(void **state)
{
    struct pair pair;
    struct world *world = *state;
    open_pair(world, &pair);
    shake(&pair, 100000);
    assert_int_equal(SSL_write(pair.client, "x", 1), 1);
    (void)SSL_shutdown(pair.client);
    carry_to_server(&pair, 100000);
    assert_int_equal(pair.state, TT_TLS_ENDED);
    assert_int_equal(pair.plain.size, 1);
    tt_tls_stream_end(pair.server, &world->io, &pair.out);
    assert_true(pair.out.size > 0);
    carry_to_client(&pair);
    assert_int_equal(SSL_shutdown(pair.client), 1);
    close_pair(&pair);
}

static void test_a_record_that_was_changed_fails(void **state)
{
    struct pair pair;
    char *bytes;
    open_pair(*state, &pair);
    shake(&pair, 100000);
    assert_int_equal(SSL_write(pair.client, "hello", 5), 5);
    long size = BIO_get_mem_data(pair.from_client, &bytes);
    bytes[size - 1] ^= 1;
    carry_to_server(&pair, 100000);
    assert_int_equal(pair.state, TT_TLS_FAILED);
    assert_int_equal(pair.plain.size, 0);
    assert_true(pair.out.size > 0); /* the alert */
    close_pair(&pair);
}

static void test_plain_http_is_answered_in_plain(void **state)
{
    struct pair pair;
    struct world *world = *state;
    open_pair(world, &pair);
    pair.state = tt_tls_stream_read(pair.server, &world->io,
                                    TT_SLICE_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                                    &pair.plain, &pair.out);
    assert_int_equal(pair.state, TT_TLS_FAILED);
    assert_memory_equal(pair.out.data, "HTTP/1.1 400", 12);
    close_pair(&pair);
}

static void test_a_reload_that_fails_leaves_what_is_there(void **state)
{
    struct world *world = *state;
    char sentence[TT_TLS_SENTENCE_SIZE] = "";
    struct pair pair;
    assert_int_equal(chmod(world->key, 0644), 0);
    assert_false(tt_is_ok(tt_tls_server_reload(world->server, sentence)));
    assert_non_null(strstr(sentence, world->key));
    assert_int_equal(chmod(world->key, 0600), 0);
    assert_true(tt_tls_server_expires(world->server) > 0);
    open_pair(world, &pair);
    shake(&pair, 100000);
    close_pair(&pair);
    expect_ok(tt_tls_server_reload(world->server, sentence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_of_the_bytes_means_the_same),
        cmocka_unit_test(test_what_is_written_arrives),
        cmocka_unit_test(test_streams_do_not_meet),
        cmocka_unit_test(test_a_goodbye_is_told_apart_from_a_break),
        cmocka_unit_test(test_a_record_that_was_changed_fails),
        cmocka_unit_test(test_plain_http_is_answered_in_plain),
        cmocka_unit_test(test_a_reload_that_fails_leaves_what_is_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
