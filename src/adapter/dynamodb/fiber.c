#include "adapter/dynamodb/fiber.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define TT_FIBER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define TT_FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TT_FIBER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define TT_FIBER_TSAN 1
#endif
#endif
#ifdef TT_FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef TT_FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

struct tt_fiber {
    struct tt_fiber_pool *pool;
    struct tt_fiber *next;  /* among the free ones */
    struct tt_fiber *newer; /* among all */
    struct tt_fiber *older;
    char *stack; /* with a page below that cannot be touched */
    size_t mapped;
    ucontext_t context;
    void (*run)(void *context);
    void *argument;
    bool over;
#ifdef TT_FIBER_TSAN
    void *tsan;
#endif
};

/* Free ones that keep their stacks; what a storm needed beyond is given back. */
#define FREE_MAX 64

struct tt_fiber_pool {
    struct tt_fiber *free;
    size_t free_count;
    struct tt_fiber *newest;
    struct tt_fiber *running;
    ucontext_t outside;
    const void *outside_stack;
    size_t outside_size;
#ifdef TT_FIBER_TSAN
    void *tsan_outside;
#endif
};

struct tt_fiber_pool *tt_fiber_pool_create(void)
{
    return tt_alloc(sizeof(struct tt_fiber_pool));
}

static void destroy(struct tt_fiber *fiber)
{
    *(fiber->newer != NULL ? &fiber->newer->older : &fiber->pool->newest) = fiber->older;
    if (fiber->older != NULL)
        fiber->older->newer = fiber->newer;
#ifdef TT_FIBER_ASAN
    ASAN_UNPOISON_MEMORY_REGION(fiber->stack, fiber->mapped);
#endif
    munmap(fiber->stack, fiber->mapped);
    tt_free(fiber);
}

void tt_fiber_pool_destroy(struct tt_fiber_pool **pool)
{
    TT_ASSERT((*pool)->running == NULL);
    while ((*pool)->newest != NULL)
        destroy((*pool)->newest);
    tt_free(*pool);
    *pool = NULL;
}

static void leave(struct tt_fiber *fiber)
{
    struct tt_fiber_pool *pool = fiber->pool;
#ifdef TT_FIBER_ASAN
    void *fake = NULL;
    __sanitizer_start_switch_fiber(fiber->over ? NULL : &fake, pool->outside_stack,
                                   pool->outside_size);
#endif
#ifdef TT_FIBER_TSAN
    __tsan_switch_to_fiber(pool->tsan_outside, 0);
#endif
    int failed = swapcontext(&fiber->context, &pool->outside);
    TT_ASSERT(failed == 0);
#ifdef TT_FIBER_ASAN
    __sanitizer_finish_switch_fiber(fake, &pool->outside_stack, &pool->outside_size);
#endif
}

/* makecontext passes ints only, so the pointer comes in two halves. */
static void enter(unsigned int high, unsigned int low)
{
    struct tt_fiber *fiber = (struct tt_fiber *)(((uintptr_t)high << 32) | (uintptr_t)low);
#ifdef TT_FIBER_ASAN
    __sanitizer_finish_switch_fiber(NULL, &fiber->pool->outside_stack, &fiber->pool->outside_size);
#endif
    fiber->run(fiber->argument);
    fiber->over = true;
    leave(fiber);
}

static void go_on(struct tt_fiber *fiber)
{
    struct tt_fiber_pool *pool = fiber->pool;
    TT_ASSERT(pool->running == NULL);
    pool->running = fiber;
#ifdef TT_FIBER_ASAN
    void *fake = NULL;
    __sanitizer_start_switch_fiber(&fake, fiber->stack, fiber->mapped);
#endif
#ifdef TT_FIBER_TSAN
    pool->tsan_outside = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan, 0);
#endif
    int failed = swapcontext(&pool->outside, &fiber->context);
    TT_ASSERT(failed == 0);
#ifdef TT_FIBER_ASAN
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
#ifdef TT_FIBER_TSAN
    if (fiber->over)
        __tsan_destroy_fiber(fiber->tsan);
#endif
    pool->running = NULL;
    if (fiber->over && pool->free_count == FREE_MAX) {
        destroy(fiber);
    } else if (fiber->over) {
        fiber->next = pool->free;
        pool->free = fiber;
        pool->free_count++;
    }
}

static struct tt_fiber *new_fiber(struct tt_fiber_pool *pool)
{
    struct tt_fiber *fiber = tt_alloc(sizeof(*fiber));
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    fiber->pool = pool;
    fiber->mapped = TT_FIBER_STACK_SIZE + page;
    fiber->stack = mmap(NULL, fiber->mapped, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TT_ASSERT(fiber->stack != MAP_FAILED);
    int failed = mprotect(fiber->stack, page, PROT_NONE);
    TT_ASSERT(failed == 0);
    fiber->older = pool->newest;
    if (pool->newest != NULL)
        pool->newest->newer = fiber;
    pool->newest = fiber;
    return fiber;
}

/* Each task begins at the top of its stack anew. */
static void prepare(struct tt_fiber *fiber)
{
    int failed = getcontext(&fiber->context);
    TT_ASSERT(failed == 0);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = fiber->mapped;
    fiber->context.uc_link = NULL;
#ifdef TT_FIBER_TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
    uintptr_t self = (uintptr_t)fiber;
    union {
        void (*with)(unsigned int high, unsigned int low);
        void (*without)(void);
    } entry = {.with = enter};
    makecontext(&fiber->context, entry.without, 2, (unsigned int)(self >> 32),
                (unsigned int)(self & 0xffffffffU));
}

static struct tt_fiber *take_fiber(struct tt_fiber_pool *pool)
{
    struct tt_fiber *fiber = pool->free;
    if (fiber == NULL)
        return new_fiber(pool);
    pool->free = fiber->next;
    pool->free_count--;
    return fiber;
}

void tt_fiber_start(struct tt_fiber_pool *pool, void (*run)(void *context), void *context)
{
    struct tt_fiber *fiber = take_fiber(pool);
    fiber->run = run;
    fiber->argument = context;
    fiber->over = false;
    prepare(fiber);
    go_on(fiber);
}

struct tt_fiber *tt_fiber_self(struct tt_fiber_pool *pool)
{
    TT_ASSERT(pool->running != NULL);
    return pool->running;
}

void tt_fiber_wait(struct tt_fiber_pool *pool)
{
    leave(tt_fiber_self(pool));
}

void tt_fiber_resume(struct tt_fiber *fiber)
{
    go_on(fiber);
}
