/*
 * chart: the lines of a trace as a sequence chart: a column for each device that occurs and one for
 * the servers, time going down.
 */
#ifndef TT_SIM_CHART_H
#define TT_SIM_CHART_H

#include "base/buffer.h"

/* Appends the chart of `trace`, of at most its last `lines_max` lines. */
void tt_chart_draw(struct tt_slice trace, size_t lines_max, struct tt_buffer *out);

#endif
