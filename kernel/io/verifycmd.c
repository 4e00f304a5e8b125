/*
 * verifycmd.c - which drivers are verified, and the console's `verifier`, in the manner of
 * Windows'.
 *
 * A driver is its image's name. Settings take effect at once, for drivers that are loaded, too;
 * they are made by one command at a time and read without a lock when something looks wrong: a name
 * stands before it is counted, and is not changed while it is.
 */
#include "iop.h"
#include "verify.h"

#define IOP_VERIFY_NAMES 16
#define IOP_VERIFY_NAME sizeof(((PLDR_MODULE)0)->Name)

#if DBG
volatile LONG IopVerifying = IOP_VERIFY_IO;
volatile LONG IopWatching = TRUE;
static volatile BOOLEAN IopVerifyAll = TRUE;
#else
volatile LONG IopVerifying;
volatile LONG IopWatching;
static volatile BOOLEAN IopVerifyAll;
#endif
static CHAR IopVerifyName[IOP_VERIFY_NAMES][IOP_VERIFY_NAME];
static volatile ULONG IopVerifyNames;
volatile LONG64 IopVerifyCount[IopVerifyCounts];

/* The count is read before each name, and was written after it: a name that counts is all there. */
static BOOLEAN IopIsNamed(const char *Name)
{
    for (ULONG i = 0; i < __atomic_load_n(&IopVerifyNames, __ATOMIC_ACQUIRE); i++) {
        if (_stricmp(IopVerifyName[i], Name) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

BOOLEAN IopIsVerified(PVOID Code)
{
    PLDR_MODULE Module = LdrFindModule(Code);
    return Module != NULL && !IopIsInKernel(Code) && (IopVerifyAll || IopIsNamed(Module->Name));
}

void IopReadVerifierOption(void)
{
    ULONG64 Flags;
    if (KiQueryBootOption("verifier", &Flags)) {
        IopVerifying = (LONG)Flags & (IOP_VERIFY_SPECIAL | IOP_VERIFY_IO);
        IopVerifyAll = IopVerifying != 0;
        IopWatching |= IopVerifying != 0;
    }
}

/* What is under way goes on: visits that have begun are judged at their end, by who is named then.
 */
static void IopResetVerifier(void)
{
    IopVerifying = FALSE;
    IopVerifyAll = FALSE;
    IopVerifyNames = 0;
}

/* FALSE: there are too many names, or it is too long. */
static BOOLEAN IopAddVerified(const char *Name)
{
    ULONG Count = IopVerifyNames;
    if (strcmp(Name, "*") == 0) {
        IopVerifyAll = TRUE;
    } else if (!IopIsNamed(Name)) {
        if (Count == IOP_VERIFY_NAMES || strlen(Name) >= IOP_VERIFY_NAME) {
            return FALSE;
        }
        strcpy_s(IopVerifyName[Count], IOP_VERIFY_NAME, Name);
        __atomic_store_n(&IopVerifyNames, Count + 1, __ATOMIC_RELEASE);
    }
    return TRUE;
}

static void IopShowVerifier(PKD_CONSOLE Console)
{
    static const char *const Texts[IopVerifyCounts] = {"requests sent", "completions passed",
                                                       "IRPs freed"};
    KdConsolePrint(Console, "Verifier flags: 0x%08x\n", (ULONG)IopVerifying);
    KdConsolePrint(Console, "  [%c] 0x00000001 Special pool\n",
                   IopVerifying & IOP_VERIFY_SPECIAL ? 'X' : ' ');
    KdConsolePrint(Console, "  [%c] 0x00000010 I/O verification\n",
                   IopVerifying & IOP_VERIFY_IO ? 'X' : ' ');
    KdConsolePrint(Console, "Verified drivers:%s\n",
                   IopVerifyAll          ? " all"
                   : IopVerifyNames == 0 ? " none"
                                         : "");
    for (ULONG i = 0; i < IopVerifyNames; i++) {
        KdConsolePrint(Console, "  %s\n", IopVerifyName[i]);
    }
    for (ULONG i = 0; i < IopVerifyCounts; i++) {
        KdConsolePrint(Console, "%-20s %10lld\n", Texts[i], IopVerifyCount[i]);
    }
}

/* /flags N; FALSE when N is not what can be done. Special pool alone would find nothing here. */
static BOOLEAN IopParseFlags(PKD_CONSOLE Console, const char *Text, PULONG64 Flags)
{
    if (!KdParseNumber(Text, Flags) ||
        (*Flags != IOP_VERIFY_IO && *Flags != (IOP_VERIFY_IO | IOP_VERIFY_SPECIAL))) {
        KdConsolePrint(Console, "verifier: the flags are 0x10, I/O verification, and 0x11, "
                                "with IRPs and system buffers in special pool\n");
        return FALSE;
    }
    return TRUE;
}

/* The drivers named from Argv[At] on replace those before them, as on Windows. */
static NTSTATUS IopVerifyDrivers(int Argc, char **Argv, int At, ULONG64 Flags)
{
    IopResetVerifier();
    for (; At < Argc; At++) {
        if (!IopAddVerified(Argv[At])) {
            return STATUS_NAME_TOO_LONG;
        }
    }
    IopWatching = TRUE;
    IopVerifying = (LONG)Flags;
    return STATUS_SUCCESS;
}

static NTSTATUS IopVerifierCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    static char *const Everybody[] = {"*"};
    ULONG64 Flags = IOP_VERIFY_IO;
    int At = 1;
    if (Argc == 1 || (Argc == 2 && _stricmp(Argv[1], "/query") == 0)) {
        IopShowVerifier(Console);
        return STATUS_SUCCESS;
    }
    if (Argc == 2 && _stricmp(Argv[1], "/reset") == 0) {
        IopResetVerifier();
        return STATUS_SUCCESS;
    }
    if (Argc > 3 && _stricmp(Argv[1], "/flags") == 0) {
        if (!IopParseFlags(Console, Argv[2], &Flags)) {
            return KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
        }
        At = 3;
    }
    if (At == Argc - 1 && _stricmp(Argv[At], "/all") == 0) {
        return IopVerifyDrivers(1, (char **)Everybody, 0, Flags);
    }
    if (At + 1 >= Argc || _stricmp(Argv[At], "/driver") != 0) {
        return KdConsoleUsage(Console);
    }
    return IopVerifyDrivers(Argc, Argv, At + 1, Flags);
}
KD_COMMAND("verifier", "[[/flags 0x10|0x11] /driver X.SYS.. | /all | /reset | /query]",
           "check what drivers do with requests", IopVerifierCommand);
