#include "sim/store_tables.h"

#include "base/memory.h"

static void arm(struct tt_store_tables *tables, struct tt_member_row *member, tt_seq seq)
{
    if (tables->mutant == TT_MUTANT_PENDING_NOT_ARMED)
        return;
    if (!member->is_pending)
        member->first_undelivered = seq;
    member->is_pending = true;
    member->armed = seq;
    if (tables->mutant == TT_MUTANT_PUSHED_BLIND)
        member->pushed = seq;
}

static bool has_other_device(const struct tt_user_row *user, const tt_id *device)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (!tt_id_eq(&user->devices[i].device.id, device))
            return true;
    return false;
}

static void move_cursor(struct tt_conversation_row *conversation, struct tt_member_row *member,
                        struct tt_cursor to, const tt_id *device, tt_time at)
{
    if (to.delivered.n > member->cursor.delivered.n) {
        struct tt_happening step = {
            .kind = TT_HAPPENED_DELIVERED,
            .at = at,
            .from = tt_seq_next(member->cursor.delivered),
            .to = to.delivered,
            .user = member->user,
            .device = *device,
        };
        tt_store_tables_add_step(conversation, &step);
        member->cursor.delivered = to.delivered;
    }
    if (to.read.n > member->cursor.read.n) {
        struct tt_happening step = {
            .kind = TT_HAPPENED_READ,
            .at = at,
            .from = tt_seq_next(member->cursor.read),
            .to = to.read,
            .user = member->user,
            .device = *device,
        };
        tt_store_tables_add_step(conversation, &step);
        member->cursor.read = to.read;
    }
}

/* One's own message directly after a cursor carries it along. */
static void carry(struct tt_store_tables *tables, struct tt_member_row *sender,
                  const struct tt_message *message)
{
    struct tt_cursor to = {TT_SEQ(0), TT_SEQ(0)};
    const struct tt_user_row *user = tt_store_tables_user(tables, &message->sender);
    bool linked = tt_store_tables_is_linked(user, &message->sender_device, TT_TIME(0));
    tt_seq position = tt_store_tables_position(sender, &message->sender_device);
    if (linked && position.n + 1 == message->seq.n) {
        tt_store_tables_set_position(sender, &message->sender_device, message->seq);
        to.delivered = message->seq;
    }
    if (sender->cursor.read.n + 1 == message->seq.n || tables->mutant == TT_MUTANT_CARRY_ALWAYS) {
        to.read = message->seq;
        to.delivered = message->seq;
    }
    sender->cursor.delivered = tt_seq_max(sender->cursor.delivered, to.delivered);
    sender->cursor.read = tt_seq_max(sender->cursor.read, to.read);
}

static void put_message(struct tt_conversation_row *conversation, const struct tt_message *message)
{
    if (conversation->message_count == conversation->message_capacity) {
        conversation->message_capacity = conversation->message_capacity * 2 + 16;
        conversation->messages = tt_grow(conversation->messages, conversation->message_capacity,
                                         sizeof(conversation->messages[0]));
    }
    struct tt_message *row = &conversation->messages[conversation->message_count++];
    *row = *message;
    row->content = tt_store_tables_own(message->content);
    conversation->active_at = tt_time_max(conversation->active_at, message->timestamp);
    conversation->changed_at = tt_time_max(conversation->changed_at, message->timestamp);
}

static void answer_append(struct tt_append *append, const struct tt_member_row *sender)
{
    append->sender_cursor = sender->cursor;
    append->device_delivered = tt_store_tables_position(sender, &append->message.sender_device);
}

/* Whether every device of the user that has a push address is connected. */
static bool is_reached(const struct tt_user_row *user)
{
    for (size_t i = 0; user != NULL && i < user->address_count; i++) {
        bool reached = false;
        for (size_t j = 0; j < user->device_count; j++)
            reached =
                reached || (user->devices[j].device.connected &&
                            tt_id_eq(&user->devices[j].device.id, &user->addresses[i].device));
        if (!reached)
            return false;
    }
    return true;
}

static void overwrite(struct tt_message *row, const struct tt_message *message)
{
    tt_free((void *)(uintptr_t)row->content.data);
    row->content = tt_store_tables_own(message->content);
}

void tt_store_tables_append(struct tt_store_tables *tables, struct tt_store_op *op, bool disk_low)
{
    struct tt_append *append = &op->append;
    struct tt_message *message = &append->message;
    struct tt_conversation_row *row = tt_store_tables_conversation(tables, &append->conversation);
    struct tt_member_row *sender = tt_store_tables_member(row, &message->sender);
    if (sender == NULL) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    tt_seq first;
    append->duplicate =
        tt_store_tables_find_send(tables, &row->id, &message->sender, &message->client_id, &first);
    append->duplicate = append->duplicate && first.n <= row->message_count; /* a mutant's may be */
    if (append->duplicate) {
        if (tables->mutant == TT_MUTANT_DEDUPE_NEW_CONTENT)
            overwrite(&row->messages[first.n - 1], message);
        message->seq = first;
        message->timestamp = row->messages[first.n - 1].timestamp;
        answer_append(append, sender);
        return;
    }
    if (disk_low) {
        op->err = TT_FAIL(DISK_LOW);
        return;
    }
    message->seq = tt_seq_next(tt_store_tables_head(row));
    bool is_reused = tables->mutant == TT_MUTANT_SEQ_REUSED && message->seq.n % 30 == 0;
    if (is_reused)
        message->seq = tt_store_tables_head(row);
    else
        put_message(row, message);
    tt_store_tables_add_send(tables, &row->id, &message->sender, &message->client_id, message->seq);
    for (size_t i = 0; i < row->member_count; i++) {
        const struct tt_user_row *user = tt_store_tables_user(tables, &row->members[i].user);
        if (&row->members[i] != sender || has_other_device(user, &message->sender_device))
            arm(tables, &row->members[i], message->seq);
    }
    carry(tables, sender, message);
    append->none_rings = true;
    for (size_t i = 0; i < row->member_count; i++)
        if (&row->members[i] != sender &&
            !is_reached(tt_store_tables_user(tables, &row->members[i].user)))
            append->none_rings = false;
    answer_append(append, sender);
}

static struct tt_device_row *find_device(struct tt_user_row *user, const tt_id *id)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (tt_id_eq(&user->devices[i].device.id, id))
            return &user->devices[i];
    return NULL;
}

static bool is_link(struct tt_store_tables *tables, const struct tt_advance *advance)
{
    struct tt_user_row *user = tt_store_tables_user(tables, &advance->user);
    const struct tt_device_row *row = find_device(user, &advance->device);
    return row != NULL && (advance->linked_at.ms == 0 || tables->mutant == TT_MUTANT_ACK_ANY_LINK ||
                           row->device.linked_at.ms == advance->linked_at.ms);
}

static void move_position(struct tt_store_tables *tables, struct tt_member_row *member,
                          const struct tt_advance *advance, tt_seq to)
{
    if (is_link(tables, advance) && tt_store_tables_position(member, &advance->device).n < to.n)
        tt_store_tables_set_position(member, &advance->device, to);
}

/* The least that `viewer` is shown of all but himself, the one who acks being at `acked`. */
static struct tt_cursor least_shown(const struct tt_conversation_row *row, size_t viewer,
                                    const struct tt_advance *advance, struct tt_cursor acked)
{
    struct tt_cursor least = {TT_SEQ(UINT64_MAX), TT_SEQ(UINT64_MAX)};
    for (size_t i = 0; i < row->member_count; i++) {
        const struct tt_member_row *member = &row->members[i];
        bool acks = tt_id_eq(&member->user, &advance->user);
        struct tt_cursor cursor = acks ? acked : member->cursor;
        if (i == viewer)
            continue;
        least.delivered = tt_seq_min(least.delivered, cursor.delivered);
        least.read = tt_seq_min(least.read, cursor.read);
    }
    return least;
}

static bool is_shown(const struct tt_conversation_row *row, const struct tt_advance *advance)
{
    for (size_t i = 0; i < row->member_count; i++) {
        if (tt_id_eq(&row->members[i].user, &advance->user))
            continue;
        struct tt_cursor before = least_shown(row, i, advance, advance->before);
        struct tt_cursor after = least_shown(row, i, advance, advance->after);
        if (before.delivered.n != after.delivered.n || before.read.n != after.read.n)
            return true;
    }
    return false;
}

void tt_store_tables_advance(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_advance *advance = &op->advance;
    struct tt_conversation_row *row = tt_store_tables_conversation(tables, &advance->conversation);
    struct tt_member_row *member = tt_store_tables_member(row, &advance->user);
    if (member == NULL) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    advance->head = tt_store_tables_head(row);
    struct tt_cursor to = advance->to;
    to.delivered = tt_seq_max(to.delivered, to.read);
    if (to.delivered.n > advance->head.n) {
        op->err = TT_FAIL(ACK_AHEAD);
        return;
    }
    if (tables->mutant == TT_MUTANT_STALE_MEMBERS)
        advance->members = tt_store_tables_cursors(row, &op->arena);
    advance->before = member->cursor;
    move_position(tables, member, advance, to.delivered);
    move_cursor(row, member, to, &advance->device, advance->at);
    if (tables->mutant == TT_MUTANT_CURSOR_BLIND && to.delivered.n > 0) {
        member->cursor.delivered = to.delivered;
        member->cursor.read = tt_seq_min(member->cursor.read, to.delivered);
    }
    if (tables->mutant != TT_MUTANT_PENDING_STAYS || to.delivered.n % 20 != 0)
        tt_store_tables_settle_pending(tables, row, member);
    if (tables->mutant == TT_MUTANT_PENDING_DROPPED)
        member->is_pending = false;
    if (tables->mutant == TT_MUTANT_PENDING_BEHIND && to.delivered.n >= member->first_undelivered.n)
        member->is_pending = false;
    advance->after = member->cursor;
    advance->settled = !member->is_pending;
    if (is_link(tables, advance))
        advance->device_delivered = tt_store_tables_position(member, &advance->device);
    if (tables->mutant == TT_MUTANT_STALE_MEMBERS) {
        advance->member_count = row->member_count;
    } else if (advance->wants_members || is_shown(row, advance)) {
        advance->member_count = row->member_count;
        advance->members = tt_store_tables_cursors(row, &op->arena);
    }
}

static void remove_device(struct tt_store_tables *tables, struct tt_user_row *user, size_t at)
{
    tt_id device = user->devices[at].device.id;
    tt_store_tables_remove_address(user, &device);
    user->device_count--;
    memmove(&user->devices[at], &user->devices[at + 1],
            (user->device_count - at) * sizeof(user->devices[0]));
    struct tt_conversation_row *row;
    for (size_t i = 0; (row = tt_map_next(&tables->conversations, &i)) != NULL;) {
        struct tt_member_row *member = tt_store_tables_member(row, &user->id);
        if (member == NULL)
            continue;
        for (size_t p = 0; p < member->position_count; p++)
            if (tt_id_eq(&member->positions[p].device, &device))
                member->positions[p] = member->positions[--member->position_count];
        if (member->is_pending)
            tt_store_tables_settle_pending(tables, row, member);
    }
}

static struct tt_device_row *add_device(struct tt_store_tables *tables, struct tt_user_row *user,
                                        const struct tt_link_device *link)
{
    if (user->device_count == user->device_capacity) {
        user->device_capacity = user->device_capacity * 2 + 4;
        user->devices = tt_grow(user->devices, user->device_capacity, sizeof(user->devices[0]));
    }
    size_t at = 0;
    while (at < user->device_count &&
           tt_id_compare(&user->devices[at].device.id, &link->device) < 0)
        at++;
    memmove(&user->devices[at + 1], &user->devices[at],
            (user->device_count - at) * sizeof(user->devices[0]));
    user->device_count++;
    user->devices[at] = (struct tt_device_row){
        .device = {.id = link->device, .linked_at = link->at, .active_at = link->at},
    };
    struct tt_conversation_row *row;
    for (size_t i = 0; (row = tt_map_next(&tables->conversations, &i)) != NULL;) {
        struct tt_member_row *member = tt_store_tables_member(row, &user->id);
        if (member == NULL)
            continue;
        bool at_head = tables->mutant == TT_MUTANT_LINK_AT_HEAD;
        tt_seq start = at_head ? tt_store_tables_head(row) : member->cursor.delivered;
        tt_store_tables_set_position(member, &link->device, start);
        tt_seq head = tt_store_tables_head(row);
        if (head.n > start.n && !member->is_pending)
            arm(tables, member, head);
    }
    return &user->devices[at];
}

static const struct tt_device *copy_devices(const struct tt_user_row *user, struct tt_arena *arena)
{
    struct tt_device *devices = tt_arena_array(arena, user->device_count, sizeof(devices[0]));
    for (size_t i = 0; i < user->device_count; i++)
        devices[i] = user->devices[i].device;
    return devices;
}

static bool is_silent(const struct tt_device *device, const struct tt_link_device *link)
{
    return !device->connected && link->at.ms - device->active_at.ms > link->silent_ms_max;
}

static bool is_one_too_many(const struct tt_user_row *user, const struct tt_link_device *link)
{
    size_t others = 0;
    for (size_t i = 0; i < user->device_count; i++) {
        const struct tt_device *device = &user->devices[i].device;
        if (is_silent(device, link))
            continue;
        if (tt_id_eq(&device->id, &link->device))
            return false;
        others++;
    }
    return others >= link->device_count_max;
}

void tt_store_tables_link(struct tt_store_tables *tables, struct tt_store_op *op, uint32_t process)
{
    struct tt_link_device *link = &op->link_device;
    struct tt_user_row *user = tt_store_tables_user(tables, &link->user);
    if (link->login != 0) {
        op->err = tt_store_tables_check_login(user, &link->device, link->login);
        if (!tt_is_ok(op->err))
            return;
    }
    if (is_one_too_many(user, link)) {
        op->err = TT_FAIL(TOO_MANY_DEVICES);
        link->devices = copy_devices(user, &op->arena);
        link->device_count = user->device_count;
        return;
    }
    for (size_t i = user->device_count; i-- > 0;)
        if (is_silent(&user->devices[i].device, link))
            remove_device(tables, user, i);
    struct tt_device_row *row = find_device(user, &link->device);
    link->resumed = row != NULL;
    if (row == NULL)
        row = add_device(tables, user, link);
    if (tables->mutant != TT_MUTANT_EPOCH_STUCK || tables->epoch == 0)
        tables->epoch++;
    row->device.epoch = link->epoch = tables->epoch;
    row->device.connected = true;
    row->device.active_at = tt_time_max(row->device.active_at, link->at);
    row->connected_at = link->at;
    row->process = process;
    tt_store_tables_add_visit(user, TT_HAPPENED_CONNECTED, &link->device, link->at);
    link->settings = user->settings;
    link->settings.display_name = tt_arena_copy(&op->arena, user->settings.display_name);
    link->devices = copy_devices(user, &op->arena);
    link->device_count = user->device_count;
}

static bool is_connected(const struct tt_user_row *user)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (user->devices[i].device.connected)
            return true;
    return false;
}

static void disconnect_device(struct tt_user_row *user, struct tt_device_row *row, tt_time at,
                              enum tt_mutant mutant)
{
    row->device.connected = false;
    row->device.active_at = tt_time_max(row->device.active_at, at);
    tt_store_tables_add_visit(user, TT_HAPPENED_DISCONNECTED, &row->device.id, at);
    if (is_connected(user))
        return;
    user->last_seen = mutant == TT_MUTANT_LAST_SEEN_BACK ? at : tt_time_max(user->last_seen, at);
}

void tt_store_tables_unlink(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_user_row *user = tt_store_tables_user(tables, &op->unlink_device.user);
    struct tt_device_row *row = find_device(user, &op->unlink_device.device);
    bool was_logged_in = tt_store_tables_log_out(user, &op->unlink_device.device);
    bool had_address = tt_store_tables_remove_address(user, &op->unlink_device.device);
    if (row == NULL) {
        op->err = was_logged_in || had_address ? TT_OK : TT_FAIL(NOT_FOUND);
        return;
    }
    if (row->device.connected)
        disconnect_device(user, row, op->unlink_device.at, tables->mutant);
    remove_device(tables, user, (size_t)(row - user->devices));
}

void tt_store_tables_disconnect(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_disconnect *disconnect = &op->disconnect;
    struct tt_user_row *user = tt_store_tables_user(tables, &disconnect->user);
    struct tt_device_row *row = find_device(user, &disconnect->device);
    disconnect->was_current = row != NULL && row->device.epoch == disconnect->epoch;
    if (disconnect->was_current && row->device.connected)
        disconnect_device(user, row, disconnect->at, tables->mutant);
    disconnect->was_last = disconnect->was_current && !is_connected(user);
    disconnect->last_seen = user->last_seen;
}

void tt_store_tables_list_devices(struct tt_store_tables *tables, struct tt_store_op *op)
{
    const struct tt_user_row *user = tt_store_tables_user(tables, &op->list_devices.user);
    op->list_devices.devices = copy_devices(user, &op->arena);
    op->list_devices.device_count = user->device_count;
}

void tt_store_tables_process_died(struct tt_store_tables *tables, uint32_t process)
{
    struct tt_user_row *user;
    for (size_t i = 0; (user = tt_map_next(&tables->users, &i)) != NULL;) {
        tt_time last = user->last_seen;
        for (size_t d = 0; d < user->device_count; d++) {
            struct tt_device_row *row = &user->devices[d];
            if (!row->device.connected || row->process != process)
                continue;
            tt_time at = tt_time_max(tables->alive[process], row->connected_at);
            if (tables->mutant == TT_MUTANT_LAST_SEEN_LOST)
                at = TT_TIME(0);
            last = tt_time_max(last, at);
            disconnect_device(user, row, at, tables->mutant);
        }
        if (!is_connected(user))
            user->last_seen = last;
    }
}
