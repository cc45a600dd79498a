#include "fuzz.h"

#include "net/proxy_header.h"

/* What is read does not depend on how it was cut, and never reaches behind what is there: the first
 * prefix that decides has the last word, and what follows a header changes nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_proxy_header whole;
    struct tt_proxy_header part;
    enum tt_proxy_result result = tt_proxy_header_read(tt_slice(data, size), &whole);
    TT_ASSERT(size < TT_PROXY_HEADER_SIZE_MAX || result != TT_PROXY_MORE);
    if (result == TT_PROXY_DONE)
        TT_ASSERT(whole.size > 0 && whole.size <= size && whole.size <= TT_PROXY_HEADER_SIZE_MAX);
    for (size_t cut = 0; cut < size; cut++) {
        enum tt_proxy_result early = tt_proxy_header_read(tt_slice(data, cut), &part);
        if (early == TT_PROXY_MORE)
            continue;
        TT_ASSERT(early == result);
        TT_ASSERT(early != TT_PROXY_DONE ||
                  (part.size == whole.size && part.size == cut &&
                   part.is_proxied == whole.is_proxied && tt_ip_eq(&part.client, &whole.client)));
        break;
    }
    return 0;
}
