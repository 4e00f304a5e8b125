/* misc.c - byte order, patterns, random numbers, and seconds of other calendars. Pure; any IRQL. */
#include <ntddk.h>

#define SECOND 10000000LL             /* of 100 ns */
#define SECONDS_TO_1970 11644473600LL /* since 1601 */
#define SECONDS_TO_1980 11960006400LL

/* Up to three bytes behind the last whole ULONG do not count. */
SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
    const ULONG *Words = Source;
    SIZE_T Count = 0;

    while (Count < Length / sizeof(ULONG) && Words[Count] == Pattern) {
        Count++;
    }
    return Count * sizeof(ULONG);
}

USHORT NTAPI RtlUshortByteSwap(USHORT Source)
{
    return __builtin_bswap16(Source);
}

ULONG NTAPI RtlUlongByteSwap(ULONG Source)
{
    return __builtin_bswap32(Source);
}

ULONGLONG NTAPI RtlUlonglongByteSwap(ULONGLONG Source)
{
    return __builtin_bswap64(Source);
}

/* Multiplication modulo the prime 2^31 - 1: every seed but 0 comes once before one comes again, and
 * 0 is made another. */
ULONG NTAPI RtlRandomEx(PULONG Seed)
{
    ULONG64 State = *Seed % MAXLONG;

    State = State == 0 ? 1 : State;
    *Seed = (ULONG)(State * 48271 % MAXLONG);
    return *Seed - 1;
}

/* Documented as the slower of the two, and the one with less chance in it: there is no reason to
 * be. */
ULONG NTAPI RtlRandom(PULONG Seed)
{
    return RtlRandomEx(Seed);
}

VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + SECONDS_TO_1970) * SECOND;
}

VOID NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + SECONDS_TO_1980) * SECOND;
}

/* Only what 32 bits hold: from the epoch on, for 136 years. */
static BOOLEAN ToSeconds(LONGLONG Time, LONGLONG Epoch, PULONG ElapsedSeconds)
{
    LONGLONG Seconds = Time / SECOND - Epoch;

    if (Time < 0 || Seconds < 0 || Seconds > MAXULONG) {
        return FALSE;
    }
    *ElapsedSeconds = (ULONG)Seconds;
    return TRUE;
}

BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return ToSeconds(Time->QuadPart, SECONDS_TO_1970, ElapsedSeconds);
}

BOOLEAN NTAPI RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return ToSeconds(Time->QuadPart, SECONDS_TO_1980, ElapsedSeconds);
}
