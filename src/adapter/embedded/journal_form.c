#include "adapter/embedded/journal_form.h"

#include <stdio.h>
#include <string.h>

#include "adapter/embedded/journal.h"
#include "base/crc32c.h"

#define MAGIC_SIZE         8
#define FRAME_MAGIC_SIZE   4
#define HEADER_CRC_AT      40
#define FRAME_CRC_AT       36
#define NEWEST_CRC_AT      16
#define NAME_DIGITS        10
#define SEGMENT_NUMBER_MAX 9999999999ULL

static const char header_magic[MAGIC_SIZE + 1] = "\xffT\xfeJSEG1";
static const char frame_magic[FRAME_MAGIC_SIZE + 1] = "\xffT\xfeJ";
static const char newest_magic[MAGIC_SIZE + 1] = "\xffT\xfeJNEW1";
static const char name_prefix[] = "journal-";

void tt_journal_put_u32(char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(number >> (8 * i));
}

uint32_t tt_journal_get_u32(const char *at)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++)
        number |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return number;
}

static void put_u64(char *at, uint64_t number)
{
    tt_journal_put_u32(at, (uint32_t)number);
    tt_journal_put_u32(at + 4, (uint32_t)(number >> 32));
}

static uint64_t get_u64(const char *at)
{
    return tt_journal_get_u32(at) | (uint64_t)tt_journal_get_u32(at + 4) << 32;
}

void tt_journal_header_put(const struct tt_journal_header *header, char *at)
{
    memset(at, 0, TT_JOURNAL_HEADER_SIZE);
    memcpy(at, header_magic, MAGIC_SIZE);
    put_u64(at + 8, header->number);
    put_u64(at + 16, header->first_record);
    put_u64(at + 24, header->size);
    put_u64(at + 32, header->synced_before);
    tt_journal_put_u32(at + HEADER_CRC_AT, tt_crc32c(0, tt_slice(at, HEADER_CRC_AT)));
}

bool tt_journal_header_get(struct tt_slice bytes, struct tt_journal_header *header)
{
    const char *at = bytes.data;
    if (bytes.size < TT_JOURNAL_HEADER_SIZE || memcmp(at, header_magic, MAGIC_SIZE) != 0)
        return false;
    if (tt_journal_get_u32(at + HEADER_CRC_AT) != tt_crc32c(0, tt_slice(at, HEADER_CRC_AT)))
        return false;
    header->number = get_u64(at + 8);
    header->first_record = get_u64(at + 16);
    header->size = get_u64(at + 24);
    header->synced_before = get_u64(at + 32);
    return true;
}

bool tt_journal_header_is_part(struct tt_slice bytes)
{
    for (size_t i = 0; i < bytes.size && i < MAGIC_SIZE; i++)
        if (bytes.data[i] != 0 && bytes.data[i] != header_magic[i])
            return false;
    return true;
}

void tt_journal_frame_put(const struct tt_journal_frame *frame, char *at)
{
    memcpy(at, frame_magic, FRAME_MAGIC_SIZE);
    tt_journal_put_u32(at + 4, frame->payload_size);
    put_u64(at + 8, frame->segment);
    put_u64(at + 16, frame->first_record);
    tt_journal_put_u32(at + 24, frame->record_count);
    tt_journal_put_u32(at + 28, frame->synced);
    tt_journal_put_u32(at + 32, frame->payload_crc);
    tt_journal_put_u32(at + FRAME_CRC_AT, tt_crc32c(0, tt_slice(at, FRAME_CRC_AT)));
}

bool tt_journal_frame_get(struct tt_slice bytes, struct tt_journal_frame *frame)
{
    const char *at = bytes.data;
    if (bytes.size < TT_JOURNAL_FRAME_SIZE || memcmp(at, frame_magic, FRAME_MAGIC_SIZE) != 0)
        return false;
    if (tt_journal_get_u32(at + FRAME_CRC_AT) != tt_crc32c(0, tt_slice(at, FRAME_CRC_AT)))
        return false;
    frame->payload_size = tt_journal_get_u32(at + 4);
    frame->segment = get_u64(at + 8);
    frame->first_record = get_u64(at + 16);
    frame->record_count = tt_journal_get_u32(at + 24);
    frame->synced = tt_journal_get_u32(at + 28);
    frame->payload_crc = tt_journal_get_u32(at + 32);
    return true;
}

void tt_journal_newest_put(uint64_t number, char *at)
{
    memcpy(at, newest_magic, MAGIC_SIZE);
    put_u64(at + 8, number);
    tt_journal_put_u32(at + NEWEST_CRC_AT, tt_crc32c(0, tt_slice(at, NEWEST_CRC_AT)));
}

bool tt_journal_newest_get(struct tt_slice bytes, uint64_t *number)
{
    const char *at = bytes.data;
    if (bytes.size != TT_JOURNAL_NEWEST_SIZE || memcmp(at, newest_magic, MAGIC_SIZE) != 0 ||
        tt_journal_get_u32(at + NEWEST_CRC_AT) != tt_crc32c(0, tt_slice(at, NEWEST_CRC_AT)))
        return false;
    *number = get_u64(at + 8);
    return true;
}

uint64_t tt_journal_frame_room(uint64_t payload_size)
{
    return (TT_JOURNAL_FRAME_SIZE + payload_size + 7) & ~7ULL;
}

void tt_journal_name(uint64_t number, char name[TT_JOURNAL_NAME_SIZE])
{
    TT_ASSERT(number <= SEGMENT_NUMBER_MAX);
    snprintf(name, TT_JOURNAL_NAME_SIZE, "%s%010llu", name_prefix, (unsigned long long)number);
}

bool tt_journal_name_parse(const char *name, uint64_t *number)
{
    size_t prefix_size = sizeof(name_prefix) - 1;
    if (strncmp(name, name_prefix, prefix_size) != 0 || strlen(name) != prefix_size + NAME_DIGITS)
        return false;
    *number = 0;
    for (const char *digit = name + prefix_size; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        *number = *number * 10 + (uint64_t)(*digit - '0');
    }
    return true;
}
