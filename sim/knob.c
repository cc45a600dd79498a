#include "sim/knob.h"

#include <stddef.h>

#include "base/buffer.h"

enum form { BOOL, U32, U64, SIZE };

/* name, field, form, the simplest value; DEFAULT: that of a core as it is shipped */
#define DEFAULT (-1)
#define KNOB_MAP(X)                                                                                \
    X("servers", world.servers, U32, 1)                                                            \
    X("nodes", world.nodes, U32, 1)                                                                \
    X("users", users, U32, 2)                                                                      \
    X("devices", devices_max, U32, 1)                                                              \
    X("conversations", cast.conversation_count, U32, 1)                                            \
    X("liar", has_liar, BOOL, 0)                                                                   \
    X("crashes", crashes, BOOL, 0)                                                                 \
    X("pauses", pauses, BOOL, 0)                                                                   \
    X("drains", drains, BOOL, 0)                                                                   \
    X("forgets", forgets, BOOL, 0)                                                                 \
    X("gaps", gaps, BOOL, 0)                                                                       \
    X("stalls", stalls, BOOL, 0)                                                                   \
    X("disk_low", disk_low, BOOL, 0)                                                               \
    X("splits", splits, BOOL, 0)                                                                   \
    X("falls_back", falls_back, BOOL, 0)                                                           \
    X("leases", leases, BOOL, 0)                                                                   \
    X("clocks", clocks, BOOL, 0)                                                                   \
    X("skewed", skewed, BOOL, 0)                                                                   \
    X("cuts", cuts, BOOL, 0)                                                                       \
    X("strands", strands, BOOL, 0)                                                                 \
    X("unlinks", habits.unlinks, BOOL, 0)                                                          \
    X("settings", habits.settings, BOOL, 0)                                                        \
    X("codec", world.through_codec, BOOL, 0)                                                       \
    X("ordered", world.keeps_order, BOOL, 1)                                                       \
    X("store_before", store.before_per_mille, U32, 0)                                              \
    X("store_after", store.after_per_mille, U32, 0)                                                \
    X("store_late", store.late_per_mille, U32, 0)                                                  \
    X("store_tail", store.tail_per_mille, U32, 0)                                                  \
    X("registry_before", registry.before_per_mille, U32, 0)                                        \
    X("registry_after", registry.after_per_mille, U32, 0)                                          \
    X("registry_tail", registry.tail_per_mille, U32, 0)                                            \
    X("bus_lose", bus.lose_per_mille, U32, 0)                                                      \
    X("bus_double", bus.double_per_mille, U32, 0)                                                  \
    X("bus_gap", bus.gap_per_mille, U32, 0)                                                        \
    X("bus_tail", bus.tail_per_mille, U32, 0)                                                      \
    X("leave", habits.leave_per_mille, U32, 0)                                                     \
    X("half_open", habits.half_open_per_mille, U32, 0)                                             \
    X("lie", habits.lie_per_mille, U32, 0)                                                         \
    X("http", habits.http_per_mille, U32, 0)                                                       \
    X("slow", habits.slow_per_mille, U32, 0)                                                       \
    X("marks", habits.mark_per_mille, U32, 0)                                                      \
    X("turn_us", world.turn_us, U32, 0)                                                            \
    X("store_latency_us", world.store_latency_us, U32, 300)                                        \
    X("registry_latency_us", world.registry_latency_us, U32, 100)                                  \
    X("bus_latency_us", world.bus_latency_us, U32, 100)                                            \
    X("delay_us", habits.delay_us, U32, 500)                                                       \
    X("chaos_us", chaos_us, U64, 1000000)                                                          \
    X("replay_count", world.core.replay_count, U32, DEFAULT)                                       \
    X("replay_bytes", world.core.replay_bytes, U32, DEFAULT)                                       \
    X("pending_count", world.core.pending_count, U32, DEFAULT)                                     \
    X("streams_kept", world.core.streams_kept, U32, DEFAULT)                                       \
    X("conversations_kept", world.core.conversations_kept, U32, DEFAULT)                           \
    X("undrained_bytes_max", world.core.undrained_bytes_max, SIZE, DEFAULT)                        \
    X("slow_bytes_max", world.core.slow_bytes_max, SIZE, DEFAULT)                                  \
    X("sends_per_s", world.core.sends_per_s, U32, DEFAULT)                                         \
    X("frames_per_s", world.core.frames_per_s, U32, DEFAULT)

static const struct knob {
    const char *name;
    size_t offset;
    enum form form;
    int64_t plain;
} knobs[] = {
#define X(name, field, form, plain) {name, offsetof(struct tt_swarm, field), form, plain},
    KNOB_MAP(X)
#undef X
};

size_t tt_knob_count(void)
{
    return sizeof(knobs) / sizeof(knobs[0]);
}

const char *tt_knob_name(size_t knob)
{
    return knobs[knob].name;
}

bool tt_knob_is_number(size_t knob)
{
    return knobs[knob].form != BOOL && knobs[knob].plain != DEFAULT;
}

int64_t tt_knob_get(const struct tt_swarm *swarm, size_t knob)
{
    const char *at = (const char *)swarm + knobs[knob].offset;
    switch (knobs[knob].form) {
    case BOOL:
        return *(const bool *)at;
    case U32:
        return *(const uint32_t *)(const void *)at;
    case U64:
        return (int64_t) * (const uint64_t *)(const void *)at;
    case SIZE:
        return (int64_t) * (const size_t *)(const void *)at;
    }
    return 0;
}

void tt_knob_set(struct tt_swarm *swarm, size_t knob, int64_t value)
{
    char *at = (char *)swarm + knobs[knob].offset;
    switch (knobs[knob].form) {
    case BOOL:
        *(bool *)at = value != 0;
        return;
    case U32:
        *(uint32_t *)(void *)at = (uint32_t)value;
        return;
    case U64:
        *(uint64_t *)(void *)at = (uint64_t)value;
        return;
    case SIZE:
        *(size_t *)(void *)at = (size_t)value;
        return;
    }
}

int64_t tt_knob_plain(size_t knob)
{
    if (knobs[knob].plain != DEFAULT)
        return knobs[knob].plain;
    struct tt_swarm plain = {.world.core = tt_core_options_default()};
    return tt_knob_get(&plain, knob);
}

static bool parse_one(struct tt_swarm *swarm, struct tt_slice text)
{
    size_t name = 0;
    while (name < text.size && text.data[name] != '=')
        name++;
    if (name + 1 >= text.size)
        return false;
    int64_t value = 0;
    for (size_t i = name + 1; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > INT64_MAX / 20)
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    for (size_t i = 0; i < tt_knob_count(); i++) {
        if (tt_slice_eq(tt_slice(text.data, name), tt_slice_text(knobs[i].name))) {
            tt_knob_set(swarm, i, value);
            return true;
        }
    }
    return false;
}

bool tt_knobs_parse(struct tt_swarm *swarm, const char *text)
{
    while (*text != '\0') {
        size_t size = 0;
        while (text[size] != '\0' && text[size] != ',')
            size++;
        if (!parse_one(swarm, tt_slice(text, size)))
            return false;
        text += size + (text[size] == ',');
    }
    return true;
}

void tt_knobs_describe(const struct tt_swarm *swarm, const struct tt_swarm *from,
                       struct tt_buffer *out)
{
    for (size_t i = 0; i < tt_knob_count(); i++) {
        int64_t value = tt_knob_get(swarm, i);
        if (value == tt_knob_get(from, i))
            continue;
        if (out->size > 0)
            tt_buffer_add_text(out, ",");
        tt_buffer_add_text(out, knobs[i].name);
        tt_buffer_add_text(out, "=");
        tt_buffer_add_u64(out, (uint64_t)value);
    }
}
