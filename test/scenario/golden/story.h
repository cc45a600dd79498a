/*
 * story: the two source documents, played by scripted devices in a simulated world of three
 * servers, with the oracle listening.
 */
#ifndef TT_TEST_SCENARIO_GOLDEN_STORY_H
#define TT_TEST_SCENARIO_GOLDEN_STORY_H

#include "base/buffer.h"

/* Plays "phone-off" or "chat-open" and appends its lines; false if there is no such story, or if
 * the oracle found a promise broken (the last line says which). */
bool tt_story_play(const char *name, struct tt_buffer *lines);

#endif
