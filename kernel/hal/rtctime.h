/* rtctime.h - the real-time clock's registers, and their meaning as a system time. Pure. */
#ifndef _HAL_RTCTIME_
#define _HAL_RTCTIME_

#include <ntdef.h>

/* Registers as read. Only bytes, so that two readings can be compared as memory. */
typedef struct _HALP_RTC {
    UCHAR Seconds, Minutes, Hours, Day, Month, Year;
    UCHAR Century; /* 0: the clock has no such register */
    UCHAR StatusB; /* how the others are encoded */
} HALP_RTC;

/* 100 ns units since 1601; 0 when the registers hold no date (a dead battery). */
LONG64 HalpRtcToSystemTime(const HALP_RTC *Rtc);

#endif
