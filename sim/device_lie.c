/* What devices do that are not honest: they claim, pry, repeat themselves and flood. */
#include "sim/device.h"

#define FLOOD_FRAMES 200

static void reuse_client_id(struct tt_sim_device *device, const struct tt_chat *chat)
{
    if (device->link == NULL || !device->is_open || device->client_ids == 0)
        return;
    static const char other[] = "something else under an old client_id";
    char name[] = "liar-0";
    name[5] = (char)('0' + tt_prng_below(&device->prng, 4));
    struct tt_client_frame frame = {
        .kind = TT_CLIENT_SEND,
        .conversation = chat->is->id,
        .client_id = tt_id_of(name),
        .content = tt_slice_text(other),
    };
    tt_link_send(device->link, &frame);
}

/* A chat that is not its own, if there is one. */
static void pry(struct tt_sim_device *device, uint32_t first)
{
    for (uint32_t i = 0; i < device->chat_count; i++) {
        const struct tt_chat *chat = &device->chats[(first + i) % device->chat_count];
        if (!chat->is_member) {
            tt_device_pry(device, chat);
            return;
        }
    }
}

static void flood_on(void *context, void *payload)
{
    struct tt_sim_device *device = context;
    for (int i = 0; i < FLOOD_FRAMES && device->link == payload; i++)
        tt_device_say(device, TT_CLIENT_PING, NULL, 0);
}

/* Makes the server say a lot, and reads none of it. */
static void flood(struct tt_sim_device *device)
{
    if (device->link == NULL || !device->is_open)
        return;
    device->link->is_stuck = true;
    for (int i = 0; i < FLOOD_FRAMES; i++)
        tt_device_say(device, TT_CLIENT_PING, NULL, 0);
    struct tt_agenda *agenda = &device->world->agenda;
    for (uint64_t i = 1; i <= 4; i++)
        tt_agenda_after(agenda, i * 2 * TT_US_PER_S, flood_on, device, device->link, NULL);
}

void tt_device_lie(struct tt_sim_device *device)
{
    uint64_t choice = tt_prng_below(&device->prng, 10);
    uint64_t far = tt_prng_below(&device->prng, 12);
    uint32_t number = (uint32_t)tt_prng_below(&device->prng, device->chat_count);
    const struct tt_chat *chat = &device->chats[number];
    if (choice == 0) {
        tt_device_say(device, TT_CLIENT_DELIVERED, chat, chat->held + 1 + far);
    } else if (choice == 1) {
        tt_device_say(device, TT_CLIENT_READ, chat, chat->held + 1 + far);
    } else if (choice == 2) {
        tt_device_say(device, TT_CLIENT_DELIVERED, chat, chat->held > far ? chat->held - far : 1);
    } else if (choice == 3) {
        tt_device_say(device, TT_CLIENT_DELIVERED, chat, TT_SEQ_MAX - far);
    } else if (choice == 4) {
        reuse_client_id(device, chat);
    } else if (choice == 5) {
        tt_device_connect(device); /* the old socket stays open, and forgotten */
    } else if (choice == 6) {
        tt_device_say(device, TT_CLIENT_OPEN, chat, 0);
    } else if (choice == 7) {
        flood(device);
    } else if (choice == 8) {
        pry(device, number);
    } else {
        tt_device_say(device, TT_CLIENT_TYPING, chat, 0);
    }
}
