#include "adapter/dynamodb/transfer.h"

#include <stdio.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/push_row.h"
#include "adapter/dynamodb/transfer_parts.h"
#include "base/memory.h"

#define CACHE_ENTRIES 16
#define MARK_SERVER   "#move"

static const struct tt_ddb_value none = {.kind = TT_DDB_NONE};

struct tt_ddb_transfer {
    struct tt_ddb_transfer_options options;
    struct tt_ddb_store *store; /* what fibers and requests need of it */
    struct tt_ddb_work work;
    tt_transfer_job job;
    struct tt_transfer_call *call;
    bool finished;
    tt_err err;
    char sentence[TT_DDB_TRANSFER_SENTENCE];
};

static void no_ops(void *context, struct tt_store_op *op)
{
    (void)context;
    (void)op;
    TT_ASSERT(false);
}

struct tt_ddb_transfer *tt_ddb_transfer_create(const struct tt_ddb_transfer_options *options)
{
    struct tt_ddb_transfer *transfer = tt_alloc(sizeof(*transfer));
    struct tt_ddb_store_options store = {
        .tables = options->tables,
        .place = {.server = tt_id_of("moved")},
        .clock = options->clock,
        .entropy = options->entropy,
        .op_ms_max = options->call_ms_max,
        .lease_ms = options->lease_ms,
        .cache_entries = CACHE_ENTRIES,
    };
    transfer->options = *options;
    transfer->store = tt_ddb_store_create(NULL, &store, (struct tt_store_sink){NULL, no_ops});
    return transfer;
}

void tt_ddb_transfer_destroy(struct tt_ddb_transfer **take_transfer)
{
    struct tt_ddb_transfer *transfer = *take_transfer;
    *take_transfer = NULL;
    tt_ddb_store_destroy(&transfer->store);
    tt_arena_deinit(&transfer->work.arena);
    tt_free(transfer);
}

static void run(void *context)
{
    struct tt_ddb_transfer *transfer = context;
    transfer->work.fiber = tt_fiber_self(transfer->store->fibers);
    transfer->err = transfer->job(&transfer->work, transfer->call);
    transfer->finished = true;
    transfer->options.stop(transfer->options.context);
}

/* Runs the job with that arena as the work's; NULL: nothing of it is needed afterwards. */
static tt_err carry_out(struct tt_ddb_transfer *transfer, tt_transfer_job job,
                        struct tt_transfer_call *call, struct tt_arena *arena)
{
    const struct tt_ddb_transfer_options *options = &transfer->options;
    struct tt_arena own = {0};
    transfer->work = (struct tt_ddb_work){
        .store = transfer->store,
        .arena = arena == NULL ? own : *arena,
        .deadline = tt_mono_after(options->clock.mono(options->clock.self), options->call_ms_max),
    };
    transfer->job = job;
    transfer->call = call;
    transfer->finished = false;
    tt_fiber_start(transfer->store->fibers, run, transfer);
    while (!transfer->finished)
        options->turn(options->context);
    if (arena == NULL)
        tt_arena_deinit(&transfer->work.arena);
    else
        *arena = transfer->work.arena;
    transfer->work.arena = (struct tt_arena){0};
    if (tt_err_is(transfer->err, TT_ERR_UNAVAILABLE))
        snprintf(transfer->sentence, sizeof(transfer->sentence),
                 "the tables did not answer as they should for %u s; look what is wrong with them, "
                 "and run the same command again: it goes on where it was",
                 (unsigned)(options->call_ms_max / 1000));
    else if (!tt_is_ok(transfer->err))
        snprintf(transfer->sentence, sizeof(transfer->sentence),
                 "the tables hold what makes no sense (%s)", tt_err_text(transfer->err));
    return transfer->err;
}

static tt_err list(void *self, enum tt_dossier_kind kind, struct tt_slice after,
                   struct tt_arena *arena, struct tt_transfer_page *page)
{
    struct tt_transfer_call call = {.kind = kind, .text = after, .page = page};
    return carry_out(self, tt_ddb_transfer_list, &call, arena);
}

static tt_err read_dossiers(void *self, struct tt_dossiers *dossiers, struct tt_arena *arena)
{
    struct tt_transfer_call call = {.dossiers = dossiers};
    return carry_out(self, tt_ddb_transfer_read, &call, arena);
}

static tt_err read_messages(void *self, const tt_id *conversation, tt_seq from,
                            struct tt_arena *arena, struct tt_message **messages, size_t *count)
{
    struct tt_transfer_call call = {.conversation = conversation, .from = from};
    TT_TRY(carry_out(self, tt_ddb_transfer_read_messages, &call, arena));
    *messages = call.messages;
    *count = call.message_count;
    return TT_OK;
}

static tt_err write_dossiers(void *self, const struct tt_dossiers *dossiers)
{
    struct tt_transfer_call call = {.to_write = dossiers};
    return carry_out(self, tt_ddb_transfer_write, &call, NULL);
}

static tt_err write_messages(void *self, const tt_id *conversation,
                             const struct tt_message *messages, size_t count)
{
    struct tt_message *copy = tt_alloc((count + 1) * sizeof(*copy));
    if (count > 0)
        memcpy(copy, messages, count * sizeof(*copy));
    struct tt_transfer_call call = {
        .conversation = conversation, .messages = copy, .message_count = count};
    tt_err err = carry_out(self, tt_ddb_transfer_write_messages, &call, NULL);
    tt_free(copy);
    return err;
}

static struct tt_ddb_request *about_mark(struct tt_ddb_work *work, enum tt_ddb_verb verb)
{
    return tt_ddb_new(work, verb, TT_DDB_SERVERS, tt_ddb_text(TT_SLICE_LITERAL(MARK_SERVER)),
                      tt_ddb_number(0));
}

static tt_err put_mark(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    struct tt_ddb_request *put = about_mark(work, TT_DDB_PUT);
    tt_ddb_set(put, "progress", tt_ddb_raw(tt_ddb_escape(work, call->text)));
    return tt_ddb_known(tt_ddb_ask(work, put));
}

static tt_err get_mark(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    const struct tt_ddb_answer *answer = tt_ddb_ask(work, about_mark(work, TT_DDB_GET));
    TT_TRY(tt_ddb_known(answer));
    call->text = TT_SLICE_EMPTY;
    if (answer->item_count > 0)
        call->text = tt_ddb_unescape(tt_ddb_get_raw(answer->items[0], "progress"), &work->arena);
    return TT_OK;
}

static tt_err delete_mark(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    (void)call;
    return tt_ddb_known(tt_ddb_ask(work, about_mark(work, TT_DDB_DELETE)));
}

static tt_err save(void *self, struct tt_slice progress)
{
    struct tt_transfer_call call = {.text = progress};
    return carry_out(self, progress.size > 0 ? put_mark : delete_mark, &call, NULL);
}

static tt_err load(void *self, struct tt_arena *arena, struct tt_slice *progress)
{
    struct tt_transfer_call call = {.text = TT_SLICE_EMPTY};
    TT_TRY(carry_out(self, get_mark, &call, arena));
    *progress = call.text;
    return TT_OK;
}

/* The service knows it to within hours, which is worse than nothing. */
static tt_err count(void *self, struct tt_transfer_counts *counts)
{
    (void)self;
    *counts = (struct tt_transfer_counts){0};
    return TT_OK;
}

static const char *sentence(void *self)
{
    const struct tt_ddb_transfer *transfer = self;
    return transfer->sentence;
}

struct tt_transfer_port tt_ddb_transfer_port(struct tt_ddb_transfer *transfer)
{
    return (struct tt_transfer_port){
        .self = transfer,
        .list = list,
        .read = read_dossiers,
        .read_messages = read_messages,
        .write = write_dossiers,
        .write_messages = write_messages,
        .save = save,
        .load = load,
        .count = count,
        .sentence = sentence,
    };
}

/* A call about servers and tables. */
struct look {
    struct tt_transfer_call call; /* first, so that the one is the other */
    enum tt_ddb_table table;      /* the first one with a row, or TT_DDB_TABLE_COUNT */
    tt_id server;
    tt_time alive_at; /* announcing: its incarnation, which is a time, too */
};

static tt_err look_into_tables(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    struct look *look = (struct look *)call;
    struct tt_ddb_request *requests[TT_DDB_TABLE_COUNT];
    for (enum tt_ddb_table table = 0; table < TT_DDB_TABLE_COUNT; table++) {
        requests[table] = tt_ddb_new(work, TT_DDB_SCAN, table, none, none);
        requests[table]->query.limit = 1;
    }
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, TT_DDB_TABLE_COUNT);
    look->table = TT_DDB_TABLE_COUNT;
    for (enum tt_ddb_table table = TT_DDB_TABLE_COUNT; table-- > 0;) {
        TT_TRY(tt_ddb_known(&answers[table]));
        if (answers[table].item_count > 0 && table != TT_DDB_SERVERS)
            look->table = table;
    }
    return TT_OK;
}

tt_err tt_ddb_transfer_look(struct tt_ddb_transfer *transfer, const char **not_empty)
{
    struct look look = {.table = TT_DDB_TABLE_COUNT};
    TT_TRY(carry_out(transfer, look_into_tables, &look.call, NULL));
    *not_empty = look.table == TT_DDB_TABLE_COUNT ? NULL : tt_ddb_table_form(look.table)->name;
    return TT_OK;
}

static tt_err look_for_servers(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    struct look *look = (struct look *)call;
    struct tt_ddb_request *scan = tt_ddb_new(work, TT_DDB_SCAN, TT_DDB_SERVERS, none, none);
    for (bool more = true; more;) {
        const struct tt_ddb_answer *page = tt_ddb_ask(work, scan);
        TT_TRY(tt_ddb_known(page));
        for (size_t i = 0; i < page->item_count; i++) {
            tt_time alive_at = tt_ddb_get_time(page->items[i], "alive_at");
            if (alive_at.ms <= look->alive_at.ms)
                continue;
            look->alive_at = alive_at;
            look->server = tt_ddb_get_id(page->items[i], "server_id");
        }
        more = page->more;
        scan->key = (struct tt_ddb_key){page->behind_hash, page->behind};
    }
    return TT_OK;
}

static tt_err announce(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    const struct look *look = (const struct look *)call;
    struct tt_ddb_request *put =
        tt_ddb_new(work, TT_DDB_PUT, TT_DDB_SERVERS, tt_ddb_id(&look->server),
                   tt_ddb_number((uint64_t)look->alive_at.ms));
    tt_ddb_set(put, "alive_at", tt_ddb_time(work, tt_ddb_wall(work->store)));
    return tt_ddb_known(tt_ddb_ask(work, put));
}

tt_err tt_ddb_transfer_announce(struct tt_ddb_transfer *transfer, const struct tt_place *place)
{
    struct look look = {.server = place->server, .alive_at = TT_TIME((int64_t)place->incarnation)};
    return carry_out(transfer, announce, &look.call, NULL);
}

tt_err tt_ddb_transfer_alive(struct tt_ddb_transfer *transfer, tt_id *server, tt_time *alive_at)
{
    struct look look = {.table = TT_DDB_TABLE_COUNT};
    TT_TRY(carry_out(transfer, look_for_servers, &look.call, NULL));
    bool recent =
        tt_ddb_wall(transfer->store).ms - look.alive_at.ms < (int64_t)transfer->options.lease_ms;
    *server = recent ? look.server : (tt_id){0};
    *alive_at = look.alive_at;
    return TT_OK;
}
