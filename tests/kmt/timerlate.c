/*
 * Promise: on an idle machine a timer expires after its due time and less than 1 ms later, be it
 * short or long, alone or among others. How late the latest was is printed; only where instructions
 * are the clock is that a fact about the kernel, so the host asks there (test_timers.py).
 */
#include "kmt.h"

#define ROUNDS 300

static ULONGLONG Due, RanAt;

static VOID NTAPI Note(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    RanAt = KmtNow();
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
}

static VOID KmtRun(VOID)
{
    ULONGLONG LatestDpc = 0, LatestThread = 0;
    LONG Early = 0;
    ULONG Seed = 12345;
    KEVENT Ran;
    KTIMER Timer, Others[20];
    KDPC Dpc;

    for (ULONG i = 0; i < ARRAYSIZE(Others); i++) {
        KeInitializeTimer(&Others[i]);
        KeSetTimerEx(&Others[i], KmtMs(1 + i), (LONG)(i * 7 + 5), NULL);
    }
    KeInitializeTimer(&Timer);
    KeInitializeEvent(&Ran, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Dpc, Note, &Ran);
    for (ULONG i = 0; i < ROUNDS; i++) {
        LARGE_INTEGER Relative;
        Relative.QuadPart = -(LONGLONG)(KmtRandom(&Seed) % (i % 10 == 0 ? 1000000 : 20000));
        Due = KmtNow() - Relative.QuadPart;
        KeSetTimer(&Timer, Relative, &Dpc);
        KmtWait(&Ran, 10000);
        Early += RanAt < Due;
        LatestDpc = max(LatestDpc, RanAt - Due);
        LatestThread = max(LatestThread, KmtNow() - Due);
    }
    for (ULONG i = 0; i < ARRAYSIZE(Others); i++) {
        KeCancelTimer(&Others[i]);
    }
    KeFlushQueuedDpcs();
    KMT_EQUAL(Early, 0, "no timer is early");
    DbgPrint("# latest DPC: %I64u us, latest thread: %I64u us\n", LatestDpc / 10,
             LatestThread / 10);
}
