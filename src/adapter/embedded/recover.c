#include "adapter/embedded/recover.h"

#include <stdio.h>

#include "adapter/embedded/apply.h"

/* The index is written after so many records, which bounds what is in hand. */
#define FLUSH_EVERY 4096

struct replay {
    struct tt_working *working;
    struct tt_arena arena;
    uint64_t next; /* the record that comes next */
    char *sentence;
    size_t sentence_size;
};

static tt_err damaged(const struct replay *replay, uint64_t number, const char *what)
{
    snprintf(replay->sentence, replay->sentence_size,
             "record %llu of store/journal %s; restore the data folder from a backup, or keep a "
             "copy and ask for help",
             (unsigned long long)number, what);
    return TT_FAIL(CORRUPT);
}

static tt_err replay_record(struct replay *replay, uint64_t number, struct tt_slice bytes)
{
    struct tt_record record;
    tt_arena_reset(&replay->arena);
    if (!tt_is_ok(tt_record_decode(bytes, &replay->arena, &record)))
        return damaged(replay, number, "cannot be read by this twoticks");
    if (number < replay->next)
        return TT_OK;
    if (number > replay->next)
        return damaged(replay, replay->next, "is missing");
    if (record.kind == TT_RECORD_STARTED || number % FLUSH_EVERY == 0)
        if (!tt_is_ok(tt_working_flush(replay->working, number)))
            return damaged(replay, number, "cannot be written to store/index");
    if (!tt_is_ok(tt_apply(replay->working, &record)))
        return damaged(replay, number, "does not fit what store/index holds");
    replay->next = number + 1;
    return TT_OK;
}

static tt_err visit(void *context, uint64_t number, struct tt_slice bytes)
{
    return replay_record(context, number, bytes);
}

tt_err tt_recover(int journal_fd, struct tt_working *working, struct tt_journal_map *map,
                  char *sentence, size_t sentence_size)
{
    struct replay replay = {
        .working = working,
        .next = tt_working_position(working)->applied,
        .sentence = sentence,
        .sentence_size = sentence_size,
    };
    tt_err err = tt_journal_scan(journal_fd, visit, &replay, map, sentence, sentence_size);
    tt_arena_deinit(&replay.arena);
    TT_TRY(err);
    if (map->segment_count == 0)
        err = damaged(&replay, replay.next, "is missing: there is no journal file");
    else if (map->next_record < replay.next)
        err = damaged(&replay, map->next_record, "is missing, but store/index already has it");
    else if (map->segments[0].first_record > replay.next)
        err = damaged(&replay, replay.next, "is missing");
    else if (!tt_is_ok(tt_working_flush(working, replay.next)))
        err = damaged(&replay, replay.next, "cannot be written to store/index");
    if (!tt_is_ok(err))
        tt_journal_map_deinit(map);
    return err;
}
