/*
 * print.c - text to the debug port, from anywhere.
 *
 * One lock makes a call's text come out in one piece. It is taken at HIGH_LEVEL, so that the holder
 * cannot be interrupted on its own processor, and it is a bare word rather than a KSPIN_LOCK: it
 * works before there are processor blocks and after there is anything to trust. What can still
 * interrupt the holder is an NMI or a fault of its own; both end in a bugcheck, which enters crash
 * mode: waiting is bounded then, and a lock that does not come free is taken by force.
 *
 * The last 64 KB are kept in a ring for `dbgprint` and for a debugger.
 */
#include "ke.h"
#include "debugger.h"
#include "kd.h"
#include "hal.h"

#define RING_SIZE 0x10000
/* A processor that is alive prints 512 bytes in less time even at 115200 baud. */
#define CRASH_SPINS 1000000

static volatile LONG KdpPrintLock;
static volatile BOOLEAN KdpCrashMode;
static CHAR KdpRing[RING_SIZE]; /* KdpPrintLock; static: it works before there is a pool */
static ULONG64 KdpRingNext;     /* KdpPrintLock: number of the next byte */

static KIRQL AcquirePrintLock(void)
{
    KIRQL OldIrql = KfRaiseIrql(HIGH_LEVEL);
    ULONG Spins = 0;

    /* Looked at each time round: the holder may have crashed while this processor waited. */
    while (InterlockedExchange(&KdpPrintLock, 1) != 0) {
        YieldProcessor();
        if (KdpCrashMode && ++Spins == CRASH_SPINS) {
            break;
        }
    }
    return OldIrql;
}

static void ReleasePrintLock(KIRQL OldIrql)
{
    InterlockedExchange(&KdpPrintLock, 0);
    KeLowerIrql(OldIrql);
}

/* Lock held. */
static void PutCharacter(CHAR Character)
{
    if (Character == '\n') {
        HalPutDebugByte('\r');
    }
    HalPutDebugByte((UCHAR)Character);
}

void KdPrintString(const char *Text, SIZE_T Length)
{
    KIRQL OldIrql = AcquirePrintLock();

    for (SIZE_T i = 0; i < Length; i++) {
        PutCharacter(Text[i]);
        HalPutScreenByte((UCHAR)Text[i]);
        KdpRing[KdpRingNext++ % RING_SIZE] = Text[i];
    }
    KdShowDebugger(Text, Length);
    ReleasePrintLock(OldIrql);
}

void KdPrintUnkept(const char *Text, SIZE_T Length)
{
    KIRQL OldIrql = AcquirePrintLock();

    for (SIZE_T i = 0; i < Length; i++) {
        PutCharacter(Text[i]);
    }
    ReleasePrintLock(OldIrql);
}

ULONG NT_VARARGS KdPrintf(const char *Format, ...)
{
    CHAR Buffer[KD_PRINT_LIMIT];
    NT_VA_LIST Arguments;
    SIZE_T Length;

    nt_va_start(Arguments, Format);
    Length = RtlFormatString(Buffer, sizeof(Buffer), Format, Arguments);
    nt_va_end(Arguments);
    Length = min(Length, sizeof(Buffer) - 1);
    KdPrintString(Buffer, Length);
    return (ULONG)Length;
}

void KdEnterCrashMode(void)
{
    KdpCrashMode = TRUE;
    HalShowCrashScreen();
}

/* Lock held, or nobody runs who could print. */
static SIZE_T ReadRing(ULONG64 *Position, CHAR *Buffer, SIZE_T Size)
{
    SIZE_T Count = 0;

    if (KdpRingNext > RING_SIZE) {
        *Position = max(*Position, KdpRingNext - RING_SIZE);
    }
    while (Count < Size && *Position < KdpRingNext) {
        Buffer[Count++] = KdpRing[(*Position)++ % RING_SIZE];
    }
    return Count;
}

/* For the debugger without the lock: who stands still may hold it. */
SIZE_T KdReadRing(ULONG64 *Position, CHAR *Buffer, SIZE_T Size)
{
    KIRQL OldIrql;
    SIZE_T Count;

    if (KiIsServingDebugger()) {
        return ReadRing(Position, Buffer, Size);
    }
    OldIrql = AcquirePrintLock();
    Count = ReadRing(Position, Buffer, Size);
    ReleasePrintLock(OldIrql);
    return Count;
}
