/*
 * message: what one member said in a conversation, as it is stored and handed out.
 *
 * `content` is the text of a JSON string as its sender wrote it, without the quotes: validated at
 * the edge and never decoded on its way, so that what comes out is what went in. All slices are
 * borrowed; who holds a message says for how long.
 */
#ifndef TT_MODEL_MESSAGE_H
#define TT_MODEL_MESSAGE_H

#include "base/id.h"
#include "base/seq.h"
#include "base/slice.h"
#include "base/time.h"

struct tt_message {
    tt_seq seq;
    tt_time timestamp;
    tt_id sender;
    tt_id sender_device;
    tt_id client_id;
    struct tt_slice content;
};

#endif
