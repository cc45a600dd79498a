#include "sim/device.h"

#include <stdio.h>

#define SETTLED_US (2 * TT_US_PER_S) /* what was said before is with the server, and answered */

/* Whether the answer may be shown as it is. What the socket brings for a chat that is opened speaks
 * of what was after the GET had opened it, unless it was open on that socket a moment before, or
 * something else is being opened beside it: then nothing tells which is newer. */
static bool may_adopt(const struct tt_sim_device *device, const struct tt_call *call)
{
    return device->habits->adopts && device->marking == 0 && tt_device_is_online(device) &&
           device->link->opened_us <= call->made_us &&
           device->moved_us + SETTLED_US < call->made_us;
}

/* A GET that puts its chat on the screen is over. The device shows that chat, or says at once what
 * it shows: from then on nothing that is late may change it. */
static void marked(struct tt_sim_device *device, const struct tt_call *call,
                   const struct tt_reply *reply)
{
    struct tt_chat *chat = tt_device_chat(device, &call->request.conversation);
    device->marking--;
    bool is_answered = reply != NULL && tt_is_ok(reply->err);
    bool adopts = tt_prng_chance(&device->prng, 500) && is_answered && may_adopt(device, call);
    if (adopts) {
        device->world->sometimes.adopted++;
        device->screen = (int)(chat - device->chats);
        device->screen_is_told = true;
        device->screen_is_shown = true;
        device->shown_us = device->world->agenda.now_us;
        bool wins = device->world->options.mutant == TT_MUTANT_ANSWER_WINS;
        tt_device_show_snapshot(device, chat, reply->snapshot, wins ? UINT64_MAX : call->made_us);
    } else if (device->screen >= 0) {
        device->screen_is_told = false;
        tt_device_tell_screen(device);
    } else {
        tt_device_say(device, TT_CLIENT_CLOSE, chat, 0);
    }
}

void tt_device_answered(void *context, struct tt_call *call, const struct tt_reply *reply)
{
    struct tt_sim_device *device = context;
    device->calls--;
    if (call->request.kind == TT_REQUEST_SNAPSHOT && call->request.snapshot.mark_open)
        marked(device, call, reply);
    if (reply == NULL)
        return;
    const struct tt_request *request = &call->request;
    if (request->kind == TT_REQUEST_SEND) {
        bool is_final =
            tt_err_who(reply->err) != TT_ERR_RETRY && !tt_err_is(reply->err, TT_ERR_RATE_LIMITED);
        if (is_final)
            tt_device_resolve(device, &request->conversation, &request->send.client_id,
                              tt_is_ok(reply->err));
        else if (tt_err_is(reply->err, TT_ERR_UNAVAILABLE))
            tt_device_unsure(device, &request->conversation, &request->send.client_id);
        return;
    }
    if (!tt_is_ok(reply->err))
        return;
    if (request->kind == TT_REQUEST_SNAPSHOT) {
        struct tt_chat *chat = tt_device_chat(device, &request->conversation);
        if (chat != NULL)
            tt_device_show(chat, reply->snapshot->others_min);
    } else if (request->kind == TT_REQUEST_LIST) {
        for (size_t i = 0; i < reply->list.entry_count; i++) {
            const struct tt_conversation_entry *entry = &reply->list.entries[i];
            struct tt_chat *chat = tt_device_chat(device, &entry->conversation.id);
            if (chat == NULL)
                continue;
            chat->is_known = true;
            tt_device_show(chat, entry->others);
        }
    }
}

void tt_device_call(struct tt_sim_device *device, const struct tt_request *request)
{
    struct tt_world *world = device->world;
    uint32_t server = (uint32_t)tt_prng_below(&device->prng, world->options.servers);
    uint32_t node = (uint32_t)tt_prng_below(&device->prng, world->options.nodes);
    device->calls++;
    tt_call_make(world, server, node, request, device, tt_device_answered);
}

void tt_device_refresh(struct tt_sim_device *device)
{
    struct tt_request request = {
        .kind = TT_REQUEST_LIST,
        .user = device->user,
        .device = device->id,
        .limit = 50,
    };
    tt_device_call(device, &request);
}

static void create(struct tt_sim_device *device, const struct tt_chat *chat)
{
    struct tt_request request = {
        .kind = TT_REQUEST_CREATE,
        .user = device->user,
        .device = device->id,
        .conversation = chat->is->id,
        .create = {.id_given = true,
                   .kind = chat->is->kind,
                   .members = chat->is->members,
                   .member_count = chat->is->member_count},
    };
    tt_device_call(device, &request);
}

/* What became of a message, and of a conversation. */
static void ask_about(struct tt_sim_device *device, const struct tt_chat *chat, uint64_t choice)
{
    uint64_t back = tt_prng_below(&device->prng, 40);
    uint64_t span = tt_prng_below(&device->prng, 20);
    struct tt_request request = {
        .kind = TT_REQUEST_TIMELINE,
        .user = device->user,
        .device = device->id,
        .conversation = chat->is->id,
        .limit = 10,
    };
    if (choice < 8) {
        if (!chat->holds || chat->held == 0)
            return;
        request.kind = choice == 6 ? TT_REQUEST_INFO : TT_REQUEST_WHY;
        request.about.seq = TT_SEQ(1 + tt_prng_below(&device->prng, chat->held));
    } else if (chat->held > back) { /* else all of it */
        request.timeline.from = TT_SEQ(chat->held - back);
        request.timeline.to = span < 10 ? TT_SEQ(chat->held - back + span) : TT_SEQ(0);
    }
    tt_device_call(device, &request);
}

/* A conversation that stands already, made once more: as it is, or with oneself among its members.
 */
static void create_again(struct tt_sim_device *device, struct tt_request *request,
                         const struct tt_chat *chat, bool joins)
{
    tt_id members[TT_ORACLE_USERS_MAX + 1];
    uint32_t count = 0;
    for (; count < chat->is->member_count; count++)
        members[count] = chat->is->members[count];
    if (joins && chat->is->kind == TT_DIRECT)
        members[tt_prng_below(&device->prng, 2)] = device->user;
    else if (joins)
        members[count++] = device->user;
    request->create.id_given = true;
    request->create.kind = chat->is->kind;
    request->create.members = members;
    request->create.member_count = count;
    tt_device_call(device, request);
}

void tt_device_pry(struct tt_sim_device *device, const struct tt_chat *chat)
{
    static const char content[] = "let me in";
    static const enum tt_request_kind kinds[] = {
        TT_REQUEST_SNAPSHOT, TT_REQUEST_PAGE, TT_REQUEST_INFO, TT_REQUEST_WHY,
        TT_REQUEST_TIMELINE, TT_REQUEST_SEND, TT_REQUEST_MUTE, TT_REQUEST_CREATE,
    };
    uint64_t choice = tt_prng_below(&device->prng, sizeof(kinds) / sizeof(kinds[0]));
    uint64_t seq = tt_prng_below(&device->prng, 30);
    bool flips = tt_prng_chance(&device->prng, 500);
    bool nowhere = tt_prng_chance(&device->prng, 100);
    struct tt_request request = {
        .kind = kinds[choice],
        .user = device->user,
        .device = device->id,
        .conversation = chat->is->id,
        .limit = 10,
    };
    if (request.kind == TT_REQUEST_CREATE) {
        if (chat->is->exists) /* else it would be made as it should not be */
            create_again(device, &request, chat, flips);
        return;
    }
    if (nowhere)
        request.conversation = tt_id_of("nowhere");
    if (request.kind == TT_REQUEST_SNAPSHOT) {
        flips = flips && !nowhere;
        request.snapshot.mark_open = flips;
        device->marking += flips;
    } else if (request.kind == TT_REQUEST_PAGE) {
        request.page.before = flips;
        request.page.seq = TT_SEQ(seq);
    } else if (request.kind == TT_REQUEST_SEND) {
        char name[TT_ID_SIZE_MAX];
        (void)snprintf(name, sizeof(name), "pry-%u", device->thoughts);
        request.send.client_id = tt_id_of(name);
        request.send.content = tt_slice_text(content);
    } else if (request.kind == TT_REQUEST_TIMELINE) {
        request.timeline.from = flips ? TT_SEQ(seq) : TT_SEQ(0);
    } else if (request.kind != TT_REQUEST_MUTE) {
        request.about.seq = TT_SEQ(1 + seq);
    }
    tt_device_call(device, &request);
}

/* Settings, and the devices of one's own, of which one is sometimes sent away. */
static void look_after_account(struct tt_sim_device *device, uint64_t choice)
{
    bool shares = tt_prng_chance(&device->prng, 600);
    bool unlinks = tt_prng_chance(&device->prng, 700) && device->habits->unlinks;
    char name[] = "d0";
    name[1] = (char)('0' + tt_prng_below(&device->prng, 3));
    struct tt_request request = {
        .kind = TT_REQUEST_LIST_DEVICES,
        .user = device->user,
        .device = device->id,
    };
    if (choice == 9 && unlinks) {
        request.kind = TT_REQUEST_UNLINK_DEVICE;
        request.unlink.device = tt_id_of(name);
    } else if (choice == 10 && device->habits->settings) {
        request.kind = TT_REQUEST_PUT_ME;
        request.put_me.set_share_last_seen = true;
        request.put_me.settings.share_last_seen = shares;
    } else if (choice == 11) {
        request.kind = TT_REQUEST_GET_ME;
    }
    tt_device_call(device, &request);
}

void tt_device_get(struct tt_sim_device *device, const struct tt_chat *chat, bool marks)
{
    struct tt_request request = {
        .kind = TT_REQUEST_SNAPSHOT,
        .user = device->user,
        .device = device->id,
        .conversation = chat->is->id,
        .limit = 10,
        .snapshot = {.mark_open = marks},
    };
    device->marking += marks;
    tt_device_call(device, &request);
}

/* One of the things that people do beside chatting. */
void tt_device_browse(struct tt_sim_device *device)
{
    uint64_t choice = tt_prng_below(&device->prng, 12);
    uint64_t back = tt_prng_below(&device->prng, 20);
    struct tt_chat *chat = &device->chats[tt_prng_below(&device->prng, device->chat_count)];
    struct tt_request request = {
        .user = device->user,
        .device = device->id,
        .conversation = chat->is->id,
        .limit = 10,
    };
    if (choice >= 9) {
        look_after_account(device, choice);
        return;
    }
    if (!chat->is_member) {
        if (back < 6) /* a mistaken id */
            tt_device_pry(device, chat);
        return;
    }
    if (!chat->is_known) {
        create(device, chat);
        return;
    }
    if (choice >= 6) {
        ask_about(device, chat, choice);
        return;
    }
    if (choice == 0) {
        tt_device_refresh(device);
    } else if (choice < 3) {
        request.kind = TT_REQUEST_PAGE;
        request.page.before = choice == 1;
        request.page.seq = TT_SEQ(chat->held > back ? chat->held - back : 1);
        tt_device_call(device, &request);
    } else {
        tt_device_get(device, chat, choice == 5);
    }
}
