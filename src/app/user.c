#include "app/command.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "adapter/account/password.h"
#include "adapter/clock_os.h"
#include "adapter/embedded/store.h"
#include "adapter/entropy_os.h"
#include "app/control.h"
#include "app/option.h"
#include "app/privileges.h"
#include "app/secret.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "edge/invite.h"
#include "model/account_ask.h"

struct user_values {
    const char *data;
    uint64_t ttl_ms;
    bool json;
};

#define AT(field) offsetof(struct user_values, field)
#define DAY       (24 * 3600 * 1000ULL)

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL, "the server's data folder"),
    TT_DURATION_ROW(AT(ttl_ms), "ttl", 7 * DAY, 1000, 3650 * DAY,
                    "how long an invitation is good for"),
    TT_FLAG_ROW(AT(json), "json", "list as JSON"),
};

static const struct tt_command_spec spec = {
    .name = "user",
    .usage = "twoticks user add|list|disable|enable|passwd|invite [USER] --data DIR",
    .about =
        "The built-in accounts, by which people log in where no other service signs tokens. Works\n"
        "while the server runs, and without it; as root, then, as the user to whom the store\n"
        "belongs.\n\n"
        "  add USER      makes an account; the password is asked for, or read from stdin\n"
        "  list          shows all accounts\n"
        "  passwd USER   sets a new password; all devices of USER are logged out and unlinked\n"
        "  disable USER  the same, and nobody logs in as USER any more; messages stay\n"
        "  enable USER   undoes disable\n"
        "  invite USER   prints a code with which USER may register, once (--accounts invite)",
    .examples = "  twoticks user add alice --data ./data\n"
                "  echo correct-horse-battery | twoticks user add bob --data ./data\n"
                "  twoticks user invite carol --ttl 3d --data ./data",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_min = 1,
    .positional_max = 2,
};

static bool complain(const char *sentence)
{
    tt_option_complain(&spec, "%s", sentence);
    return false;
}

/* One line, without its end. */
static bool read_line(char *line, size_t size)
{
    if (fgets(line, (int)size, stdin) == NULL)
        return complain("no password came; type one, or pipe one line into this command");
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static bool ask(const char *prompt, char *line, size_t size)
{
    struct termios shown;
    struct termios hidden;
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return read_line(line, size);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool read = read_line(line, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fprintf(stderr, "\n");
    return read;
}

static bool read_password(char *password, size_t size)
{
    char again[TT_PASSWORD_BYTES_MAX + 2];
    if (!ask("password: ", password, size))
        return false;
    if (strlen(password) < TT_PASSWORD_BYTES_MIN)
        return complain("choose a password of at least 8 bytes");
    if (strlen(password) > TT_PASSWORD_BYTES_MAX)
        return complain("a password has at most 1024 bytes");
    if (!isatty(STDIN_FILENO))
        return true;
    bool same = ask("once more: ", again, sizeof(again)) && strcmp(again, password) == 0;
    explicit_bzero(again, sizeof(again));
    return same || complain("the two were different; nothing was changed");
}

static void put_escaped(struct tt_json_writer *json, const char *key, const char *text)
{
    tt_json_put_string(json, key, tt_slice_text(text));
}

static bool make_line(const char *verb, const char *user, bool has_password, struct tt_buffer *line)
{
    char password[TT_PASSWORD_BYTES_MAX + 2] = "";
    if (has_password && !read_password(password, sizeof(password)))
        return false;
    struct tt_json_writer json = {.out = line};
    tt_json_begin_object(&json, NULL);
    put_escaped(&json, "do", verb);
    if (user != NULL)
        put_escaped(&json, "user_id", user);
    if (has_password)
        put_escaped(&json, "password", password);
    tt_json_end_object(&json);
    explicit_bzero(password, sizeof(password));
    return true;
}

static void on_fatal(void *context, const char *sentence)
{
    (void)context;
    complain(sentence);
    _exit(TT_EXIT_FAIL);
}

static struct tt_store_port attach(void *context, struct tt_store_sink sink)
{
    return tt_embedded_store_attach(context, sink);
}

static bool has(const char *data, const char *name)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof(path), "%s/%s", data, name);
    return size > 0 && (size_t)size < sizeof(path) && access(path, F_OK) == 0;
}

/* Only the first account may come before the first start. */
static bool prepare_folder(const char *data, bool makes)
{
    char sentence[TT_SECRET_SENTENCE];
    char why_not[TT_PRIVILEGES_SENTENCE];
    if (!tt_privileges_follow(data, why_not))
        return complain(why_not);
    return !makes || tt_secret_make_folder(data, sentence) || complain(sentence);
}

/* No server has the folder open, so this command may. */
static bool answer_here(const char *data, const char *verb, struct tt_slice line,
                        struct tt_buffer *answer)
{
    bool makes = strcmp(verb, "add") == 0 && !has(data, "secret");
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_embedded_store *store;
    const struct tt_embedded_options opening = {
        .dir = data, .fatal = on_fatal, .offline = strcmp(verb, "list") == 0};
    if (!makes && !has(data, "store")) {
        tt_option_complain(&spec,
                           "no server runs on %s, and it holds no store; name the server's "
                           "data folder, or start the server first",
                           data);
        return false;
    }
    if (!prepare_folder(data, makes))
        return false;
    if (!tt_is_ok(tt_embedded_store_open(&opening, &store, sentence)))
        return complain(sentence);
    struct tt_desk *desk;
    const struct tt_desk_owner owner = {.context = store,
                                        .attach = attach,
                                        .fill = tt_entropy_os_fill,
                                        .memory = TT_PASSWORD_MEMORY};
    tt_err err = tt_desk_create(&owner, &desk);
    if (tt_is_ok(err)) {
        tt_control_answer(desk, line, answer);
        tt_desk_destroy(&desk);
    }
    tt_embedded_store_close(&store);
    return tt_is_ok(err) || complain(tt_err_text(err));
}

static bool get_answer(const char *data, const char *verb, struct tt_slice line,
                       struct tt_buffer *answer)
{
    char sentence[TT_CONTROL_SENTENCE];
    bool reached;
    if (tt_control_ask(data, line, answer, &reached, sentence))
        return true;
    return reached ? complain(sentence) : answer_here(data, verb, line, answer);
}

static void print_account(struct tt_json account)
{
    enum { USER, CREATED, DISABLED, LOGINS, KEYS };
    static const char *const keys[KEYS] = {"user_id", "created_at", "disabled", "logins"};
    struct tt_json values[KEYS];
    if (!tt_is_ok(tt_json_read_object(account.text, keys, KEYS, values)))
        return;
    printf("%-24.*s since %.*s  %.*s logged in%s\n", (int)values[USER].text.size,
           values[USER].text.data, (int)values[CREATED].text.size, values[CREATED].text.data,
           (int)values[LOGINS].text.size, values[LOGINS].text.data,
           values[DISABLED].kind == TT_JSON_TRUE ? "  disabled" : "");
}

static bool print_answer(struct tt_slice answer, bool as_json)
{
    enum { ERROR, ACCOUNTS, KEYS };
    static const char *const keys[KEYS] = {"error", "accounts"};
    struct tt_json values[KEYS];
    struct tt_json account;
    if (!tt_is_ok(tt_json_read_object(answer, keys, KEYS, values)))
        return complain("the server's answer cannot be understood");
    if (values[ERROR].kind == TT_JSON_STRING) {
        tt_option_complain(&spec, "%.*s", (int)values[ERROR].text.size, values[ERROR].text.data);
        return false;
    }
    if (values[ACCOUNTS].kind != TT_JSON_ARRAY)
        return true;
    if (as_json) {
        printf("%.*s\n", (int)answer.size, answer.data);
        return true;
    }
    struct tt_json_items items = tt_json_items(values[ACCOUNTS]);
    while (tt_json_next(&items, NULL, &account))
        print_account(account);
    return true;
}

static bool print_invite(const struct user_values *values, const tt_id *user)
{
    struct tt_secret secret;
    char sentence[TT_SECRET_SENTENCE];
    struct tt_buffer code = {0};
    if (!tt_secret_read(values->data, &secret, sentence))
        return complain(sentence);
    tt_time expires = TT_TIME(tt_clock_os_wall().ms + (int64_t)values->ttl_ms);
    tt_invite_make(tt_secret_slice(&secret), user, expires, &code);
    explicit_bzero(&secret, sizeof(secret));
    printf("%.*s\n", (int)code.size, code.data);
    tt_buffer_deinit(&code);
    return true;
}

static bool run(const struct user_values *values, const char *verb, const char *user)
{
    bool has_password = strcmp(verb, "add") == 0 || strcmp(verb, "passwd") == 0;
    struct tt_buffer line = {0};
    struct tt_buffer answer = {0};
    bool done = make_line(verb, user, has_password, &line) &&
                get_answer(values->data, verb, tt_buffer_slice(&line), &answer) &&
                print_answer(tt_buffer_slice(&answer), values->json);
    if (line.size > 0)
        explicit_bzero(line.data, line.size);
    tt_buffer_deinit(&line);
    tt_buffer_deinit(&answer);
    return done;
}

/* Whether the verb is known and its name is as it must be. */
static bool check(const char *verb, const char *user, tt_id *id)
{
    static const char *const verbs[] = {"add", "passwd", "disable", "enable", "invite"};
    bool is_list = strcmp(verb, "list") == 0;
    bool known = is_list;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        known = known || strcmp(verb, verbs[i]) == 0;
    if (known && !is_list && user == NULL) {
        tt_option_complain(&spec, "%s: USER is missing; usage: %s", verb, spec.usage);
        return false;
    }
    if (!known || is_list != (user == NULL)) {
        tt_option_complain(&spec, "what is \"%s%s%s\"? usage: %s", verb, user == NULL ? "" : " ",
                           user == NULL ? "" : user, spec.usage);
        return false;
    }
    if (user == NULL || tt_is_ok(tt_id_parse(tt_slice_text(user), id)))
        return true;
    tt_option_complain(&spec, "USER is \"%s\": %s", user, tt_err_text(TT_FAIL(BAD_ID)));
    return false;
}

int tt_command_user(int argc, char **argv)
{
    struct user_values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    tt_arena_deinit(&arena);
    if (outcome != TT_OPTIONS_READ)
        return outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    const char *verb = positionals.items[0];
    const char *user = positionals.count > 1 ? positionals.items[1] : NULL;
    tt_id id;
    if (!check(verb, user, &id))
        return TT_EXIT_USAGE;
    if (values.data == NULL) {
        complain("--data DIR is missing: the data folder of the server");
        return TT_EXIT_USAGE;
    }
    bool done = strcmp(verb, "invite") == 0 ? print_invite(&values, &id) : run(&values, verb, user);
    return done ? TT_EXIT_OK : TT_EXIT_FAIL;
}
