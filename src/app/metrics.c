#include "app/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum metric_kind { COUNTER, GAUGE };

static void put(struct tt_buffer *out, enum metric_kind kind, const char *name, uint64_t value)
{
    char text[256];
    const char *suffix = kind == COUNTER ? "_total" : "";
    int size =
        snprintf(text, sizeof(text), "# TYPE %s%s %s\n%s%s %llu\n", name, suffix,
                 kind == COUNTER ? "counter" : "gauge", name, suffix, (unsigned long long)value);
    tt_buffer_add(out, tt_slice(text, (size_t)size));
}

void tt_metrics_add_node(struct tt_metrics *metrics, const struct tt_node_report *report)
{
    struct tt_core_counters *sum = &metrics->sum.core;
    const struct tt_core_counters *counters = &report->core;
#define X(name) sum->name += counters->name;
    TT_CORE_COUNTER_MAP(X)
#undef X
    sum->sessions += counters->sessions;
    sum->requests += counters->requests;
    sum->conversations_cached += counters->conversations_cached;
    sum->push_timers += counters->push_timers;

    struct tt_edge_counters *edge = &metrics->sum.edge;
#define X(name) edge->name += report->edge.name;
    TT_EDGE_COUNTER_MAP(X)
#undef X
    edge->connections += report->edge.connections;

    struct tt_loop_stats *loop = &metrics->sum.loop;
    loop->turns += report->loop.turns;
    loop->receives += report->loop.receives;
    loop->sends += report->loop.sends;
    loop->bytes_in += report->loop.bytes_in;
    loop->bytes_out += report->loop.bytes_out;
    loop->accepts += report->loop.accepts;
    loop->accept_pauses += report->loop.accept_pauses;
    loop->tls_handshakes += report->loop.tls_handshakes;
    loop->tls_failures += report->loop.tls_failures;
    loop->proxy_refusals += report->loop.proxy_refusals;
    loop->sockets += report->loop.sockets;
    metrics->node_count++;

    struct tt_scale_report *scale = &metrics->sum.scale;
    for (size_t i = 0; i < TT_DDB_VERB_COUNT; i++)
        scale->requests.requests[i] += report->scale.requests.requests[i];
    scale->requests.retries += report->scale.requests.retries;
    scale->requests.throttled += report->scale.requests.throttled;
    scale->requests.lost += report->scale.requests.lost;
    scale->requests.clock_corrections += report->scale.requests.clock_corrections;
    scale->requests.given_up += report->scale.requests.given_up;
    scale->ops_under_way += report->scale.ops_under_way;
}

static void write_core(const struct tt_core_counters *counters, struct tt_buffer *out)
{
#define X(name) put(out, COUNTER, "twoticks_" #name, counters->name);
    TT_CORE_COUNTER_MAP(X)
#undef X
    put(out, GAUGE, "twoticks_sessions", counters->sessions);
    put(out, GAUGE, "twoticks_requests", counters->requests);
    put(out, GAUGE, "twoticks_conversations_cached", counters->conversations_cached);
    put(out, GAUGE, "twoticks_push_timers", counters->push_timers);
}

static void write_edge(const struct tt_edge_counters *counters, struct tt_buffer *out)
{
#define X(name) put(out, COUNTER, "twoticks_edge_" #name, counters->name);
    TT_EDGE_COUNTER_MAP(X)
#undef X
    put(out, GAUGE, "twoticks_edge_connections", counters->connections);
}

static void write_net(const struct tt_loop_stats *loop, struct tt_buffer *out)
{
    put(out, COUNTER, "twoticks_net_turns", loop->turns);
    put(out, COUNTER, "twoticks_net_receives", loop->receives);
    put(out, COUNTER, "twoticks_net_sends", loop->sends);
    put(out, COUNTER, "twoticks_net_bytes_in", loop->bytes_in);
    put(out, COUNTER, "twoticks_net_bytes_out", loop->bytes_out);
    put(out, COUNTER, "twoticks_net_accepts", loop->accepts);
    put(out, COUNTER, "twoticks_net_accept_pauses", loop->accept_pauses);
    put(out, COUNTER, "twoticks_net_tls_handshakes", loop->tls_handshakes);
    put(out, COUNTER, "twoticks_net_tls_failures", loop->tls_failures);
    put(out, COUNTER, "twoticks_net_proxy_refusals", loop->proxy_refusals);
    put(out, GAUGE, "twoticks_net_sockets", loop->sockets);
}

static void write_store(const struct tt_embedded_stats *store, struct tt_buffer *out)
{
    put(out, COUNTER, "twoticks_store_batches", store->batches);
    put(out, COUNTER, "twoticks_store_records", store->records);
    put(out, GAUGE, "twoticks_store_journal_bytes", store->journal_size);
    put(out, GAUGE, "twoticks_store_free_bytes", store->free_bytes);
    put(out, GAUGE, "twoticks_store_disk_low", store->disk_low);
}

static void put_push(struct tt_buffer *out, const char *name, enum tt_push_provider provider,
                     const char *outcome, uint64_t value)
{
    char text[256];
    int size = snprintf(text, sizeof(text), "%s{provider=\"%s\"%s%s%s} %llu\n", name,
                        tt_push_provider_name(provider), outcome == NULL ? "" : ",outcome=\"",
                        outcome == NULL ? "" : outcome, outcome == NULL ? "" : "\"",
                        (unsigned long long)value);
    tt_buffer_add(out, tt_slice(text, (size_t)size));
}

static void write_push(const struct tt_metrics *metrics, struct tt_buffer *out)
{
    tt_buffer_add_text(out, "# TYPE twoticks_push_outcomes_total counter\n");
    for (int i = TT_PUSH_APNS; i <= TT_PUSH_WEBPUSH; i++) {
        const struct tt_push_report *report = &metrics->push[i];
        enum tt_push_provider provider = (enum tt_push_provider)i;
        const char *name = "twoticks_push_outcomes_total";
        put_push(out, name, provider, "accepted", report->accepted);
        put_push(out, name, provider, "failed", report->failed);
        put_push(out, name, provider, "gone", report->gone);
        put_push(out, name, provider, "put_off", report->put_off);
    }
    tt_buffer_add_text(out, "# TYPE twoticks_push_resent_total counter\n");
    for (int i = TT_PUSH_APNS; i <= TT_PUSH_WEBPUSH; i++)
        put_push(out, "twoticks_push_resent_total", (enum tt_push_provider)i, NULL,
                 metrics->push[i].resent);
    put(out, GAUGE, "twoticks_push_waiting", metrics->push_waiting);
}

static void write_scale(const struct tt_scale_report *scale, struct tt_buffer *out)
{
    const struct tt_ddb_client_stats *requests = &scale->requests;
    put(out, COUNTER, "twoticks_dynamodb_puts", requests->requests[TT_DDB_PUT]);
    put(out, COUNTER, "twoticks_dynamodb_updates", requests->requests[TT_DDB_UPDATE]);
    put(out, COUNTER, "twoticks_dynamodb_deletes", requests->requests[TT_DDB_DELETE]);
    put(out, COUNTER, "twoticks_dynamodb_gets", requests->requests[TT_DDB_GET]);
    put(out, COUNTER, "twoticks_dynamodb_queries", requests->requests[TT_DDB_QUERY]);
    put(out, COUNTER, "twoticks_dynamodb_scans", requests->requests[TT_DDB_SCAN]);
    put(out, COUNTER, "twoticks_dynamodb_retries", requests->retries);
    put(out, COUNTER, "twoticks_dynamodb_throttled", requests->throttled);
    put(out, COUNTER, "twoticks_dynamodb_lost", requests->lost);
    put(out, COUNTER, "twoticks_dynamodb_given_up", requests->given_up);
    put(out, COUNTER, "twoticks_dynamodb_clock_corrections", requests->clock_corrections);
    put(out, GAUGE, "twoticks_dynamodb_ops_under_way", scale->ops_under_way);
}

/* The second number of /proc/self/statm: resident pages. */
static uint64_t resident_bytes(void)
{
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    const char *at = got <= 0 ? NULL : strchr(text, ' ');
    uint64_t pages = 0;
    for (at = at == NULL ? "" : at + 1; *at >= '0' && *at <= '9'; at++)
        pages = pages * 10 + (uint64_t)(*at - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    uint64_t count = 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 3; /* ., .. and the folder itself */
}

static void write_process(struct tt_buffer *out)
{
    struct rlimit files;
    struct rusage usage;
    put(out, GAUGE, "process_resident_memory_bytes", resident_bytes());
    put(out, GAUGE, "process_open_fds", open_files());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        put(out, GAUGE, "process_max_fds", files.rlim_cur);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        char text[128];
        double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
        int size = snprintf(text, sizeof(text),
                            "# TYPE process_cpu_seconds_total counter\n"
                            "process_cpu_seconds_total %.2f\n",
                            seconds);
        tt_buffer_add(out, tt_slice(text, (size_t)size));
    }
}

void tt_metrics_write(const struct tt_metrics *metrics, struct tt_buffer *out)
{
    write_core(&metrics->sum.core, out);
    write_edge(&metrics->sum.edge, out);
    write_net(&metrics->sum.loop, out);
    if (metrics->scale_out)
        write_scale(&metrics->sum.scale, out);
    else
        write_store(&metrics->store, out);
    write_push(metrics, out);
    put(out, GAUGE, "twoticks_nodes", metrics->node_count);
    put(out, GAUGE, "twoticks_registry_users", metrics->registry_users);
    if (metrics->tls_expires != 0)
        put(out, GAUGE, "twoticks_tls_certificate_expires_timestamp_seconds", metrics->tls_expires);
    write_process(out);
}
