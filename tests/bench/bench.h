/*
 * bench.h - what a measuring driver includes. Its DriverEntry measures rows and prints one line for
 * each, "bench NAME minimum median", which tests/bench/bench.py collects.
 *
 *     for (ULONG i = 0; i < BENCH_RUNS; i++) {
 *         BenchStart();
 *         KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
 *         BenchStop();
 *     }
 *     BenchReport("event");
 *
 * The unit is the time-stamp counter's; when QEMU counts instructions (-icount shift=0) that is one
 * instruction, exactly. What lies between an empty BenchStart and BenchStop is measured first and
 * subtracted, so that a row counts what the caller executes: loading the arguments, the call, and
 * all that follows from it. BenchStart and BenchStop may stand in different threads, DPCs or ISRs.
 * One measurement at a time: there is one Bench.
 */
#ifndef _BENCH_H_
#define _BENCH_H_

#include <ntddk.h>

#define BENCH_RUNS 255   /* odd, so that the median is one of the samples */
#define BENCH_WARM_UP 32 /* first samples, which fill caches: left out */
#define BENCH_TAG 'hcnB'

DRIVER_INITIALIZE DriverEntry;
static VOID BenchRun(VOID);

static struct {
    volatile ULONG64 Start;
    ULONG64 Empty; /* what an empty measurement reads */
    ULONG Count;   /* samples taken */
    ULONG64 Sample[BENCH_RUNS];
} Bench;

static PDRIVER_OBJECT BenchDriverObject; /* for devices and work items */

FORCEINLINE ULONG64 BenchTicks(VOID)
{
    ULONG64 Low, High;

    __asm__ volatile("rdtsc\n\tshlq $32, %1\n\torq %1, %0" : "=a"(Low), "=d"(High) : : "memory");
    return Low;
}

FORCEINLINE VOID BenchStart(VOID)
{
    Bench.Start = BenchTicks();
}

FORCEINLINE VOID BenchStop(VOID)
{
    ULONG64 Ticks = BenchTicks() - Bench.Start - Bench.Empty;
    ULONG Count = Bench.Count++;

    if (Count >= BENCH_WARM_UP && Count - BENCH_WARM_UP < BENCH_RUNS) {
        Bench.Sample[Count - BENCH_WARM_UP] = Ticks;
    }
}

/* How often a row's loop goes round. */
#define BENCH_ROUNDS (BENCH_WARM_UP + BENCH_RUNS)

static inline VOID BenchSort(VOID)
{
    for (ULONG i = 1; i < BENCH_RUNS; i++) {
        ULONG64 Value = Bench.Sample[i];
        ULONG At = i;

        for (; At > 0 && Bench.Sample[At - 1] > Value; At--) {
            Bench.Sample[At] = Bench.Sample[At - 1];
        }
        Bench.Sample[At] = Value;
    }
}

/* Prints the row; one whose loop did not measure BENCH_ROUNDS times is a mistake of the driver. */
static inline VOID BenchReport(PCSTR Name)
{
    if (Bench.Count != BENCH_ROUNDS) {
        DbgPrint("bench: %s was measured %u times\n", Name, Bench.Count);
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, Bench.Count, 0, 0, 0);
    }
    BenchSort();
    DbgPrint("bench %s %I64u %I64u\n", Name, Bench.Sample[0], Bench.Sample[BENCH_RUNS / 2]);
    Bench.Count = 0;
}

static inline VOID BenchCalibrate(VOID)
{
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        BenchStop();
    }
    BenchSort();
    Bench.Empty = Bench.Sample[0];
    Bench.Count = 0;
}

/* A system thread, as a referenced thread object; BenchJoin waits for its end and lets it go. */
static inline PETHREAD BenchStartThread(PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE Handle;
    PVOID Thread;

    PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, Context);
    ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode, &Thread, NULL);
    ZwClose(Handle);
    return Thread;
}

static inline VOID BenchJoin(PETHREAD Thread)
{
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

static VOID NTAPI BenchUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

/* All is measured at a real-time priority: boosts and other threads' turns change nothing. */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KPRIORITY OldPriority;

    UNREFERENCED_PARAMETER(RegistryPath);
    BenchDriverObject = DriverObject;
    DriverObject->DriverUnload = BenchUnload;
    OldPriority = KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    BenchCalibrate();
    BenchRun();
    KeSetPriorityThread(KeGetCurrentThread(), OldPriority);
    return STATUS_SUCCESS;
}

#endif
