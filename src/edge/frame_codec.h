/*
 * frame_codec: the JSON of the socket's frames, seen from the server. One table holds the names
 * of all frames (frame_names.h); what a client needs is in client_codec.h.
 */
#ifndef TT_EDGE_FRAME_CODEC_H
#define TT_EDGE_FRAME_CODEC_H

#include "base/buffer.h"
#include "base/err.h"
#include "model/frame.h"

struct tt_frame_limits {
    size_t content_size_max; /* decoded */
};

/*
 * Reads a client's frame; its slices point into `text`. On failure the conversation and the
 * client_id are set as far as they could be read (else none), for the answer, and `*key` is the key
 * that it is about, or NULL. NOT_JSON closes the socket, every other error leaves it open.
 */
TT_MUST_CHECK tt_err tt_frame_parse(struct tt_slice text, const struct tt_frame_limits *limits,
                                    struct tt_client_frame *frame, const char **key);

/* Appends the text of a server's frame. */
void tt_frame_write(const struct tt_server_frame *frame, struct tt_buffer *out);

#endif
