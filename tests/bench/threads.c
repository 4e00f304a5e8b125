/*
 * Measures: switching between threads, starting and ending them, and having others do work.
 *
 * Two threads of one priority take turns. A round leads from the first to the second and back: two
 * switches.
 */
#include "bench.h"

#include <ntexapi.h>

static KEVENT Ping, Pong;
static volatile BOOLEAN Stop;

static VOID NTAPI Ponger(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    while (!Stop) {
        KeSetEvent(&Pong, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(&Ping, Executive, KernelMode, FALSE, NULL);
    }
}

static VOID MeasurePingPong(VOID)
{
    PETHREAD Other;

    Stop = FALSE;
    KeInitializeEvent(&Ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Pong, SynchronizationEvent, FALSE);
    Other = BenchStartThread(Ponger, NULL);
    KeWaitForSingleObject(&Pong, Executive, KernelMode, FALSE, NULL);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeSetEvent(&Ping, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(&Pong, Executive, KernelMode, FALSE, NULL);
        BenchStop();
    }
    Stop = TRUE;
    KeSetEvent(&Ping, IO_NO_INCREMENT, FALSE);
    BenchJoin(Other);
    BenchReport("pingpong");
}

static LARGE_INTEGER NoTime;

static VOID NTAPI Yielder(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    while (!Stop) {
        KeDelayExecutionThread(KernelMode, FALSE, &NoTime);
    }
}

static VOID MeasureYield(VOID)
{
    LARGE_INTEGER Moment = {.QuadPart = -10000};
    PETHREAD Other;

    Stop = FALSE;
    Other = BenchStartThread(Yielder, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeDelayExecutionThread(KernelMode, FALSE, &NoTime);
        BenchStop();
    }
    Stop = TRUE;
    BenchJoin(Other);
    BenchReport("yield_pair");
}

static VOID NTAPI EndAtOnce(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

/* The thread object and its stack are freed by then, or while the next thread is waited for. */
static VOID MeasureThread(VOID)
{
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        BenchJoin(BenchStartThread(EndAtOnce, NULL));
        BenchStop();
    }
    BenchReport("thread");
}

static VOID NTAPI ApcRoutine(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context, PVOID *Argument1,
                             PVOID *Argument2)
{
    BenchStop();
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

/* From queueing a special kernel APC to the own thread until its routine runs. */
static VOID MeasureApc(VOID)
{
    KAPC Apc;

    KeInitializeApc(&Apc, KeGetCurrentThread(), OriginalApcEnvironment, ApcRoutine, NULL, NULL,
                    KernelMode, NULL);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeInsertQueueApc(&Apc, NULL, NULL, IO_NO_INCREMENT);
    }
    BenchReport("apc");
}

static VOID NTAPI WorkRoutine(PVOID Context)
{
    BenchStop();
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

/* From queueing until a worker thread runs the routine; the queueing thread goes to sleep
 * between. */
static VOID MeasureWorkItem(VOID)
{
    WORK_QUEUE_ITEM Item;
    KEVENT Done;

    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        ExInitializeWorkItem(&Item, WorkRoutine, &Done);
        BenchStart();
        ExQueueWorkItem(&Item, DelayedWorkQueue);
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    }
    BenchReport("workitem");
}

static VOID MeasureAttach(VOID)
{
    HANDLE Handle = NULL;
    PVOID Process = NULL;
    KAPC_STATE State;

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwCreateProcessEx(&Handle, PROCESS_ALL_ACCESS, NULL, NtCurrentProcess(), 0, NULL, NULL,
                          NULL, 0);
        ZwClose(Handle);
        BenchStop();
    }
    BenchReport("process");
    ZwCreateProcessEx(&Handle, PROCESS_ALL_ACCESS, NULL, NtCurrentProcess(), 0, NULL, NULL, NULL,
                      0);
    ObReferenceObjectByHandle(Handle, 0, *PsProcessType, KernelMode, &Process, NULL);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeStackAttachProcess((PRKPROCESS)Process, &State);
        KeUnstackDetachProcess(&State);
        BenchStop();
    }
    BenchReport("attach");
    ObDereferenceObject(Process);
    ZwClose(Handle);
}

static VOID BenchRun(VOID)
{
    MeasureAttach();
    MeasurePingPong();
    MeasureYield();
    MeasureThread();
    MeasureApc();
    MeasureWorkItem();
}
