#include "registry_contract.h"

#include "base/memory.h"
#include "sim/fake_registry.h"

struct subject {
    struct tt_agenda agenda;
    struct tt_fake_registry *registry;
};

static void *create(void)
{
    struct subject *subject = tt_alloc(sizeof(*subject));
    struct tt_fake_registry_options options = {.seed = 1, .latency_us = 1000};
    tt_agenda_init(&subject->agenda, 0);
    subject->registry = tt_fake_registry_create(&subject->agenda, &options);
    return subject;
}

static void destroy(void *given)
{
    struct subject *subject = given;
    tt_agenda_deinit(&subject->agenda);
    tt_fake_registry_destroy(&subject->registry);
    tt_free(subject);
}

static struct tt_registry_port attach(void *given, const struct tt_place *place,
                                      const struct tt_registry_sink *sink)
{
    struct subject *subject = given;
    tt_fake_registry_up(subject->registry, place);
    return tt_fake_registry_attach(subject->registry, place, *sink);
}

static void settle(void *given)
{
    struct subject *subject = given;
    while (tt_agenda_step(&subject->agenda, subject->agenda.now_us + TT_US_PER_S))
        continue;
}

int main(void)
{
    const struct tt_registry_factory factory = {"fake", create, destroy, attach, settle};
    return tt_registry_contract_run(&factory);
}
