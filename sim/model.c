#include "sim/model.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/map.h"
#include "base/memory.h"

struct tt_oracle *tt_oracle_create(struct tt_world *world)
{
    struct tt_oracle *oracle = tt_alloc(sizeof(*oracle));
    oracle->world = world;
    return oracle;
}

void tt_oracle_destroy(struct tt_oracle **oracle)
{
    for (int i = 0; i < (*oracle)->conversation_count; i++) {
        tt_free((*oracle)->conversations[i].messages);
        tt_free((*oracle)->conversations[i].happenings);
    }
    tt_free(*oracle);
    *oracle = NULL;
}

void tt_oracle_set_watch(struct tt_oracle *oracle, struct tt_oracle_watch watch)
{
    oracle->watch = watch;
}

void tt_oracle_set_listener(struct tt_oracle *oracle, void *context,
                            void (*applied)(void *context, const struct tt_store_op *op))
{
    oracle->applied = applied;
    oracle->applied_context = context;
}

const char *tt_oracle_failure(const struct tt_oracle *oracle)
{
    return oracle != NULL && oracle->failed ? oracle->failure : NULL;
}

void tt_oracle_fail(struct tt_oracle *oracle, const char *format, ...)
{
    TT_ASSERT(format != NULL);
    if (oracle == NULL || oracle->failed)
        return;
    oracle->failed = true;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(oracle->failure, sizeof(oracle->failure), format, arguments);
    va_end(arguments);
    struct tt_trace *trace = &oracle->world->trace;
    tt_trace_line(trace, oracle->world->agenda.now_us, tt_slice_text(oracle->failure));
}

int tt_model_user(const struct tt_oracle *oracle, const tt_id *user)
{
    for (int i = 0; i < oracle->user_count; i++)
        if (tt_id_eq(&oracle->users[i], user))
            return i;
    return -1;
}

int tt_model_device(const struct tt_oracle *oracle, const tt_id *user, const tt_id *device)
{
    int owner = tt_model_user(oracle, user);
    for (int i = 0; i < oracle->device_count; i++)
        if (oracle->devices[i].user == owner && tt_id_eq(&oracle->devices[i].id, device))
            return i;
    return -1;
}

int tt_model_conversation(const struct tt_oracle *oracle, const tt_id *conversation)
{
    for (int i = 0; i < oracle->conversation_count; i++)
        if (tt_id_eq(&oracle->conversations[i].id, conversation))
            return i;
    return -1;
}

bool tt_model_is_member(const struct known_conversation *conversation, int user)
{
    for (int i = 0; i < conversation->member_count; i++)
        if (conversation->members[i] == user)
            return true;
    return false;
}

struct tt_cursor tt_model_others(const struct known_conversation *conversation, int user)
{
    struct tt_cursor least = {TT_SEQ(UINT64_MAX), TT_SEQ(UINT64_MAX)};
    for (int i = 0; i < conversation->member_count; i++) {
        int member = conversation->members[i];
        if (member == user)
            continue;
        least.delivered = tt_seq_min(least.delivered, conversation->cursors[member].delivered);
        least.read = tt_seq_min(least.read, conversation->cursors[member].read);
    }
    if (conversation->member_count < 2)
        return (struct tt_cursor){TT_SEQ(0), TT_SEQ(0)};
    return least;
}

uint64_t tt_model_hash(struct tt_slice content)
{
    return tt_hash(content, 99) ^ content.size;
}

bool tt_model_is_true(const struct known_conversation *conversation,
                      const struct tt_message *message)
{
    if (message->seq.n == 0 || message->seq.n > conversation->message_count)
        return false;
    const struct known_message *known = &conversation->messages[message->seq.n - 1];
    return tt_id_eq(&known->sender, &message->sender) &&
           known->content_hash == tt_model_hash(message->content) &&
           known->timestamp.ms == message->timestamp.ms;
}

void tt_oracle_add_device(struct tt_oracle *oracle, const tt_id *user, const tt_id *device,
                          bool honest)
{
    int owner = tt_model_user(oracle, user);
    if (owner < 0) {
        TT_ASSERT(oracle->user_count < TT_ORACLE_USERS_MAX);
        owner = oracle->user_count++;
        oracle->users[owner] = *user;
    }
    TT_ASSERT(oracle->device_count < TT_ORACLE_DEVICES_MAX);
    struct known_device *known = &oracle->devices[oracle->device_count++];
    known->id = *device;
    known->user = owner;
    known->honest = honest;
}

void tt_oracle_expect_conversation(struct tt_oracle *oracle, const tt_id *id)
{
    TT_ASSERT(oracle->conversation_count < TT_ORACLE_CONVERSATIONS_MAX);
    oracle->conversations[oracle->conversation_count++].id = *id;
}

static void learn_conversation(struct tt_oracle *oracle, const struct tt_conversation *is)
{
    int number = tt_model_conversation(oracle, &is->id);
    if (number < 0) {
        tt_oracle_fail(oracle, "the store was given a conversation that nobody made");
        return;
    }
    struct known_conversation *known = &oracle->conversations[number];
    if (known->member_count > 0)
        return;
    known->kind = is->kind;
    known->created_us = oracle->world->agenda.now_us;
    for (size_t i = 0; i < is->member_count; i++)
        known->members[known->member_count++] = tt_model_user(oracle, &is->members[i]);
}

static void learn_link(struct tt_oracle *oracle, const struct tt_link_device *link)
{
    int device = tt_model_device(oracle, &link->user, &link->device);
    int user = tt_model_user(oracle, &link->user);
    if (device < 0)
        return;
    for (int i = 0; i < oracle->device_count; i++) {
        if (oracle->devices[i].user != user)
            continue;
        oracle->devices[i].linked = false;
        for (size_t d = 0; d < link->device_count; d++)
            if (tt_id_eq(&link->devices[d].id, &oracle->devices[i].id))
                oracle->devices[i].linked = true;
    }
    oracle->devices[device].epoch = link->epoch;
    oracle->links++;
    if (link->resumed)
        return;
    oracle->devices[device].linked_at = link->at;
    for (int i = 0; i < oracle->conversation_count; i++) {
        struct known_conversation *conversation = &oracle->conversations[i];
        conversation->positions[device] = conversation->cursors[user].delivered.n;
        struct known_view *view = &oracle->devices[device].views[i];
        view->shown = (struct tt_cursor){TT_SEQ(0), TT_SEQ(0)};
    }
}

static void put_message(struct known_conversation *conversation, const struct tt_message *message)
{
    if (conversation->message_count == conversation->message_capacity) {
        conversation->message_capacity = conversation->message_capacity * 2 + 64;
        conversation->messages = tt_grow(conversation->messages, conversation->message_capacity,
                                         sizeof(conversation->messages[0]));
    }
    conversation->messages[conversation->message_count++] = (struct known_message){
        .sender = message->sender,
        .device = message->sender_device,
        .client_id = message->client_id,
        .content_hash = tt_model_hash(message->content),
        .timestamp = message->timestamp,
    };
}

uint64_t tt_model_find_send(const struct known_conversation *conversation, const tt_id *sender,
                            const tt_id *client_id)
{
    for (size_t i = conversation->message_count; i-- > 0;)
        if (tt_id_eq(&conversation->messages[i].client_id, client_id) &&
            tt_id_eq(&conversation->messages[i].sender, sender))
            return i + 1;
    return 0;
}

/* A client_id that was used before. */
static void note_again(struct tt_oracle *oracle, const struct known_message *first,
                       const struct tt_message *again)
{
    struct tt_sometimes *sometimes = &oracle->world->sometimes;
    sometimes->said_anew += first->content_hash != tt_model_hash(again->content);
    sometimes->said_elsewhere += !tt_id_eq(&first->device, &again->sender_device);
}

static void learn_append(struct tt_oracle *oracle, const struct tt_append *append)
{
    const struct tt_message *message = &append->message;
    int number = tt_model_conversation(oracle, &append->conversation);
    int user = tt_model_user(oracle, &message->sender);
    int device = tt_model_device(oracle, &message->sender, &message->sender_device);
    if (number < 0 || user < 0 || device < 0) {
        tt_oracle_fail(oracle, "the store was given a message of somebody unknown");
        return;
    }
    struct known_conversation *conversation = &oracle->conversations[number];
    if (!tt_model_is_member(conversation, user))
        tt_oracle_fail(oracle, "promise 10: a message of %.*s is stored in %.*s",
                       message->sender.size, message->sender.bytes, conversation->id.size,
                       conversation->id.bytes);
    uint64_t first = tt_model_find_send(conversation, &message->sender, &message->client_id);
    if (first != 0) {
        note_again(oracle, &conversation->messages[first - 1], message);
        if (!append->duplicate || append->message.seq.n != first)
            tt_oracle_fail(oracle, "promise 2: client_id %.*s of %.*s has seq %llu and %llu",
                           message->client_id.size, message->client_id.bytes, message->sender.size,
                           message->sender.bytes, (unsigned long long)first,
                           (unsigned long long)message->seq.n);
        return;
    }
    if (append->duplicate || message->seq.n != conversation->message_count + 1) {
        tt_oracle_fail(oracle, "promise 2: %.*s got seq %llu after head %zu", conversation->id.size,
                       conversation->id.bytes, (unsigned long long)message->seq.n,
                       conversation->message_count);
        return;
    }
    put_message(conversation, message);
    conversation->changed_us = oracle->world->agenda.now_us;
    struct tt_cursor *cursor = &conversation->cursors[user];
    bool carries =
        oracle->devices[device].linked && conversation->positions[device] + 1 == message->seq.n;
    if (carries) {
        conversation->positions[device] = message->seq.n;
        cursor->delivered = tt_seq_max(cursor->delivered, message->seq);
    }
    if (cursor->read.n + 1 == message->seq.n) {
        cursor->read = message->seq;
        cursor->delivered = tt_seq_max(cursor->delivered, message->seq);
    }
    if (oracle->watch.stored != NULL)
        oracle->watch.stored(oracle->watch.context, &conversation->id, message->seq,
                             &message->sender);
}

static void learn_advance(struct tt_oracle *oracle, const struct tt_advance *advance)
{
    int number = tt_model_conversation(oracle, &advance->conversation);
    int user = tt_model_user(oracle, &advance->user);
    int device = tt_model_device(oracle, &advance->user, &advance->device);
    if (number < 0 || device < 0) {
        tt_oracle_fail(oracle, "the store was given an ack of somebody unknown");
        return;
    }
    struct known_conversation *conversation = &oracle->conversations[number];
    const struct known_view *view = &oracle->devices[device].views[number];
    uint64_t delivered = tt_seq_max(advance->to.delivered, advance->to.read).n;
    uint64_t claimed =
        view->claimed_delivered > view->claimed_read ? view->claimed_delivered : view->claimed_read;
    uint64_t reach = view->ackable > conversation->positions[device]
                         ? view->ackable
                         : conversation->positions[device];
    if (delivered > claimed || delivered > reach || advance->to.read.n > view->claimed_read)
        tt_oracle_fail(oracle,
                       "promise 3/4: %.*s/%.*s moves to %llu/%llu in %.*s; it acked %llu/%llu "
                       "and was handed %llu",
                       advance->user.size, advance->user.bytes, advance->device.size,
                       advance->device.bytes, (unsigned long long)delivered,
                       (unsigned long long)advance->to.read.n, conversation->id.size,
                       conversation->id.bytes, (unsigned long long)view->claimed_delivered,
                       (unsigned long long)view->claimed_read, (unsigned long long)reach);
    bool is_link = oracle->devices[device].linked &&
                   oracle->devices[device].linked_at.ms == advance->linked_at.ms;
    if (is_link && conversation->positions[device] < delivered)
        conversation->positions[device] = delivered;
    if (advance->device_delivered.n != (is_link ? conversation->positions[device] : 0))
        tt_oracle_fail(oracle, "promise 6: an ack puts %.*s/%.*s at %llu of %.*s; it is at %llu",
                       advance->user.size, advance->user.bytes, advance->device.size,
                       advance->device.bytes, (unsigned long long)advance->device_delivered.n,
                       conversation->id.size, conversation->id.bytes,
                       (unsigned long long)conversation->positions[device]);
    struct tt_cursor before = conversation->cursors[user];
    struct tt_cursor *cursor = &conversation->cursors[user];
    cursor->delivered = tt_seq_max(cursor->delivered, TT_SEQ(delivered));
    cursor->read = tt_seq_max(cursor->read, advance->to.read);
    tt_model_note_steps(conversation, user, before, advance->at);
    bool moved = before.delivered.n < cursor->delivered.n || before.read.n < cursor->read.n;
    if (moved)
        conversation->changed_us = oracle->world->agenda.now_us;
    if (moved && oracle->watch.moved != NULL)
        oracle->watch.moved(oracle->watch.context, &conversation->id, &advance->user);
}

static void learn_unlink(struct tt_oracle *oracle, const struct tt_unlink_device *unlink)
{
    int device = tt_model_device(oracle, &unlink->user, &unlink->device);
    if (device >= 0)
        oracle->devices[device].linked = false;
    if (device >= 0)
        oracle->devices[device].unlinks++;
    oracle->world->sometimes.unlinked++;
}

static void learn_settings(struct tt_oracle *oracle, const struct tt_put_user *put)
{
    int user = tt_model_user(oracle, &put->user);
    if (user < 0)
        return;
    oracle->settings_us[user] = oracle->world->agenda.now_us;
    if (put->set_share_last_seen)
        oracle->hides_since_us[user] =
            put->settings.share_last_seen ? 0 : oracle->world->agenda.now_us;
}

bool tt_oracle_may_see(const struct tt_oracle *oracle, const tt_id *viewer, const tt_id *user)
{
    return oracle->hides_since_us[tt_model_user(oracle, viewer)] == 0 &&
           oracle->hides_since_us[tt_model_user(oracle, user)] == 0;
}

uint32_t tt_oracle_sessions(const struct tt_oracle *oracle, const tt_id *user)
{
    return oracle->sessions[tt_model_user(oracle, user)];
}

uint64_t tt_oracle_sessions_us(const struct tt_oracle *oracle, const tt_id *user)
{
    return oracle->sessions_us[tt_model_user(oracle, user)];
}

uint64_t tt_oracle_came_us(const struct tt_oracle *oracle, const tt_id *user)
{
    return oracle->came_us[tt_model_user(oracle, user)];
}

uint64_t tt_oracle_settings_us(const struct tt_oracle *oracle, const tt_id *user)
{
    return oracle->settings_us[tt_model_user(oracle, user)];
}

static void note_pages(struct tt_oracle *oracle, const struct tt_store_op *op)
{
    struct tt_sometimes *sometimes = &oracle->world->sometimes;
    if (op->kind == TT_STORE_LIST_PENDING && !tt_id_is_none(&op->list_pending.after))
        sometimes->pending_page_two += op->list_pending.row_count > 0;
    if (op->kind != TT_STORE_READ_MESSAGES)
        return;
    const struct tt_read_messages *page = &op->read_messages;
    if (page->count_max == oracle->world->options.core.replay_count && page->message_count > 0 &&
        page->messages[page->message_count - 1].seq.n < page->head.n)
        sometimes->page_two++;
}

void tt_oracle_store_applied(struct tt_oracle *oracle, const struct tt_store_op *op,
                             uint32_t process)
{
    if (oracle == NULL)
        return;
    tt_model_learn_seen(oracle, op, process);
    if (op->kind == TT_STORE_CREATE_CONVERSATION)
        learn_conversation(oracle, &op->create_conversation.conversation);
    else if (op->kind == TT_STORE_LINK_DEVICE)
        learn_link(oracle, &op->link_device);
    else if (op->kind == TT_STORE_UNLINK_DEVICE)
        learn_unlink(oracle, &op->unlink_device);
    else if (op->kind == TT_STORE_PUT_USER)
        learn_settings(oracle, &op->put_user);
    else if (op->kind == TT_STORE_APPEND)
        learn_append(oracle, &op->append);
    else if (op->kind == TT_STORE_ADVANCE)
        learn_advance(oracle, &op->advance);
    else if (op->kind == TT_STORE_RECORD_PUSH)
        tt_model_note_push(oracle, &op->record_push);
    note_pages(oracle, op);
    if (oracle->applied != NULL)
        oracle->applied(oracle->applied_context, op);
}

bool tt_oracle_is_member(const struct tt_oracle *oracle, const tt_id *conversation,
                         const tt_id *user)
{
    int number = tt_model_conversation(oracle, conversation);
    return number >= 0 &&
           tt_model_is_member(&oracle->conversations[number], tt_model_user(oracle, user));
}

uint64_t tt_oracle_changed_us(const struct tt_oracle *oracle, const tt_id *conversation)
{
    int number = tt_model_conversation(oracle, conversation);
    return number < 0 ? 0 : oracle->conversations[number].changed_us;
}

tt_seq tt_oracle_head(const struct tt_oracle *oracle, const tt_id *conversation)
{
    int number = tt_model_conversation(oracle, conversation);
    return TT_SEQ(number < 0 ? 0 : oracle->conversations[number].message_count);
}

struct tt_cursor tt_oracle_others(const struct tt_oracle *oracle, const tt_id *conversation,
                                  const tt_id *user)
{
    int number = tt_model_conversation(oracle, conversation);
    return tt_model_others(&oracle->conversations[number], tt_model_user(oracle, user));
}

tt_seq tt_oracle_position(const struct tt_oracle *oracle, const tt_id *conversation,
                          const tt_id *user, const tt_id *device)
{
    int number = tt_model_conversation(oracle, conversation);
    return TT_SEQ(oracle->conversations[number].positions[tt_model_device(oracle, user, device)]);
}

bool tt_oracle_is_stored(const struct tt_oracle *oracle, const tt_id *conversation,
                         const tt_id *sender, const tt_id *client_id)
{
    int number = tt_model_conversation(oracle, conversation);
    return number >= 0 &&
           tt_model_find_send(&oracle->conversations[number], sender, client_id) != 0;
}

bool tt_oracle_is_by(const struct tt_oracle *oracle, const tt_id *conversation, uint64_t seq,
                     const tt_id *user, const tt_id *device)
{
    int number = tt_model_conversation(oracle, conversation);
    if (number < 0 || seq == 0 || seq > oracle->conversations[number].message_count)
        return false;
    const struct known_message *known = &oracle->conversations[number].messages[seq - 1];
    return tt_id_eq(&known->sender, user) && tt_id_eq(&known->device, device);
}

uint64_t tt_oracle_last_by(const struct tt_oracle *oracle, const tt_id *conversation, uint64_t seq,
                           const tt_id *user)
{
    int number = tt_model_conversation(oracle, conversation);
    const struct known_conversation *known = &oracle->conversations[number];
    if (seq > known->message_count)
        seq = known->message_count;
    while (seq > 0 && !tt_id_eq(&known->messages[seq - 1].sender, user))
        seq--;
    return seq;
}
