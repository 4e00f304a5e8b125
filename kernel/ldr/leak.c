/*
 * leak.c - what a driver has left behind when its image goes.
 *
 * Asked after the driver's last code has run and before its image is unmapped, so that routines can
 * still be named. For a driver under verification, as all are in the debug kernel, the first thing
 * found is a bugcheck, with Windows' code for it; for others there is a report on the debug port,
 * and the system goes on: until the timer expires, or the thread runs.
 */
#include <cm.h>
#include <io.h>
#include <kd.h>
#include <leak.h>
#include <ob.h>
#include <ps.h>
#include <stacktrace.h>
#include "ldrp.h"

/* First parameter of TIMER_OR_DPC_INVALID, and of DRIVER_VERIFIER_DETECTED_VIOLATION. */
#define LDRP_ACTIVE_TIMER 0
#define LDRP_ACTIVE_DPC 1
#define LDRP_POOL_NOT_FREED 0x62
#define LDRP_RESOURCE_NOT_DELETED 0xD2
#define LDRP_EXECUTE 8 /* DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS: the access */

static void LdrpFindThreadLeaks(PETHREAD Thread, PVOID Context)
{
    KeFindThreadLeaks(Thread, Context);
}

static const CHAR *LdrpLeakText(LDR_LEAK_KIND Kind)
{
    static const CHAR *const Texts[LdrLeakKinds] = {
        [LdrLeakTimer] = "armed timer",
        [LdrLeakDpc] = "queued DPC",
        [LdrLeakApc] = "queued APC",
        [LdrLeakThread] = "thread",
        [LdrLeakWorkItem] = "queued work item",
        [LdrLeakWorkRunning] = "work item that runs, in thread",
        [LdrLeakCode] = "code that runs, in thread",
        [LdrLeakInterrupt] = "connected interrupt",
        [LdrLeakBugCheckCallback] = "bugcheck callback",
        [LdrLeakRegistryCallback] = "registry callback",
        [LdrLeakLink] = "symbolic link, made",
        [LdrLeakResource] = "ERESOURCE that was not deleted, made",
    };
    return Texts[Kind];
}

static void LdrpPrintLeak(const LDR_LEAK *Leak)
{
    CHAR Routine[96] = "no routine";

    if (Leak->Routine != NULL) {
        LdrFormatAddress(Leak->Routine, Routine, sizeof(Routine));
    }
    if (Leak->Kind == LdrLeakPool) {
        ULONG Tag = (ULONG)(ULONG_PTR)Leak->Object;

        KdPrintf("***   pool %.4s: %llu blocks, %llu bytes, allocated at %s\n", (const CHAR *)&Tag,
                 Leak->Count, Leak->Bytes, Routine);
        ExPrintAllocationStacks(Tag, Leak->Routine);
    } else if (Leak->Kind == LdrLeakHandle) {
        KdPrintf("***   handle %llx to %wZ: opened at %s\n", (ULONG64)Leak->Object, Leak->Type,
                 Routine);
        ExPrintHandleStack(PsInitialSystemProcess->ObjectTable, Leak->Object);
    } else if (Leak->Kind == LdrLeakReference) {
        KdPrintf("***   object references: at least %llu to %wZ %p%s%ws%s, taken at %s\n",
                 Leak->Count, Leak->Type, Leak->Object, *Leak->Name != 0 ? " \"" : "", Leak->Name,
                 *Leak->Name != 0 ? "\"" : "", Routine);
    } else if (Leak->Kind == LdrLeakLockedPages) {
        KdPrintf("***   %llu locked pages, MDL %p: %s\n", Leak->Count, Leak->Object, Routine);
    } else {
        KdPrintf("***   %s %p: %s\n", LdrpLeakText(Leak->Kind), Leak->Object, Routine);
    }
}

/* Blocks of pool memory in all that is kept. */
static ULONG64 LdrpCountPool(const LDR_LEAKS *Leaks)
{
    ULONG64 Count = 0;

    for (ULONG i = 0; i < min(Leaks->Count, LDR_LEAKS_KEPT); i++) {
        Count += Leaks->Leak[i].Kind == LdrLeakPool ? Leaks->Leak[i].Count : 0;
    }
    return Count;
}

/* A link only leads nowhere, a handle or a reference only keeps its object. */
static BOOLEAN LdrpIsHarmful(LDR_LEAK_KIND Kind)
{
    return Kind != LdrLeakLink && Kind != LdrLeakHandle && Kind != LdrLeakReference;
}

/* The first that will do harm. The number kept, when there is none. */
static ULONG LdrpFirstHarm(const LDR_LEAKS *Leaks)
{
    ULONG Kept = min(Leaks->Count, LDR_LEAKS_KEPT), i = 0;

    while (i < Kept && !LdrpIsHarmful(Leaks->Leak[i].Kind)) {
        i++;
    }
    return i;
}

static DECLSPEC_NORETURN void LdrpStopForLeak(const LDR_LEAKS *Leaks, const CHAR *Name)
{
    const LDR_LEAK *Leak = &Leaks->Leak[LdrpFirstHarm(Leaks)];
    CHAR Culprit[48] = "driver ";

    switch (Leak->Kind) {
    case LdrLeakTimer:
    case LdrLeakDpc:
        KeBugCheckEx(TIMER_OR_DPC_INVALID,
                     Leak->Kind == LdrLeakTimer ? LDRP_ACTIVE_TIMER : LDRP_ACTIVE_DPC,
                     (ULONG_PTR)Leak->Object, Leaks->Base, Leaks->Base + Leaks->Size);
    case LdrLeakResource:
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, LDRP_RESOURCE_NOT_DELETED,
                     (ULONG_PTR)Leak->Object, Leaks->Base, Leaks->Size);
    case LdrLeakPool:
        strcat_s(Culprit, sizeof(Culprit), Name);
        KeBugCheckBlaming(Culprit, DRIVER_VERIFIER_DETECTED_VIOLATION, LDRP_POOL_NOT_FREED,
                          (ULONG_PTR)Name, 0, LdrpCountPool(Leaks));
    case LdrLeakLockedPages:
        KeBugCheckEx(DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS, (ULONG_PTR)Leak->Routine, 0,
                     (ULONG_PTR)Leak->Object, Leak->Count);
    default:
        KeBugCheckEx(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
                     (ULONG_PTR)Leak->Routine, LDRP_EXECUTE, (ULONG_PTR)Leak->Object, 0);
    }
}

void LdrpReportLeaks(PLDRP_SLOT Slot)
{
    LDR_LEAKS Leaks = {.Base = (ULONG_PTR)Slot->Mapping.Base, .Size = Slot->Mapping.Size};

    KeFindLeaks(&Leaks);
    if (!NT_SUCCESS(PsEnumerateThreads(LdrpFindThreadLeaks, &Leaks))) {
        KdPrintf("*** %s is being unloaded: no memory to look for all threads in it\n",
                 Slot->Module.Name);
    }
    MmFindLeaks(&Leaks);
    CmFindLeaks(&Leaks);
    ExFindLeaks(&Leaks);
    ObFindLeaks(&Leaks); /* last: what does no harm must not take the room of what does */
    if (Leaks.Count == 0) {
        return;
    }
    KdPrintf("*** %s is being unloaded and leaves behind:\n", Slot->Module.Name);
    for (ULONG i = 0; i < min(Leaks.Count, LDR_LEAKS_KEPT); i++) {
        LdrpPrintLeak(&Leaks.Leak[i]);
    }
    if (Leaks.Count > LDR_LEAKS_KEPT) {
        KdPrintf("***   and %u more\n", Leaks.Count - LDR_LEAKS_KEPT);
    }
    if (LdrpFirstHarm(&Leaks) < min(Leaks.Count, LDR_LEAKS_KEPT) &&
        IopIsVerified(Slot->Mapping.Base)) {
        LdrpStopForLeak(&Leaks, Slot->Module.Name);
    }
}
