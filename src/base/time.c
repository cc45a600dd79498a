#include "base/time.h"

#define MS_PER_DAY 86400000LL

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

static void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

static void put_digits(char *at, uint32_t number, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

void tt_time_format(tt_time time, char text[TT_TIME_TEXT_SIZE])
{
    const int64_t first = days_from_civil(0, 1, 1) * MS_PER_DAY;
    const int64_t last = days_from_civil(10000, 1, 1) * MS_PER_DAY - 1;
    int64_t ms = time.ms < first ? first : time.ms > last ? last : time.ms;
    int64_t days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
    uint32_t in_day = (uint32_t)(ms - days * MS_PER_DAY);

    int64_t year;
    unsigned month;
    unsigned day;
    civil_from_days(days, &year, &month, &day);

    put_digits(text, (uint32_t)year, 4);
    text[4] = '-';
    put_digits(text + 5, month, 2);
    text[7] = '-';
    put_digits(text + 8, day, 2);
    text[10] = 'T';
    put_digits(text + 11, in_day / 3600000, 2);
    text[13] = ':';
    put_digits(text + 14, in_day / 60000 % 60, 2);
    text[16] = ':';
    put_digits(text + 17, in_day / 1000 % 60, 2);
    text[19] = '.';
    put_digits(text + 20, in_day % 1000, 3);
    text[23] = 'Z';
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
