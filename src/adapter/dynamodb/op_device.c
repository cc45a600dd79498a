#include <stdint.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/push_row.h"
#include "adapter/dynamodb/servers.h"
#include "adapter/dynamodb/steps.h"

/* Conversations whose rows are rewritten side by side. */
#define ROWS_ABREAST 32

static bool counts(const struct tt_ddb_device *device)
{
    return device->state != TT_DDB_UNLINKING;
}

static size_t tell_devices(struct tt_ddb_work *work, const struct tt_ddb_user *user,
                           bool leaving_too, const struct tt_device **out)
{
    struct tt_device *devices =
        tt_arena_array(&work->op->arena, user->device_count, sizeof(*devices));
    size_t count = 0;
    for (size_t i = 0; i < user->device_count; i++)
        if (leaving_too || counts(&user->devices[i]))
            devices[count++] = user->devices[i].is;
    *out = devices;
    return count;
}

static tt_err read_user(struct tt_ddb_work *work, const tt_id *id, struct tt_ddb_user *user)
{
    TT_TRY(tt_ddb_user_of(work, id, user));
    return tt_ddb_bury(work, user, 1);
}

static tt_err write_user(struct tt_ddb_work *work, struct tt_ddb_user *user, bool *stands)
{
    char owner[TT_ID_SIZE_MAX + 1];
    owner[0] = '#';
    memcpy(owner + 1, user->id.bytes, user->id.size);
    TT_TRY(tt_ddb_spill(work, tt_slice(owner, (size_t)user->id.size + 1), &user->id, &user->steps));
    return tt_ddb_swap_user(work, user, stands);
}

static void add_step(struct tt_ddb_work *work, struct tt_ddb_user *user,
                     enum tt_happening_kind kind, tt_time at, const tt_id *device)
{
    struct tt_happening step = {.kind = kind, .at = at, .device = *device};
    user->steps = tt_ddb_steps_add(user->steps, &step, &work->arena);
}

/* Brings a row's devices in line with the user's: those UNLINKING go, those LINKING start where the
 * user is. */
static void align(struct tt_ddb_status *row, const struct tt_ddb_user *user, struct tt_arena *arena)
{
    struct tt_ddb_status before = *row;
    row->devices =
        tt_arena_array(arena, before.device_count + user->device_count, sizeof(*row->devices));
    memcpy(row->devices, before.devices, before.device_count * sizeof(*row->devices));
    for (size_t i = 0; i < user->device_count; i++) {
        const struct tt_ddb_device *device = &user->devices[i];
        if (device->state == TT_DDB_LINKED)
            continue;
        tt_ddb_status_remove_device(row, &device->is.id);
        if (device->state == TT_DDB_LINKING)
            tt_ddb_status_add_device(row, &device->is.id, row->cursor.delivered,
                                     device->is.linked_at);
    }
}

/* Until the row is in line; `*row` is then what stands. */
static tt_err align_row(struct tt_ddb_work *work, const tt_id *conversation,
                        const struct tt_ddb_user *user, struct tt_ddb_status *row)
{
    for (bool stands = false; !stands;) {
        struct tt_ddb_status next = tt_ddb_status_copy(row, &work->arena);
        align(&next, user, &work->arena);
        uint64_t mark = tt_ddb_new_mark(work->store);
        const struct tt_ddb_answer *answer =
            tt_ddb_ask(work, tt_ddb_swap_status(work, conversation, &next, mark));
        TT_TRY(tt_ddb_swapped_status(work, conversation, &next, mark, answer, &stands, row));
    }
    return TT_OK;
}

/*
 * A few conversations side by side: write the rows, and only then look at the heads. Whoever
 * appends meanwhile puts his message first and then looks at the row, so one of the two sees the
 * other, and the user's own message is armed for the new device.
 */
static tt_err align_some(struct tt_ddb_work *work, const tt_id *ids, size_t count,
                         const struct tt_ddb_user *user)
{
    struct tt_ddb_request *requests[ROWS_ABREAST] = {NULL};
    struct tt_ddb_status rows[ROWS_ABREAST];
    struct tt_ddb_status nexts[ROWS_ABREAST];
    uint64_t marks[ROWS_ABREAST];
    for (size_t i = 0; i < count; i++)
        requests[i] = tt_ddb_new(work, TT_DDB_GET, TT_DDB_MESSAGE_STATUS, tt_ddb_id(&ids[i]),
                                 tt_ddb_id(&user->id));
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, count);
    for (size_t i = 0; i < count; i++) {
        TT_TRY(tt_ddb_known(&answers[i]));
        nexts[i] = (struct tt_ddb_status){.user = user->id};
        if (answers[i].item_count > 0)
            nexts[i] = tt_ddb_status_read(answers[i].items[0], &work->arena);
        nexts[i].user = user->id;
        align(&nexts[i], user, &work->arena);
        marks[i] = tt_ddb_new_mark(work->store);
        requests[i] = tt_ddb_swap_status(work, &ids[i], &nexts[i], marks[i]);
    }
    answers = tt_ddb_ask_all(work, requests, count);
    for (size_t i = 0; i < count; i++) {
        bool stands;
        TT_TRY(tt_ddb_swapped_status(work, &ids[i], &nexts[i], marks[i], &answers[i], &stands,
                                     &rows[i]));
        if (!stands)
            TT_TRY(align_row(work, &ids[i], user, &rows[i]));
    }
    for (size_t i = 0; i < count; i++) {
        requests[i] = tt_ddb_newest(work, &ids[i], 1);
        requests[i]->query.only = "seq";
    }
    answers = tt_ddb_ask_all(work, requests, count);
    for (size_t i = 0; i < count; i++) {
        TT_TRY(tt_ddb_known(&answers[i]));
        tt_seq head =
            TT_SEQ(answers[i].item_count == 0 ? 0 : tt_ddb_get_number(answers[i].items[0], "seq"));
        tt_seq reached = tt_ddb_status_reached(&rows[i]);
        requests[i] = head.n > reached.n && rows[i].device_count > 0
                          ? tt_ddb_arm(work, &user->id, &ids[i], tt_seq_next(reached), head)
                          : tt_ddb_disarm(work, &user->id, &ids[i], reached);
    }
    answers = tt_ddb_ask_all(work, requests, count);
    for (size_t i = 0; i < count; i++)
        TT_TRY(tt_ddb_known(&answers[i]));
    return TT_OK;
}

static tt_err align_all(struct tt_ddb_work *work, const struct tt_ddb_user *user)
{
    struct tt_ddb_request *query =
        tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_MEMBERSHIPS, tt_ddb_id(&user->id),
                   (struct tt_ddb_value){.kind = TT_DDB_NONE});
    query->query.only = "conversation_id";
    const struct tt_ddb_answer *found = tt_ddb_ask_pages(work, query, SIZE_MAX);
    TT_TRY(tt_ddb_known(found));
    for (size_t start = 0; start < found->item_count; start += ROWS_ABREAST) {
        tt_id *ids = tt_arena_array(&work->arena, ROWS_ABREAST, sizeof(*ids));
        size_t count = 0;
        for (; count < ROWS_ABREAST && start + count < found->item_count; count++)
            ids[count] = tt_ddb_get_id(found->items[start + count], "conversation_id");
        TT_TRY(align_some(work, ids, count, user));
    }
    return TT_OK;
}

static bool is_unsettled(const struct tt_ddb_user *user)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (user->devices[i].state != TT_DDB_LINKED)
            return true;
    return false;
}

/* Writes the row with its devices LINKING and UNLINKING, brings all conversations in line, and then
 * drops the ones and settles the others (in memory: the caller writes that with what he adds). If
 * somebody else was faster, `*stands` is false and the caller begins anew. */
static tt_err settle(struct tt_ddb_work *work, struct tt_ddb_user *user, bool *stands)
{
    *stands = true;
    if (!is_unsettled(user))
        return TT_OK;
    TT_TRY(write_user(work, user, stands));
    if (!*stands)
        return TT_OK;
    user->version++;
    TT_TRY(align_all(work, user));
    bool was_there;
    for (size_t i = 0; i < user->device_count; i++)
        if (user->devices[i].state == TT_DDB_UNLINKING || user->devices[i].began_anew)
            TT_TRY(tt_ddb_push_forget(work, &user->id, &user->devices[i].is.id, &was_there));
    for (size_t i = user->device_count; i > 0; i--) {
        struct tt_ddb_device *device = &user->devices[i - 1];
        if (device->state == TT_DDB_UNLINKING) {
            tt_id gone = device->is.id;
            tt_ddb_user_remove_device(user, &gone);
        } else {
            device->state = TT_DDB_LINKED;
        }
    }
    return TT_OK;
}

static bool is_silent(const struct tt_ddb_device *device, const struct tt_link_device *link)
{
    return device->server.size == 0 && link->at.ms - device->is.active_at.ms > link->silent_ms_max;
}

/* Marks what has to go and what has to come. Fails with TOO_MANY_DEVICES. */
static tt_err plan_link(struct tt_ddb_user *user, const struct tt_link_device *link)
{
    size_t staying = 0;
    for (size_t i = 0; i < user->device_count; i++) {
        struct tt_ddb_device *device = &user->devices[i];
        staying +=
            counts(device) && !is_silent(device, link) && !tt_id_eq(&device->is.id, &link->device);
    }
    struct tt_ddb_device *own = tt_ddb_user_device(user, &link->device);
    bool known = own != NULL && own->state == TT_DDB_LINKED && !is_silent(own, link);
    if (!known && staying + 1 > link->device_count_max)
        return TT_FAIL(TOO_MANY_DEVICES);
    for (size_t i = 0; i < user->device_count; i++)
        if (is_silent(&user->devices[i], link))
            user->devices[i].state = TT_DDB_UNLINKING;
    if (known)
        return TT_OK;
    bool began_anew = own != NULL;
    if (own == NULL)
        own = tt_ddb_user_add_device(user, &link->device);
    *own = (struct tt_ddb_device){
        .is = {.id = link->device, .linked_at = link->at, .active_at = link->at},
        .state = TT_DDB_LINKING,
        .began_anew = began_anew,
    };
    return TT_OK;
}

static tt_err link_device(struct tt_ddb_work *work)
{
    struct tt_link_device *link = &work->op->link_device;
    struct tt_ddb_user user;
    bool anew = false;
    for (bool stands = false; !stands;) {
        TT_TRY(read_user(work, &link->user, &user));
        if (link->login != 0 &&
            !(user.has_account && tt_account_has_login(&user.account, &link->device, link->login)))
            return TT_FAIL(UNAUTHENTICATED);
        tt_err err = plan_link(&user, link);
        if (!tt_is_ok(err)) {
            link->device_count = tell_devices(work, &user, false, &link->devices);
            return err;
        }
        anew = anew || tt_ddb_user_device(&user, &link->device)->state == TT_DDB_LINKING;
        TT_TRY(settle(work, &user, &stands));
        if (!stands)
            continue;
        struct tt_ddb_device *own = tt_ddb_user_device(&user, &link->device);
        own->is.epoch = ++user.last_epoch;
        own->is.connected = true;
        own->is.active_at = tt_time_max(own->is.active_at, link->at);
        own->server = tt_slice_text(work->store->server_text);
        own->connected_at = link->at;
        add_step(work, &user, TT_HAPPENED_CONNECTED, link->at, &link->device);
        TT_TRY(write_user(work, &user, &stands));
    }
    link->resumed = !anew;
    link->epoch = user.last_epoch;
    link->settings = user.settings;
    link->settings.display_name = tt_arena_copy(&work->op->arena, user.settings.display_name);
    link->device_count = tell_devices(work, &user, false, &link->devices);
    return TT_OK;
}

void tt_ddb_link_device(struct tt_ddb_work *work)
{
    work->op->err = link_device(work);
}

static bool anybody_connected(const struct tt_ddb_user *user)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (user->devices[i].server.size > 0)
            return true;
    return false;
}

static void leave_server(struct tt_ddb_work *work, struct tt_ddb_user *user,
                         struct tt_ddb_device *device, tt_time at)
{
    if (device->server.size == 0)
        return;
    device->server = TT_SLICE_EMPTY;
    device->is.connected = false;
    device->is.active_at = tt_time_max(device->is.active_at, at);
    add_step(work, user, TT_HAPPENED_DISCONNECTED, at, &device->is.id);
    if (!anybody_connected(user))
        user->last_seen = tt_time_max(user->last_seen, at);
}

/* Of a device without a row in the user's the address goes before the login: whoever asks again
 * after a crash finds what is left of the two. */
static tt_err unlink_device(struct tt_ddb_work *work)
{
    struct tt_unlink_device *unlink = &work->op->unlink_device;
    struct tt_ddb_user user;
    bool found = false;
    for (bool stands = false; !stands;) {
        TT_TRY(read_user(work, &unlink->user, &user));
        struct tt_ddb_device *device = tt_ddb_user_device(&user, &unlink->device);
        bool had_login = tt_account_log_out(&user.account, &unlink->device, &work->arena);
        bool had_address = false;
        if (device == NULL)
            TT_TRY(tt_ddb_push_forget(work, &unlink->user, &unlink->device, &had_address));
        found = found || device != NULL || had_login || had_address;
        if (device == NULL && !had_login)
            return found ? TT_OK : TT_FAIL(NOT_FOUND);
        if (device != NULL) {
            leave_server(work, &user, device, unlink->at);
            device->state = TT_DDB_UNLINKING;
        }
        TT_TRY(settle(work, &user, &stands));
        if (stands)
            TT_TRY(write_user(work, &user, &stands));
    }
    return TT_OK;
}

void tt_ddb_unlink_device(struct tt_ddb_work *work)
{
    work->op->err = unlink_device(work);
}

static tt_err list_devices(struct tt_ddb_work *work)
{
    struct tt_list_devices *list = &work->op->list_devices;
    struct tt_ddb_user user;
    TT_TRY(read_user(work, &list->user, &user));
    list->device_count = tell_devices(work, &user, list->leaving_too, &list->devices);
    return TT_OK;
}

void tt_ddb_list_devices(struct tt_ddb_work *work)
{
    work->op->err = list_devices(work);
}

static tt_err disconnect(struct tt_ddb_work *work)
{
    struct tt_disconnect *leave = &work->op->disconnect;
    struct tt_ddb_user user;
    for (bool stands = false; !stands;) {
        TT_TRY(read_user(work, &leave->user, &user));
        struct tt_ddb_device *device = tt_ddb_user_device(&user, &leave->device);
        leave->was_current = device != NULL && device->is.epoch == leave->epoch;
        if (!leave->was_current)
            return TT_OK;
        if (device->server.size == 0)
            break;
        leave_server(work, &user, device, leave->at);
        TT_TRY(write_user(work, &user, &stands));
    }
    leave->was_last = !anybody_connected(&user);
    leave->last_seen = user.last_seen;
    return TT_OK;
}

void tt_ddb_disconnect(struct tt_ddb_work *work)
{
    work->op->err = disconnect(work);
}
