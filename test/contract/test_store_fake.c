#include "base/memory.h"
#include "contract/contract.h"
#include "sim/fake_store.h"

#define NODES     2
#define LATER_US  (3600ULL * TT_US_PER_S)
#define PROCESSES 64

struct fake {
    struct tt_agenda agenda;
    struct tt_fake_store *store;
    struct tt_store_port ports[NODES];
    uint32_t process;
    size_t under_way;
};

static void done(void *context, struct tt_store_op *op)
{
    struct fake *fake = context;
    (void)op;
    fake->under_way--;
}

static void attach(struct fake *fake)
{
    for (size_t i = 0; i < NODES; i++)
        fake->ports[i] =
            tt_fake_store_attach(fake->store, fake->process, (struct tt_store_sink){fake, done});
}

static void *create(void *context)
{
    (void)context;
    struct fake *fake = tt_alloc(sizeof(*fake));
    struct tt_fake_store_options options = {
        .seed = 1, .keeps_order = true, .embedded = true, .latency_us = 300};
    tt_agenda_init(&fake->agenda, 0);
    fake->store = tt_fake_store_create(&fake->agenda, &options);
    attach(fake);
    return fake;
}

static void destroy(void *store)
{
    struct fake *fake = store;
    tt_agenda_deinit(&fake->agenda);
    tt_fake_store_destroy(&fake->store);
    tt_free(fake);
}

static void submit(void *store, unsigned node, struct tt_store_op *const *ops, size_t count)
{
    struct fake *fake = store;
    fake->under_way += count;
    fake->ports[node].submit(fake->ports[node].self, ops, count);
}

static void wait_for_all(void *store)
{
    struct fake *fake = store;
    while (fake->under_way > 0)
        assert_true(tt_agenda_step(&fake->agenda, fake->agenda.now_us + LATER_US));
}

static void reopen(void *store)
{
    struct fake *fake = store;
    tt_fake_store_process_died(fake->store, fake->process++);
    assert_true(fake->process < PROCESSES);
    attach(fake);
}

static void set_disk_low(void *store, bool low)
{
    struct fake *fake = store;
    tt_fake_store_faults(fake->store)->disk_low = low;
}

int main(void)
{
    const struct tt_store_subject subject = {
        .name = "store contract: the simulator's fake",
        .create = create,
        .destroy = destroy,
        .submit = submit,
        .wait = wait_for_all,
        .reopen = reopen,
        .set_disk_low = set_disk_low,
    };
    return tt_store_contract_run(&subject);
}
