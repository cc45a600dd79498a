/*
 * journal_form: the bytes of the journal's headers and frames, for who writes and who reads them.
 */
#ifndef TT_ADAPTER_EMBEDDED_JOURNAL_FORM_H
#define TT_ADAPTER_EMBEDDED_JOURNAL_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define TT_JOURNAL_NAME_SIZE   32
#define TT_JOURNAL_NEWEST_SIZE 20

struct tt_journal_header {
    uint64_t number;
    uint64_t first_record;
    uint64_t size;
    uint64_t synced_before;
};

struct tt_journal_frame {
    uint32_t payload_size;
    uint64_t segment;
    uint64_t first_record;
    uint32_t record_count;
    uint32_t synced;
    uint32_t payload_crc;
};

void tt_journal_put_u32(char *at, uint32_t number);
uint32_t tt_journal_get_u32(const char *at);

/* Writes TT_JOURNAL_HEADER_SIZE bytes. */
void tt_journal_header_put(const struct tt_journal_header *header, char *at);

/* false: there is no header, or a damaged one. */
bool tt_journal_header_get(struct tt_slice bytes, struct tt_journal_header *header);

/* Whether this may be what came of writing a header: its magic, or zeros in its place. */
bool tt_journal_header_is_part(struct tt_slice bytes);

/* Writes TT_JOURNAL_FRAME_SIZE bytes. */
void tt_journal_frame_put(const struct tt_journal_frame *frame, char *at);

/* The frame's own bytes; false: there is none, or a damaged one. The payload is not looked at. */
bool tt_journal_frame_get(struct tt_slice bytes, struct tt_journal_frame *frame);

/* The newest segment's number, in TT_JOURNAL_NEWEST_SIZE bytes; false: damaged. */
void tt_journal_newest_put(uint64_t number, char *at);
bool tt_journal_newest_get(struct tt_slice bytes, uint64_t *number);

/* How much room a frame with that payload takes. */
uint64_t tt_journal_frame_room(uint64_t payload_size);

void tt_journal_name(uint64_t number, char name[TT_JOURNAL_NAME_SIZE]);

/* false: not the name of a segment. */
bool tt_journal_name_parse(const char *name, uint64_t *number);

#endif
