#include "app/command.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "app/accounts.h"
#include "app/admin.h"
#include "app/log_sink.h"
#include "app/privileges.h"
#include "app/push.h"
#include "app/sandbox.h"
#include "app/snapshot.h"
#include "app/supervisor.h"
#include "app/trust.h"
#include "app/version.h"

#define NODES_MAX    64
#define FILES_WANTED (1024 * 1024)
#define FILES_RESERVED                                                                             \
    320 /* not for connections: the store (its index opens up to 256), the log                     \
         */
#define FILES_MIN 128
#define EXIT_DISK TT_EMBEDDED_EXIT_CODE

#define DAY_S              (24 * 3600)
#define CERTIFICATE_WARN_S (14LL * DAY_S)

struct server {
    struct tt_config config;
    struct tt_log log;
    struct tt_trust trust;
    struct tt_node_shared shared;
    struct tt_scale_config scale;
    struct tt_admin *admin;
    struct tt_accounts_service accounts;
    struct tt_node *nodes[NODES_MAX];
    pthread_t threads[NODES_MAX];
    uint32_t node_count;
    int bound_fds[NODES_MAX];
    bool draining;
};

static tt_err set_limit(struct rlimit *files)
{
    struct rlimit wanted = {FILES_WANTED, FILES_WANTED};
    if (files->rlim_max >= FILES_WANTED)
        wanted = (struct rlimit){files->rlim_max, files->rlim_max};
    bool raised = setrlimit(RLIMIT_NOFILE, &wanted) == 0;
    if (!raised) {
        wanted = (struct rlimit){files->rlim_max, files->rlim_max};
        (void)setrlimit(RLIMIT_NOFILE, &wanted);
    }
    getrlimit(RLIMIT_NOFILE, files);
    return raised ? TT_OK : TT_FAIL(IO);
}

/* Connections end where the store's reserve begins: if clients could take the last file, the store
 * could not write the next one, and the process would end. */
static bool raise_limit(struct server *server)
{
    const struct tt_log *log = &server->log;
    struct rlimit files = {0};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return true;
    bool raised = tt_is_ok(set_limit(&files));
    if (files.rlim_cur < FILES_MIN) {
        tt_config_complain("too few files may be open (128 are needed, and one for each "
                           "connection): raise ulimit -n, or LimitNOFILE= of systemd");
        return false;
    }
    uint64_t half = files.rlim_cur / 2;
    uint64_t connections = files.rlim_cur - (half < FILES_RESERVED ? half : FILES_RESERVED);
    server->shared.connection_fd_end = connections < INT_MAX ? (int)connections : INT_MAX;
    if (raised)
        TT_LOG(log, INFO, "open files", tt_log_number("limit", files.rlim_cur),
               tt_log_number("connections_max", connections));
    else
        TT_LOG(log, WARN, "the limit of open files could not be raised",
               tt_log_number("limit", files.rlim_cur),
               tt_log_number("connections_max", connections),
               tt_log_text("hint", "raise the hard limit: ulimit -Hn, or LimitNOFILE= of systemd"));
    return true;
}

/* Those that this process may use: taskset, a container or a service may have fewer. */
static int count_cores(void)
{
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof(usable), &usable) == 0)
        return CPU_COUNT(&usable);
    return (int)sysconf(_SC_NPROCESSORS_ONLN); /* a machine of more than 1,024 */
}

/* The embedded store's own threads have about one core's work. */
static uint32_t count_nodes(const struct tt_config *config)
{
    if (config->nodes != 0)
        return (uint32_t)config->nodes;
    int cores = count_cores() - (tt_scale_is_wanted(config) ? 0 : 1);
    return cores < 1 ? 1 : cores > NODES_MAX ? NODES_MAX : (uint32_t)cores;
}

/* The disk failed: nothing may be acknowledged any more, so there is nothing left to do. */
static void on_fatal(void *context, const char *sentence)
{
    const struct server *server = context;
    TT_LOG(&server->log, ERROR, "the store failed, the process ends", tt_log_text("why", sentence));
    _exit(EXIT_DISK);
}

static bool read_scale(struct server *server)
{
    char sentence[TT_AWS_SENTENCE];
    if (!tt_scale_is_wanted(&server->config) ||
        tt_scale_read(&server->config, &server->scale, sentence))
        return true;
    tt_config_complain(sentence);
    return false;
}

static bool open_scale(struct server *server)
{
    char sentence[TT_AWS_SENTENCE];
    if (!read_scale(server))
        return false;
    if (!tt_scale_check(&server->config, &server->scale, server->shared.incarnation, sentence)) {
        tt_config_complain(sentence);
        return false;
    }
    server->shared.scale = &server->scale;
    TT_LOG(&server->log, INFO, "store found", tt_log_text("host", server->scale.dynamodb.host),
           tt_log_text("region", server->scale.region));
    return true;
}

static bool open_store(struct server *server)
{
    const struct tt_config *config = &server->config;
    if (tt_scale_is_wanted(config))
        return open_scale(server);
    struct tt_embedded_options options = {
        .dir = config->data,
        .segment_size = config->segment_bytes,
        .memtable_size = config->memtable_bytes,
        .cache_size = config->cache_bytes,
        .low_watermark = config->disk_low_bytes,
        .reader_threads = (uint32_t)config->reader_threads,
        .fatal = on_fatal,
        .fatal_context = server,
    };
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    uint64_t began_at = tt_clock_os_nanoseconds();
    tt_err err = tt_embedded_store_open(&options, &server->shared.store, sentence);
    if (!tt_is_ok(err)) {
        tt_config_complain(sentence);
        return false;
    }
    tt_snapshot_sweep(config->data, 0);
    TT_LOG(&server->log, INFO, "store opened", tt_log_text("data", config->data),
           tt_log_number("ms", (tt_clock_os_nanoseconds() - began_at) / 1000000U));
    return true;
}

static void log_certificate(const struct server *server, const char *what)
{
    struct tt_tls_server *tls = server->shared.tls;
    int64_t left_s = tt_tls_server_expires(tls) - tt_clock_os_wall().ms / 1000;
    if (left_s < CERTIFICATE_WARN_S)
        TT_LOG(&server->log, WARN,
               left_s < 0 ? "the TLS certificate has expired" : "the TLS certificate expires soon",
               tt_log_text("file", server->config.tls_cert),
               tt_log_number("days", left_s < 0 ? 0 : (uint64_t)left_s / DAY_S),
               tt_log_text("hint", "renew it, then send SIGHUP"));
    TT_LOG(&server->log, INFO, what, tt_log_text("file", server->config.tls_cert),
           tt_log_number("days", left_s < 0 ? 0 : (uint64_t)left_s / DAY_S));
}

static bool open_tls(struct server *server)
{
    const struct tt_config *config = &server->config;
    char sentence[TT_TLS_SENTENCE_SIZE];
    if (config->tls_cert == NULL)
        return true;
    if (!tt_is_ok(tt_tls_server_create(config->tls_cert, config->tls_key, &server->shared.tls,
                                       sentence))) {
        tt_config_complain(sentence);
        return false;
    }
    log_certificate(server, "TLS certificate read");
    return true;
}

/* Certificates that are no good leave those in use that are. */
static void reload(struct server *server)
{
    char sentence[TT_TLS_SENTENCE_SIZE];
    if (server->shared.tls == NULL)
        TT_LOG(&server->log, INFO, "SIGHUP: there is nothing to read again without TLS");
    else if (tt_is_ok(tt_tls_server_reload(server->shared.tls, sentence)))
        log_certificate(server, "TLS certificate read again");
    else
        TT_LOG(&server->log, ERROR, "the TLS certificate stays the old one",
               tt_log_text("why", sentence));
}

/* SIGTERM, SIGINT and SIGHUP, on node 0's thread. */
static void on_signal(void *context, int number)
{
    struct server *server = context;
    if (number == SIGHUP) {
        reload(server);
        return;
    }
    if (server->draining)
        _exit(TT_EXIT_FAIL);
    server->draining = true;
    TT_LOG(&server->log, INFO, "draining");
    tt_admin_set_draining(server->admin);
    for (uint32_t i = 0; i < server->node_count; i++)
        tt_node_drain(server->nodes[i]);
}

static void complain_address(const char *option, const char *address, const char *problem)
{
    char sentence[TT_SECRET_SENTENCE];
    snprintf(sentence, sizeof(sentence), "--%s %s: %s", option, address, problem);
    tt_config_complain(sentence);
}

static bool create_nodes(struct server *server)
{
    const char *problem = "";
    uint32_t count = count_nodes(&server->config);
    server->shared.node_count = count;
    server->shared.bus = tt_bus_local_create(count, (size_t)server->config.hint_queue_bytes);
    for (uint32_t i = 0; i < count; i++) {
        server->nodes[i] = tt_node_create(&server->shared, i, server->nodes[0], &problem);
        if (server->nodes[i] == NULL) {
            complain_address("listen", server->config.listen, problem);
            return false;
        }
        server->node_count++;
    }
    if (tt_is_ok(tt_node_watch_signals(server->nodes[0], on_signal, server)))
        return true;
    tt_config_complain("cannot watch signals");
    return false;
}

static void *run_node(void *context)
{
    tt_node_run(context);
    return NULL;
}

static void print_address(const char *what, bool tls, const struct tt_address *address)
{
    char text[TT_ADDRESS_TEXT_SIZE];
    tt_address_format(address, text);
    printf("%s on http%s://%s\n", what, tls ? "s" : "", text);
    fflush(stdout);
}

static void run_nodes(struct server *server)
{
    for (uint32_t i = 1; i < server->node_count; i++) {
        int failed = pthread_create(&server->threads[i], NULL, run_node, server->nodes[i]);
        TT_ASSERT(failed == 0);
    }
    tt_admin_show(server->admin, server->nodes, server->node_count, &server->shared);
    TT_LOG(&server->log, INFO, "ready", tt_log_text("version", TT_VERSION),
           tt_log_text("server", server->config.server_id),
           tt_log_number("nodes", server->node_count));
    print_address("listening", server->shared.tls != NULL, tt_node_address(server->nodes[0]));
    tt_supervisor_tell("READY=1");
    tt_node_run(server->nodes[0]);
    for (uint32_t i = 1; i < server->node_count; i++)
        pthread_join(server->threads[i], NULL);
    tt_admin_hide(server->admin);
}

static bool open_trust(struct server *server)
{
    char sentence[TT_SECRET_SENTENCE];
    if (tt_trust_open(&server->config, &server->log, &server->trust, sentence))
        return true;
    tt_config_complain(sentence);
    return false;
}

static bool open_push(struct server *server)
{
    char sentence[TT_PUSH_SENTENCE_SIZE];
    if (tt_push_open(&server->config, &server->log, &server->shared.push, sentence))
        return true;
    tt_config_complain(sentence);
    return false;
}

static void submit_for_desk(void *self, struct tt_store_op *const *ops, size_t count)
{
    struct server *server = self;
    tt_node_visit(server->nodes[0], ops, count);
}

static struct tt_store_port attach_desk(void *context, struct tt_store_sink sink)
{
    struct server *server = context;
    if (server->shared.store == NULL) {
        server->shared.guest = sink;
        return (struct tt_store_port){.self = server, .submit = submit_for_desk};
    }
    return tt_embedded_store_attach(server->shared.store, sink);
}

/* Any node will do: it tells the others. */
static void on_cut(void *context, const tt_id *user, const tt_id *device)
{
    struct server *server = context;
    tt_node_cut(server->nodes[0], user, device);
}

static void open_crowd(struct server *server)
{
    uint64_t wanted = server->config.sockets_per_address;
    const struct tt_crowd_options options = {
        .address_max = wanted != 0 ? wanted : (uint64_t)server->shared.connection_fd_end / 4,
        .counts_loopback = wanted != 0,
        .hash_seed = server->shared.hash_seed,
    };
    server->shared.crowd = tt_crowd_create(&options);
}

static bool open_accounts(struct server *server)
{
    const struct tt_desk_owner owner = {.context = server, .attach = attach_desk, .cut = on_cut};
    if (!tt_is_ok(tt_accounts_open(&server->accounts, &server->config, &owner, tt_node_asked,
                                   server->shared.hash_seed))) {
        tt_config_complain("there is no memory for a password's hash; lower --password-memory");
        return false;
    }
    server->shared.accounts = server->accounts.pool;
    return true;
}

/* On the control's thread. */
static bool make_snapshot(void *context, char name[PATH_MAX], char sentence[TT_CONTROL_SENTENCE])
{
    struct server *server = context;
    char path[PATH_MAX];
    const char *dir = server->config.data;
    uint64_t began_at = tt_clock_os_nanoseconds();
    bool made = tt_snapshot_make(server->shared.store, dir, path, sentence);
    if (made) {
        snprintf(name, PATH_MAX, "%s", path + strlen(dir));
        TT_LOG(&server->log, INFO, "snapshot made for a backup", tt_log_text("path", path),
               tt_log_number("ms", (tt_clock_os_nanoseconds() - began_at) / 1000000U));
    } else {
        TT_LOG(&server->log, WARN, "no snapshot for a backup", tt_log_text("why", sentence));
    }
    return made;
}

static bool serve_with_store(struct server *server)
{
    if (!open_trust(server))
        return false;
    struct tt_node_shared *shared = &server->shared;
    shared->config = &server->config;
    shared->log = &server->log;
    shared->auth = &server->trust.auth;
    shared->secret = tt_secret_slice(&server->trust.secret);
    tt_entropy_os_fill(&shared->hash_seed, sizeof(shared->hash_seed));
    shared->registry = tt_registry_local_create(shared->hash_seed);

    open_crowd(server);
    bool created = open_accounts(server) && open_push(server) && create_nodes(server);
    if (created) {
        tt_accounts_listen(
            &server->accounts, &server->config,
            &(struct tt_control_helper){server, shared->store == NULL ? NULL : make_snapshot},
            &server->log);
        run_nodes(server);
    }
    if (shared->push != NULL) /* before the nodes that it tells */
        tt_notifier_push_stop(shared->push);
    tt_accounts_close(&server->accounts);
    for (uint32_t i = server->node_count; i > 0; i--)
        tt_node_destroy(&server->nodes[i - 1]);
    if (shared->push != NULL)
        tt_notifier_push_destroy(&shared->push);
    if (shared->bus != NULL)
        tt_bus_local_destroy(&shared->bus);
    tt_crowd_destroy(&shared->crowd);
    tt_registry_local_destroy(&shared->registry);
    tt_trust_close(&server->trust);
    return created;
}

/* A port below 1024 is root's, so it is taken while we still are. */
static bool take_address(struct server *server)
{
    const char *problem = "";
    uint32_t count = count_nodes(&server->config);
    struct tt_address address = server->config.listen_address;
    server->shared.bound_fds = server->bound_fds;
    for (uint32_t i = 0; i < count; i++) {
        if (tt_is_ok(tt_listener_bind(&address, i > 0, &server->bound_fds[i], &address, &problem)))
            continue;
        complain_address("listen", server->config.listen, problem);
        return false;
    }
    return true;
}

/* What is left of it was never listened on. */
static void give_address_back(struct server *server)
{
    for (uint32_t i = 0; i < NODES_MAX; i++)
        if (server->bound_fds[i] >= 0)
            close(server->bound_fds[i]);
}

static bool look_up_user(const struct tt_config *config, struct tt_identity *identity)
{
    char sentence[TT_PRIVILEGES_SENTENCE];
    if (config->user == NULL || tt_privileges_look_up(config->user, identity, sentence))
        return true;
    tt_config_complain(sentence);
    return false;
}

static bool become_user(struct server *server)
{
    const struct tt_config *config = &server->config;
    char sentence[TT_PRIVILEGES_SENTENCE];
    struct tt_identity identity;
    if (!look_up_user(config, &identity) || !take_address(server))
        return false;
    /* A fresh folder is his; one that is there must be already. */
    if (mkdir(config->data, 0700) == 0 && chown(config->data, identity.user, identity.group) != 0) {
        tt_config_complain("the data folder cannot be given to --user");
        return false;
    }
    if (!tt_privileges_drop(&identity, sentence)) {
        tt_config_complain(sentence);
        return false;
    }
    TT_LOG(&server->log, INFO, "root no more", tt_log_text("user", config->user));
    return true;
}

static bool give_up_rights(struct server *server)
{
    const struct tt_config *config = &server->config;
    umask(S_IRWXG | S_IRWXO);
    if (config->user != NULL && !become_user(server))
        return false;
    if (geteuid() == 0)
        TT_LOG(&server->log, WARN, "this server runs as root",
               tt_log_text("hint", "give --user NAME, or start it as another user"));
    if (config->no_seccomp || !tt_sandbox_is_there())
        return true;
    if (tt_sandbox_enter())
        TT_LOG(&server->log, INFO, "only needed system calls are allowed from here on");
    else
        TT_LOG(&server->log, WARN, "this kernel has no seccomp filters, all calls stay allowed");
    return true;
}

static bool make_folder(struct server *server)
{
    char sentence[TT_SECRET_SENTENCE];
    if (server->config.check_config ? tt_secret_look_at_folder(server->config.data, sentence)
                                    : tt_secret_make_folder(server->config.data, sentence))
        return true;
    tt_config_complain(sentence);
    return false;
}

static bool serve(struct server *server)
{
    const char *problem;
    server->log = tt_log_to_stderr(&server->config);
    if (!raise_limit(server) || !open_tls(server) || !give_up_rights(server) ||
        !make_folder(server))
        return false;
    server->admin = tt_admin_create(&server->config.admin_address, &server->log, &problem);
    if (server->admin == NULL) {
        complain_address("admin-listen", server->config.admin_listen, problem);
        return false;
    }
    print_address("admin", false, tt_admin_address(server->admin));
    server->shared.incarnation = (uint64_t)tt_clock_os_wall().ms;
    bool served = open_store(server);
    if (served) {
        served = serve_with_store(server);
        if (server->shared.store != NULL)
            tt_embedded_store_close(&server->shared.store);
        TT_LOG(&server->log, INFO, "ended");
    }
    tt_admin_destroy(&server->admin);
    return served;
}

/* What can be known without starting anything: what a start reads, in its order. */
static bool check(struct server *server)
{
    struct tt_identity identity;
    server->log = (struct tt_log){.level = TT_LOG_ERROR, .now = NULL};
    if (!open_tls(server) || !look_up_user(&server->config, &identity) || !make_folder(server) ||
        !read_scale(server) || !open_trust(server))
        return false;
    bool good = open_push(server);
    if (good) {
        tt_notifier_push_destroy(&server->shared.push);
        puts("the configuration is good");
    }
    tt_trust_close(&server->trust);
    return good;
}

int tt_command_serve(int argc, char **argv)
{
    struct server server = {.shared.connection_fd_end = INT_MAX};
    memset(server.bound_fds, -1, sizeof(server.bound_fds));
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome = tt_config_read(argc, argv, &server.config, &arena);
    int status = outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    if (outcome == TT_OPTIONS_READ &&
        !(server.config.check_config ? check(&server) : serve(&server)))
        status = TT_EXIT_FAIL;
    give_address_back(&server);
    if (server.shared.tls != NULL)
        tt_tls_server_destroy(&server.shared.tls);
    tt_arena_deinit(&arena);
    return status;
}
