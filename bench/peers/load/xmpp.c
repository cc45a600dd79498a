/*
 * xmpp: RFC 6120 and 6121 over plain TCP, SASL PLAIN, with receipts of XEP-0184.
 *
 * XMPP answers a message with nothing, so there is no `stored` here: one thing less for these
 * servers to do. A receipt has the hint `store` (XEP-0334) as clients send it, because the archive
 * would leave it out otherwise. What comes is not parsed as XML: nothing but messages with two
 * known children is of interest, and a content of x's cannot look like a tag.
 */
#include "load.h"

#include <openssl/evp.h>
#include <string.h>

#define HOST     "localhost"
#define PASSWORD "secret"

static void open_stream(struct load_end *end)
{
    load_add(&end->output, "<?xml version='1.0'?><stream:stream to='" HOST
                           "' xmlns='jabber:client' version='1.0' "
                           "xmlns:stream='http://etherx.jabber.org/streams'>");
    load_expect(end, "</stream:features>");
}

static void log_in(struct load_end *end)
{
    unsigned char base64[128];
    struct tt_buffer plain = {0}; /* RFC 4616 */
    tt_buffer_add_byte(&plain, '\0');
    tt_buffer_add_text(&plain, end->name);
    tt_buffer_add_byte(&plain, '\0');
    tt_buffer_add_text(&plain, PASSWORD);
    EVP_EncodeBlock(base64, (const unsigned char *)plain.data, (int)plain.size);
    tt_buffer_deinit(&plain);

    open_stream(end);
    load_add(&end->output,
             "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
             (const char *)base64);
    load_expect(end, "<success");
    load_expect(end, ">");
    open_stream(end);
    load_add(&end->output,
             "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<resource>bench</resource></bind></iq>");
    load_expect(end, "</iq>");
    load_add(&end->output, "<presence/>");
    load_expect(end, "<presence"); /* one's own comes back once it counts */
}

/* The value of `name='...'`, in whichever quotes; empty if it is not there. */
static struct tt_slice attribute(struct tt_slice element, const char *name)
{
    const char *at = load_find(element, name);
    if (at == NULL)
        return TT_SLICE_EMPTY;
    struct tt_slice rest = tt_slice_from(element, (size_t)(at - element.data) + strlen(name));
    if (rest.size < 2 || rest.data[0] != '=')
        return TT_SLICE_EMPTY;
    const char *end = memchr(rest.data + 2, rest.data[1], rest.size - 2);
    return end == NULL ? TT_SLICE_EMPTY : tt_slice(rest.data + 2, (size_t)(end - rest.data - 2));
}

static enum load_event look_at(struct tt_slice message, char mark[LOAD_MARK_SIZE])
{
    const char *received = load_find(message, "<received ");
    if (received != NULL) {
        struct tt_slice element = tt_slice_from(message, (size_t)(received - message.data));
        load_copy_mark(mark, attribute(element, " id"));
        return LOAD_RECEIPT;
    }
    if (load_find(message, "<request ") == NULL) {
        if (load_find(message, "type='error'") != NULL)
            load_die("an error came: %.*s", (int)message.size, message.data);
        return LOAD_OTHER;
    }
    load_copy_mark(mark, attribute(message, " id"));
    return LOAD_MESSAGE;
}

static enum load_event next(struct load_end *end, struct tt_slice input, size_t *used,
                            char mark[LOAD_MARK_SIZE])
{
    static const char start[] = "<message ";
    static const char stop[] = "</message>";
    (void)end;
    const char *from = load_find(input, start);
    if (from == NULL) {
        const size_t kept = sizeof(start) - 2; /* it may be cut anywhere */
        *used = input.size > kept ? input.size - kept : 0;
        return LOAD_NOTHING;
    }
    struct tt_slice rest = tt_slice_from(input, (size_t)(from - input.data));
    const char *to = load_find(rest, stop);
    if (to == NULL) {
        *used = (size_t)(from - input.data);
        return LOAD_NOTHING;
    }
    *used = (size_t)(to - input.data) + sizeof(stop) - 1;
    return look_at(tt_slice(from, (size_t)(to - from)), mark);
}

static void add_message(struct load_end *alice, const char *mark, struct tt_slice content)
{
    load_add(&alice->output, "<message to='%s@" HOST "' type='chat' id='%s'><body>", alice->peer,
             mark);
    tt_buffer_add(&alice->output, content);
    tt_buffer_add_text(&alice->output, "</body><request xmlns='urn:xmpp:receipts'/></message>");
}

static void add_receipt(struct load_end *bob, const char *mark)
{
    load_add(&bob->output,
             "<message to='%s@" HOST "' type='chat' id='r-%s'><received xmlns='urn:xmpp:receipts' "
             "id='%s'/><store xmlns='urn:xmpp:hints'/></message>",
             bob->peer, mark, mark);
}

const struct load_protocol load_xmpp = {
    .name = "xmpp",
    .log_in = log_in,
    .next = next,
    .add_message = add_message,
    .add_receipt = add_receipt,
};
