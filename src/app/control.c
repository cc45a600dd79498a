#include "app/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "model/account_ask.h"

#define LINE_BYTES_MAX 16384
#define LINE_MS        5000
#define HEARD_MS       10000 /* for the blank that says that a line was read */
#define ANSWER_MS      60000 /* the store may be busy, and Argon2id takes its time */

struct tt_control {
    struct tt_desk *desk;
    struct tt_control_helper helper;
    const struct tt_log *log;
    int folder;
    int listening;
    int stop[2]; /* a pipe: closed at its writing end when it is over */
    pthread_t thread;
};

enum { DO, USER, PASSWORD, KEYS };

static const char *const keys[KEYS] = {"do", "user_id", "password"};

static void answer_error(struct tt_buffer *answer, const char *sentence)
{
    struct tt_json_writer json = {.out = answer};
    answer->size = 0;
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "error", sentence);
    tt_json_end_object(&json);
}

static void put_row(void *context, const struct tt_account_row *row)
{
    struct tt_json_writer *json = context;
    tt_json_begin_object(json, NULL);
    tt_json_put_id(json, "user_id", &row->user);
    tt_json_put_time(json, "created_at", row->account.created_at);
    tt_json_put_bool(json, "disabled", row->account.disabled);
    tt_json_put_u64(json, "logins", row->account.login_count);
    tt_json_end_object(json);
}

static tt_err answer_list(struct tt_desk *desk, struct tt_buffer *answer)
{
    struct tt_json_writer json = {.out = answer};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_array(&json, "accounts");
    tt_err err = tt_desk_list(desk, put_row, &json);
    tt_json_end_array(&json);
    tt_json_end_object(&json);
    return err;
}

static const char *sentence_of(tt_err err)
{
    if (tt_err_is(err, TT_ERR_CONFLICT))
        return "there is an account of that name already; `twoticks user passwd` gives it a new "
               "password";
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return "there is no account of that name; `twoticks user list` shows them";
    return tt_err_text(err);
}

static tt_err with_password(struct tt_desk *desk, const tt_id *user, struct tt_json raw, bool adds)
{
    struct tt_buffer text = {0};
    struct tt_room room = {0};
    tt_time at = tt_clock_os_wall();
    if (raw.kind != TT_JSON_STRING)
        return TT_FAIL(KEY_MISSING);
    tt_json_unescape(raw.text, &text);
    bool fits = text.size >= TT_PASSWORD_BYTES_MIN && text.size <= TT_PASSWORD_BYTES_MAX;
    tt_err err = !fits  ? TT_FAIL(INVALID)
                 : adds ? tt_desk_add(desk, &room, user, tt_buffer_slice(&text), false, at)
                        : tt_desk_set_password(desk, &room, user, tt_buffer_slice(&text), at);
    tt_room_leave(&room);
    if (text.size > 0)
        explicit_bzero(text.data, text.size);
    tt_buffer_deinit(&text);
    return err;
}

static tt_err carry_out(struct tt_desk *desk, const struct tt_json values[KEYS],
                        struct tt_buffer *answer)
{
    tt_id user;
    struct tt_slice verb = values[DO].text;
    if (values[DO].kind != TT_JSON_STRING)
        return TT_FAIL(KEY_MISSING);
    if (tt_json_string_is(verb, "list"))
        return answer_list(desk, answer);
    TT_TRY(tt_json_get_id(values[USER], &user));
    tt_buffer_add_text(answer, "{}");
    if (tt_json_string_is(verb, "add"))
        return with_password(desk, &user, values[PASSWORD], true);
    if (tt_json_string_is(verb, "passwd"))
        return with_password(desk, &user, values[PASSWORD], false);
    if (tt_json_string_is(verb, "disable"))
        return tt_desk_disable(desk, &user, tt_clock_os_wall());
    if (tt_json_string_is(verb, "enable"))
        return tt_desk_enable(desk, &user, tt_clock_os_wall());
    return TT_FAIL(UNKNOWN_FRAME);
}

void tt_control_answer(struct tt_desk *desk, struct tt_slice line, struct tt_buffer *answer)
{
    struct tt_json values[KEYS];
    tt_err err = tt_json_read_object(line, keys, KEYS, values);
    if (tt_is_ok(err))
        err = carry_out(desk, values, answer);
    if (!tt_is_ok(err))
        answer_error(answer, sentence_of(err));
}

/* Reads up to a line feed or the peer's end. */
static bool read_line(int fd, int wait_ms, size_t size_max, struct tt_buffer *line)
{
    uint64_t until = tt_clock_os_nanoseconds() + (uint64_t)wait_ms * 1000000U;
    while (line->size < size_max &&
           (line->size == 0 || memchr(line->data, '\n', line->size) == NULL)) {
        uint64_t now = tt_clock_os_nanoseconds();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (now >= until || poll(&ready, 1, (int)((until - now) / 1000000U) + 1) <= 0)
            return false;
        char *room = tt_buffer_reserve(line, 4096);
        ssize_t got = read(fd, room, 4096);
        if (got <= 0)
            return got == 0 && line->size > 0;
        tt_buffer_grow_by(line, (size_t)got);
    }
    return line->size < size_max;
}

static bool write_all(int fd, struct tt_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t put = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        bytes = tt_slice_from(bytes, (size_t)put);
    }
    return true;
}

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static bool asks_for_backup(struct tt_slice line)
{
    struct tt_json values[KEYS];
    return tt_is_ok(tt_json_read_object(line, keys, KEYS, values)) &&
           values[DO].kind == TT_JSON_STRING && tt_json_string_is(values[DO].text, "backup");
}

static void answer_backup(const struct tt_control *control, struct tt_buffer *answer)
{
    char path[PATH_MAX];
    char sentence[TT_CONTROL_SENTENCE] = "this server keeps its messages elsewhere; back up the "
                                         "tables of its database";
    const struct tt_control_helper *helper = &control->helper;
    if (helper->snapshot == NULL || !helper->snapshot(helper->context, path, sentence)) {
        answer_error(answer, sentence);
        return;
    }
    struct tt_json_writer json = {.out = answer};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "path", path);
    tt_json_end_object(&json);
}

static void serve_one(struct tt_control *control, int fd)
{
    struct tt_buffer line = {0};
    struct tt_buffer answer = {0};
    /* Who has given up meanwhile is not there to take the blank, and nothing is done for him. */
    if (is_ours(fd) && read_line(fd, LINE_MS, LINE_BYTES_MAX, &line) &&
        write_all(fd, TT_SLICE_LITERAL(" "))) {
        if (asks_for_backup(tt_buffer_slice(&line)))
            answer_backup(control, &answer);
        else
            tt_control_answer(control->desk, tt_buffer_slice(&line), &answer);
        tt_buffer_add_byte(&answer, '\n');
        (void)write_all(fd, tt_buffer_slice(&answer));
    }
    if (line.size > 0)
        explicit_bzero(line.data, line.size);
    tt_buffer_deinit(&line);
    tt_buffer_deinit(&answer);
    close(fd);
}

static void *run(void *context)
{
    struct tt_control *control = context;
    for (;;) {
        struct pollfd waits[2] = {{.fd = control->listening, .events = POLLIN},
                                  {.fd = control->stop[0], .events = POLLIN}};
        if (poll(waits, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (waits[1].revents != 0)
            return NULL;
        int fd = accept4(control->listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve_one(control, fd);
        else if (errno == EMFILE || errno == ENFILE)
            (void)poll(&waits[1], 1, 1000); /* it would be ready again at once */
    }
}

/* By way of the open folder, since a socket's name may have no more than 107 bytes. */
static void address_of(int folder, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/control", folder);
}

static bool listen_there(struct tt_control *control, const char *dir)
{
    struct sockaddr_un address;
    control->folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    control->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->folder < 0 || control->listening < 0)
        return false;
    address_of(control->folder, &address);
    (void)unlinkat(control->folder, "control", 0);  /* of a server that was killed */
    return fchmod(control->listening, 0600) == 0 && /* which the name then has */
           bind(control->listening, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(control->listening, 16) == 0 && pipe2(control->stop, O_CLOEXEC) == 0;
}

static void close_files(struct tt_control *control)
{
    const int files[] = {control->folder, control->listening, control->stop[0], control->stop[1]};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (files[i] >= 0)
            close(files[i]);
}

struct tt_control *tt_control_open(const char *dir, struct tt_desk *desk,
                                   const struct tt_control_helper *helper, const struct tt_log *log)
{
    struct tt_control *control = tt_alloc(sizeof(*control));
    *control = (struct tt_control){.desk = desk,
                                   .helper = *helper,
                                   .log = log,
                                   .folder = -1,
                                   .listening = -1,
                                   .stop = {-1, -1}};
    if (listen_there(control, dir) && pthread_create(&control->thread, NULL, run, control) == 0)
        return control;
    TT_LOG(log, WARN, "the `user` command will not reach this server",
           tt_log_text("why", strerror(errno)));
    close_files(control);
    tt_free(control);
    return NULL;
}

void tt_control_close(struct tt_control **take_control)
{
    struct tt_control *control = *take_control;
    *take_control = NULL;
    close(control->stop[1]);
    control->stop[1] = -1;
    pthread_join(control->thread, NULL);
    (void)unlinkat(control->folder, "control", 0);
    close_files(control);
    tt_free(control);
}

static const char silent[] = "the server of this data folder has said nothing for 10 s: it is "
                             "stopped, or busy with another command; look at its log, and try "
                             "again";

static bool fail(char sentence[TT_CONTROL_SENTENCE], const char *what)
{
    snprintf(sentence, TT_CONTROL_SENTENCE, "%s", what);
    return false;
}

static bool exchange(int fd, struct tt_slice line, struct tt_buffer *answer, char *sentence)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char blank;
    bool sent = write_all(fd, line) && write_all(fd, TT_SLICE_LITERAL("\n"));
    if (sent && poll(&ready, 1, HEARD_MS) <= 0)
        return fail(sentence, silent);
    if (!sent || read(fd, &blank, 1) != 1 || !read_line(fd, ANSWER_MS, SIZE_MAX, answer))
        return fail(sentence, "the server gave no answer; look at its log");
    answer->size--;
    return true;
}

/* True also where the server is there, but takes nobody in; *full tells. */
static bool reach(int folder, int fd, bool *full)
{
    struct sockaddr_un address;
    const struct timeval wait = {.tv_sec = HEARD_MS / 1000};
    address_of(folder, &address);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    bool connected = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    *full = !connected && errno == EAGAIN;
    return connected || *full;
}

bool tt_control_ask(const char *dir, struct tt_slice line, struct tt_buffer *answer, bool *reached,
                    char sentence[TT_CONTROL_SENTENCE])
{
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool full = false;
    *reached = folder >= 0 && fd >= 0 && reach(folder, fd, &full);
    bool asked = full       ? fail(sentence, silent)
                 : *reached ? exchange(fd, line, answer, sentence)
                            : fail(sentence, "no server answers in this data folder");
    if (folder >= 0)
        close(folder);
    if (fd >= 0)
        close(fd);
    return asked;
}
