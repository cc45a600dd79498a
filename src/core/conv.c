/*
 * The members of conversations, cached. Members never change, so what was read once stays true; a
 * node keeps the most recently used ones. Who needs one that is not here waits in its queue.
 */
#include "core/state.h"

#include "base/memory.h"

static void unlink_by_use(struct tt_core *core, struct tt_conv *conv)
{
    *(conv->older != NULL ? &conv->older->newer : &core->conv_oldest) = conv->newer;
    *(conv->newer != NULL ? &conv->newer->older : &core->conv_newest) = conv->older;
    conv->older = NULL;
    conv->newer = NULL;
}

static void link_newest(struct tt_core *core, struct tt_conv *conv)
{
    conv->older = core->conv_newest;
    *(core->conv_newest != NULL ? &core->conv_newest->newer : &core->conv_oldest) = conv;
    core->conv_newest = conv;
}

static void destroy(struct tt_core *core, struct tt_conv *conv)
{
    unlink_by_use(core, conv);
    tt_map_remove(&core->conversations, tt_id_slice(&conv->is.id));
    core->counters.conversations_cached = core->conversations.count;
    tt_arena_deinit(&conv->arena);
    tt_free(conv);
}

static void trim(struct tt_core *core)
{
    struct tt_conv *conv = core->conv_oldest;
    while (conv != NULL && core->conversations.count >= core->options.conversations_kept) {
        struct tt_conv *newer = conv->newer;
        if (conv->loaded && conv->pins == 0)
            destroy(core, conv);
        conv = newer;
    }
}

void tt_conv_deinit_all(struct tt_core *core)
{
    while (core->conv_oldest != NULL)
        destroy(core, core->conv_oldest);
    tt_map_deinit(&core->conversations);
}

void tt_conv_pin(struct tt_conv *conv)
{
    conv->pins++;
}

void tt_conv_unpin(struct tt_core *core, struct tt_conv *conv)
{
    (void)core;
    TT_ASSERT(conv->pins > 0);
    conv->pins--;
}

const struct tt_conv *tt_conv_find(const struct tt_core *core, const tt_id *conversation)
{
    const struct tt_conv *conv = tt_map_get(&core->conversations, tt_id_slice(conversation));
    return conv != NULL && conv->loaded ? conv : NULL;
}

static void wait_for(struct tt_conv *conv, struct tt_task *task)
{
    task->next = NULL;
    *(conv->waiting_last != NULL ? &conv->waiting_last->next : &conv->waiting_first) = task;
    conv->waiting_last = task;
}

static void load(struct tt_core *core, struct tt_conv *conv)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_CONVERSATION);
    op->get_conversation.id = conv->is.id;
    tt_emit_store(core, op, TT_FOR_CONVERSATION, TT_HANDLE_NONE);
}

bool tt_conv_has(const struct tt_conv *conv, const tt_id *user)
{
    size_t low = 0;
    size_t high = conv->is.member_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = tt_id_compare(&conv->is.members[middle], user);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Who is no member waits as long as for a conversation that is not there, so that he cannot tell.
 */
static void look_as_if(struct tt_core *core, struct tt_task *task)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_CONVERSATION);
    op->get_conversation.id = task->conversation;
    task->is_stranger = true;
    tt_task_ask_store(core, task, TT_TASK_PARTS - 1, op);
}

/* The conversation, pinned by the task; or NULL: the task is resumed when it is known. */
struct tt_conv *tt_conv_need(struct tt_core *core, struct tt_task *task)
{
    struct tt_conv *conv = tt_map_get(&core->conversations, tt_id_slice(&task->conversation));
    if (conv != NULL) {
        unlink_by_use(core, conv);
        link_newest(core, conv);
        if (!conv->loaded) {
            wait_for(conv, task);
            return NULL;
        }
        if (!tt_conv_has(conv, &task->user)) {
            look_as_if(core, task);
            return NULL;
        }
        task->conv = conv;
        tt_conv_pin(conv);
        return conv;
    }

    trim(core);
    conv = tt_alloc(sizeof(*conv));
    conv->is.id = task->conversation;
    tt_map_add(&core->conversations, conv);
    core->counters.conversations_cached = core->conversations.count;
    link_newest(core, conv);
    wait_for(conv, task);
    load(core, conv);
    return NULL;
}

static void keep(struct tt_conv *conv, const struct tt_conversation *is)
{
    conv->is = *is;
    conv->is.title = tt_arena_copy(&conv->arena, is->title);
    tt_id *members = tt_arena_array(&conv->arena, is->member_count, sizeof(*members));
    memcpy(members, is->members, is->member_count * sizeof(*members));
    conv->is.members = members;
    conv->loaded = true;
}

void tt_conv_loaded(struct tt_core *core, struct tt_store_op *op)
{
    struct tt_conv *conv = tt_map_get(&core->conversations, tt_id_slice(&op->get_conversation.id));
    TT_ASSERT(conv != NULL && !conv->loaded);
    struct tt_task *task = conv->waiting_first;
    conv->waiting_first = NULL;
    conv->waiting_last = NULL;
    if (tt_is_ok(op->err)) {
        keep(conv, &op->get_conversation.conversation);
        for (struct tt_task *each = task; each != NULL; each = each->next) {
            each->conv = conv;
            tt_conv_pin(conv);
        }
    } else {
        destroy(core, conv);
    }
    while (task != NULL) {
        struct tt_task *next = task->next;
        task->next = NULL;
        task->err = op->err;
        tt_task_resume(core, task);
        task = next;
    }
}

const tt_id *tt_conv_peer(const struct tt_conv *conv, const tt_id *user)
{
    TT_ASSERT(conv->is.kind == TT_DIRECT && conv->is.member_count == 2);
    return &conv->is.members[tt_id_eq(&conv->is.members[0], user) ? 1 : 0];
}
