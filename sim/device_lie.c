/* What devices do that are not honest: they claim, pry, repeat themselves and flood. */
#include <stdio.h>

#include "sim/device.h"

#define FLOOD_FRAMES 200

/* A client_id that was used before, or will be. */
struct used {
    bool is_there;
    tt_id client_id;
    uint32_t chat; /* where */
};

static struct used unanswered(struct tt_sim_device *device)
{
    uint64_t first = tt_prng_below(&device->prng, TT_DEVICE_OUTGOING_MAX);
    for (uint64_t i = 0; i < TT_DEVICE_OUTGOING_MAX; i++) {
        const struct tt_outgoing *out = &device->outgoing[(first + i) % TT_DEVICE_OUTGOING_MAX];
        if (out->is_used)
            return (struct used){true, out->client_id, out->chat};
    }
    return (struct used){.is_there = false};
}

static struct used spoken(struct tt_sim_device *device)
{
    uint64_t which = tt_prng_below(&device->prng, TT_DEVICE_SPOKEN_MAX);
    const struct tt_spoken *is = &device->spoken[which];
    return (struct used){!tt_id_is_none(&is->client_id), is->client_id, is->chat};
}

/* Of another device of the user's: one that was heard of, or one that may be its next. */
static struct used of_another(struct tt_sim_device *device, uint32_t chat)
{
    char name[TT_ID_SIZE_MAX];
    const struct tt_spoken *overheard = &device->overheard;
    if (tt_prng_chance(&device->prng, 700) && !tt_id_is_none(&overheard->client_id))
        return (struct used){true, overheard->client_id, overheard->chat};
    uint64_t count = 1 + tt_prng_below(&device->prng, device->client_ids + 3ULL);
    uint64_t which = tt_prng_below(&device->prng, 3);
    (void)snprintf(name, sizeof(name), "d%u-%u", (unsigned)which, (unsigned)count);
    return (struct used){true, tt_id_of(name), chat};
}

static void say_under(struct tt_sim_device *device, const struct used *used, uint32_t chat)
{
    char text[64];
    bool over_http = tt_prng_chance(&device->prng, 400);
    int size = snprintf(text, sizeof(text), "something else (%u) under an old client_id",
                        device->thoughts);
    struct tt_slice content = tt_slice(text, (size_t)size);
    if (over_http) {
        struct tt_request request = {
            .kind = TT_REQUEST_SEND,
            .user = device->user,
            .device = device->id,
            .conversation = device->chats[chat].is->id,
            .send = {used->client_id, content},
        };
        tt_device_call(device, &request);
        return;
    }
    if (device->link == NULL || !device->is_open)
        return;
    struct tt_client_frame frame = {
        .kind = TT_CLIENT_SEND,
        .conversation = device->chats[chat].is->id,
        .client_id = used->client_id,
        .content = content,
    };
    tt_link_send(device->link, &frame);
}

/* Says something else under a client_id of its own that is not answered yet, or was, in the same
 * conversation or in another, or under one of its user's other devices. */
static void reuse_client_id(struct tt_sim_device *device, uint32_t chat)
{
    uint64_t choice = tt_prng_below(&device->prng, 4);
    struct used used = choice == 0   ? unanswered(device)
                       : choice == 1 ? of_another(device, chat)
                                     : spoken(device);
    if (!used.is_there)
        return;
    bool is_elsewhere = choice == 2 && device->chats[chat].is_known && chat != used.chat;
    device->world->sometimes.id_shared += is_elsewhere;
    say_under(device, &used, is_elsewhere ? chat : used.chat);
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
    uint64_t choice = tt_prng_below(&device->prng, 11);
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
    } else if (choice == 4 || choice == 9) {
        reuse_client_id(device, number);
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
