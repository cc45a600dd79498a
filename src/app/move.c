/* The command `move`. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/embedded/folder.h"
#include "adapter/embedded/transfer.h"
#include "adapter/entropy_os.h"
#include "app/command.h"
#include "app/mover.h"
#include "app/privileges.h"
#include "app/scale.h"
#include "app/tree.h"

#define AT(field)  offsetof(struct values, field)
#define BAR_WIDTH  24
#define SHOW_MS    200
#define QUIET_MS   10000 /* between two lines where nobody watches */
#define LOOK_S     1
#define WHERE_SIZE 400
#define STORES     "dynamodb"

struct values {
    const char *data;
    const char *to;
    const char *from;
    const char *prefix;
    bool give_up;
};

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL, "the data folder; its server must be stopped"),
    TT_CHOICE_ROW(AT(to), "to", "STORE", NULL, STORES, "moves what is in DIR there"),
    TT_CHOICE_ROW(AT(from), "from", "STORE", NULL, STORES,
                  "moves what is there into DIR, which must hold no store"),
    TT_TEXT_ROW(AT(prefix), "table-prefix", "TEXT", "", "stands before each table's name"),
    TT_FLAG_ROW(AT(give_up), "give-up", "takes back that the source was moved away"),
};

static const struct tt_command_spec spec = {
    .name = "move",
    .usage = "twoticks move --data DIR --to dynamodb | --from dynamodb",
    .about =
        "Copies everything between a data folder and the tables of the scale-out mode (make them\n"
        "by `twoticks store init`), and compares both row by row. All servers must be stopped.\n"
        "Cut short at any moment, the same command goes on. The source stays as it is, but nobody\n"
        "can serve from it any more, nor from the target before all of it is there; --give-up "
        "takes\n"
        "that back for the source. Clients notice a reconnect, if the secret stays the same: copy\n"
        "the files `secret` and `vapid.pem` of DIR to wherever servers run from then on.\n"
        "Where the tables are is said by AWS_REGION or AWS_ENDPOINT_URL_DYNAMODB; beside what\n"
        "`serve` needs, dynamodb:Scan on all tables is needed.",
    .examples = "  twoticks move --data /var/lib/twoticks --to dynamodb\n"
                "  twoticks move --data /var/lib/twoticks-back --from dynamodb",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct moving {
    const struct values *values;
    struct tt_config config;
    struct tt_scale_tables *tables;
    struct tt_embedded_transfer *folder;
    struct tt_mover mover;
    char folder_name[PATH_MAX];
    char tables_name[WHERE_SIZE];
    bool watched;
    tt_mono shown_at;
    enum tt_mover_phase shown_phase;
};

static bool complain(const char *sentence)
{
    tt_option_complain(&spec, "%s", sentence);
    return false;
}

static const char *phase_name(enum tt_mover_phase phase)
{
    static const char *const names[] = {"users", "conversations", "comparing"};
    return names[phase];
}

/* What of the phase is done, from 0 to 1; less than 0: nobody knows how much there is. */
static double share_done(const struct tt_mover *mover)
{
    const struct tt_transfer_counts *done = &mover->done;
    const struct tt_transfer_counts *total = &mover->total;
    uint64_t most = total->users + total->conversations + total->messages;
    uint64_t now = done->users + done->conversations + done->messages;
    if (mover->phase == TT_MOVER_USERS)
        most = total->users;
    if (mover->phase == TT_MOVER_CONVERSATIONS) {
        most -= total->users;
        now -= done->users;
    }
    if (most == 0)
        return -1;
    return now > most ? 1 : (double)now / (double)most;
}

static void show(const struct tt_mover *mover, const char *end)
{
    char bar[BAR_WIDTH + 16] = "";
    double share = share_done(mover);
    if (share >= 0) {
        char filled[BAR_WIDTH + 1];
        memset(filled, ' ', BAR_WIDTH);
        memset(filled, '#', (size_t)(share * BAR_WIDTH));
        filled[BAR_WIDTH] = '\0';
        snprintf(bar, sizeof(bar), "[%s] %3d %%", filled, (int)(share * 100));
    }
    fprintf(stderr, "%-13s %s  %llu users, %llu conversations, %llu messages%s",
            phase_name(mover->phase), bar, (unsigned long long)mover->done.users,
            (unsigned long long)mover->done.conversations, (unsigned long long)mover->done.messages,
            end);
}

static void tell(void *context, const struct tt_mover *mover)
{
    struct moving *moving = context;
    tt_mono now = mover->clock.mono(mover->clock.self);
    bool new_phase = moving->shown_at.ms == 0 || moving->shown_phase != mover->phase;
    if (!new_phase && now.ms - moving->shown_at.ms < (moving->watched ? SHOW_MS : QUIET_MS))
        return;
    if (new_phase && moving->shown_at.ms != 0 && moving->watched)
        fputc('\n', stderr);
    moving->shown_at = now;
    moving->shown_phase = mover->phase;
    if (moving->watched)
        fputc('\r', stderr);
    show(mover, moving->watched ? "\033[K" : "\n");
}

/* A server that was stopped a moment ago looks alive until it has been silent for a lease. */
static tt_err await_silence(void *context, char sentence[TT_MOVER_SENTENCE])
{
    struct moving *moving = context;
    struct tt_ddb_transfer *transfer = tt_scale_transfer(moving->tables);
    tt_id server;
    tt_time first = {0};
    for (bool told = false;; told = true) {
        tt_time alive_at;
        if (!tt_is_ok(tt_ddb_transfer_alive(transfer, &server, &alive_at))) {
            snprintf(sentence, TT_MOVER_SENTENCE, "the table servers cannot be read");
            return TT_FAIL(UNAVAILABLE);
        }
        if (tt_id_is_none(&server))
            return TT_OK;
        if (told && alive_at.ms > first.ms)
            break;
        first = alive_at;
        if (!told)
            fprintf(stderr, "waiting for some seconds to see that %.*s is stopped\n",
                    (int)server.size, server.bytes);
        nanosleep(&(struct timespec){.tv_sec = LOOK_S}, NULL);
    }
    snprintf(sentence, TT_MOVER_SENTENCE,
             "the server %.*s is running on these tables; stop all servers first", (int)server.size,
             server.bytes);
    return TT_FAIL(CONFLICT);
}

static tt_err may_begin(void *context, char sentence[TT_MOVER_SENTENCE])
{
    struct moving *moving = context;
    const char *not_empty;
    if (moving->values->to == NULL)
        return TT_OK; /* the folder holds no store: that was seen when it was opened */
    if (!tt_is_ok(tt_ddb_transfer_look(tt_scale_transfer(moving->tables), &not_empty))) {
        snprintf(sentence, TT_MOVER_SENTENCE, "the tables cannot be read: %.300s",
                 tt_scale_complaint(moving->tables));
        return TT_FAIL(UNAVAILABLE);
    }
    if (not_empty == NULL)
        return TT_OK;
    snprintf(sentence, TT_MOVER_SENTENCE,
             "the table %s%s holds rows already, which did not come from this folder; name other "
             "tables with --table-prefix (`twoticks store init` makes them)",
             moving->values->prefix, not_empty);
    return TT_FAIL(CONFLICT);
}

static bool is_there(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat stat;
    return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
           lstat(path, &stat) == 0;
}

static bool check_direction(const struct values *values)
{
    if (values->to != NULL && !is_there(values->data, "store")) {
        tt_option_complain(&spec,
                           is_there(values->data, TT_FOLDER_MOVING)
                               ? "a store is just being moved into %s; go on with --from dynamodb"
                               : "there is no store in %s; give the data folder that the server "
                                 "uses, or say --from dynamodb to fetch one",
                           values->data);
        return false;
    }
    if (values->from != NULL && is_there(values->data, TT_FOLDER_MOVED)) {
        tt_option_complain(&spec,
                           "%s still holds what was moved from it; give a folder without a store, "
                           "and copy the files `secret` and `vapid.pem` into it",
                           values->data);
        return false;
    }
    return true;
}

static bool open_folder(struct moving *moving)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_embedded_options folder = {.dir = moving->values->data};
    tt_err err = moving->values->to != NULL
                     ? tt_embedded_transfer_open(&folder, &moving->folder, sentence)
                     : tt_embedded_transfer_begin(&folder, &moving->folder, sentence);
    return tt_is_ok(err) || complain(sentence);
}

static bool open_tables(struct moving *moving)
{
    char sentence[TT_AWS_SENTENCE];
    struct tt_scale_config scale;
    moving->config = (struct tt_config){
        .table_prefix = moving->values->prefix, .registry = "local", .store = STORES};
    if (!tt_scale_read(&moving->config, &scale, sentence))
        return complain(sentence);
    moving->tables = tt_scale_open_tables(&moving->config, &scale, sentence);
    if (moving->tables == NULL)
        return complain(sentence);
    snprintf(moving->tables_name, sizeof(moving->tables_name), "DynamoDB at %s:%u%s%.100s",
             scale.dynamodb.host, (unsigned)scale.dynamodb.port,
             moving->values->prefix[0] == '\0' ? "" : ", prefix ", moving->values->prefix);
    return true;
}

static void name_folder(struct moving *moving)
{
    char *full = realpath(moving->values->data, NULL);
    snprintf(moving->folder_name, sizeof(moving->folder_name), "%s",
             full == NULL ? moving->values->data : full);
    free(full);
    if (strlen(moving->folder_name) >= WHERE_SIZE)
        snprintf(moving->folder_name, sizeof(moving->folder_name), "a folder");
}

static void report(const struct moving *moving)
{
    const struct tt_mover *mover = &moving->mover;
    const char *data = moving->values->data;
    if (mover->was_done)
        printf("%s was moved to %s before; there is nothing left to do\n", mover->from, mover->to);
    else
        printf("moved %s to %s: %llu users, %llu conversations, %llu messages; %llu rows are the "
               "same in both\n",
               mover->from, mover->to, (unsigned long long)mover->checked.users,
               (unsigned long long)mover->checked.conversations,
               (unsigned long long)mover->checked.messages, (unsigned long long)mover->rows);
    if (moving->values->to != NULL)
        printf("give %s/secret and %s/vapid.pem (or your own keys) to every server, and start them "
               "with --store dynamodb\n",
               data, data);
    else if (!is_there(data, "secret") || !is_there(data, "vapid.pem"))
        printf(
            "before you start a server on it, copy the servers' files `secret` and `vapid.pem` "
            "into %s: with new ones, nobody's token or browser's subscription is good any more\n",
            data);
}

static bool move(struct moving *moving)
{
    struct tt_mover *mover = &moving->mover;
    struct tt_entropy_os entropy = {.left = 0};
    struct tt_entropy_port random = tt_entropy_os(&entropy);
    struct tt_transfer_port folder = tt_embedded_transfer_port(moving->folder);
    struct tt_transfer_port tables = tt_ddb_transfer_port(tt_scale_transfer(moving->tables));
    bool away = moving->values->to != NULL;
    name_folder(moving);
    *mover = (struct tt_mover){
        .source = away ? folder : tables,
        .target = away ? tables : folder,
        .from = away ? moving->folder_name : moving->tables_name,
        .to = away ? moving->tables_name : moving->folder_name,
        .made_up = random.next(random.self),
        .clock = tt_clock_os(),
        .may_begin = may_begin,
        .await_silence = await_silence,
        .tell = tell,
        .context = moving,
    };
    moving->watched = isatty(STDERR_FILENO) == 1;
    tt_err err = tt_mover_run(mover);
    if (moving->watched && moving->shown_at.ms != 0)
        fputc('\n', stderr);
    if (tt_is_ok(err) && !away) {
        err = tt_embedded_transfer_finish(moving->folder);
        if (!tt_is_ok(err))
            return complain(folder.sentence(folder.self));
    }
    if (!tt_is_ok(err)) {
        complain(mover->sentence);
        if (tt_scale_complaint(moving->tables)[0] != '\0')
            complain(tt_scale_complaint(moving->tables));
        return false;
    }
    report(moving);
    return true;
}

/* The source may serve again. */
static bool give_up_folder(const char *data)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/" TT_FOLDER_MOVED, data) < (int)sizeof(path) &&
        unlink(path) == 0) {
        printf("a server may use %s again; what was sent from the tables is not in it\n", data);
        return true;
    }
    tt_option_complain(&spec, "%s is not marked as moved (%s)", data, strerror(errno));
    return false;
}

static bool give_up_tables(struct moving *moving)
{
    struct tt_arena arena = {0};
    struct tt_transfer_port port = tt_ddb_transfer_port(tt_scale_transfer(moving->tables));
    struct tt_slice mark;
    tt_err err = port.load(port.self, &arena, &mark);
    bool leaving = tt_is_ok(err) && tt_mover_is_leaving(mark);
    if (leaving)
        err = port.save(port.self, TT_SLICE_EMPTY);
    tt_arena_deinit(&arena);
    if (!tt_is_ok(err))
        return complain(port.sentence(port.self));
    if (!leaving)
        return complain("these tables are not marked as moved away");
    printf("servers may use the tables again; what was sent from the folder is not in them\n");
    return true;
}

static bool join(const char *folder, const char *name, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

/* What root has made there, so that its server can open it. Root goes on as root until then: the
 * credentials for the tables may be root's. */
static bool give_back(const char *data, uid_t user, gid_t group)
{
    static const char *const names[] = {"store", "store.lock", TT_FOLDER_MOVING, TT_FOLDER_MOVED};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!is_there(data, names[i]) || !join(data, names[i], path) ||
            tt_tree_give(path, user, group))
            continue;
        tt_option_complain(&spec, "%s cannot be given to its owner: %s; run: chown -R %lu:%lu %s",
                           path, strerror(errno), (unsigned long)user, (unsigned long)group, data);
        return false;
    }
    return true;
}

static bool carry_out(const struct values *values)
{
    struct moving moving = {.values = values};
    if (values->give_up && values->to != NULL)
        return give_up_folder(values->data);
    if (!values->give_up && !check_direction(values))
        return false;
    bool done = open_tables(&moving);
    if (done && values->give_up)
        done = give_up_tables(&moving);
    else if (done)
        done = open_folder(&moving) && move(&moving);
    if (moving.folder != NULL)
        tt_embedded_transfer_close(&moving.folder);
    if (moving.tables != NULL)
        tt_scale_close_tables(&moving.tables);
    return done;
}

static bool run(const struct values *values)
{
    uid_t user;
    gid_t group;
    bool gives = tt_privileges_owner(values->data, &user, &group);
    bool done = carry_out(values);
    return (!gives || give_back(values->data, user, group)) && done;
}

int tt_command_move(int argc, char **argv)
{
    struct values values = {.data = NULL};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    int status = TT_EXIT_USAGE;
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    if (outcome == TT_OPTIONS_HELP_SHOWN)
        status = TT_EXIT_OK;
    else if (outcome == TT_OPTIONS_READ && values.data == NULL)
        complain("--data DIR is missing: say which data folder");
    else if (outcome == TT_OPTIONS_READ && (values.to == NULL) == (values.from == NULL))
        complain("say either --to dynamodb or --from dynamodb");
    else if (outcome == TT_OPTIONS_READ)
        status = run(&values) ? TT_EXIT_OK : TT_EXIT_FAIL;
    tt_arena_deinit(&arena);
    return status;
}
