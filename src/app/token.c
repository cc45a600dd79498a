#include "app/command.h"

#include <stdio.h>

#include "app/option.h"
#include "app/signer.h"

struct token_values {
    const char *data;
    const char *device;
    uint64_t ttl_ms;
    const char *issuer;
    const char *audience;
};

#define AT(field) offsetof(struct token_values, field)

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL, "the server's data folder, whose secret signs"),
    TT_TEXT_ROW(AT(device), "device", "D", "default", "the device's id"),
    TT_DURATION_ROW(AT(ttl_ms), "ttl", 24 * 3600 * 1000ULL, 1000, 3650 * 24 * 3600 * 1000ULL,
                    "how long the token is good for"),
    TT_TEXT_ROW(AT(issuer), "iss", "TEXT", NULL, "the issuer, if the server checks it"),
    TT_TEXT_ROW(AT(audience), "aud", "TEXT", NULL, "the audience, if the server checks it"),
};

static const struct tt_command_spec spec = {
    .name = "token",
    .usage = "twoticks token USER --data DIR [--device D] [--ttl 24h]",
    .about = "Prints a token which the server of that data folder accepts: who calls is USER, on\n"
             "device D. Works while the server runs. Whoever can read DIR/secret can be anybody.",
    .examples = "  twoticks token alice --data ./data\n"
                "  curl -H \"Authorization: Bearer $(twoticks token alice --data ./data)\" "
                "http://127.0.0.1:8080/conversations",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_min = 1,
    .positional_max = 1,
};

static struct tt_slice slice_of(const char *text)
{
    return text == NULL ? TT_SLICE_EMPTY : tt_slice_text(text);
}

static int print_token(const char *user, const struct token_values *values)
{
    tt_id user_id;
    tt_id device_id;
    tt_err err = tt_id_parse(tt_slice_text(user), &user_id);
    if (!tt_is_ok(err)) {
        tt_option_complain(&spec, "USER is \"%s\": %s", user, tt_err_text(err));
        return TT_EXIT_USAGE;
    }
    err = tt_id_parse(tt_slice_text(values->device), &device_id);
    if (!tt_is_ok(err)) {
        tt_option_complain(&spec, "--device is \"%s\": %s", values->device, tt_err_text(err));
        return TT_EXIT_USAGE;
    }
    if (values->data == NULL) {
        tt_option_complain(&spec, "--data DIR is missing: the data folder of the server");
        return TT_EXIT_USAGE;
    }
    struct tt_secret secret;
    char sentence[TT_SECRET_SENTENCE];
    if (!tt_secret_read(values->data, &secret, sentence)) {
        tt_option_complain(&spec, "%s", sentence);
        return TT_EXIT_FAIL;
    }
    struct tt_jwt_policy policy = {.issuer = slice_of(values->issuer),
                                   .audience = slice_of(values->audience)};
    struct tt_buffer token = {0};
    tt_signer_sign(&secret, &user_id, &device_id, values->ttl_ms, &policy, &token);
    printf("%.*s\n", (int)token.size, token.data);
    tt_buffer_deinit(&token);
    return TT_EXIT_OK;
}

int tt_command_token(int argc, char **argv)
{
    struct token_values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    int status = outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    if (outcome == TT_OPTIONS_READ)
        status = print_token(positionals.items[0], &values);
    tt_arena_deinit(&arena);
    return status;
}
