/*
 * rtc.c - the battery-backed clock in CMOS, read once to start the system time.
 *
 * The chip updates its registers once a second and they must not be read meanwhile: a reading
 * counts only when no update was in progress before it and a second reading equals it.
 */
#include "halp.h"
#include "rtctime.h"

#define CMOS_INDEX 0x70 /* bit 7 would mask NMI: kept clear */
#define CMOS_DATA 0x71

enum {
    RtcSeconds = 0x00,
    RtcMinutes = 0x02,
    RtcHours = 0x04,
    RtcDay = 0x07,
    RtcMonth = 0x08,
    RtcYear = 0x09,
    RtcStatusA = 0x0A,
    RtcStatusB = 0x0B
};

#define RTC_A_UPDATING 0x80

/* An update takes 2.2 ms at most; a reading of the port 1 us or more. */
#define RTC_POLL_LIMIT 20000
#define RTC_READ_LIMIT 8

static HALP_LOCK HalpCmosLock; /* index and data port belong together */

static UCHAR HalpReadCmos(UCHAR Register)
{
    ULONG64 Flags = HalpAcquireLock(&HalpCmosLock);
    UCHAR Value;

    HalpOut8(CMOS_INDEX, Register);
    Value = HalpIn8(CMOS_DATA);
    HalpReleaseLock(&HalpCmosLock, Flags);
    return Value;
}

/* UIP is set 244 us before an update begins: after seeing it clear there is time to read. */
static void HalpReadRtcRegisters(HALP_RTC *Rtc)
{
    for (ULONG i = 0; i < RTC_POLL_LIMIT && (HalpReadCmos(RtcStatusA) & RTC_A_UPDATING); i++) {
        YieldProcessor();
    }
    Rtc->Seconds = HalpReadCmos(RtcSeconds);
    Rtc->Minutes = HalpReadCmos(RtcMinutes);
    Rtc->Hours = HalpReadCmos(RtcHours);
    Rtc->Day = HalpReadCmos(RtcDay);
    Rtc->Month = HalpReadCmos(RtcMonth);
    Rtc->Year = HalpReadCmos(RtcYear);
    Rtc->Century = 0;
    if (HalpPlatform.CenturyRegister != 0) {
        Rtc->Century = HalpReadCmos(HalpPlatform.CenturyRegister);
    }
    Rtc->StatusB = HalpReadCmos(RtcStatusB);
}

/* If the clock never holds still its last reading has to do: a wrong second is better than none. */
LONG64 HalQueryRealTimeClock(void)
{
    HALP_RTC First, Second;

    HalpReadRtcRegisters(&First);
    for (ULONG i = 0; i < RTC_READ_LIMIT; i++) {
        HalpReadRtcRegisters(&Second);
        if (memcmp(&First, &Second, sizeof(First)) == 0) {
            break;
        }
        First = Second;
    }
    return HalpRtcToSystemTime(&First);
}
