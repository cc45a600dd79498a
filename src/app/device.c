#include "app/device.h"

#include <stdio.h>

static bool fail(struct tt_device_play *device, const char *what)
{
    snprintf(device->problem, sizeof(device->problem), "%s: %s", device->user, what);
    return false;
}

/* The next frame into `last`. */
static bool receive(struct tt_device_play *device)
{
    struct tt_slice text;
    switch (tt_client_receive(device->client, TT_CLIENT_WAIT_MS, &text)) {
    case TT_CLIENT_FRAME:
        break;
    case TT_CLIENT_NOTHING:
        return fail(device, "nothing came from the server for 10 s");
    case TT_CLIENT_GONE:
        snprintf(device->problem, sizeof(device->problem),
                 "%s: the server closed the connection with %u", device->user,
                 tt_client_close_code(device->client));
        return false;
    }
    if (!tt_is_ok(tt_client_read_frame(text, &device->last)))
        return fail(device, "the server sent a frame that cannot be read");
    const struct tt_received *last = &device->last;
    if (last->known && last->kind == TT_SERVER_STATUS_UPDATE) {
        device->status_updates++;
        if (last->has_delivered)
            device->others.delivered = tt_seq_max(device->others.delivered, last->cursor.delivered);
        if (last->has_read)
            device->others.read = tt_seq_max(device->others.read, last->cursor.read);
    }
    if (last->known && last->kind == TT_SERVER_ERROR) {
        snprintf(device->problem, sizeof(device->problem), "%s: the server answered %.*s: %.*s",
                 device->user, (int)last->code.size, last->code.data, (int)last->error.size,
                 last->error.data);
        return false;
    }
    return true;
}

bool tt_device_connect(struct tt_device_play *device, const struct tt_endpoint *endpoint,
                       struct tt_slice token)
{
    device->client = tt_client_connect(endpoint, token, device->problem);
    return device->client != NULL && tt_device_await(device, TT_SERVER_HELLO);
}

void tt_device_die(struct tt_device_play *device)
{
    if (device->client != NULL)
        tt_client_destroy(&device->client);
}

bool tt_device_send(struct tt_device_play *device, const struct tt_client_frame *frame)
{
    struct tt_buffer text = {0};
    tt_client_write_frame(frame, &text);
    bool sent = tt_client_send(device->client, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return sent || fail(device, "the connection is gone");
}

bool tt_device_await(struct tt_device_play *device, enum tt_server_frame_kind kind)
{
    do
        if (!receive(device))
            return false;
    while (!device->last.known || device->last.kind != kind);
    return true;
}

bool tt_device_catch_up(struct tt_device_play *device)
{
    return tt_device_send(device, &(struct tt_client_frame){.kind = TT_CLIENT_PING}) &&
           tt_device_await(device, TT_SERVER_PONG);
}

enum tt_tick tt_device_tick(const struct tt_device_play *device, tt_seq seq)
{
    if (seq.n <= device->others.read.n)
        return TT_TICK_BLUE;
    return seq.n <= device->others.delivered.n ? TT_TICK_TWO : TT_TICK_ONE;
}

const char *tt_tick_words(enum tt_tick tick)
{
    switch (tick) {
    case TT_TICK_ONE:
        return "single tick \xe2\x9c\x93";
    case TT_TICK_TWO:
        return "double tick \xe2\x9c\x93\xe2\x9c\x93";
    case TT_TICK_BLUE:
        return "blue tick \xe2\x9c\x93\xe2\x9c\x93";
    }
    return "";
}
