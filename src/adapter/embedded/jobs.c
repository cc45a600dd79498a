#include "adapter/embedded/jobs.h"

#include "base/memory.h"

#define ROOM_MIN 64

void tt_jobs_init(struct tt_jobs *jobs)
{
    *jobs = (struct tt_jobs){.first = 0};
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->arrived, NULL);
}

void tt_jobs_deinit(struct tt_jobs *jobs)
{
    TT_ASSERT(jobs->first == jobs->end);
    tt_free(jobs->jobs);
    pthread_cond_destroy(&jobs->arrived);
    pthread_mutex_destroy(&jobs->mutex);
}

static void make_room(struct tt_jobs *jobs, size_t count)
{
    if (jobs->room - jobs->end >= count)
        return;
    size_t waiting = jobs->end - jobs->first;
    if (jobs->first > 0 && waiting > 0)
        memmove(jobs->jobs, jobs->jobs + jobs->first, waiting * sizeof(*jobs->jobs));
    jobs->first = 0;
    jobs->end = waiting;
    if (jobs->room - waiting >= count)
        return;
    size_t room = jobs->room == 0 ? ROOM_MIN : jobs->room * 2;
    jobs->room = room > waiting + count ? room : waiting + count;
    jobs->jobs = tt_grow(jobs->jobs, jobs->room, sizeof(*jobs->jobs));
}

void tt_jobs_add(struct tt_jobs *jobs, const struct tt_store_sink *sink,
                 struct tt_store_op *const *ops, size_t count,
                 bool (*wanted)(enum tt_store_op_kind kind))
{
    pthread_mutex_lock(&jobs->mutex);
    size_t end = jobs->end - jobs->first;
    make_room(jobs, count);
    for (size_t i = 0; i < count; i++)
        if (wanted(ops[i]->kind))
            jobs->jobs[jobs->end++] = (struct tt_job){ops[i], sink};
    size_t added = jobs->end - jobs->first - end;
    if (added == 1)
        pthread_cond_signal(&jobs->arrived);
    else if (added > 1)
        pthread_cond_broadcast(&jobs->arrived);
    pthread_mutex_unlock(&jobs->mutex);
}

static bool wait_for_any(struct tt_jobs *jobs)
{
    while (jobs->first == jobs->end && !jobs->stopped && !jobs->nudged)
        pthread_cond_wait(&jobs->arrived, &jobs->mutex);
    return jobs->first < jobs->end;
}

void tt_jobs_nudge(struct tt_jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    jobs->nudged = true;
    pthread_cond_broadcast(&jobs->arrived);
    pthread_mutex_unlock(&jobs->mutex);
}

bool tt_jobs_take_all(struct tt_jobs *jobs, struct tt_job_list *list)
{
    pthread_mutex_lock(&jobs->mutex);
    bool any = wait_for_any(jobs) || jobs->nudged;
    jobs->nudged = false;
    if (any) {
        struct tt_job_list taken = {jobs->jobs, jobs->end, jobs->room};
        TT_ASSERT(jobs->first == 0);
        jobs->jobs = list->jobs;
        jobs->room = list->room;
        jobs->end = 0;
        *list = taken;
    }
    pthread_mutex_unlock(&jobs->mutex);
    return any;
}

size_t tt_jobs_take_some(struct tt_jobs *jobs, struct tt_job *taken, size_t max)
{
    pthread_mutex_lock(&jobs->mutex);
    (void)wait_for_any(jobs);
    size_t waiting = jobs->end - jobs->first;
    size_t share = (waiting + 1) / 2;
    size_t count = share < max ? share : max;
    if (count > 0)
        memcpy(taken, jobs->jobs + jobs->first, count * sizeof(*taken));
    jobs->first += count;
    if (jobs->first == jobs->end)
        jobs->first = jobs->end = 0;
    pthread_mutex_unlock(&jobs->mutex);
    return count;
}

void tt_jobs_stop(struct tt_jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    jobs->stopped = true;
    pthread_cond_broadcast(&jobs->arrived);
    pthread_mutex_unlock(&jobs->mutex);
}
