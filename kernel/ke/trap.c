/*
 * Exceptions of the processor: each becomes an exception record, which nobody can handle yet
 * (exception.c), or the bugcheck that Windows gives for what no handler may see. All run with
 * interrupts off, as the stub left them; NMI, double fault and machine check run on stacks of their
 * own.
 */
#include <ntddk.h>
#include "debugstate.h"
#include "ex.h"
#include "hal.h"
#include "ldr.h"
#include "mm.h"
#include "processor.h"

#define PF_PRESENT 0x1 /* page fault error code: protection, not absence */
#define PF_WRITE 0x2
#define PF_EXECUTE 0x10
#define HIGHEST_USER_ADDRESS 0x7FFFFFFEFFFFULL
#define NMI_UNEXPLAINED 0x4F4454 /* "TDO": what Windows gives for an NMI that nobody claims */
#define MSR_MCG_CAP 0x179
#define MSR_MC0_STATUS 0x401
#define MSR_MC0_ADDRESS 0x402
#define MC_STATUS_VALID (1ULL << 63)

void KiHandleException(PKTRAP_FRAME Frame);

/* What no handler could repair: the machine's own tables, or a stack that cannot be pushed to. */
static DECLSPEC_NORETURN void KiUnexpectedTrap(PKTRAP_FRAME Frame)
{
    /* A double fault has no error code of its own; the page fault before it left its address. */
    KiBugCheck(UNEXPECTED_KERNEL_MODE_TRAP, Frame->Vector,
               Frame->Vector == KI_TRAP_DOUBLE_FAULT ? __readcr2() : Frame->ErrorCode, Frame->Rip,
               Frame->Rsp, Frame);
}

/* By the address alone: whether the image is still there does not matter for whose fault it is. */
static BOOLEAN KiIsDriverAddress(ULONG64 Address)
{
    return Address >= MM_DRIVER_IMAGE_BASE && Address < MM_SYSTEM_PTE_BASE;
}

/* The three kinds of access as a page fault's parameters number them. */
static ULONG_PTR KiFaultOperation(ULONG64 ErrorCode, ULONG_PTR Write, ULONG_PTR Execute)
{
    if (ErrorCode & PF_EXECUTE) {
        return Execute;
    }
    return ErrorCode & PF_WRITE ? Write : 0;
}

static DECLSPEC_NORETURN void KiAccessViolation(PKTRAP_FRAME Frame, ULONG_PTR Operation,
                                                ULONG_PTR Address)
{
    EXCEPTION_RECORD Record = {.ExceptionCode = STATUS_ACCESS_VIOLATION,
                               .NumberParameters = 2,
                               .ExceptionInformation = {Operation, Address}};
    KiUnhandledException(Frame, &Record);
}

/* An access that special pool exists to find: which of its unmapped pages it hit says what was
 * wrong. */
static void KiCheckSpecialPool(PKTRAP_FRAME Frame, ULONG64 Address)
{
    BOOLEAN Driver = KiIsDriverAddress(Frame->Rip);
    ULONG_PTR Operation = KiFaultOperation(Frame->ErrorCode, 1, 8);
    ULONG Code;

    switch (MmQueryGuardedPage((PVOID)Address)) {
    case MmGuardedFreed:
        Code = Driver ? DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL : PAGE_FAULT_IN_FREED_SPECIAL_POOL;
        break;
    case MmGuardedBeyond:
        Code = Driver ? DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION
                      : PAGE_FAULT_BEYOND_END_OF_ALLOCATION;
        break;
    default:
        return;
    }
    KiBugCheck(Code, Address, Operation, Frame->Rip, 0, Frame);
}

/* CR2 is still the fault's own: interrupts have been off since. */
static DECLSPEC_NORETURN void KiHandlePageFault(PKTRAP_FRAME Frame)
{
    ULONG64 Address = __readcr2();
    ULONG64 Error = Frame->ErrorCode;

    /* A page that is there but not for this: wrong at any IRQL. */
    if ((Error & (PF_PRESENT | PF_EXECUTE)) == (PF_PRESENT | PF_EXECUTE)) {
        KiBugCheck(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, Address, Error, Frame->Rsp, 0, Frame);
    }
    if ((Error & (PF_PRESENT | PF_WRITE)) == (PF_PRESENT | PF_WRITE)) {
        KiBugCheck(ATTEMPTED_WRITE_TO_READONLY_MEMORY, Address, Error, Frame->Rsp, 0, Frame);
    }
    KiCheckSpecialPool(Frame, Address);
    if (LdrFindUnloaded((PVOID)Address) != NULL) {
        KiBugCheck(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, Address,
                   KiFaultOperation(Error, 1, 8), Frame->Rip, 0, Frame);
    }
    if (Frame->PreviousIrql >= DISPATCH_LEVEL) {
        KiBugCheck(KiIsDriverAddress(Frame->Rip) ? DRIVER_IRQL_NOT_LESS_OR_EQUAL
                                                 : IRQL_NOT_LESS_OR_EQUAL,
                   Address, Frame->PreviousIrql, KiFaultOperation(Error, 1, 8), Frame->Rip, Frame);
    }
    /* User addresses may be anything, and whoever uses them has to be ready for it. */
    if (Address <= HIGHEST_USER_ADDRESS) {
        KiAccessViolation(Frame,
                          KiFaultOperation(Error, EXCEPTION_WRITE_FAULT, EXCEPTION_EXECUTE_FAULT),
                          Address);
    }
    KiBugCheck(PAGE_FAULT_IN_NONPAGED_AREA, Address, KiFaultOperation(Error, 2, 0x10), Frame->Rip,
               0, Frame);
}

/* The first bank that holds an error tells which. */
static DECLSPEC_NORETURN void KiHandleMachineCheck(PKTRAP_FRAME Frame)
{
    ULONG Banks = (ULONG)(__readmsr(MSR_MCG_CAP) & 0xFF);

    for (ULONG Bank = 0; Bank < Banks; Bank++) {
        ULONG64 Status = __readmsr(MSR_MC0_STATUS + Bank * 4);
        if (Status & MC_STATUS_VALID) {
            KiBugCheck(MACHINE_CHECK_EXCEPTION, Bank, __readmsr(MSR_MC0_ADDRESS + Bank * 4),
                       Status >> 32, (ULONG)Status, Frame);
        }
    }
    KiBugCheck(MACHINE_CHECK_EXCEPTION, Banks, 0, 0, 0, Frame);
}

/* STATUS_SUCCESS: not an exception that a handler could see. */
static NTSTATUS KiStatusOfTrap(ULONG64 Vector)
{
    switch (Vector) {
    case KI_TRAP_DIVIDE:
        return STATUS_INTEGER_DIVIDE_BY_ZERO;
    case KI_TRAP_DEBUG:
        return STATUS_SINGLE_STEP;
    case KI_TRAP_BREAKPOINT:
    case KI_TRAP_DEBUG_SERVICE:
        return STATUS_BREAKPOINT;
    case KI_TRAP_OVERFLOW:
        return STATUS_INTEGER_OVERFLOW;
    case KI_TRAP_BOUND:
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    case KI_TRAP_INVALID_OPCODE:
        return STATUS_ILLEGAL_INSTRUCTION;
    case KI_TRAP_GENERAL_PROTECTION:
        return STATUS_ACCESS_VIOLATION;
    case KI_TRAP_ALIGNMENT:
        return STATUS_DATATYPE_MISALIGNMENT;
    case KI_TRAP_FLOATING_ERROR:
        return STATUS_FLOAT_MULTIPLE_FAULTS;
    case KI_TRAP_SIMD_ERROR:
        return STATUS_FLOAT_MULTIPLE_TRAPS;
    case KI_TRAP_ASSERTION:
        return STATUS_ASSERTION_FAILURE;
    default:
        return STATUS_SUCCESS;
    }
}

static DECLSPEC_NORETURN void KiHandleOtherException(PKTRAP_FRAME Frame)
{
    EXCEPTION_RECORD Record = {.ExceptionCode = KiStatusOfTrap(Frame->Vector)};

    if (Record.ExceptionCode == STATUS_SUCCESS) {
        KiUnexpectedTrap(Frame);
    }
    if (Frame->Vector == KI_TRAP_BREAKPOINT) {
        Frame->Rip -= 1; /* the instruction, not what follows it */
    } else if (Frame->Vector == KI_TRAP_ASSERTION) {
        Frame->Rip -= 2;
    } else if (Frame->Vector == KI_TRAP_DEBUG_SERVICE) {
        Record.NumberParameters = 1; /* what was asked for */
        Record.ExceptionInformation[0] = Frame->Rax;
    }
    /* Of a general protection fault the processor does not say the address: Windows gives -1. */
    if (Frame->Vector == KI_TRAP_GENERAL_PROTECTION) {
        KiAccessViolation(Frame, EXCEPTION_READ_FAULT, ~(ULONG_PTR)0);
    }
    KiUnhandledException(Frame, &Record);
}

/* A pop of a sequenced list looked at an entry that another processor has taken and unmapped: it
 * starts again. R8 is the list, RAX what it read of it; if that is still there, the entry itself is
 * bad. */
static BOOLEAN KiRestartListPop(PKTRAP_FRAME Frame)
{
    if (Frame->Rip != (ULONG64)ExpInterlockedPopEntrySListFault ||
        ((PSLIST_HEADER)Frame->R8)->Alignment == Frame->Rax) {
        return FALSE;
    }
    Frame->Rip = (ULONG64)ExpInterlockedPopEntrySListResume;
    return TRUE;
}

/* The pools' lists are read in the same way. What to make of it is the reader's business. */
static BOOLEAN KiContinueOtherwise(PKTRAP_FRAME Frame)
{
    for (const EX_READ_FIXUP *Fixup = KiReadFixupsStart; Fixup != KiReadFixupsEnd; Fixup++) {
        if (Frame->Rip == Fixup->Read) {
            Frame->Rip = Fixup->Otherwise;
            return TRUE;
        }
    }
    return FALSE;
}

/* TRUE: the debug kernel had made the page vanish, and it may come back. */
static BOOLEAN KiBringPageIn(PKTRAP_FRAME Frame)
{
    ULONG64 Address = __readcr2();

    switch (MmPageableFault(Frame, (PVOID)Address)) {
    case MmFaultHandled:
        return TRUE;
    case MmFaultMasked:
        /* Windows gives FFh for the IRQL: it could not wait for the page. */
        KiBugCheck(IRQL_NOT_LESS_OR_EQUAL, Address, 0xFF, KiFaultOperation(Frame->ErrorCode, 1, 8),
                   Frame->Rip, Frame);
    default:
        return FALSE;
    }
}

/* Without watchpoints: an exception's end lets the next NMI in, onto the stack of this one. */
static void KiHandleNmi(PKTRAP_FRAME Frame)
{
    BOOLEAN InDebugger;

    KiWriteDr7(KD_DR7_OFF);
    InDebugger = KiQueryStopped(KeGetCurrentPrcb()->Number) != NULL || KiIsServingDebugger();
    /* Returns only on the processor that owns a crash: its report goes on. */
    if (!KiFreezeForBugCheck(Frame) && !KiDebugNmi(Frame)) {
        KiBugCheck(NMI_HARDWARE_FAILURE, NMI_UNEXPLAINED, 0, 0, 0, Frame);
    }
    if (!InDebugger) {
        KiLoadDebugRegisters();
    }
}

/* From trap.asm. */
void KiHandleException(PKTRAP_FRAME Frame)
{
    Frame->PreviousIrql = KeGetCurrentIrql();
    switch (Frame->Vector) {
    case KI_TRAP_NMI:
        KiHandleNmi(Frame);
        break;
    case KI_TRAP_PAGE_FAULT:
        KiSuspendStep(Frame);
        if (!KiBringPageIn(Frame)) {
            MmCancelStep(Frame);
            if (!KiRestartListPop(Frame) && !KiContinueOtherwise(Frame)) {
                KiDebugFault(Frame);
                KiHandlePageFault(Frame);
            }
        }
        KiResumeStep(Frame);
        break;
    case KI_TRAP_DEBUG:
        /* One exception may end both steps over an instruction: mm's and the debugger's. */
        if (MmEndStep(Frame) ? KiIsStepping() && !KiDebugTrap(Frame) : !KiDebugTrap(Frame)) {
            KiHandleOtherException(Frame);
        }
        break;
    case KI_TRAP_BREAKPOINT:
    case KI_TRAP_DEBUG_SERVICE:
        MmCancelStep(Frame);
        if (!KiDebugTrap(Frame)) {
            KiHandleOtherException(Frame);
        }
        break;
    case KI_TRAP_MACHINE_CHECK:
        KiHandleMachineCheck(Frame);
    case KI_TRAP_FAIL_FAST:
        KiBugCheck(KERNEL_SECURITY_CHECK_FAILURE, (ULONG)Frame->Rcx, (ULONG_PTR)Frame, 0, 0, Frame);
    default:
        MmCancelStep(Frame);
        KiDebugFault(Frame);
        KiHandleOtherException(Frame);
    }
}
