/*
 * dbgprint.c - debug output of drivers: DbgPrint and its kin, assertions. What of it is printed,
 * the filter decides (filter.c).
 */
#include "ke.h"
#include "debugger.h"
#include "kd.h"

ULONG NTAPI vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format,
                                  NT_VA_LIST Arguments)
{
    CHAR Buffer[KD_PRINT_LIMIT];
    SIZE_T Length = strnlen(Prefix, sizeof(Buffer) - 1);

    /* All bits set is no component: what is always printed. */
    if (ComponentId != MAXULONG && DbgQueryDebugFilterState(ComponentId, Level) != TRUE) {
        return (ULONG)STATUS_SUCCESS;
    }
    memcpy(Buffer, Prefix, Length);
    Length += RtlFormatString(Buffer + Length, sizeof(Buffer) - Length, Format, Arguments);
    KdPrintString(Buffer, min(Length, sizeof(Buffer) - 1));
    return (ULONG)STATUS_SUCCESS;
}

ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, NT_VA_LIST Arguments)
{
    return vDbgPrintExWithPrefix("", ComponentId, Level, Format, Arguments);
}

ULONG NT_VARARGS DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    NT_VA_LIST Arguments;
    ULONG Status;

    nt_va_start(Arguments, Format);
    Status = vDbgPrintEx(ComponentId, Level, Format, Arguments);
    nt_va_end(Arguments);
    return Status;
}

ULONG NT_VARARGS DbgPrint(PCSTR Format, ...)
{
    NT_VA_LIST Arguments;
    ULONG Status;

    nt_va_start(Arguments, Format);
    Status = vDbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, Arguments);
    nt_va_end(Arguments);
    return Status;
}

/* Naming its frame makes the compiler set one up, through which a backtrace finds the caller. */
VOID NTAPI DbgBreakPoint(VOID)
{
    __asm__ volatile("int3" : : "r"(__builtin_frame_address(0)) : "memory");
}

/* Who looks at the registers finds the status in RCX, where Windows has it. */
VOID NTAPI DbgBreakPointWithStatus(ULONG Status)
{
    __asm__ volatile("int3" : : "c"(Status), "r"(__builtin_frame_address(0)) : "memory");
}

void KdPrintAssertion(PCSTR Prefix, const KI_ASSERTION *Assertion)
{
    KdPrintf("%sAssertion failed: %s%s%s\n    %s, line %u\n", Prefix,
             Assertion->Message == NULL ? "" : Assertion->Message,
             Assertion->Message == NULL ? "" : ": ", Assertion->Expression, Assertion->File,
             Assertion->Line);
}

/* With a debugger, its user decides: to go on from the breakpoint is to ignore the assertion.
 * Without one nobody handles the breakpoint, and the crash, which clears the screen, says it once
 * more. Interrupts are off until then, so that it finds the text with its processor. */
VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCHAR Message)
{
    const KI_ASSERTION Assertion = {FailedAssertion, FileName, LineNumber, Message};
    ULONG64 Flags = __readeflags();

    KdPrintAssertion("\n", &Assertion);
    _disable();
    KeGetCurrentPrcb()->Assertion = &Assertion;
    DbgBreakPoint();
    KeGetCurrentPrcb()->Assertion = NULL;
    __writeeflags(Flags);
}

/* Prints the ring again: what DbgPrint and the kernel have said. */
static NTSTATUS RingCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    CHAR Buffer[256];
    ULONG64 Position = 0;
    SIZE_T Length;

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    while ((Length = KdReadRing(&Position, Buffer, sizeof(Buffer))) != 0) {
        KdConsoleWrite(Console, Buffer, Length);
    }
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("dbgprint", "", "show the last debug output once more", RingCommand);
