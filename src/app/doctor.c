/* The command `doctor`: what of this machine, folder and configuration will make trouble. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/embedded/folder.h"
#include "app/command.h"
#include "app/config.h"
#include "app/sandbox.h"
#include "app/secret.h"
#include "net/tls_server.h"

#define FILES_GOOD      65536
#define SOMAXCONN_GOOD  1024
#define CONNTRACK_GOOD  262144
#define MIB             (1024ULL * 1024)
#define WATERMARK       (512 * MIB)
#define SYNC_SLOW_MS    50
#define DAY_S           (24 * 3600)
#define CERTIFICATE_S   (14LL * DAY_S)
#define YEAR_2024_MS    1704067200000LL
#define OTHERS_MAY_READ (S_IRWXG | S_IRWXO)

#define NFS_TYPE  0x6969
#define SMB_TYPE  0xfe534d42
#define CIFS_TYPE 0xff534d42
#define TMP_TYPE  0x01021994

struct values {
    const char *data;
    const char *config;
};

static const struct tt_option options[] = {
    TT_TEXT_ROW(offsetof(struct values, data), "data", "DIR", NULL,
                "look at this data folder, too"),
    TT_TEXT_ROW(offsetof(struct values, config), "config", "FILE", NULL,
                "look at this configuration of `serve`, too, and at what it names"),
};

static const struct tt_command_spec spec = {
    .name = "doctor",
    .usage = "twoticks doctor [--config FILE | --data DIR]",
    .about =
        "Looks at the limits of this machine, its kernel's settings, the disk, the clock and the\n"
        "keys, and says what is wrong and what to type. Changes nothing. Run it as the server's\n"
        "user. Exits 0 if nothing is wrong; a warning is not wrong.",
    .examples = "  twoticks doctor\n"
                "  sudo -u twoticks twoticks doctor --config /etc/twoticks/twoticks.conf",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct doctor {
    int warnings;
    int wrongs;
};

static void say(const char *verdict, const char *remedy, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static void ok(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void warn(struct doctor *doctor, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void wrong(struct doctor *doctor, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const char *verdict, const char *remedy, const char *format, va_list arguments)
{
    printf("%-7s ", verdict);
    vprintf(format, arguments);
    putchar('\n');
    if (remedy != NULL)
        printf("        %s\n", remedy);
}

static void ok(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("ok", NULL, format, arguments);
    va_end(arguments);
}

static void warn(struct doctor *doctor, const char *remedy, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("warning", remedy, format, arguments);
    va_end(arguments);
    doctor->warnings++;
}

static void wrong(struct doctor *doctor, const char *remedy, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("WRONG", remedy, format, arguments);
    va_end(arguments);
    doctor->wrongs++;
}

static void look_at_files(struct doctor *doctor)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    unsigned long long limit = (unsigned long long)files.rlim_max;
    if (limit < FILES_GOOD)
        warn(doctor,
             "systemd: LimitNOFILE=1048576 in the unit; a shell: ulimit -n 1048576 as root, or "
             "/etc/security/limits.conf",
             "at most %llu files may be open, so there are fewer connections than that", limit);
    else
        ok("%llu files may be open", limit);
}

/* False: this kernel does not tell. */
static bool read_setting(const char *name, uint64_t *number)
{
    char path[128];
    char text[64] = "";
    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (got <= 0)
        return false;
    text[strcspn(text, " \t\n")] = '\0';
    return tt_option_parse_number(text, number);
}

static const struct setting {
    const char *path;
    uint64_t good;
    const char *remedy;
    const char *meaning;
} settings[] = {
    {"net/core/somaxconn", SOMAXCONN_GOOD, "sysctl -w net.core.somaxconn=4096",
     "connections that wait to be accepted"},
    {"net/ipv4/tcp_max_syn_backlog", SOMAXCONN_GOOD, "sysctl -w net.ipv4.tcp_max_syn_backlog=4096",
     "connections that are being made"},
    {"net/ipv4/tcp_syncookies", 1, "sysctl -w net.ipv4.tcp_syncookies=1",
     "a flood of half connections is answered"},
    {"net/netfilter/nf_conntrack_max", CONNTRACK_GOOD,
     "sysctl -w net.netfilter.nf_conntrack_max=1048576", "connections that the firewall knows"},
    {"fs/file-max", FILES_GOOD, "sysctl -w fs.file-max=2097152", "open files of all processes"},
};

static void look_at_kernel(struct doctor *doctor)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const struct setting *setting = &settings[i];
        uint64_t number;
        if (!read_setting(setting->path, &number))
            continue;
        if (number < setting->good)
            warn(doctor, setting->remedy, "%s (%s) is %llu", setting->path, setting->meaning,
                 (unsigned long long)number);
        else
            ok("%s is %llu", setting->path, (unsigned long long)number);
    }
    if (!tt_sandbox_is_there())
        warn(doctor, "build with libseccomp-dev, without sanitizers",
             "this build has no seccomp filter");
}

static void look_at_clock(struct doctor *doctor)
{
    struct timex clock = {.modes = 0};
    if (tt_clock_os_wall().ms < YEAR_2024_MS)
        wrong(doctor, "timedatectl set-ntp true",
              "the clock stands before 2024: no token is valid");
    else if (adjtimex(&clock) < 0 || (clock.status & STA_UNSYNC) != 0)
        warn(doctor, "timedatectl set-ntp true (Debian: apt-get install systemd-timesyncd)",
             "nobody sets the clock: tokens and times shown may be off");
    else
        ok("the clock is synchronized");
}

static void look_at_mode(struct doctor *doctor, const char *path, mode_t others, bool needed)
{
    char remedy[PATH_MAX + 64];
    struct stat status;
    if (stat(path, &status) != 0) {
        if (needed || errno != ENOENT)
            wrong(doctor, NULL, "%s cannot be looked at: %s", path, strerror(errno));
        return;
    }
    if ((status.st_mode & others) != 0) {
        snprintf(remedy, sizeof(remedy), "chmod %s %s", S_ISDIR(status.st_mode) ? "700" : "600",
                 path);
        wrong(doctor, remedy, "others may read %s", path);
    } else if (status.st_uid != geteuid() && geteuid() != 0) {
        warn(doctor, "run doctor as the server's user", "%s belongs to somebody else", path);
    } else {
        ok("%s is private", path);
    }
}

static void look_at_space(struct doctor *doctor, const char *dir, uint64_t wanted)
{
    uint64_t free_bytes;
    uint64_t total_bytes;
    if (!tt_folder_space(NULL, dir, &free_bytes, &total_bytes))
        return;
    uint64_t least = wanted != 0                    ? wanted
                     : total_bytes / 20 < WATERMARK ? total_bytes / 20
                                                    : WATERMARK;
    unsigned long long free_mib = free_bytes / MIB;
    unsigned long long least_mib = least / MIB;
    if (free_bytes < least)
        wrong(doctor, "make room, or lower --disk-low",
              "%llu MiB are free in %s: below %llu MiB sends are refused", free_mib, dir,
              least_mib);
    else if (free_bytes < 4 * least)
        warn(doctor, "make room", "%llu MiB are free in %s; below %llu MiB sends are refused",
             free_mib, dir, least_mib);
    else
        ok("%llu MiB are free in %s", free_mib, dir);
}

static void look_at_kind(struct doctor *doctor, const char *dir)
{
    struct statfs status;
    if (statfs(dir, &status) != 0)
        return;
    uint32_t type = (uint32_t)status.f_type;
    if (type == NFS_TYPE || type == SMB_TYPE || type == CIFS_TYPE)
        wrong(doctor, "use a disk of this machine",
              "%s is on a network file system, where locks and syncs are not to be relied on", dir);
    else if (type == TMP_TYPE)
        warn(doctor, "use a disk", "%s is in memory: it is gone with the power", dir);
}

/* How long one acknowledgement has to wait for the disk. */
static void look_at_sync(struct doctor *doctor, const char *dir)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/.doctor-XXXXXX", dir) >= (int)sizeof(path))
        return;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        wrong(doctor, "run doctor as the server's user, or give the folder to that user",
              "%s cannot be written to: %s", dir, strerror(errno));
        return;
    }
    unlink(path);
    uint64_t worst = 0;
    bool synced = true;
    for (int i = 0; i < 10 && synced; i++) {
        uint64_t began_at = tt_clock_os_nanoseconds();
        synced = write(fd, path, 64) == 64 && fdatasync(fd) == 0;
        uint64_t took = tt_clock_os_nanoseconds() - began_at;
        worst = took > worst ? took : worst;
    }
    close(fd);
    unsigned long long us = worst / 1000;
    if (!synced)
        wrong(doctor, "look at dmesg", "the disk of %s cannot sync: %s", dir, strerror(errno));
    else if (us > SYNC_SLOW_MS * 1000ULL)
        warn(doctor, "use a faster disk, an SSD with power-loss protection at best",
             "a sync in %s took %llu us: each tick waits for one", dir, us);
    else
        ok("a sync in %s takes %llu us at most", dir, us);
}

static void look_at_folder(struct doctor *doctor, const char *dir, uint64_t disk_low)
{
    char path[PATH_MAX];
    struct stat status;
    struct tt_secret secret;
    char sentence[TT_SECRET_SENTENCE];
    if (stat(dir, &status) != 0 && errno == ENOENT) {
        warn(doctor, "nothing: the first start makes it", "%s is not there yet", dir);
        return;
    }
    look_at_mode(doctor, dir, OTHERS_MAY_READ, true);
    look_at_space(doctor, dir, disk_low);
    look_at_kind(doctor, dir);
    look_at_sync(doctor, dir);
    if (snprintf(path, sizeof(path), "%s/secret", dir) >= (int)sizeof(path) ||
        access(path, F_OK) != 0)
        return;
    if (tt_secret_read(dir, &secret, sentence))
        ok("%s is good", path);
    else
        wrong(doctor, NULL, "%s", sentence);
    explicit_bzero(&secret, sizeof(secret));
    if (snprintf(path, sizeof(path), "%s/vapid.pem", dir) < (int)sizeof(path))
        look_at_mode(doctor, path, OTHERS_MAY_READ, false);
}

static void look_at_tls(struct doctor *doctor, const struct tt_config *config)
{
    struct tt_tls_server *tls;
    char sentence[TT_TLS_SENTENCE_SIZE];
    if (config->tls_cert == NULL) {
        if (!tt_address_is_loopback(&config->listen_address))
            warn(doctor, "give --tls-cert and --tls-key, or keep it behind a proxy",
                 "%s is open to others and speaks no TLS", config->listen);
        return;
    }
    if (!tt_is_ok(tt_tls_server_create(config->tls_cert, config->tls_key, &tls, sentence))) {
        wrong(doctor, NULL, "%s", sentence);
        return;
    }
    int64_t left_s = tt_tls_server_expires(tls) - tt_clock_os_wall().ms / 1000;
    tt_tls_server_destroy(&tls);
    if (left_s < 0)
        wrong(doctor, "renew it, then: kill -HUP $(pidof twoticks)", "%s has expired",
              config->tls_cert);
    else if (left_s < CERTIFICATE_S)
        warn(doctor, "renew it, then: kill -HUP $(pidof twoticks)", "%s expires in %d days",
             config->tls_cert, (int)(left_s / DAY_S));
    else
        ok("%s is good for %d days", config->tls_cert, (int)(left_s / DAY_S));
}

static void look_at_config(struct doctor *doctor, const struct tt_config *config)
{
    const char *const keys[] = {config->apns_key, config->fcm_service_account, config->vapid_key};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i] != NULL)
            look_at_mode(doctor, keys[i], S_IRWXO, true);
    look_at_tls(doctor, config);
    if (!tt_address_is_loopback(&config->admin_address))
        warn(doctor, "admin-listen = 127.0.0.1:9090, or a firewall",
             "others reach the metrics at %s", config->admin_listen);
    look_at_folder(doctor, config->data, config->disk_low_bytes);
}

static void look_behind_config(struct doctor *doctor, const char *path, struct tt_arena *arena)
{
    char *flag = tt_arena_alloc(arena, sizeof("--config="));
    char *copy = tt_arena_alloc(arena, strlen(path) + 1);
    char *arguments[] = {flag, copy};
    struct tt_config config = {0};
    memcpy(flag, "--config", sizeof("--config"));
    memcpy(copy, path, strlen(path) + 1);
    if (tt_config_read(2, arguments, &config, arena) == TT_OPTIONS_READ)
        look_at_config(doctor, &config);
    else
        wrong(doctor, NULL, "%s is no good configuration, see above", path);
}

static int examine(const struct values *values, struct tt_arena *arena)
{
    struct doctor doctor = {0};
    look_at_files(&doctor);
    look_at_kernel(&doctor);
    look_at_clock(&doctor);
    if (values->config != NULL)
        look_behind_config(&doctor, values->config, arena);
    if (values->data != NULL)
        look_at_folder(&doctor, values->data, 0);
    printf("%d wrong, %d warnings\n", doctor.wrongs, doctor.warnings);
    return doctor.wrongs == 0 ? TT_EXIT_OK : TT_EXIT_FAIL;
}

int tt_command_doctor(int argc, char **argv)
{
    struct values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    int status = outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    if (outcome == TT_OPTIONS_READ)
        status = examine(&values, &arena);
    tt_arena_deinit(&arena);
    return status;
}
