/*
 * static: the files of the web client, as they were built into the program.
 *
 * Each is there as it is and compressed; which one goes out is the request's choice. A file whose
 * name holds its hash may be kept for ever, any other is asked for again by its ETag. A file set is
 * a table that the build makes; it is empty in a program that was built without the client.
 */
#ifndef TT_EDGE_STATIC_H
#define TT_EDGE_STATIC_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "net/http1.h"

struct tt_static_file {
    const char *path; /* "/index.html" */
    const char *content_type;
    const char *etag; /* with its quotes */
    bool immutable;   /* the name changes with the content */
    struct tt_slice plain;
    struct tt_slice gzip;   /* empty: not worth it */
    struct tt_slice brotli; /* likewise */
};

struct tt_static_files {
    const struct tt_static_file *files; /* ascending by path */
    size_t count;
};

/* NULL if there is none. "/" is "/index.html". */
const struct tt_static_file *tt_static_find(const struct tt_static_files *files,
                                            struct tt_slice path);

/* Adds the header fields of the answer and sets its body; returns the status: 200 or 304. */
int tt_static_answer(const struct tt_static_file *file, const struct tt_http1_request *request,
                     struct tt_buffer *fields, struct tt_slice *body);

#endif
