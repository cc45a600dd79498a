#include "model/dossier.h"

#include "base/base64url.h"
#include "base/json.h"

static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* By kind and seq, which no cursor passes twice. */
static int by_seq(const void *left, const void *right)
{
    const struct tt_happening *a = left;
    const struct tt_happening *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return a->to.n < b->to.n ? -1 : a->to.n > b->to.n;
}

static int by_time(const void *left, const void *right)
{
    const struct tt_happening *a = left;
    const struct tt_happening *b = right;
    int order = compare_numbers(a->at.ms, b->at.ms);
    if (order == 0)
        order = compare_numbers(a->kind, b->kind);
    return order != 0 ? order : tt_id_compare(&a->device, &b->device);
}

static int by_push(const void *left, const void *right)
{
    const struct tt_happening *a = left;
    const struct tt_happening *b = right;
    int order = a->from.n < b->from.n ? -1 : a->from.n > b->from.n;
    if (order == 0)
        order = compare_numbers(a->at.ms, b->at.ms);
    if (order == 0)
        order = tt_id_compare(&a->user, &b->user);
    return order != 0 ? order : tt_id_compare(&a->device, &b->device);
}

typedef int (*comparison)(const void *left, const void *right);

static void sift_down(struct tt_happening *heap, size_t count, size_t at, comparison compare)
{
    struct tt_happening moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare(&heap[child], &heap[child + 1]) < 0)
            child++;
        if (compare(&moved, &heap[child]) >= 0)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* By a heap: the C library's qsort may fail for want of memory, and this is to be pure. */
static void sort(struct tt_happening *happenings, size_t count, comparison compare)
{
    for (size_t at = count / 2; at-- > 0;)
        sift_down(happenings, count, at, compare);
    for (size_t end = count; end-- > 1;) {
        struct tt_happening largest = happenings[0];
        happenings[0] = happenings[end];
        happenings[end] = largest;
        sift_down(happenings, end, 0, compare);
    }
}

/* Sorted, and each once. */
static size_t settle(struct tt_happening *happenings, size_t count, comparison compare)
{
    size_t kept = 0;
    sort(happenings, count, compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare(&happenings[kept - 1], &happenings[i]) != 0)
            happenings[kept++] = happenings[i];
    return kept;
}

void tt_user_dossier_settle(struct tt_user_dossier *dossier)
{
    size_t count = settle(dossier->connections, dossier->connection_count, by_time);
    size_t dropped = count > TT_DOSSIER_CONNECTIONS_MAX ? count - TT_DOSSIER_CONNECTIONS_MAX : 0;
    if (dropped > 0)
        dossier->connections += dropped;
    dossier->connection_count = count - dropped;
}

void tt_conversation_dossier_settle(struct tt_conversation_dossier *dossier)
{
    for (size_t i = 0; i < dossier->is.member_count; i++) {
        struct tt_member_dossier *member = &dossier->members[i];
        member->step_count = settle(member->steps, member->step_count, by_seq);
        member->armed = tt_seq_min(member->armed, dossier->head);
        member->pushed = tt_seq_min(member->pushed, dossier->head);
        member->has_pending = member->has_pending && member->first_undelivered.n > 0 &&
                              member->first_undelivered.n <= member->armed.n;
    }
    dossier->push_count = settle(dossier->pushes, dossier->push_count, by_push);
}

tt_time tt_conversation_dossier_changed_at(const struct tt_conversation_dossier *dossier)
{
    tt_time at = tt_time_max(dossier->is.created_at, dossier->active_at);
    for (size_t i = 0; i < dossier->is.member_count; i++)
        for (size_t j = 0; j < dossier->members[i].step_count; j++)
            at = tt_time_max(at, dossier->members[i].steps[j].at);
    return at;
}

static void add_number(struct tt_buffer *out, uint64_t number)
{
    tt_buffer_add_byte(out, ' ');
    tt_buffer_add_u64(out, number);
}

static void add_time(struct tt_buffer *out, tt_time time)
{
    add_number(out, time.ms < 0 ? 0 : (uint64_t)time.ms);
}

static void add_id(struct tt_buffer *out, const tt_id *id)
{
    tt_buffer_add_byte(out, ' ');
    if (tt_id_is_none(id))
        tt_buffer_add_byte(out, '-');
    else
        tt_buffer_add(out, tt_id_slice(id));
}

/* The text of a JSON string as what it says: a store may escape it in another way. */
static void add_raw(struct tt_buffer *out, struct tt_slice raw)
{
    tt_buffer_add_text(out, " \"");
    tt_json_unescape(raw, out);
    tt_buffer_add_byte(out, '"');
}

static void add_text(struct tt_buffer *out, struct tt_slice text)
{
    tt_buffer_add_text(out, " \"");
    tt_buffer_add(out, text);
    tt_buffer_add_byte(out, '"');
}

static void add_bytes(struct tt_buffer *out, struct tt_slice bytes)
{
    tt_buffer_add_byte(out, ' ');
    tt_base64url_encode(bytes, out);
}

static void begin(struct tt_buffer *out, const char *what)
{
    tt_buffer_add_text(out, what);
}

static void end(struct tt_buffer *out)
{
    tt_buffer_add_byte(out, '\n');
}

static const char *name_of(enum tt_happening_kind kind)
{
    static const char *const names[] = {"stored",       "delivered",     "read",       "connected",
                                        "disconnected", "push_accepted", "push_failed"};
    return names[kind];
}

static void describe_happening(const struct tt_happening *happening, struct tt_buffer *out)
{
    begin(out, name_of(happening->kind));
    add_number(out, happening->from.n);
    add_number(out, happening->to.n);
    add_time(out, happening->at);
    add_id(out, &happening->user);
    add_id(out, &happening->device);
    add_text(out, happening->detail);
    end(out);
}

static void describe_address(const struct tt_device_address *address, struct tt_buffer *out)
{
    begin(out, "push address");
    add_id(out, &address->device);
    add_number(out, address->address.provider);
    add_number(out, address->address.sandbox ? 1 : 0);
    add_bytes(out, address->address.token);
    add_bytes(out, address->address.p256dh);
    add_bytes(out, address->address.auth);
    add_time(out, address->address.registered_at);
    end(out);
}

static void describe_account(const struct tt_account *account, struct tt_buffer *out)
{
    begin(out, "account");
    add_text(out, account->password);
    add_number(out, account->disabled ? 1 : 0);
    add_time(out, account->created_at);
    end(out);
    for (size_t i = 0; i < account->login_count; i++) {
        begin(out, "login");
        add_id(out, &account->logins[i].device);
        add_number(out, account->logins[i].number);
        add_time(out, account->logins[i].at);
        end(out);
    }
}

bool tt_user_dossier_is_empty(const struct tt_user_dossier *dossier)
{
    const struct tt_user_settings *settings = &dossier->settings;
    return settings->display_name.size == 0 && settings->share_last_seen &&
           settings->push_preview && dossier->last_seen.ms == 0 && dossier->epoch_floor == 0 &&
           dossier->device_count == 0 && !dossier->has_account && dossier->address_count == 0 &&
           dossier->connection_count == 0;
}

void tt_user_dossier_describe(const struct tt_user_dossier *dossier, struct tt_buffer *out)
{
    begin(out, "user");
    add_id(out, &dossier->user);
    add_raw(out, dossier->settings.display_name);
    add_number(out, dossier->settings.share_last_seen ? 1 : 0);
    add_number(out, dossier->settings.push_preview ? 1 : 0);
    add_time(out, dossier->last_seen);
    add_number(out, dossier->epoch_floor > 0 ? 1 : 0);
    end(out);
    for (size_t i = 0; i < dossier->device_count; i++) {
        const struct tt_device *device = &dossier->devices[i];
        begin(out, "device");
        add_id(out, &device->id);
        add_time(out, device->linked_at);
        add_time(out, device->active_at);
        add_number(out, device->epoch);
        end(out);
    }
    if (dossier->has_account)
        describe_account(&dossier->account, out);
    for (size_t i = 0; i < dossier->address_count; i++)
        describe_address(&dossier->addresses[i], out);
    for (size_t i = 0; i < dossier->connection_count; i++)
        describe_happening(&dossier->connections[i], out);
}

static void describe_member(const struct tt_member_dossier *member, struct tt_buffer *out)
{
    begin(out, "member");
    add_id(out, &member->user);
    add_number(out, member->cursor.delivered.n);
    add_number(out, member->cursor.read.n);
    add_time(out, member->muted_until);
    end(out);
    for (size_t i = 0; i < member->position_count; i++) {
        begin(out, "position");
        add_id(out, &member->positions[i].device);
        add_number(out, member->positions[i].delivered.n);
        end(out);
    }
    if (member->has_pending) {
        begin(out, "pending");
        add_number(out, member->first_undelivered.n);
        add_number(out, member->armed.n);
        add_number(out, member->pushed.n);
        end(out);
    }
    for (size_t i = 0; i < member->step_count; i++)
        describe_happening(&member->steps[i], out);
}

void tt_conversation_dossier_describe(const struct tt_conversation_dossier *dossier,
                                      struct tt_buffer *out)
{
    begin(out, dossier->is.kind == TT_GROUP ? "group" : "direct");
    add_id(out, &dossier->is.id);
    add_raw(out, dossier->is.title);
    add_time(out, dossier->is.created_at);
    add_number(out, dossier->head.n);
    add_time(out, dossier->active_at);
    end(out);
    for (size_t i = 0; i < dossier->is.member_count; i++)
        describe_member(&dossier->members[i], out);
    for (size_t i = 0; i < dossier->push_count; i++)
        describe_happening(&dossier->pushes[i], out);
}

void tt_message_describe(const struct tt_message *message, struct tt_buffer *out)
{
    begin(out, "message");
    add_number(out, message->seq.n);
    add_time(out, message->timestamp);
    add_id(out, &message->sender);
    add_id(out, &message->sender_device);
    add_id(out, &message->client_id);
    add_raw(out, message->content);
    end(out);
}
