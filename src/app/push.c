#include "app/push.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/push/push_key.h"

#define KEY_SIZE_MAX 16384

static bool say(char *sentence, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool say(char *sentence, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, TT_PUSH_SENTENCE_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static bool read_key(const char *path, struct tt_buffer *pem, char *sentence)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return say(sentence,
                   "the VAPID key %.200s cannot be read: %s; check its owner and "
                   "rights",
                   path, strerror(errno));
    ssize_t got = read(fd, tt_buffer_reserve(pem, KEY_SIZE_MAX), KEY_SIZE_MAX);
    close(fd);
    if (got <= 0)
        return say(sentence, "the VAPID key %.200s cannot be read, or is empty", path);
    tt_buffer_grow_by(pem, (size_t)got);
    return true;
}

/* Under another name first, so that a crash leaves no half a key. */
static bool write_key(const char *path, struct tt_slice pem)
{
    char fresh[PATH_MAX];
    int size = snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (size < 0 || size >= (int)sizeof(fresh))
        return false;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool written = fchmod(fd, 0600) == 0 && write(fd, pem.data, pem.size) == (ssize_t)pem.size &&
                   fsync(fd) == 0;
    close(fd);
    return written && rename(fresh, path) == 0;
}

static bool make_key(const char *path, bool keeps, struct tt_buffer *pem, char *sentence)
{
    struct tt_push_key *key = NULL;
    bool made = tt_is_ok(tt_push_key_make(&key)) && tt_is_ok(tt_push_key_write(key, pem)) &&
                (!keeps || write_key(path, tt_buffer_slice(pem)));
    tt_push_key_destroy(&key);
    return made || say(sentence,
                       "the VAPID key %.200s cannot be written: %s; make room, or "
                       "check the folder's owner and rights",
                       path, strerror(errno));
}

static bool find_key(const struct tt_config *config, struct tt_buffer *pem, char *sentence)
{
    char path[PATH_MAX];
    if (config->vapid_key != NULL)
        return read_key(config->vapid_key, pem, sentence);
    int size = snprintf(path, sizeof(path), "%s/vapid.pem", config->data);
    if (size < 0 || size >= (int)sizeof(path))
        return say(sentence, "the name of the data folder is too long");
    if (access(path, F_OK) == 0)
        return read_key(path, pem, sentence);
    if (strcmp(config->store, "embedded") != 0) /* browsers know one key, whichever server asks */
        return say(sentence,
                   "with --store dynamodb all servers need the same VAPID key: put one into "
                   "%.200s or give --vapid-key; `openssl genpkey -algorithm EC -pkeyopt "
                   "ec_paramgen_curve:P-256` makes one",
                   path);
    return make_key(path, !config->check_config, pem, sentence);
}

bool tt_push_open(const struct tt_config *config, const struct tt_log *log,
                  struct tt_notifier_push **notifier, char sentence[TT_PUSH_SENTENCE_SIZE])
{
    struct tt_buffer pem = {0};
    char token_file[PATH_MAX];
    int size = snprintf(token_file, sizeof(token_file), "%s/apns-token",
                        config->data == NULL ? "." : config->data);
    bool has_token_file = config->data != NULL && size < (int)sizeof(token_file);
    bool done = find_key(config, &pem, sentence);
    if (done) {
        struct tt_push_config push = {
            .apns_key = config->apns_key,
            .apns_key_id = config->apns_key_id,
            .apns_team = config->apns_team,
            .apns_topic = config->apns_topic,
            .apns_token_file = has_token_file ? token_file : NULL,
            .apns_host = config->apns_host,
            .apns_sandbox_host = config->apns_sandbox_host,
            .fcm_service_account = config->fcm_service_account,
            .fcm_host = config->fcm_host,
            .vapid_key = tt_buffer_slice(&pem),
            .vapid_subject = config->vapid_subject,
            .ca_file = config->push_ca,
            .webpush_allows_private = config->push_private,
            .log = log,
        };
        done = tt_is_ok(tt_notifier_push_create(&push, notifier, sentence));
    }
    tt_buffer_deinit(&pem);
    return done;
}
