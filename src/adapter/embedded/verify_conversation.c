#include "adapter/embedded/verify_parts.h"

/* One conversation and what its messages came to. */
struct checking {
    struct tt_verify *verify;
    struct tt_conversation conversation;
    tt_seq head;
    tt_seq *last_own; /* of each member, as its messages say */
};

size_t tt_verify_member(const struct tt_conversation *conversation, const tt_id *user)
{
    for (size_t i = 0; i < conversation->member_count; i++)
        if (tt_id_eq(&conversation->members[i], user))
            return i;
    return conversation->member_count;
}

static unsigned long long number(tt_seq seq)
{
    return seq.n;
}

static void check_send_row(struct checking *checking, const struct tt_message *message)
{
    struct tt_verify *verify = checking->verify;
    const tt_id *id = &checking->conversation.id;
    struct tt_send_row row = {0};
    struct tt_key key = tt_key_of_send(id, &message->sender, &message->client_id);
    tt_err err = tt_read_row(&verify->reading, &key);
    if (tt_is_ok(err))
        err = tt_row_unpack_send(verify->reading.row, &row);
    if (!tt_is_ok(err))
        tt_verify_problem(verify, "message %llu of %.*s has no readable sends row",
                          number(message->seq), TT_VERIFY_ID(id));
    else if (row.seq.n != message->seq.n || row.timestamp.ms != message->timestamp.ms)
        tt_verify_problem(verify,
                          "messages %llu and %llu of %.*s have the same sender and client_id",
                          number(message->seq), number(row.seq), TT_VERIFY_ID(id));
}

static void check_one_message(struct checking *checking, tt_seq seq, struct tt_slice value)
{
    struct tt_verify *verify = checking->verify;
    const tt_id *id = &checking->conversation.id;
    struct tt_message message = {.seq = seq};
    if (!tt_is_ok(tt_row_unpack_message(value, &message))) {
        tt_verify_problem(verify, "message %llu of %.*s cannot be read", number(seq),
                          TT_VERIFY_ID(id));
        return;
    }
    size_t sender = tt_verify_member(&checking->conversation, &message.sender);
    if (sender == checking->conversation.member_count)
        tt_verify_problem(verify, "message %llu of %.*s is from %.*s, who is no member",
                          number(seq), TT_VERIFY_ID(id), TT_VERIFY_ID(&message.sender));
    else
        checking->last_own[sender] = seq;
    check_send_row(checking, &message);
}

/* Seqs are 1..n. */
static void check_messages(struct checking *checking)
{
    struct tt_verify *verify = checking->verify;
    const tt_id *id = &checking->conversation.id;
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_MESSAGES, id);
    struct tt_walk *walk = tt_walk_create(verify->reading.view, tt_key_slice(&prefix));
    tt_seq expected = TT_SEQ(1);
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_key_parts key;
        if (!tt_is_ok(tt_key_split(tt_walk_key(walk), &key)))
            continue;
        if (key.number > expected.n)
            tt_verify_problem(verify, "messages %llu to %llu of %.*s are missing", number(expected),
                              (unsigned long long)key.number - 1, TT_VERIFY_ID(id));
        if (key.number == 0 || key.number > checking->head.n)
            tt_verify_problem(verify, "message %llu of %.*s is outside of 1 to %llu",
                              (unsigned long long)key.number, TT_VERIFY_ID(id),
                              number(checking->head));
        check_one_message(checking, TT_SEQ(key.number), tt_walk_value(walk));
        verify->counts->messages++;
        expected = TT_SEQ(key.number + 1);
    }
    if (expected.n <= checking->head.n)
        tt_verify_problem(verify, "messages %llu to %llu of %.*s are missing", number(expected),
                          number(checking->head), TT_VERIFY_ID(id));
    tt_verify_found(verify, tt_walk_destroy(&walk), "a message", id, &verify->nobody);
}

/* Whether somebody else said something above what the user has: that armed a row. */
static bool others_wrote_above(struct checking *checking, const tt_id *user, tt_seq delivered)
{
    for (size_t i = 0; i < checking->conversation.member_count; i++)
        if (!tt_id_eq(&checking->conversation.members[i], user) &&
            checking->last_own[i].n > delivered.n)
            return true;
    return false;
}

/* Every device that is behind, or the user who has none, is waited for by a row. */
static void check_covered(struct checking *checking, const tt_id *user,
                          const struct tt_status_row *status)
{
    struct tt_verify *verify = checking->verify;
    const tt_id *id = &checking->conversation.id;
    struct tt_user_row row = {0};
    struct tt_key key = tt_key_of_two(TT_TABLE_PENDING, user, id);
    tt_err err = tt_read_row(&verify->reading, &key);
    if (tt_is_ok(err))
        return;
    err = tt_read_user_row(&verify->reading, user, &row);
    if (!tt_verify_found(verify, err, "the user row", user, &verify->nobody))
        return;
    for (size_t i = 0; i < row.device_count; i++)
        if (tt_read_position(status, &row.devices[i].id).n < checking->head.n)
            tt_verify_problem(
                verify, "device %.*s of %.*s is behind in %.*s, and no pending row says so",
                TT_VERIFY_ID(&row.devices[i].id), TT_VERIFY_ID(user), TT_VERIFY_ID(id));
    if (row.device_count == 0 && others_wrote_above(checking, user, status->cursor.delivered))
        tt_verify_problem(verify, "%.*s is behind in %.*s, and no pending row says so",
                          TT_VERIFY_ID(user), TT_VERIFY_ID(id));
}

static void check_member(struct checking *checking, size_t index)
{
    struct tt_verify *verify = checking->verify;
    const tt_id *id = &checking->conversation.id;
    const tt_id *user = &checking->conversation.members[index];
    struct tt_status_row status = {0};
    tt_err err = tt_read_membership(&verify->reading, user, id);
    tt_verify_found(verify, err, "the list row", user, id);
    err = tt_read_status_row(&verify->reading, id, user, &status);
    if (!tt_verify_found(verify, err, "the message_status row", user, id))
        return;
    if (status.last_own.n != checking->last_own[index].n)
        tt_verify_problem(verify, "the last message of %.*s in %.*s is %llu, not %llu",
                          TT_VERIFY_ID(user), TT_VERIFY_ID(id), number(checking->last_own[index]),
                          number(status.last_own));
    check_covered(checking, user, &status);
}

static void check_pair_row(struct checking *checking)
{
    struct tt_verify *verify = checking->verify;
    const struct tt_conversation *conversation = &checking->conversation;
    tt_id id = {0};
    if (conversation->kind != TT_DIRECT)
        return;
    struct tt_key key =
        tt_key_of_two(TT_TABLE_PAIRS, &conversation->members[0], &conversation->members[1]);
    tt_err err = tt_read_row(&verify->reading, &key);
    if (tt_is_ok(err))
        err = tt_row_unpack_pair(verify->reading.row, &id);
    if (tt_verify_found(verify, err, "the pair row", &conversation->id, &verify->nobody) &&
        !tt_id_eq(&id, &conversation->id))
        tt_verify_problem(verify, "%.*s and %.*s have two direct conversations: %.*s and %.*s",
                          TT_VERIFY_ID(&conversation->members[0]),
                          TT_VERIFY_ID(&conversation->members[1]), TT_VERIFY_ID(&id),
                          TT_VERIFY_ID(&conversation->id));
}

void tt_verify_conversation(struct tt_verify *verify, const struct tt_key_parts *key,
                            struct tt_slice value)
{
    struct checking checking = {.verify = verify};
    struct tt_head_row head = {0};
    verify->counts->conversations++;
    tt_err err = tt_row_unpack_conversation(value, &verify->arena, &checking.conversation);
    if (!tt_verify_found(verify, err, "the conversation row", &key->first, &verify->nobody))
        return;
    checking.conversation.id = key->first;
    checking.last_own = tt_arena_array(&verify->arena, checking.conversation.member_count,
                                       sizeof(*checking.last_own));
    err = tt_read_head_row(&verify->reading, &key->first, &head);
    if (!tt_verify_found(verify, err, "the head row", &key->first, &verify->nobody))
        return;
    checking.head = head.head;
    check_messages(&checking);
    for (size_t i = 0; i < checking.conversation.member_count; i++)
        check_member(&checking, i);
    check_pair_row(&checking);
}
