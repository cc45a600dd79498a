#include "app/asked.h"

#include "base/memory.h"

/* Of one submit: the sockets are waiting meanwhile. */
#define AT_ONCE_MAX 256

void tt_asked_init(struct tt_asked *asked, void (*came_back)(void *context), void *context)
{
    *asked = (struct tt_asked){.came_back = came_back, .context = context};
    int failed = pthread_mutex_init(&asked->lock, NULL);
    TT_ASSERT(failed == 0);
    failed = pthread_cond_init(&asked->changed, NULL);
    TT_ASSERT(failed == 0);
}

static void destroy_ops(struct tt_store_op *op)
{
    while (op != NULL) {
        struct tt_store_op *next = op->next;
        tt_store_op_destroy(&op);
        op = next;
    }
}

static void wait_for_all(struct tt_asked *asked)
{
    pthread_mutex_lock(&asked->lock);
    while (asked->under_way > 0) {
        while (asked->first == NULL)
            pthread_cond_wait(&asked->changed, &asked->lock);
        pthread_mutex_unlock(&asked->lock);
        destroy_ops(tt_asked_take(asked));
        pthread_mutex_lock(&asked->lock);
    }
    pthread_mutex_unlock(&asked->lock);
}

void tt_asked_deinit(struct tt_asked *asked)
{
    destroy_ops(tt_asked_take_at_once(asked));
    wait_for_all(asked);
    pthread_mutex_destroy(&asked->lock);
    pthread_cond_destroy(&asked->changed);
    tt_free(asked->rest);
}

/* Counts, so that nothing is destroyed under the store's feet. */
static void send(struct tt_asked *asked, struct tt_store_op *const *ops, size_t count)
{
    if (count == 0)
        return;
    pthread_mutex_lock(&asked->lock);
    asked->under_way += count;
    pthread_mutex_unlock(&asked->lock);
    asked->store.submit(asked->store.self, ops, count);
}

static void keep_answered(struct tt_asked *asked, struct tt_store_op *op)
{
    op->next = NULL;
    *(asked->at_once == NULL ? &asked->at_once : &asked->at_once_last->next) = op;
    asked->at_once_last = op;
}

void tt_asked_submit(void *self, struct tt_store_op *const *ops, size_t count)
{
    struct tt_asked *asked = self;
    size_t rest = 0;
    if (asked->store.answer == NULL) {
        send(asked, ops, count);
        return;
    }
    if (asked->rest_capacity < count) {
        asked->rest = tt_grow(asked->rest, count, sizeof(struct tt_store_op *));
        asked->rest_capacity = count;
    }
    size_t answered = 0;
    for (size_t i = 0; i < count; i++) {
        if (answered < AT_ONCE_MAX && asked->store.answer(asked->store.self, ops[i])) {
            keep_answered(asked, ops[i]);
            answered++;
        } else {
            asked->rest[rest++] = ops[i];
        }
    }
    send(asked, asked->rest, rest);
}

void tt_asked_done(void *context, struct tt_store_op *op)
{
    struct tt_asked *asked = context;
    op->next = NULL;
    pthread_mutex_lock(&asked->lock);
    bool was_empty = asked->first == NULL;
    *(was_empty ? &asked->first : &asked->last->next) = op;
    asked->last = op;
    if (was_empty)
        asked->came_back(asked->context);
    pthread_cond_signal(&asked->changed);
    pthread_mutex_unlock(&asked->lock);
}

struct tt_store_op *tt_asked_take_at_once(struct tt_asked *asked)
{
    struct tt_store_op *first = asked->at_once;
    asked->at_once = asked->at_once_last = NULL;
    return first;
}

struct tt_store_op *tt_asked_take(struct tt_asked *asked)
{
    pthread_mutex_lock(&asked->lock);
    struct tt_store_op *first = asked->first;
    asked->first = asked->last = NULL;
    for (const struct tt_store_op *op = first; op != NULL; op = op->next)
        asked->under_way--;
    pthread_mutex_unlock(&asked->lock);
    return first;
}
