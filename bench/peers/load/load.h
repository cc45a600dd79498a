/*
 * load: the work of `twoticks bench pairs` for servers that speak something else. Pairs of people
 * with one message in flight each: Alice sends, Bob is handed the message and sends a receipt,
 * Alice sees the receipt and sends the next one.
 *
 * One thread, one epoll. A protocol turns bytes into the three events below and back; who waits for
 * what, the clock and the counting are load.c's. Whatever a server does that was not expected ends
 * the run with a sentence: a measurement that went half wrong is none.
 */
#ifndef TT_BENCH_PEERS_LOAD_H
#define TT_BENCH_PEERS_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

#define LOAD_NAME_SIZE 24
#define LOAD_MARK_SIZE 32

enum load_event {
    LOAD_NOTHING, /* no whole one is there yet */
    LOAD_OTHER,   /* something that the protocol itself has dealt with */
    LOAD_STORED,  /* Alice: the server has her message */
    LOAD_MESSAGE, /* Bob: a message, with this mark */
    LOAD_RECEIPT, /* Alice: Bob has the message with this mark */
};

struct load_end {
    int fd;
    bool is_alice;
    char name[LOAD_NAME_SIZE]; /* "a17"; her Bob is "b17" */
    char peer[LOAD_NAME_SIZE];
    struct tt_buffer input;
    struct tt_buffer output; /* sent once after each read */
    uint64_t number;         /* of the last message */
    uint64_t began_at;
    bool is_stored;
    bool has_receipt;
    bool is_waiting;
};

struct load_protocol {
    const char *name;
    bool has_stored; /* the server tells the sender that it has the message */

    /* Logs in on a blocking socket, so that everything that is sent to this name arrives. */
    void (*log_in)(struct load_end *end);

    /* The next event in `input`, of which *used bytes are done with then. A mark is what the
     * message was given; it names the message in its receipt too. */
    enum load_event (*next)(struct load_end *end, struct tt_slice input, size_t *used,
                            char mark[LOAD_MARK_SIZE]);

    void (*add_message)(struct load_end *alice, const char *mark, struct tt_slice content);
    void (*add_receipt)(struct load_end *bob, const char *mark);
};

extern const struct load_protocol load_xmpp;
extern const struct load_protocol load_mqtt;
extern const struct load_protocol load_nats;

/* Ends the program with 1. */
_Noreturn void load_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

void load_add(struct tt_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For log_in: sends what is in `output`, waits. */
void load_flush(struct load_end *end);
void load_read(struct load_end *end);

/* For log_in: flushes, reads until this text has come, and drops the input up to its end. */
void load_expect(struct load_end *end, const char *text);

/* Where this text begins in the bytes; NULL: nowhere. */
const char *load_find(struct tt_slice bytes, const char *text);

/* A mark may be shorter than its room; longer ones are none of ours and become "". */
void load_copy_mark(char mark[LOAD_MARK_SIZE], struct tt_slice bytes);

#endif
