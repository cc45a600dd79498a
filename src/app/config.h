/*
 * config: everything that `twoticks serve` can be told.
 */
#ifndef TT_APP_CONFIG_H
#define TT_APP_CONFIG_H

#include "app/option.h"
#include "core/core.h"
#include "net/address.h"
#include "net/ip.h"

struct tt_config {
    const char *data;
    const char *listen;
    const char *admin_listen;
    const char *config;
    const char *store;
    const char *registry;
    const char *table_prefix;
    const char *server_id;
    uint64_t nodes; /* 0: one per core, less one for an embedded store */
    uint64_t drain_ms;

    const char *jwt_key;
    const char *jwks;
    const char *jwks_ca;
    uint64_t jwks_refresh_ms;
    const char *issuer;
    const char *audience;
    uint64_t token_ms;
    struct tt_option_list allow_origin;
    const char *accounts;
    uint64_t password_bytes;
    uint64_t login_tries;
    uint64_t login_pause_ms;
    uint64_t address_tries;
    uint64_t address_pause_ms;
    uint64_t register_tries;
    uint64_t register_pause_ms;
    const char *tls_cert;
    const char *tls_key;
    struct tt_option_list trusted_proxies;
    bool proxy_protocol;
    bool demo;

    const char *log_level;
    const char *log_format;
    bool access_log;

    const char *user;
    bool no_seccomp;
    bool check_config;

    uint64_t content_bytes;
    uint64_t frame_bytes;
    uint64_t header_bytes;
    uint64_t body_bytes;
    uint64_t header_ms;
    uint64_t request_ms;
    uint64_t idle_ms;
    uint64_t sockets_per_address;
    uint64_t strangers;
    uint64_t sends_per_s;
    uint64_t frames_per_s;
    uint64_t members;
    uint64_t conversations;
    uint64_t devices;
    uint64_t device_silent_ms;
    uint64_t slow_bytes;
    uint64_t undrained_bytes;
    uint64_t hint_queue_bytes;

    uint64_t push_delay_ms;
    bool hide_previews;
    const char *apns_key;
    const char *apns_key_id;
    const char *apns_team;
    const char *apns_topic;
    const char *apns_host;
    const char *apns_sandbox_host;
    const char *fcm_service_account;
    const char *fcm_host;
    const char *vapid_key;
    const char *vapid_subject;
    const char *push_ca;
    bool push_private;

    uint64_t heartbeat_ms;
    uint64_t pong_ms;
    uint64_t offline_grace_ms;
    uint64_t refresh_ms_min;
    uint64_t refresh_ms_max;

    uint64_t disk_low_bytes;
    uint64_t segment_bytes;
    uint64_t memtable_bytes;
    uint64_t cache_bytes;
    uint64_t reader_threads;

    /* Derived by tt_config_read. */
    struct tt_address listen_address;
    struct tt_address admin_address;
    tt_id server;
    struct tt_network proxies[TT_OPTION_LIST_MAX]; /* of trusted_proxies */
};

/* Reads and checks all; as tt_options_read. */
enum tt_option_outcome tt_config_read(int argc, char **argv, struct tt_config *config,
                                      struct tt_arena *arena);

/* The core's part of it; the place and the seed stay to be filled in. */
struct tt_core_options tt_config_core_options(const struct tt_config *config);

/* A sentence about `serve`, on stderr. */
void tt_config_complain(const char *sentence);

#endif
