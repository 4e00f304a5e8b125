/*
 * traceevent.h - what the trace knows: one table of its events.
 *
 * An event is 32 bytes: when, which thread was running at which IRQL, and up to three numbers,
 * whose meaning the table gives by a name and a form. The `trace` command prints the table's names
 * and forms ahead of a dump, so nothing outside the kernel has to know this file.
 */
#ifndef _TRACEEVENT_H_
#define _TRACEEVENT_H_

#include <ntddk.h>

/* Kinds of events that are switched on together. */
#define KI_TRACE_GROUPS(X)                                                                         \
    X(INTERRUPTS, "interrupts")                                                                    \
    X(IRQL, "irql")                                                                                \
    X(DPC, "dpc")                                                                                  \
    X(APC, "apc")                                                                                  \
    X(SWITCH, "switch")                                                                            \
    X(WAIT, "wait")                                                                                \
    X(READY, "ready")                                                                              \
    X(IRP, "irp")                                                                                  \
    X(POOL, "pool")                                                                                \
    X(LOCK, "lock")

/*
 * X(Number, Name, group, text, fields): of Extra, A and B, in this order, each "name:form", '-' for
 * none. Forms: d decimal, x hexadecimal, p an address, c an address of code, s a status, t a
 * thread, g a pool tag with the size above it, w what a thread was doing (KTHREAD_STATE, and its
 * wait reason above it).
 */
#define KI_TRACE_KINDS(X)                                                                          \
    X(1, IntEnter, INTERRUPTS, "int.enter", "vector:x interrupted:c -")                            \
    X(2, IntLeave, INTERRUPTS, "int.leave", "vector:x to:d -")                                     \
    X(3, IsrBegin, INTERRUPTS, "isr.begin", "- routine:c -")                                       \
    X(4, IsrEnd, INTERRUPTS, "isr.end", "claimed:d routine:c -")                                   \
    X(5, IrqlRaise, IRQL, "irql.raise", "to:d at:c -")                                             \
    X(6, IrqlLower, IRQL, "irql.lower", "to:d at:c -")                                             \
    X(7, DpcQueue, DPC, "dpc.queue", "cpu:d dpc:p routine:c")                                      \
    X(8, DpcRun, DPC, "dpc.run", "- dpc:p routine:c")                                              \
    X(9, DpcEnd, DPC, "dpc.end", "- dpc:p routine:c")                                              \
    X(10, ApcQueue, APC, "apc.queue", "mode:d thread:t routine:c")                                 \
    X(11, ApcRun, APC, "apc.run", "- apc:p routine:c")                                             \
    X(12, ApcEnd, APC, "apc.end", "- apc:p -")                                                     \
    X(13, Switch, SWITCH, "switch", "priority:d to:t from:w")                                      \
    X(14, WaitBegin, WAIT, "wait.begin", "objects:d object:p timeout:d")                           \
    X(15, WaitEnd, WAIT, "wait.end", "status:x object:p thread:t")                                 \
    X(16, Ready, READY, "ready", "cpu:d thread:t was:w")                                           \
    X(17, IrpAllocate, IRP, "irp.allocate", "locations:d irp:p -")                                 \
    X(18, IrpCall, IRP, "irp.call", "major:x irp:p routine:c")                                     \
    X(19, IrpReturn, IRP, "irp.return", "- irp:p status:s")                                        \
    X(20, IrpRoutine, IRP, "irp.routine", "- irp:p routine:c")                                     \
    X(21, IrpRoutineEnd, IRP, "irp.routine.end", "- irp:p status:s")                               \
    X(22, IrpComplete, IRP, "irp.complete", "- irp:p status:s")                                    \
    X(23, IrpFree, IRP, "irp.free", "- irp:p -")                                                   \
    X(24, PoolAllocate, POOL, "pool.allocate", "- block:p what:g")                                 \
    X(25, PoolFree, POOL, "pool.free", "- block:p what:g")                                         \
    X(26, LockWait, LOCK, "lock.wait", "- lock:c -")                                               \
    X(27, LockGot, LOCK, "lock.got", "- lock:c -")

enum {
#define X(Name, Text) KI_TRACE_BIT_##Name,
    KI_TRACE_GROUPS(X)
#undef X
    KI_TRACE_GROUP_COUNT
};
#define KI_TRACE_ALL_GROUPS ((1U << KI_TRACE_GROUP_COUNT) - 1)

/* Assembly wants the numbers as text, so they stand in the table. */
enum {
#define X(Number, Name, Group, Text, Fields) KiTrace##Name = Number,
    KI_TRACE_KINDS(X)
#undef X
    KI_TRACE_KIND_COUNT
};

typedef struct _KI_TRACE_EVENT {
    ULONG64 Time; /* the time-stamp counter; grows from event to event of a processor */
    ULONG Thread; /* that was running: its id; 0: the processor's idle thread */
    UCHAR Kind;   /* KiTrace* */
    UCHAR Irql;   /* CR8 */
    USHORT Extra; /* see the table */
    ULONG64 A, B; /* see the table */
} KI_TRACE_EVENT, *PKI_TRACE_EVENT;
C_ASSERT(sizeof(KI_TRACE_EVENT) == 32);

/* A thread that was there when the trace began, or has come since. */
typedef struct _KI_TRACE_THREAD {
    ULONG Id;
    ULONG Processor; /* of an idle thread, whose id is 0 */
    PVOID Start;
    CHAR Name[24]; /* empty: a driver's */
} KI_TRACE_THREAD, *PKI_TRACE_THREAD;

#define KI_TRACE_PROCESSORS 32 /* KI_MAX_PROCESSORS */
typedef struct _KI_TRACE_SUMMARY {
    BOOLEAN Running;
    ULONG Groups;                          /* bits 1 << KI_TRACE_BIT_* */
    ULONG Sites;                           /* places in the code that are or were patched */
    ULONG Capacity;                        /* events a processor has room for; 0: never started */
    ULONG Threads;                         /* that KeReadTraceThread knows */
    ULONG64 StartTime, StopTime;           /* time-stamp counter */
    ULONG64 Start100ns, Stop100ns;         /* the HAL's counter at the same moments */
    ULONG64 Recorded[KI_TRACE_PROCESSORS]; /* since the start, by processor */
} KI_TRACE_SUMMARY, *PKI_TRACE_SUMMARY;

/* Ends a trace that runs and begins a new one of Groups, with room for Capacity events, a power of
 * two, on each processor. PASSIVE_LEVEL. STATUS_INSUFFICIENT_RESOURCES: nothing has changed but the
 * end. */
NTSTATUS KeStartTrace(ULONG Groups, ULONG Capacity);
/* Ends it; what was recorded stays until the next start. STATUS_INVALID_DEVICE_STATE: none runs.
 * PASSIVE_LEVEL. */
NTSTATUS KeStopTrace(void);
void KeQueryTrace(PKI_TRACE_SUMMARY Summary);
/* The Index-th event of a processor since the start. FALSE: overwritten or not recorded; or the
 * trace runs. PASSIVE_LEVEL. */
BOOLEAN KeReadTrace(ULONG Processor, ULONG64 Index, PKI_TRACE_EVENT Event);
BOOLEAN KeReadTraceThread(ULONG Index, PKI_TRACE_THREAD Thread);

#endif
