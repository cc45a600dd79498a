#include "contract/store_contract.h"

#include "base/memory.h"
#include "contract/contract.h"

#define CASES_MAX 256

struct running {
    const struct tt_store_subject *subject;
    const struct contract_case *contract_case;
};

static void run_case(void **state)
{
    const struct running *running = *state;
    struct fixture f = {.subject = running->subject};
    f.store = f.subject->create(f.subject->context);
    running->contract_case->run(&f);
    for (size_t i = 0; i < f.op_count; i++)
        tt_store_op_destroy(&f.ops[i]);
    tt_free(f.ops);
    f.subject->destroy(f.store);
}

int tt_store_contract_run(const struct tt_store_subject *subject)
{
    const struct contract_case *const groups[] = {
        device_cases,  conversation_cases, message_cases, pending_cases, list_cases,
        history_cases, order_cases,        push_cases,    account_cases,
    };
    struct CMUnitTest tests[CASES_MAX];
    struct running running[CASES_MAX];
    size_t count = 0;
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        for (const struct contract_case *one = groups[g]; one->name != NULL; one++) {
            TT_ASSERT(count < CASES_MAX);
            running[count] = (struct running){subject, one};
            tests[count] = (struct CMUnitTest){one->name, run_case, NULL, NULL, &running[count]};
            count++;
        }
    return _cmocka_run_group_tests(subject->name, tests, count, NULL, NULL);
}
