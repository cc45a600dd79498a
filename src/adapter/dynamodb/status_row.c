#include "adapter/dynamodb/status_row.h"

#include "base/json_writer.h"

/* The next entry of a map from devices to numbers; those that make no sense are left out. */
static bool next_number(struct tt_json_items *members, tt_id *device, uint64_t *number)
{
    static const char *const types[] = {"N"};
    struct tt_slice key;
    struct tt_json value;
    struct tt_json text;
    while (tt_json_next(members, &key, &value))
        if (tt_is_ok(tt_id_parse(key, device)) &&
            tt_is_ok(tt_json_read_object(value.text, types, 1, &text)) &&
            text.kind == TT_JSON_STRING && tt_ddb_digits(text.text, number))
            return true;
    return false;
}

static void read_devices(struct tt_json map, struct tt_json links, struct tt_arena *arena,
                         struct tt_ddb_status *row)
{
    if (map.kind != TT_JSON_OBJECT)
        return;
    struct tt_json_items members = tt_json_items(map);
    tt_id device;
    uint64_t number;
    size_t count = 0;
    while (next_number(&members, &device, &number))
        count++;
    row->devices = tt_arena_array(arena, count + 1, sizeof(*row->devices));
    members = tt_json_items(map);
    while (next_number(&members, &device, &number))
        tt_ddb_status_add_device(row, &device, TT_SEQ(number), TT_TIME(0));
    if (links.kind != TT_JSON_OBJECT)
        return;
    members = tt_json_items(links);
    while (next_number(&members, &device, &number)) {
        struct tt_device_position *position = tt_ddb_status_device(row, &device);
        if (position != NULL)
            position->linked_at = TT_TIME((int64_t)number);
    }
}

struct tt_ddb_status tt_ddb_status_read(struct tt_json item, struct tt_arena *arena)
{
    struct tt_ddb_status row = {
        .user = tt_ddb_get_id(item, "user_id"),
        .cursor = {.delivered = TT_SEQ(tt_ddb_get_number(item, "last_delivered_seq")),
                   .read = TT_SEQ(tt_ddb_get_number(item, "last_read_seq"))},
        .muted_until = tt_ddb_get_time(item, "muted_until"),
        .steps = tt_ddb_get_raw(item, "steps"),
        .version = tt_ddb_get_number(item, "version"),
        .mark = tt_ddb_get_number(item, "mark"),
    };
    read_devices(tt_ddb_get(item, "devices", 'M'), tt_ddb_get(item, "links", 'M'), arena, &row);
    return row;
}

/* Of each device its position, or when it was linked. */
static struct tt_slice devices_json(const struct tt_ddb_status *row, bool links,
                                    struct tt_arena *arena)
{
    struct tt_buffer text = {0};
    struct tt_json_writer json = {.out = &text};
    struct tt_buffer digits = {0};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "M");
    for (size_t i = 0; i < row->device_count; i++) {
        const struct tt_device_position *device = &row->devices[i];
        if (links && device->linked_at.ms <= 0)
            continue;
        digits.size = 0;
        tt_buffer_add_u64(&digits, links ? (uint64_t)device->linked_at.ms : device->delivered.n);
        tt_json_put_key(&json, tt_id_slice(&device->device), "");
        tt_json_begin_object(&json, NULL);
        tt_json_put_raw(&json, "N", tt_buffer_slice(&digits));
        tt_json_end_object(&json);
    }
    tt_json_end_object(&json);
    tt_json_end_object(&json);
    struct tt_slice copy = tt_arena_copy(arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    tt_buffer_deinit(&digits);
    return copy;
}

void tt_ddb_status_write(const struct tt_ddb_status *row, uint64_t mark, struct tt_arena *arena,
                         struct tt_ddb_request *request)
{
    tt_ddb_set(request, "last_delivered_seq", tt_ddb_number(row->cursor.delivered.n));
    tt_ddb_set(request, "last_read_seq", tt_ddb_number(row->cursor.read.n));
    tt_ddb_set(request, "devices", tt_ddb_json(devices_json(row, false, arena)));
    tt_ddb_set(request, "links", tt_ddb_json(devices_json(row, true, arena)));
    tt_ddb_set(request, "version", tt_ddb_number(row->version + 1));
    tt_ddb_set(request, "mark", tt_ddb_number(mark));
    if (row->steps.size > 0)
        tt_ddb_set(request, "steps", tt_ddb_raw(row->steps));
    if (row->muted_until.ms != 0) {
        char *text = tt_arena_alloc(arena, TT_TIME_TEXT_SIZE);
        tt_time_format(row->muted_until, text);
        tt_ddb_set(request, "muted_until", tt_ddb_text(tt_slice(text, TT_TIME_TEXT_SIZE)));
    }
    if (row->version == 0)
        tt_ddb_only_if(request, TT_DDB_ABSENT, "version", tt_ddb_number(0));
    else
        tt_ddb_only_if(request, TT_DDB_EQUAL, "version", tt_ddb_number(row->version));
}

struct tt_device_position *tt_ddb_status_device(const struct tt_ddb_status *row,
                                                const tt_id *device)
{
    for (size_t i = 0; i < row->device_count; i++)
        if (tt_id_eq(&row->devices[i].device, device))
            return &row->devices[i];
    return NULL;
}

tt_seq tt_ddb_status_reached(const struct tt_ddb_status *row)
{
    if (row->device_count == 0)
        return row->cursor.delivered;
    tt_seq least = row->devices[0].delivered;
    for (size_t i = 1; i < row->device_count; i++)
        least = tt_seq_min(least, row->devices[i].delivered);
    return least;
}

struct tt_ddb_status tt_ddb_status_copy(const struct tt_ddb_status *row, struct tt_arena *arena)
{
    struct tt_ddb_status copy = *row;
    copy.devices = tt_arena_array(arena, row->device_count + 1, sizeof(*copy.devices));
    if (row->device_count > 0)
        memcpy(copy.devices, row->devices, row->device_count * sizeof(*copy.devices));
    copy.steps = tt_arena_copy(arena, row->steps);
    return copy;
}

void tt_ddb_status_add_device(struct tt_ddb_status *row, const tt_id *device, tt_seq delivered,
                              tt_time linked_at)
{
    size_t at = row->device_count++;
    while (at > 0 && tt_id_compare(&row->devices[at - 1].device, device) > 0) {
        row->devices[at] = row->devices[at - 1];
        at--;
    }
    row->devices[at] = (struct tt_device_position){
        .device = *device, .delivered = delivered, .linked_at = linked_at};
}

void tt_ddb_status_remove_device(struct tt_ddb_status *row, const tt_id *device)
{
    size_t kept = 0;
    for (size_t i = 0; i < row->device_count; i++)
        if (!tt_id_eq(&row->devices[i].device, device))
            row->devices[kept++] = row->devices[i];
    row->device_count = kept;
}
