/*
 * err: every way an operation can fail, in one table.
 *
 * A tt_err is a struct so that an int, a bool and an error cannot be mixed up by accident.
 * Programmer errors are not here: those are TT_ASSERTs. The text is what a client or an operator
 * reads, so it says what went wrong and what to do.
 */
#ifndef TT_BASE_ERR_H
#define TT_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

/* name, who can do something about it, wire code, HTTP status, text */
#define TT_ERR_MAP(X)                                                                              \
    X(OK, NOBODY, "", 200, "ok")                                                                   \
    X(NOT_JSON, CLIENT, "invalid_argument", 400, "this is not valid JSON; send one JSON object")   \
    X(NOT_OBJECT, CLIENT, "invalid_argument", 400, "send one JSON object")                         \
    X(KEY_MISSING, CLIENT, "invalid_argument", 400, "a required key is missing")                   \
    X(TOO_DEEP, CLIENT, "invalid_argument", 400,                                                   \
      "this JSON is nested deeper than 64 objects and arrays")                                     \
    X(BAD_TYPE, CLIENT, "invalid_argument", 400, "a value has the wrong type")                     \
    X(UNKNOWN_FRAME, CLIENT, "invalid_argument", 400, "this frame type is unknown")                \
    X(BAD_ID, CLIENT, "invalid_argument", 400, "an id is 1 to 64 bytes of A-Z a-z 0-9 _ - . : @")  \
    X(BAD_SEQ, CLIENT, "invalid_argument", 400, "a seq is an integer from 1 to 2^53-1")            \
    X(BAD_TIME, CLIENT, "invalid_argument", 400,                                                   \
      "a time is RFC 3339 in UTC, like 2024-01-15T09:42:00.000Z")                                  \
    X(BAD_CONTENT, CLIENT, "invalid_argument", 400,                                                \
      "content is a JSON string of at least 1 byte, without lone surrogates")                      \
    X(BAD_MEMBERS, CLIENT, "invalid_argument", 400,                                                \
      "members must hold you; a direct conversation has exactly two different members")            \
    X(BAD_QUERY, CLIENT, "invalid_argument", 400, "a query parameter has a bad value")             \
    X(INVALID, CLIENT, "invalid_argument", 400, "a value is out of range")                         \
    X(UNAUTHENTICATED, CLIENT, "unauthenticated", 401,                                             \
      "the token is missing, invalid or expired; get a fresh one")                                 \
    X(BAD_LOGIN, CLIENT, "unauthenticated", 401,                                                   \
      "this user_id and this password do not belong together")                                     \
    X(ORIGIN, CLIENT, "permission_denied", 403,                                                    \
      "this Origin is not allowed; the operator can allow it with --allow-origin")                 \
    X(PERMISSION_DENIED, CLIENT, "permission_denied", 403, "you may not do this")                  \
    X(NOT_FOUND, CLIENT, "not_found", 404, "there is no such thing, or it is not yours")           \
    X(METHOD, CLIENT, "invalid_argument", 405, "this method is not supported here")                \
    X(TOO_BIG, CLIENT, "payload_too_large", 413, "this is larger than the server allows")          \
    X(RATE_LIMITED, CLIENT, "rate_limited", 429, "too fast; retry after the time given")           \
    X(CONFLICT, CLIENT, "conflict", 409, "this id is taken by something else")                     \
    X(TOO_MANY_DEVICES, CLIENT, "conflict", 409,                                                   \
      "this user has linked as many devices as allowed; unlink one with DELETE /device/{id}")      \
    X(TOO_MANY_ADDRESSES, CLIENT, "conflict", 409,                                                 \
      "as many devices of this user as allowed have a push address; POST /push/test names them, "  \
      "and DELETE /device/{id}/push removes one's")                                                \
    X(TOO_MANY_CONVERSATIONS, CLIENT, "conflict", 409,                                             \
      "a member takes part in as many conversations as allowed")                                   \
    X(TOO_MANY_MEMBERS, CLIENT, "invalid_argument", 400,                                           \
      "this is more members than a conversation may have")                                         \
    X(ACK_AHEAD, CLIENT, "ack_ahead", 409,                                                         \
      "this device was not yet handed everything up to there")                                     \
    X(FENCED, CLIENT, "conflict", 409, "this device has connected again; the newer socket wins")   \
    X(UNAVAILABLE, RETRY, "unavailable", 503,                                                      \
      "the outcome is unknown; retry with the same client_id")                                     \
    X(DISK_LOW, RETRY, "unavailable", 503, "the server is short of disk space; retry later")       \
    X(OVERLOADED, RETRY, "unavailable", 503, "the server is overloaded; retry with backoff")       \
    X(DRAINING, RETRY, "unavailable", 503, "the server is restarting; reconnect with jitter")      \
    X(IO, OPERATOR, "internal", 500, "an I/O operation failed")                                    \
    X(CORRUPT, OPERATOR, "internal", 500, "a stored record is damaged; see the server's log")      \
    X(INTERNAL, OPERATOR, "internal", 500, "something is wrong in the server; see its log")

enum tt_err_code {
#define X(name, who, wire, http, text) TT_ERR_##name,
    TT_ERR_MAP(X)
#undef X
};

enum tt_err_who { TT_ERR_NOBODY, TT_ERR_CLIENT, TT_ERR_RETRY, TT_ERR_OPERATOR };

typedef struct {
    uint8_t code; /* enum tt_err_code */
} tt_err;

#define TT_MUST_CHECK __attribute__((warn_unused_result))
#define TT_OK         ((tt_err){TT_ERR_OK})
#define TT_FAIL(name) ((tt_err){TT_ERR_##name})

/* The only macro in this code base that hides control flow. */
#define TT_TRY(expr)                                                                               \
    do {                                                                                           \
        tt_err try_err_ = (expr);                                                                  \
        if (!tt_is_ok(try_err_))                                                                   \
            return try_err_;                                                                       \
    } while (0)

static inline bool tt_is_ok(tt_err err)
{
    return err.code == TT_ERR_OK;
}

static inline bool tt_err_is(tt_err err, enum tt_err_code code)
{
    return err.code == (uint8_t)code;
}

enum tt_err_who tt_err_who(tt_err err);
const char *tt_err_wire(tt_err err);
int tt_err_http(tt_err err);
const char *tt_err_text(tt_err err);

#endif
