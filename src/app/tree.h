/*
 * tree: whole folders: copied, given away, removed. Only folders and regular files; whatever else
 * is in there is an error. What is copied is on stable storage at the return, and readable by its
 * owner only; blocks of zeros become holes.
 */
#ifndef TT_APP_TREE_H
#define TT_APP_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TT_TREE_SENTENCE 512

/* Makes `to`, which must not be there; *bytes grows by the size of the files. On failure what was
 * copied so far stays, and `sentence` says what is wrong. */
bool tt_tree_copy(const char *from, const char *to, uint64_t *bytes,
                  char sentence[TT_TREE_SENTENCE]);

/* One regular file, likewise. */
bool tt_tree_copy_file(const char *from, const char *to, uint64_t *bytes,
                       char sentence[TT_TREE_SENTENCE]);

/* Syncs a folder's own entries. */
bool tt_tree_sync(const char *path);

/* Gives everything to that user and group; links are not followed. */
bool tt_tree_give(const char *path, uid_t user, gid_t group);

/* True if there is nothing left of it. */
bool tt_tree_remove(const char *path);

#endif
