#include "adapter/dynamodb/push_row.h"

#include <openssl/sha.h>

#include "adapter/dynamodb/parts.h"
#include "base/base64url.h"
#include "base/json_writer.h"

#define TOKEN_ROW "token"

struct tt_slice tt_ddb_escape(struct tt_ddb_work *work, struct tt_slice text)
{
    struct tt_buffer quoted = {0};
    struct tt_json_writer json = {.out = &quoted};
    tt_json_put_string(&json, NULL, text);
    struct tt_slice raw = tt_arena_copy(&work->arena, tt_slice(quoted.data + 1, quoted.size - 2));
    tt_buffer_deinit(&quoted);
    return raw;
}

struct tt_slice tt_ddb_unescape(struct tt_slice raw, struct tt_arena *arena)
{
    struct tt_buffer text = {0};
    tt_json_unescape(raw, &text);
    struct tt_slice copy = tt_arena_copy(arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return copy;
}

static struct tt_ddb_value encoded(struct tt_ddb_work *work, struct tt_slice bytes)
{
    struct tt_buffer text = {0};
    tt_base64url_encode(bytes, &text);
    struct tt_ddb_value value = tt_ddb_text(tt_arena_copy(&work->arena, tt_buffer_slice(&text)));
    tt_buffer_deinit(&text);
    return value;
}

static struct tt_slice decoded(struct tt_json item, const char *name, struct tt_arena *arena)
{
    struct tt_slice text = tt_ddb_get_raw(item, name);
    size_t size;
    unsigned char *bytes = tt_arena_alloc(arena, TT_BASE64URL_DECODED_MAX(text.size));
    if (!tt_base64url_decode(text, bytes, &size))
        return TT_SLICE_EMPTY;
    return tt_slice((const char *)bytes, size);
}

/* "#" and the digest of provider and token: a token is longer than a key may be. */
static struct tt_ddb_value token_key(struct tt_ddb_work *work,
                                     const struct tt_push_address *address)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct tt_buffer text = {0};
    tt_buffer_add_text(&text, tt_push_provider_name(address->provider));
    tt_buffer_add_byte(&text, ':');
    tt_buffer_add(&text, address->token);
    SHA256((const unsigned char *)text.data, text.size, digest);
    text.size = 0;
    tt_buffer_add_byte(&text, '#');
    tt_base64url_encode(tt_slice((const char *)digest, sizeof(digest)), &text);
    struct tt_ddb_value key = tt_ddb_text(tt_arena_copy(&work->arena, tt_buffer_slice(&text)));
    tt_buffer_deinit(&text);
    return key;
}

static struct tt_ddb_request *about_token(struct tt_ddb_work *work, enum tt_ddb_verb verb,
                                          const struct tt_push_address *address)
{
    return tt_ddb_new(work, verb, TT_DDB_PUSH_ADDRESSES, token_key(work, address),
                      tt_ddb_text(TT_SLICE_LITERAL(TOKEN_ROW)));
}

static struct tt_ddb_request *about_device(struct tt_ddb_work *work, enum tt_ddb_verb verb,
                                           const tt_id *user, const tt_id *device)
{
    return tt_ddb_new(work, verb, TT_DDB_PUSH_ADDRESSES, tt_ddb_id(user), tt_ddb_id(device));
}

bool tt_ddb_push_read(struct tt_json item, struct tt_arena *arena,
                      struct tt_device_address *address)
{
    struct tt_slice name = tt_ddb_get_raw(item, "provider");
    *address = (struct tt_device_address){.device = tt_ddb_get_id(item, "device_id")};
    for (enum tt_push_provider one = TT_PUSH_APNS; one <= TT_PUSH_WEBPUSH; one++)
        if (tt_json_string_is(name, tt_push_provider_name(one)))
            address->address.provider = one;
    address->address.sandbox = tt_ddb_get(item, "sandbox", 'B').kind == TT_JSON_TRUE;
    address->address.token = tt_ddb_unescape(tt_ddb_get_raw(item, "token"), arena);
    address->address.p256dh = decoded(item, "p256dh", arena);
    address->address.auth = decoded(item, "auth", arena);
    address->address.registered_at = tt_ddb_get_time(item, "registered_at");
    return address->address.provider != TT_PUSH_NONE;
}

struct tt_ddb_request *tt_ddb_push_put(struct tt_ddb_work *work, const tt_id *user,
                                       const tt_id *device, const struct tt_push_address *address)
{
    struct tt_ddb_request *put = about_device(work, TT_DDB_PUT, user, device);
    tt_ddb_set(put, "provider",
               tt_ddb_text(tt_slice_text(tt_push_provider_name(address->provider))));
    tt_ddb_set(put, "token", tt_ddb_raw(tt_ddb_escape(work, address->token)));
    tt_ddb_set(put, "registered_at", tt_ddb_time(work, address->registered_at));
    if (address->sandbox)
        tt_ddb_set(put, "sandbox", tt_ddb_json(TT_SLICE_LITERAL("{\"BOOL\":true}")));
    if (address->p256dh.size > 0)
        tt_ddb_set(put, "p256dh", encoded(work, address->p256dh));
    if (address->auth.size > 0)
        tt_ddb_set(put, "auth", encoded(work, address->auth));
    return put;
}

struct tt_ddb_request *tt_ddb_token_put(struct tt_ddb_work *work, const tt_id *user,
                                        const tt_id *device, const struct tt_push_address *address)
{
    struct tt_ddb_request *put = about_token(work, TT_DDB_PUT, address);
    tt_ddb_set(put, "owner_user", tt_ddb_id(user));
    tt_ddb_set(put, "owner_device", tt_ddb_id(device));
    return put;
}

struct tt_ddb_request *tt_ddb_token_get(struct tt_ddb_work *work,
                                        const struct tt_push_address *address)
{
    return about_token(work, TT_DDB_GET, address);
}

bool tt_ddb_token_has(const struct tt_ddb_answer *answer, tt_id *user, tt_id *device)
{
    if (answer->item_count == 0)
        return false;
    *user = tt_ddb_get_id(answer->items[0], "owner_user");
    *device = tt_ddb_get_id(answer->items[0], "owner_device");
    return !tt_id_is_none(user) && !tt_id_is_none(device);
}

struct tt_ddb_request *tt_ddb_push_delete(struct tt_ddb_work *work, const tt_id *user,
                                          const tt_id *device, struct tt_slice token)
{
    struct tt_ddb_request *drop = about_device(work, TT_DDB_DELETE, user, device);
    tt_ddb_only_if(drop, TT_DDB_EQUAL, "token", tt_ddb_raw(tt_ddb_escape(work, token)));
    return drop;
}

struct tt_ddb_request *tt_ddb_token_delete(struct tt_ddb_work *work, const tt_id *user,
                                           const tt_id *device,
                                           const struct tt_push_address *address)
{
    struct tt_ddb_request *drop = about_token(work, TT_DDB_DELETE, address);
    tt_ddb_only_if(drop, TT_DDB_EQUAL, "owner_user", tt_ddb_id(user));
    tt_ddb_only_if(drop, TT_DDB_EQUAL, "owner_device", tt_ddb_id(device));
    return drop;
}

tt_err tt_ddb_push_forget(struct tt_ddb_work *work, const tt_id *user, const tt_id *device,
                          bool *was_there)
{
    struct tt_device_address had;
    const struct tt_ddb_answer *found =
        tt_ddb_ask(work, about_device(work, TT_DDB_GET, user, device));
    TT_TRY(tt_ddb_known(found));
    *was_there = found->item_count > 0 && tt_ddb_push_read(found->items[0], &work->arena, &had);
    if (!*was_there)
        return TT_OK;
    TT_TRY(
        tt_ddb_known(tt_ddb_ask(work, tt_ddb_push_delete(work, user, device, had.address.token))));
    return tt_ddb_known(tt_ddb_ask(work, tt_ddb_token_delete(work, user, device, &had.address)));
}
