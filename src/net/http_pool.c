#include "net/http_pool.h"

#include <http_parser.h>
#include <stdio.h>

#include "base/memory.h"
#include "net/alarm.h"

#define HEADER_SIZE_MAX 64

struct call {
    struct call *next;
    struct tt_buffer request;
    tt_mono deadline;
    tt_http_answer answer;
    void *context;
};

struct connection {
    struct connection *next;
    struct tt_http_pool *client;
    struct tt_outgoing *outgoing;
    struct call *call; /* NULL: idle */
    http_parser parser;
    struct tt_buffer body;
    char field[HEADER_SIZE_MAX];
    size_t field_size;
    char value[HEADER_SIZE_MAX];
    size_t value_size;
    struct tt_http_result result;
    tt_mono idle_since;
    bool connected;
    bool ended;
    bool in_value;
    bool whole;
    bool too_big;
};

struct tt_http_pool {
    struct tt_loop *loop;
    struct tt_http_pool_options options;
    struct connection *connections;
    size_t connection_count;
    struct call *first; /* wait for a connection */
    struct call *last;
    struct call *failed; /* are answered in the next turn */
    struct tt_alarm *alarm;
    struct tt_http_pool_stats stats;
};

static void pump(struct tt_http_pool *client);

static bool header_is(const struct connection *connection, const char *name)
{
    size_t size = strlen(name);
    if (connection->field_size != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((connection->field[i] | 0x20) != (name[i] | 0x20))
            return false;
    return true;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7; the two older forms are not sent). */
static tt_time read_date(struct tt_slice text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[] = "0000-00-00T00:00:00.000Z";
    tt_time time;
    if (text.size != 29 || memcmp(text.data + 26, "GMT", 3) != 0)
        return TT_TIME(0);
    const char *at = months;
    while (*at != '\0' && memcmp(at, text.data + 8, 3) != 0)
        at += 3;
    size_t month = (size_t)(at - months) / 3 + 1;
    memcpy(iso, text.data + 12, 4);
    iso[5] = (char)('0' + month / 10);
    iso[6] = (char)('0' + month % 10);
    memcpy(iso + 8, text.data + 5, 2);
    memcpy(iso + 11, text.data + 17, 8);
    return tt_is_ok(tt_time_parse(tt_slice(iso, sizeof(iso) - 1), &time)) ? time : TT_TIME(0);
}

static void end_header(struct connection *connection)
{
    if (header_is(connection, "date"))
        connection->result.date = read_date(tt_slice(connection->value, connection->value_size));
    if (header_is(connection, "x-amz-crc32") &&
        connection->value_size < sizeof(connection->value)) {
        uint64_t number = 0;
        bool digits = connection->value_size > 0 && connection->value_size <= 10;
        for (size_t i = 0; digits && i < connection->value_size; i++) {
            digits = connection->value[i] >= '0' && connection->value[i] <= '9';
            number = number * 10 + (uint64_t)(connection->value[i] - '0');
        }
        connection->result.has_crc32 = digits;
        connection->result.crc32 = (uint32_t)number;
    }
    connection->field_size = connection->value_size = 0;
    connection->in_value = false;
}

/* What is too long for us is cut; none of the headers that we look for is so long. */
static void add_cut(char *text, size_t *text_size, const char *at, size_t size)
{
    size_t room = HEADER_SIZE_MAX - *text_size;
    size_t taken = size < room ? size : room;
    memcpy(text + *text_size, at, taken);
    *text_size += taken;
}

static int on_field(http_parser *parser, const char *at, size_t size)
{
    struct connection *connection = parser->data;
    if (connection->in_value)
        end_header(connection);
    add_cut(connection->field, &connection->field_size, at, size);
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t size)
{
    struct connection *connection = parser->data;
    connection->in_value = true;
    add_cut(connection->value, &connection->value_size, at, size);
    return 0;
}

static int on_headers(http_parser *parser)
{
    struct connection *connection = parser->data;
    if (connection->in_value)
        end_header(connection);
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t size)
{
    struct connection *connection = parser->data;
    if (connection->body.size + size > connection->client->options.body_size_max) {
        connection->too_big = true;
        return 1;
    }
    tt_buffer_add(&connection->body, tt_slice(at, size));
    return 0;
}

static int on_whole(http_parser *parser)
{
    struct connection *connection = parser->data;
    if (parser->status_code >= 200)
        connection->whole = true;
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings parser_settings = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_whole,
};

static void call_destroy(struct call *call)
{
    tt_buffer_deinit(&call->request);
    tt_free(call);
}

static void connection_destroy(struct connection *connection)
{
    struct connection **at = &connection->client->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    connection->client->connection_count--;
    tt_outgoing_destroy(&connection->outgoing);
    tt_buffer_deinit(&connection->body);
    tt_free(connection);
}

static void begin_answer(struct connection *connection)
{
    http_parser_init(&connection->parser, HTTP_RESPONSE);
    connection->parser.data = connection;
    connection->body.size = 0;
    connection->field_size = connection->value_size = 0;
    connection->in_value = connection->whole = connection->too_big = false;
    connection->result = (struct tt_http_result){0};
}

static void give_call(struct connection *connection, struct call *call)
{
    connection->call = call;
    begin_answer(connection);
    tt_buffer_add(tt_outgoing_output(connection->outgoing), tt_buffer_slice(&call->request));
    connection->client->stats.requests++;
    connection->client->stats.bytes_out += call->request.size;
    tt_buffer_deinit(&call->request);
}

/* The connection is either idle again or gone before the answer is told, since who is answered
 * often sends the next request at once. */
static void end_call(struct connection *connection, enum tt_http_outcome outcome, bool keep)
{
    struct tt_http_pool *client = connection->client;
    struct call *call = connection->call;
    struct tt_http_result result = connection->result;
    struct tt_buffer body = connection->body;
    result.outcome = outcome;
    result.body = tt_buffer_slice(&body);
    connection->call = NULL;
    memset(&connection->body, 0, sizeof(connection->body));
    connection->idle_since = tt_loop_now(client->loop);
    if (!keep)
        connection_destroy(connection);
    call->answer(call->context, &result);
    call_destroy(call);
    tt_buffer_deinit(&body);
    pump(client);
}

static void on_read(void *context, struct tt_input *input)
{
    struct connection *connection = context;
    connection->client->stats.bytes_in += input->size;
    if (connection->call == NULL) { /* nothing was asked: this peer is not to be trusted */
        connection_destroy(connection);
        return;
    }
    while (input->size > 0 && !connection->whole) {
        size_t used =
            http_parser_execute(&connection->parser, &parser_settings, input->data, input->size);
        enum http_errno problem = HTTP_PARSER_ERRNO(&connection->parser);
        tt_input_take(input, used < input->size ? used : input->size);
        if (problem == HPE_PAUSED)
            http_parser_pause(&connection->parser, 0);
        else if (problem != HPE_OK || connection->parser.upgrade) {
            end_call(connection, TT_HTTP_LOST, false);
            return;
        }
    }
    if (!connection->whole)
        return;
    connection->result.status = (int)connection->parser.status_code;
    end_call(connection, TT_HTTP_ANSWERED,
             input->size == 0 && http_should_keep_alive(&connection->parser));
}

static void on_ended(void *context, enum tt_socket_end end)
{
    struct connection *connection = context;
    (void)end;
    if (connection->call == NULL) {
        connection_destroy(connection);
        return;
    }
    if (connection->connected) { /* an answer without a length ends here */
        (void)http_parser_execute(&connection->parser, &parser_settings, NULL, 0);
        if (connection->whole) {
            connection->result.status = (int)connection->parser.status_code;
            end_call(connection, TT_HTTP_ANSWERED, false);
            return;
        }
    }
    end_call(connection, connection->connected ? TT_HTTP_LOST : TT_HTTP_NOT_SENT, false);
}

static void on_connected(void *context)
{
    struct connection *connection = context;
    connection->connected = true;
    connection->client->stats.connects++;
}

static const struct tt_socket_events connection_events = {
    .read = on_read,
    .ended = on_ended,
    .connected = on_connected,
};

static struct connection *idle_connection(struct tt_http_pool *client)
{
    tt_mono now = tt_loop_now(client->loop);
    for (struct connection *one = client->connections; one != NULL;) {
        struct connection *next = one->next;
        if (one->call == NULL && now.ms - one->idle_since.ms < client->options.idle_ms_max)
            return one;
        if (one->call == NULL)
            connection_destroy(one);
        one = next;
    }
    return NULL;
}

static struct connection *new_connection(struct tt_http_pool *client)
{
    struct connection *connection = tt_alloc(sizeof(*connection));
    connection->client = client;
    connection->next = client->connections;
    client->connections = connection;
    client->connection_count++;
    connection->outgoing =
        tt_outgoing_connect(client->loop, &client->options.remote, &connection_events, connection);
    return connection;
}

static void arm(struct tt_http_pool *client)
{
    tt_mono at = client->failed != NULL ? tt_loop_now(client->loop) : TT_MONO(0);
    for (struct connection *one = client->connections; one != NULL; one = one->next)
        if (one->call != NULL && (at.ms == 0 || one->call->deadline.ms < at.ms))
            at = one->call->deadline;
    for (struct call *call = client->first; call != NULL; call = call->next)
        if (at.ms == 0 || call->deadline.ms < at.ms)
            at = call->deadline;
    tt_mono set = tt_alarm_at(client->alarm);
    if (set.ms == 0 || (at.ms != 0 && at.ms < set.ms))
        tt_alarm_set(client->alarm, at);
}

static void pump(struct tt_http_pool *client)
{
    while (client->first != NULL) {
        struct connection *connection = idle_connection(client);
        if (connection == NULL && client->connection_count < client->options.connections_max)
            connection = new_connection(client);
        if (connection == NULL)
            return;
        struct call *call = client->first;
        client->first = call->next;
        if (client->first == NULL)
            client->last = NULL;
        give_call(connection, call);
    }
}

static void refuse_late(struct tt_http_pool *client, tt_mono now)
{
    struct call **at = &client->first;
    client->last = NULL;
    while (*at != NULL) {
        struct call *call = *at;
        if (call->deadline.ms > now.ms) {
            client->last = call;
            at = &call->next;
            continue;
        }
        *at = call->next;
        call->next = client->failed;
        client->failed = call;
    }
    while (client->failed != NULL) {
        struct call *call = client->failed;
        client->failed = call->next;
        call->answer(call->context, &(struct tt_http_result){.outcome = TT_HTTP_NOT_SENT});
        call_destroy(call);
    }
}

/* Each end_call may change the list, so the search begins anew after it. */
static void on_alarm(void *context)
{
    struct tt_http_pool *client = context;
    tt_mono now = tt_loop_now(client->loop);
    struct connection *late;
    do {
        late = client->connections;
        while (late != NULL && (late->call == NULL || late->call->deadline.ms > now.ms))
            late = late->next;
        if (late != NULL)
            end_call(late, late->connected ? TT_HTTP_LOST : TT_HTTP_NOT_SENT, false);
    } while (late != NULL);
    refuse_late(client, now);
    arm(client);
}

struct tt_http_pool *tt_http_pool_create(struct tt_loop *loop,
                                         const struct tt_http_pool_options *options)
{
    struct tt_http_pool *client = tt_alloc(sizeof(*client));
    client->loop = loop;
    client->options = *options;
    client->alarm = tt_alarm_create(loop, on_alarm, client);
    return client;
}

void tt_http_pool_destroy(struct tt_http_pool **client)
{
    struct tt_http_pool *dying = *client;
    *client = NULL;
    while (dying->connections != NULL) {
        if (dying->connections->call != NULL)
            call_destroy(dying->connections->call);
        connection_destroy(dying->connections);
    }
    while (dying->first != NULL) {
        struct call *call = dying->first;
        dying->first = call->next;
        call_destroy(call);
    }
    tt_alarm_destroy(&dying->alarm);
    tt_free(dying);
}

void tt_http_pool_send(struct tt_http_pool *client, struct tt_buffer *request, tt_mono deadline,
                       tt_http_answer answer, void *context)
{
    struct call *call = tt_alloc(sizeof(*call));
    call->request = *request;
    memset(request, 0, sizeof(*request));
    call->deadline = deadline;
    call->answer = answer;
    call->context = context;
    *(client->last != NULL ? &client->last->next : &client->first) = call;
    client->last = call;
    pump(client);
    arm(client);
}

const struct tt_http_pool_stats *tt_http_pool_stats(const struct tt_http_pool *client)
{
    return &client->stats;
}

void tt_http_pool_host(const struct tt_remote *remote, char text[TT_HOST_SIZE_MAX + 10])
{
    bool is_v6 = strchr(remote->host, ':') != NULL;
    uint16_t usual = remote->tls ? 443 : 80;
    int size = snprintf(text, TT_HOST_SIZE_MAX + 10, is_v6 ? "[%s]" : "%s", remote->host);
    if (remote->port != usual)
        snprintf(text + size, (size_t)(TT_HOST_SIZE_MAX + 10 - size), ":%u",
                 (unsigned)remote->port);
}
