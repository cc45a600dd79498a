#include "adapter/dynamodb/init.h"

#include "adapter/dynamodb/codec.h"
#include "adapter/dynamodb/fiber.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "net/alarm.h"

#define WAIT_MS     5 /* between two looks at a table that is being made; doubled each time */
#define WAIT_MS_MAX 500
#define LOOKS_MAX   240
#define TRIES_MAX   4
#define PAUSE_MS    100 /* before the second try; doubled each time */

struct init {
    const struct tt_ddb_init_options *options;
    struct tt_loop *loop;
    struct tt_ddb_client *client;
    struct tt_fiber_pool *fibers;
    struct tt_fiber *fiber;
    struct tt_alarm *alarm;
    bool waiting;
    bool answered;
    int status; /* 0: no answer */
    struct tt_buffer body;
    tt_err err;
};

static void put_attribute(struct tt_json_writer *json, const char *name, bool is_number)
{
    tt_json_begin_object(json, NULL);
    tt_json_put_text(json, "AttributeName", name);
    tt_json_put_text(json, "AttributeType", is_number ? "N" : "S");
    tt_json_end_object(json);
}

static void put_key(struct tt_json_writer *json, const char *name, const char *type)
{
    tt_json_begin_object(json, NULL);
    tt_json_put_text(json, "AttributeName", name);
    tt_json_put_text(json, "KeyType", type);
    tt_json_end_object(json);
}

static void put_table_name(struct tt_json_writer *json, const char *key, enum tt_ddb_table table,
                           struct tt_slice prefix)
{
    struct tt_buffer name = {0};
    tt_buffer_add(&name, prefix);
    tt_buffer_add_text(&name, tt_ddb_table_form(table)->name);
    tt_json_put_string(json, key, tt_buffer_slice(&name));
    tt_buffer_deinit(&name);
}

void tt_ddb_write_table(enum tt_ddb_table table, struct tt_slice prefix, struct tt_buffer *out)
{
    const struct tt_ddb_table_form *form = tt_ddb_table_form(table);
    struct tt_json_writer json = {.out = out};
    tt_json_begin_object(&json, NULL);
    put_table_name(&json, "TableName", table, prefix);
    tt_json_begin_array(&json, "AttributeDefinitions");
    put_attribute(&json, form->hash, false);
    if (form->range != NULL)
        put_attribute(&json, form->range, form->range_is_number);
    tt_json_end_array(&json);
    tt_json_begin_array(&json, "KeySchema");
    put_key(&json, form->hash, "HASH");
    if (form->range != NULL)
        put_key(&json, form->range, "RANGE");
    tt_json_end_array(&json);
    tt_json_put_text(&json, "BillingMode", "PAY_PER_REQUEST");
    tt_json_begin_array(&json, "Tags");
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "Key", "application");
    tt_json_put_text(&json, "Value", "twoticks");
    tt_json_end_object(&json);
    tt_json_end_array(&json);
    tt_json_end_object(&json);
}

static void put_arn(struct tt_json_writer *json, enum tt_ddb_table table, struct tt_slice prefix,
                    const char *region)
{
    struct tt_buffer arn = {0};
    tt_buffer_add_text(&arn, "arn:aws:dynamodb:");
    tt_buffer_add_text(&arn, region);
    tt_buffer_add_text(&arn, ":*:table/");
    tt_buffer_add(&arn, prefix);
    tt_buffer_add_text(&arn, tt_ddb_table_form(table)->name);
    tt_json_put_string(json, NULL, tt_buffer_slice(&arn));
    tt_buffer_deinit(&arn);
}

static void put_statement(struct tt_json_writer *json, const char *const *actions, size_t count,
                          enum tt_ddb_table first, enum tt_ddb_table last, struct tt_slice prefix,
                          const char *region)
{
    tt_json_begin_object(json, NULL);
    tt_json_put_text(json, "Effect", "Allow");
    tt_json_begin_array(json, "Action");
    for (size_t i = 0; i < count; i++)
        tt_json_put_text(json, NULL, actions[i]);
    tt_json_end_array(json);
    tt_json_begin_array(json, "Resource");
    for (enum tt_ddb_table table = first; table <= last; table++)
        put_arn(json, table, prefix, region);
    tt_json_end_array(json);
    tt_json_end_object(json);
}

/* DescribeTable is what a start looks for the tables with; only pending rows are ever scanned. */
void tt_ddb_write_policy(struct tt_slice prefix, const char *region, struct tt_buffer *out)
{
    static const char *const everywhere[] = {"dynamodb:GetItem",    "dynamodb:Query",
                                             "dynamodb:PutItem",    "dynamodb:UpdateItem",
                                             "dynamodb:DeleteItem", "dynamodb:DescribeTable"};
    static const char *const scan[] = {"dynamodb:Scan"};
    struct tt_json_writer json = {.out = out};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "Version", "2012-10-17");
    tt_json_begin_array(&json, "Statement");
    put_statement(&json, everywhere, 6, 0, TT_DDB_TABLE_COUNT - 1, prefix, region);
    put_statement(&json, scan, 1, TT_DDB_PENDING, TT_DDB_PENDING, prefix, region);
    tt_json_end_array(&json);
    tt_json_end_object(&json);
}

static void resume(struct init *init)
{
    init->answered = true;
    if (!init->waiting)
        return;
    init->waiting = false;
    tt_fiber_resume(init->fiber);
}

static void wait_for_it(struct init *init)
{
    while (!init->answered) {
        init->waiting = true;
        tt_fiber_wait(init->fibers);
    }
    init->answered = false;
}

static void on_answer(void *context, const struct tt_http_result *result)
{
    struct init *init = context;
    init->status = result->outcome == TT_HTTP_ANSWERED ? result->status : 0;
    init->body.size = 0;
    tt_buffer_add(&init->body, result->body);
    resume(init);
}

static void on_alarm(void *context)
{
    resume(context);
}

static void say(struct init *init, const char *what, enum tt_ddb_table table)
{
    struct tt_buffer line = {0};
    tt_buffer_add_text(&line, what);
    tt_buffer_add_byte(&line, ' ');
    tt_buffer_add(&line, init->options->client.prefix);
    tt_buffer_add_text(&line, tt_ddb_table_form(table)->name);
    if (init->status == 0) {
        tt_buffer_add_text(&line,
                           ": no answer came; is the endpoint right, and does it run? And are "
                           "there credentials where AWS's tools look for them?");
    } else if (init->status != 200) {
        tt_buffer_add_text(&line, ": HTTP ");
        tt_buffer_add_u64(&line, (uint64_t)init->status);
        tt_buffer_add_byte(&line, ' ');
        tt_buffer_add(&line, tt_buffer_slice(&init->body));
    }
    init->options->say(init->options->context, tt_buffer_slice(&line));
    tt_buffer_deinit(&line);
}

static void pause_for(struct init *init, uint64_t wait_ms)
{
    tt_alarm_set(init->alarm, tt_mono_after(tt_loop_now(init->loop), wait_ms));
    wait_for_it(init);
}

/* No answer, a busy service, or one that failed: worth another try, of which none does harm. */
static bool may_pass(const struct init *init)
{
    static const char *const passing[] = {"ThrottlingException", "LimitExceededException",
                                          "RequestLimitExceeded"};
    struct tt_slice name = tt_ddb_error_name(tt_buffer_slice(&init->body));
    for (size_t i = 0; init->status != 0 && i < sizeof(passing) / sizeof(passing[0]); i++)
        if (tt_slice_eq(name, tt_slice_text(passing[i])))
            return true;
    return init->status == 0 || init->status == 429 || init->status >= 500;
}

static void ask(struct init *init, const char *target, struct tt_buffer *body)
{
    uint64_t wait_ms = PAUSE_MS;
    for (int tries = 1;; tries++) {
        tt_ddb_client_call(init->client, target, tt_buffer_slice(body), on_answer, init);
        wait_for_it(init);
        if (tries == TRIES_MAX || !may_pass(init))
            break;
        pause_for(init, wait_ms);
        wait_ms *= 2;
    }
    tt_buffer_deinit(body);
}

static bool is_active(const struct init *init)
{
    static const char *const keys[] = {"Table"};
    static const char *const inner[] = {"TableStatus"};
    struct tt_json table;
    struct tt_json status;
    return init->status == 200 &&
           tt_is_ok(tt_json_read_object(tt_buffer_slice(&init->body), keys, 1, &table)) &&
           tt_is_ok(tt_json_read_object(table.text, inner, 1, &status)) &&
           status.kind == TT_JSON_STRING && tt_json_string_is(status.text, "ACTIVE");
}

static void describe(struct init *init, enum tt_ddb_table table)
{
    struct tt_buffer body = {0};
    struct tt_json_writer json = {.out = &body};
    tt_json_begin_object(&json, NULL);
    put_table_name(&json, "TableName", table, init->options->client.prefix);
    tt_json_end_object(&json);
    ask(init, "DynamoDB_20120810.DescribeTable", &body);
}

static bool await_table(struct init *init, enum tt_ddb_table table)
{
    uint64_t wait_ms = WAIT_MS;
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        describe(init, table);
        if (is_active(init))
            return true;
        pause_for(init, wait_ms);
        wait_ms = 2 * wait_ms < WAIT_MS_MAX ? 2 * wait_ms : WAIT_MS_MAX;
    }
    return false;
}

/* Not every server of this API knows it, so that it is not there is said and nothing more. */
static void keep_backups(struct init *init, enum tt_ddb_table table)
{
    struct tt_buffer body = {0};
    struct tt_json_writer json = {.out = &body};
    tt_json_begin_object(&json, NULL);
    put_table_name(&json, "TableName", table, init->options->client.prefix);
    tt_json_begin_object(&json, "PointInTimeRecoverySpecification");
    tt_json_put_bool(&json, "PointInTimeRecoveryEnabled", true);
    tt_json_end_object(&json);
    tt_json_end_object(&json);
    ask(init, "DynamoDB_20120810.UpdateContinuousBackups", &body);
    say(init,
        init->status == 200 ? "point-in-time recovery is on for" : "no point-in-time recovery for",
        table);
}

static tt_err make_table(struct init *init, enum tt_ddb_table table)
{
    const struct tt_ddb_init_options *options = init->options;
    describe(init, table);
    bool missing = tt_slice_eq(tt_ddb_error_name(tt_buffer_slice(&init->body)),
                               TT_SLICE_LITERAL("ResourceNotFoundException"));
    if (init->status != 200 && !missing) {
        say(init, "cannot look for", table);
        return TT_FAIL(UNAVAILABLE);
    }
    if (options->look_only) {
        if (missing)
            say(init, "there is no table", table);
        return missing ? TT_FAIL(UNAVAILABLE) : TT_OK;
    }
    if (missing) {
        struct tt_buffer body = {0};
        tt_ddb_write_table(table, init->options->client.prefix, &body);
        ask(init, "DynamoDB_20120810.CreateTable", &body);
        bool raced = tt_slice_eq(tt_ddb_error_name(tt_buffer_slice(&init->body)),
                                 TT_SLICE_LITERAL("ResourceInUseException"));
        if (init->status != 200 && !raced) {
            say(init, "cannot create", table);
            return TT_FAIL(UNAVAILABLE);
        }
    }
    if (!await_table(init, table)) {
        say(init, "is not ready yet:", table);
        return TT_FAIL(UNAVAILABLE);
    }
    say(init, missing ? "created" : "was there:", table);
    if (options->keep_backups)
        keep_backups(init, table);
    return TT_OK;
}

static void run(void *context)
{
    struct init *init = context;
    init->fiber = tt_fiber_self(init->fibers);
    init->err = TT_OK;
    for (enum tt_ddb_table table = 0; table < TT_DDB_TABLE_COUNT && tt_is_ok(init->err); table++)
        init->err = make_table(init, table);
    tt_loop_stop(init->loop);
}

tt_err tt_ddb_init(struct tt_loop *loop, const struct tt_ddb_init_options *options)
{
    struct init init = {.options = options, .loop = loop};
    init.client = tt_ddb_client_create(init.loop, &options->client);
    init.alarm = tt_alarm_create(init.loop, on_alarm, &init);
    init.fibers = tt_fiber_pool_create();
    tt_fiber_start(init.fibers, run, &init);
    tt_loop_run(init.loop);
    tt_fiber_pool_destroy(&init.fibers);
    tt_alarm_destroy(&init.alarm);
    tt_ddb_client_destroy(&init.client);
    tt_buffer_deinit(&init.body);
    return init.err;
}
