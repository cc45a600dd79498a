/*
 * access: why a data folder cannot be used by the user who tries, in a sentence: a command that was
 * run as somebody else, or files that somebody else left, are no reason to restore a backup.
 */
#ifndef TT_ADAPTER_EMBEDDED_ACCESS_H
#define TT_ADAPTER_EMBEDDED_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this process may not read something of the store in `dir`, or, unless `only_reads`, not
 * write it; `sentence` then says whose it is and what to do. Users are told by number: who asks for
 * a name may need more than the server's sandbox allows. */
bool tt_access_explain(const char *dir, bool only_reads, char *sentence, size_t sentence_size);

#endif
