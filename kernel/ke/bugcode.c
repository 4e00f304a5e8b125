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
    const char *Meaning[4]; /* NULL: unused */
} KI_BUG_PARAMETERS;

static const KI_BUG_PARAMETERS KiBugParameters[] = {
    {IRQL_NOT_LESS_OR_EQUAL,
     {"address touched", "IRQL", "0 read, 1 write, 8 execute", "instruction"}},
    {DRIVER_IRQL_NOT_LESS_OR_EQUAL,
     {"address touched", "IRQL", "0 read, 1 write, 8 execute", "instruction"}},
    {PAGE_FAULT_IN_NONPAGED_AREA,
     {"address touched", "0 read, 2 write, 10h execute", "instruction", NULL}},
    {ATTEMPTED_WRITE_TO_READONLY_MEMORY,
     {"address written", "page fault error code", "stack pointer", NULL}},
    {ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY,
     {"address called", "page fault error code", "stack pointer", NULL}},
    {KMODE_EXCEPTION_NOT_HANDLED,
     {"exception, in a DPC or an interrupt", "instruction",
      "of an access violation: 0 read, 1 write, 8 execute", "and the address touched"}},
    {SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
     {"exception", "instruction", "exception record", "context record"}},
    {UNEXPECTED_KERNEL_MODE_TRAP,
     {"trap: 8 is a double fault", "error code, or address touched", "instruction",
      "stack pointer"}},
    {BAD_POOL_HEADER,
     {"20h: overwritten", "header of the block", "header behind it", "the first header's bytes"}},
    {BAD_POOL_CALLER,
     {"7 freed twice; 8 allocated, 9 freed at too high an IRQL; Ah another tag; 46h no pool",
      "7: its tag; 8, 9: IRQL; Ah, 46h: address", "8, 9: kind of pool; Ah: its tag",
      "7, 9: address; 8: bytes; Ah: tag it was freed with"}},
    {SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION,
     {"address freed; 31h: IRQL", "21h: its bytes; 23h, 24h: where it was overwritten; 31h: kind",
      "31h: address freed",
      "20h not allocated; 21h not its start; overwritten 23h before, 24h behind; 31h IRQL"}},
    {PAGE_FAULT_IN_FREED_SPECIAL_POOL,
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {PAGE_FAULT_BEYOND_END_OF_ALLOCATION,
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL,
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION,
     {"address touched", "0 read, 1 write, 8 execute", "instruction", NULL}},
    {KERNEL_SECURITY_CHECK_FAILURE, {"kind: 3 is a broken list", "trap frame", NULL, NULL}},
    {IRQL_UNEXPECTED_VALUE,
     {"IRQL now << 16 | IRQL expected << 8", NULL, "routine that returned so", "its object"}},
    {MACHINE_CHECK_EXCEPTION, {"bank", "address", "status, high half", "status, low half"}},
    {DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
     {"what was left behind", "10h: a lookaside list that was not deleted", "image, or object",
      "10h: bytes of the image"}},
    {ASSERTION_FAILURE, {"text of the expression", "text of the file name", "line", "caller"}},
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

static void KiExplainException(const ULONG_PTR Parameters[4])
{
    const EXCEPTION_RECORD *Record = (const EXCEPTION_RECORD *)Parameters[2];
    const char *Name = KdStatusName((NTSTATUS)Parameters[0]);

    if (Name != NULL) {
        KdPrintf("    %s\n", Name);
    }
    /* Anybody may give this code, with any parameters. */
    if ((NTSTATUS)Parameters[0] == STATUS_ACCESS_VIOLATION && Parameters[2] >= MM_DIRECT_MAP_BASE &&
        MmIsAddressValid((PVOID)Parameters[2]) &&
        MmIsAddressValid((PUCHAR)Parameters[2] + sizeof(*Record) - 1)) {
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
        for (ULONG n = 0; n < 4; n++) {
            if (KiBugParameters[i].Meaning[n] != NULL) {
                KdPrintf("    %016llx  %s\n", Parameters[n], KiBugParameters[i].Meaning[n]);
            }
        }
    }
    if (Code == IRQL_NOT_LESS_OR_EQUAL || Code == DRIVER_IRQL_NOT_LESS_OR_EQUAL) {
        MmExplainPageable((PVOID)Parameters[0]);
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
