#include "app/privileges.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

bool tt_privileges_look_up(const char *name, struct tt_identity *identity,
                           char sentence[TT_PRIVILEGES_SENTENCE])
{
    struct passwd entry;
    struct passwd *found = NULL;
    char text[4096];
    if (getpwnam_r(name, &entry, text, sizeof(text), &found) != 0 || found == NULL) {
        snprintf(sentence, TT_PRIVILEGES_SENTENCE,
                 "--user: there is no user \"%.64s\"; make one: adduser --system --group %.64s",
                 name, name);
        return false;
    }
    if (entry.pw_uid == 0) {
        snprintf(sentence, TT_PRIVILEGES_SENTENCE,
                 "--user: %.64s is root; name a user with fewer rights", name);
        return false;
    }
    if (geteuid() != 0 && geteuid() != entry.pw_uid) {
        snprintf(sentence, TT_PRIVILEGES_SENTENCE,
                 "--user: only root can become %.64s; start as root, or leave --user away", name);
        return false;
    }
    *identity = (struct tt_identity){name, entry.pw_uid, entry.pw_gid};
    return true;
}

/* The other groups are set already. */
static bool become(uid_t user, gid_t group)
{
    return setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && setuid(0) != 0 && geteuid() == user;
}

bool tt_privileges_drop(const struct tt_identity *identity, char sentence[TT_PRIVILEGES_SENTENCE])
{
    if (geteuid() != 0) /* he is it already */
        return true;
    if (initgroups(identity->name, identity->group) == 0 && become(identity->user, identity->group))
        return true;
    snprintf(sentence, TT_PRIVILEGES_SENTENCE, "cannot become %.64s: %s", identity->name,
             strerror(errno));
    return false;
}

bool tt_privileges_owner(const char *dir, uid_t *user, gid_t *group)
{
    char path[PATH_MAX];
    struct stat owner;
    int size = snprintf(path, sizeof(path), "%s/store", dir);
    if (geteuid() != 0 || size < 0 || size >= (int)sizeof(path))
        return false;
    if ((stat(path, &owner) != 0 && stat(dir, &owner) != 0) || owner.st_uid == 0)
        return false;
    *user = owner.st_uid;
    *group = owner.st_gid;
    return true;
}

bool tt_privileges_follow(const char *dir, char sentence[TT_PRIVILEGES_SENTENCE])
{
    uid_t user;
    gid_t group;
    if (!tt_privileges_owner(dir, &user, &group))
        return true;
    if (setgroups(1, &group) == 0 && become(user, group))
        return true;
    snprintf(sentence, TT_PRIVILEGES_SENTENCE,
             "cannot become user %lu, to whom the store belongs: %s", (unsigned long)user,
             strerror(errno));
    return false;
}
