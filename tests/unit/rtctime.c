/*
 * Proves that the real-time clock's registers mean the right time in each of their encodings, and
 * that registers which hold no date are refused.
 *
 * unit-sources: kernel/hal/rtctime.c
 */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "kernel/hal/rtctime.h"

#define BINARY 0x04
#define HOURS_24 0x02
#define UNIX_EPOCH 116444736000000000LL

static UCHAR Bcd(ULONG Value)
{
    return (UCHAR)(Value / 10 << 4 | Value % 10);
}

static HALP_RTC FromSeconds(time_t Seconds)
{
    struct tm *Time = gmtime(&Seconds);
    ULONG Year = (ULONG)Time->tm_year + 1900;

    return (HALP_RTC){Time->tm_sec,     Time->tm_min, Time->tm_hour, Time->tm_mday,
                      Time->tm_mon + 1, Year % 100,   Year / 100,    BINARY | HOURS_24};
}

/* Every half day and some seconds for two centuries, against the C library's calendar. */
static void TestCalendar(void)
{
    for (time_t Seconds = -2208988800LL; Seconds < 4102444800LL; Seconds += 43217) {
        HALP_RTC Rtc = FromSeconds(Seconds);
        assert(HalpRtcToSystemTime(&Rtc) == UNIX_EPOCH + (LONG64)Seconds * 10000000);
    }
}

static void TestBcd(void)
{
    HALP_RTC Binary = FromSeconds(1709210096); /* 29 February 2024 */
    HALP_RTC Rtc = {Bcd(Binary.Seconds), Bcd(Binary.Minutes), Bcd(Binary.Hours),   Bcd(Binary.Day),
                    Bcd(Binary.Month),   Bcd(Binary.Year),    Bcd(Binary.Century), HOURS_24};

    assert(HalpRtcToSystemTime(&Rtc) == HalpRtcToSystemTime(&Binary));
}

static void TestTwelveHours(void)
{
    static const UCHAR Hours[24] = {12,   1,    2,    3,    4,    5,    6,    7,
                                    8,    9,    10,   11,   0x8C, 0x81, 0x82, 0x83,
                                    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B};

    for (UCHAR Hour = 0; Hour < 24; Hour++) {
        HALP_RTC Wide = {7, 8, Hour, 20, 11, 26, 20, BINARY | HOURS_24};
        HALP_RTC Narrow = {7, 8, Hours[Hour], 20, 11, 26, 20, BINARY};
        HALP_RTC NarrowBcd = {
            7,    8, (UCHAR)((Hours[Hour] & 0x80) | Bcd(Hours[Hour] & 0x7F)), Bcd(20), 0x11, 0x26,
            0x20, 0};
        assert(HalpRtcToSystemTime(&Wide) == HalpRtcToSystemTime(&Narrow));
        assert(HalpRtcToSystemTime(&Wide) == HalpRtcToSystemTime(&NarrowBcd));
    }
}

static void TestCentury(void)
{
    HALP_RTC With = {0, 0, 0, 1, 1, 26, 20, BINARY | HOURS_24};
    HALP_RTC Without = {0, 0, 0, 1, 1, 26, 0, BINARY | HOURS_24};
    HALP_RTC Nonsense = {0, 0, 0, 1, 1, 26, 77, BINARY | HOURS_24};
    HALP_RTC Last = {0, 0, 0, 1, 1, 99, 0, BINARY | HOURS_24};
    HALP_RTC LastWith = {0, 0, 0, 1, 1, 99, 19, BINARY | HOURS_24};

    assert(HalpRtcToSystemTime(&With) == HalpRtcToSystemTime(&Without));
    assert(HalpRtcToSystemTime(&With) == HalpRtcToSystemTime(&Nonsense));
    assert(HalpRtcToSystemTime(&Last) == HalpRtcToSystemTime(&LastWith));
}

static void TestNoDate(void)
{
    HALP_RTC Zero = {0};
    HALP_RTC Ones = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    HALP_RTC Month = {0, 0, 0, 1, 13, 26, 20, BINARY | HOURS_24};

    assert(HalpRtcToSystemTime(&Zero) == 0);
    assert(HalpRtcToSystemTime(&Ones) == 0);
    assert(HalpRtcToSystemTime(&Month) == 0);
}

int main(void)
{
    static const struct {
        void (*Run)(void);
        const char *Name;
    } Tests[] = {
        {TestCalendar, "the calendar agrees with the C library's from 1900 to 2100"},
        {TestBcd, "BCD registers"},
        {TestTwelveHours, "12-hour clocks: midnight, noon and all between"},
        {TestCentury, "a century that is missing or nonsense is guessed"},
        {TestNoDate, "registers that hold no date"},
    };

    printf("1..%zu\n", ARRAYSIZE(Tests));
    for (size_t i = 0; i < ARRAYSIZE(Tests); i++) {
        Tests[i].Run();
        printf("ok %zu - %s\n", i + 1, Tests[i].Name);
    }
    return 0;
}
