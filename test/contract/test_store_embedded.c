/*
 * The embedded store twice: with all ops submitted, and with what it knows answered at once.
 */
#include "contract/embedded_subject.h"

#include <stdio.h>

#define ANSWERED_MIN 100

int main(void)
{
    size_t answered = 0;
    struct tt_store_subject asked_first = tt_embedded_subject;
    asked_first.name = "store contract: embedded, answered at once";
    asked_first.context = &answered;
    int failed = tt_store_contract_run(&tt_embedded_subject) + tt_store_contract_run(&asked_first);
    if (answered >= ANSWERED_MIN)
        return failed;
    fprintf(stderr, "only %zu ops were answered at once\n", answered);
    return 1;
}
