/* The command `push test`: makes somebody's phones ring, and explains what came of it. */
#include "app/command.h"

#include <stdio.h>
#include <string.h>

#include "app/client.h"
#include "app/option.h"
#include "app/signer.h"
#include "base/json.h"

struct push_values {
    const char *url;
    const char *data;
    bool json;
};

#define AT(field) offsetof(struct push_values, field)

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(data), "data", "DIR", "./data", "the server's data folder, whose secret signs"),
    TT_TEXT_ROW(AT(url), "url", "URL", TT_ENDPOINT_DEFAULT, "the server"),
    TT_FLAG_ROW(AT(json), "json", "print the server's answer as it is"),
};

static const struct tt_command_spec spec = {
    .name = "push",
    .usage = "twoticks push test USER [--data DIR] [--url URL] [--json]",
    .about = "Asks a running server to ring on each device of USER that has a push address, waits\n"
             "for the push services' answers (20 s at most), and says what they mean. Exits 0 if\n"
             "there is a device and each service took it.",
    .examples = "  twoticks push test bob --data ./data",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_min = 2,
    .positional_max = 2,
};

static const struct {
    const char *outcome;
    const char *meaning;
} meanings[] = {
    {"accepted",
     "the service has taken it; if the phone stays silent, look at the phone's settings"},
    {"failed", "the service (or this server) will never take this one; the detail says why"},
    {"gone", "the address is dead and was forgotten; the app has to register again"},
    {"later", "the service is away or wants less; messages would be tried again"},
    {"none", "there was no answer in time; is the service reachable from the server?"},
};

static void print_plain(const char *before, struct tt_json value)
{
    struct tt_buffer text = {0};
    if (value.kind == TT_JSON_STRING)
        tt_json_unescape(value.text, &text);
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            text.data[i] = ' ';
    printf("%s%.*s", before, (int)text.size, text.data == NULL ? "" : text.data);
    tt_buffer_deinit(&text);
}

static bool print_result(struct tt_json result)
{
    enum { DEVICE, PROVIDER, OUTCOME, DETAIL, KEYS };
    static const char *const keys[] = {"device_id", "provider", "outcome", "detail"};
    struct tt_json values[KEYS];
    if (!tt_is_ok(tt_json_read_object(result.text, keys, KEYS, values)) ||
        values[OUTCOME].kind != TT_JSON_STRING)
        return false;
    print_plain("", values[DEVICE]);
    print_plain("  ", values[PROVIDER]);
    print_plain("  ", values[OUTCOME]);
    print_plain("  ", values[DETAIL]);
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (tt_json_string_is(values[OUTCOME].text, meanings[i].outcome))
            printf("\n    %s\n", meanings[i].meaning);
    return tt_json_string_is(values[OUTCOME].text, "accepted");
}

static int explain(struct tt_slice body)
{
    static const char *const keys[] = {"results"};
    struct tt_json results;
    struct tt_json item;
    size_t count = 0;
    bool fine = true;
    if (!tt_is_ok(tt_json_read_object(body, keys, 1, &results)) || results.kind != TT_JSON_ARRAY)
        return TT_EXIT_FAIL;
    for (struct tt_json_items items = tt_json_items(results); tt_json_next(&items, NULL, &item);) {
        fine = print_result(item) && fine;
        count++;
    }
    if (count == 0)
        printf("no device of this user has a push address; the app registers one with\n"
               "PUT /device/{device_id}/push\n");
    return fine && count > 0 ? TT_EXIT_OK : TT_EXIT_FAIL;
}

static int ask(const struct push_values *values, const char *user)
{
    struct tt_endpoint endpoint;
    const char *problem;
    if (!tt_endpoint_parse(values->url, &endpoint, &problem)) {
        tt_option_complain(&spec, "--url is \"%s\": %s", values->url, problem);
        return TT_EXIT_USAGE;
    }
    char sentence[TT_CLIENT_SENTENCE];
    struct tt_buffer token = {0};
    struct tt_client_answer answer;
    bool asked = tt_signer_sign_for(values->data, user, "default", &token, sentence) &&
                 tt_client_request(&endpoint, "POST", "/push/test", tt_buffer_slice(&token),
                                   TT_SLICE_EMPTY, &answer, sentence);
    tt_buffer_deinit(&token);
    if (!asked) {
        tt_option_complain(&spec, "%s", sentence);
        return TT_EXIT_FAIL;
    }
    int status = TT_EXIT_FAIL;
    if (answer.status != 200) {
        tt_option_complain(&spec, "the server answered %d: %.*s", answer.status,
                           (int)answer.body.size, answer.body.data);
    } else if (values->json) {
        printf("%.*s\n", (int)answer.body.size, answer.body.data);
        status = TT_EXIT_OK;
    } else {
        status = explain(tt_buffer_slice(&answer.body));
    }
    tt_buffer_deinit(&answer.body);
    return status;
}

int tt_command_push(int argc, char **argv)
{
    struct push_values values = {NULL, NULL, false};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    int status = outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    if (outcome == TT_OPTIONS_READ && strcmp(positionals.items[0], "test") != 0) {
        tt_option_complain(&spec, "there is only `push test USER`");
        status = TT_EXIT_USAGE;
    } else if (outcome == TT_OPTIONS_READ) {
        status = ask(&values, positionals.items[1]);
    }
    tt_arena_deinit(&arena);
    return status;
}
