#include "adapter/push/bell.h"

#include "base/memory.h"

#define DETAIL_SIZE_MAX   128
#define RETRY_AFTER_S_MAX 86400

static struct tt_slice copy(char **to, struct tt_slice bytes)
{
    struct tt_slice copied = tt_slice(*to, bytes.size);
    if (bytes.size > 0)
        memcpy(*to, bytes.data, bytes.size);
    *to += bytes.size;
    return copied;
}

struct tt_bell *tt_bell_create(const struct tt_notification *notification,
                               const struct tt_notifier_sink *sink)
{
    const struct tt_push_address *address = &notification->address;
    size_t size = address->token.size + address->p256dh.size + address->auth.size +
                  notification->sender_name.size + notification->title.size +
                  notification->content.size;
    struct tt_bell *bell = tt_alloc(sizeof(*bell) + size);
    struct tt_notification *own = &bell->notification;
    char *to = bell->bytes;
    *own = *notification;
    own->address.token = copy(&to, address->token);
    own->address.p256dh = copy(&to, address->p256dh);
    own->address.auth = copy(&to, address->auth);
    own->sender_name = copy(&to, notification->sender_name);
    own->title = copy(&to, notification->title);
    own->content = copy(&to, notification->content);
    bell->sink = *sink;
    return bell;
}

void tt_bell_destroy(struct tt_bell *bell)
{
    tt_free(bell);
}

static size_t make_plain(struct tt_slice text, char plain[DETAIL_SIZE_MAX])
{
    size_t size = text.size < DETAIL_SIZE_MAX ? text.size : DETAIL_SIZE_MAX;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        plain[i] = byte < ' ' || byte >= 0x7f || byte == '"' || byte == '\\' ? '?' : (char)byte;
    }
    return size;
}

static void tell(struct tt_bell *bell, struct tt_notified notified)
{
    char plain[DETAIL_SIZE_MAX];
    const struct tt_notification *about = &bell->notification;
    if (about->kind == TT_NOTIFY_RING) {
        notified.provider = about->address.provider;
        notified.user = about->user;
        notified.device = about->device;
        notified.conversation = about->conversation;
        notified.seq = about->seq;
        notified.token = about->address.token;
        notified.detail = tt_slice(plain, make_plain(notified.detail, plain));
        bell->sink.notified(bell->sink.context, &notified);
    }
    tt_bell_destroy(bell);
}

static void count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void tt_bell_accepted(struct tt_bell *bell, struct tt_slice id)
{
    count(&bell->counts->accepted);
    tell(bell, (struct tt_notified){.outcome = TT_NOTIFY_ACCEPTED, .detail = id});
}

void tt_bell_failed(struct tt_bell *bell, struct tt_slice reason)
{
    count(&bell->counts->failed);
    tell(bell, (struct tt_notified){.outcome = TT_NOTIFY_FAILED, .detail = reason});
}

void tt_bell_gone(struct tt_bell *bell, struct tt_slice reason, tt_time dead_since)
{
    count(&bell->counts->gone);
    tell(bell, (struct tt_notified){
                   .outcome = TT_NOTIFY_GONE, .detail = reason, .dead_since = dead_since});
}

void tt_bell_put_off(struct tt_bell *bell, struct tt_slice reason, uint32_t retry_after_ms)
{
    count(&bell->counts->put_off);
    tell(bell, (struct tt_notified){
                   .outcome = TT_NOTIFY_LATER, .detail = reason, .retry_after_ms = retry_after_ms});
}

void tt_bells_add(struct tt_bells *bells, struct tt_bell *bell)
{
    bell->next = NULL;
    if (bells->last == NULL)
        bells->first = bell;
    else
        bells->last->next = bell;
    bells->last = bell;
    bells->count++;
}

void tt_bells_add_front(struct tt_bells *bells, struct tt_bell *bell)
{
    bell->next = bells->first;
    bells->first = bell;
    if (bells->last == NULL)
        bells->last = bell;
    bells->count++;
}

struct tt_bell *tt_bells_take(struct tt_bells *bells)
{
    struct tt_bell *bell = bells->first;
    if (bell == NULL)
        return NULL;
    bells->first = bell->next;
    if (bells->first == NULL)
        bells->last = NULL;
    bells->count--;
    bell->next = NULL;
    return bell;
}

uint32_t tt_retry_after_ms(struct tt_slice value)
{
    uint32_t seconds = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return 0;
        seconds = seconds * 10 + (uint32_t)(value.data[i] - '0');
        if (seconds > RETRY_AFTER_S_MAX)
            return RETRY_AFTER_S_MAX * 1000U;
    }
    return seconds * 1000;
}
