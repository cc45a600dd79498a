/*
 * The first source document, played literally: Bob's phone is dead for days, Alice sends five
 * messages, he comes back, and every tick that she sees on the way is checked. On a private server
 * each day begins with a kill -9 of it.
 */
#include "app/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapter/entropy_os.h"
#include "app/device.h"
#include "app/option.h"
#include "app/private_server.h"
#include "app/signer.h"

#define READ_BEFORE 41
#define LAST        46

struct drill_values {
    const char *url;
    const char *data;
    uint64_t days;
};

struct drill {
    const struct drill_values *values;
    struct tt_private_server server; /* unused with --url */
    struct tt_endpoint endpoint;
    const char *data;
    char alice_name[32];
    char bob_name[32];
    tt_id conversation;
    struct tt_device_play alice;
    struct tt_device_play bob;
    unsigned checks;
    unsigned wrong;
};

#define AT(field) offsetof(struct drill_values, field)

static const struct tt_option options[] = {
    TT_NUMBER_ROW(AT(days), "days", 3, 1, 1000, "how long the phone is off"),
    TT_TEXT_ROW(AT(url), "url", "URL", NULL,
                "a running server; without it a private one is started, and killed each day"),
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL,
                "with --url: the server's data folder, to sign tokens with"),
};

static const struct tt_command_spec spec = {
    .name = "drill",
    .usage = "twoticks drill phone-off [--days 3] [--url URL --data DIR]",
    .about =
        "Plays \"phone off for three days\": Bob's phone dies after he has read 41 messages, "
        "Alice\n"
        "sends five more, and at the end he comes back and reads them. Every tick on the way is\n"
        "checked and printed. Without --url it runs on a private server, which is killed with\n"
        "kill -9 and started again on each of the days. Exits 1 if one tick is wrong.",
    .examples = "  twoticks drill phone-off\n"
                "  twoticks drill phone-off --url http://127.0.0.1:8080 --data ./data",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_min = 1,
    .positional_max = 1,
};

static bool give_up(const char *why)
{
    fprintf(stderr, "twoticks drill: %s\n", why);
    return false;
}

static bool turn_on(struct drill *drill, struct tt_device_play *device)
{
    struct tt_buffer token = {0};
    char sentence[TT_SECRET_SENTENCE];
    if (!tt_signer_sign_for(drill->data, device->user, "phone", &token, sentence))
        return give_up(sentence);
    bool on = tt_device_connect(device, &drill->endpoint, tt_buffer_slice(&token));
    tt_buffer_deinit(&token);
    return on || give_up(device->problem);
}

static bool ack(struct drill *drill, struct tt_device_play *device, enum tt_client_frame_kind kind,
                uint64_t seq)
{
    struct tt_client_frame frame = {
        .kind = kind, .conversation = drill->conversation, .seq = TT_SEQ(seq)};
    return tt_device_send(device, &frame) || give_up(device->problem);
}

/* Sends as Alice, and sees to it that the message gets this seq. */
static bool alice_sends(struct drill *drill, uint64_t seq, const char *text)
{
    char client_id[32];
    snprintf(client_id, sizeof(client_id), "drill-%llu", (unsigned long long)seq);
    struct tt_client_frame frame = {
        .kind = TT_CLIENT_SEND,
        .conversation = drill->conversation,
        .client_id = tt_id_of(client_id),
        .content = tt_slice_text(text),
    };
    if (!tt_device_send(&drill->alice, &frame) || !tt_device_await(&drill->alice, TT_SERVER_SENT))
        return give_up(drill->alice.problem);
    if (drill->alice.last.seq.n == seq)
        return true;
    fprintf(stderr, "twoticks drill: the message got seq=%llu, but must get seq=%llu\n",
            (unsigned long long)drill->alice.last.seq.n, (unsigned long long)seq);
    return false;
}

/* Asks as Alice; the answer's body is the caller's. */
static bool ask(struct drill *drill, const char *method, const char *target, struct tt_slice body,
                struct tt_client_answer *answer)
{
    struct tt_buffer token = {0};
    char sentence[TT_CLIENT_SENTENCE];
    if (!tt_signer_sign_for(drill->data, drill->alice.user, "phone", &token, sentence))
        return give_up(sentence);
    bool asked = tt_client_request(&drill->endpoint, method, target, tt_buffer_slice(&token), body,
                                   answer, sentence);
    tt_buffer_deinit(&token);
    if (!asked)
        return give_up(sentence);
    if (answer->status == 200 || answer->status == 201)
        return true;
    fprintf(stderr, "twoticks drill: %s %s was answered with %d: %.*s\n", method, target,
            answer->status, (int)answer->body.size, answer->body.data);
    tt_buffer_deinit(&answer->body);
    return false;
}

static bool create_conversation(struct drill *drill)
{
    char body[256];
    snprintf(body, sizeof(body),
             "{\"conversation_id\":\"%.*s\",\"kind\":\"direct\",\"members\":[\"%s\",\"%s\"]}",
             drill->conversation.size, drill->conversation.bytes, drill->alice_name,
             drill->bob_name);
    struct tt_client_answer answer;
    if (!ask(drill, "POST", "/conversation", tt_slice_text(body), &answer))
        return false;
    tt_buffer_deinit(&answer.body);
    return true;
}

/* What Alice's app does when it opens: the cursors are in the snapshot. */
static bool read_cursors(struct drill *drill)
{
    char target[128];
    snprintf(target, sizeof(target), "/conversation/%.*s?open=0", drill->conversation.size,
             drill->conversation.bytes);
    struct tt_client_answer answer;
    if (!ask(drill, "GET", target, TT_SLICE_EMPTY, &answer))
        return false;
    struct tt_received snapshot;
    tt_err err = tt_client_read_conversation(tt_buffer_slice(&answer.body), &snapshot);
    if (tt_is_ok(err))
        drill->alice.others = snapshot.cursor;
    tt_buffer_deinit(&answer.body);
    return tt_is_ok(err) || give_up("the snapshot cannot be read");
}

/* Prints a line of the timeline, and checks that each of from..to has this tick, both by what
 * Alice was sent and by what she would find when she opens the chat. */
static bool check(struct drill *drill, const char *when, const char *what, uint64_t from,
                  uint64_t to, enum tt_tick expected)
{
    if (!tt_device_catch_up(&drill->alice))
        return give_up(drill->alice.problem);
    struct tt_cursor told = drill->alice.others;
    if (!read_cursors(drill))
        return false;
    printf("%-14s %-42s \xe2\x86\x92 %s\n", when, what, tt_tick_words(expected));
    fflush(stdout);
    for (int asked = 0; asked <= 1; asked++) {
        struct tt_device_play view = {.others = asked ? drill->alice.others : told};
        for (uint64_t seq = from; seq <= to; seq++) {
            enum tt_tick tick = tt_device_tick(&view, TT_SEQ(seq));
            drill->checks++;
            if (tick == expected)
                continue;
            drill->wrong++;
            printf("  WRONG: seq=%llu shows %s %s\n", (unsigned long long)seq, tt_tick_words(tick),
                   asked ? "when the chat is opened" : "by what the socket brought");
        }
    }
    return true;
}

static void expect(struct drill *drill, bool truth, const char *what)
{
    drill->checks++;
    if (truth)
        return;
    drill->wrong++;
    printf("  WRONG: %s\n", what);
}

/* 41 messages which Bob has read. */
static bool play_setup(struct drill *drill)
{
    if (!turn_on(drill, &drill->alice) || !turn_on(drill, &drill->bob) ||
        !create_conversation(drill))
        return false;
    for (uint64_t seq = 1; seq <= READ_BEFORE; seq++)
        if (!alice_sends(drill, seq, "a message of the days before"))
            return false;
    while (drill->bob.last.seq.n != READ_BEFORE)
        if (!tt_device_await(&drill->bob, TT_SERVER_MESSAGE))
            return give_up(drill->bob.problem);
    if (!ack(drill, &drill->bob, TT_CLIENT_DELIVERED, READ_BEFORE) ||
        !ack(drill, &drill->bob, TT_CLIENT_READ, READ_BEFORE))
        return false;
    while (drill->alice.others.read.n < READ_BEFORE)
        if (!tt_device_await(&drill->alice, TT_SERVER_STATUS_UPDATE))
            return give_up(drill->alice.problem);
    if (!check(drill, "Before", "Bob has read up to seq=41", 1, READ_BEFORE, TT_TICK_BLUE))
        return false;
    tt_device_die(&drill->bob);
    return true;
}

/* A night: on a private server the power fails. */
static bool next_day(struct drill *drill)
{
    if (drill->values->url != NULL)
        return true;
    tt_device_die(&drill->alice);
    if (!tt_private_server_crash(&drill->server))
        return false;
    drill->endpoint = drill->server.endpoint;
    return turn_on(drill, &drill->alice) && read_cursors(drill);
}

static bool play_days_off(struct drill *drill)
{
    char when[32];
    char last_morning[32];
    const unsigned long long days = drill->values->days;
    snprintf(last_morning, sizeof(last_morning), "Day %llu, 8am", days);
    if (!alice_sends(drill, 42, "hey") ||
        !check(drill, "Day 0, 9am", "Alice sends seq=42 \"hey\"", 42, 42, TT_TICK_ONE) ||
        !alice_sends(drill, 43, "where are you?") ||
        !check(drill, "Day 0, 2pm", "Alice sends seq=43 \"where are you?\"", 42, 43, TT_TICK_ONE))
        return false;
    for (unsigned long long day = 1; day <= days; day++) {
        if (!next_day(drill))
            return false;
        snprintf(when, sizeof(when), "Day %llu", day);
        if (day == 1 &&
            (!alice_sends(drill, 44, "hello??") ||
             !check(drill, when, "Alice sends seq=44 \"hello??\"", 42, 44, TT_TICK_ONE) ||
             !alice_sends(drill, 45, "is everything okay?") ||
             !check(drill, when, "Alice sends seq=45 \"is everything okay?\"", 42, 45,
                    TT_TICK_ONE)))
            return false;
        if (day > 1 && day < days && !check(drill, when, "nothing new", 42, 45, TT_TICK_ONE))
            return false;
    }
    return alice_sends(drill, LAST, "call me when you can") &&
           check(drill, last_morning, "Alice sends seq=46 \"call me when you can\"", 42, LAST,
                 TT_TICK_ONE);
}

static bool bob_gets_everything(struct drill *drill)
{
    static const char *const texts[] = {"hey", "where are you?", "hello??", "is everything okay?",
                                        "call me when you can"};
    for (uint64_t seq = 42; seq <= LAST; seq++) {
        if (!tt_device_await(&drill->bob, TT_SERVER_MESSAGE))
            return give_up(drill->bob.problem);
        expect(drill, drill->bob.last.seq.n == seq, "Bob is sent the five in order, each once");
        expect(drill, tt_slice_eq(drill->bob.last.content, tt_slice_text(texts[seq - 42])),
               "a message came back as it went in");
    }
    return tt_device_await(&drill->bob, TT_SERVER_CAUGHT_UP) || give_up(drill->bob.problem);
}

/* All five turn at once: one status_update, about nothing else. */
static bool play_ack(struct drill *drill, enum tt_client_frame_kind kind, const char *when,
                     const char *what, enum tt_tick tick)
{
    uint64_t before = drill->alice.status_updates;
    if (!ack(drill, &drill->bob, kind, LAST))
        return false;
    if (!tt_device_await(&drill->alice, TT_SERVER_STATUS_UPDATE))
        return give_up(drill->alice.problem);
    const struct tt_received *update = &drill->alice.last;
    bool is_read = kind == TT_CLIENT_READ;
    expect(drill, update->has_read == is_read && update->has_delivered == !is_read,
           "the status_update carries only what moved");
    expect(drill, (is_read ? update->cursor.read.n : update->cursor.delivered.n) == LAST,
           "the status_update says seq=46");
    if (!check(drill, when, what, 42, LAST, tick))
        return false;
    expect(drill, drill->alice.status_updates == before + 1, "there is one status_update, not two");
    return true;
}

static bool play_return(struct drill *drill)
{
    char when[32];
    snprintf(when, sizeof(when), "Day %llu, 9am", (unsigned long long)drill->values->days);
    if (!check(drill, when, "Bob's phone is on, a notification", 42, LAST, TT_TICK_ONE))
        return false;
    snprintf(when, sizeof(when), "Day %llu, 9:02am", (unsigned long long)drill->values->days);
    return turn_on(drill, &drill->bob) && bob_gets_everything(drill) &&
           check(drill, when, "Bob's app is connected, holds all five", 42, LAST, TT_TICK_ONE) &&
           play_ack(drill, TT_CLIENT_DELIVERED, when, "Bob's client acks seq=46", TT_TICK_TWO) &&
           play_ack(drill, TT_CLIENT_READ, when, "Bob's client reads the chat", TT_TICK_BLUE);
}

static bool find_server(struct drill *drill)
{
    const struct drill_values *values = drill->values;
    if (values->url == NULL) {
        if (!tt_private_server_open(&drill->server, NULL))
            return false;
        drill->endpoint = drill->server.endpoint;
        drill->data = drill->server.data;
        return true;
    }
    const char *problem;
    if (values->data == NULL)
        return give_up("with --url, --data DIR is needed too: its secret signs the tokens");
    if (!tt_endpoint_parse(values->url, &drill->endpoint, &problem))
        return give_up(problem);
    drill->data = values->data;
    return true;
}

/* On a server that others use nobody may be called what the document calls them. */
static void name_all(struct drill *drill)
{
    uint32_t number;
    char suffix[16] = "";
    char conversation[32];
    tt_entropy_os_fill(&number, sizeof(number));
    if (drill->values->url != NULL)
        snprintf(suffix, sizeof(suffix), "_%08x", number);
    snprintf(drill->alice_name, sizeof(drill->alice_name), "alice%s", suffix);
    snprintf(drill->bob_name, sizeof(drill->bob_name), "bob%s", suffix);
    snprintf(conversation, sizeof(conversation), "conv_abc123%s", suffix);
    drill->alice.user = drill->alice_name;
    drill->bob.user = drill->bob_name;
    drill->conversation = tt_id_of(conversation);
}

static int play(const struct drill_values *values)
{
    struct drill drill = {.values = values};
    name_all(&drill);
    if (!find_server(&drill))
        return TT_EXIT_FAIL;
    bool played = play_setup(&drill) && play_days_off(&drill) && play_return(&drill);
    tt_device_die(&drill.alice);
    tt_device_die(&drill.bob);
    if (values->url == NULL && !tt_private_server_close(&drill.server))
        played = give_up("the private server did not end well");
    if (!played)
        return TT_EXIT_FAIL;
    printf("\n%u checks, %u wrong\n", drill.checks, drill.wrong);
    return drill.wrong == 0 ? TT_EXIT_OK : TT_EXIT_FAIL;
}

int tt_command_drill(int argc, char **argv)
{
    struct drill_values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    tt_arena_deinit(&arena);
    if (outcome == TT_OPTIONS_HELP_SHOWN)
        return TT_EXIT_OK;
    if (outcome == TT_OPTIONS_BAD)
        return TT_EXIT_USAGE;
    if (strcmp(positionals.items[0], "phone-off") != 0) {
        tt_option_complain(&spec, "there is no drill \"%s\"; the one there is: phone-off",
                           positionals.items[0]);
        return TT_EXIT_USAGE;
    }
    return play(&values);
}
