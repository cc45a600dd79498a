#include "unit.h"

#include <pthread.h>

#include "adapter/bus_local.h"

#define HINTS   20000
#define SENDERS 3

struct receiver {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    int wakes;
    uint64_t next[SENDERS + 1]; /* by sender: the number that must come */
    size_t hints;
    size_t gaps;
};

static void wake(void *context)
{
    struct receiver *receiver = context;
    pthread_mutex_lock(&receiver->lock);
    receiver->wakes++;
    pthread_cond_signal(&receiver->woken);
    pthread_mutex_unlock(&receiver->lock);
}

static void hint(void *context, struct tt_slice bytes)
{
    struct receiver *receiver = context;
    uint64_t words[2];
    assert_int_equal(bytes.size, sizeof(words));
    memcpy(words, bytes.data, sizeof(words));
    assert_true(words[0] <= SENDERS);
    assert_int_equal(words[1], receiver->next[words[0]]);
    receiver->next[words[0]]++;
    receiver->hints++;
}

static void gap(void *context)
{
    struct receiver *receiver = context;
    receiver->gaps++;
}

static void receiver_init(struct receiver *receiver)
{
    *receiver = (struct receiver){.wakes = 0};
    pthread_mutex_init(&receiver->lock, NULL);
    pthread_cond_init(&receiver->woken, NULL);
}

static struct tt_place place(uint32_t node)
{
    return (struct tt_place){tt_id_of("ws_server_1"), 9, node};
}

static struct tt_bus_local_node *attach(struct tt_bus_local *bus, uint32_t node,
                                        struct receiver *receiver)
{
    struct tt_place here = place(node);
    struct tt_bus_sink sink = {receiver, hint, gap};
    return tt_bus_local_attach(bus, &here, &sink, wake);
}

static void send_number(struct tt_bus_local_node *node, uint64_t sender, uint64_t number)
{
    struct tt_bus_port port = tt_bus_local_port(node);
    uint64_t words[2] = {sender, number};
    struct tt_place to = place(0);
    port.send(port.self, &to, tt_slice(words, sizeof(words)));
}

static void flush(struct tt_bus_local_node *node)
{
    struct tt_bus_port port = tt_bus_local_port(node);
    port.flush(port.self);
}

static void a_turn_wakes_once_and_keeps_order(void **unused)
{
    (void)unused;
    struct receiver receivers[2];
    struct tt_bus_local *bus = tt_bus_local_create(2, 1024);
    receiver_init(&receivers[0]);
    receiver_init(&receivers[1]);
    struct tt_bus_local_node *zero = attach(bus, 0, &receivers[0]);
    struct tt_bus_local_node *one = attach(bus, 1, &receivers[1]);

    for (uint64_t i = 0; i < 10; i++)
        send_number(one, 1, i);
    assert_int_equal(receivers[0].wakes, 0);
    flush(one);
    send_number(one, 1, 10);
    flush(one);
    assert_int_equal(receivers[0].wakes, 1);
    assert_int_equal(tt_bus_local_receive(zero), 11);
    assert_int_equal(tt_bus_local_receive(zero), 0);
    flush(one);
    assert_int_equal(receivers[0].wakes, 1);
    tt_bus_local_destroy(&bus);
}

static void a_full_queue_drops_and_tells_of_a_gap(void **unused)
{
    (void)unused;
    struct receiver receivers[2];
    struct tt_bus_local *bus = tt_bus_local_create(2, 100);
    receiver_init(&receivers[0]);
    receiver_init(&receivers[1]);
    struct tt_bus_local_node *zero = attach(bus, 0, &receivers[0]);
    struct tt_bus_local_node *one = attach(bus, 1, &receivers[1]);

    for (uint64_t i = 0; i < 6; i++) { /* 20 bytes each: five fit */
        send_number(one, 1, i);
        flush(one);
    }
    assert_int_equal(tt_bus_local_receive(zero), 6);
    assert_int_equal(receivers[0].hints, 5);
    assert_int_equal(receivers[0].gaps, 1);

    receivers[0].next[1] = 0;
    for (uint64_t i = 0; i < 6; i++) /* the same within one turn */
        send_number(one, 1, i);
    flush(one);
    assert_int_equal(tt_bus_local_receive(zero), 6);
    assert_int_equal(receivers[0].gaps, 2);
    tt_bus_local_destroy(&bus);
}

static void a_place_of_an_earlier_start_hears_nothing(void **unused)
{
    (void)unused;
    struct receiver receiver;
    receiver_init(&receiver);
    struct tt_bus_local *bus = tt_bus_local_create(1, 1024);
    struct tt_bus_local_node *zero = attach(bus, 0, &receiver);
    struct tt_bus_port port = tt_bus_local_port(zero);
    struct tt_place earlier = place(0);
    earlier.incarnation--;
    struct tt_place beyond = place(5);
    port.send(port.self, &earlier, TT_SLICE_LITERAL("hint"));
    port.send(port.self, &beyond, TT_SLICE_LITERAL("hint"));
    port.flush(port.self);
    assert_int_equal(tt_bus_local_receive(zero), 0);
    tt_bus_local_destroy(&bus);
}

struct sender {
    struct tt_bus_local_node *node;
    uint64_t number;
};

static void *send_all(void *given)
{
    struct sender *sender = given;
    for (uint64_t i = 0; i < HINTS; i++) {
        send_number(sender->node, sender->number, i);
        if (i % 7 == 0)
            flush(sender->node);
    }
    flush(sender->node);
    return NULL;
}

/* Waits to be woken: a lost wake-up would hang the test. */
static void threads_lose_nothing(void **unused)
{
    (void)unused;
    struct receiver receivers[SENDERS + 1];
    struct tt_bus_local *bus = tt_bus_local_create(SENDERS + 1, 64 * 1024 * 1024);
    struct sender senders[SENDERS + 1];
    for (uint32_t i = 0; i <= SENDERS; i++) {
        receiver_init(&receivers[i]);
        senders[i] = (struct sender){attach(bus, i, &receivers[i]), i};
    }
    pthread_t threads[SENDERS + 1];
    for (int i = 1; i <= SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    struct receiver *receiver = &receivers[0];
    while (receiver->hints < (size_t)SENDERS * HINTS) {
        pthread_mutex_lock(&receiver->lock);
        while (receiver->wakes == 0)
            pthread_cond_wait(&receiver->woken, &receiver->lock);
        receiver->wakes = 0;
        pthread_mutex_unlock(&receiver->lock);
        tt_bus_local_receive(senders[0].node);
    }
    for (int i = 1; i <= SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(receiver->gaps, 0);
    tt_bus_local_destroy(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_wakes_once_and_keeps_order),
        cmocka_unit_test(a_full_queue_drops_and_tells_of_a_gap),
        cmocka_unit_test(a_place_of_an_earlier_start_hears_nothing),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
