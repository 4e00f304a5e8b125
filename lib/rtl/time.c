/*
 * time.c - system time as calendar fields and back.
 *
 * Times count 100 ns units since 1 January 1601, the first year of a 400-year cycle of the
 * Gregorian calendar, so leap years need no special epoch. Inside, the year begins in March: the
 * leap day is then its last, and the month's first day is a linear formula. Pure; any IRQL.
 */
#include <ntddk.h>

#define UNITS_PER_MILLISECOND 10000LL
#define MILLISECONDS_PER_DAY 86400000LL
#define UNITS_PER_DAY (UNITS_PER_MILLISECOND * MILLISECONDS_PER_DAY)
#define DAYS_PER_CYCLE 146097 /* 400 years */
#define DAYS_BEFORE_1601 306  /* from 1 March 1600, where the first cycle begins here */
#define LAST_YEAR 30827       /* of what 63 bits can hold */

static BOOLEAN IsLeapYear(LONG Year)
{
    return (Year % 4 == 0 && Year % 100 != 0) || Year % 400 == 0;
}

static LONG DaysInMonth(LONG Year, LONG Month)
{
    static const UCHAR Days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return Days[Month - 1] + (Month == 2 && IsLeapYear(Year));
}

/* Days from 1 January 1601 to a date. */
static LONG64 DaysFromDate(LONG Year, LONG Month, LONG Day)
{
    /* Months alternate 31 30 31 30 31 from March on, 153 days in five: (m * 153 + 2) / 5 is the
     * number of days before month m. */
    LONG MarchMonth = (Month + 9) % 12; /* 0 is March */
    LONG64 MarchYear = Year - 1600 - (Month <= 2);

    return MarchYear * 365 + MarchYear / 4 - MarchYear / 100 + MarchYear / 400 +
           (MarchMonth * 153 + 2) / 5 + (Day - 1) - DAYS_BEFORE_1601;
}

static VOID DateFromDays(LONG64 Days, PTIME_FIELDS Fields)
{
    LONG64 Cycle = (Days + DAYS_BEFORE_1601) / DAYS_PER_CYCLE;
    LONG InCycle = (LONG)((Days + DAYS_BEFORE_1601) % DAYS_PER_CYCLE);
    /* Takes out the leap days, which end years of 1461, 36525 and 146097 days here. */
    LONG Year = (InCycle - InCycle / 1460 + InCycle / 36524 - InCycle / 146096) / 365;
    LONG DayOfYear = InCycle - (Year * 365 + Year / 4 - Year / 100);
    LONG MarchMonth = (DayOfYear * 5 + 2) / 153;

    Fields->Day = (SHORT)(DayOfYear - (MarchMonth * 153 + 2) / 5 + 1);
    Fields->Month = (SHORT)(MarchMonth < 10 ? MarchMonth + 3 : MarchMonth - 9);
    Fields->Year = (SHORT)(1600 + Cycle * 400 + Year + (MarchMonth >= 10));
}

VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields)
{
    LONG64 Days = Time->QuadPart / UNITS_PER_DAY;
    LONG Rest = (LONG)(Time->QuadPart % UNITS_PER_DAY / UNITS_PER_MILLISECOND);

    DateFromDays(Days, TimeFields);
    TimeFields->Weekday = (SHORT)((Days + 1) % 7); /* 1601 began on a Monday */
    TimeFields->Milliseconds = (SHORT)(Rest % 1000);
    TimeFields->Second = (SHORT)(Rest / 1000 % 60);
    TimeFields->Minute = (SHORT)(Rest / 60000 % 60);
    TimeFields->Hour = (SHORT)(Rest / 3600000);
}

static BOOLEAN AreTimeFieldsValid(PTIME_FIELDS Fields)
{
    return Fields->Year >= 1601 && Fields->Year <= LAST_YEAR && Fields->Month >= 1 &&
           Fields->Month <= 12 && Fields->Day >= 1 &&
           Fields->Day <= DaysInMonth(Fields->Year, Fields->Month) && Fields->Hour >= 0 &&
           Fields->Hour <= 23 && Fields->Minute >= 0 && Fields->Minute <= 59 &&
           Fields->Second >= 0 && Fields->Second <= 59 && Fields->Milliseconds >= 0 &&
           Fields->Milliseconds <= 999;
}

BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    LONG64 Days, Rest;

    if (!AreTimeFieldsValid(TimeFields)) {
        return FALSE;
    }
    Days = DaysFromDate(TimeFields->Year, TimeFields->Month, TimeFields->Day);
    Rest = ((TimeFields->Hour * 60LL + TimeFields->Minute) * 60 + TimeFields->Second) * 1000 +
           TimeFields->Milliseconds;
    Time->QuadPart = Days * UNITS_PER_DAY + Rest * UNITS_PER_MILLISECOND;
    return TRUE;
}
