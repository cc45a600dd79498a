/*
 * embedded_subject: an embedded store in a folder of its own, with two nodes attached, for tests.
 */
#ifndef TT_TEST_CONTRACT_EMBEDDED_SUBJECT_H
#define TT_TEST_CONTRACT_EMBEDDED_SUBJECT_H

#include <stdatomic.h>
#include <stdint.h>

#include "adapter/embedded/store.h"
#include "contract/store_contract.h"

#define TT_EMBEDDED_DIR_SIZE 256

struct tt_embedded_subject; /* what `create` makes */

extern const struct tt_store_subject tt_embedded_subject;

/* The folder that the store is in. */
const char *tt_embedded_subject_dir(const struct tt_embedded_subject *store);

/* Options for small files in that folder. */
struct tt_embedded_options tt_embedded_subject_options(const char *dir);

/* Makes an empty folder of that test's own, and removes it with all that is in it. */
void tt_embedded_make_dir(char dir[TT_EMBEDDED_DIR_SIZE]);
void tt_embedded_remove_dir(const char *dir);

/* An open store with its nodes, for tests that open it their own way. */
struct tt_embedded_rig;

struct tt_embedded_rig *tt_embedded_rig_open(const struct tt_embedded_options *options);
void tt_embedded_rig_close(struct tt_embedded_rig **rig);
void tt_embedded_rig_submit(struct tt_embedded_rig *rig, unsigned node,
                            struct tt_store_op *const *ops, size_t count);
bool tt_embedded_rig_answer(struct tt_embedded_rig *rig, unsigned node, struct tt_store_op *op);
void tt_embedded_rig_wait(struct tt_embedded_rig *rig);
struct tt_embedded_store *tt_embedded_rig_store(struct tt_embedded_rig *rig);

#endif
