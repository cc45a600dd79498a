#include "contract/embedded_subject.h"

int main(void)
{
    return tt_store_contract_run(&tt_embedded_subject);
}
