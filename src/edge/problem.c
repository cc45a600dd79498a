#include "edge/problem.h"

#define MESSAGE_SIZE_MAX 256

void tt_put_error_keys(struct tt_json_writer *json, tt_err err, const struct tt_problem *problem)
{
    const char *key = problem == NULL ? NULL : problem->key;
    const char *text = problem == NULL || problem->text == NULL ? tt_err_text(err) : problem->text;
    const char *parts[] = {key == NULL ? "" : key, key == NULL ? "" : ": ", text};
    char message[MESSAGE_SIZE_MAX];
    size_t size = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t part = strlen(parts[i]);
        TT_ASSERT(part <= sizeof(message) - size);
        memcpy(message + size, parts[i], part);
        size += part;
    }
    tt_json_put_text(json, "code", tt_err_wire(err));
    tt_json_put_string(json, "message", tt_slice(message, size));
}

void tt_write_http_error(tt_err err, const struct tt_problem *problem, struct tt_buffer *body)
{
    struct tt_json_writer json = {.out = body};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "error");
    tt_put_error_keys(&json, err, problem);
    tt_json_end_object(&json);
    tt_json_end_object(&json);
}
