#include "sim/device.h"

#include <stdio.h>

#include "base/memory.h"

#define SILENCE_US (45 * TT_US_PER_S) /* the server pings every 25 s */
#define UPGRADE_US (15 * TT_US_PER_S)
#define RETRY_US   (6 * TT_US_PER_S)
#define DAY_US     (86400 * TT_US_PER_S)

static uint64_t now_of(const struct tt_sim_device *device)
{
    return device->world->agenda.now_us;
}

struct tt_sim_device *tt_device_create(struct tt_world *world, const struct tt_cast *cast,
                                       const struct tt_habits *habits, const tt_id *user,
                                       const tt_id *id, bool honest, uint32_t number)
{
    struct tt_sim_device *device = tt_alloc(sizeof(*device));
    device->world = world;
    device->habits = habits;
    device->user = *user;
    device->id = *id;
    device->honest = honest;
    device->number = number;
    device->screen = -1;
    device->chat_count = cast->conversation_count;
    tt_prng_init(&device->prng, world->options.seed * 64 + number, TT_STREAM_WORKLOAD);
    for (uint32_t i = 0; i < cast->conversation_count; i++) {
        const struct tt_cast_conversation *is = &cast->conversations[i];
        struct tt_chat *chat = &device->chats[i];
        chat->is = is;
        for (uint32_t m = 0; m < is->member_count; m++)
            chat->is_member = chat->is_member || tt_id_eq(&is->members[m], user);
        chat->is_known = chat->is_member && is->exists;
    }
    return device;
}

void tt_device_destroy(struct tt_sim_device **device)
{
    tt_free(*device);
    *device = NULL;
}

bool tt_device_is_online(const struct tt_sim_device *device)
{
    return device->link != NULL && device->said_hello;
}

struct tt_chat *tt_device_chat(struct tt_sim_device *device, const tt_id *conversation)
{
    for (uint32_t i = 0; i < device->chat_count; i++)
        if (tt_id_eq(&device->chats[i].is->id, conversation))
            return &device->chats[i];
    return NULL;
}

void tt_device_say(struct tt_sim_device *device, enum tt_client_frame_kind kind,
                   const struct tt_chat *chat, uint64_t seq)
{
    if (device->link == NULL || !device->is_open)
        return;
    if (kind == TT_CLIENT_OPEN || kind == TT_CLIENT_CLOSE)
        device->moved_us = now_of(device);
    struct tt_client_frame frame = {.kind = kind, .seq = TT_SEQ(seq)};
    if (chat != NULL)
        frame.conversation = chat->is->id;
    tt_link_send(device->link, &frame);
}

static void hang_up(struct tt_sim_device *device)
{
    device->link = NULL;
    device->is_open = false;
    device->said_hello = false;
    device->caught_up = false;
    device->screen_is_told = false;
    device->screen_is_shown = false;
    for (uint32_t i = 0; i < device->chat_count; i++) {
        device->chats[i].reach = 0;
        device->chats[i].acked = 0;
        device->chats[i].read = 0;
        memset(device->chats[i].status_is_known, 0, sizeof(device->chats[i].status_is_known));
        memset(device->chats[i].status_us, 0, sizeof(device->chats[i].status_us));
    }
}

/* Acks and reads. */

static void ack_now(struct tt_sim_device *device, struct tt_chat *chat)
{
    uint64_t seq = chat->held < chat->reach ? chat->held : chat->reach;
    if (!chat->holds || seq <= chat->acked || !tt_device_is_online(device))
        return;
    chat->acked = seq;
    tt_device_say(device, TT_CLIENT_DELIVERED, chat, seq);
}

static void read_now(struct tt_sim_device *device, struct tt_chat *chat)
{
    bool on_screen = device->screen >= 0 && &device->chats[device->screen] == chat;
    bool can = chat->holds && chat->held > chat->read && tt_device_is_online(device);
    if (!on_screen || !can || chat->held > chat->reach)
        return;
    chat->read = chat->held;
    tt_device_say(device, TT_CLIENT_READ, chat, chat->held);
}

struct due {
    struct tt_sim_device *device;
    struct tt_chat *chat;
};

static void ack_due(void *context, void *payload)
{
    struct tt_chat *chat = payload;
    chat->ack_is_due = false;
    ack_now(context, chat);
}

static void read_due(void *context, void *payload)
{
    struct tt_chat *chat = payload;
    chat->read_is_due = false;
    read_now(context, chat);
}

static void ack_later(struct tt_sim_device *device, struct tt_chat *chat)
{
    struct tt_agenda *agenda = &device->world->agenda;
    if (!chat->ack_is_due) {
        chat->ack_is_due = true;
        uint64_t delay = tt_prng_delay(&device->prng, device->habits->ack_us);
        tt_agenda_after(agenda, delay, ack_due, device, chat, NULL);
    }
    if (!chat->read_is_due) {
        chat->read_is_due = true;
        uint64_t delay = tt_prng_delay(&device->prng, device->habits->ack_us * 3);
        tt_agenda_after(agenda, delay, read_due, device, chat, NULL);
    }
}

/* Sending. */

static void transmit(struct tt_sim_device *device, struct tt_outgoing *out)
{
    out->tried_us = now_of(device);
    struct tt_slice content = tt_slice(out->content, out->content_size);
    const tt_id *conversation = &device->chats[out->chat].is->id;
    if (tt_prng_chance(&device->prng, device->habits->http_per_mille)) {
        struct tt_request request = {
            .kind = TT_REQUEST_SEND,
            .user = device->user,
            .device = device->id,
            .conversation = *conversation,
            .send = {out->client_id, content},
        };
        tt_device_call(device, &request);
        return;
    }
    if (!tt_device_is_online(device))
        return;
    struct tt_client_frame frame = {
        .kind = TT_CLIENT_SEND,
        .conversation = *conversation,
        .client_id = out->client_id,
        .content = content,
    };
    tt_link_send(device->link, &frame);
}

static struct tt_spoken *last_spoken(struct tt_sim_device *device)
{
    return &device->spoken[device->client_ids % TT_DEVICE_SPOKEN_MAX];
}

/* A new one, or now and then the last one once more, in another conversation. */
static tt_id choose_client_id(struct tt_sim_device *device, uint32_t chat)
{
    struct tt_spoken *last = last_spoken(device);
    bool shares = tt_prng_chance(&device->prng, 50) && device->client_ids > 0;
    if (shares && last->chat != chat && !last->is_shared) {
        last->is_shared = true;
        device->world->sometimes.id_shared++;
        return last->client_id;
    }
    char name[TT_ID_SIZE_MAX];
    /* Two users may well use the same one; two devices of one user may not. */
    int size = snprintf(name, sizeof(name), "%.*s-%u", device->id.size, device->id.bytes,
                        ++device->client_ids);
    struct tt_spoken *spoken = last_spoken(device);
    *spoken = (struct tt_spoken){.chat = chat};
    tt_err err = tt_id_parse(tt_slice(name, (size_t)size), &spoken->client_id);
    TT_ASSERT(tt_is_ok(err));
    return spoken->client_id;
}

static void compose(struct tt_sim_device *device, uint32_t chat)
{
    struct tt_outgoing *out = NULL;
    for (uint32_t i = 0; i < TT_DEVICE_OUTGOING_MAX && out == NULL; i++)
        if (!device->outgoing[i].is_used)
            out = &device->outgoing[i];
    if (out == NULL || !device->chats[chat].is_known)
        return;
    *out = (struct tt_outgoing){.is_used = true, .chat = chat, .begun_us = now_of(device)};
    out->client_id = choose_client_id(device, chat);
    int size = snprintf(out->content, sizeof(out->content), "%u of %.*s in %.*s",
                        device->client_ids, device->id.size, device->id.bytes,
                        device->chats[chat].is->id.size, device->chats[chat].is->id.bytes);
    out->content_size = (size_t)size;
    transmit(device, out);
}

static bool is_of(const struct tt_sim_device *device, const struct tt_outgoing *out,
                  const tt_id *conversation, const tt_id *client_id)
{
    return out->is_used && tt_id_eq(&out->client_id, client_id) &&
           tt_id_eq(&device->chats[out->chat].is->id, conversation);
}

void tt_device_unsure(struct tt_sim_device *device, const tt_id *conversation,
                      const tt_id *client_id)
{
    for (uint32_t i = 0; i < TT_DEVICE_OUTGOING_MAX; i++)
        if (is_of(device, &device->outgoing[i], conversation, client_id))
            device->outgoing[i].is_unsure = true;
}

void tt_device_resolve(struct tt_sim_device *device, const tt_id *conversation,
                       const tt_id *client_id, bool is_stored)
{
    for (uint32_t i = 0; i < TT_DEVICE_OUTGOING_MAX; i++) {
        struct tt_outgoing *out = &device->outgoing[i];
        if (!is_of(device, out, conversation, client_id))
            continue;
        out->is_used = false;
        device->sends_done++;
        device->world->sometimes.unknown_resolved += out->is_unsure && is_stored;
    }
}

/* What it hears. */

static bool is_own(const struct tt_chat *chat, uint64_t seq)
{
    return seq < TT_ORACLE_SEQS_TRACKED && (chat->own[seq / 8] >> (seq % 8) & 1) != 0;
}

static void extend(struct tt_chat *chat)
{
    while (chat->holds && is_own(chat, chat->held + 1))
        chat->held++;
    while (chat->reach > 0 && is_own(chat, chat->reach + 1))
        chat->reach++;
}

static void hear_message(struct tt_sim_device *device, struct tt_chat *chat,
                         const struct tt_server_frame *frame)
{
    uint64_t seq = frame->message.seq.n;
    const struct tt_oracle *oracle = device->world->oracle;
    uint64_t next = chat->held + 1;
    /* Its own messages need not come back to it, even where `sent` was lost. */
    while (next < seq && tt_oracle_is_by(oracle, &chat->is->id, next, &device->user, &device->id))
        next++;
    if (device->honest && chat->holds && seq > next)
        tt_oracle_fail(device->world->oracle,
                       "promise 6: %.*s/%.*s holds up to %llu of %.*s and gets seq %llu",
                       device->user.size, device->user.bytes, device->id.size, device->id.bytes,
                       (unsigned long long)chat->held, chat->is->id.size, chat->is->id.bytes,
                       (unsigned long long)seq);
    if (!chat->holds || seq > chat->held)
        chat->held = seq;
    chat->holds = true;
    chat->is_known = true;
    chat->reach = seq;
    extend(chat);
    if (!tt_id_is_none(&frame->message.client_id))
        device->overheard =
            (struct tt_spoken){frame->message.client_id, (uint32_t)(chat - device->chats), false};
    tt_device_resolve(device, &chat->is->id, &frame->message.client_id, true);
    ack_later(device, chat);
}

static void hear_sent(struct tt_sim_device *device, struct tt_chat *chat,
                      const struct tt_server_frame *frame)
{
    uint64_t seq = frame->message.seq.n;
    if (seq < TT_ORACLE_SEQS_TRACKED)
        chat->own[seq / 8] |= (uint8_t)(1U << (seq % 8));
    extend(chat);
    tt_device_resolve(device, &chat->is->id, &frame->client_id, true);
    ack_later(device, chat);
}

void tt_device_show(struct tt_chat *chat, struct tt_cursor told)
{
    chat->shown.delivered = tt_seq_max(chat->shown.delivered, told.delivered);
    chat->shown.read = tt_seq_max(chat->shown.read, told.read);
}

/* `said_us`: when the socket said it; `asked_us`: nothing that it said since then is overwritten.
 */
static void note_status(struct tt_chat *chat, const tt_id *user, const struct tt_status *status,
                        uint64_t said_us, uint64_t asked_us)
{
    for (uint32_t i = 0; i < chat->is->member_count; i++) {
        if (!tt_id_eq(&chat->is->members[i], user) || status->unknown ||
            chat->status_us[i] > asked_us)
            continue;
        chat->status[i] = *status;
        chat->status_is_known[i] = true;
        chat->status_us[i] = said_us;
    }
}

void tt_device_show_snapshot(struct tt_sim_device *device, struct tt_chat *chat,
                             const struct tt_snapshot *snapshot, uint64_t asked_us)
{
    tt_device_show(chat, snapshot->others_min);
    for (size_t i = 0; i < snapshot->other_count; i++)
        note_status(chat, &snapshot->others[i].user, &snapshot->others[i].status, 0, asked_us);
    if (snapshot->message_count == 0 || !chat->holds)
        return;
    uint64_t last = snapshot->messages[snapshot->message_count - 1].seq.n;
    if (snapshot->messages[0].seq.n <= chat->held + 1 && last > chat->held)
        chat->held = last;
    extend(chat);
    ack_later(device, chat);
}

static void forget_everything(struct tt_sim_device *device)
{
    for (uint32_t i = 0; i < device->chat_count; i++) {
        struct tt_chat *chat = &device->chats[i];
        chat->holds = false;
        chat->held = 0;
        chat->shown = (struct tt_cursor){TT_SEQ(0), TT_SEQ(0)};
        memset(chat->own, 0, sizeof(chat->own));
    }
}

static void hear_error(struct tt_sim_device *device, struct tt_chat *chat,
                       const struct tt_server_frame *frame)
{
    bool is_final = tt_err_who(frame->error.err) == TT_ERR_CLIENT &&
                    !tt_err_is(frame->error.err, TT_ERR_RATE_LIMITED);
    if (!tt_id_is_none(&frame->client_id)) {
        if (is_final)
            tt_device_resolve(device, &frame->conversation, &frame->client_id, false);
        else if (tt_err_is(frame->error.err, TT_ERR_UNAVAILABLE))
            tt_device_unsure(device, &frame->conversation, &frame->client_id);
        return;
    }
    if (chat != NULL && !is_final) {
        bool on_screen = device->screen >= 0 && &device->chats[device->screen] == chat;
        if (on_screen && !device->screen_is_shown)
            device->screen_is_told = false;
        else if (on_screen) /* it was open before, and still is */
            device->shown_us = now_of(device);
    }
    if (chat != NULL) {
        chat->acked = chat->acked < frame->error.limit.n ? chat->acked : frame->error.limit.n;
        chat->read = chat->read < frame->error.limit.n ? chat->read : frame->error.limit.n;
    }
}

static void heard(void *context, struct tt_link *link, const struct tt_server_frame *frame)
{
    struct tt_sim_device *device = context;
    if (link != device->link)
        return;
    device->heard_us = now_of(device);
    const tt_id *id = &frame->conversation;
    if (frame->kind == TT_SERVER_CONVERSATION)
        id = &frame->snapshot->conversation.id;
    if (frame->kind == TT_SERVER_CONVERSATION_ADDED)
        id = &frame->entry->conversation.id;
    struct tt_chat *chat = tt_device_chat(device, id);
    if (frame->kind == TT_SERVER_HELLO) {
        device->said_hello = true;
        /* The one hello that says that it starts anew may have been lost. */
        if (!frame->hello.resumed || frame->hello.linked_at.ms != device->linked_at.ms)
            forget_everything(device);
        device->linked_at = frame->hello.linked_at;
    } else if (frame->kind == TT_SERVER_CAUGHT_UP) {
        device->caught_up = true;
        tt_device_refresh(device);
    } else if (frame->kind == TT_SERVER_ERROR) {
        hear_error(device, chat, frame);
    } else if (chat == NULL) {
        return;
    } else if (frame->kind == TT_SERVER_MESSAGE) {
        hear_message(device, chat, frame);
    } else if (frame->kind == TT_SERVER_SENT) {
        hear_sent(device, chat, frame);
    } else if (frame->kind == TT_SERVER_STATUS_UPDATE) {
        tt_device_show(chat, frame->status);
    } else if (frame->kind == TT_SERVER_PRESENCE) {
        note_status(chat, &frame->user, &frame->presence.status, now_of(device), UINT64_MAX);
    } else if (frame->kind == TT_SERVER_CONVERSATION) {
        if (device->screen >= 0 && &device->chats[device->screen] == chat) {
            device->screen_is_shown = true;
            device->shown_us = now_of(device);
        }
        tt_device_show_snapshot(device, chat, frame->snapshot, UINT64_MAX);
    } else if (frame->kind == TT_SERVER_CONVERSATION_ADDED) {
        chat->is_known = true;
    }
}

static void opened(void *context, struct tt_link *link)
{
    struct tt_sim_device *device = context;
    if (link != device->link)
        return;
    device->is_open = true;
    device->heard_us = now_of(device);
}

static void pinged(void *context, struct tt_link *link)
{
    struct tt_sim_device *device = context;
    if (link == device->link)
        device->heard_us = now_of(device);
}

static void closed(void *context, struct tt_link *link, uint32_t code, tt_err err)
{
    (void)code;
    (void)err;
    struct tt_sim_device *device = context;
    if (link != device->link)
        return;
    hang_up(device);
    uint64_t pause = tt_prng_delay(&device->prng, TT_US_PER_S);
    if (device->away_until_us < now_of(device) + pause)
        device->away_until_us = now_of(device) + pause;
}

void tt_device_connect(struct tt_sim_device *device)
{
    static const struct tt_link_owner none = {0};
    struct tt_link_owner owner = none;
    owner = (struct tt_link_owner){device, opened, heard, pinged, closed};
    struct tt_world *world = device->world;
    uint32_t server = (uint32_t)tt_prng_below(&device->prng, world->options.servers);
    uint32_t node = (uint32_t)tt_prng_below(&device->prng, world->options.nodes);
    bool slow = tt_prng_chance(&device->prng, device->habits->slow_per_mille);
    hang_up(device);
    device->connected_us = device->heard_us = now_of(device);
    device->link = tt_link_connect(world, server, node, &device->user, &device->id, &owner,
                                   device->habits->delay_us);
    uint64_t pace = tt_prng_between(&device->prng, 1, 28);
    device->link->bytes_per_ms = slow && pace <= 20 ? (uint32_t)pace : 0;
    device->link->is_stuck = slow && pace > 20;
}

/* What it does by itself. */

static void leave(struct tt_sim_device *device)
{
    struct tt_link *link = device->link;
    uint64_t away = tt_prng_delay(&device->prng, device->habits->away_us);
    uint64_t kind = tt_prng_below(&device->prng, 4);
    bool quietly = tt_prng_chance(&device->prng, device->habits->half_open_per_mille);
    bool forgets = tt_prng_chance(&device->prng, 500);
    device->away_until_us = now_of(device) + away;
    struct tt_sometimes *sometimes = &device->world->sometimes;
    sometimes->half_open_at_server += quietly;
    sometimes->half_open_at_device += quietly && kind == 0;
    sometimes->days_away += away > DAY_US;
    if (quietly && kind == 0) { /* it does not notice itself */
        tt_link_break(link, UINT64_MAX, UINT64_MAX);
        return;
    }
    if (quietly) {
        tt_link_break(link, UINT64_MAX, UINT64_MAX);
        if (kind == 1) /* from one network to another */
            device->away_until_us = now_of(device);
    } else if (kind == 2) {
        tt_link_break(link, UINT64_MAX, tt_prng_delay(&device->prng, 2 * TT_US_PER_S));
    } else {
        tt_link_close(link);
    }
    link->device_open = false;
    hang_up(device);
    if (kind == 3)
        device->screen = -1;
    if (kind == 3 && forgets) /* killed, and what it had not sent was nowhere but in its memory */
        memset(device->outgoing, 0, sizeof(device->outgoing));
}

static void open_chat(struct tt_sim_device *device)
{
    uint32_t chat = (uint32_t)tt_prng_below(&device->prng, device->chat_count);
    if (!device->chats[chat].is_known)
        return;
    if (tt_prng_chance(&device->prng, device->habits->mark_per_mille)) {
        tt_device_get(device, &device->chats[chat], true);
        return;
    }
    device->screen = (int)chat;
    device->screen_is_told = false;
    device->screen_is_shown = false;
}

static void close_chat(struct tt_sim_device *device)
{
    if (device->screen < 0)
        return;
    if (device->screen_is_told)
        tt_device_say(device, TT_CLIENT_CLOSE, &device->chats[device->screen], 0);
    device->screen = -1;
    device->screen_is_told = false;
    device->screen_is_shown = false;
}

static void do_something(struct tt_sim_device *device)
{
    uint64_t choice = tt_prng_below(&device->prng, 100);
    bool leaves = tt_prng_chance(&device->prng, device->habits->leave_per_mille);
    bool lies = tt_prng_chance(&device->prng, device->habits->lie_per_mille);
    uint32_t chat = (uint32_t)tt_prng_below(&device->prng, device->chat_count);
    if (lies && !device->honest) {
        device->world->sometimes.lied++;
        tt_device_lie(device);
    } else if (leaves && device->link != NULL && device->is_open) {
        leave(device);
    } else if (choice < 50) {
        uint64_t burst = choice < 5 ? tt_prng_between(&device->prng, 2, 6) : 1;
        for (uint64_t i = 0; i < burst; i++)
            compose(device, chat);
    } else if (choice < 70) {
        open_chat(device);
    } else if (choice < 78) {
        close_chat(device);
    } else if (choice < 84 && device->screen >= 0) {
        tt_device_say(device, TT_CLIENT_TYPING, &device->chats[device->screen], 0);
    } else if (choice < 87) {
        tt_device_say(device, TT_CLIENT_PING, NULL, 0);
    } else {
        tt_device_browse(device);
    }
}

/* Each thought draws from a generator of its own, so that leaving one out changes no other. */
static void think(struct tt_sim_device *device)
{
    if (!tt_choice_take(&device->habits->choice, device->number, device->thoughts))
        return;
    struct tt_prng prng = device->prng;
    uint64_t seed = device->world->options.seed * 64 + device->number;
    tt_prng_init(&device->prng, (seed << 24) + device->thoughts, TT_STREAM_THOUGHT);
    do_something(device);
    device->prng = prng;
}

static void live(void *context, void *payload);

static void schedule_life(struct tt_sim_device *device)
{
    uint64_t delay = tt_prng_delay(&device->prng, device->habits->think_us);
    tt_agenda_after(&device->world->agenda, delay + 1, live, device, NULL, NULL);
}

static void live(void *context, void *payload)
{
    (void)payload;
    struct tt_sim_device *device = context;
    if (device->habits->works && now_of(device) >= device->away_until_us)
        think(device);
    device->thoughts++;
    schedule_life(device);
}

static void try_again(struct tt_sim_device *device)
{
    for (uint32_t i = 0; i < TT_DEVICE_OUTGOING_MAX; i++) {
        struct tt_outgoing *out = &device->outgoing[i];
        if (out->is_used && now_of(device) - out->tried_us > RETRY_US)
            transmit(device, out);
    }
}

void tt_device_tell_screen(struct tt_sim_device *device)
{
    if (device->screen < 0 || device->screen_is_told || !tt_device_is_online(device))
        return;
    device->screen_is_told = true;
    device->shown_us = 0;
    tt_device_say(device, TT_CLIENT_OPEN, &device->chats[device->screen], 0);
}

/* What it looks after all the time. */
static void maintain(void *context, void *payload)
{
    struct tt_sim_device *device = context;
    if ((uintptr_t)payload != device->life)
        return;
    uint64_t now = now_of(device);
    bool is_deaf = device->link != NULL && now - device->heard_us > SILENCE_US;
    bool is_stuck = device->link != NULL && !device->is_open && now > device->heard_us + UPGRADE_US;
    if (is_deaf || is_stuck) {
        tt_link_close(device->link);
        hang_up(device);
    }
    if (device->link == NULL && now >= device->away_until_us)
        tt_device_connect(device);
    tt_device_tell_screen(device);
    try_again(device);
    for (uint32_t i = 0; i < device->chat_count && tt_device_is_online(device); i++)
        if (device->chats[i].holds && device->chats[i].acked < device->chats[i].reach)
            ack_later(device, &device->chats[i]);
    uint64_t every_us = device->habits->look_us;
    uint64_t delay = every_us / 2 + tt_prng_below(&device->prng, every_us);
    if (now < device->away_until_us && device->link == NULL)
        delay += device->away_until_us - now;
    tt_agenda_after(&device->world->agenda, delay, maintain, device, payload, NULL);
}

void tt_device_wake(struct tt_sim_device *device)
{
    struct tt_agenda *agenda = &device->world->agenda;
    tt_agenda_after(agenda, tt_prng_delay(&device->prng, TT_US_PER_S), maintain, device, NULL,
                    NULL);
    schedule_life(device);
}

void tt_device_come_back(struct tt_sim_device *device)
{
    device->away_until_us = now_of(device);
    device->life++;
    tt_agenda_after(&device->world->agenda, TT_US_PER_S / 10, maintain, device,
                    (void *)device->life, NULL);
}

void tt_device_stay_away(struct tt_sim_device *device)
{
    device->life++;
    if (device->link != NULL)
        tt_link_close(device->link);
    hang_up(device);
}
