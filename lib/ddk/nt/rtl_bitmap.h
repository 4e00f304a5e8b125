/*
 * nt/rtl_bitmap.h - bitmaps: bit n is bit n % 32 of ULONG n / 32.
 *
 * The caller provides the bits and the lock. Ranges that do not lie in the bitmap are never
 * touched. Any IRQL with resident memory.
 */
#include <wdm.h>

#ifndef _NT_RTL_BITMAP_
#define _NT_RTL_BITMAP_

typedef struct _RTL_BITMAP {
    ULONG SizeOfBitMap; /* bits */
    PULONG Buffer;
} RTL_BITMAP, *PRTL_BITMAP;

typedef struct _RTL_BITMAP_RUN {
    ULONG StartingIndex;
    ULONG NumberOfBits;
} RTL_BITMAP_RUN, *PRTL_BITMAP_RUN;

/* Makes a bitmap of SizeOfBitMap bits of a buffer of whole ULONGs; the bits are as they are.
 * WDK: RtlInitializeBitMap. */
NTSYSAPI VOID NTAPI RtlInitializeBitMap(_Out_ PRTL_BITMAP BitMapHeader, _In_ PULONG BitMapBuffer,
                                        _In_ ULONG SizeOfBitMap);
/* All bits 0, or 1. WDK: RtlClearAllBits, RtlSetAllBits. */
NTSYSAPI VOID NTAPI RtlClearAllBits(_In_ PRTL_BITMAP BitMapHeader);
NTSYSAPI VOID NTAPI RtlSetAllBits(_In_ PRTL_BITMAP BitMapHeader);
/* A range of bits, or one, 0 or 1. WDK: RtlClearBits, RtlSetBits, RtlClearBit, RtlSetBit. */
NTSYSAPI VOID NTAPI RtlClearBits(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG StartingIndex,
                                 _In_ ULONG NumberToClear);
NTSYSAPI VOID NTAPI RtlSetBits(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG StartingIndex,
                               _In_ ULONG NumberToSet);
NTSYSAPI VOID NTAPI RtlClearBit(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG BitNumber);
NTSYSAPI VOID NTAPI RtlSetBit(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG BitNumber);
/* Whether a bit is set; FALSE outside. WDK: RtlTestBit, RtlCheckBit. */
NTSYSAPI BOOLEAN NTAPI RtlTestBit(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG BitNumber);
#define RtlCheckBit(BitMap, Bit) (((BitMap)->Buffer[(Bit) / 32] >> ((Bit) % 32)) & 1)
/* TRUE when Length bits from StartingIndex lie in the bitmap and are all 0, or all 1; FALSE for
 * Length 0. WDK: RtlAreBitsClear, RtlAreBitsSet. */
NTSYSAPI BOOLEAN NTAPI RtlAreBitsClear(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG StartingIndex,
                                       _In_ ULONG Length);
NTSYSAPI BOOLEAN NTAPI RtlAreBitsSet(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG StartingIndex,
                                     _In_ ULONG Length);
/* How many bits are 0, or 1. WDK: RtlNumberOfClearBits, RtlNumberOfSetBits. */
NTSYSAPI ULONG NTAPI RtlNumberOfClearBits(_In_ PRTL_BITMAP BitMapHeader);
NTSYSAPI ULONG NTAPI RtlNumberOfSetBits(_In_ PRTL_BITMAP BitMapHeader);
/* Where the first NumberToFind bits in a row are that are 0, or 1, looked for from HintIndex to the
 * end (a hint outside is 0), then from the start; MAXULONG: nowhere. For 0 bits the hint's byte.
 * WDK: RtlFindClearBits, RtlFindSetBits. */
NTSYSAPI ULONG NTAPI RtlFindClearBits(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG NumberToFind,
                                      _In_ ULONG HintIndex);
NTSYSAPI ULONG NTAPI RtlFindSetBits(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG NumberToFind,
                                    _In_ ULONG HintIndex);
/* The same, and the bits found change. WDK: RtlFindClearBitsAndSet, RtlFindSetBitsAndClear. */
NTSYSAPI ULONG NTAPI RtlFindClearBitsAndSet(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG NumberToFind,
                                            _In_ ULONG HintIndex);
NTSYSAPI ULONG NTAPI RtlFindSetBitsAndClear(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG NumberToFind,
                                            _In_ ULONG HintIndex);
/* Length of the next run of clear bits at or behind FromIndex, and where it starts; 0: there is
 * none, and *StartingRunIndex is the end. WDK: RtlFindNextForwardRunClear. */
NTSYSAPI ULONG NTAPI RtlFindNextForwardRunClear(_In_ PRTL_BITMAP BitMapHeader, _In_ ULONG FromIndex,
                                                _Out_ PULONG StartingRunIndex);
/* Length of the first, or of the longest, run of clear bits, and where it starts; 0: all are set.
 * WDK: RtlFindFirstRunClear, RtlFindLongestRunClear. */
NTSYSAPI ULONG NTAPI RtlFindFirstRunClear(_In_ PRTL_BITMAP BitMapHeader,
                                          _Out_ PULONG StartingIndex);
NTSYSAPI ULONG NTAPI RtlFindLongestRunClear(_In_ PRTL_BITMAP BitMapHeader,
                                            _Out_ PULONG StartingIndex);

#endif
