#include "base/err.h"

#include <stddef.h>

#include "base/assert.h"

static const struct {
    enum tt_err_who who;
    int http;
    const char *wire;
    const char *text;
} table[] = {
#define X(name, who, wire, http, text) [TT_ERR_##name] = {TT_ERR_##who, http, wire, text},
    TT_ERR_MAP(X)
#undef X
};

enum tt_err_who tt_err_who(tt_err err)
{
    TT_ASSERT(err.code < sizeof(table) / sizeof(table[0]));
    return table[err.code].who;
}

const char *tt_err_wire(tt_err err)
{
    TT_ASSERT(err.code < sizeof(table) / sizeof(table[0]));
    return table[err.code].wire;
}

int tt_err_http(tt_err err)
{
    TT_ASSERT(err.code < sizeof(table) / sizeof(table[0]));
    return table[err.code].http;
}

const char *tt_err_text(tt_err err)
{
    TT_ASSERT(err.code < sizeof(table) / sizeof(table[0]));
    return table[err.code].text;
}
