#include "adapter/push/push_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64url.h"

#define FILE_SIZE_MAX   65536
#define SUBJECT_DEFAULT "mailto:nobody@localhost"

#define APNS_HOST         "api.push.apple.com:443"
#define APNS_SANDBOX_HOST "api.sandbox.push.apple.com:443"
#define FCM_HOST          "fcm.googleapis.com:443"

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

__attribute__((format(printf, 2, 3))) static tt_err say(char *sentence, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, TT_PUSH_SENTENCE_SIZE, format, arguments);
    va_end(arguments);
    return TT_FAIL(INVALID);
}

static tt_err read_file(const char *option, const char *path, struct tt_buffer *bytes,
                        char *sentence)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return say(sentence, "%s: the file %s cannot be read: %s", option, path, strerror(errno));
    struct stat status;
    if (fstat(fd, &status) != 0 || (status.st_mode & S_IRWXO) != 0) {
        close(fd);
        return say(sentence,
                   "%s: everybody on this machine may read %s; run `chmod o-rwx` on it (and, if "
                   "somebody may have read it, get a new key)",
                   option, path);
    }
    ssize_t got = 1;
    while (got > 0 && bytes->size <= FILE_SIZE_MAX) {
        got = read(fd, tt_buffer_reserve(bytes, 4096), 4096);
        if (got > 0)
            tt_buffer_grow_by(bytes, (size_t)got);
    }
    int error = errno;
    close(fd);
    if (got < 0)
        return say(sentence, "%s: the file %s cannot be read: %s", option, path, strerror(error));
    if (bytes->size > FILE_SIZE_MAX)
        return say(sentence, "%s: the file %s is too large to be a key", option, path);
    return TT_OK;
}

static tt_err read_host(const char *option, const char *text, const char *initial,
                        struct tt_push_host *host, char *sentence)
{
    struct tt_slice all = tt_slice_text(is_given(text) ? text : initial);
    const char *colon = strrchr(all.data, ':');
    uint32_t port = 0;
    for (const char *at = colon == NULL ? "" : colon + 1; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || port > UINT16_MAX)
            port = UINT16_MAX + 1U;
        else
            port = port * 10 + (uint32_t)(*at - '0');
    }
    if (colon == NULL || colon == all.data || port == 0 || port > UINT16_MAX)
        return say(sentence, "%s is \"%s\"; it is HOST:PORT, like %s", option, all.data, initial);
    host->host = tt_slice(all.data, (size_t)(colon - all.data));
    host->port = (uint16_t)port;
    return TT_OK;
}

static tt_err need(const char *option, const char *text, const char *what, struct tt_slice *value,
                   char *sentence)
{
    if (!is_given(text))
        return say(sentence, "%s is missing; with --apns-key it must be given: %s", option, what);
    *value = tt_slice_text(text);
    return TT_OK;
}

static tt_err read_apns(const struct tt_push_config *config, struct tt_push_setup *setup,
                        char *sentence)
{
    if (!is_given(config->apns_key)) {
        if (is_given(config->apns_key_id) || is_given(config->apns_team) ||
            is_given(config->apns_topic))
            return say(sentence, "--apns-key is missing; it is the .p8 file with the signing key "
                                 "that Apple's developer pages hand out");
        return TT_OK;
    }
    TT_TRY(need("--apns-topic", config->apns_topic, "the bundle id of the app", &setup->apns_topic,
                sentence));
    TT_TRY(need("--apns-key-id", config->apns_key_id, "the 10 letters that name the key",
                &setup->apns_key_id, sentence));
    TT_TRY(need("--apns-team", config->apns_team, "the 10 letters that name the team",
                &setup->apns_team, sentence));
    TT_TRY(read_host("--apns-host", config->apns_host, APNS_HOST, &setup->apns_host, sentence));
    TT_TRY(read_host("--apns-sandbox-host", config->apns_sandbox_host, APNS_SANDBOX_HOST,
                     &setup->apns_sandbox_host, sentence));
    struct tt_buffer pem = {0};
    const char *problem = NULL;
    tt_err err = read_file("--apns-key", config->apns_key, &pem, sentence);
    if (tt_is_ok(err)) {
        err = tt_push_key_read(tt_buffer_slice(&pem), TT_PUSH_KEY_P256, &setup->apns_key, &problem);
        if (!tt_is_ok(err))
            err = say(sentence, "--apns-key: %s: %s", config->apns_key, problem);
    }
    tt_buffer_deinit(&pem);
    return err;
}

static tt_err read_fcm(const struct tt_push_config *config, struct tt_push_setup *setup,
                       char *sentence)
{
    if (!is_given(config->fcm_service_account))
        return TT_OK;
    struct tt_buffer json = {0};
    const char *problem = NULL;
    TT_TRY(read_host("--fcm-host", config->fcm_host, FCM_HOST, &setup->fcm_host, sentence));
    tt_err err = read_file("--fcm-service-account", config->fcm_service_account, &json, sentence);
    if (tt_is_ok(err)) {
        err = tt_service_account_read(tt_buffer_slice(&json), &setup->arena, &setup->account,
                                      &problem);
        if (!tt_is_ok(err))
            err = say(sentence, "--fcm-service-account: %s: %s", config->fcm_service_account,
                      problem);
    }
    tt_buffer_deinit(&json);
    return err;
}

static tt_err read_vapid(const struct tt_push_config *config, struct tt_push_setup *setup,
                         char *sentence)
{
    unsigned char point[TT_P256_POINT_SIZE];
    const char *problem = NULL;
    if (config->vapid_key.size == 0)
        return TT_OK;
    setup->vapid_subject =
        tt_slice_text(is_given(config->vapid_subject) ? config->vapid_subject : SUBJECT_DEFAULT);
    if (strncmp(setup->vapid_subject.data, "mailto:", 7) != 0 &&
        strncmp(setup->vapid_subject.data, "https:", 6) != 0)
        return say(sentence,
                   "--vapid-subject is \"%s\"; it begins with mailto: or https:, so that a push "
                   "service knows whom to ask",
                   setup->vapid_subject.data);
    if (!tt_is_ok(tt_push_key_read(config->vapid_key, TT_PUSH_KEY_P256, &setup->vapid, &problem)))
        return say(sentence, "--vapid-key: %s", problem);
    TT_TRY(tt_push_key_point(setup->vapid, point));
    tt_base64url_encode(tt_slice(point, sizeof(point)), &setup->vapid_public);
    return TT_OK;
}

tt_err tt_push_setup_read(const struct tt_push_config *config, struct tt_push_setup *setup,
                          char sentence[TT_PUSH_SENTENCE_SIZE])
{
    const char *problem = NULL;
    *setup = (struct tt_push_setup){.log = config->log,
                                    .webpush_allows_private = config->webpush_allows_private};
    if (is_given(config->apns_token_file))
        setup->apns_token_file =
            tt_arena_copy(&setup->arena,
                          tt_slice(config->apns_token_file, strlen(config->apns_token_file) + 1))
                .data;
    const char *ca_file = is_given(config->ca_file) ? config->ca_file : NULL;
    if (!tt_is_ok(tt_tls_trust_create(ca_file, &setup->trust, &problem)))
        return say(sentence, "--push-ca: %s", problem);
    TT_TRY(read_apns(config, setup, sentence));
    TT_TRY(read_fcm(config, setup, sentence));
    return read_vapid(config, setup, sentence);
}

void tt_push_setup_deinit(struct tt_push_setup *setup)
{
    tt_push_key_destroy(&setup->apns_key);
    tt_push_key_destroy(&setup->account.key);
    tt_push_key_destroy(&setup->vapid);
    tt_tls_trust_destroy(&setup->trust);
    tt_buffer_deinit(&setup->vapid_public);
    tt_arena_deinit(&setup->arena);
}
