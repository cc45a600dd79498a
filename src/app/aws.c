#include "app/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/option.h"

static const char *variable(const char *first, const char *second)
{
    const char *value = getenv(first);
    if (value == NULL || value[0] == '\0')
        value = getenv(second);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool take_host(const char *at, struct tt_remote *remote)
{
    size_t size = at[0] == '[' ? strcspn(at, "]") : strcspn(at, ":/");
    size_t skipped = at[0] == '[' ? 1 : 0;
    if (size <= skipped || size - skipped > TT_HOST_SIZE_MAX)
        return false;
    memcpy(remote->host, at + skipped, size - skipped);
    remote->host[size - skipped] = '\0';
    at += size + (at[0] == '[' ? 1 : 0);
    remote->port = remote->tls ? 443 : 80;
    if (*at != ':')
        return *at == '\0' || strcmp(at, "/") == 0;
    char digits[8];
    size_t count = strcspn(at + 1, "/");
    uint64_t port;
    if (count == 0 || count >= sizeof(digits) || (at[1 + count] != '\0' && at[2 + count] != '\0'))
        return false;
    memcpy(digits, at + 1, count);
    digits[count] = '\0';
    if (!tt_option_parse_number(digits, &port) || port == 0 || port > UINT16_MAX)
        return false;
    remote->port = (uint16_t)port;
    return true;
}

static bool read_url(const char *url, struct tt_remote *remote)
{
    remote->tls = strncmp(url, "https://", 8) == 0;
    if (!remote->tls && strncmp(url, "http://", 7) != 0)
        return false;
    return take_host(url + (remote->tls ? 8 : 7), remote);
}

bool tt_aws_read_endpoint(struct tt_remote *remote, char region[32], char sentence[TT_AWS_SENTENCE])
{
    const char *url = variable("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL");
    const char *where = variable("AWS_REGION", "AWS_DEFAULT_REGION");
    if (where == NULL && url != NULL)
        where = "us-east-1";
    if (where == NULL || strlen(where) >= 32 ||
        strspn(where, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(where)) {
        snprintf(
            sentence, TT_AWS_SENTENCE,
            "set AWS_REGION, like eu-west-1, or AWS_ENDPOINT_URL_DYNAMODB for another service");
        return false;
    }
    snprintf(region, 32, "%s", where);
    if (url == NULL) {
        remote->tls = true;
        remote->port = 443;
        snprintf(remote->host, sizeof(remote->host), "dynamodb.%s.amazonaws.com", where);
        return true;
    }
    if (read_url(url, remote))
        return true;
    snprintf(sentence, TT_AWS_SENTENCE,
             "AWS_ENDPOINT_URL_DYNAMODB is \"%.200s\"; write it like http://127.0.0.1:8000 or "
             "https://dynamodb.example",
             url);
    return false;
}
