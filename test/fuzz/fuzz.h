/*
 * fuzz: what every fuzz target defines. Linked with libFuzzer it is fed by it; linked with
 * replay.c it is fed the files named on the command line, which is how ./check replays a corpus.
 *
 * A target returns 0; what it finds, it finds by an assertion or a sanitizer.
 */
#ifndef TT_TEST_FUZZ_FUZZ_H
#define TT_TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
