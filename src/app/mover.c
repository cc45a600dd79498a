#include "app/mover.h"

#include <stdarg.h>
#include <stdio.h>

#define BATCH        32
#define SAVE_MS      1000
#define PROGRESS_MAX 1000
#define LINE_SHOWN   120

struct mark {
    struct tt_slice id;
    struct tt_slice state;
    struct tt_slice rest;
};

static struct mark read_mark(struct tt_slice text)
{
    struct mark mark;
    mark.id = tt_slice_take_until(&text, ' ');
    mark.state = tt_slice_take_until(&text, ' ');
    mark.rest = text;
    return mark;
}

static bool is(const struct mark *mark, const char *state)
{
    return tt_slice_eq(mark->state, tt_slice_text(state));
}

static bool is_empty(const struct mark *mark)
{
    return mark->id.size == 0;
}

bool tt_mover_is_leaving(struct tt_slice text)
{
    struct mark mark = read_mark(text);
    return is(&mark, "leaving") || is(&mark, "left");
}

bool tt_mover_may_serve(struct tt_slice text, char sentence[TT_MOVER_SENTENCE])
{
    struct mark mark = read_mark(text);
    if (is_empty(&mark) || is(&mark, "whole"))
        return true;
    if (tt_mover_is_leaving(text))
        snprintf(sentence, TT_MOVER_SENTENCE,
                 "these tables %s to %.*s; serve from there, or take that back with `twoticks move "
                 "--give-up`: what was sent from there on is not in them",
                 is(&mark, "left") ? "were moved" : "are being moved", (int)mark.rest.size,
                 mark.rest.data);
    else
        snprintf(sentence, TT_MOVER_SENTENCE,
                 "a store is being moved into these tables, and they are not whole yet: run "
                 "`twoticks move` again to finish");
    return false;
}

static tt_err refuse(struct tt_mover *mover, tt_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static tt_err refuse(struct tt_mover *mover, tt_err err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(mover->sentence, sizeof(mover->sentence), format, arguments);
    va_end(arguments);
    return err;
}

/* A store's own error with its own sentence. */
static tt_err of(struct tt_mover *mover, const struct tt_transfer_port *port, tt_err err)
{
    if (!tt_is_ok(err))
        snprintf(mover->sentence, sizeof(mover->sentence), "%s", port->sentence(port->self));
    return err;
}

static tt_err save(struct tt_mover *mover, const struct tt_transfer_port *port, const char *state,
                   struct tt_slice rest)
{
    char text[PROGRESS_MAX];
    int size = snprintf(text, sizeof(text), "%.*s %s %.*s", (int)mover->id.size, mover->id.data,
                        state, (int)rest.size, rest.data);
    TT_ASSERT(size > 0 && size < (int)sizeof(text));
    mover->saved_at = mover->clock.mono(mover->clock.self);
    return of(mover, port, port->save(port->self, tt_slice(text, (size_t)size)));
}

static const char *state_of(enum tt_dossier_kind kind)
{
    return kind == TT_DOSSIER_USERS ? "users" : "conversations";
}

/* Dossiers of some ids of a page. */
static struct tt_dossiers make_batch(enum tt_dossier_kind kind, const tt_id *ids, size_t count,
                                     struct tt_arena *arena)
{
    struct tt_dossiers batch = {.users = NULL};
    if (kind == TT_DOSSIER_USERS) {
        batch.users = tt_arena_array(arena, count, sizeof(*batch.users));
        batch.user_count = count;
    } else {
        batch.conversations = tt_arena_array(arena, count, sizeof(*batch.conversations));
        batch.conversation_count = count;
    }
    for (size_t i = 0; i < count; i++)
        *(kind == TT_DOSSIER_USERS ? &batch.users[i].user : &batch.conversations[i].is.id) = ids[i];
    return batch;
}

static void drop_empty_users(struct tt_dossiers *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->user_count; i++)
        if (!tt_user_dossier_is_empty(&batch->users[i]))
            batch->users[kept++] = batch->users[i];
    batch->user_count = kept;
}

static tt_err lacks_messages(struct tt_mover *mover, const struct tt_conversation_dossier *dossier,
                             uint64_t next)
{
    return refuse(mover, TT_FAIL(CORRUPT),
                  "message %llu of %.*s is missing in %s, which has %llu: `twoticks verify` says "
                  "more of a folder",
                  (unsigned long long)next, (int)dossier->is.id.size, dossier->is.id.bytes,
                  mover->from, (unsigned long long)dossier->head.n);
}

/* The messages from `from` on; they are what was asked for, gapless. */
static tt_err next_messages(struct tt_mover *mover, const struct tt_transfer_port *port,
                            const struct tt_conversation_dossier *dossier, uint64_t from,
                            struct tt_arena *arena, struct tt_message **messages, size_t *count)
{
    TT_TRY(
        of(mover, port,
           port->read_messages(port->self, &dossier->is.id, TT_SEQ(from), arena, messages, count)));
    for (size_t i = 0; i < *count; i++)
        if ((*messages)[i].seq.n != from + i)
            return lacks_messages(mover, dossier, from + i);
    return *count > 0 ? TT_OK : lacks_messages(mover, dossier, from);
}

static tt_err copy_messages(struct tt_mover *mover, const struct tt_conversation_dossier *dossier)
{
    struct tt_arena arena = {0};
    tt_err err = TT_OK;
    uint64_t next = dossier->message_count + 1;
    mover->done.messages += dossier->message_count;
    while (tt_is_ok(err) && next <= dossier->head.n) {
        struct tt_message *messages;
        size_t count;
        err = next_messages(mover, &mover->source, dossier, next, &arena, &messages, &count);
        if (!tt_is_ok(err))
            break;
        err =
            of(mover, &mover->target,
               mover->target.write_messages(mover->target.self, &dossier->is.id, messages, count));
        next += count;
        mover->done.messages += count;
        tt_arena_reset(&arena);
        mover->tell(mover->context, mover);
    }
    tt_arena_deinit(&arena);
    return err;
}

static tt_err copy_batch(struct tt_mover *mover, struct tt_dossiers *batch, struct tt_arena *arena)
{
    TT_TRY(of(mover, &mover->source, mover->source.read(mover->source.self, batch, arena)));
    drop_empty_users(batch);
    TT_TRY(of(mover, &mover->target, mover->target.write(mover->target.self, batch)));
    for (size_t i = 0; i < batch->conversation_count; i++)
        TT_TRY(copy_messages(mover, &batch->conversations[i]));
    mover->done.users += batch->user_count;
    mover->done.conversations += batch->conversation_count;
    mover->tell(mover->context, mover);
    return TT_OK;
}

/* What is done with the ids of a page, some at a time. */
typedef tt_err (*step)(struct tt_mover *mover, struct tt_dossiers *batch, struct tt_arena *arena);

static tt_err do_page(struct tt_mover *mover, enum tt_dossier_kind kind,
                      const struct tt_transfer_page *page, step run)
{
    struct tt_arena arena = {0};
    tt_err err = TT_OK;
    for (size_t i = 0; tt_is_ok(err) && i < page->count; i += BATCH) {
        size_t count = page->count - i < BATCH ? page->count - i : BATCH;
        struct tt_dossiers batch = make_batch(kind, page->ids + i, count, &arena);
        err = run(mover, &batch, &arena);
        tt_arena_reset(&arena);
    }
    tt_arena_deinit(&arena);
    return err;
}

/* All ids from the cursor on. `saves`: the target keeps now and then how far it is. */
static tt_err walk(struct tt_mover *mover, enum tt_dossier_kind kind, struct tt_slice cursor,
                   step run, bool saves)
{
    struct tt_arena arenas[2] = {{0}, {0}};
    unsigned turn = 0;
    tt_err err;
    do {
        struct tt_transfer_page page = {.count = 0};
        tt_arena_reset(&arenas[turn]);
        err = of(mover, &mover->source,
                 mover->source.list(mover->source.self, kind, cursor, &arenas[turn], &page));
        if (tt_is_ok(err))
            err = do_page(mover, kind, &page, run);
        cursor = page.next;
        if (tt_is_ok(err) && cursor.size > 0 && saves &&
            mover->clock.mono(mover->clock.self).ms - mover->saved_at.ms >= SAVE_MS)
            err = save(mover, &mover->target, state_of(kind), cursor);
        turn ^= 1;
    } while (tt_is_ok(err) && cursor.size > 0);
    tt_arena_deinit(&arenas[0]);
    tt_arena_deinit(&arenas[1]);
    return err;
}

static tt_err copy(struct tt_mover *mover, const struct mark *begun)
{
    bool users_done = is(begun, "conversations");
    struct tt_slice cursor = begun->rest;
    if (!users_done) {
        mover->phase = TT_MOVER_USERS;
        TT_TRY(walk(mover, TT_DOSSIER_USERS, cursor, copy_batch, true));
        TT_TRY(save(mover, &mover->target, state_of(TT_DOSSIER_CONVERSATIONS), TT_SLICE_EMPTY));
        cursor = TT_SLICE_EMPTY;
    }
    mover->phase = TT_MOVER_CONVERSATIONS;
    TT_TRY(walk(mover, TT_DOSSIER_CONVERSATIONS, cursor, copy_batch, true));
    return save(mover, &mover->target, "checking", TT_SLICE_EMPTY);
}

static struct tt_slice line_at(struct tt_slice text, size_t at)
{
    size_t start = at;
    while (start > 0 && text.data[start - 1] != '\n')
        start--;
    size_t end = start;
    while (end < text.size && text.data[end] != '\n' && end - start < LINE_SHOWN)
        end++;
    return tt_slice(text.data + start, end - start);
}

static tt_err compare(struct tt_mover *mover, const char *what, const tt_id *id,
                      struct tt_buffer *source, struct tt_buffer *target)
{
    struct tt_slice a = tt_buffer_slice(source);
    struct tt_slice b = tt_buffer_slice(target);
    for (size_t i = 0; i < a.size; i++)
        mover->rows += a.data[i] == '\n';
    if (tt_slice_eq(a, b))
        return TT_OK;
    size_t at = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at])
        at++;
    struct tt_slice here = line_at(a, at);
    struct tt_slice there = line_at(b, at);
    return refuse(mover, TT_FAIL(CORRUPT),
                  "%s %.*s is not the same in both: \"%.*s\" in %s, \"%.*s\" in %s; if a server "
                  "was running on one of them, stop it; run the same command again: it copies anew",
                  what, (int)id->size, id->bytes, (int)here.size, here.data, mover->from,
                  (int)there.size, there.data, mover->to);
}

/* The messages of one conversation, page by page, from both. */
static tt_err compare_messages(struct tt_mover *mover,
                               const struct tt_conversation_dossier *dossier)
{
    struct tt_arena arena = {0};
    struct tt_buffer texts[2] = {{0}, {0}};
    tt_err err = TT_OK;
    for (uint64_t next = 1; tt_is_ok(err) && next <= dossier->head.n;) {
        const struct tt_transfer_port *const ports[2] = {&mover->source, &mover->target};
        struct tt_message *messages[2];
        size_t counts[2] = {0, 0};
        for (size_t i = 0; tt_is_ok(err) && i < 2; i++)
            err = next_messages(mover, ports[i], dossier, next, &arena, &messages[i], &counts[i]);
        if (!tt_is_ok(err))
            break;
        size_t count = counts[0] < counts[1] ? counts[0] : counts[1];
        for (size_t i = 0; i < 2; i++) {
            texts[i].size = 0;
            for (size_t j = 0; j < count; j++)
                tt_message_describe(&messages[i][j], &texts[i]);
        }
        err = compare(mover, "conversation", &dossier->is.id, &texts[0], &texts[1]);
        next += count;
        mover->done.messages += count;
        tt_arena_reset(&arena);
        mover->tell(mover->context, mover);
    }
    tt_buffer_deinit(&texts[0]);
    tt_buffer_deinit(&texts[1]);
    tt_arena_deinit(&arena);
    return err;
}

static tt_err compare_dossiers(struct tt_mover *mover, const struct tt_dossiers *a,
                               const struct tt_dossiers *b)
{
    struct tt_buffer texts[2] = {{0}, {0}};
    tt_err err = TT_OK;
    for (size_t i = 0; tt_is_ok(err) && i < a->user_count; i++) {
        texts[0].size = texts[1].size = 0;
        tt_user_dossier_describe(&a->users[i], &texts[0]);
        tt_user_dossier_describe(&b->users[i], &texts[1]);
        err = compare(mover, "user", &a->users[i].user, &texts[0], &texts[1]);
    }
    for (size_t i = 0; tt_is_ok(err) && i < a->conversation_count; i++) {
        texts[0].size = texts[1].size = 0;
        tt_conversation_dossier_describe(&a->conversations[i], &texts[0]);
        tt_conversation_dossier_describe(&b->conversations[i], &texts[1]);
        err = compare(mover, "conversation", &a->conversations[i].is.id, &texts[0], &texts[1]);
        if (tt_is_ok(err))
            err = compare_messages(mover, &a->conversations[i]);
    }
    tt_buffer_deinit(&texts[0]);
    tt_buffer_deinit(&texts[1]);
    return err;
}

static tt_err check_batch(struct tt_mover *mover, struct tt_dossiers *batch, struct tt_arena *arena)
{
    struct tt_dossiers there = {.users = NULL};
    TT_TRY(of(mover, &mover->source, mover->source.read(mover->source.self, batch, arena)));
    drop_empty_users(batch);
    if (batch->user_count > 0) {
        there.users = tt_arena_array(arena, batch->user_count, sizeof(*there.users));
        there.user_count = batch->user_count;
        for (size_t i = 0; i < batch->user_count; i++)
            there.users[i].user = batch->users[i].user;
    }
    if (batch->conversation_count > 0) {
        there.conversations =
            tt_arena_array(arena, batch->conversation_count, sizeof(*there.conversations));
        there.conversation_count = batch->conversation_count;
        for (size_t i = 0; i < batch->conversation_count; i++)
            there.conversations[i].is.id = batch->conversations[i].is.id;
    }
    tt_err err = mover->target.read(mover->target.self, &there, arena);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return refuse(mover, TT_FAIL(CORRUPT),
                      "a conversation is missing in %s; run the same command again: it copies anew",
                      mover->to);
    TT_TRY(of(mover, &mover->target, err));
    TT_TRY(compare_dossiers(mover, batch, &there));
    mover->done.users += batch->user_count;
    mover->done.conversations += batch->conversation_count;
    mover->tell(mover->context, mover);
    return TT_OK;
}

/* What is in the target and not in the source would be told by the number. */
static tt_err count_target(struct tt_mover *mover, uint64_t *count)
{
    struct tt_arena arenas[2] = {{0}, {0}};
    struct tt_slice cursor = TT_SLICE_EMPTY;
    tt_err err = TT_OK;
    *count = 0;
    for (unsigned turn = 0; tt_is_ok(err); turn ^= 1) {
        struct tt_transfer_page page;
        tt_arena_reset(&arenas[turn]);
        err = of(mover, &mover->target,
                 mover->target.list(mover->target.self, TT_DOSSIER_CONVERSATIONS, cursor,
                                    &arenas[turn], &page));
        if (!tt_is_ok(err))
            break;
        *count += page.count;
        cursor = page.next;
        if (cursor.size == 0)
            break;
    }
    tt_arena_deinit(&arenas[0]);
    tt_arena_deinit(&arenas[1]);
    return err;
}

static tt_err check(struct tt_mover *mover)
{
    uint64_t conversations;
    mover->phase = TT_MOVER_CHECKING;
    mover->done = (struct tt_transfer_counts){0};
    TT_TRY(walk(mover, TT_DOSSIER_USERS, TT_SLICE_EMPTY, check_batch, false));
    TT_TRY(walk(mover, TT_DOSSIER_CONVERSATIONS, TT_SLICE_EMPTY, check_batch, false));
    TT_TRY(count_target(mover, &conversations));
    mover->checked = mover->done;
    if (conversations == mover->done.conversations)
        return TT_OK;
    return refuse(mover, TT_FAIL(CORRUPT),
                  "%s has %llu conversations, and %s has %llu; begin again with an empty target",
                  mover->from, (unsigned long long)mover->done.conversations, mover->to,
                  (unsigned long long)conversations);
}

static tt_err begin(struct tt_mover *mover, const struct mark *source, char id[20])
{
    if (is(source, "left"))
        return refuse(mover, TT_FAIL(CONFLICT),
                      "%s was moved to %.*s already; take that back with --give-up if it was wrong",
                      mover->from, (int)source->rest.size, source->rest.data);
    if (!is_empty(source) && !is(source, "whole") && !is(source, "leaving"))
        return refuse(mover, TT_FAIL(CONFLICT),
                      "%s is just being filled by another move; finish that first", mover->from);
    TT_TRY(mover->may_begin(mover->context, mover->sentence));
    snprintf(id, 20, "%016llx", (unsigned long long)mover->made_up);
    mover->id = tt_slice_text(id);
    TT_TRY(save(mover, &mover->source, "leaving", tt_slice_text(mover->to)));
    return save(mover, &mover->target, "users", TT_SLICE_EMPTY);
}

/* Servers look at the marks after they have said that they are there, so this is seen by them, or
 * they are seen here. Who is refused at the beginning leaves the marks as they were. */
static tt_err await_silence(struct tt_mover *mover, struct tt_slice source_mark)
{
    tt_err err = mover->await_silence(mover->context, mover->sentence);
    if (!tt_err_is(err, TT_ERR_CONFLICT) || mover->goes_on)
        return err;
    char sentence[TT_MOVER_SENTENCE];
    memcpy(sentence, mover->sentence, sizeof(sentence));
    TT_TRY(of(mover, &mover->target, mover->target.save(mover->target.self, TT_SLICE_EMPTY)));
    TT_TRY(of(mover, &mover->source, mover->source.save(mover->source.self, source_mark)));
    memcpy(mover->sentence, sentence, sizeof(sentence));
    return err;
}

/* What was not the same is copied anew the next time. */
static tt_err check_all(struct tt_mover *mover)
{
    char sentence[TT_MOVER_SENTENCE];
    tt_err err = check(mover);
    if (!tt_err_is(err, TT_ERR_CORRUPT))
        return err;
    memcpy(sentence, mover->sentence, sizeof(sentence));
    TT_TRY(save(mover, &mover->target, "users", TT_SLICE_EMPTY));
    memcpy(mover->sentence, sentence, sizeof(sentence));
    return err;
}

static tt_err move(struct tt_mover *mover, struct tt_arena *arena)
{
    struct tt_slice source_mark;
    struct tt_slice text;
    char id[20];
    TT_TRY(of(mover, &mover->source, mover->source.load(mover->source.self, arena, &source_mark)));
    struct mark source = read_mark(source_mark);
    TT_TRY(of(mover, &mover->target, mover->target.load(mover->target.self, arena, &text)));
    struct mark target = read_mark(text);
    bool same = !is_empty(&target) && tt_slice_eq(source.id, target.id);
    mover->goes_on = same;
    mover->was_done = same && is(&target, "whole");
    mover->id = target.id;
    if (mover->was_done)
        return is(&source, "left") ? TT_OK
                                   : save(mover, &mover->source, "left", tt_slice_text(mover->to));
    if (is_empty(&target))
        TT_TRY(begin(mover, &source, id));
    else if (!same)
        return refuse(mover, TT_FAIL(CONFLICT), "%s holds %s another move; give an empty target",
                      mover->to, is(&target, "whole") ? "what came by" : "a part of");
    TT_TRY(await_silence(mover, source_mark));
    TT_TRY(of(mover, &mover->source, mover->source.count(mover->source.self, &mover->total)));
    if (!is(&target, "checking"))
        TT_TRY(copy(mover, &target));
    TT_TRY(check_all(mover));
    TT_TRY(save(mover, &mover->source, "left", tt_slice_text(mover->to)));
    return save(mover, &mover->target, "whole", tt_slice_text(mover->from));
}

tt_err tt_mover_run(struct tt_mover *mover)
{
    struct tt_arena arena = {0};
    mover->sentence[0] = '\0';
    tt_err err = move(mover, &arena);
    tt_arena_deinit(&arena);
    return err;
}
