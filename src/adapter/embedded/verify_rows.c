#include "adapter/embedded/verify_parts.h"

/* The conversation and the head that a row belongs to; false, and told, if there is none. */
static bool find_home(struct tt_verify *verify, const char *what, const tt_id *id,
                      const tt_id *user, struct tt_conversation *conversation,
                      struct tt_head_row *head)
{
    tt_err err = tt_read_conversation_row(&verify->reading, id, conversation);
    if (tt_is_ok(err))
        err = tt_read_head_row(&verify->reading, id, head);
    if (!tt_verify_found(verify, err, what, id, user))
        return false;
    if (tt_verify_member(conversation, user) < conversation->member_count)
        return true;
    tt_verify_problem(verify, "%s of %.*s belongs to %.*s, who is no member", what,
                      TT_VERIFY_ID(id), TT_VERIFY_ID(user));
    return false;
}

void tt_verify_head(struct tt_verify *verify, const struct tt_key_parts *key, struct tt_slice value)
{
    struct tt_conversation conversation = {0};
    struct tt_head_row row = {0};
    tt_err err = tt_row_unpack_head(value, &row);
    if (tt_is_ok(err))
        err = tt_read_conversation_row(&verify->reading, &key->first, &conversation);
    tt_verify_found(verify, err, "the conversation of the head row", &key->first, &verify->nobody);
}

/* The messages themselves are checked with their conversation; here, that there is one. */
void tt_verify_message(struct tt_verify *verify, const struct tt_key_parts *key,
                       struct tt_slice value)
{
    struct tt_conversation conversation = {0};
    (void)value;
    if (tt_id_eq(&key->first, &verify->messages_of))
        return;
    verify->messages_of = key->first;
    tt_err err = tt_read_conversation_row(&verify->reading, &key->first, &conversation);
    tt_verify_found(verify, err, "the conversation of the messages", &key->first, &verify->nobody);
}

static bool is_linked(const struct tt_user_row *user, const tt_id *device)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (tt_id_eq(&user->devices[i].id, device))
            return true;
    return false;
}

static void check_positions(struct tt_verify *verify, const struct tt_key_parts *key,
                            const struct tt_status_row *row)
{
    struct tt_user_row user = {0};
    tt_err err = tt_read_user_row(&verify->reading, &key->second, &user);
    if (!tt_verify_found(verify, err, "the user row", &key->second, &verify->nobody))
        return;
    for (size_t i = 0; i < row->device_count; i++) {
        const struct tt_device_position *position = &row->devices[i];
        if (!is_linked(&user, &position->device))
            tt_verify_problem(verify, "%.*s has a position in %.*s for %.*s, which is not linked",
                              TT_VERIFY_ID(&key->second), TT_VERIFY_ID(&key->first),
                              TT_VERIFY_ID(&position->device));
        if (position->delivered.n > row->cursor.delivered.n)
            tt_verify_problem(verify, "device %.*s of %.*s in %.*s is ahead of its user",
                              TT_VERIFY_ID(&position->device), TT_VERIFY_ID(&key->second),
                              TT_VERIFY_ID(&key->first));
    }
}

void tt_verify_status(struct tt_verify *verify, const struct tt_key_parts *key,
                      struct tt_slice value)
{
    struct tt_conversation conversation = {0};
    struct tt_head_row head = {0};
    struct tt_status_row row = {0};
    tt_err err = tt_row_unpack_status(value, &verify->arena, &row);
    if (!tt_verify_found(verify, err, "the message_status row", &key->first, &key->second) ||
        !find_home(verify, "a message_status row", &key->first, &key->second, &conversation, &head))
        return;
    if (row.cursor.read.n > row.cursor.delivered.n || row.cursor.delivered.n > head.head.n)
        tt_verify_problem(verify,
                          "%.*s in %.*s: read %llu, delivered %llu and head %llu are out "
                          "of order",
                          TT_VERIFY_ID(&key->second), TT_VERIFY_ID(&key->first),
                          (unsigned long long)row.cursor.read.n,
                          (unsigned long long)row.cursor.delivered.n,
                          (unsigned long long)head.head.n);
    check_positions(verify, key, &row);
}

void tt_verify_send(struct tt_verify *verify, const struct tt_key_parts *key, struct tt_slice value)
{
    struct tt_send_row row = {0};
    struct tt_message message = {0};
    tt_err err = tt_row_unpack_send(value, &row);
    if (tt_is_ok(err))
        err = tt_read_message(&verify->reading, &key->first, row.seq, &message);
    if (!tt_verify_found(verify, err, "the message of a sends row", &key->first, &key->second))
        return;
    if (!tt_id_eq(&message.sender, &key->second) || !tt_id_eq(&message.client_id, &key->client))
        tt_verify_problem(verify, "the sends row %.*s#%.*s of %.*s names another message, %llu",
                          TT_VERIFY_ID(&key->second), TT_VERIFY_ID(&key->client),
                          TT_VERIFY_ID(&key->first), (unsigned long long)row.seq.n);
}

/* Steps of one cursor follow each other, and none goes beyond where the cursor is. */
void tt_verify_step(struct tt_verify *verify, const struct tt_key_parts *key, struct tt_slice value)
{
    struct tt_conversation conversation = {0};
    struct tt_head_row head = {0};
    struct tt_step_row row = {0};
    struct tt_status_row status = {0};
    tt_err err = tt_row_unpack_step(value, &row);
    if (!tt_verify_found(verify, err, "a step", &key->first, &key->second) ||
        !find_home(verify, "a step", &key->first, &key->second, &conversation, &head))
        return;
    err = tt_read_status_row(&verify->reading, &key->first, &key->second, &status);
    if (!tt_verify_found(verify, err, "the message_status row", &key->first, &key->second))
        return;
    struct tt_key own = tt_key_of_step(&key->first, &key->second, key->step, TT_SEQ(key->number));
    size_t prefix_size = own.size - sizeof(uint64_t);
    struct tt_key_parts last = {0};
    bool follows = verify->last_step.size == own.size &&
                   memcmp(verify->last_step.bytes, own.bytes, prefix_size) == 0 &&
                   tt_is_ok(tt_key_split(tt_key_slice(&verify->last_step), &last));
    tt_seq reached = key->step == TT_STEP_READ ? status.cursor.read : status.cursor.delivered;
    if (row.from.n == 0 || row.from.n > key->number || key->number > reached.n ||
        (follows && row.from.n <= last.number))
        tt_verify_problem(verify, "the step of %.*s in %.*s over %llu to %llu cannot be",
                          TT_VERIFY_ID(&key->second), TT_VERIFY_ID(&key->first),
                          (unsigned long long)row.from.n, (unsigned long long)key->number);
    verify->last_step = own;
}

void tt_verify_pending(struct tt_verify *verify, const struct tt_key_parts *key,
                       struct tt_slice value)
{
    struct tt_conversation conversation = {0};
    struct tt_head_row head = {0};
    struct tt_pending_values row = {0};
    verify->counts->pending_rows++;
    tt_err err = tt_row_unpack_pending(value, &row);
    if (!tt_verify_found(verify, err, "the pending row", &key->first, &key->second) ||
        !find_home(verify, "a pending row", &key->second, &key->first, &conversation, &head))
        return;
    tt_seq armed = row.armed.n == 0 ? head.head : row.armed;
    if (row.first.n == 0 || row.first.n > armed.n || armed.n > head.head.n ||
        row.pushed.n > head.head.n)
        tt_verify_problem(verify, "the pending row of %.*s in %.*s is out of order",
                          TT_VERIFY_ID(&key->first), TT_VERIFY_ID(&key->second));
}

void tt_verify_push(struct tt_verify *verify, const struct tt_key_parts *key, struct tt_slice value)
{
    struct tt_conversation conversation;
    struct tt_head_row head = {0};
    struct tt_push_row row;
    tt_err err = tt_row_unpack_push(value, &row);
    if (tt_verify_found(verify, err, "a push", &key->first, &key->second) &&
        find_home(verify, "a push", &key->first, &key->second, &conversation, &head) &&
        (key->number == 0 || key->number > head.head.n))
        tt_verify_problem(verify, "a push to %.*s is about a message that %.*s does not have",
                          TT_VERIFY_ID(&key->second), TT_VERIFY_ID(&key->first));
}
