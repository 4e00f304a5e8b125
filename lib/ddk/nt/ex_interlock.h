/*
 * nt/ex_interlock.h - interlocked operations beyond the common ones of nt/ex.h, and shared lists
 * and numbers under a spin lock (book ch. 3 and 6).
 *
 * The macros are full barriers at any IRQL, on naturally aligned resident memory, and return what
 * Windows' return: the new value for increment, decrement and add, else the old one. The suffixes
 * Acquire, Release and NoFence promise less; here they mean the full barrier that x86 has anyway.
 */
#include <wdm.h>

#ifndef _NT_EX_INTERLOCK_
#define _NT_EX_INTERLOCK_

#define InterlockedExchangeAdd64(p, v)                                                             \
    __atomic_fetch_add((volatile LONG64 *)(p), (LONG64)(v), __ATOMIC_SEQ_CST)
#define InterlockedOr64(p, v)                                                                      \
    __atomic_fetch_or((volatile LONG64 *)(p), (LONG64)(v), __ATOMIC_SEQ_CST)
#define InterlockedAnd64(p, v)                                                                     \
    __atomic_fetch_and((volatile LONG64 *)(p), (LONG64)(v), __ATOMIC_SEQ_CST)
#define InterlockedXor64(p, v)                                                                     \
    __atomic_fetch_xor((volatile LONG64 *)(p), (LONG64)(v), __ATOMIC_SEQ_CST)
#define InterlockedIncrement16(p) __atomic_add_fetch((volatile SHORT *)(p), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement16(p) __atomic_sub_fetch((volatile SHORT *)(p), 1, __ATOMIC_SEQ_CST)
#define InterlockedExchange16(p, v)                                                                \
    __atomic_exchange_n((volatile SHORT *)(p), (SHORT)(v), __ATOMIC_SEQ_CST)
#define InterlockedExchange8(p, v)                                                                 \
    __atomic_exchange_n((volatile CHAR *)(p), (CHAR)(v), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchange16(p, v, c)                                                      \
    __sync_val_compare_and_swap((volatile SHORT *)(p), (SHORT)(c), (SHORT)(v))
#define InterlockedOr16(p, v) __atomic_fetch_or((volatile SHORT *)(p), (SHORT)(v), __ATOMIC_SEQ_CST)
#define InterlockedAnd16(p, v)                                                                     \
    __atomic_fetch_and((volatile SHORT *)(p), (SHORT)(v), __ATOMIC_SEQ_CST)
#define InterlockedXor16(p, v)                                                                     \
    __atomic_fetch_xor((volatile SHORT *)(p), (SHORT)(v), __ATOMIC_SEQ_CST)
#define InterlockedOr8(p, v) __atomic_fetch_or((volatile CHAR *)(p), (CHAR)(v), __ATOMIC_SEQ_CST)
#define InterlockedAnd8(p, v) __atomic_fetch_and((volatile CHAR *)(p), (CHAR)(v), __ATOMIC_SEQ_CST)
#define InterlockedXor8(p, v) __atomic_fetch_xor((volatile CHAR *)(p), (CHAR)(v), __ATOMIC_SEQ_CST)
#define InterlockedExchangeAddSizeT(p, v)                                                          \
    __atomic_fetch_add((volatile SIZE_T *)(p), (SIZE_T)(v), __ATOMIC_SEQ_CST)
#define InterlockedIncrementSizeT(p) __atomic_add_fetch((volatile SIZE_T *)(p), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrementSizeT(p) __atomic_sub_fetch((volatile SIZE_T *)(p), 1, __ATOMIC_SEQ_CST)

/* Sets or clears a bit, counted from Base on, and tells what it was: 0 or 1. */
FORCEINLINE BOOLEAN InterlockedBitTestAndSet(_Inout_ volatile LONG *Base, _In_ LONG Bit)
{
    LONG Mask = (LONG)(1U << (Bit & 31));
    return (__atomic_fetch_or(&Base[Bit >> 5], Mask, __ATOMIC_SEQ_CST) & Mask) != 0;
}
FORCEINLINE BOOLEAN InterlockedBitTestAndReset(_Inout_ volatile LONG *Base, _In_ LONG Bit)
{
    LONG Mask = (LONG)(1U << (Bit & 31));
    return (__atomic_fetch_and(&Base[Bit >> 5], ~Mask, __ATOMIC_SEQ_CST) & Mask) != 0;
}
FORCEINLINE BOOLEAN InterlockedBitTestAndSet64(_Inout_ volatile LONG64 *Base, _In_ LONG64 Bit)
{
    LONG64 Mask = (LONG64)(1ULL << (Bit & 63));
    return (__atomic_fetch_or(&Base[Bit >> 6], Mask, __ATOMIC_SEQ_CST) & Mask) != 0;
}
FORCEINLINE BOOLEAN InterlockedBitTestAndReset64(_Inout_ volatile LONG64 *Base, _In_ LONG64 Bit)
{
    LONG64 Mask = (LONG64)(1ULL << (Bit & 63));
    return (__atomic_fetch_and(&Base[Bit >> 6], ~Mask, __ATOMIC_SEQ_CST) & Mask) != 0;
}

/* Compares the 16 bytes at Destination, 16-byte aligned, with Comparand[0..1]: equal, they are
 * replaced, 1; else Comparand receives them, 0. WDK: InterlockedCompareExchange128. */
FORCEINLINE UCHAR InterlockedCompareExchange128(_Inout_ volatile LONG64 *Destination,
                                                _In_ LONG64 ExchangeHigh, _In_ LONG64 ExchangeLow,
                                                _Inout_ LONG64 *Comparand)
{
    UCHAR Equal;
    __asm__ volatile("lock cmpxchg16b (%3)\n\tsete %0"
                     : "=q"(Equal), "+a"(Comparand[0]), "+d"(Comparand[1])
                     : "r"(Destination), "b"(ExchangeLow), "c"(ExchangeHigh)
                     : "memory", "cc");
    return Equal;
}

#define InterlockedIncrementAcquire InterlockedIncrement
#define InterlockedIncrementRelease InterlockedIncrement
#define InterlockedIncrementNoFence InterlockedIncrement
#define InterlockedDecrementAcquire InterlockedDecrement
#define InterlockedDecrementRelease InterlockedDecrement
#define InterlockedDecrementNoFence InterlockedDecrement
#define InterlockedIncrementNoFence64 InterlockedIncrement64
#define InterlockedDecrementNoFence64 InterlockedDecrement64
#define InterlockedAddAcquire InterlockedAdd
#define InterlockedAddRelease InterlockedAdd
#define InterlockedAddNoFence InterlockedAdd
#define InterlockedAddNoFence64 InterlockedAdd64
#define InterlockedExchangeAcquire InterlockedExchange
#define InterlockedExchangeNoFence InterlockedExchange
#define InterlockedExchangeNoFence64 InterlockedExchange64
#define InterlockedExchangePointerAcquire InterlockedExchangePointer
#define InterlockedExchangePointerNoFence InterlockedExchangePointer
#define InterlockedExchangeAddNoFence InterlockedExchangeAdd
#define InterlockedExchangeAddNoFence64 InterlockedExchangeAdd64
#define InterlockedCompareExchangeAcquire InterlockedCompareExchange
#define InterlockedCompareExchangeRelease InterlockedCompareExchange
#define InterlockedCompareExchangeNoFence InterlockedCompareExchange
#define InterlockedCompareExchangeAcquire64 InterlockedCompareExchange64
#define InterlockedCompareExchangeRelease64 InterlockedCompareExchange64
#define InterlockedCompareExchangeNoFence64 InterlockedCompareExchange64
#define InterlockedCompareExchangePointerAcquire InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerRelease InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerNoFence InterlockedCompareExchangePointer
#define InterlockedOrNoFence InterlockedOr
#define InterlockedAndNoFence InterlockedAnd
#define InterlockedXorNoFence InterlockedXor

/* List, number and lock are resident memory; the lock is used with nothing but the ExInterlocked
 * routines. */
/* Puts an entry first; returns the one that was first before, or NULL. Any IRQL. WDK:
 * ExInterlockedPushEntryList; book ch. 3. */
NTKERNELAPI PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(
    _Inout_ PSINGLE_LIST_ENTRY ListHead, _Inout_ PSINGLE_LIST_ENTRY ListEntry,
    _Inout_ PKSPIN_LOCK Lock);
/* Takes the first entry off; NULL when the list is empty. Any IRQL. WDK: ExInterlockedPopEntryList;
 * book ch. 3. */
NTKERNELAPI PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(_Inout_ PSINGLE_LIST_ENTRY ListHead,
                                                               _Inout_ PKSPIN_LOCK Lock);
/* Adds Increment; returns the value before. Any IRQL. WDK: ExInterlockedAddLargeInteger. */
NTKERNELAPI LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(_Inout_ PLARGE_INTEGER Addend,
                                                             _In_ LARGE_INTEGER Increment,
                                                             _Inout_ PKSPIN_LOCK Lock);
/* Adds Increment; returns the value before. Any IRQL. WDK: ExInterlockedAddUlong. */
NTKERNELAPI ULONG NTAPI ExInterlockedAddUlong(_Inout_ PULONG Addend, _In_ ULONG Increment,
                                              _Inout_ PKSPIN_LOCK Lock);
#define ExInterlockedAddLargeStatistic(Addend, Increment)                                          \
    ((VOID)InterlockedAdd64(&(Addend)->QuadPart, Increment))
#define ExInterlockedCompareExchange64(Destination, Exchange, Comparand, Lock)                     \
    InterlockedCompareExchange64(Destination, *(Exchange), *(Comparand))
#define ExInterlockedFlushSList ExpInterlockedFlushSList

#endif
