#include "core/state.h"

#include "base/memory.h"

#define RETRIES_MAX 65536
#define RETRY_MS    1000

struct tt_effect *tt_emit(struct tt_core *core, enum tt_effect_kind kind)
{
    if (core->effect_count == core->effect_capacity) {
        core->effect_capacity = core->effect_capacity == 0 ? 64 : core->effect_capacity * 2;
        core->effects = tt_grow(core->effects, core->effect_capacity, sizeof(core->effects[0]));
    }
    struct tt_effect *effect = &core->effects[core->effect_count++];
    *effect = (struct tt_effect){.kind = kind};
    return effect;
}

void tt_emit_store(struct tt_core *core, struct tt_store_op *op, uint32_t purpose, tt_handle owner)
{
    op->tag.purpose = purpose;
    op->tag.owner = owner;
    tt_emit(core, TT_EFFECT_STORE)->store_op = op;
    core->ops_under_way++;
}

void tt_emit_registry(struct tt_core *core, struct tt_registry_op *op, uint32_t purpose,
                      tt_handle owner)
{
    op->tag.purpose = purpose;
    op->tag.owner = owner;
    tt_emit(core, TT_EFFECT_REGISTRY)->registry_op = op;
    core->ops_under_way++;
}

void tt_want_drain(struct tt_core *core, struct tt_session *session)
{
    if (session->busy->draining)
        return;
    struct tt_busy *busy = tt_session_busy(core, session);
    busy->draining = true;
    busy->since_asked = 0;
    busy->too_slow_at = session->undrained + core->options.slow_bytes_max;
    tt_emit(core, TT_EFFECT_WANT_DRAIN)->handle = session->handle;
}

/* A session that takes nothing in is cut when what it was sent since it was asked has reached the
 * limit; the frame that reaches it still goes out before the close. */
struct tt_server_frame *tt_emit_frame(struct tt_core *core, struct tt_session *session,
                                      enum tt_server_frame_kind kind, size_t bytes)
{
    struct tt_server_frame *frame = tt_arena_alloc(&core->arena, sizeof(*frame));
    frame->kind = kind;
    struct tt_effect *effect = tt_emit(core, TT_EFFECT_FRAME);
    effect->handle = session->handle;
    effect->frame = frame;

    session->undrained += bytes + TT_FRAME_BYTES;
    if (session->busy->draining)
        session->own_busy->since_asked += bytes + TT_FRAME_BYTES;
    if (session->undrained > core->options.undrained_bytes_max)
        tt_want_drain(core, session);
    if (session->busy->draining && session->undrained > session->busy->too_slow_at)
        tt_timer_set_earlier(&core->timers, &session->timer, core->now.mono);
    return frame;
}

void tt_emit_error(struct tt_core *core, struct tt_session *session, tt_err err,
                   const tt_id *conversation, const tt_id *client_id)
{
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_ERROR, 0);
    frame->error.err = err;
    if (conversation != NULL)
        frame->conversation = *conversation;
    if (client_id != NULL)
        frame->client_id = *client_id;
    core->counters.errors_sent++;
}

/* SplitMix64 (Steele, Lea, Flood 2014), seeded anew by each step's entropy. */
uint64_t tt_random(struct tt_core *core)
{
    core->random += 0x9e3779b97f4a7c15ULL;
    uint64_t z = core->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void retry(struct tt_core *core, struct tt_store_op *store_op,
                  struct tt_registry_op *registry_op)
{
    struct tt_retry *waiting = tt_alloc(sizeof(*waiting));
    waiting->store_op = store_op;
    waiting->registry_op = registry_op;
    waiting->timer.kind = TT_TIMER_RETRY;
    core->ops_under_way++;
    core->retry_count++;
    tt_timer_set(&core->timers, &waiting->timer,
                 tt_mono_after(core->now.mono, RETRY_MS + tt_random(core) % RETRY_MS));
}

void tt_retry_store(struct tt_core *core, struct tt_store_op *op)
{
    retry(core, op, NULL);
}

void tt_retry_registry(struct tt_core *core, struct tt_registry_op *op)
{
    retry(core, NULL, op);
}

bool tt_retry_is_full(const struct tt_core *core)
{
    return core->retry_count >= RETRIES_MAX;
}

void tt_retry_due(struct tt_core *core, struct tt_timer *timer)
{
    struct tt_retry *waiting =
        (struct tt_retry *)((char *)timer - offsetof(struct tt_retry, timer));
    core->ops_under_way--;
    core->retry_count--;
    if (waiting->store_op != NULL)
        tt_emit_store(core, waiting->store_op, waiting->store_op->tag.purpose,
                      waiting->store_op->tag.owner);
    else
        tt_emit_registry(core, waiting->registry_op, waiting->registry_op->tag.purpose,
                         waiting->registry_op->tag.owner);
    tt_free(waiting);
}

struct tt_registry_op *tt_about_users(struct tt_core *core, enum tt_registry_op_kind kind,
                                      const tt_id *users, size_t count)
{
    struct tt_registry_op *op = tt_registry_op_create(kind);
    tt_id *copy = tt_arena_array(&op->arena, count, sizeof(*copy));
    memcpy(copy, users, count * sizeof(*copy));
    op->about.users = copy;
    op->about.user_count = count;
    op->about.watcher = core->options.place;
    return op;
}
