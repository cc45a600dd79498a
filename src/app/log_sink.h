/*
 * log_sink: where the server's log goes: stderr, a line per write, with the system's clock.
 */
#ifndef TT_APP_LOG_SINK_H
#define TT_APP_LOG_SINK_H

#include "app/config.h"
#include "base/log.h"

struct tt_log tt_log_to_stderr(const struct tt_config *config);

#endif
