/* kmtprocess.h - further processes, for tests that attach to them or run threads in them. */
#ifndef _KMTPROCESS_H_
#define _KMTPROCESS_H_

#include "kmt.h"

#include <ntexapi.h>

/* A child of Parent: its handle, and itself, referenced. NULL in both when there is none. */
static inline HANDLE KmtMakeChild(HANDLE Parent, ULONG Flags, PEPROCESS *Process)
{
    HANDLE Handle = NULL;
    *Process = NULL;
    if (NT_SUCCESS(ZwCreateProcessEx(&Handle, PROCESS_ALL_ACCESS, NULL, Parent, Flags, NULL, NULL,
                                     NULL, 0))) {
        ObReferenceObjectByHandle(Handle, 0, *PsProcessType, KernelMode, (PVOID *)Process, NULL);
    }
    return Handle;
}

/* A process that only the caller's reference keeps. */
static inline PEPROCESS KmtMakeProcess(VOID)
{
    PEPROCESS Process;
    ZwClose(KmtMakeChild(NtCurrentProcess(), 0, &Process));
    return Process;
}

/* The page tables in use. */
static inline ULONG64 KmtCr3(VOID)
{
    ULONG64 Value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(Value));
    return Value;
}

#endif
