/*
 * device: one person's device as the commands play it: a connection, what it was sent, and the two
 * cursors from which ticks are drawn.
 */
#ifndef TT_APP_DEVICE_H
#define TT_APP_DEVICE_H

#include "app/client.h"
#include "edge/client_codec.h"
#include "model/request.h"

struct tt_device_play {
    const char *user;
    struct tt_client *client; /* NULL: off */
    struct tt_cursor others;  /* what the server has told of the other members */
    uint64_t status_updates;  /* how often */
    struct tt_received last;  /* of the latest frame; its slices live until the next */
    char problem[TT_CLIENT_SENTENCE];
};

/* Connects and reads `hello`. False: `problem` says why. */
bool tt_device_connect(struct tt_device_play *device, const struct tt_endpoint *endpoint,
                       struct tt_slice token);

/* The power is gone: no goodbye. */
void tt_device_die(struct tt_device_play *device);

bool tt_device_send(struct tt_device_play *device, const struct tt_client_frame *frame);

/* Reads frames, keeping the cursors, until one of this kind; it is then in `last`. False: none came
 * within TT_CLIENT_WAIT_MS, or an error came instead. */
bool tt_device_await(struct tt_device_play *device, enum tt_server_frame_kind kind);

/* Reads what has come by now: all that the server wrote before it heard of this. */
bool tt_device_catch_up(struct tt_device_play *device);

/* The tick of a stored message. */
enum tt_tick tt_device_tick(const struct tt_device_play *device, tt_seq seq);

/* "single tick ✓" */
const char *tt_tick_words(enum tt_tick tick);

#endif
