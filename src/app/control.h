/*
 * control: DIR/control, a Unix socket by which commands reach the server that has the data folder
 * open. Only who may enter the folder reaches it, and only this user and root are heard. One line
 * of JSON goes in, one comes back. Its first byte is a blank, which is sent as soon as the line was
 * read: who asks gives up after 10 s without it, and otherwise waits for the answer.
 *
 *   {"do":"add"|"passwd","user_id":"...","password":"..."}
 *   {"do":"disable"|"enable","user_id":"..."}   {"do":"list"}
 *   {"do":"backup"}
 *
 *   {"accounts":[{"user_id","created_at","disabled","logins"}]} for list, {} for the others, or
 *   {"error":"a sentence"}
 *
 * and {"path":"/snapshot-1"} for backup, see snapshot.h. But for that one, the same lines are
 * answered without a server, by the store itself.
 */
#ifndef TT_APP_CONTROL_H
#define TT_APP_CONTROL_H

#include <limits.h>
#include <stdbool.h>

#include "adapter/account/desk.h"
#include "base/buffer.h"
#include "base/log.h"

#define TT_CONTROL_SENTENCE 512

struct tt_control;

/* What else the server does for commands: `snapshot` makes one for {"do":"backup"} and names it as
 * it lies in DIR ("/snapshot-1"); false: a sentence. NULL: it keeps nothing here. Called on the
 * control's own thread. */
struct tt_control_helper {
    void *context;
    bool (*snapshot)(void *context, char path[PATH_MAX], char sentence[TT_CONTROL_SENTENCE]);
};

/* NULL: it could not be opened, which is logged. */
struct tt_control *tt_control_open(const char *dir, struct tt_desk *desk,
                                   const struct tt_control_helper *helper,
                                   const struct tt_log *log);
void tt_control_close(struct tt_control **take_control);

/* Answers one line; both without their end. */
void tt_control_answer(struct tt_desk *desk, struct tt_slice line, struct tt_buffer *answer);

/* Asks the server of that data folder. False: `sentence`, and *reached tells whether there is one
 * at all. */
bool tt_control_ask(const char *dir, struct tt_slice line, struct tt_buffer *answer, bool *reached,
                    char sentence[TT_CONTROL_SENTENCE]);

#endif
