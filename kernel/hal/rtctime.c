/*
 * rtctime.c - from the real-time clock's registers to a system time.
 *
 * Numbers are BCD or binary, hours run to 12 with a PM flag or to 24, and the century is a
 * register, or missing, or nonsense: then years below 70 are taken for 20xx.
 */
#include "rtctime.h"

#define RTC_B_24_HOURS 0x02
#define RTC_B_BINARY 0x04
#define RTC_HOUR_PM 0x80
#define UNITS_PER_SECOND 10000000LL
#define DAYS_PER_400_YEARS 146097
#define DAYS_TO_1601 584694 /* from 1 March 0000 to 1 January 1601 */

static ULONG HalpRtcNumber(const HALP_RTC *Rtc, UCHAR Value)
{
    return (Rtc->StatusB & RTC_B_BINARY) ? Value : (ULONG)(Value >> 4) * 10 + (Value & 0x0F);
}

static ULONG HalpRtcHour(const HALP_RTC *Rtc)
{
    ULONG Hour = HalpRtcNumber(Rtc, Rtc->Hours & ~RTC_HOUR_PM);

    if (Rtc->StatusB & RTC_B_24_HOURS) {
        return HalpRtcNumber(Rtc, Rtc->Hours);
    }
    /* 12 AM is midnight, 12 PM is noon. */
    return Hour % 12 + ((Rtc->Hours & RTC_HOUR_PM) ? 12 : 0);
}

static ULONG HalpRtcYear(const HALP_RTC *Rtc)
{
    ULONG Year = HalpRtcNumber(Rtc, Rtc->Year);
    ULONG Century = HalpRtcNumber(Rtc, Rtc->Century);

    if (Century < 19 || Century > 29) {
        Century = Year < 70 ? 20 : 19;
    }
    return Century * 100 + Year;
}

/* Days since 1 January 1601. Years are counted from March, so that leap days come last. */
static LONG64 HalpDaysSince1601(ULONG Year, ULONG Month, ULONG Day)
{
    ULONG MarchYear = Month > 2 ? Year : Year - 1;
    ULONG MarchMonth = Month > 2 ? Month - 3 : Month + 9;
    LONG64 Era = MarchYear / 400;
    LONG64 YearOfEra = MarchYear % 400;
    LONG64 DayOfYear = (153 * MarchMonth + 2) / 5 + Day - 1;

    return Era * DAYS_PER_400_YEARS + YearOfEra * 365 + YearOfEra / 4 - YearOfEra / 100 +
           DayOfYear - DAYS_TO_1601;
}

LONG64 HalpRtcToSystemTime(const HALP_RTC *Rtc)
{
    ULONG Second = HalpRtcNumber(Rtc, Rtc->Seconds), Minute = HalpRtcNumber(Rtc, Rtc->Minutes);
    ULONG Hour = HalpRtcHour(Rtc);
    ULONG Day = HalpRtcNumber(Rtc, Rtc->Day), Month = HalpRtcNumber(Rtc, Rtc->Month);
    LONG64 Days;

    if (Second > 59 || Minute > 59 || Hour > 23 || Day < 1 || Day > 31 || Month < 1 || Month > 12) {
        return 0;
    }
    Days = HalpDaysSince1601(HalpRtcYear(Rtc), Month, Day);
    return ((Days * 24 + Hour) * 60 + Minute) * 60 * UNITS_PER_SECOND + Second * UNITS_PER_SECOND;
}
