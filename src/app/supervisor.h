/*
 * supervisor: tells the one who started the program how far it is, as sd_notify(3) does: systemd's
 * `Type=notify` units, and others that speak the same. Nobody is told if $NOTIFY_SOCKET is not set.
 */
#ifndef TT_APP_SUPERVISOR_H
#define TT_APP_SUPERVISOR_H

/* `state` is lines like READY=1. Who does not listen misses it; the server goes on. */
void tt_supervisor_tell(const char *state);

#endif
