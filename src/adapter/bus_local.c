#include "adapter/bus_local.h"

#include <pthread.h>

#include "base/buffer.h"
#include "base/memory.h"

#define KEPT_BYTES_MAX (1024 * 1024) /* of a queue that was read */

/* A queue and a chunk are a row of hints, each after its size in 4 bytes of this machine's order.
 */
struct tt_bus_local_node {
    struct tt_bus_local *bus;
    struct tt_place place;
    struct tt_bus_sink sink;
    void (*wake)(void *context);
    struct tt_buffer *chunks; /* of this turn, by target */
    bool *overflowed;         /* by target: this turn's chunk lost something */

    pthread_mutex_t lock; /* guards the rest */
    struct tt_buffer queue;
    bool gap;
    struct tt_buffer reading; /* this node's own: swapped with the queue */
};

struct tt_bus_local {
    struct tt_bus_local_node *nodes;
    uint32_t node_count;
    size_t queue_bytes_max;
};

struct tt_bus_local *tt_bus_local_create(uint32_t node_count, size_t queue_bytes_max)
{
    struct tt_bus_local *bus = tt_alloc(sizeof(*bus));
    bus->node_count = node_count;
    bus->queue_bytes_max = queue_bytes_max;
    bus->nodes = tt_alloc(node_count * sizeof(bus->nodes[0]));
    for (uint32_t i = 0; i < node_count; i++) {
        struct tt_bus_local_node *node = &bus->nodes[i];
        node->bus = bus;
        node->chunks = tt_alloc(node_count * sizeof(node->chunks[0]));
        node->overflowed = tt_alloc(node_count * sizeof(node->overflowed[0]));
        int failed = pthread_mutex_init(&node->lock, NULL);
        TT_ASSERT(failed == 0);
    }
    return bus;
}

void tt_bus_local_destroy(struct tt_bus_local **bus)
{
    struct tt_bus_local *dying = *bus;
    for (uint32_t i = 0; i < dying->node_count; i++) {
        struct tt_bus_local_node *node = &dying->nodes[i];
        for (uint32_t j = 0; j < dying->node_count; j++)
            tt_buffer_deinit(&node->chunks[j]);
        tt_free(node->chunks);
        tt_free(node->overflowed);
        tt_buffer_deinit(&node->queue);
        tt_buffer_deinit(&node->reading);
        pthread_mutex_destroy(&node->lock);
    }
    tt_free(dying->nodes);
    tt_free(dying);
    *bus = NULL;
}

struct tt_bus_local_node *tt_bus_local_attach(struct tt_bus_local *bus,
                                              const struct tt_place *place,
                                              const struct tt_bus_sink *sink,
                                              void (*wake)(void *context))
{
    TT_ASSERT(place->node < bus->node_count);
    struct tt_bus_local_node *node = &bus->nodes[place->node];
    node->place = *place;
    node->sink = *sink;
    node->wake = wake;
    return node;
}

static void send_hint(void *self, const struct tt_place *to, struct tt_slice bytes)
{
    struct tt_bus_local_node *node = self;
    struct tt_bus_local *bus = node->bus;
    if (to->node >= bus->node_count || !tt_place_eq(&bus->nodes[to->node].place, to))
        return; /* a node of an earlier start, or of elsewhere: hints may be lost */
    struct tt_buffer *chunk = &node->chunks[to->node];
    uint32_t size = (uint32_t)bytes.size;
    if (chunk->size + sizeof(size) + bytes.size > bus->queue_bytes_max) {
        node->overflowed[to->node] = true;
        return;
    }
    tt_buffer_add(chunk, tt_slice(&size, sizeof(size)));
    tt_buffer_add(chunk, bytes);
}

static void hand_over(struct tt_bus_local_node *target, struct tt_buffer *chunk, bool overflowed,
                      size_t queue_bytes_max)
{
    pthread_mutex_lock(&target->lock);
    bool was_empty = target->queue.size == 0 && !target->gap;
    if (target->queue.size + chunk->size > queue_bytes_max)
        overflowed = true;
    else if (target->queue.size == 0) {
        struct tt_buffer empty = target->queue;
        target->queue = *chunk;
        *chunk = empty;
    } else
        tt_buffer_add(&target->queue, tt_buffer_slice(chunk));
    target->gap |= overflowed;
    pthread_mutex_unlock(&target->lock);
    if (was_empty)
        target->wake(target->sink.context);
}

static void flush(void *self)
{
    struct tt_bus_local_node *node = self;
    struct tt_bus_local *bus = node->bus;
    for (uint32_t i = 0; i < bus->node_count; i++) {
        if (node->chunks[i].size == 0 && !node->overflowed[i])
            continue;
        hand_over(&bus->nodes[i], &node->chunks[i], node->overflowed[i], bus->queue_bytes_max);
        node->chunks[i].size = 0;
        node->overflowed[i] = false;
    }
}

struct tt_bus_port tt_bus_local_port(struct tt_bus_local_node *node)
{
    return (struct tt_bus_port){.self = node, .send = send_hint, .flush = flush};
}

size_t tt_bus_local_receive(struct tt_bus_local_node *node)
{
    pthread_mutex_lock(&node->lock);
    struct tt_buffer taken = node->queue;
    node->queue = node->reading;
    node->reading = taken;
    bool gap = node->gap;
    node->gap = false;
    pthread_mutex_unlock(&node->lock);

    size_t count = 0;
    for (size_t at = 0; at < taken.size; count++) {
        uint32_t size;
        memcpy(&size, taken.data + at, sizeof(size));
        at += sizeof(size);
        node->sink.hint(node->sink.context, tt_slice(taken.data + at, size));
        at += size;
    }
    node->reading.size = 0;
    if (node->reading.capacity > KEPT_BYTES_MAX)
        tt_buffer_deinit(&node->reading);
    if (gap) {
        node->sink.gap(node->sink.context);
        count++;
    }
    return count;
}
