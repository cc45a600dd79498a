/*
 * user: what a user has chosen, and the devices linked to the account.
 */
#ifndef TT_MODEL_USER_H
#define TT_MODEL_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"

struct tt_user_settings {
    struct tt_slice display_name; /* text of a JSON string, as content is; empty: none chosen */
    bool share_last_seen;         /* true: "everyone", false: "nobody" */
    bool push_preview;
};

#define TT_USER_SETTINGS_DEFAULT                                                                   \
    ((struct tt_user_settings){TT_SLICE_EMPTY, .share_last_seen = true, .push_preview = true})

struct tt_user {
    tt_id id;
    struct tt_user_settings settings;
    tt_time last_seen; /* 0: never */
};

struct tt_device {
    tt_id id;
    tt_time linked_at;
    tt_time active_at; /* when it last connected or disconnected */
    uint64_t epoch;    /* of its latest connection */
    bool connected;
};

#endif
