/*
 * jobs: ops on their way to a store thread, each with where it goes back to. First in, first out.
 *
 * It holds what the nodes have in flight, which their core bounds.
 */
#ifndef TT_ADAPTER_EMBEDDED_JOBS_H
#define TT_ADAPTER_EMBEDDED_JOBS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "port/store.h"

struct tt_job {
    struct tt_store_op *op;
    const struct tt_store_sink *sink;
};

struct tt_jobs {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    struct tt_job *jobs;
    size_t first;
    size_t end;
    size_t room;
    bool stopped;
    bool nudged;
};

struct tt_job_list {
    struct tt_job *jobs;
    size_t count;
    size_t room;
};

void tt_jobs_init(struct tt_jobs *jobs);
void tt_jobs_deinit(struct tt_jobs *jobs);

/* Queues the ops that `wanted` wants. */
void tt_jobs_add(struct tt_jobs *jobs, const struct tt_store_sink *sink,
                 struct tt_store_op *const *ops, size_t count,
                 bool (*wanted)(enum tt_store_op_kind kind));

/* Makes tt_jobs_take_all return once, though there may be no jobs. */
void tt_jobs_nudge(struct tt_jobs *jobs);

/* Waits for jobs or a nudge; false: stopped, and none are left. The list is swapped for the queue's
 * own. */
bool tt_jobs_take_all(struct tt_jobs *jobs, struct tt_job_list *list);

/* Waits for jobs, and takes up to `max`, but leaves as many to others who take; 0: as above. */
size_t tt_jobs_take_some(struct tt_jobs *jobs, struct tt_job *taken, size_t max);

void tt_jobs_stop(struct tt_jobs *jobs);

static inline void tt_job_finish(const struct tt_job *job)
{
    job->sink->done(job->sink->context, job->op);
}

#endif
