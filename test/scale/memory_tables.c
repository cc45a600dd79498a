#include "scale/memory_tables.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_writer.h"
#include "base/map.h"
#include "base/memory.h"

#define ATTRS_MAX   16
#define CLIENTS_MAX 8
#define TEXT_MAX    192

struct attr {
    char name[32];
    bool is_number;
    uint64_t number;
    struct tt_slice json; /* the whole value; owned */
    struct tt_slice raw;  /* of a string: within json */
};

struct row {
    struct row *next;
    enum tt_ddb_table table;
    char hash[TEXT_MAX];
    char range[TEXT_MAX];
    uint64_t range_number;
    struct attr attrs[ATTRS_MAX];
    size_t attr_count;
};

struct waiting {
    struct waiting *next;
    unsigned client;
    struct tt_ddb_request request;
    struct tt_arena copies;
    struct tt_arena *arena;
    struct tt_ddb_answer *answer;
    void (*done)(void *context);
    void *context;
    bool nobody; /* its sender is told nothing any more */
};

struct client {
    struct tt_memory_tables *tables;
    unsigned number;
};

struct tt_memory_tables {
    struct row *rows;
    struct waiting *waiting;
    size_t waiting_count;
    struct client clients[CLIENTS_MAX];
    struct tt_memory_faults faults;
    uint64_t state;
    uint64_t counts[TT_DDB_VERB_COUNT];
};

uint64_t tt_memory_tables_random(struct tt_memory_tables *tables)
{
    uint64_t x = (tables->state += 0x9e3779b97f4a7c15ULL); /* splitmix64 */
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

struct tt_memory_tables *tt_memory_tables_create(uint64_t seed)
{
    struct tt_memory_tables *tables = tt_alloc(sizeof(*tables));
    tables->state = seed;
    return tables;
}

static void forget_attr(struct attr *attr)
{
    void *text = (void *)(uintptr_t)attr->json.data;
    tt_free(text);
    *attr = (struct attr){.name = ""};
}

static void forget_row(struct row *row)
{
    for (size_t i = 0; i < row->attr_count; i++)
        forget_attr(&row->attrs[i]);
    tt_free(row);
}

static void forget_waiting(struct waiting *waiting)
{
    tt_arena_deinit(&waiting->copies);
    tt_free(waiting);
}

void tt_memory_tables_destroy(struct tt_memory_tables **take_tables)
{
    struct tt_memory_tables *tables = *take_tables;
    *take_tables = NULL;
    while (tables->rows != NULL) {
        struct row *row = tables->rows;
        tables->rows = row->next;
        forget_row(row);
    }
    while (tables->waiting != NULL) {
        struct waiting *waiting = tables->waiting;
        tables->waiting = waiting->next;
        forget_waiting(waiting);
    }
    tt_free(tables);
}

static void key_text(const struct tt_ddb_value *value, char text[TEXT_MAX], uint64_t *number)
{
    text[0] = '\0';
    *number = value->number;
    if (value->kind == TT_DDB_NUMBER)
        snprintf(text, TEXT_MAX, "%020llu", (unsigned long long)value->number);
    else if (value->kind != TT_DDB_NONE)
        snprintf(text, TEXT_MAX, "%.*s", (int)value->text.size, value->text.data);
}

static struct row **find(struct tt_memory_tables *tables, const struct tt_ddb_request *request)
{
    char hash[TEXT_MAX];
    char range[TEXT_MAX];
    uint64_t number;
    key_text(&request->key.range, range, &number);
    key_text(&request->key.hash, hash, &number);
    struct row **at = &tables->rows;
    while (*at != NULL && ((*at)->table != request->table || strcmp((*at)->hash, hash) != 0 ||
                           strcmp((*at)->range, range) != 0))
        at = &(*at)->next;
    return at;
}

static struct attr *attr_of(struct row *row, const char *name)
{
    for (size_t i = 0; row != NULL && i < row->attr_count; i++)
        if (strcmp(row->attrs[i].name, name) == 0)
            return &row->attrs[i];
    return NULL;
}

static void set_attr(struct row *row, const char *name, const struct tt_ddb_value *value)
{
    struct attr *attr = attr_of(row, name);
    if (attr == NULL) {
        TT_ASSERT(row->attr_count < ATTRS_MAX);
        attr = &row->attrs[row->attr_count++];
    } else {
        forget_attr(attr);
    }
    snprintf(attr->name, sizeof(attr->name), "%s", name);
    struct tt_buffer text = {0};
    if (value->kind == TT_DDB_JSON) {
        tt_buffer_add(&text, value->text);
    } else if (value->kind == TT_DDB_NUMBER) {
        tt_buffer_add_text(&text, "{\"N\":\"");
        tt_buffer_add_u64(&text, value->number);
        tt_buffer_add_text(&text, "\"}");
        attr->is_number = true;
        attr->number = value->number;
    } else {
        tt_buffer_add_text(&text, "{\"S\":\"");
        tt_buffer_add(&text, value->text);
        tt_buffer_add_text(&text, "\"}");
    }
    attr->json = tt_buffer_slice(&text);
    if (value->kind == TT_DDB_TEXT || value->kind == TT_DDB_RAW)
        attr->raw = tt_slice(text.data + 6, value->text.size);
}

static int compare(const struct attr *attr, const struct tt_ddb_value *value)
{
    if (value->kind == TT_DDB_NUMBER) {
        TT_ASSERT(attr->is_number);
        return attr->number < value->number ? -1 : attr->number > value->number;
    }
    TT_ASSERT(!attr->is_number);
    return tt_slice_compare(attr->raw, value->text);
}

static bool holds(struct row *row, const struct tt_ddb_clause *clause)
{
    const struct attr *attr = attr_of(row, clause->name);
    switch (clause->test) {
    case TT_DDB_ABSENT:
        return attr == NULL;
    case TT_DDB_PRESENT:
        return attr != NULL;
    case TT_DDB_EQUAL:
        return attr != NULL && compare(attr, &clause->value) == 0;
    case TT_DDB_AT_MOST:
        return attr != NULL && compare(attr, &clause->value) <= 0;
    case TT_DDB_ABSENT_OR_SMALLER:
        return attr == NULL || compare(attr, &clause->value) < 0;
    }
    return false;
}

static struct row *add_row(struct tt_memory_tables *tables, const struct tt_ddb_request *request)
{
    const struct tt_ddb_table_form *form = tt_ddb_table_form(request->table);
    struct row *row = tt_alloc(sizeof(*row));
    uint64_t unused;
    row->table = request->table;
    key_text(&request->key.hash, row->hash, &unused);
    key_text(&request->key.range, row->range, &row->range_number);
    row->next = tables->rows;
    tables->rows = row;
    set_attr(row, form->hash, &request->key.hash);
    if (form->range != NULL)
        set_attr(row, form->range, &request->key.range);
    return row;
}

static void write_row(struct tt_memory_tables *tables, const struct tt_ddb_request *request,
                      struct row **at)
{
    struct row *row = *at;
    if (row != NULL && request->verb != TT_DDB_UPDATE) {
        *at = row->next;
        forget_row(row);
        row = NULL;
    }
    if (request->verb == TT_DDB_DELETE)
        return;
    if (row == NULL)
        row = add_row(tables, request);
    for (size_t i = 0; i < request->attr_count; i++)
        if (!request->attrs[i].if_absent || attr_of(row, request->attrs[i].name) == NULL)
            set_attr(row, request->attrs[i].name, &request->attrs[i].value);
}

static struct tt_json row_json(const struct row *row, const char *only, struct tt_arena *arena)
{
    struct tt_buffer text = {0};
    bool comma = false;
    tt_buffer_add_byte(&text, '{');
    for (size_t i = 0; i < row->attr_count; i++) {
        if (only != NULL && strcmp(only, row->attrs[i].name) != 0)
            continue;
        tt_buffer_add_text(&text, comma ? ",\"" : "\"");
        tt_buffer_add_text(&text, row->attrs[i].name);
        tt_buffer_add_text(&text, "\":");
        tt_buffer_add(&text, row->attrs[i].json);
        comma = true;
    }
    tt_buffer_add_byte(&text, '}');
    struct tt_slice copy = tt_arena_copy(arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    struct tt_json json;
    TT_ASSERT(tt_is_ok(tt_json_read(copy, &json)));
    return json;
}

static int by_range(const void *left, const void *right)
{
    const struct row *const *a = left;
    const struct row *const *b = right;
    return strcmp((*a)->range, (*b)->range);
}

static bool in_range(const struct row *row, const struct tt_ddb_request *request)
{
    char text[TEXT_MAX];
    uint64_t number;
    if (request->query.from.kind != TT_DDB_NONE) {
        key_text(&request->query.from, text, &number);
        if (strcmp(row->range, text) < 0)
            return false;
    }
    if (request->query.to.kind != TT_DDB_NONE) {
        key_text(&request->query.to, text, &number);
        if (strcmp(row->range, text) > 0)
            return false;
    }
    if (request->query.after.kind == TT_DDB_NONE)
        return true;
    key_text(&request->query.after, text, &number);
    int order = strcmp(row->range, text);
    return request->query.descending ? order < 0 : order > 0;
}

static void query(struct tt_memory_tables *tables, const struct tt_ddb_request *request,
                  struct tt_arena *arena, struct tt_ddb_answer *answer)
{
    const struct tt_ddb_table_form *form = tt_ddb_table_form(request->table);
    char hash[TEXT_MAX];
    uint64_t unused;
    size_t count = 0;
    key_text(&request->key.hash, hash, &unused);
    for (struct row *row = tables->rows; row != NULL; row = row->next)
        count += row->table == request->table;
    struct row **found = tt_arena_array(arena, count + 1, sizeof(struct row *));
    count = 0;
    for (struct row *row = tables->rows; row != NULL; row = row->next)
        if (row->table == request->table && strcmp(row->hash, hash) == 0 && in_range(row, request))
            found[count++] = row;
    if (count > 0)
        qsort(found, count, sizeof(struct row *), by_range);
    size_t limit = request->query.limit == 0 ? 16 : request->query.limit; /* pages are real */
    answer->item_count = count < limit ? count : limit;
    answer->items = tt_arena_array(arena, answer->item_count, sizeof(*answer->items));
    for (size_t i = 0; i < answer->item_count; i++)
        answer->items[i] = row_json(found[request->query.descending ? count - 1 - i : i],
                                    request->query.only, arena);
    answer->more = answer->item_count == limit;
    if (!answer->more)
        return;
    struct row *last = found[request->query.descending ? count - limit : limit - 1];
    if (form->range_is_number)
        answer->behind = tt_ddb_number(last->range_number);
    else
        answer->behind = tt_ddb_text(tt_arena_copy(arena, tt_slice_text(last->range)));
}

/* The order of a scan is that of the hashes of the keys, as nobody would guess it. */
static int by_place(const void *left, const void *right)
{
    const struct row *const *a = left;
    const struct row *const *b = right;
    uint64_t place_a = tt_hash(tt_slice_text((*a)->hash), 7);
    uint64_t place_b = tt_hash(tt_slice_text((*b)->hash), 7);
    if (place_a != place_b)
        return place_a < place_b ? -1 : 1;
    return strcmp((*a)->range, (*b)->range);
}

static void scan(struct tt_memory_tables *tables, const struct tt_ddb_request *request,
                 struct tt_arena *arena, struct tt_ddb_answer *answer)
{
    uint64_t unused;
    struct row begin = {.table = request->table};
    const struct row *begin_at = &begin;
    bool goes_on = request->key.hash.kind != TT_DDB_NONE;
    key_text(&request->key.hash, begin.hash, &unused);
    key_text(&request->key.range, begin.range, &unused);
    size_t count = 0;
    for (struct row *row = tables->rows; row != NULL; row = row->next)
        count += row->table == request->table;
    struct row **found = tt_arena_array(arena, count + 1, sizeof(struct row *));
    count = 0;
    for (struct row *row = tables->rows; row != NULL; row = row->next) {
        const struct row *one = row;
        if (row->table == request->table && (!goes_on || by_place(&one, &begin_at) > 0))
            found[count++] = row;
    }
    if (count > 0)
        qsort(found, count, sizeof(struct row *), by_place);
    size_t limit = request->query.limit < 2 ? 2 : request->query.limit / 2; /* pages are real */
    answer->item_count = count < limit ? count : limit;
    answer->items = tt_arena_array(arena, answer->item_count, sizeof(*answer->items));
    for (size_t i = 0; i < answer->item_count; i++)
        answer->items[i] = row_json(found[i], NULL, arena);
    answer->more = answer->item_count == limit;
    if (!answer->more)
        return;
    answer->behind_hash = tt_ddb_text(tt_arena_copy(arena, tt_slice_text(found[limit - 1]->hash)));
    answer->behind = tt_ddb_text(tt_arena_copy(arena, tt_slice_text(found[limit - 1]->range)));
}

static void carry_out(struct tt_memory_tables *tables, const struct tt_ddb_request *request,
                      struct tt_arena *arena, struct tt_ddb_answer *answer)
{
    tables->counts[request->verb]++;
    bool retried = answer->retried;
    *answer = (struct tt_ddb_answer){.outcome = TT_DDB_DONE, .retried = retried};
    if (request->verb == TT_DDB_QUERY) {
        query(tables, request, arena, answer);
        return;
    }
    if (request->verb == TT_DDB_SCAN) {
        scan(tables, request, arena, answer);
        return;
    }
    struct row **at = find(tables, request);
    if (request->verb == TT_DDB_GET) {
        if (*at == NULL)
            return;
        answer->items = tt_arena_array(arena, 1, sizeof(*answer->items));
        answer->items[0] = row_json(*at, NULL, arena);
        answer->item_count = 1;
        return;
    }
    for (size_t i = 0; i < request->clause_count; i++)
        if (!holds(*at, &request->clauses[i])) {
            answer->outcome = TT_DDB_REFUSED;
            return;
        }
    write_row(tables, request, at);
}

static struct tt_ddb_value keep(struct tt_ddb_value value, struct tt_arena *arena)
{
    value.text = tt_arena_copy(arena, value.text);
    return value;
}

/* A request may outlive its sender, so it is copied. */
static void send(void *self, const struct tt_ddb_request *request, tt_mono deadline,
                 struct tt_arena *arena, struct tt_ddb_answer *answer, void (*done)(void *context),
                 void *context)
{
    struct client *client = self;
    struct waiting *waiting = tt_alloc(sizeof(*waiting));
    (void)deadline;
    *answer = (struct tt_ddb_answer){.outcome = TT_DDB_UNKNOWN};
    *waiting = (struct waiting){.client = client->number,
                                .request = *request,
                                .arena = arena,
                                .answer = answer,
                                .done = done,
                                .context = context,
                                .next = client->tables->waiting};
    struct tt_arena *copies = &waiting->copies;
    waiting->request.key.hash = keep(request->key.hash, copies);
    waiting->request.key.range = keep(request->key.range, copies);
    waiting->request.query.after = keep(request->query.after, copies);
    for (size_t i = 0; i < request->attr_count; i++)
        waiting->request.attrs[i].value = keep(request->attrs[i].value, copies);
    for (size_t i = 0; i < request->clause_count; i++)
        waiting->request.clauses[i].value = keep(request->clauses[i].value, copies);
    client->tables->waiting = waiting;
    client->tables->waiting_count++;
}

struct tt_ddb_tables tt_memory_tables_open(struct tt_memory_tables *tables, unsigned client)
{
    TT_ASSERT(client < CLIENTS_MAX);
    tables->clients[client] = (struct client){tables, client};
    return (struct tt_ddb_tables){.self = &tables->clients[client], .send = send};
}

void tt_memory_tables_cut(struct tt_memory_tables *tables, unsigned client)
{
    for (struct waiting *one = tables->waiting; one != NULL; one = one->next)
        if (one->client == client)
            one->nobody = true;
}

struct tt_memory_faults *tt_memory_tables_faults(struct tt_memory_tables *tables)
{
    return &tables->faults;
}

static bool happens(struct tt_memory_tables *tables, uint32_t per_mille)
{
    return per_mille > 0 && tt_memory_tables_random(tables) % 1000 < per_mille;
}

static struct waiting *draw(struct tt_memory_tables *tables)
{
    uint64_t nth = tt_memory_tables_random(tables) % tables->waiting_count;
    struct waiting **at = &tables->waiting;
    while (nth-- > 0)
        at = &(*at)->next;
    struct waiting *drawn = *at;
    *at = drawn->next;
    tables->waiting_count--;
    return drawn;
}

static void happen_unheard(struct tt_memory_tables *tables, const struct waiting *waiting)
{
    struct tt_arena arena = {0};
    struct tt_ddb_answer answer = {.outcome = TT_DDB_UNKNOWN};
    carry_out(tables, &waiting->request, &arena, &answer);
    tt_arena_deinit(&arena);
}

bool tt_memory_tables_step(struct tt_memory_tables *tables)
{
    if (tables->waiting == NULL)
        return false;
    struct waiting *drawn = draw(tables);
    if (drawn->nobody) {
        if (tt_memory_tables_random(tables) % 2 == 0)
            happen_unheard(tables, drawn);
        forget_waiting(drawn);
        return true;
    }
    bool put_back = false;
    if (happens(tables, tables->faults.none_per_mille)) {
        drawn->answer->outcome = TT_DDB_UNKNOWN;
    } else if (happens(tables, tables->faults.mute_per_mille)) {
        happen_unheard(tables, drawn);
        drawn->answer->outcome = TT_DDB_UNKNOWN;
    } else if (happens(tables, tables->faults.late_per_mille)) {
        drawn->answer->outcome = TT_DDB_UNKNOWN;
        put_back = true;
    } else {
        if (happens(tables, tables->faults.twice_per_mille)) {
            happen_unheard(tables, drawn);
            drawn->answer->retried = true;
        }
        carry_out(tables, &drawn->request, drawn->arena, drawn->answer);
    }
    void (*done)(void *) = drawn->done;
    void *context = drawn->context;
    if (put_back) {
        drawn->nobody = true;
        drawn->next = tables->waiting;
        tables->waiting = drawn;
        tables->waiting_count++;
    } else {
        forget_waiting(drawn);
    }
    done(context);
    return true;
}

const uint64_t *tt_memory_tables_counts(const struct tt_memory_tables *tables)
{
    return tables->counts;
}

static struct row *look(const struct tt_memory_tables *tables, enum tt_ddb_table table,
                        const char *hash, const char *range)
{
    for (struct row *row = tables->rows; row != NULL; row = row->next)
        if (row->table == table && strcmp(row->hash, hash) == 0 && strcmp(row->range, range) == 0)
            return row;
    return NULL;
}

uint64_t tt_memory_tables_number(const struct tt_memory_tables *tables, enum tt_ddb_table table,
                                 const char *hash, const char *range, const char *attribute)
{
    const struct attr *attr = attr_of(look(tables, table, hash, range), attribute);
    return attr == NULL ? 0 : attr->number;
}

const char *tt_memory_tables_message(const struct tt_memory_tables *tables,
                                     const char *conversation, uint64_t seq)
{
    char range[TEXT_MAX];
    snprintf(range, sizeof(range), "%020llu", (unsigned long long)seq);
    const struct attr *attr =
        attr_of(look(tables, TT_DDB_MESSAGES, conversation, range), "client_id");
    return attr == NULL ? NULL : attr->raw.data;
}
