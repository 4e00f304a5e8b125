/*
 * sc.c - the command `sc`: Windows' syntax and Windows' output, error numbers included.
 *
 * Services and drivers themselves are ldr's business; here are only words. What a service is made
 * of is in scconfig.c.
 */
#include "ke.h"
#include "winerror.h"
#include "sc.h"

#define REASON_SIZE 512

/* A sub-command on a service that exists. */
typedef struct _KDP_SC_COMMAND {
    const char *Name;
    const char *Failure; /* printed before FAILED when the service cannot be opened */
    NTSTATUS (*Routine)(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key);
} KDP_SC_COMMAND;

NTSTATUS KdpScFailure(PKD_CONSOLE Console, const char *What, ULONG Error)
{
    KdConsolePrint(Console, "[SC] %s FAILED %u:\n\n%s\n\n", What, Error, KdWin32Text(Error));
    return KdConsoleReported(Console, STATUS_UNSUCCESSFUL);
}

BOOLEAN KdpScWiden(const CHAR *Text, WCHAR *Wide, ULONG Chars)
{
    UNICODE_STRING To = {0, (USHORT)(Chars * sizeof(WCHAR)), Wide};
    ANSI_STRING From;

    RtlInitAnsiString(&From, Text);
    return NT_SUCCESS(RtlAnsiStringToUnicodeString(&To, &From, FALSE));
}

static const char *StateName(LDR_SERVICE_STATE State)
{
    switch (State) {
    case ServiceStartPending:
        return "START_PENDING";
    case ServiceStopPending:
        return "STOP_PENDING";
    case ServiceRunning:
        return "RUNNING";
    default:
        return "STOPPED";
    }
}

/* The table that most sub-commands print. Key: the display name is wanted, too. */
static void PrintState(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key, ULONG ExitCode)
{
    BOOLEAN Stoppable;
    LDR_SERVICE_STATE State = LdrQueryServiceState(Name, &Stoppable);

    ExitCode = State == ServiceStopped ? ExitCode : 0;
    KdConsolePrint(Console, "\nSERVICE_NAME: %ws\n", Name);
    if (Key != NULL) {
        WCHAR DisplayName[LDR_IMAGE_PATH];
        LdrQueryServiceText(Key, L"DisplayName", DisplayName, ARRAYSIZE(DisplayName));
        KdConsolePrint(Console, "DISPLAY_NAME: %ws\n", DisplayName);
    }
    KdConsolePrint(Console, "        TYPE               : 1  KERNEL_DRIVER\n");
    KdConsolePrint(Console, "        STATE              : %u  %s\n", State, StateName(State));
    if (State != ServiceStopped) {
        KdConsolePrint(Console, "%32s(%s, NOT_PAUSABLE, IGNORES_SHUTDOWN)\n", "",
                       Stoppable ? "STOPPABLE" : "NOT_STOPPABLE");
    }
    KdConsolePrint(Console, "        WIN32_EXIT_CODE    : %u  (0x%x)\n", ExitCode, ExitCode);
    KdConsolePrint(Console, "        SERVICE_EXIT_CODE  : 0  (0x0)\n"
                            "        CHECKPOINT         : 0x0\n"
                            "        WAIT_HINT          : 0x0\n");
}

/* What queryex and start add: no driver has a process. */
static void PrintProcess(PKD_CONSOLE Console)
{
    KdConsolePrint(Console, "        PID                : 0\n        FLAGS              :\n");
}

static NTSTATUS QueryService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    UNREFERENCED_PARAMETER(Key);
    PrintState(Console, Name, NULL, LdrQueryServiceExitCode(Name));
    return STATUS_SUCCESS;
}

static NTSTATUS QueryServiceEx(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    QueryService(Console, Name, Key);
    PrintProcess(Console);
    return STATUS_SUCCESS;
}

/* The loader's own words come below Windows': they name the imports that are missing. */
static NTSTATUS StartService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    CHAR Reason[REASON_SIZE];
    ULONG Error = LdrStartService(Name, Reason, sizeof(Reason));

    UNREFERENCED_PARAMETER(Key);
    if (Error != 0) {
        KdpScFailure(Console, "StartService", Error);
        if (Reason[0] != 0) {
            KdConsolePrint(Console, "%s\n\n", Reason);
        }
        return KdConsoleReported(Console, STATUS_UNSUCCESSFUL);
    }
    PrintState(Console, Name, NULL, 0);
    PrintProcess(Console);
    return STATUS_SUCCESS;
}

static NTSTATUS StopService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    ULONG Error = LdrStopService(Name);

    UNREFERENCED_PARAMETER(Key);
    if (Error != 0) {
        return KdpScFailure(Console, "ControlService", Error);
    }
    /* Not what is noted: the note goes with a service that was to be deleted. */
    PrintState(Console, Name, NULL, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS DeleteService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    ULONG Error = LdrDeleteService(Name, Key);

    if (Error != 0) {
        return KdpScFailure(Console, "DeleteService", Error);
    }
    KdConsolePrint(Console, "[SC] DeleteService SUCCESS\n");
    return STATUS_SUCCESS;
}

static BOOLEAN CountDependent(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Key);
    ++*(PULONG)Context;
    return TRUE;
}

static BOOLEAN PrintListed(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    PrintState(Context, Name, Key, LdrQueryServiceExitCode(Name));
    return TRUE;
}

static NTSTATUS EnumerateDependents(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    ULONG Count = 0;
    NTSTATUS Status = LdrEnumerateDependents(Name, CountDependent, &Count);

    UNREFERENCED_PARAMETER(Key);
    if (NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "[SC] EnumDependentServices: entriesread = %u\n", Count);
        Status = LdrEnumerateDependents(Name, PrintListed, Console);
    }
    return NT_SUCCESS(Status)
               ? STATUS_SUCCESS
               : KdpScFailure(Console, "EnumDependentServices", KdStatusToWin32(Status));
}

static BOOLEAN PrintActive(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    BOOLEAN Stoppable;

    if (LdrQueryServiceState(Name, &Stoppable) != ServiceStopped) {
        PrintListed(Name, Key, Context);
    }
    return TRUE;
}

static BOOLEAN PrintInactive(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    BOOLEAN Stoppable;

    if (LdrQueryServiceState(Name, &Stoppable) == ServiceStopped) {
        PrintListed(Name, Key, Context);
    }
    return TRUE;
}

/* `sc query`: services that run; `state= all` every one, `state= inactive` the others. */
static NTSTATUS QueryAll(PKD_CONSOLE Console, int Argc, char **Argv)
{
    LDR_SERVICE_CALLBACK *Callback = PrintActive;

    if (Argc > 2) {
        if (Argc != 4 || _stricmp(Argv[2], "state=") != 0) {
            return KdConsoleUsage(Console);
        }
        if (_stricmp(Argv[3], "all") == 0) {
            Callback = PrintListed;
        } else if (_stricmp(Argv[3], "inactive") == 0) {
            Callback = PrintInactive;
        } else if (_stricmp(Argv[3], "active") != 0) {
            return KdConsoleUsage(Console);
        }
    }
    LdrEnumerateServices(Callback, Console);
    return STATUS_SUCCESS;
}

/* The text before FAILED names the call that failed in sc.exe; Windows' spelling, blanks
 * included. */
static const KDP_SC_COMMAND ScCommands[] = {
    {"start", "StartService: OpenService", StartService},
    {"stop", "OpenService", StopService},
    {"query", "EnumQueryServicesStatus:OpenService", QueryService},
    {"queryex", "EnumQueryServicesStatus:OpenService", QueryServiceEx},
    {"qc", "OpenService", KdpScShowConfig},
    {"enumdepend", "OpenService", EnumerateDependents},
    {"delete", "OpenService", DeleteService},
};

static NTSTATUS RunOnService(PKD_CONSOLE Console, const KDP_SC_COMMAND *Command, const CHAR *Name)
{
    WCHAR Wide[LDR_SERVICE_NAME];
    ULONG Error = ERROR_INVALID_NAME;
    NTSTATUS Status;
    PCM_KEY Key;

    if (KdpScWiden(Name, Wide, ARRAYSIZE(Wide))) {
        Error = LdrOpenService(Wide, &Key);
    }
    if (Error != 0) {
        return KdpScFailure(Console, Command->Failure, Error);
    }
    Status = Command->Routine(Console, Wide, Key);
    CmCloseKey(Key);
    return Status;
}

static NTSTATUS ScCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    if (Argc >= 2 && _stricmp(Argv[1], "create") == 0) {
        return KdpScCreate(Console, Argc, Argv);
    }
    if (Argc >= 2 && _stricmp(Argv[1], "config") == 0) {
        return KdpScChange(Console, Argc, Argv);
    }
    /* With one word more it is about a service of that name, like the others below. */
    if (Argc >= 2 && Argc != 3 && _stricmp(Argv[1], "query") == 0) {
        return QueryAll(Console, Argc, Argv);
    }
    for (ULONG i = 0; Argc == 3 && i < ARRAYSIZE(ScCommands); i++) {
        if (_stricmp(Argv[1], ScCommands[i].Name) == 0) {
            return RunOnService(Console, &ScCommands[i], Argv[2]);
        }
    }
    return KdConsoleUsage(Console);
}
KD_COMMAND("sc", "create|config|start|stop|query|queryex|qc|enumdepend|delete NAME ...",
           "install, start and stop drivers", ScCommand);
