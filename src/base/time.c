#include "base/time.h"

#include <string.h>

#define MS_PER_DAY 86400000LL

/* What four digits of a year can say: 0000-01-01 and the last millisecond of 9999. */
#define TIME_FIRST (-719528LL * MS_PER_DAY)
#define TIME_LAST  (2932897LL * MS_PER_DAY - 1)

/* Days since 1970-01-01 of a proleptic Gregorian date, and back: Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms", days_from_civil and civil_from_days. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

/* An era of 400 years is added first and taken off again, so that the days from 0000-01-01 on are a
 * number without a sign. */
static void civil_from_days(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    unsigned shifted = (unsigned)(days + 719468 + 146097);
    unsigned era = shifted / 146097;
    unsigned day_of_era = shifted - era * 146097;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = year_of_era + era * 400 - 400 + (*month <= 2);
}

static void put_pair(char *at, uint32_t number)
{
    at[0] = (char)('0' + number / 10);
    at[1] = (char)('0' + number % 10);
}

void tt_time_format(tt_time time, char text[TT_TIME_TEXT_SIZE])
{
    int64_t ms = time.ms < TIME_FIRST ? TIME_FIRST : time.ms > TIME_LAST ? TIME_LAST : time.ms;
    int64_t days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
    uint32_t in_day = (uint32_t)(ms - days * MS_PER_DAY);

    unsigned year;
    unsigned month;
    unsigned day;
    civil_from_days(days, &year, &month, &day);

    uint32_t seconds = in_day / 1000;
    uint32_t in_second = in_day - seconds * 1000;
    memcpy(text, "0000-00-00T00:00:00.000Z", TT_TIME_TEXT_SIZE);
    put_pair(text, year / 100);
    put_pair(text + 2, year % 100);
    put_pair(text + 5, month);
    put_pair(text + 8, day);
    put_pair(text + 11, seconds / 3600);
    put_pair(text + 14, seconds / 60 % 60);
    put_pair(text + 17, seconds % 60);
    put_pair(text + 20, in_second / 10);
    text[22] = (char)('0' + in_second % 10);
}

struct reader {
    struct tt_slice rest;
    bool failed;
};

static char take(struct reader *reader)
{
    if (reader->rest.size == 0) {
        reader->failed = true;
        return 0;
    }
    char byte = reader->rest.data[0];
    reader->rest = tt_slice_from(reader->rest, 1);
    return byte;
}

static void expect(struct reader *reader, char lower, char upper)
{
    char byte = take(reader);
    if (byte != lower && byte != upper)
        reader->failed = true;
}

static unsigned number(struct reader *reader, int digits)
{
    unsigned value = 0;
    for (int i = 0; i < digits; i++) {
        char byte = take(reader);
        if (byte < '0' || byte > '9')
            reader->failed = true;
        value = value * 10 + (unsigned)(byte - '0');
    }
    return value;
}

static unsigned milliseconds(struct reader *reader)
{
    if (reader->rest.size == 0 || reader->rest.data[0] != '.')
        return 0;
    (void)take(reader);
    unsigned value = 0;
    unsigned count = 0;
    while (reader->rest.size > 0 && reader->rest.data[0] >= '0' && reader->rest.data[0] <= '9') {
        unsigned digit = (unsigned)(take(reader) - '0');
        if (count++ < 3)
            value = value * 10 + digit;
    }
    if (count == 0)
        reader->failed = true;
    for (; count < 3; count++)
        value *= 10;
    return value;
}

static int64_t offset_minutes(struct reader *reader)
{
    char sign = take(reader);
    if (sign == 'Z' || sign == 'z')
        return 0;
    if (sign != '+' && sign != '-')
        reader->failed = true;
    unsigned hours = number(reader, 2);
    expect(reader, ':', ':');
    unsigned minutes = number(reader, 2);
    if (hours > 23 || minutes > 59)
        reader->failed = true;
    int64_t total = (int64_t)hours * 60 + (int64_t)minutes;
    return sign == '-' ? -total : total;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

tt_err tt_time_parse(struct tt_slice text, tt_time *time)
{
    struct reader reader = {.rest = text};
    unsigned year = number(&reader, 4);
    expect(&reader, '-', '-');
    unsigned month = number(&reader, 2);
    expect(&reader, '-', '-');
    unsigned day = number(&reader, 2);
    expect(&reader, 'T', 't');
    unsigned hour = number(&reader, 2);
    expect(&reader, ':', ':');
    unsigned minute = number(&reader, 2);
    expect(&reader, ':', ':');
    unsigned second = number(&reader, 2);
    unsigned ms = milliseconds(&reader);
    int64_t offset = offset_minutes(&reader);

    if (reader.failed || reader.rest.size > 0 || month < 1 || month > 12)
        return TT_FAIL(BAD_TIME);
    if (day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 60)
        return TT_FAIL(BAD_TIME);

    int64_t days = days_from_civil(year, month, day);
    int64_t minutes = days * 1440 + hour * 60 + minute - offset;
    time->ms = (minutes * 60 + second) * 1000 + ms;
    return TT_OK;
}
