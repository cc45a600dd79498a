/*
 * work: one op of the store while it is carried out, on a fiber of its own, and what all ops share.
 */
#ifndef TT_ADAPTER_DYNAMODB_WORK_H
#define TT_ADAPTER_DYNAMODB_WORK_H

#include "adapter/dynamodb/cache.h"
#include "adapter/dynamodb/fiber.h"
#include "adapter/dynamodb/store.h"
#include "base/map.h"
#include "net/alarm.h"

/* Requests of one op that are under way side by side. */
#define TT_DDB_ABREAST 32

/* Ops that are carried out at the same time: more would only wait for a connection, each with a
 * stack of its own and its time running out. */
#define TT_DDB_RUNNING_MAX 1024

/* An op stands in a lane for each thing that it may not overtake others about. */
#define TT_DDB_TICKETS_MAX 3

struct tt_ddb_work;

struct tt_ddb_ticket {
    struct tt_ddb_work *work;
    struct tt_ddb_lane *lane;
    struct tt_ddb_ticket *next;
    bool alone; /* else it goes beside others that are not alone either */
};

struct tt_ddb_work {
    struct tt_ddb_store *store;
    struct tt_store_op *op;
    struct tt_arena arena; /* requests and answers */
    struct tt_fiber *fiber;
    tt_mono deadline;
    size_t unanswered;
    bool waiting;
    bool started; /* or waits only for room */
    tt_mono room_until;
    struct tt_ddb_ticket tickets[TT_DDB_TICKETS_MAX];
    size_t ticket_count;
    struct tt_ddb_conversation **pins; /* cached conversations that must stay until the end */
    size_t pin_count;
    struct tt_ddb_work *newer; /* among all */
    struct tt_ddb_work *older;
    struct tt_ddb_work *next; /* among the finished, or those that wait for room */
};

struct tt_ddb_store {
    struct tt_ddb_store_options options;
    struct tt_loop *loop;
    struct tt_store_sink sink;
    struct tt_fiber_pool *fibers;
    struct tt_ddb_cache *cache;
    struct tt_map lanes;
    struct tt_ddb_work *newest;
    struct tt_ddb_work *finished;
    struct tt_ddb_work *finished_last;
    struct tt_ddb_work *roomless;
    struct tt_ddb_work *roomless_last;
    size_t running;
    struct tt_alarm *alarm;
    size_t under_way;
    uint64_t marks; /* handed out so far */
    bool submitting;
    char server_text[TT_ID_SIZE_MAX + 24]; /* "ws_server_3.17" */
    char node_text[TT_ID_SIZE_MAX + 36];   /* "ws_server_3.17.0" */
};

/* A zeroed request. */
struct tt_ddb_request *tt_ddb_new(struct tt_ddb_work *work, enum tt_ddb_verb verb,
                                  enum tt_ddb_table table, struct tt_ddb_value hash,
                                  struct tt_ddb_value range);

/* Waits for the answer. */
struct tt_ddb_answer *tt_ddb_ask(struct tt_ddb_work *work, const struct tt_ddb_request *request);

/* Side by side; the answers in the order of the requests. */
struct tt_ddb_answer *tt_ddb_ask_all(struct tt_ddb_work *work,
                                     struct tt_ddb_request *const *requests, size_t count);

/* All pages of a query, in one answer. */
struct tt_ddb_answer *tt_ddb_ask_pages(struct tt_ddb_work *work, struct tt_ddb_request *request,
                                       size_t count_max);

/* The same, from the second page on: adds what follows to the answer of the first. */
void tt_ddb_follow_pages(struct tt_ddb_work *work, struct tt_ddb_request *request,
                         struct tt_ddb_answer *all, size_t count_max);

/* UNAVAILABLE unless it was answered. */
TT_MUST_CHECK tt_err tt_ddb_known(const struct tt_ddb_answer *answer);

/* A number that no other write of any server carries. */
uint64_t tt_ddb_new_mark(struct tt_ddb_store *store);

tt_time tt_ddb_wall(const struct tt_ddb_store *store);

/* The ops; each sets op->err. */
void tt_ddb_link_device(struct tt_ddb_work *work);
void tt_ddb_unlink_device(struct tt_ddb_work *work);
void tt_ddb_list_devices(struct tt_ddb_work *work);
void tt_ddb_disconnect(struct tt_ddb_work *work);
void tt_ddb_alive(struct tt_ddb_work *work);
void tt_ddb_create_conversation(struct tt_ddb_work *work);
void tt_ddb_get_conversation(struct tt_ddb_work *work);
void tt_ddb_append(struct tt_ddb_work *work);
void tt_ddb_advance(struct tt_ddb_work *work);
void tt_ddb_read_messages(struct tt_ddb_work *work);
void tt_ddb_snapshot(struct tt_ddb_work *work);
void tt_ddb_positions(struct tt_ddb_work *work);
void tt_ddb_list_pending(struct tt_ddb_work *work);
void tt_ddb_mark_pushed(struct tt_ddb_work *work);
void tt_ddb_list_conversations(struct tt_ddb_work *work);
void tt_ddb_get_users(struct tt_ddb_work *work);
void tt_ddb_put_user(struct tt_ddb_work *work);
void tt_ddb_mute(struct tt_ddb_work *work);
void tt_ddb_history(struct tt_ddb_work *work);
void tt_ddb_put_push_address(struct tt_ddb_work *work);
void tt_ddb_drop_push_address(struct tt_ddb_work *work);
void tt_ddb_list_push_addresses(struct tt_ddb_work *work);
void tt_ddb_record_push(struct tt_ddb_work *work);
void tt_ddb_list_unrung(struct tt_ddb_work *work);
void tt_ddb_put_account(struct tt_ddb_work *work);
void tt_ddb_get_account(struct tt_ddb_work *work);
void tt_ddb_list_accounts(struct tt_ddb_work *work);
void tt_ddb_log_in(struct tt_ddb_work *work);
void tt_ddb_check_login(struct tt_ddb_work *work);

#endif
