/*
 * What is said to be unlinked: its sockets end, and its entries leave the registry. What is said
 * may be old, and the device be linked again; or too early, where whoever unlinked it does not know
 * the outcome. So the store is asked, in one look at all of a user's, and where somebody is linked
 * still, once more a while later.
 */
#include "core/state.h"

/* What is to be linked: sockets of this node, or entries of the registry. In the op's arena. */
struct link_look {
    tt_handle *sockets;
    struct tt_registered_device *entries;
    size_t count;
    bool is_last;
};

/* An op that asks for the user's devices, with room for so many that are to be among them. */
static struct link_look *new_look(const tt_id *user, uint32_t purpose, size_t count_max,
                                  struct tt_store_op **new_op)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_DEVICES);
    struct link_look *look = tt_arena_alloc(&op->arena, sizeof(*look));
    *look = (struct link_look){
        .sockets = tt_arena_array(&op->arena, count_max, sizeof(*look->sockets)),
        .entries = tt_arena_array(&op->arena, count_max, sizeof(*look->entries)),
    };
    op->list_devices.user = *user;
    op->tag.context = look;
    op->tag.purpose = purpose;
    op->tag.owner = TT_HANDLE_NONE;
    *new_op = op;
    return look;
}

static void submit_look(struct tt_core *core, struct tt_store_op *op)
{
    const struct link_look *look = op->tag.context;
    if (look->count > 0)
        tt_emit_store(core, op, op->tag.purpose, TT_HANDLE_NONE);
    else
        tt_store_op_destroy(&op);
}

/* Of what is linked still. */
static void look_later(struct tt_core *core, struct tt_store_op *op, bool was_last)
{
    struct link_look *look = op->tag.context;
    look->is_last = true;
    if (look->count > 0 && !was_last)
        tt_retry_store(core, op);
    else
        tt_store_op_destroy(&op);
}

/* It may be that it is linked no more. */
void tt_cut_session(struct tt_core *core, struct tt_session *session)
{
    const tt_id user = tt_session_user(session);
    struct tt_store_op *op;
    struct link_look *look = new_look(&user, TT_FOR_CUT, 1, &op);
    look->sockets[look->count++] = session->handle;
    look->is_last = true;
    submit_look(core, op);
}

static bool is_meant(const tt_id *device, const struct tt_session *session)
{
    return session->state == TT_SESSION_LIVE &&
           (tt_id_is_none(device) || tt_session_is_device(session, device));
}

void tt_cut_sockets(struct tt_core *core, const tt_id *user, const tt_id *device)
{
    const struct tt_user_here *here = tt_user_find(core, user);
    struct tt_store_op *op;
    size_t count = 0;
    if (here == NULL)
        return;
    for (const struct tt_session *one = here->sessions; one != NULL; one = one->next_of_user)
        count += is_meant(device, one);
    struct link_look *look = new_look(user, TT_FOR_CUT, count, &op);
    for (const struct tt_session *one = here->sessions; one != NULL; one = one->next_of_user)
        if (is_meant(device, one))
            look->sockets[look->count++] = one->handle;
    submit_look(core, op);
}

/* Whether the store has said which devices are linked; one that is away is asked again. */
static bool knows_devices(struct tt_core *core, struct tt_store_op *op)
{
    if (tt_err_is(op->err, TT_ERR_UNAVAILABLE)) {
        core->spent_store = op->next;
        tt_retry_store(core, op);
        return false;
    }
    return tt_is_ok(op->err);
}

static bool is_anybody_here(struct tt_core *core, const struct link_look *look)
{
    for (size_t i = 0; i < look->count; i++)
        if (tt_session_find(core, look->sockets[i]) != NULL)
            return true;
    return false;
}

static bool is_linked(const struct tt_list_devices *list, const struct tt_session *session)
{
    const tt_id device = tt_session_device(session);
    const struct tt_device *now = tt_device_find(list->devices, list->device_count, &device);
    return now != NULL && now->linked_at.ms == session->linked_at.ms && !TT_IS_PLANTED(CUT_ANY);
}

void tt_cut_sockets_looked(struct tt_core *core, struct tt_store_op *op)
{
    const struct link_look *look = op->tag.context;
    struct tt_store_op *later;
    if (!is_anybody_here(core, look) || !knows_devices(core, op))
        return;
    struct link_look *left = new_look(&op->list_devices.user, TT_FOR_CUT, look->count, &later);
    for (size_t i = 0; i < look->count; i++) {
        struct tt_session *session = tt_session_find(core, look->sockets[i]);
        if (session != NULL && is_linked(&op->list_devices, session))
            left->sockets[left->count++] = look->sockets[i];
        else if (session != NULL)
            tt_session_close(core, session, TT_CLOSE_TOKEN_EXPIRED);
    }
    look_later(core, later, look->is_last);
}

/* If the word of it is lost, the socket soon looks whether it is registered, finds that it is not,
 * and then in the store that it is not linked. But who says that the device is unlinked may not
 * know, and it may be linked again: what leaves the registry is a connection that was there before
 * the store said that there is no such device. Where no socket looks it stays, so that whoever has
 * something for the device finds it, and cuts it. */
void tt_cut_entries(struct tt_core *core, const struct tt_whereabouts *found, const tt_id *device)
{
    struct tt_store_op *op;
    if (core->options.reassert_ms == 0)
        return;
    struct link_look *look = new_look(&found->user, TT_FOR_UNLINKED, found->device_count, &op);
    for (size_t i = 0; i < found->device_count; i++)
        if (tt_id_is_none(device) || tt_id_eq(&found->devices[i].device, device))
            look->entries[look->count++] = found->devices[i];
    submit_look(core, op);
}

void tt_cut_entries_looked(struct tt_core *core, struct tt_store_op *op)
{
    const struct tt_list_devices *list = &op->list_devices;
    const struct link_look *look = op->tag.context;
    struct tt_store_op *later;
    if (!knows_devices(core, op))
        return;
    struct link_look *left = new_look(&list->user, TT_FOR_UNLINKED, look->count, &later);
    for (size_t i = 0; i < look->count; i++) {
        const struct tt_registered_device *entry = &look->entries[i];
        if (tt_device_find(list->devices, list->device_count, &entry->device) != NULL)
            left->entries[left->count++] = *entry;
        else
            tt_session_unregister(core, &list->user, &entry->device, entry->epoch, NULL);
    }
    look_later(core, later, look->is_last);
}
