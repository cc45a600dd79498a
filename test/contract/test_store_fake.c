#include "contract/store_contract.h"

#include "base/memory.h"
#include "sim/fake_store.h"

struct subject {
    struct tt_agenda agenda;
    struct tt_fake_store *store;
    struct tt_store_port nodes[2];
    size_t under_way;
};

static void done(void *context, struct tt_store_op *op)
{
    (void)op; /* it is the suite's */
    ((struct subject *)context)->under_way--;
}

static void attach(struct subject *subject)
{
    for (size_t i = 0; i < 2; i++)
        subject->nodes[i] =
            tt_fake_store_attach(subject->store, 0, (struct tt_store_sink){subject, done});
}

static void *create(void *context)
{
    (void)context;
    struct subject *subject = tt_alloc(sizeof(*subject));
    struct tt_fake_store_options options = {
        .seed = 1,
        .keeps_order = true,
        .embedded = true,
        .latency_us = 1000,
    };
    tt_agenda_init(&subject->agenda, 0);
    subject->store = tt_fake_store_create(&subject->agenda, &options);
    attach(subject);
    return subject;
}

static void destroy(void *given)
{
    struct subject *subject = given;
    tt_agenda_deinit(&subject->agenda);
    tt_fake_store_destroy(&subject->store);
    tt_free(subject);
}

static void submit(void *given, unsigned node, struct tt_store_op *const *ops, size_t count)
{
    struct subject *subject = given;
    subject->under_way += count;
    subject->nodes[node].submit(subject->nodes[node].self, ops, count);
}

static void wait(void *given)
{
    struct subject *subject = given;
    while (subject->under_way > 0)
        TT_ASSERT(tt_agenda_step(&subject->agenda, UINT64_MAX));
}

static void reopen(void *given)
{
    struct subject *subject = given;
    tt_fake_store_process_died(subject->store, 0);
    attach(subject);
}

static void set_disk_low(void *given, bool low)
{
    struct subject *subject = given;
    tt_fake_store_faults(subject->store)->disk_low = low;
}

int main(void)
{
    const struct tt_store_subject subject = {
        .name = "fake",
        .knows_settled = true,
        .create = create,
        .destroy = destroy,
        .submit = submit,
        .wait = wait,
        .reopen = reopen,
        .set_disk_low = set_disk_low,
    };
    return tt_store_contract_run(&subject);
}
