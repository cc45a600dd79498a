#include "edge/account.h"

#include <string.h>

#include "base/json.h"

enum { USER, PASSWORD, DEVICE, INVITE, KEYS };

static const char *const keys[KEYS] = {"user_id", "password", "device_id", "invite"};

static tt_err refuse(struct tt_problem *problem, int key, const char *text)
{
    *problem = (struct tt_problem){keys[key], text};
    return TT_FAIL(INVALID);
}

static tt_err read_password(struct tt_json value, struct tt_account_ask *ask,
                            struct tt_problem *problem)
{
    size_t size;
    if (value.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    if (value.kind != TT_JSON_STRING)
        return TT_FAIL(BAD_TYPE);
    if (!tt_json_measure(value.text, &size))
        return refuse(problem, PASSWORD, "a password has no lone surrogates");
    if (size > TT_PASSWORD_BYTES_MAX)
        return refuse(problem, PASSWORD, "a password has at most 1024 bytes");
    if (ask->kind == TT_ASK_REGISTER && size < TT_PASSWORD_BYTES_MIN)
        return refuse(problem, PASSWORD, "choose a password of at least 8 bytes");
    struct tt_buffer text = {0};
    tt_json_unescape(value.text, &text);
    ask->password_size = text.size;
    if (text.size > 0) {
        memcpy(ask->password, text.data, text.size);
        explicit_bzero(text.data, text.size);
    }
    tt_buffer_deinit(&text);
    return TT_OK;
}

tt_err tt_account_read(struct tt_slice body, struct tt_account_ask *ask, struct tt_slice *invite,
                       struct tt_problem *problem)
{
    struct tt_json values[KEYS];
    *problem = (struct tt_problem){NULL, NULL};
    *invite = TT_SLICE_EMPTY;
    TT_TRY(tt_json_read_object(body, keys, KEYS, values));
    problem->key = keys[USER];
    TT_TRY(tt_json_get_id(values[USER], &ask->user));
    problem->key = keys[PASSWORD];
    TT_TRY(read_password(values[PASSWORD], ask, problem));
    problem->key = keys[DEVICE];
    if (values[DEVICE].kind != TT_JSON_ABSENT)
        TT_TRY(tt_json_get_id(values[DEVICE], &ask->device));
    problem->key = keys[INVITE];
    if (values[INVITE].kind == TT_JSON_STRING)
        *invite = values[INVITE].text;
    else if (values[INVITE].kind != TT_JSON_ABSENT)
        return TT_FAIL(BAD_TYPE);
    return TT_OK;
}
