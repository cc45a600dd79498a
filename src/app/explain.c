/* The commands `timeline` and `why`: what the server knows of how a tick came to be. */
#include "app/command.h"

#include <stdio.h>

#include "app/client.h"
#include "app/option.h"
#include "app/signer.h"
#include "base/json.h"

struct explain_values {
    const char *as;
    const char *url;
    const char *data;
    uint64_t from;
    uint64_t to;
    bool json;
};

#define AT(field) offsetof(struct explain_values, field)
#define COMMON_ROWS                                                                                \
    TT_TEXT_ROW(AT(as), "as", "USER", NULL, "who asks: a member of the conversation"),             \
        TT_TEXT_ROW(AT(data), "data", "DIR", "./data",                                             \
                    "the server's data folder, whose secret signs"),                               \
        TT_TEXT_ROW(AT(url), "url", "URL", TT_ENDPOINT_DEFAULT, "the server"),                     \
        TT_FLAG_ROW(AT(json), "json", "print the server's answer as it is")

static const struct tt_option why_options[] = {COMMON_ROWS};

static const struct tt_option timeline_options[] = {
    COMMON_ROWS,
    TT_NUMBER_ROW(AT(from), "from", 0, 0, TT_SEQ_MAX, "from this message (its seq) on"),
    TT_NUMBER_ROW(AT(to), "to", 0, 0, TT_SEQ_MAX, "up to this message"),
};

static const struct tt_command_spec why_spec = {
    .name = "why",
    .usage = "twoticks why CONVERSATION SEQ --as USER [--data DIR] [--url URL] [--json]",
    .about = "Asks a running server why the tick of a message is what it is: for whom it waits,\n"
             "and for what (a connection, a delivered ack, a read ack).",
    .examples = "  twoticks why conv_abc123 42 --as alice --data ./data",
    .options = why_options,
    .option_count = sizeof(why_options) / sizeof(why_options[0]),
    .positional_min = 2,
    .positional_max = 2,
};

static const struct tt_command_spec timeline_spec = {
    .name = "timeline",
    .usage = "twoticks timeline CONVERSATION --as USER [--from SEQ] [--to SEQ] [--data DIR]",
    .about = "Asks a running server what happened to the messages of a conversation, and when:\n"
             "stored, delivered, read, and who came and went in between.",
    .examples = "  twoticks timeline conv_abc123 --as alice --data ./data --from 42",
    .options = timeline_options,
    .option_count = sizeof(timeline_options) / sizeof(timeline_options[0]),
    .positional_min = 1,
    .positional_max = 1,
};

static bool ask(const struct tt_command_spec *spec, const struct explain_values *values,
                const char *target, struct tt_client_answer *answer)
{
    struct tt_endpoint endpoint;
    const char *problem;
    if (!tt_endpoint_parse(values->url, &endpoint, &problem)) {
        tt_option_complain(spec, "--url is \"%s\": %s", values->url, problem);
        return false;
    }
    char sentence[TT_CLIENT_SENTENCE];
    struct tt_buffer token = {0};
    bool asked = tt_signer_sign_for(values->data, values->as, "default", &token, sentence) &&
                 tt_client_request(&endpoint, "GET", target, tt_buffer_slice(&token),
                                   TT_SLICE_EMPTY, answer, sentence);
    tt_buffer_deinit(&token);
    if (!asked) {
        tt_option_complain(spec, "%s", sentence);
        return false;
    }
    if (answer->status == 200)
        return true;
    tt_option_complain(spec, "the server answered %d: %.*s", answer->status, (int)answer->body.size,
                       answer->body.data);
    tt_buffer_deinit(&answer->body);
    return false;
}

static void print_string(const char *before, struct tt_json value)
{
    if (value.kind != TT_JSON_STRING)
        return;
    struct tt_buffer text = {0};
    tt_json_unescape(value.text, &text);
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            text.data[i] = ' ';
    printf("%s%.*s", before, (int)text.size, text.data);
    tt_buffer_deinit(&text);
}

static void print_why(struct tt_slice body)
{
    static const char *const keys[] = {"text"};
    struct tt_json text;
    if (tt_is_ok(tt_json_read_object(body, keys, 1, &text)))
        print_string("", text);
    putchar('\n');
}

static void print_event(struct tt_json event)
{
    enum { AT_, EVENT, SEQ, FROM, TO, USER, DEVICE, DETAIL, KEYS };
    static const char *const keys[] = {"at",     "event",   "seq",       "from_seq",
                                       "to_seq", "user_id", "device_id", "detail"};
    struct tt_json values[KEYS];
    if (!tt_is_ok(tt_json_read_object(event.text, keys, KEYS, values)))
        return;
    print_string("", values[AT_]);
    print_string("  ", values[USER]);
    print_string(" ", values[EVENT]);
    if (values[SEQ].kind == TT_JSON_NUMBER)
        printf(" seq=%.*s", (int)values[SEQ].text.size, values[SEQ].text.data);
    if (values[FROM].kind == TT_JSON_NUMBER && values[TO].kind == TT_JSON_NUMBER)
        printf(" seq=%.*s..%.*s", (int)values[FROM].text.size, values[FROM].text.data,
               (int)values[TO].text.size, values[TO].text.data);
    print_string(" on ", values[DEVICE]);
    print_string(": ", values[DETAIL]);
    putchar('\n');
}

static void print_timeline(struct tt_slice body)
{
    static const char *const keys[] = {"events"};
    struct tt_json events;
    if (!tt_is_ok(tt_json_read_object(body, keys, 1, &events)) || events.kind != TT_JSON_ARRAY)
        return;
    struct tt_json_items items = tt_json_items(events);
    struct tt_json event;
    while (tt_json_next(&items, NULL, &event))
        print_event(event);
}

static int explain(const struct tt_command_spec *spec, const struct explain_values *values,
                   const char *target, void (*print)(struct tt_slice body))
{
    struct tt_client_answer answer;
    if (!ask(spec, values, target, &answer))
        return TT_EXIT_FAIL;
    if (values->json)
        printf("%.*s\n", (int)answer.body.size, answer.body.data);
    else
        print(tt_buffer_slice(&answer.body));
    tt_buffer_deinit(&answer.body);
    return TT_EXIT_OK;
}

/* TT_OPTIONS_READ with an id that may stand in a path. */
static enum tt_option_outcome read_options(const struct tt_command_spec *spec, int argc,
                                           char **argv, struct explain_values *values,
                                           struct tt_positionals *positionals)
{
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome = tt_options_read(spec, argc, argv, values, positionals, &arena);
    tt_arena_deinit(&arena);
    if (outcome != TT_OPTIONS_READ)
        return outcome;
    tt_id id;
    if (!tt_is_ok(tt_id_parse(tt_slice_text(positionals->items[0]), &id))) {
        tt_option_complain(spec, "CONVERSATION is \"%s\": %s", positionals->items[0],
                           tt_err_text(TT_FAIL(BAD_ID)));
        return TT_OPTIONS_BAD;
    }
    if (values->as == NULL) {
        tt_option_complain(spec, "say who asks: --as alice");
        return TT_OPTIONS_BAD;
    }
    return outcome;
}

int tt_command_why(int argc, char **argv)
{
    struct explain_values values = {0};
    struct tt_positionals positionals;
    enum tt_option_outcome outcome = read_options(&why_spec, argc, argv, &values, &positionals);
    if (outcome != TT_OPTIONS_READ)
        return outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    uint64_t seq;
    if (!tt_option_parse_number(positionals.items[1], &seq) || seq < 1 || seq > TT_SEQ_MAX) {
        tt_option_complain(&why_spec, "SEQ is \"%s\": %s", positionals.items[1],
                           tt_err_text(TT_FAIL(BAD_SEQ)));
        return TT_EXIT_USAGE;
    }
    char target[256];
    snprintf(target, sizeof(target), "/conversation/%s/messages/%llu/why", positionals.items[0],
             (unsigned long long)seq);
    return explain(&why_spec, &values, target, print_why);
}

int tt_command_timeline(int argc, char **argv)
{
    struct explain_values values = {0};
    struct tt_positionals positionals;
    enum tt_option_outcome outcome =
        read_options(&timeline_spec, argc, argv, &values, &positionals);
    if (outcome != TT_OPTIONS_READ)
        return outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    char target[256];
    int size = snprintf(target, sizeof(target), "/conversation/%s/timeline", positionals.items[0]);
    if (values.from != 0)
        size += snprintf(target + size, sizeof(target) - (size_t)size, "?from=%llu",
                         (unsigned long long)values.from);
    if (values.to != 0)
        snprintf(target + size, sizeof(target) - (size_t)size, "%cto=%llu",
                 values.from != 0 ? '&' : '?', (unsigned long long)values.to);
    return explain(&timeline_spec, &values, target, print_timeline);
}
