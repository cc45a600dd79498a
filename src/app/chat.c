#include "app/command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "app/chat_view.h"
#include "app/client.h"
#include "app/option.h"
#include "app/signer.h"
#include "base/memory.h"
#include "core/effect.h"

#define TURN_MS   500
#define TYPING_MS 3000
#define RETRY_MS  1000

struct chat_values {
    const char *as;
    const char *with;
    const char *conversation;
    const char *url;
    const char *data;
    const char *device;
};

struct chat {
    const struct chat_values *values;
    struct tt_endpoint endpoint;
    struct tt_client *client; /* NULL: not connected */
    struct tt_chat_room *room;
    struct tt_chat_view view;
    tt_seq acked;
    uint64_t typed_at;
    uint64_t retry_at;
    uint64_t sends;
    uint64_t session; /* random, so that client_ids never repeat */
    const char *notice;
    char sentence[TT_CLIENT_SENTENCE];
    bool input_ended;
    bool ended;
};

#define AT(field) offsetof(struct chat_values, field)

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(as), "as", "USER", NULL, "who you are"),
    TT_TEXT_ROW(AT(with), "with", "USER", NULL, "whom to chat with"),
    TT_TEXT_ROW(AT(conversation), "conversation", "ID", NULL, "or which conversation to open"),
    TT_TEXT_ROW(AT(url), "url", "URL", TT_ENDPOINT_DEFAULT, "the server"),
    TT_TEXT_ROW(AT(data), "data", "DIR", "./data",
                "the server's data folder, whose secret signs your token"),
    TT_TEXT_ROW(AT(device), "device", "D", "terminal", "this device's id"),
};

static const struct tt_command_spec spec = {
    .name = "chat",
    .usage = "twoticks chat --as USER --with USER [--data DIR] [--url URL]",
    .about = "Chats in this terminal. One tick: stored. Two: on the other device. Blue: read.\n"
             "What you see here counts as read. Ctrl-D or Ctrl-C leaves. When input or output is\n"
             "no terminal, each line of input is sent, and what happens is told line by line.",
    .examples = "  twoticks chat --as alice --with bob --data ./data\n"
                "  twoticks chat --as bob --with alice --data ./data     # in another terminal",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static uint64_t now_ms(void)
{
    return tt_clock_os_nanoseconds() / 1000000U;
}

static bool sign(struct chat *chat, struct tt_buffer *token)
{
    return tt_signer_sign_for(chat->values->data, chat->values->as, chat->values->device, token,
                              chat->sentence);
}

static bool send_frame(struct chat *chat, const struct tt_client_frame *frame)
{
    struct tt_buffer text = {0};
    tt_client_write_frame(frame, &text);
    bool sent = chat->client != NULL && tt_client_send(chat->client, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return sent;
}

static void send_message(struct chat *chat, const struct tt_chat_message *message)
{
    send_frame(chat, &(struct tt_client_frame){.kind = TT_CLIENT_SEND,
                                               .conversation = chat->room->conversation,
                                               .client_id = message->client_id,
                                               .content = tt_buffer_slice(&message->raw)});
}

/* What is on the screen has been delivered and read. */
static void send_acks(struct chat *chat)
{
    if (chat->room->held.n <= chat->acked.n)
        return;
    chat->acked = chat->room->held;
    send_frame(chat, &(struct tt_client_frame){.kind = TT_CLIENT_READ,
                                               .conversation = chat->room->conversation,
                                               .seq = chat->acked});
}

/* The conversation of these two, made if there is none yet. */
static bool find_conversation(struct chat *chat)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"kind\":\"direct\",\"members\":[\"%s\",\"%s\"]}",
             chat->values->as, chat->values->with);
    struct tt_buffer token = {0};
    struct tt_client_answer answer;
    bool asked =
        sign(chat, &token) &&
        tt_client_request(&chat->endpoint, "POST", "/conversation", tt_buffer_slice(&token),
                          tt_slice_text(body), &answer, chat->sentence);
    tt_buffer_deinit(&token);
    if (!asked)
        return false;
    struct tt_received entry = {.known = false};
    tt_err err = tt_client_read_conversation(tt_buffer_slice(&answer.body), &entry);
    bool found = tt_is_ok(err) && !tt_id_is_none(&entry.conversation) && answer.status < 300;
    if (found)
        chat->room->conversation = entry.conversation;
    else
        snprintf(chat->sentence, sizeof(chat->sentence), "the server answered %d: %.*s",
                 answer.status, (int)(answer.body.size < 300 ? answer.body.size : 300),
                 answer.body.data);
    tt_buffer_deinit(&answer.body);
    return found;
}

/* What was not stored is sent again: the same client_id never stores anything twice. */
static bool connect_again(struct chat *chat)
{
    struct tt_buffer token = {0};
    if (sign(chat, &token))
        chat->client = tt_client_connect(&chat->endpoint, tt_buffer_slice(&token), chat->sentence);
    tt_buffer_deinit(&token);
    if (chat->client == NULL)
        return false;
    chat->notice = NULL;
    chat->acked = TT_SEQ(0);
    send_frame(chat, &(struct tt_client_frame){.kind = TT_CLIENT_OPEN,
                                               .conversation = chat->room->conversation});
    const struct tt_chat_message *message;
    for (size_t i = 0; (message = tt_chat_room_unsent(chat->room, i)) != NULL; i++)
        send_message(chat, message);
    return true;
}

static void lose(struct chat *chat)
{
    uint16_t code = tt_client_close_code(chat->client);
    tt_client_destroy(&chat->client);
    chat->retry_at = now_ms() + RETRY_MS;
    chat->notice = "not connected; trying again...";
    if (code == TT_CLOSE_REPLACED) {
        snprintf(chat->sentence, sizeof(chat->sentence),
                 "this device (%s) has connected elsewhere; use --device for another",
                 chat->values->device);
        chat->ended = true;
    }
}

static void take_frames(struct chat *chat)
{
    struct tt_slice text;
    while (chat->client != NULL) {
        enum tt_client_outcome outcome = tt_client_receive(chat->client, 0, &text);
        if (outcome == TT_CLIENT_NOTHING)
            break;
        if (outcome == TT_CLIENT_GONE) {
            lose(chat);
            return;
        }
        struct tt_received frame;
        if (!tt_is_ok(tt_client_read_frame(text, &frame)))
            continue;
        if (tt_chat_room_take(chat->room, &frame, now_ms()) || frame.kind == TT_SERVER_ERROR)
            tt_chat_view_tell(&chat->view, &frame);
    }
    send_acks(chat);
}

static void enter(struct chat *chat)
{
    struct tt_slice text = tt_slice(chat->view.input, chat->view.input_size);
    if (text.size == 0)
        return;
    char name[64];
    snprintf(name, sizeof(name), "chat-%016llx-%llu", (unsigned long long)chat->session,
             (unsigned long long)++chat->sends);
    tt_id client_id = tt_id_of(name);
    if (!tt_chat_room_add_own(chat->room, &client_id, text)) {
        chat->notice = "too much is unsent; wait for the server";
        return;
    }
    chat->view.input_size = 0;
    send_message(chat, &chat->room->messages[chat->room->count - 1]);
}

static void take_keys(struct chat *chat)
{
    char bytes[1024];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (got <= 0 && !(got < 0 && errno == EINTR)) {
        chat->input_ended = true;
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        enum tt_chat_key key = tt_chat_view_key(&chat->view, bytes[i]);
        if (key == TT_CHAT_QUIT)
            chat->input_ended = true;
        if (key == TT_CHAT_ENTERED)
            enter(chat);
    }
    if (chat->view.input_size > 0 && now_ms() >= chat->typed_at + TYPING_MS) {
        chat->typed_at = now_ms();
        send_frame(chat, &(struct tt_client_frame){.kind = TT_CLIENT_TYPING,
                                                   .conversation = chat->room->conversation});
    }
}

/* At the end of the input, what was typed is still stored. */
static bool is_over(const struct chat *chat)
{
    return chat->ended || (chat->input_ended &&
                           (chat->view.is_screen || tt_chat_room_unsent(chat->room, 0) == NULL));
}

static void run(struct chat *chat)
{
    while (!is_over(chat)) {
        if (chat->client == NULL && now_ms() >= chat->retry_at && !connect_again(chat))
            chat->retry_at = now_ms() + RETRY_MS;
        take_frames(chat);
        tt_chat_view_draw(&chat->view, chat->room, chat->notice, now_ms());
        struct pollfd fds[2] = {
            {.fd = chat->input_ended ? -1 : STDIN_FILENO, .events = POLLIN},
            {.fd = chat->client == NULL ? -1 : tt_client_fd(chat->client), .events = POLLIN}};
        if (!is_over(chat) && poll(fds, 2, TURN_MS) > 0 && fds[0].revents != 0)
            take_keys(chat);
    }
}

static int chat_with(const struct chat_values *values, tt_id me)
{
    struct chat chat = {.values = values};
    const char *problem;
    if (!tt_endpoint_parse(values->url, &chat.endpoint, &problem)) {
        tt_option_complain(&spec, "--url is \"%s\": %s", values->url, problem);
        return TT_EXIT_USAGE;
    }
    chat.room = tt_alloc(sizeof(*chat.room));
    chat.room->me = me;
    tt_entropy_os_fill(&chat.session, sizeof(chat.session));
    bool found = true;
    if (values->conversation == NULL)
        found = find_conversation(&chat);
    else
        chat.room->conversation = tt_id_of(values->conversation);
    if (found && connect_again(&chat)) {
        tt_chat_view_open(&chat.view);
        run(&chat);
        tt_chat_view_close(&chat.view);
    } else
        chat.ended = true;
    if (chat.client != NULL)
        tt_client_close(&chat.client);
    if (chat.ended)
        tt_option_complain(&spec, "%s", chat.sentence);
    tt_chat_room_deinit(chat.room);
    tt_free(chat.room);
    return chat.ended ? TT_EXIT_FAIL : TT_EXIT_OK;
}

static bool check_id(const char *name, const char *text)
{
    tt_id id;
    if (text == NULL || tt_is_ok(tt_id_parse(tt_slice_text(text), &id)))
        return true;
    tt_option_complain(&spec, "%s is \"%s\": %s", name, text, tt_err_text(TT_FAIL(BAD_ID)));
    return false;
}

int tt_command_chat(int argc, char **argv)
{
    struct chat_values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    tt_arena_deinit(&arena);
    if (outcome == TT_OPTIONS_HELP_SHOWN)
        return TT_EXIT_OK;
    if (outcome == TT_OPTIONS_BAD || !check_id("--as", values.as) ||
        !check_id("--with", values.with) || !check_id("--conversation", values.conversation))
        return TT_EXIT_USAGE;
    if (values.as == NULL || (values.with == NULL) == (values.conversation == NULL)) {
        tt_option_complain(&spec, "say who you are and whom to chat with: --as alice --with bob");
        return TT_EXIT_USAGE;
    }
    return chat_with(&values, tt_id_of(values.as));
}
