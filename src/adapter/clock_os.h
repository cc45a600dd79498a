/*
 * clock_os: the clocks of the operating system. With entropy_os the only place that reads them.
 */
#ifndef TT_ADAPTER_CLOCK_OS_H
#define TT_ADAPTER_CLOCK_OS_H

#include "port/clock.h"

struct tt_clock_port tt_clock_os(void);

tt_time tt_clock_os_wall(void);

/* Monotonic, in nanoseconds; for measuring. */
uint64_t tt_clock_os_nanoseconds(void);

#endif
