/*
 * metrics: counters and gauges in the text format of Prometheus (version 0.0.4).
 */
#ifndef TT_APP_METRICS_H
#define TT_APP_METRICS_H

#include "app/node.h"
#include "base/buffer.h"

struct tt_metrics {
    struct tt_node_report sum; /* over all nodes */
    size_t node_count;
    bool scale_out; /* else embedded */
    struct tt_embedded_stats store;
    size_t registry_users;
    struct tt_push_report push[TT_PUSH_WEBPUSH + 1]; /* by provider */
    uint64_t push_waiting;
    uint64_t tls_expires; /* seconds since 1970; 0: without TLS */
};

void tt_metrics_add_node(struct tt_metrics *metrics, const struct tt_node_report *report);
void tt_metrics_write(const struct tt_metrics *metrics, struct tt_buffer *out);

#endif
