
/*
 * Copyright (C) Flagship
 */


/*
 * RFC 3339 date-times.  Nothing allocates, no time zone of the machine is
 * asked; any thread may call.
 */


#include "flagship_time.h"


static int flagship_time_digits(const char *p, unsigned n, int *value);
static int flagship_time_offset(const char *p, size_t len, int *offset);
static int64_t flagship_time_days(int year, int month, int day);


#define FLAGSHIP_TIME_DAY  86400


/* "YYYY-MM-DDTHH:MM:SS", then a fraction, then the offset */

int
flagship_time_parse(flagship_str_t text, int64_t *seconds)
{
    int          year, month, day, hour, minute, second, offset, leap, end;
    size_t       n;
    int64_t      t, first;
    const char  *p;

    static const int  days[] = { 31, 28, 31, 30, 31, 30,
                                 31, 31, 30, 31, 30, 31 };

    p = text.data;

    if (text.len < sizeof("YYYY-MM-DDTHH:MM:SSZ") - 1
        || p[4] != '-' || p[7] != '-'
        || (p[10] != 'T' && p[10] != 't' && p[10] != ' ')
        || p[13] != ':' || p[16] != ':'
        || flagship_time_digits(p, 4, &year) != FLAGSHIP_OK
        || flagship_time_digits(p + 5, 2, &month) != FLAGSHIP_OK
        || flagship_time_digits(p + 8, 2, &day) != FLAGSHIP_OK
        || flagship_time_digits(p + 11, 2, &hour) != FLAGSHIP_OK
        || flagship_time_digits(p + 14, 2, &minute) != FLAGSHIP_OK
        || flagship_time_digits(p + 17, 2, &second) != FLAGSHIP_OK)
    {
        return FLAGSHIP_DECLINED;
    }

    if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60) {
        return FLAGSHIP_DECLINED;
    }

    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    end = days[month - 1] + (month == 2 && leap);

    if (day < 1 || day > end) {
        return FLAGSHIP_DECLINED;
    }

    n = 19;

    if (p[n] == '.') {

        for (n++; n < text.len && p[n] >= '0' && p[n] <= '9'; n++) {
            /* void */
        }

        if (n == 20) {
            return FLAGSHIP_DECLINED;
        }
    }

    if (flagship_time_offset(p + n, text.len - n, &offset) != FLAGSHIP_OK) {
        return FLAGSHIP_DECLINED;
    }

    t = flagship_time_days(year, month, day) * FLAGSHIP_TIME_DAY
        + hour * 3600 + minute * 60 + second - offset;

    if (second == 60) {

        /* t is the first second of a UTC month: this one here, or the next */

        first = flagship_time_days(year, month, 1);

        if (t != first * FLAGSHIP_TIME_DAY
            && t != (first + end) * FLAGSHIP_TIME_DAY)
        {
            return FLAGSHIP_DECLINED;
        }
    }

    *seconds = t;

    return FLAGSHIP_OK;
}


static int
flagship_time_digits(const char *p, unsigned n, int *value)
{
    int  v;

    for (v = 0; n; n--, p++) {
        if (*p < '0' || *p > '9') {
            return FLAGSHIP_DECLINED;
        }

        v = v * 10 + (*p - '0');
    }

    *value = v;

    return FLAGSHIP_OK;
}


static int
flagship_time_offset(const char *p, size_t len, int *offset)
{
    int  hour, minute;

    if (len == 1 && (p[0] == 'Z' || p[0] == 'z')) {
        *offset = 0;
        return FLAGSHIP_OK;
    }

    if (len != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':'
        || flagship_time_digits(p + 1, 2, &hour) != FLAGSHIP_OK
        || flagship_time_digits(p + 4, 2, &minute) != FLAGSHIP_OK
        || hour > 23 || minute > 59)
    {
        return FLAGSHIP_DECLINED;
    }

    *offset = hour * 3600 + minute * 60;

    if (p[0] == '-') {
        *offset = -*offset;
    }

    return FLAGSHIP_OK;
}


/*
 * Days since 1970-01-01 in the proleptic Gregorian calendar.  Years begin in
 * March here, so that a leap day is a year's last.
 */

static int64_t
flagship_time_days(int year, int month, int day)
{
    int64_t  era, yoe, doy;

    year -= (month <= 2);

    era = (year >= 0 ? year : year - 399) / 400;
    yoe = year - era * 400;
    doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}
