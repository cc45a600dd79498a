#include "edge/forwarded.h"

static bool is_named(const struct tt_http1_field *field, const char *name)
{
    return tt_http1_is(field->name, name);
}

/* The last element of the list, without space around; the list becomes what stands before it. */
static struct tt_slice take_last(struct tt_slice *list)
{
    size_t start = list->size;
    if (start == 0)
        return TT_SLICE_EMPTY;
    while (start > 0 && list->data[start - 1] != ',')
        start--;
    struct tt_slice last = tt_slice_from(*list, start);
    list->size = start > 0 ? start - 1 : 0;
    while (last.size > 0 && (last.data[0] == ' ' || last.data[0] == '\t'))
        last = tt_slice_from(last, 1);
    while (last.size > 0 && (last.data[last.size - 1] == ' ' || last.data[last.size - 1] == '\t'))
        last.size--;
    return last;
}

/* 192.0.2.1, 192.0.2.1:4711, 2001:db8::1 or [2001:db8::1]:4711: proxies write all of them. */
static bool parse(struct tt_slice text, struct tt_ip *ip)
{
    const char *end;
    if (text.size == 0)
        return false;
    if (text.data[0] == '[') {
        end = memchr(text.data, ']', text.size);
        return end != NULL &&
               tt_ip_parse(tt_slice(text.data + 1, (size_t)(end - text.data) - 1), ip);
    }
    end = memchr(text.data, ':', text.size);
    size_t before = end == NULL ? text.size : (size_t)(end - text.data);
    bool has_port = end != NULL && memchr(end + 1, ':', text.size - before - 1) == NULL;
    return tt_ip_parse(tt_slice(text.data, has_port ? before : text.size), ip);
}

struct tt_ip tt_forwarded_client(const struct tt_networks *trusted, const struct tt_ip *peer,
                                 const struct tt_http1_request *request)
{
    struct tt_ip client = *peer;
    for (size_t i = request->field_count; i > 0; i--) {
        const struct tt_http1_field *field = &request->fields[i - 1];
        struct tt_slice list = field->value;
        if (!is_named(field, "x-forwarded-for"))
            continue;
        while (list.size > 0) {
            struct tt_ip named;
            if (!tt_networks_have(trusted, &client) || !parse(take_last(&list), &named))
                return client;
            client = named;
        }
    }
    return client;
}

bool tt_forwarded_is_https(const struct tt_networks *trusted, const struct tt_ip *peer,
                           const struct tt_http1_request *request)
{
    struct tt_slice list = TT_SLICE_EMPTY;
    if (!tt_networks_have(trusted, peer))
        return false;
    for (size_t i = 0; i < request->field_count; i++)
        if (is_named(&request->fields[i], "x-forwarded-proto"))
            list = request->fields[i].value;
    return tt_http1_is(take_last(&list), "https");
}
