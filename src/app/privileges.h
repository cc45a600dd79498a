/*
 * privileges: becoming somebody with fewer rights, for a server that was started as root because it
 * listens on a port below 1024, and for a command that root starts on another user's data folder.
 */
#ifndef TT_APP_PRIVILEGES_H
#define TT_APP_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#define TT_PRIVILEGES_SENTENCE 256

struct tt_identity {
    const char *name;
    uid_t user;
    gid_t group;
};

/* False: there is no such user, he is root, or this process is not root and so cannot become
 * anybody else; `sentence` says so. */
bool tt_privileges_look_up(const char *name, struct tt_identity *identity,
                           char sentence[TT_PRIVILEGES_SENTENCE]);

/* Becomes that user, with his groups and no capability, for good: before any thread is made. False:
 * `sentence`. */
bool tt_privileges_drop(const struct tt_identity *identity, char sentence[TT_PRIVILEGES_SENTENCE]);

/* Of a command that was started as root: to whom the store in the data folder `dir` belongs, or the
 * folder. False: nobody else than whoever runs this needs to be thought of, since he is not root,
 * or there is neither, or it is root's. */
bool tt_privileges_owner(const char *dir, uid_t *user, gid_t *group);

/* Of a command that was started as root: becomes, for good, the user and group to whom the store in
 * the data folder `dir` belongs, or the folder, so that their server can go on with what is
 * written. Where there is neither, or root's, it stays root. False: `sentence`. */
bool tt_privileges_follow(const char *dir, char sentence[TT_PRIVILEGES_SENTENCE]);

#endif
