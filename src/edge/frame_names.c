#include "edge/frame_names.h"

#include "base/json.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct tt_client_frame_shape client_frames[] = {
#define X(kind, type, conversation, message, seq, token)                                           \
    [TT_CLIENT_##kind] = {type, conversation, message, seq, token},
    TT_CLIENT_FRAME_MAP(X)
#undef X
};

static const char *const server_types[] = {
#define X(kind, type) [TT_SERVER_##kind] = (type),
    TT_SERVER_FRAME_MAP(X)
#undef X
};

const struct tt_client_frame_shape *tt_client_frame_shape(enum tt_client_frame_kind kind)
{
    TT_ASSERT((size_t)kind < COUNT(client_frames));
    return &client_frames[kind];
}

bool tt_client_frame_find(struct tt_slice type, enum tt_client_frame_kind *kind)
{
    for (size_t i = 0; i < COUNT(client_frames); i++) {
        if (tt_json_string_is(type, client_frames[i].type)) {
            *kind = (enum tt_client_frame_kind)i;
            return true;
        }
    }
    return false;
}

const char *tt_server_frame_type(enum tt_server_frame_kind kind)
{
    TT_ASSERT((size_t)kind < COUNT(server_types));
    return server_types[kind];
}

bool tt_server_frame_find(struct tt_slice type, enum tt_server_frame_kind *kind)
{
    for (size_t i = 0; i < COUNT(server_types); i++) {
        if (tt_json_string_is(type, server_types[i])) {
            *kind = (enum tt_server_frame_kind)i;
            return true;
        }
    }
    return false;
}
