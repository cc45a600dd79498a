#include "app/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

#define KEY_FILE_BYTES_MAX (1024 * 1024)

static bool read_file(const char *path, struct tt_buffer *bytes, char *sentence)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(sentence, TT_SECRET_SENTENCE, "cannot read %.300s: %s", path, strerror(errno));
        return false;
    }
    char *room = tt_buffer_reserve(bytes, KEY_FILE_BYTES_MAX);
    tt_buffer_grow_by(bytes, fread(room, 1, KEY_FILE_BYTES_MAX, file));
    bool whole = ferror(file) == 0 && feof(file);
    fclose(file);
    if (!whole)
        snprintf(sentence, TT_SECRET_SENTENCE, "%.300s is no key file", path);
    return whole;
}

static bool fits(tt_err err, const char *path, const char *problem, char *sentence)
{
    if (!tt_is_ok(err))
        snprintf(sentence, TT_SECRET_SENTENCE, "%.200s: %.250s", path, problem);
    return tt_is_ok(err);
}

static bool add_file(struct tt_trust *trust, const char *path, bool is_jwks, char *sentence)
{
    struct tt_buffer bytes = {0};
    const char *problem = "";
    bool added = read_file(path, &bytes, sentence);
    if (added) {
        tt_err err = is_jwks ? tt_jwt_keys_add_jwks(trust->keys, tt_buffer_slice(&bytes), &problem)
                             : tt_jwt_keys_add_pem(trust->keys, TT_SLICE_EMPTY,
                                                   tt_buffer_slice(&bytes), &problem);
        added = fits(err, path, problem, sentence);
    }
    tt_buffer_deinit(&bytes);
    return added;
}

static tt_err add_secrets(struct tt_jwt_keys *keys, const struct tt_secret *secret,
                          const char **problem)
{
    struct tt_slice older;
    size_t at = 0;
    if (secret->size == 0)
        return TT_OK;
    TT_TRY(tt_jwt_keys_add_secret(keys, TT_SLICE_EMPTY, tt_secret_slice(secret), problem));
    while (tt_secret_next_older(secret, &at, &older))
        TT_TRY(tt_jwt_keys_add_secret(keys, TT_SLICE_EMPTY, older, problem));
    return TT_OK;
}

/* Where many servers are one system, a secret that each makes for itself would be wrong. */
static bool find_secret(struct tt_trust *trust, const struct tt_config *config, char *sentence)
{
    if (strcmp(config->store, "embedded") == 0)
        return config->check_config
                   ? tt_secret_look(config->data, &trust->secret, sentence)
                   : tt_secret_read_or_make(config->data, &trust->secret, sentence);
    char why[TT_SECRET_SENTENCE];
    if (tt_secret_read(config->data, &trust->secret, why))
        return true;
    snprintf(sentence, TT_SECRET_SENTENCE,
             "with --store dynamodb all servers need the same secret: put it into %.120s/secret "
             "(at least %d characters), or give --jwt-key or --jwks; %.150s",
             config->data, TT_SECRET_SIZE_MIN, why);
    return false;
}

static bool add_secret(struct tt_trust *trust, const struct tt_config *config, char *sentence)
{
    char path[TT_SECRET_SENTENCE];
    const char *problem = "";
    const char *data = config->data;
    if (!find_secret(trust, config, sentence))
        return false;
    snprintf(path, sizeof(path), "%.200s/secret", data);
    return fits(add_secrets(trust->keys, &trust->secret, &problem), path, problem, sentence);
}

/* On the source's thread: the whole set anew, with the secrets that are one's own. */
static bool on_jwks(void *context, struct tt_slice json, const char **problem)
{
    struct tt_trust *trust = context;
    struct tt_jwt_keys *fresh = tt_jwt_keys_create();
    tt_err err = add_secrets(fresh, &trust->secret, problem);
    if (tt_is_ok(err))
        err = tt_jwt_keys_add_jwks(fresh, json, problem);
    if (tt_is_ok(err))
        tt_jwt_keys_replace(trust->keys, &fresh);
    else
        tt_jwt_keys_destroy(&fresh);
    return tt_is_ok(err);
}

static bool on_misses(void *context)
{
    const struct tt_trust *trust = context;
    return tt_jwt_keys_missed(trust->keys);
}

static bool start_source(struct tt_trust *trust, const struct tt_config *config,
                         const struct tt_log *log, char *sentence)
{
    const struct tt_jwks_source_options options = {
        .url = config->jwks,
        .ca_file = config->jwks_ca,
        .dir = config->data,
        .refresh_ms = config->jwks_refresh_ms,
        .log = log,
        .context = trust,
        .take = on_jwks,
        .misses = on_misses,
    };
    if (config->check_config)
        return tt_jwks_source_check(&options, sentence);
    trust->source = tt_jwks_source_start(&options, sentence);
    return trust->source != NULL;
}

static bool add_keys(struct tt_trust *trust, const struct tt_config *config,
                     const struct tt_log *log, char *sentence)
{
    bool others_sign = config->jwt_key != NULL || config->jwks != NULL;
    bool is_fetched = config->jwks != NULL && tt_jwks_is_url(config->jwks);
    bool added = true;
    if (config->jwt_key != NULL)
        added = add_file(trust, config->jwt_key, false, sentence);
    else if (config->jwks != NULL && !is_fetched)
        added = add_file(trust, config->jwks, true, sentence);
    if (added && (!others_sign || strcmp(config->accounts, "off") != 0))
        added = add_secret(trust, config, sentence);
    return added && (!is_fetched || start_source(trust, config, log, sentence));
}

bool tt_trust_open(const struct tt_config *config, const struct tt_log *log, struct tt_trust *trust,
                   char sentence[TT_SECRET_SENTENCE])
{
    *trust = (struct tt_trust){.keys = tt_jwt_keys_create()};
    struct tt_auth *auth = &trust->auth;
    auth->keys = trust->keys;
    if (config->issuer != NULL)
        auth->policy.issuer = tt_slice_text(config->issuer);
    if (config->audience != NULL)
        auth->policy.audience = tt_slice_text(config->audience);
    for (size_t i = 0; i < config->allow_origin.count; i++)
        trust->origins[i] = tt_slice_text(config->allow_origin.items[i]);
    auth->origins = (struct tt_origins){trust->origins, config->allow_origin.count};
    bool added = add_keys(trust, config, log, sentence);
    if (!added)
        tt_trust_close(trust);
    return added;
}

void tt_trust_close(struct tt_trust *trust)
{
    if (trust->source != NULL)
        tt_jwks_source_stop(&trust->source);
    tt_jwt_keys_destroy(&trust->keys);
    explicit_bzero(trust->secret.bytes, sizeof(trust->secret.bytes));
    trust->secret.size = 0;
}
