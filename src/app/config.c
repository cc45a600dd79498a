#include "app/config.h"

#include <stdio.h>
#include <string.h>

#include "adapter/account/password.h"
#include "base/limits.h"
#include "edge/origin.h"

#define AT(field)    offsetof(struct tt_config, field)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KIB    1024ULL
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND 1000ULL
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL,
                "the folder that keeps everything; made if it is not there"),
    TT_TEXT_ROW(AT(listen), "listen", "HOST:PORT", "127.0.0.1:8080",
                "where clients connect; port 0: a free one"),
    TT_TEXT_ROW(AT(admin_listen), "admin-listen", "HOST:PORT", "127.0.0.1:9090",
                "where /healthz, /readyz and /metrics are; keep it private"),
    TT_TEXT_ROW(AT(config), "config", "FILE", NULL, "a file of lines `option = value`"),
    TT_FLAG_ROW(AT(check_config), "check-config",
                "say whether the configuration is good, and start nothing"),
    TT_CHOICE_ROW(AT(store), "store", "KIND", "embedded", "embedded|dynamodb",
                  "where messages live; dynamodb: see docs/scale-out.md"),
    TT_TEXT_ROW(AT(registry), "registry", "URL", "local",
                "where it is known who is online; with dynamodb also redis://[user:password@]host"
                "[:port][/database] or redis+sentinel://; see docs/scale-out.md"),
    TT_TEXT_ROW(AT(table_prefix), "table-prefix", "TEXT", "",
                "stands before the name of each DynamoDB table"),
    TT_TEXT_ROW(AT(server_id), "server-id", "ID", "ws_server_1",
                "this server's name in `hello` and in the registry"),
    TT_NUMBER_ROW(AT(nodes), "nodes", 0, 0, 64, "threads with connections; 0: by cores"),
    TT_DURATION_ROW(AT(drain_ms), "drain", 10 * SECOND, 0, HOUR,
                    "how long SIGTERM waits for what is under way"),

    TT_HEADING_ROW("Who may connect"),
    TT_TEXT_ROW(AT(jwt_key), "jwt-key", "FILE", NULL,
                "a PEM public key (RS256, ES256, EdDSA) of who signs tokens"),
    TT_TEXT_ROW(AT(jwks), "jwks", "FILE|URL", NULL,
                "the same as a JWKS, with several keys; https://: fetched again and again"),
    TT_DURATION_ROW(AT(jwks_refresh_ms), "jwks-refresh", 5 * 60 * SECOND, SECOND, DAY,
                    "how often it is fetched; a new key's token asks for it after 10 s"),
    TT_TEXT_ROW(AT(jwks_ca), "jwks-ca", "FILE", NULL,
                "more certificate authorities (PEM) for that URL"),
    TT_TEXT_ROW(AT(issuer), "iss", "TEXT", NULL, "tokens must have this issuer"),
    TT_TEXT_ROW(AT(audience), "aud", "TEXT", NULL, "tokens must have this audience"),
    TT_DURATION_ROW(AT(token_ms), "token-ttl", DAY, SECOND, 3650 * DAY,
                    "how long the tokens of POST /token live"),
    TT_LIST_ROW(
        AT(allow_origin), "allow-origin", "ORIGIN",
        "another origin whose pages may connect, like https://chat.example.com (repeat it, or use "
        "commas)"),

    TT_CHOICE_ROW(AT(accounts), "accounts", "WHO", "off", "off|invite|open",
                  "who may register an account here; see `twoticks user`"),
    TT_SIZE_ROW(AT(password_bytes), "password-memory", TT_PASSWORD_MEMORY, MIB,
                TT_PASSWORD_MEMORY_MAX,
                "that the hash of a password takes to compute; less is weaker"),
    TT_FLAG_ROW(AT(demo), "demo",
                "whoever opens the page may be alice or bob; on a loopback address only"),

    TT_HEADING_ROW("TLS and proxies"),
    TT_TEXT_ROW(AT(tls_cert), "tls-cert", "FILE", NULL,
                "speak TLS with this certificate (PEM, then its chain); SIGHUP reads it again"),
    TT_TEXT_ROW(AT(tls_key), "tls-key", "FILE", NULL, "the certificate's private key (PEM)"),
    TT_LIST_ROW(AT(trusted_proxies), "trusted-proxies", "NETWORK",
                "believe X-Forwarded-For and -Proto from there: 10.0.0.0/8,::1 (or repeat it)"),
    TT_FLAG_ROW(AT(proxy_protocol), "proxy-protocol",
                "connections from --trusted-proxies begin with a PROXY header (v1 or v2)"),

    TT_HEADING_ROW("Log"),
    TT_CHOICE_ROW(AT(log_level), "log-level", "LEVEL", "info", "error|warn|info|debug",
                  "how much is logged, to stderr"),
    TT_CHOICE_ROW(AT(log_format), "log-format", "FORMAT", "text", "text|json",
                  "how a line is written"),
    TT_FLAG_ROW(AT(access_log), "access-log", "a line for each answered request, too"),

    TT_HEADING_ROW("Rights"),
    TT_TEXT_ROW(AT(user), "user", "NAME", NULL,
                "started as root, become this user once the address is taken"),
    TT_FLAG_ROW(AT(no_seccomp), "no-seccomp",
                "leave all system calls allowed, not only those that a server needs"),

    TT_HEADING_ROW("Limits"),
    TT_NUMBER_ROW(AT(sockets_per_address), "sockets-per-address", 0, 0, 10000000,
                  "of an address (IPv6: a /64); 0: a quarter of all files, not for loopback"),
    TT_NUMBER_ROW(AT(strangers), "unauthenticated", 4096, 1, 10000000,
                  "connections that have not shown a token yet"),
    TT_NUMBER_ROW(AT(sends_per_s), "sends-per-second", TT_LIMIT_SENDS_PER_S, 0, 1000000,
                  "of a device, bursts of five times that; 0: no limit"),
    TT_NUMBER_ROW(AT(frames_per_s), "frames-per-second", TT_LIMIT_FRAMES_PER_S, 0, 1000000,
                  "of a device, likewise"),
    TT_SIZE_ROW(AT(content_bytes), "content-bytes", TT_LIMIT_CONTENT_BYTES, 1, MIB,
                "of one message"),
    TT_SIZE_ROW(AT(frame_bytes), "frame-bytes", TT_LIMIT_FRAME_BYTES, KIB, 16 * MIB,
                "of one WebSocket message"),
    TT_SIZE_ROW(AT(header_bytes), "header-bytes", TT_LIMIT_HEADER_BYTES, KIB, 65535,
                "of one HTTP request's head"),
    TT_SIZE_ROW(AT(body_bytes), "body-bytes", TT_LIMIT_BODY_BYTES, KIB, 16 * MIB,
                "of one HTTP request's body"),
    TT_DURATION_ROW(AT(header_ms), "header-time", TT_HEADER_MS, 100, HOUR,
                    "for a request's head to arrive"),
    TT_DURATION_ROW(AT(request_ms), "request-time", TT_REQUEST_MS, 100, HOUR,
                    "for a whole request to arrive"),
    TT_DURATION_ROW(AT(idle_ms), "idle-time", 75 * SECOND, 100, HOUR,
                    "for the next request of a kept connection"),
    TT_NUMBER_ROW(AT(members), "members", TT_LIMIT_MEMBERS, 2, TT_LIMIT_MEMBERS, "of a group"),
    TT_NUMBER_ROW(AT(conversations), "conversations", TT_LIMIT_CONVERSATIONS, 1, 1000000,
                  "of a user"),
    TT_NUMBER_ROW(AT(devices), "devices", TT_LIMIT_DEVICES, 1, 256, "of a user"),
    TT_DURATION_ROW(AT(device_silent_ms), "device-retention", TT_LIMIT_DEVICE_SILENT_S * 1000ULL,
                    SECOND, 3650 * DAY, "a device silent for longer is unlinked"),
    TT_SIZE_ROW(AT(slow_bytes), "slow-bytes", TT_LIMIT_SLOW_BYTES, 64 * KIB, GIB,
                "unread output after which a connection is cut (4413)"),
    TT_SIZE_ROW(AT(undrained_bytes), "undrained-bytes", TT_LIMIT_UNDRAINED_BYTES, KIB, GIB,
                "handed to a connection before it must have read some"),
    TT_SIZE_ROW(AT(hint_queue_bytes), "hint-queue-bytes", TT_LIMIT_HINT_QUEUE_BYTES, 64 * KIB, GIB,
                "of hints that wait for one node"),

    TT_NUMBER_ROW(AT(login_tries), "login-tries", 10, 0, 1000000,
                  "wrong passwords in a row, of an account; 0: no limit"),
    TT_DURATION_ROW(AT(login_pause_ms), "login-pause", 30 * SECOND, 1, DAY,
                    "after that, one more each"),
    TT_NUMBER_ROW(AT(address_tries), "address-login-tries", 30, 0, 1000000,
                  "logins in a row, of an address (IPv6: a /64)"),
    TT_DURATION_ROW(AT(address_pause_ms), "address-login-pause", 2 * SECOND, 1, DAY, "likewise"),
    TT_NUMBER_ROW(AT(register_tries), "register-tries", 5, 0, 1000000,
                  "registrations in a row, of an address"),
    TT_DURATION_ROW(AT(register_pause_ms), "register-pause", 60 * SECOND, 1, DAY, "likewise"),

    TT_HEADING_ROW("Push"),
    TT_DURATION_ROW(AT(push_delay_ms), "push-delay", TT_PUSH_DELAY_MS, 10, HOUR,
                    "without a delivered ack for so long, the phone rings"),
    TT_FLAG_ROW(AT(hide_previews), "hide-previews",
                "phones say \"New message\", whatever their users chose"),
    TT_TEXT_ROW(AT(apns_key), "apns-key", "FILE", NULL, "Apple's signing key, a .p8 file"),
    TT_TEXT_ROW(AT(apns_key_id), "apns-key-id", "ID", NULL, "the 10 letters that name that key"),
    TT_TEXT_ROW(AT(apns_team), "apns-team", "ID", NULL, "the 10 letters that name the team"),
    TT_TEXT_ROW(AT(apns_topic), "apns-topic", "ID", NULL, "the app's bundle id"),
    TT_TEXT_ROW(AT(apns_host), "apns-host", "HOST:PORT", "api.push.apple.com:443",
                "Apple's service"),
    TT_TEXT_ROW(AT(apns_sandbox_host), "apns-sandbox-host", "HOST:PORT",
                "api.sandbox.push.apple.com:443", "the same for apps under development"),
    TT_TEXT_ROW(AT(fcm_service_account), "fcm-service-account", "FILE", NULL,
                "Google's service account, a JSON file"),
    TT_TEXT_ROW(AT(fcm_host), "fcm-host", "HOST:PORT", "fcm.googleapis.com:443",
                "Google's service"),
    TT_TEXT_ROW(AT(vapid_key), "vapid-key", "FILE", NULL,
                "the key for Web Push (PEM, P-256); else DIR/vapid.pem, made at the first start"),
    TT_TEXT_ROW(AT(vapid_subject), "vapid-subject", "URL", NULL,
                "whom a push service may ask: mailto:you@example.com"),
    TT_TEXT_ROW(AT(push_ca), "push-ca", "FILE", NULL,
                "more certificate authorities for push services (PEM); for tests"),
    TT_FLAG_ROW(AT(push_private), "push-private-addresses",
                "let browsers' endpoints be private addresses; for tests only"),

    TT_HEADING_ROW("Timing"),
    TT_DURATION_ROW(AT(heartbeat_ms), "heartbeat", TT_HEARTBEAT_MS, 100, HOUR,
                    "silence before a connection is pinged"),
    TT_DURATION_ROW(AT(pong_ms), "pong", TT_PONG_MS, 100, HOUR,
                    "for a ping's answer to come (else 4408)"),
    TT_DURATION_ROW(AT(offline_grace_ms), "offline-grace", TT_OFFLINE_GRACE_MS, 0, 60 * SECOND,
                    "a pause that may hide a reconnect from watchers"),
    TT_DURATION_ROW(AT(refresh_ms_min), "refresh-min", TT_REFRESH_MS_MIN, 100, HOUR,
                    "an open chat is read again at random from here"),
    TT_DURATION_ROW(AT(refresh_ms_max), "refresh-max", TT_REFRESH_MS_MAX, 100, HOUR, "to here"),

    TT_HEADING_ROW("Store"),
    TT_SIZE_ROW(AT(disk_low_bytes), "disk-low", 0, 0, 1024 * GIB,
                "free disk space below which sends are refused; 0: 512MiB or 5 %"),
    TT_SIZE_ROW(AT(segment_bytes), "segment-bytes", 0, 0, 4 * GIB,
                "of a journal segment; 0: by the size of the disk"),
    TT_SIZE_ROW(AT(memtable_bytes), "memtable-bytes", 0, 0, 4 * GIB,
                "of the index in memory; 0: likewise"),
    TT_SIZE_ROW(AT(cache_bytes), "cache-bytes", 64 * MIB, MIB, 64 * GIB,
                "of each of the store's caches"),
    TT_NUMBER_ROW(AT(reader_threads), "reader-threads", 2, 1, 64,
                  "threads that read from the store"),
};

static const struct tt_command_spec spec = {
    .name = "serve",
    .usage = "twoticks serve --data DIR [options]",
    .about = "Starts the server. Prints `admin on http://HOST:PORT`, then, when it is ready,\n"
             "`listening on http://HOST:PORT` (https:// with --tls-cert).\n\n"
             "SIGTERM or Ctrl-C drains: connections are told to reconnect, what is under way is\n"
             "finished, and the exit status is 0; a second one ends at once. Nothing that was\n"
             "acknowledged is lost either way. SIGHUP reads the TLS certificate again.\n\n"
             "Tokens are signed with the secret DIR/secret, which the first start makes, unless\n"
             "--jwt-key or --jwks says whose signatures to trust.",
    .examples = "  twoticks serve --data ./data\n"
                "  twoticks token alice --data ./data        # in another terminal\n"
                "  twoticks serve --data ./data --listen 0.0.0.0:8080 --jwks keys.json --iss "
                "https://id.example",
    .options = options,
    .option_count = COUNT(options),
    .config_offset = AT(config),
};

void tt_config_complain(const char *sentence)
{
    tt_option_complain(&spec, "%s", sentence);
}

static bool derive_proxies(struct tt_config *config)
{
    for (size_t i = 0; i < config->trusted_proxies.count; i++) {
        const char *text = config->trusted_proxies.items[i];
        if (tt_network_parse(tt_slice_text(text), &config->proxies[i]))
            continue;
        tt_option_complain(&spec,
                           "--trusted-proxies has \"%s\", which is no network; write an address or "
                           "ADDRESS/BITS, like 10.0.0.0/8 or ::1",
                           text);
        return false;
    }
    return true;
}

static bool check_origins(const struct tt_config *config)
{
    for (size_t i = 0; i < config->allow_origin.count; i++) {
        const char *text = config->allow_origin.items[i];
        if (tt_origin_is_one(tt_slice_text(text)))
            continue;
        tt_option_complain(&spec,
                           "--allow-origin has \"%s\", which no browser sends; an origin is "
                           "scheme://host or scheme://host:port in lower case, without a slash at "
                           "the end and without the port that the scheme has anyway, like "
                           "https://chat.example.com",
                           text);
        return false;
    }
    return true;
}

static bool derive(struct tt_config *config)
{
    const char *problem;
    if (config->data == NULL) {
        tt_config_complain("--data DIR is missing: say which folder keeps the messages, like "
                           "--data ./data");
        return false;
    }
    if (!tt_is_ok(
            tt_address_parse(tt_slice_text(config->listen), &config->listen_address, &problem))) {
        tt_option_complain(&spec, "--listen is \"%s\": %s", config->listen, problem);
        return false;
    }
    if (!tt_is_ok(tt_address_parse(tt_slice_text(config->admin_listen), &config->admin_address,
                                   &problem))) {
        tt_option_complain(&spec, "--admin-listen is \"%s\": %s", config->admin_listen, problem);
        return false;
    }
    tt_err err = tt_id_parse(tt_slice_text(config->server_id), &config->server);
    if (!tt_is_ok(err)) {
        tt_option_complain(&spec, "--server-id is \"%s\": %s", config->server_id, tt_err_text(err));
        return false;
    }
    bool scale_out = strcmp(config->store, "dynamodb") == 0;
    if (!scale_out && strcmp(config->registry, "local") != 0) {
        tt_config_complain("--registry redis://... goes with --store dynamodb: an embedded store "
                           "belongs to one server alone");
        return false;
    }
    if (config->demo && !tt_address_is_loopback(&config->listen_address)) {
        tt_config_complain("--demo lets anybody in, so it is for a loopback address only: "
                           "--listen 127.0.0.1:8080, or leave --demo away");
        return false;
    }
    if (config->jwt_key != NULL && config->jwks != NULL) {
        tt_config_complain("give --jwt-key or --jwks, not both: a JWKS file holds several keys");
        return false;
    }
    if ((config->tls_cert == NULL) != (config->tls_key == NULL)) {
        tt_config_complain("--tls-cert and --tls-key go together: give both files, or neither");
        return false;
    }
    if (!derive_proxies(config) || !check_origins(config))
        return false;
    if (config->proxy_protocol && config->trusted_proxies.count == 0) {
        tt_config_complain("--proxy-protocol believes whom --trusted-proxies names, so give both: "
                           "--trusted-proxies 10.0.0.0/8");
        return false;
    }
    if (config->refresh_ms_min > config->refresh_ms_max) {
        tt_config_complain("--refresh-min is larger than --refresh-max; swap them");
        return false;
    }
    return true;
}

enum tt_option_outcome tt_config_read(int argc, char **argv, struct tt_config *config,
                                      struct tt_arena *arena)
{
    struct tt_positionals positionals;
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, config, &positionals, arena);
    if (outcome == TT_OPTIONS_READ && !derive(config))
        return TT_OPTIONS_BAD;
    return outcome;
}

struct tt_core_options tt_config_core_options(const struct tt_config *config)
{
    struct tt_core_options core = tt_core_options_default();
    core.push_delay_ms = (uint32_t)config->push_delay_ms;
    core.hides_previews = config->hide_previews;
    core.heartbeat_ms = (uint32_t)config->heartbeat_ms;
    core.pong_ms = (uint32_t)config->pong_ms;
    core.offline_grace_ms = (uint32_t)config->offline_grace_ms;
    core.refresh_ms_min = (uint32_t)config->refresh_ms_min;
    core.refresh_ms_max = (uint32_t)config->refresh_ms_max;
    core.sends_per_s = (uint32_t)config->sends_per_s;
    core.frames_per_s = (uint32_t)config->frames_per_s;
    core.members_max = (uint32_t)config->members;
    core.conversations_max = (uint32_t)config->conversations;
    core.devices_max = (uint32_t)config->devices;
    core.device_silent_ms_max = (int64_t)config->device_silent_ms;
    core.undrained_bytes_max = config->undrained_bytes;
    core.slow_bytes_max = config->slow_bytes;
    return core;
}
