#include "adapter/embedded/decide.h"

static tt_err find_member(struct tt_working *working, const tt_id *id, const tt_id *user,
                          struct tt_conversation_state **conversation,
                          struct tt_member_state **member)
{
    TT_TRY(tt_working_conversation(working, id, conversation));
    size_t index = tt_working_member_of(*conversation, user);
    if (index == (*conversation)->info.member_count)
        return TT_FAIL(NOT_FOUND);
    return tt_working_member(working, *conversation, index, member);
}

/* So that a damaged row shows now, when it spoils one op, and not while the change is made. */
static tt_err load_members(struct tt_working *working, struct tt_conversation_state *conversation)
{
    for (size_t i = 0; i < conversation->info.member_count; i++) {
        struct tt_member_state *member;
        TT_TRY(tt_working_member(working, conversation, i, &member));
    }
    return TT_OK;
}

static bool is_silent(const struct tt_device *device, const struct tt_link_device *link)
{
    return !device->connected && link->at.ms - device->active_at.ms > link->silent_ms_max;
}

static tt_err decide_link(struct tt_working *working, const struct tt_decide_terms *terms,
                          struct tt_store_op *op, struct tt_record *record)
{
    struct tt_link_device *link = &op->link_device;
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &link->user, &user));
    TT_TRY(tt_decide_is_logged_in(user, &link->device, link->login));
    tt_id *silent = tt_arena_array(&op->arena, user->row.device_count, sizeof(*silent));
    size_t silent_count = 0;
    bool linked = false;
    for (size_t i = 0; i < user->row.device_count; i++) {
        const struct tt_device *device = &user->row.devices[i];
        if (is_silent(device, link))
            silent[silent_count++] = device->id;
        else if (tt_id_eq(&device->id, &link->device))
            linked = true;
    }
    if (!linked && user->row.device_count - silent_count >= link->device_count_max)
        return TT_FAIL(TOO_MANY_DEVICES);
    link->resumed = linked;
    *record = (struct tt_record){
        .kind = TT_RECORD_LINKED, .user = link->user, .device = link->device, .at = link->at};
    record->linked.epoch = terms->next_epoch;
    record->linked.unlinked = silent;
    record->linked.unlinked_count = silent_count;
    return TT_OK;
}

static tt_err decide_unlink(struct tt_working *working, struct tt_store_op *op,
                            struct tt_record *record)
{
    struct tt_unlink_device *unlink = &op->unlink_device;
    struct tt_user_state *user;
    bool has_login;
    bool has_address;
    TT_TRY(tt_working_user(working, &unlink->user, &user));
    TT_TRY(tt_decide_has_login(user, &unlink->device, &op->arena, &has_login));
    TT_TRY(tt_decide_has_address(user, &unlink->device, &op->arena, &has_address));
    if (tt_user_device(user, &unlink->device) == NULL && !has_login && !has_address)
        return TT_FAIL(NOT_FOUND);
    *record = (struct tt_record){.kind = TT_RECORD_UNLINKED,
                                 .user = unlink->user,
                                 .device = unlink->device,
                                 .at = unlink->at};
    return TT_OK;
}

static tt_err decide_disconnect(struct tt_working *working, struct tt_store_op *op,
                                struct tt_record *record, bool *changes)
{
    struct tt_disconnect *disconnect = &op->disconnect;
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &disconnect->user, &user));
    const struct tt_device *device = tt_user_device(user, &disconnect->device);
    disconnect->was_current = device != NULL && device->epoch == disconnect->epoch;
    *changes = disconnect->was_current && device->connected;
    *record = (struct tt_record){.kind = TT_RECORD_DISCONNECTED,
                                 .user = disconnect->user,
                                 .device = disconnect->device,
                                 .at = disconnect->at,
                                 .epoch = disconnect->epoch};
    return TT_OK;
}

static bool has_same_members(const struct tt_conversation *a, const struct tt_conversation *b)
{
    if (a->kind != b->kind || a->member_count != b->member_count)
        return false;
    for (size_t i = 0; i < a->member_count; i++)
        if (!tt_id_eq(&a->members[i], &b->members[i]))
            return false;
    return true;
}

static bool takes_part(const struct tt_conversation *conversation, const tt_id *user)
{
    for (size_t i = 0; i < conversation->member_count; i++)
        if (tt_id_eq(&conversation->members[i], user))
            return true;
    return false;
}

/* What the records, and with them the next start, rely on. */
static bool is_sound(const struct tt_conversation *conversation)
{
    for (size_t i = 1; i < conversation->member_count; i++)
        if (tt_id_compare(&conversation->members[i - 1], &conversation->members[i]) >= 0)
            return false;
    return conversation->member_count > 0 && conversation->member_count <= TT_RECORD_MEMBERS_MAX &&
           (conversation->kind == TT_GROUP || conversation->member_count == 2);
}

/* OK: the creation comes down to `conversation`, which stands. NOT_FOUND: to a new one. */
static tt_err find_standing(struct tt_working *working, const struct tt_create_conversation *create,
                            struct tt_conversation_state **conversation)
{
    const struct tt_conversation *proposed = &create->conversation;
    if (proposed->kind == TT_DIRECT) {
        tt_id id;
        tt_err err = tt_working_pair(working, &proposed->members[0], &proposed->members[1], &id);
        if (tt_is_ok(err))
            err = tt_working_conversation(working, &id, conversation);
        if (!tt_err_is(err, TT_ERR_NOT_FOUND))
            return err;
    }
    TT_TRY(tt_working_conversation(working, &proposed->id, conversation));
    return has_same_members(proposed, &(*conversation)->info) ? TT_OK : TT_FAIL(CONFLICT);
}

static tt_err decide_create(struct tt_working *working, const struct tt_decide_terms *terms,
                            struct tt_store_op *op, struct tt_record *record, bool *changes)
{
    struct tt_create_conversation *create = &op->create_conversation;
    struct tt_conversation_state *standing;
    if (!is_sound(&create->conversation))
        return TT_FAIL(BAD_MEMBERS);
    tt_err err = find_standing(working, create, &standing);
    create->created = *changes = tt_err_is(err, TT_ERR_NOT_FOUND);
    if (tt_is_ok(err)) {
        if (!takes_part(&standing->info, &create->creator))
            return TT_FAIL(CONFLICT);
        create->conversation.id = standing->info.id;
        return TT_OK;
    }
    if (!create->created)
        return err;
    if (terms->disk_low)
        return TT_FAIL(DISK_LOW);
    for (size_t i = 0; i < create->conversation.member_count; i++) {
        struct tt_user_state *user;
        TT_TRY(tt_working_user(working, &create->conversation.members[i], &user));
        if (user->row.conversation_count >= create->conversation_count_max)
            return TT_FAIL(TOO_MANY_CONVERSATIONS);
    }
    *record = (struct tt_record){.kind = TT_RECORD_CREATED, .created = create->conversation};
    return TT_OK;
}

static tt_err decide_append(struct tt_working *working, const struct tt_decide_terms *terms,
                            struct tt_store_op *op, struct tt_record *record, bool *changes)
{
    struct tt_append *append = &op->append;
    struct tt_message *message = &append->message;
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    struct tt_user_state *sender;
    struct tt_send_row before;
    TT_TRY(find_member(working, &append->conversation, &message->sender, &conversation, &member));
    TT_TRY(tt_working_user(working, &message->sender, &sender));
    struct tt_key key =
        tt_key_of_send(&append->conversation, &message->sender, &message->client_id);
    tt_err err = tt_working_send(working, conversation, &key, &before);
    append->duplicate = tt_is_ok(err);
    *changes = !append->duplicate;
    if (append->duplicate) {
        message->seq = before.seq;
        message->timestamp = before.timestamp;
        return TT_OK;
    }
    if (!tt_err_is(err, TT_ERR_NOT_FOUND))
        return err;
    if (terms->disk_low)
        return TT_FAIL(DISK_LOW);
    TT_TRY(load_members(working, conversation));
    message->seq = tt_seq_next(conversation->head.head);
    *record = (struct tt_record){.kind = TT_RECORD_APPENDED,
                                 .conversation = append->conversation,
                                 .user = message->sender,
                                 .device = message->sender_device,
                                 .at = message->timestamp,
                                 .message = *message};
    return TT_OK;
}

bool tt_decide_is_link(const struct tt_user_state *user, const struct tt_advance *advance)
{
    const struct tt_device *device = tt_user_device(user, &advance->device);
    return device != NULL &&
           (advance->linked_at.ms == 0 || device->linked_at.ms == advance->linked_at.ms);
}

static tt_err decide_advance(struct tt_working *working, struct tt_store_op *op,
                             struct tt_record *record, bool *changes)
{
    struct tt_advance *advance = &op->advance;
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    struct tt_user_state *user;
    TT_TRY(find_member(working, &advance->conversation, &advance->user, &conversation, &member));
    TT_TRY(tt_working_user(working, &advance->user, &user));
    TT_TRY(load_members(working, conversation));
    const struct tt_cursor *cursor = &member->status.cursor;
    tt_seq delivered = tt_seq_max(advance->to.delivered, advance->to.read);
    if (delivered.n > conversation->head.head.n)
        return TT_FAIL(ACK_AHEAD);
    advance->before = *cursor;
    bool is_linked = tt_decide_is_link(user, advance);
    bool device_moves = is_linked && tt_member_position(member, &advance->device).n < delivered.n;
    *changes =
        device_moves || delivered.n > cursor->delivered.n || advance->to.read.n > cursor->read.n;
    *record = (struct tt_record){.kind = TT_RECORD_ADVANCED,
                                 .conversation = advance->conversation,
                                 .user = advance->user,
                                 .device = is_linked ? advance->device : (tt_id){0},
                                 .at = advance->at,
                                 .to = {delivered, advance->to.read}};
    return TT_OK;
}

static tt_err decide_pushed(struct tt_working *working, struct tt_store_op *op,
                            struct tt_record *record, bool *changes)
{
    const struct tt_mark_pushed *mark = &op->mark_pushed;
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    tt_err err = find_member(working, &mark->conversation, &mark->user, &conversation, &member);
    *changes = false;
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    tt_seq seq = tt_seq_min(mark->seq, conversation->head.head);
    *changes = member->has_pending && member->pending.pushed.n < seq.n;
    *record = (struct tt_record){.kind = TT_RECORD_PUSHED,
                                 .conversation = mark->conversation,
                                 .user = mark->user,
                                 .pushed = seq};
    return TT_OK;
}

static tt_err decide_put_user(struct tt_working *working, struct tt_store_op *op,
                              struct tt_record *record, bool *changes)
{
    const struct tt_put_user *put = &op->put_user;
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &put->user, &user));
    const struct tt_user_settings *old = &user->row.settings;
    struct tt_user_settings now = *old;
    if (put->set_display_name)
        now.display_name = put->settings.display_name;
    if (put->set_share_last_seen)
        now.share_last_seen = put->settings.share_last_seen;
    if (put->set_push_preview)
        now.push_preview = put->settings.push_preview;
    *changes = !tt_slice_eq(now.display_name, old->display_name) ||
               now.share_last_seen != old->share_last_seen || now.push_preview != old->push_preview;
    *record = (struct tt_record){.kind = TT_RECORD_CHOSEN, .user = put->user, .settings = now};
    return TT_OK;
}

static tt_err decide_mute(struct tt_working *working, struct tt_store_op *op,
                          struct tt_record *record, bool *changes)
{
    const struct tt_mute *mute = &op->mute;
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    TT_TRY(find_member(working, &mute->conversation, &mute->user, &conversation, &member));
    *changes = member->status.muted_until.ms != mute->until.ms;
    *record = (struct tt_record){.kind = TT_RECORD_MUTED,
                                 .conversation = mute->conversation,
                                 .user = mute->user,
                                 .at = mute->until};
    return TT_OK;
}

static tt_err decide_alive(struct tt_working *working, struct tt_store_op *op,
                           struct tt_record *record, bool *changes)
{
    *changes = op->alive.at.ms > tt_working_position(working)->alive_at.ms;
    *record = (struct tt_record){.kind = TT_RECORD_ALIVE, .at = op->alive.at};
    return TT_OK;
}

bool tt_decide_concerns(enum tt_store_op_kind kind)
{
    switch (kind) {
    case TT_STORE_LINK_DEVICE:
    case TT_STORE_UNLINK_DEVICE:
    case TT_STORE_DISCONNECT:
    case TT_STORE_ALIVE:
    case TT_STORE_CREATE_CONVERSATION:
    case TT_STORE_APPEND:
    case TT_STORE_ADVANCE:
    case TT_STORE_MARK_PUSHED:
    case TT_STORE_PUT_USER:
    case TT_STORE_MUTE:
    case TT_STORE_PUT_PUSH_ADDRESS:
    case TT_STORE_DROP_PUSH_ADDRESS:
    case TT_STORE_RECORD_PUSH:
    case TT_STORE_PUT_ACCOUNT:
    case TT_STORE_LOG_IN:
        return true;
    case TT_STORE_LIST_DEVICES:
    case TT_STORE_GET_CONVERSATION:
    case TT_STORE_READ_MESSAGES:
    case TT_STORE_SNAPSHOT:
    case TT_STORE_POSITIONS:
    case TT_STORE_LIST_PENDING:
    case TT_STORE_LIST_CONVERSATIONS:
    case TT_STORE_GET_USERS:
    case TT_STORE_HISTORY:
    case TT_STORE_LIST_PUSH_ADDRESSES:
    case TT_STORE_LIST_UNRUNG:
    case TT_STORE_GET_ACCOUNT:
    case TT_STORE_LIST_ACCOUNTS:
    case TT_STORE_CHECK_LOGIN:
        return false;
    }
    return false;
}

tt_err tt_decide(struct tt_working *working, const struct tt_decide_terms *terms,
                 struct tt_store_op *op, struct tt_record *record, bool *changes)
{
    TT_ASSERT(tt_decide_concerns(op->kind));
    *changes = true;
    switch (op->kind) {
    case TT_STORE_LINK_DEVICE:
        return decide_link(working, terms, op, record);
    case TT_STORE_UNLINK_DEVICE:
        return decide_unlink(working, op, record);
    case TT_STORE_DISCONNECT:
        return decide_disconnect(working, op, record, changes);
    case TT_STORE_ALIVE:
        return decide_alive(working, op, record, changes);
    case TT_STORE_CREATE_CONVERSATION:
        return decide_create(working, terms, op, record, changes);
    case TT_STORE_APPEND:
        return decide_append(working, terms, op, record, changes);
    case TT_STORE_ADVANCE:
        return decide_advance(working, op, record, changes);
    case TT_STORE_MARK_PUSHED:
        return decide_pushed(working, op, record, changes);
    case TT_STORE_PUT_USER:
        return decide_put_user(working, op, record, changes);
    case TT_STORE_MUTE:
        return decide_mute(working, op, record, changes);
    case TT_STORE_PUT_PUSH_ADDRESS:
        return tt_decide_put_address(working, op, record, changes);
    case TT_STORE_DROP_PUSH_ADDRESS:
        return tt_decide_drop_address(working, op, record, changes);
    case TT_STORE_RECORD_PUSH:
        return tt_decide_record_push(working, op, record);
    case TT_STORE_PUT_ACCOUNT:
        return tt_decide_put_account(working, op, record, changes);
    case TT_STORE_LOG_IN:
        return tt_decide_log_in(working, op, record);
    case TT_STORE_LIST_DEVICES:
    case TT_STORE_GET_CONVERSATION:
    case TT_STORE_READ_MESSAGES:
    case TT_STORE_SNAPSHOT:
    case TT_STORE_POSITIONS:
    case TT_STORE_LIST_PENDING:
    case TT_STORE_LIST_CONVERSATIONS:
    case TT_STORE_GET_USERS:
    case TT_STORE_HISTORY:
    case TT_STORE_LIST_PUSH_ADDRESSES:
    case TT_STORE_LIST_UNRUNG:
    case TT_STORE_GET_ACCOUNT:
    case TT_STORE_LIST_ACCOUNTS:
    case TT_STORE_CHECK_LOGIN:
        break;
    }
    return TT_FAIL(INTERNAL);
}
