
/*
 * Copyright (C) Flagship
 */


/*
 * RFC 3339 date-times.
 */


#ifndef _FLAGSHIP_TIME_H_INCLUDED_
#define _FLAGSHIP_TIME_H_INCLUDED_


#include "flagship_core.h"


/*
 * Text -> Unix seconds; a fraction is read and dropped toward the past.
 * Strict: date "T" time offset ("t", "z" and one blank for the "T" allowed as
 * RFC 3339 §5.6 has them), real calendar days, hours to 23, seconds to 59 (a
 * leap second, 60 at the end of a UTC month, counts as the next second).
 * FLAGSHIP_OK or FLAGSHIP_DECLINED.
 */

int flagship_time_parse(flagship_str_t text, int64_t *seconds);


#endif /* _FLAGSHIP_TIME_H_INCLUDED_ */
