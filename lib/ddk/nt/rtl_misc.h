/* nt/rtl_misc.h - more of the run-time library: memory, byte order, random numbers, other
 * calendars. */
#include <wdm.h>

#ifndef _NT_RTL_MISC_
#define _NT_RTL_MISC_

/* Bytes from the start on that are those of Pattern, over and over; a multiple of 4, as Source is
 * aligned and Length counts. Any IRQL. WDK: RtlCompareMemoryUlong. */
NTSYSAPI SIZE_T NTAPI RtlCompareMemoryUlong(_In_ PVOID Source, _In_ SIZE_T Length,
                                            _In_ ULONG Pattern);

/* The bytes of a number in the opposite order. Any IRQL. WDK: RtlUshortByteSwap, RtlUlongByteSwap,
 * RtlUlonglongByteSwap. */
NTSYSAPI USHORT NTAPI RtlUshortByteSwap(_In_ USHORT Source);
NTSYSAPI ULONG NTAPI RtlUlongByteSwap(_In_ ULONG Source);
NTSYSAPI ULONGLONG NTAPI RtlUlonglongByteSwap(_In_ ULONGLONG Source);

/* A number from 0 to MAXLONG - 1, the same from the same *Seed, which becomes the next one. Not for
 * secrets. Any IRQL. WDK: RtlRandomEx, RtlRandom. */
NTSYSAPI ULONG NTAPI RtlRandomEx(_Inout_ PULONG Seed);
NTSYSAPI ULONG NTAPI RtlRandom(_Inout_ PULONG Seed);

/* System time from seconds since 1970 or 1980 (UTC), and back: FALSE when the result is below 0 or
 * above MAXULONG. Any IRQL. WDK: RtlSecondsSince1970ToTime, RtlTimeToSecondsSince1970 and those of
 * 1980. */
NTSYSAPI VOID NTAPI RtlSecondsSince1970ToTime(_In_ ULONG ElapsedSeconds, _Out_ PLARGE_INTEGER Time);
NTSYSAPI VOID NTAPI RtlSecondsSince1980ToTime(_In_ ULONG ElapsedSeconds, _Out_ PLARGE_INTEGER Time);
NTSYSAPI BOOLEAN NTAPI RtlTimeToSecondsSince1970(_In_ PLARGE_INTEGER Time,
                                                 _Out_ PULONG ElapsedSeconds);
NTSYSAPI BOOLEAN NTAPI RtlTimeToSecondsSince1980(_In_ PLARGE_INTEGER Time,
                                                 _Out_ PULONG ElapsedSeconds);

#endif
