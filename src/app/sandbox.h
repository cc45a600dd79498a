/*
 * sandbox: the system calls that a server may still make once it serves, so that who took it over
 * by some bug cannot use the rest of the kernel. What no server ever does (running programs,
 * tracing, mounting, ...) ends the process; other calls that are not on the list are answered as by
 * a kernel that does not know them.
 */
#ifndef TT_APP_SANDBOX_H
#define TT_APP_SANDBOX_H

#include <stdbool.h>

/* Whether this build has one. */
bool tt_sandbox_is_there(void);

/* For the calling thread and those that it makes from now on, for good. False: this kernel has no
 * seccomp filters. */
bool tt_sandbox_enter(void);

#endif
