/*
 * journal_newest: a small file beside the segments that says which one is the newest.
 *
 * Every segment but the last is missed when it is gone, because the next one says which record it
 * begins with. This file does it for the last one. It is replaced once a segment's header is
 * synced, so the segment that it names has been there. A journal without it is from before there
 * was one.
 *
 *    0  8  magic "\xffT\xfeJNEW1"
 *    8  8  number of the segment
 *   16  4  crc of bytes 0 to 15
 */
#ifndef TT_ADAPTER_EMBEDDED_JOURNAL_NEWEST_H
#define TT_ADAPTER_EMBEDDED_JOURNAL_NEWEST_H

#include <stdint.h>

#include "base/err.h"

#define TT_JOURNAL_NEWEST_NAME "newest"

/* Replaces the file, and returns when that is synced. IO, and errno. */
TT_MUST_CHECK tt_err tt_journal_newest_write(int dir_fd, uint64_t number);

/* *number is 0 where there is no such file. CORRUPT: it does not check; IO, and errno. */
TT_MUST_CHECK tt_err tt_journal_newest_read(int dir_fd, uint64_t *number);

#endif
