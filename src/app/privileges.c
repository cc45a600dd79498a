#include "app/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
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

bool tt_privileges_drop(const struct tt_identity *identity, char sentence[TT_PRIVILEGES_SENTENCE])
{
    if (geteuid() != 0) /* he is it already */
        return true;
    bool dropped = initgroups(identity->name, identity->group) == 0 &&
                   setresgid(identity->group, identity->group, identity->group) == 0 &&
                   setresuid(identity->user, identity->user, identity->user) == 0 &&
                   prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (dropped && setuid(0) != 0 && geteuid() == identity->user)
        return true;
    snprintf(sentence, TT_PRIVILEGES_SENTENCE, "cannot become %.64s: %s", identity->name,
             strerror(errno));
    return false;
}
