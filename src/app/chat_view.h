/*
 * chat_view: a room on a terminal (the whole screen is drawn anew at each change, with a line to
 * type in at its bottom), or, where there is none, as lines that tell what happened.
 */
#ifndef TT_APP_CHAT_VIEW_H
#define TT_APP_CHAT_VIEW_H

#include <stdbool.h>
#include <termios.h>

#include "app/chat_room.h"

#define TT_CHAT_INPUT_MAX 4096

struct tt_chat_view {
    bool is_screen;
    struct termios before; /* of the terminal, to be put back */
    char input[TT_CHAT_INPUT_MAX];
    size_t input_size;
};

/* Takes the terminal over, if stdin and stdout are one. */
void tt_chat_view_open(struct tt_chat_view *view);
void tt_chat_view_close(struct tt_chat_view *view);

enum tt_chat_key { TT_CHAT_TYPED, TT_CHAT_ENTERED, TT_CHAT_QUIT };

/* One byte from stdin. ENTERED: the input is a whole line, to be taken and set to size 0. */
enum tt_chat_key tt_chat_view_key(struct tt_chat_view *view, char byte);

/* Draws the room. `notice` is a line for the person, or NULL. */
void tt_chat_view_draw(const struct tt_chat_view *view, const struct tt_chat_room *room,
                       const char *notice, uint64_t now_ms);

/* Without a screen: tells what the frame did. */
void tt_chat_view_tell(const struct tt_chat_view *view, const struct tt_received *frame);

#endif
