/*
 * Names of bugcheck codes, and what their parameters mean where that helps to find the cause.
 */
#include <ntddk.h>
#include "kd.h"
#include "mm.h"
#include "processor.h"

typedef struct _KI_BUG_CODE {
    ULONG Code;
    const char *Name;
} KI_BUG_CODE;

#define BUG_CODE(Code) {Code, #Code},

/* Made from bugcodes.h, every code of it. */
static const KI_BUG_CODE KiBugCodes[] = {
#include <bugnames.h>
};

typedef struct _KI_BUG_PARAMETERS {
    ULONG Code;
    const char *Text;       /* what it means */
    const char *Meaning[4]; /* of the parameters; NULL: unused */
} KI_BUG_PARAMETERS;

static const KI_BUG_PARAMETERS KiBugParameters[] = {
    {IRQL_NOT_LESS_OR_EQUAL,
     "Pageable or invalid memory was touched, or a wait was begun, at too high an IRQL.",
     {"address touched", "IRQL", "0 read, 1 write, 8 execute", "instruction"}},
    {DRIVER_IRQL_NOT_LESS_OR_EQUAL,
     "A driver touched pageable or invalid memory at DISPATCH_LEVEL or above.",
     {"address touched", "IRQL", "0 read, 1 write, 8 execute", "instruction"}},
    {PAGE_FAULT_IN_NONPAGED_AREA,
     "System memory was touched that is not there: freed, or never valid.",
     {"address touched", "0 read, 2 write, 10h execute", "instruction", NULL}},
    {ATTEMPTED_WRITE_TO_READONLY_MEMORY,
     "Memory that may only be read was written: code, constants, or a secured page.",
     {"address written", "page fault error code", "stack pointer", NULL}},
    {ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY,
     "Data was called as if it were code.",
     {"address called", "page fault error code", "stack pointer", NULL}},
    {KMODE_EXCEPTION_NOT_HANDLED,
     "A DPC or an interrupt raised an exception, which nobody handled.",
     {"exception, in a DPC or an interrupt", "instruction",
      "of an access violation: 0 read, 1 write, 8 execute", "and the address touched"}},
    {SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
     "A thread raised an exception, which nobody handled.",
     {"exception", "instruction", "exception record", "context record"}},
    {UNEXPECTED_KERNEL_MODE_TRAP,
     "The processor trapped where it never may; a double fault is mostly a full stack.",
     {"trap: 8 is a double fault", "error code, or address touched", "instruction",
      "stack pointer"}},
    {BAD_POOL_HEADER,
     "The header of a pool block was overwritten: somebody wrote beyond a block's end.",
     {"20h: overwritten; 3: what free blocks hang in is broken",
      "20h: header of the block; 3: entry", "20h: header behind it; 3: what was read there",
      "20h: the first header's bytes"}},
    {BAD_POOL_CALLER,
     "A pool routine was called wrongly.",
     {"7 freed twice; 8 allocated, 9 freed at too high an IRQL; Ah another tag; 46h no pool",
      "7: its tag; 8, 9: IRQL; Ah, 46h: address", "8, 9: kind of pool; Ah: its tag",
      "7, 9: address; 8: bytes; Ah: tag it was freed with"}},
    {SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION,
     "Special pool found bytes around a block overwritten, or a wrong free.",
     {"address freed; 31h: IRQL", "21h: its bytes; 23h, 24h: where it was overwritten; 31h: kind",
      "31h: address freed",
      "20h not allocated; 21h not its start; overwritten 23h before, 24h behind; 31h IRQL"}},
    {PAGE_FAULT_IN_FREED_SPECIAL_POOL,
     "A block of special pool was used after it was freed.",
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {PAGE_FAULT_BEYOND_END_OF_ALLOCATION,
     "Memory beyond a block of special pool was touched.",
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL,
     "A driver used a block of special pool after it was freed.",
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION,
     "A driver touched memory beyond a block of special pool.",
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {KERNEL_SECURITY_CHECK_FAILURE,
     "A structure of the kernel was found damaged.",
     {"kind: 3 is a broken list", "trap frame", NULL, NULL}},
    {IRQL_UNEXPECTED_VALUE,
     "A routine returned at another IRQL than it was called at.",
     {"IRQL now << 16 | IRQL expected << 8", NULL, "routine that returned so", "its object"}},
    {MACHINE_CHECK_EXCEPTION,
     "The processor reports a fault of the hardware.",
     {"bank", "address", "status, high half", "status, low half"}},
    {DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
     "A driver was unloaded while something could still call into it, or did.",
     {"what was called, or left behind", "0 read, 1 write, 8 execute, 10h a lookaside list stays",
      "instruction, image, or object", "10h: bytes of the image"}},
    {MANUALLY_INITIATED_CRASH, "Somebody asked for this crash.", {NULL, NULL, NULL, NULL}},
    {NMI_HARDWARE_FAILURE,
     "A non-maskable interrupt came that nobody expected.",
     {"4F4454h: nobody claims it", NULL, NULL, NULL}},
    {MEMORY_MANAGEMENT,
     "A part of memory management was called wrongly.",
     {"what: 1000h writable code, 1001h no image, 1002h no stack, 1004h MDL of unmapped memory, 1005h MDL mapped twice, 1006h no part of the MDL, 1010h section not locked",
      "address", "1006h: offset; others: pages", "1006h: length"}},
    {SYSTEM_PTE_MISUSE,
     "A mapping was given back or used wrongly.",
     {"what: 1 not a mapping, 3 not reserved, 4 not allocated, 5 freed while mapped, 100h-10Ah reserved mappings",
      "address", "tag given, or pages", "tag found, or pages"}},
    {PFN_LIST_CORRUPT,
     "A page was freed or unlocked too often.",
     {"7 unlocked too often; 99h freed twice; 9Ah freed while locked", "page",
      "7: its locks; else its state", "9Ah: its locks"}},
    {PHASE0_INITIALIZATION_FAILED,
     "The kernel could not start: its first part failed.",
     {"status", "who: a letter", "step", NULL}},
    {PHASE1_INITIALIZATION_FAILED,
     "The kernel could not start: its second part failed.",
     {"status", "who, or which", "step", NULL}},
    {MEMORY1_INITIALIZATION_FAILED,
     "There is too little memory to start.",
     {"0 too few free pages; else the step", "pages free", "pages needed", NULL}},
    {HAL_INITIALIZATION_FAILED,
     "The machine lacks something that is needed.",
     {"what is missing", "of it", "of it", "of it"}},
    {UNSUPPORTED_PROCESSOR,
     "The processor lacks a feature that the kernel needs.",
     {"0", NULL, NULL, NULL}},
    {CRITICAL_SERVICE_FAILED,
     "A driver whose ErrorControl is critical did not start.",
     {"Win32 error", "its name's address", NULL, NULL}},
    {WORKER_INVALID,
     "A work item was queued or used wrongly.",
     {"1 queued twice; 2, 3 of I/O work items; 4 bad routine; 6 bad queue", "item",
      "queue or routine", NULL}},
    {WORKER_THREAD_RETURNED_AT_BAD_IRQL,
     "A work routine returned at a raised IRQL.",
     {"routine", "IRQL", "parameter", "item"}},
    {APC_INDEX_MISMATCH,
     "A routine stayed in a critical or guarded region.",
     {"routine", "0", "SpecialApcDisable << 16 | KernelApcDisable", "1: a work routine"}},
    {INVALID_PROCESS_ATTACH_ATTEMPT,
     "A thread attached to a process where it may not, or stayed attached.",
     {"process", "process attached to", "ApcStateIndex", "1 in a DPC"}},
    {INVALID_PROCESS_DETACH_ATTEMPT,
     "A thread detached from a process wrongly.",
     {"process", "ApcStateIndex", NULL, NULL}},
    {IRQL_NOT_GREATER_OR_EQUAL,
     "A routine was called at too low an IRQL.",
     {"lock, or IRQL now", "IRQL now, or the one asked for", NULL, "caller"}},
    {THREAD_NOT_MUTEX_OWNER,
     "A mutex was released by a thread that does not own it.",
     {"thread", "mutex", "its owner", NULL}},
    {THREAD_TERMINATE_HELD_MUTEX,
     "A thread ended while it owned a mutex.",
     {"thread", "mutex", NULL, NULL}},
    {SPIN_LOCK_ALREADY_OWNED,
     "A spin lock was taken by who holds it already: it would wait for ever.",
     {"lock", "thread", "lock handle before", NULL}},
    {SPIN_LOCK_NOT_OWNED,
     "A spin lock was released that is not held.",
     {"lock", "its contents, or the handle", "thread", NULL}},
    {REFERENCE_BY_POINTER,
     "An object was referenced or dereferenced wrongly.",
     {"its type", "object", "its handles or references", "what was wrong"}},
    {KERNEL_APC_PENDING_DURING_EXIT,
     "A thread ended in a critical or guarded region, or at a raised IRQL.",
     {"0", "regions not left", "IRQL", "its start routine"}},
    {TIMER_OR_DPC_INVALID,
     "Memory was freed, or a driver unloaded, with a timer or DPC in it that is still queued.",
     {"0 timer, 1 DPC", "it", "start of the memory", "its end"}},
    {DPC_WATCHDOG_VIOLATION,
     "A processor was too long in a DPC or at DISPATCH_LEVEL.",
     {"0 one DPC; 1 at DISPATCH_LEVEL or above", "0: ticks it took; 1: ticks allowed",
      "0: ticks allowed", NULL}},
    {RESOURCE_NOT_OWNED,
     "A resource was released by who does not own it.",
     {"resource", "thread", "owner table", "why"}},
    {QUOTA_UNDERFLOW,
     "A process gets back more quota than it was charged.",
     {"process", "kind of pool", "charged", "given back"}},
    {TARGET_MDL_TOO_SMALL,
     "IoBuildPartialMdl: the target MDL has too little room.",
     {"source MDL", "target MDL", "offset", "length"}},
    {MAXIMUM_WAIT_OBJECTS_EXCEEDED,
     "A wait for more objects than there is room for.",
     {"objects", "limit", NULL, NULL}},
    {KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL,
     "A push lock was taken at DISPATCH_LEVEL or above.",
     {"thread", "lock", "IRQL", NULL}},
    {KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE,
     "A push lock was released that is not held.",
     {"thread", "lock", NULL, NULL}},
    {IRQL_GT_ZERO_AT_SYSTEM_SERVICE,
     "A service that waits for an APC was called where none arrives.",
     {"routine", "IRQL", "1: in a guarded region", NULL}},
    {INVALID_KERNEL_HANDLE,
     "A kernel handle was closed that is not open, or is protected.",
     {"handle", "0 protected; 1 not open", NULL, NULL}},
    {INSUFFICIENT_SYSTEM_MAP_REGS,
     "No room was left to map an MDL that must be mapped.",
     {"MDL", "pages", NULL, NULL}},
    {DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS,
     "A driver was unloaded with pages of its still locked.",
     {"who locked them", "0", "MDL", "pages"}},
    {ATTEMPTED_SWITCH_FROM_DPC, "A DPC began a wait.", {"thread", NULL, NULL, NULL}},
    {DRIVER_VERIFIER_DETECTED_VIOLATION,
     "A check found a rule broken.",
     {"which rule", "of it", "of it", "of it"}},
    {DRIVER_VERIFIER_IOMANAGER_VIOLATION,
     "A check of requests found a rule broken.",
     {"which rule", "driver, device or routine", "IRP", "evidence"}},
    {MULTIPLE_IRP_COMPLETE_REQUESTS,
     "A request was completed twice.",
     {"IRP", "caller", NULL, NULL}},
    {NO_MORE_IRP_STACK_LOCATIONS,
     "A request was sent to more drivers than it has stack locations.",
     {"IRP", "device", NULL, NULL}},
    {CANCEL_STATE_IN_COMPLETED_IRP,
     "A request was completed, or passed on, with a cancel routine set.",
     {"IRP", "cancel routine", NULL, NULL}},
};

const char *KiBugCodeName(ULONG Code)
{
    for (ULONG i = 0; i < ARRAYSIZE(KiBugCodes); i++) {
        if (KiBugCodes[i].Code == Code) {
            return KiBugCodes[i].Name;
        }
    }
    return "a code of the caller's own";
}

static void KiExplainStatus(NTSTATUS Status)
{
    const char *Name = KdStatusName(Status);

    if (Name != NULL) {
        KdPrintf("    %s\n", Name);
    }
}

static void KiExplainException(const ULONG_PTR Parameters[4])
{
    const EXCEPTION_RECORD *Record = (const EXCEPTION_RECORD *)Parameters[2];

    /* Anybody may give this code, with any parameters. */
    if ((NTSTATUS)Parameters[0] == STATUS_ACCESS_VIOLATION && Parameters[2] >= MM_DIRECT_MAP_BASE &&
        MmIsRangeValid(Record, sizeof(*Record))) {
        KdPrintf("    %016llx  address touched: %s\n", Record->ExceptionInformation[1],
                 Record->ExceptionInformation[0] == EXCEPTION_EXECUTE_FAULT ? "executed"
                 : Record->ExceptionInformation[0] == EXCEPTION_WRITE_FAULT ? "written"
                                                                            : "read");
    }
}

void KiExplainBugCheck(ULONG Code, const ULONG_PTR Parameters[4])
{
    for (ULONG i = 0; i < ARRAYSIZE(KiBugParameters); i++) {
        if (KiBugParameters[i].Code != Code) {
            continue;
        }
        KdPrintf("    %s\n", KiBugParameters[i].Text);
        for (ULONG n = 0; n < 4; n++) {
            if (KiBugParameters[i].Meaning[n] != NULL) {
                KdPrintf("    %016llx  %s\n", Parameters[n], KiBugParameters[i].Meaning[n]);
            }
        }
    }
    if (Code == IRQL_NOT_LESS_OR_EQUAL || Code == DRIVER_IRQL_NOT_LESS_OR_EQUAL) {
        MmExplainPageable((PVOID)Parameters[0]);
    }
    if (Code == SYSTEM_THREAD_EXCEPTION_NOT_HANDLED || Code == KMODE_EXCEPTION_NOT_HANDLED) {
        KiExplainStatus((NTSTATUS)Parameters[0]);
    }
    if (Code == SYSTEM_THREAD_EXCEPTION_NOT_HANDLED) {
        KiExplainException(Parameters);
    }
    if (Code == UNEXPECTED_KERNEL_MODE_TRAP && Parameters[0] == KI_TRAP_DOUBLE_FAULT &&
        MmIsGuardPage((PVOID)Parameters[1])) {
        PKTHREAD Thread = KeGetCurrentThread();
        KdPrintf(
            "    the kernel stack %p-%p of thread %p is full: the address lies in its guard page\n",
            Thread->StackLimit, Thread->StackBase, Thread);
    }
}
