#include <stdarg.h>
#include <stdio.h>

#include "adapter/embedded/account.h"
#include "adapter/embedded/address.h"
#include "adapter/embedded/base.h"
#include "adapter/embedded/journal_form.h"
#include "adapter/embedded/verify_parts.h"
#include "base/memory.h"

void tt_verify_problem(struct tt_verify *verify, const char *format, ...)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    verify->counts->problems++;
    verify->findings->problem(verify->findings->context, sentence);
}

bool tt_verify_found(struct tt_verify *verify, tt_err err, const char *what, const tt_id *a,
                     const tt_id *b)
{
    if (tt_is_ok(err))
        return true;
    tt_verify_problem(verify, "%s of %.*s%s%.*s %s", what, TT_VERIFY_ID(a), b->size > 0 ? " " : "",
                      TT_VERIFY_ID(b),
                      tt_err_is(err, TT_ERR_NOT_FOUND) ? "is missing" : "cannot be read");
    return false;
}

static bool has_connected(const struct tt_user_row *row)
{
    for (size_t i = 0; i < row->device_count; i++)
        if (row->devices[i].connected)
            return true;
    return false;
}

static void check_list(struct tt_verify *verify, const struct tt_key_parts *key)
{
    struct tt_conversation conversation = {0};
    struct tt_key user_key = tt_key_of(TT_TABLE_USERS, &key->first);
    tt_err err = tt_read_conversation_row(&verify->reading, &key->second, &conversation);
    if (!tt_verify_found(verify, err, "the conversation in the list", &key->second, &key->first))
        return;
    if (tt_verify_member(&conversation, &key->first) == conversation.member_count)
        tt_verify_problem(verify, "%.*s is in the list of %.*s, who is no member",
                          TT_VERIFY_ID(&key->second), TT_VERIFY_ID(&key->first));
    err = tt_read_row(&verify->reading, &user_key);
    tt_verify_found(verify, err, "the user row", &key->first, &verify->nobody);
}

static void check_pair(struct tt_verify *verify, const struct tt_key_parts *key,
                       struct tt_slice value)
{
    struct tt_conversation conversation = {0};
    tt_id id = {0};
    tt_err err = tt_row_unpack_pair(value, &id);
    if (tt_is_ok(err))
        err = tt_read_conversation_row(&verify->reading, &id, &conversation);
    if (!tt_verify_found(verify, err, "the direct conversation", &key->first, &key->second))
        return;
    if (conversation.kind != TT_DIRECT || !tt_id_eq(&conversation.members[0], &key->first) ||
        !tt_id_eq(&conversation.members[1], &key->second))
        tt_verify_problem(verify, "%.*s is not the direct conversation of %.*s and %.*s",
                          TT_VERIFY_ID(&id), TT_VERIFY_ID(&key->first), TT_VERIFY_ID(&key->second));
}

static uint64_t count_lists(struct tt_verify *verify, const tt_id *user)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_LISTS, user);
    struct tt_walk *walk = tt_walk_create(verify->reading.view, tt_key_slice(&prefix));
    uint64_t count = 0;
    for (; tt_walk_valid(walk); tt_walk_next(walk))
        count++;
    tt_err err = tt_walk_destroy(&walk);
    tt_verify_found(verify, err, "the list", user, &verify->nobody);
    return count;
}

static void check_user(struct tt_verify *verify, const struct tt_key_parts *key,
                       struct tt_slice value)
{
    struct tt_user_row row = {0};
    struct tt_key online_key = tt_key_of(TT_TABLE_ONLINE, &key->first);
    verify->counts->users++;
    tt_err err = tt_row_unpack_user(value, &verify->arena, &row);
    if (!tt_verify_found(verify, err, "the user row", &key->first, &verify->nobody))
        return;
    uint64_t listed = count_lists(verify, &key->first);
    if (listed != row.conversation_count)
        tt_verify_problem(verify, "%.*s has %llu conversations in the list and %llu by count",
                          TT_VERIFY_ID(&key->first), (unsigned long long)listed,
                          (unsigned long long)row.conversation_count);
    err = tt_read_row(&verify->reading, &online_key);
    if (tt_is_ok(err) != has_connected(&row))
        tt_verify_problem(verify,
                          "%.*s has %s connected device, but the online table says "
                          "otherwise",
                          TT_VERIFY_ID(&key->first), has_connected(&row) ? "a" : "no");
    struct tt_addresses addresses;
    err = tt_addresses_unpack(row.addresses, &verify->arena, &addresses);
    tt_verify_found(verify, err, "the addresses", &key->first, &verify->nobody);
    struct tt_account account;
    err = row.account.size == 0 ? TT_OK : tt_account_unpack(row.account, &verify->arena, &account);
    tt_verify_found(verify, err, "the account", &key->first, &verify->nobody);
    for (size_t i = 0; i < row.device_count; i++)
        if (row.devices[i].epoch >> 32 > verify->start)
            tt_verify_problem(verify, "device %.*s of %.*s has an epoch from the future",
                              TT_VERIFY_ID(&row.devices[i].id), TT_VERIFY_ID(&key->first));
}

static void check_online(struct tt_verify *verify, const struct tt_key_parts *key,
                         struct tt_slice value)
{
    struct tt_user_row row = {0};
    tt_err err = tt_row_unpack_nothing(value);
    if (tt_is_ok(err))
        err = tt_read_user_row(&verify->reading, &key->first, &row);
    if (tt_verify_found(verify, err, "the online row", &key->first, &verify->nobody) &&
        !has_connected(&row))
        tt_verify_problem(verify, "%.*s is online without a connected device",
                          TT_VERIFY_ID(&key->first));
}

static void check_connection(struct tt_verify *verify, const struct tt_key_parts *key,
                             struct tt_slice value)
{
    struct tt_connection_row row;
    struct tt_user_row user = {0};
    tt_err err = tt_row_unpack_connection(value, &row);
    if (tt_is_ok(err))
        err = tt_read_user_row(&verify->reading, &key->first, &user);
    if (tt_verify_found(verify, err, "a connection", &key->first, &verify->nobody) &&
        key->number >= user.connection_count)
        tt_verify_problem(verify, "connection %llu of %.*s was never counted",
                          (unsigned long long)key->number, TT_VERIFY_ID(&key->first));
}

static void check_token(struct tt_verify *verify, const struct tt_key_parts *key,
                        struct tt_slice value)
{
    tt_id user;
    tt_id device;
    tt_verify_found(verify, tt_row_unpack_token(value, &user, &device), "a push token", &key->first,
                    &verify->nobody);
}

static void check_row(struct tt_verify *verify, const struct tt_key_parts *key,
                      struct tt_slice value)
{
    struct tt_position_row position;
    switch (key->table) {
    case TT_TABLE_CONVERSATIONS:
        tt_verify_conversation(verify, key, value);
        return;
    case TT_TABLE_HEADS:
        tt_verify_head(verify, key, value);
        return;
    case TT_TABLE_MESSAGES:
        tt_verify_message(verify, key, value);
        return;
    case TT_TABLE_STATUS:
        tt_verify_status(verify, key, value);
        return;
    case TT_TABLE_SENDS:
        tt_verify_send(verify, key, value);
        return;
    case TT_TABLE_STEPS:
        tt_verify_step(verify, key, value);
        return;
    case TT_TABLE_PENDING:
        tt_verify_pending(verify, key, value);
        return;
    case TT_TABLE_LISTS:
        check_list(verify, key);
        return;
    case TT_TABLE_PAIRS:
        check_pair(verify, key, value);
        return;
    case TT_TABLE_USERS:
        check_user(verify, key, value);
        return;
    case TT_TABLE_ONLINE:
        check_online(verify, key, value);
        return;
    case TT_TABLE_CONNECTIONS:
        check_connection(verify, key, value);
        return;
    case TT_TABLE_TOKENS:
        check_token(verify, key, value);
        return;
    case TT_TABLE_PUSHES:
        tt_verify_push(verify, key, value);
        return;
    case TT_TABLE_POSITION:
        tt_verify_found(verify, tt_row_unpack_position(value, &position), "the position",
                        &verify->nobody, &verify->nobody);
        return;
    }
}

static void check_all(struct tt_verify *verify)
{
    struct tt_walk *walk = tt_walk_create(verify->reading.view, TT_SLICE_EMPTY);
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_key_parts key;
        tt_arena_reset(&verify->arena);
        if (tt_is_ok(tt_key_split(tt_walk_key(walk), &key)))
            check_row(verify, &key, tt_walk_value(walk));
        else
            tt_verify_problem(verify, "a row of %zu bytes has a key that is none",
                              tt_walk_value(walk).size);
    }
    if (!tt_is_ok(tt_walk_destroy(&walk)))
        tt_verify_problem(verify, "store/index is damaged: it cannot be read to its end");
}

static void note(const struct tt_verify *verify, const char *sentence)
{
    if (verify->findings->note != NULL)
        verify->findings->note(verify->findings->context, sentence);
}

/* What a crash may leave, and nobody was promised. */
static void note_what_is_due(const struct tt_verify *verify, const struct tt_embedded_base *base)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    char name[TT_JOURNAL_NAME_SIZE];
    if (tt_index_due(base->index) != NULL)
        note(verify, tt_index_due(base->index));
    if (base->map.torn_size > 0) {
        snprintf(sentence, sizeof(sentence),
                 "the last %llu bytes of store/journal are a torn batch, which was never "
                 "acknowledged; the next start leaves it behind",
                 (unsigned long long)base->map.torn_size);
        note(verify, sentence);
    }
    if (base->map.unbegun > 0) {
        tt_journal_name(base->map.unbegun, name);
        snprintf(sentence, sizeof(sentence),
                 "store/journal/%s was never begun, and holds nothing of its own; the next start "
                 "removes it",
                 name);
        note(verify, sentence);
    }
}

tt_err tt_embedded_verify(const struct tt_embedded_options *options,
                          const struct tt_embedded_findings *findings,
                          struct tt_embedded_counts *counts,
                          char sentence[TT_EMBEDDED_SENTENCE_SIZE])
{
    struct tt_embedded_options offline = *options;
    struct tt_embedded_base base;
    offline.offline = true;
    *counts = (struct tt_embedded_counts){0};
    TT_TRY(tt_embedded_base_open(&offline, &base, sentence));
    struct tt_verify verify = {.counts = counts, .findings = findings};
    struct tt_view *view = tt_view_create(base.index);
    verify.reading = (struct tt_reading){.view = view, .arena = &verify.arena};
    verify.start = tt_working_position(base.working)->start;
    counts->journal_records = base.map.next_record - base.map.segments[0].first_record;
    note_what_is_due(&verify, &base);
    check_all(&verify);
    tt_buffer_deinit(&verify.reading.value);
    tt_arena_deinit(&verify.arena);
    tt_view_destroy(&view);
    tt_embedded_base_close(&base);
    return TT_OK;
}
