/*
 * Requests over HTTP, each a task of a few steps. Who asks is the token's user and device; whether
 * he may know of the conversation is decided here, and "not yours" is answered as "not there".
 */
#include "core/state.h"

#include "base/limits.h"
#include "base/memory.h"

enum { PART_FIRST, PART_LIST, PART_USERS, PART_AGAIN = PART_LIST };

#define BUCKETS_MAX    8192
#define BUCKET_IDLE_MS 10000
#define ADDED_TRIES    4 /* at an entry that nothing overtakes */

struct tt_reply *tt_reply(struct tt_core *core, struct tt_task *task, tt_err err)
{
    struct tt_reply *reply = tt_arena_alloc(&core->arena, sizeof(*reply));
    reply->kind = task->request.kind;
    reply->err = err;
    reply->conversation = task->conversation;
    if (tt_handle_eq(core->requests[task->owner.index], task->handle)) {
        core->requests[task->owner.index] = TT_HANDLE_NONE;
        core->counters.requests--;
        struct tt_effect *effect = tt_emit(core, TT_EFFECT_REPLY);
        effect->handle = task->owner;
        effect->reply = reply;
    }
    return reply;
}

static void finish(struct tt_core *core, struct tt_task *task, tt_err err)
{
    (void)tt_reply(core, task, err);
    tt_task_destroy(core, task);
}

void tt_request_gone(struct tt_core *core, tt_handle handle)
{
    if (handle.index >= core->connection_capacity)
        return;
    struct tt_task *task = tt_task_find(core, core->requests[handle.index]);
    if (task == NULL || !tt_handle_eq(task->owner, handle))
        return;
    core->requests[handle.index] = TT_HANDLE_NONE;
    core->counters.requests--;
}

static struct tt_request copy_request(struct tt_arena *arena, const struct tt_request *request)
{
    struct tt_request copy = *request;
    if (request->kind == TT_REQUEST_LIST)
        copy.list.cursor = tt_arena_copy(arena, request->list.cursor);
    if (request->kind == TT_REQUEST_SEND)
        copy.send.content = tt_arena_copy(arena, request->send.content);
    if (request->kind == TT_REQUEST_PUT_ME)
        copy.put_me.settings.display_name =
            tt_arena_copy(arena, request->put_me.settings.display_name);
    if (request->kind == TT_REQUEST_PUT_PUSH) {
        copy.push.address.token = tt_arena_copy(arena, request->push.address.token);
        copy.push.address.p256dh = tt_arena_copy(arena, request->push.address.p256dh);
        copy.push.address.auth = tt_arena_copy(arena, request->push.address.auth);
    }
    if (request->kind == TT_REQUEST_CREATE) {
        copy.create.title = tt_arena_copy(arena, request->create.title);
        size_t size = sizeof(tt_id);
        tt_id *members = tt_arena_array(arena, request->create.member_count, size);
        memcpy(members, request->create.members, request->create.member_count * size);
        copy.create.members = members;
    }
    return copy;
}

static void drop_idle_buckets(struct tt_core *core)
{
    struct tt_bucket **idle =
        tt_arena_array(&core->arena, core->buckets.count, sizeof(struct tt_bucket *));
    size_t count = 0;
    size_t at = 0;
    for (struct tt_bucket *bucket = tt_map_next(&core->buckets, &at); bucket != NULL;
         bucket = tt_map_next(&core->buckets, &at))
        if (bucket->used_at.ms + BUCKET_IDLE_MS <= core->now.mono.ms)
            idle[count++] = bucket;
    for (size_t i = 0; i < count; i++) {
        tt_map_remove(&core->buckets, tt_slice(idle[i]->key, idle[i]->key_size));
        tt_free(idle[i]);
    }
}

static struct tt_bucket *bucket_of(struct tt_core *core, const tt_id *user, const tt_id *device)
{
    char key[2 * TT_ID_SIZE_MAX + 1];
    memcpy(key, user->bytes, user->size);
    key[user->size] = '\0';
    memcpy(key + user->size + 1, device->bytes, device->size);
    size_t size = (size_t)user->size + 1 + device->size;
    struct tt_bucket *bucket = tt_map_get(&core->buckets, tt_slice(key, size));
    if (bucket == NULL) {
        if (core->buckets.count >= BUCKETS_MAX)
            drop_idle_buckets(core);
        bucket = tt_alloc(sizeof(*bucket));
        memcpy(bucket->key, key, size);
        bucket->key_size = (uint8_t)size;
        tt_map_add(&core->buckets, bucket);
    }
    bucket->used_at = core->now.mono;
    return bucket;
}

/* 0, or after how many milliseconds the device may ask again. */
static uint32_t must_wait_ms(struct tt_core *core, const struct tt_request *request)
{
    struct tt_bucket *bucket = bucket_of(core, &request->user, &request->device);
    uint32_t wait_ms = tt_rate_take(&bucket->requests, core->options.frames_per_s, core->now.mono);
    if (wait_ms != 0 || request->kind != TT_REQUEST_SEND)
        return wait_ms;
    struct tt_session *session = tt_session_of_device(core, &request->user, &request->device);
    struct tt_rate *sends =
        session != NULL ? &tt_session_busy(core, session)->sends : &bucket->sends;
    return tt_rate_take(sends, core->options.sends_per_s, core->now.mono);
}

static bool needs_membership(enum tt_request_kind kind)
{
    return kind == TT_REQUEST_SNAPSHOT || kind == TT_REQUEST_PAGE || kind == TT_REQUEST_INFO ||
           kind == TT_REQUEST_WHY || kind == TT_REQUEST_TIMELINE;
}

static void begin(struct tt_core *core, struct tt_task *task)
{
    enum tt_request_kind kind = task->request.kind;
    if (kind == TT_REQUEST_SNAPSHOT)
        task->kind = TT_TASK_OPEN;
    if (kind == TT_REQUEST_SEND)
        tt_send_from_request(core, task);
    else if (!needs_membership(kind))
        tt_request_resume(core, task);
    else if (tt_conv_need(core, task) != NULL)
        tt_task_resume(core, task);
}

/* A token outlives its login where that was ended; so each request asks. */
static void check_login(struct tt_core *core, struct tt_task *task)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CHECK_LOGIN);
    op->check_login.user = task->user;
    op->check_login.device = task->device;
    op->check_login.login = task->request.login;
    task->checks_login = true;
    tt_task_ask_store(core, task, PART_FIRST, op);
}

void tt_request_start(struct tt_core *core, tt_handle handle, const struct tt_request *request)
{
    struct tt_task *task = tt_task_create(core, TT_TASK_REQUEST, handle);
    task->over_http = true;
    task->user = request->user;
    task->device = request->device;
    task->conversation = request->conversation;
    task->request = copy_request(&task->arena, request);
    core->requests[handle.index] = task->handle;
    core->counters.requests++;
    if (core->draining) {
        finish(core, task, TT_FAIL(DRAINING));
        return;
    }
    uint32_t wait_ms = must_wait_ms(core, request);
    if (wait_ms != 0) {
        core->counters.rate_limited++;
        tt_reply(core, task, TT_FAIL(RATE_LIMITED))->retry_after_ms = wait_ms;
        tt_task_destroy(core, task);
        return;
    }

    if (request->login != 0)
        check_login(core, task);
    else
        begin(core, task);
}

void tt_request_checked(struct tt_core *core, struct tt_task *task)
{
    struct tt_store_op *op = tt_task_answer(task, PART_FIRST);
    tt_err err = op->err;
    task->checks_login = false;
    task->store[PART_FIRST] = NULL;
    tt_store_op_destroy(&op);
    if (tt_is_ok(err))
        begin(core, task);
    else
        finish(core, task, err);
}

static void ask_page(struct tt_core *core, struct tt_task *task, int part)
{
    const struct tt_request *request = &task->request;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_READ_MESSAGES);
    op->read_messages.conversation = task->conversation;
    op->read_messages.count_max = request->limit;
    op->read_messages.bytes_max = UINT32_MAX;
    uint64_t seq = request->page.seq.n;
    op->read_messages.from = TT_SEQ(seq + 1);
    if (request->page.before) {
        op->read_messages.from = TT_SEQ(seq > request->limit ? seq - request->limit : 1);
        op->read_messages.count_max = (uint32_t)(seq - op->read_messages.from.n);
    }
    tt_task_ask_store(core, task, part, op);
}

/* A page of older or newer messages. One before a seq that is not there yet is read once more, from
 * the end. */
static void page(struct tt_core *core, struct tt_task *task)
{
    struct tt_request *request = &task->request;
    if (task->step++ == 0) {
        ask_page(core, task, PART_FIRST);
        tt_task_ask_registry(core, task, tt_about_users(core, TT_REGISTRY_LOOKUP, &task->user, 1));
        return;
    }
    const struct tt_store_op *op = tt_task_answer(task, task->step == 2 ? PART_FIRST : PART_AGAIN);
    if (!tt_is_ok(op->err)) {
        finish(core, task, op->err);
        return;
    }
    if (task->step == 2 && request->page.before &&
        request->page.seq.n > op->read_messages.head.n + 1) {
        request->page.seq = tt_seq_next(op->read_messages.head);
        ask_page(core, task, PART_AGAIN);
        return;
    }
    const struct tt_read_messages *read = &op->read_messages;
    struct tt_snapshot *snapshot = tt_arena_alloc(&task->arena, sizeof(*snapshot));
    snapshot->conversation = task->conv->is;
    snapshot->head = read->head;
    snapshot->messages = read->messages;
    snapshot->message_count = read->message_count;
    if (request->page.before) {
        snapshot->has_more_before = read->message_count > 0 && read->messages[0].seq.n > 1;
        snapshot->has_more_after = read->head.n >= request->page.seq.n;
    } else {
        snapshot->has_more_before = request->page.seq.n > 0 && read->head.n > 0;
        uint64_t last = read->message_count > 0 ? read->messages[read->message_count - 1].seq.n
                                                : request->page.seq.n;
        snapshot->has_more_after = last < read->head.n;
    }
    task->reply = tt_arena_alloc(&task->arena, sizeof(*task->reply));
    task->reply->kind = TT_REQUEST_PAGE;
    task->reply->conversation = task->conversation;
    task->reply->snapshot = snapshot;
    if (!tt_open_hand_off(core, task, false))
        tt_open_waited(core, task);
}

static void ask_list(struct tt_core *core, struct tt_task *task, const tt_id *only)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_CONVERSATIONS);
    op->list_conversations.user = task->user;
    op->list_conversations.count_max = 1;
    if (only != NULL) {
        op->list_conversations.only = *only;
    } else {
        op->list_conversations.count_max = task->request.limit;
        op->list_conversations.cursor = tt_arena_copy(&op->arena, task->request.list.cursor);
        op->list_conversations.changed_since = task->request.list.changed_since;
    }
    tt_task_ask_store(core, task, PART_LIST, op);
}

static const tt_id *peer_of(const struct tt_conversation *chat, const tt_id *user)
{
    return &chat->members[tt_id_eq(&chat->members[0], user) ? 1 : 0];
}

/* The other halves of the direct conversations in the list, then the caller. */
static void ask_peers(struct tt_core *core, struct tt_task *task)
{
    const struct tt_list_conversations *list = &tt_task_answer(task, PART_LIST)->list_conversations;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_USERS);
    tt_id *ids = tt_arena_array(&op->arena, list->entry_count + 1, sizeof(*ids));
    size_t count = 0;
    for (size_t i = 0; i < list->entry_count; i++)
        if (list->entries[i].conversation.kind == TT_DIRECT)
            ids[count++] = *peer_of(&list->entries[i].conversation, &task->user);
    tt_task_ask_registry(core, task, tt_about_users(core, TT_REGISTRY_LOOKUP, ids, count));
    ids[count++] = task->user;
    op->get_users.ids = ids;
    op->get_users.id_count = count;
    tt_task_ask_store(core, task, PART_USERS, op);
}

static void fill_in_peers(struct tt_core *core, struct tt_task *task)
{
    struct tt_list_conversations *list = &tt_task_answer(task, PART_LIST)->list_conversations;
    const struct tt_store_op *users = tt_task_answer(task, PART_USERS);
    bool is_known = tt_is_ok(users->err);
    const struct tt_about_users *about = &task->registry->about;
    bool viewer_shares =
        is_known && users->get_users.users[about->user_count].settings.share_last_seen;
    size_t at = 0;
    for (size_t i = 0; i < list->entry_count; i++) {
        if (list->entries[i].conversation.kind != TT_DIRECT)
            continue;
        struct tt_status status = {.unknown = !is_known}; /* offline would be a lie */
        if (viewer_shares && users->get_users.users[at].settings.share_last_seen) {
            if (tt_is_ok(task->registry->err))
                status = tt_status_of(&about->found[at], users->get_users.users[at].last_seen);
            else
                status.unknown = true;
        }
        status.last_seen = tt_presence_no_later(core, status.last_seen);
        list->entries[i].peer = status;
        at++;
    }
}

static void list(struct tt_core *core, struct tt_task *task)
{
    switch (task->step++) {
    case 0:
        ask_list(core, task, NULL);
        return;
    case 1:
        if (tt_is_ok(tt_task_answer(task, PART_LIST)->err))
            ask_peers(core, task);
        else
            finish(core, task, tt_task_answer(task, PART_LIST)->err);
        return;
    default:
        fill_in_peers(core, task);
        const struct tt_list_conversations *found =
            &tt_task_answer(task, PART_LIST)->list_conversations;
        struct tt_reply *reply = tt_reply(core, task, TT_OK);
        reply->list.entries = found->entries;
        reply->list.entry_count = found->entry_count;
        reply->list.next = found->next;
        tt_task_destroy(core, task);
    }
}

/* Members sorted and each once; a conversation that the caller may create, or an error. */
static tt_err check_members(const struct tt_core *core, const struct tt_task *task, tt_id *members,
                            size_t *count)
{
    const struct tt_request *request = &task->request;
    size_t kept = 0;
    for (size_t i = 0; i < request->create.member_count; i++) {
        const tt_id *member = &request->create.members[i];
        size_t at = kept;
        while (at > 0 && tt_id_compare(&members[at - 1], member) > 0)
            at--;
        if (at > 0 && tt_id_eq(&members[at - 1], member))
            continue;
        memmove(&members[at + 1], &members[at], (kept - at) * sizeof(*members));
        members[at] = *member;
        kept++;
    }
    *count = kept;
    bool has_caller = false;
    for (size_t i = 0; i < kept; i++)
        has_caller = has_caller || tt_id_eq(&members[i], &task->user);
    if (!has_caller)
        return TT_FAIL(BAD_MEMBERS);
    if (request->create.kind == TT_DIRECT && (kept != 2 || request->create.member_count != 2))
        return TT_FAIL(BAD_MEMBERS);
    return kept > core->options.members_max ? TT_FAIL(TOO_MANY_MEMBERS) : TT_OK;
}

static tt_id make_conversation_id(struct tt_core *core)
{
    static const char digits[] = "0123456789abcdef";
    char text[5 + 32] = "conv_";
    uint64_t bits[2] = {tt_random(core), tt_random(core)};
    for (size_t i = 0; i < 32; i++)
        text[5 + i] = digits[(bits[i / 16] >> (4 * (i % 16))) & 15];
    tt_id id;
    tt_err err = tt_id_parse(tt_slice(text, sizeof(text)), &id);
    TT_ASSERT(tt_is_ok(err));
    return id;
}

static void ask_create(struct tt_core *core, struct tt_task *task)
{
    const struct tt_request *request = &task->request;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    struct tt_create_conversation *create = &op->create_conversation;
    tt_id *members = tt_arena_array(&op->arena, request->create.member_count + 1, sizeof(*members));
    tt_err err = check_members(core, task, members, &create->conversation.member_count);
    if (!tt_is_ok(err)) {
        tt_store_op_destroy(&op);
        finish(core, task, err);
        return;
    }
    create->conversation.members = members;
    create->conversation.id =
        request->create.id_given ? request->conversation : make_conversation_id(core);
    create->conversation.kind = request->create.kind;
    create->conversation.title = tt_arena_copy(&op->arena, request->create.title);
    create->conversation.created_at = core->now.wall;
    create->creator = task->user;
    create->id_given = request->create.id_given;
    create->conversation_count_max = core->options.conversations_max;
    tt_task_ask_store(core, task, PART_FIRST, op);
}

static void created(struct tt_core *core, struct tt_task *task)
{
    const struct tt_store_op *op = tt_task_answer(task, PART_FIRST);
    if (!tt_is_ok(op->err)) {
        finish(core, task, op->err);
        return;
    }
    const struct tt_create_conversation *create = &op->create_conversation;
    task->conversation = create->conversation.id;
    if (create->created) {
        struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
        hint->kind = TT_HINT_ADDED;
        hint->conversation = create->conversation.id;
        tt_fanout(core, hint, create->conversation.members, create->conversation.member_count,
                  NULL);
    }
    ask_list(core, task, &task->conversation);
}

static bool has_entry(const struct tt_task *task)
{
    const struct tt_store_op *op = tt_task_answer(task, PART_LIST);
    return tt_is_ok(op->err) && op->list_conversations.entry_count == 1;
}

static void create(struct tt_core *core, struct tt_task *task)
{
    switch (task->step++) {
    case 0:
        ask_create(core, task);
        return;
    case 1:
        created(core, task);
        return;
    case 2:
        if (has_entry(task))
            ask_peers(core, task);
        else
            finish(core, task, TT_FAIL(UNAVAILABLE));
        return;
    default:
        fill_in_peers(core, task);
        struct tt_reply *reply = tt_reply(core, task, TT_OK);
        reply->created = tt_task_answer(task, PART_FIRST)->create_conversation.created;
        reply->entry = &tt_task_answer(task, PART_LIST)->list_conversations.entries[0];
        tt_task_destroy(core, task);
    }
}

/* `conversation_added` for the sessions of one user here. Odd steps wait for the entry, even ones
 * for the people. */
static void ask_added(struct tt_core *core, const tt_id *user, const tt_id *conversation,
                      uint8_t step)
{
    struct tt_task *task = tt_task_create(core, TT_TASK_ADDED, TT_HANDLE_NONE);
    task->user = *user;
    task->conversation = *conversation;
    task->step = step;
    ask_list(core, task, conversation);
}

void tt_added_start(struct tt_core *core, const tt_id *user, const tt_id *conversation)
{
    ask_added(core, user, conversation, 1);
}

/* Whether a socket was told more than the entry says while the people were looked up. */
static bool is_overtaken(const struct tt_user_here *user, const struct tt_conversation_entry *entry)
{
    struct tt_session *session = user == NULL ? NULL : user->sessions;
    for (; session != NULL; session = session->next_of_user) {
        const struct tt_stream *stream = tt_stream_find(session, &entry->conversation.id);
        if (stream != NULL &&
            (stream->shown.delivered.n > entry->others.delivered.n ||
             stream->shown.read.n > entry->others.read.n || stream->next.n > entry->head.n + 1))
            return true;
    }
    return false;
}

void tt_added_ready(struct tt_core *core, struct tt_task *task)
{
    if (task->step++ % 2 == 1 && has_entry(task)) {
        ask_peers(core, task);
        return;
    }
    if (!has_entry(task)) {
        tt_task_destroy(core, task);
        return;
    }
    struct tt_user_here *user = tt_user_find(core, &task->user);
    struct tt_conversation_entry *entry =
        &tt_task_answer(task, PART_LIST)->list_conversations.entries[0];
    if (is_overtaken(user, entry) && task->step < 2 * ADDED_TRIES) {
        ask_added(core, &task->user, &task->conversation, task->step);
        tt_task_destroy(core, task);
        return;
    }
    fill_in_peers(core, task);
    if (TT_IS_PLANTED(ADDED_SHORT))
        entry->conversation.member_count = 1;
    struct tt_session *session = user == NULL ? NULL : user->sessions;
    for (; session != NULL; session = session->next_of_user) {
        if (session->state != TT_SESSION_LIVE)
            continue;
        struct tt_server_frame *frame = tt_emit_frame(
            core, session, TT_SERVER_CONVERSATION_ADDED,
            entry->conversation.title.size + entry->last_message.content.size +
                entry->conversation.member_count * (TT_ID_SIZE_MAX + 3) + TT_FRAME_BYTES);
        frame->conversation = task->conversation;
        frame->user = task->user;
        frame->entry = entry;
    }
    tt_task_destroy(core, task);
}

static void get_me(struct tt_core *core, struct tt_task *task)
{
    if (task->step++ == 0) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_USERS);
        tt_id *ids = tt_arena_alloc(&op->arena, sizeof(*ids));
        *ids = task->user;
        op->get_users.ids = ids;
        op->get_users.id_count = 1;
        tt_task_ask_store(core, task, PART_FIRST, op);
        return;
    }
    const struct tt_store_op *op = tt_task_answer(task, PART_FIRST);
    struct tt_reply *reply = tt_reply(core, task, op->err);
    reply->me.user = task->user;
    reply->me.device = task->device;
    if (tt_is_ok(op->err))
        reply->me.settings = op->get_users.users[0].settings;
    tt_task_destroy(core, task);
}

/* The user's own sockets see by the new settings at once; whoever looks at him too. */
static void settings_changed(struct tt_core *core, const struct tt_task *task, bool hidden)
{
    struct tt_hint *own = tt_arena_alloc(&core->arena, sizeof(*own));
    own->kind = TT_HINT_SETTINGS;
    own->user = task->user;
    own->hidden = hidden;
    tt_fanout(core, own, &task->user, 1, NULL);
    struct tt_hint *news = tt_arena_alloc(&core->arena, sizeof(*news));
    news->kind = TT_HINT_PRESENCE;
    news->user = task->user;
    news->hidden = hidden;
    news->chosen = true;
    tt_presence_tell_watchers(core, news);
}

static void put_me(struct tt_core *core, struct tt_task *task)
{
    const struct tt_request *request = &task->request;
    if (task->step++ == 0) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_USER);
        op->put_user.user = task->user;
        op->put_user.set_display_name = request->put_me.set_display_name;
        op->put_user.set_share_last_seen = request->put_me.set_share_last_seen;
        op->put_user.set_push_preview = request->put_me.set_push_preview;
        op->put_user.settings = request->put_me.settings;
        op->put_user.settings.display_name =
            tt_arena_copy(&op->arena, request->put_me.settings.display_name);
        tt_task_ask_store(core, task, PART_FIRST, op);
        return;
    }
    const struct tt_store_op *op = tt_task_answer(task, PART_FIRST);
    struct tt_reply *reply = tt_reply(core, task, op->err);
    reply->me.user = task->user;
    reply->me.device = task->device;
    reply->me.settings = op->put_user.settings;
    if (tt_is_ok(op->err) && request->put_me.set_share_last_seen)
        settings_changed(core, task, !op->put_user.settings.share_last_seen);
    tt_task_destroy(core, task);
}

static void mute(struct tt_core *core, struct tt_task *task)
{
    if (task->step++ == 0) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_MUTE);
        op->mute.conversation = task->conversation;
        op->mute.user = task->user;
        op->mute.until = task->request.mute.until;
        tt_task_ask_store(core, task, PART_FIRST, op);
        return;
    }
    tt_reply(core, task, tt_task_answer(task, PART_FIRST)->err)->mute.until =
        task->request.mute.until;
    tt_task_destroy(core, task);
}

static void list_devices(struct tt_core *core, struct tt_task *task)
{
    if (task->step++ == 0) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_DEVICES);
        op->list_devices.user = task->user;
        tt_task_ask_store(core, task, PART_FIRST, op);
        return;
    }
    const struct tt_store_op *op = tt_task_answer(task, PART_FIRST);
    struct tt_reply *reply = tt_reply(core, task, op->err);
    reply->devices.devices = op->list_devices.devices;
    reply->devices.device_count = op->list_devices.device_count;
    tt_task_destroy(core, task);
}

/* Also before the device has connected for the first time: an app knows its token when it knows
 * its user. */
static void set_push(struct tt_core *core, struct tt_task *task)
{
    const struct tt_request *request = &task->request;
    if (task->step++ == 0) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
        struct tt_push_address *address = &op->put_push_address.address;
        op->put_push_address.user = task->user;
        op->put_push_address.device = request->push.device;
        op->put_push_address.address_count_max = core->options.devices_max;
        *address = request->push.address;
        address->token = tt_arena_copy(&op->arena, address->token);
        address->p256dh = tt_arena_copy(&op->arena, address->p256dh);
        address->auth = tt_arena_copy(&op->arena, address->auth);
        address->registered_at = core->now.wall;
        tt_task_ask_store(core, task, PART_FIRST, op);
        return;
    }
    struct tt_reply *reply = tt_reply(core, task, tt_task_answer(task, PART_FIRST)->err);
    reply->push.device = request->push.device;
    reply->push.provider = request->push.address.provider;
    tt_task_destroy(core, task);
}

void tt_request_cut(struct tt_core *core, const tt_id *user, const tt_id *device)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_CUT;
    hint->device = *device;
    tt_fanout(core, hint, user, 1, NULL);
}

static void unlink_device(struct tt_core *core, struct tt_task *task)
{
    if (task->step++ == 0) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_UNLINK_DEVICE);
        op->unlink_device.user = task->user;
        op->unlink_device.device = task->request.unlink.device;
        op->unlink_device.at = core->now.wall;
        tt_task_ask_store(core, task, PART_FIRST, op);
        return;
    }
    const struct tt_store_op *op = tt_task_answer(task, PART_FIRST);
    /* Also if not: it may have been done, now or by a request before, and who asks cannot know. */
    tt_request_cut(core, &task->user, &task->request.unlink.device);
    finish(core, task, op->err);
}

void tt_request_resume(struct tt_core *core, struct tt_task *task)
{
    switch (task->request.kind) {
    case TT_REQUEST_PAGE:
        page(core, task);
        return;
    case TT_REQUEST_LIST:
        list(core, task);
        return;
    case TT_REQUEST_CREATE:
        create(core, task);
        return;
    case TT_REQUEST_GET_ME:
        get_me(core, task);
        return;
    case TT_REQUEST_PUT_ME:
        put_me(core, task);
        return;
    case TT_REQUEST_MUTE:
        mute(core, task);
        return;
    case TT_REQUEST_LIST_DEVICES:
        list_devices(core, task);
        return;
    case TT_REQUEST_UNLINK_DEVICE:
        unlink_device(core, task);
        return;
    case TT_REQUEST_CHECK:
        finish(core, task, TT_OK);
        return;
    case TT_REQUEST_TEST_PUSH:
        tt_push_test(core, task);
        return;
    case TT_REQUEST_PUT_PUSH:
    case TT_REQUEST_DELETE_PUSH:
        set_push(core, task);
        return;
    case TT_REQUEST_INFO:
    case TT_REQUEST_WHY:
    case TT_REQUEST_TIMELINE:
        if (task->step++ == 0)
            tt_receipt_start(core, task);
        else
            tt_receipt_ready(core, task);
        return;
    case TT_REQUEST_SNAPSHOT:
    case TT_REQUEST_SEND:
        TT_ASSERT(false && "these tasks are of another kind");
    }
}
