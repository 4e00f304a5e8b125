/*
 * stacktrace.h - the debug kernel's memory of who allocated and freed pool memory, opened and
 * closed handles, as stacks (ex/stacktrace.c): with `stacktraces=1` on the command line. In the
 * release kernel every routine here is nothing.
 */
#ifndef _STACKTRACE_H_
#define _STACKTRACE_H_

#include "ex.h"

#if DBG

/* Stacks are kept from here on, if there is memory for them. Phase 1, once. */
void ExStartStackTraces(void);
BOOLEAN ExAreStackTracesOn(void);

/* Caller: the return address that stacks begin with; NULL, or not on the stack: with the routine
 * that calls here. IRQL <= DISPATCH_LEVEL.
 *
 * A block of pool has been allocated; it is about to be freed, its header says so already. */
void ExTraceAllocation(PVOID Block, SIZE_T Size, ULONG Tag, PVOID Caller);
void ExTraceFree(PVOID Block, PVOID Caller);
/* A value is about to be a handle, or is one no more, but still nobody else's. */
void ExTraceHandle(PHANDLE_TABLE Table, HANDLE Handle, BOOLEAN Opened, PVOID Caller);
/* The table goes; its handles are no trace's any more. */
void ExForgetHandleTraces(PHANDLE_TABLE Table);
/* What is in this table is no handle that anybody opens: it is left out. Once. */
void ExSkipHandleTraces(PHANDLE_TABLE Table);

/* For reports of leaks, to the debug port: where the blocks of a tag that the code at Caller
 * allocated and that are in use were allocated; where a handle of Table that is open was opened.
 * PASSIVE_LEVEL. */
void ExPrintAllocationStacks(ULONG Tag, PVOID Caller);
void ExPrintHandleStack(PHANDLE_TABLE Table, HANDLE Handle);
/* For the crash screen: who allocated, and freed, the blocks that a bugcheck's parameters point
 * into. No locks, any IRQL. */
void ExPrintCrashStacks(const ULONG_PTR Parameters[4]);

#else

#define ExStartStackTraces() ((void)0)
#define ExAreStackTracesOn() FALSE
#define ExTraceAllocation(Block, Size, Tag, Caller) ((void)0)
#define ExTraceFree(Block, Caller) ((void)0)
#define ExTraceHandle(Table, Handle, Opened, Caller) ((void)0)
#define ExForgetHandleTraces(Table) ((void)0)
#define ExSkipHandleTraces(Table) ((void)0)
#define ExPrintAllocationStacks(Tag, Caller) ((void)0)
#define ExPrintHandleStack(Table, Handle) ((void)0)
#define ExPrintCrashStacks(Parameters) ((void)0)

#endif

#endif
