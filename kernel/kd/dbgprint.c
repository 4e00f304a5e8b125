/*
 * dbgprint.c - debug output of drivers: DbgPrint and its kin, the component filter, assertions.
 *
 * Every message belongs to a component and a level. It is printed when the level's bit is set in
 * the component's mask or in the mask of the whole system, which lets errors through. DbgPrint's
 * own component starts fully open, because nobody is helped by a message that vanishes; on Windows
 * a debugger's user opens it first.
 *
 * The masks are single words read and written without a lock: a message printed while its mask is
 * being changed may go either way.
 */
#include "ke.h"
#include "kd.h"

/* As the WDK has it: up to 31 a level is a bit's number, above it a mask of the caller's own. */
#define LEVEL_BIT(Level) ((Level) < 32 ? 1U << (Level) : (Level))
#define ALL_NAMED_LEVELS 0xFU /* error, warning, trace, info */

static ULONG KdpSystemMask = LEVEL_BIT(DPFLTR_ERROR_LEVEL);
static ULONG KdpComponentMask[DPFLTR_ENDOFTABLE_ID] = {
    [DPFLTR_DEFAULT_ID] = ALL_NAMED_LEVELS,
};

/* The component's place in the table: those unknown share the default's. */
static ULONG ComponentIndex(ULONG ComponentId)
{
    return ComponentId < DPFLTR_ENDOFTABLE_ID ? ComponentId : DPFLTR_DEFAULT_ID;
}

NTSTATUS NTAPI DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level)
{
    ULONG Mask = KdpSystemMask | KdpComponentMask[ComponentIndex(ComponentId)];

    return (Mask & LEVEL_BIT(Level)) != 0 ? TRUE : FALSE;
}

NTSTATUS NTAPI DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State)
{
    ULONG Bits = LEVEL_BIT(Level);

    if (ComponentId >= DPFLTR_ENDOFTABLE_ID) {
        return STATUS_INVALID_PARAMETER_1;
    }
    if (State) {
        InterlockedOr(&KdpComponentMask[ComponentId], Bits);
    } else {
        InterlockedAnd(&KdpComponentMask[ComponentId], ~Bits);
    }
    return STATUS_SUCCESS;
}

ULONG NTAPI vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format,
                                  NT_VA_LIST Arguments)
{
    CHAR Buffer[KD_PRINT_LIMIT];
    SIZE_T Length = strnlen(Prefix, sizeof(Buffer) - 1);

    if (!DbgQueryDebugFilterState(ComponentId, Level)) {
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

VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCHAR Message)
{
    KdPrintf("\nAssertion failed: %s%s%s\n    %s, line %u\n", Message == NULL ? "" : Message,
             Message == NULL ? "" : ": ", (PCSTR)FailedAssertion, (PCSTR)FileName, LineNumber);
    KeBugCheckEx(ASSERTION_FAILURE, (ULONG_PTR)FailedAssertion, (ULONG_PTR)FileName, LineNumber,
                 (ULONG_PTR)__builtin_return_address(0));
}

static NTSTATUS SetFilter(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Component, Mask;

    if (Argc != 3 || !KdParseNumber(Argv[1], &Component) || !KdParseNumber(Argv[2], &Mask) ||
        Component >= DPFLTR_ENDOFTABLE_ID || Mask > MAXULONG) {
        return KdConsoleUsage(Console);
    }
    InterlockedExchange(&KdpComponentMask[Component], (LONG)Mask);
    return STATUS_SUCCESS;
}

/* Shows the masks that let anything through, or sets one. */
static NTSTATUS FilterCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    if (Argc != 1) {
        return SetFilter(Console, Argc, Argv);
    }
    KdConsolePrint(Console, "component  mask\n   system  0x%08x\n", KdpSystemMask);
    for (ULONG i = 0; i < DPFLTR_ENDOFTABLE_ID; i++) {
        if (KdpComponentMask[i] != 0) {
            KdConsolePrint(Console, "%9u  0x%08x%s\n", i, KdpComponentMask[i],
                           i == DPFLTR_DEFAULT_ID     ? "  DbgPrint"
                           : i == DPFLTR_IHVDRIVER_ID ? "  drivers by DbgPrintEx"
                                                      : "");
        }
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("dbgkflt", "[COMPONENT MASK]", "show or set which debug output is printed",
           FilterCommand);

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
KD_COMMAND("dbgprint", "", "show the last debug output once more", RingCommand);
