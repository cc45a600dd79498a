/*
 * credential_process: the command of a profile that prints credentials as JSON, run by the shell,
 * as AWS's SDKs do. Never waited for: its owner looks at it now and then.
 */
#ifndef TT_ADAPTER_DYNAMODB_CREDENTIAL_PROCESS_H
#define TT_ADAPTER_DYNAMODB_CREDENTIAL_PROCESS_H

#include <stdbool.h>

#include "base/slice.h"

struct tt_aws_process;

enum tt_aws_process_state { TT_AWS_RUNNING, TT_AWS_FAILED, TT_AWS_PRINTED };

/* NULL: it cannot be started. */
struct tt_aws_process *tt_aws_process_start(const char *command);

/* PRINTED: it has ended well, and `printed` is what it said; lives as long as the process. */
enum tt_aws_process_state tt_aws_process_look(struct tt_aws_process *process,
                                              struct tt_slice *printed);

/* Sets *process to NULL; kills it if it still runs. */
void tt_aws_process_destroy(struct tt_aws_process **process);

#endif
