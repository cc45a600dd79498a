#include "model/account_ask.h"

#include <string.h>

#include "base/memory.h"

struct tt_account_ask *tt_account_ask_create(void)
{
    return tt_alloc(sizeof(struct tt_account_ask));
}

void tt_account_ask_destroy(struct tt_account_ask **take_ask)
{
    explicit_bzero(*take_ask, sizeof(**take_ask));
    tt_free(*take_ask);
    *take_ask = NULL;
}
