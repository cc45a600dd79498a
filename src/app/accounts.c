#include "app/accounts.h"

#include <string.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"

#define THREADS   2
#define QUEUE_MAX 64

enum tt_accounts tt_accounts_of(const struct tt_config *config)
{
    if (strcmp(config->accounts, "open") == 0)
        return TT_ACCOUNTS_OPEN;
    return strcmp(config->accounts, "invite") == 0 ? TT_ACCOUNTS_INVITE : TT_ACCOUNTS_OFF;
}

tt_err tt_accounts_open(struct tt_accounts_service *service, const struct tt_config *config,
                        const struct tt_desk_owner *owner, void (*done)(struct tt_account_ask *ask),
                        uint64_t hash_seed)
{
    struct tt_desk_owner whole = *owner;
    whole.fill = tt_entropy_os_fill;
    whole.memory = (size_t)config->password_bytes;
    whole.compares = tt_accounts_of(config) != TT_ACCOUNTS_OFF;
    TT_TRY(tt_desk_create(&whole, &service->desk));
    if (!whole.compares)
        return TT_OK;
    const struct tt_account_pool_options options = {
        .desk = service->desk,
        .thread_count = THREADS,
        .queue_max = QUEUE_MAX,
        .by_account = {(uint32_t)config->login_tries, (uint32_t)config->login_pause_ms},
        .by_address = {(uint32_t)config->address_tries, (uint32_t)config->address_pause_ms},
        .registrations = {(uint32_t)config->register_tries, (uint32_t)config->register_pause_ms},
        .hash_seed = hash_seed,
        .clock = tt_clock_os(),
        .done = done,
    };
    service->pool = tt_account_pool_create(&options);
    return TT_OK;
}

void tt_accounts_listen(struct tt_accounts_service *service, const struct tt_config *config,
                        const struct tt_control_helper *helper, const struct tt_log *log)
{
    service->control = tt_control_open(config->data, service->desk, helper, log);
}

void tt_accounts_close(struct tt_accounts_service *service)
{
    if (service->control != NULL)
        tt_control_close(&service->control);
    if (service->pool != NULL)
        tt_account_pool_destroy(&service->pool);
    if (service->desk != NULL)
        tt_desk_destroy(&service->desk);
}
