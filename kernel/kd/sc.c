/*
 * sc.c - the command `sc`: Windows' syntax and Windows' output, error numbers included.
 *
 * As with sc.exe an option is two words, "type=" and "kernel". Services and drivers themselves are
 * handled in service.c; here are only words.
 */
#include "ke.h"
#include "console.h"
#include "winerror.h"
#include "service.h"

#define REASON_SIZE 512

/* A sub-command on a service that exists. */
typedef struct _KDP_SC_COMMAND {
    const char *Name;
    const char *Failure; /* printed before FAILED when the service cannot be opened */
    NTSTATUS (*Routine)(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key);
} KDP_SC_COMMAND;

/* "[SC] What FAILED 1060:", an empty line, the text, an empty line. */
static NTSTATUS PrintFailure(PKD_CONSOLE Console, const char *What, ULONG Error)
{
    KdConsolePrint(Console, "[SC] %s FAILED %u:\n\n%s\n\n", What, Error, KdpWin32Text(Error));
    return KdConsoleReported(Console, STATUS_UNSUCCESSFUL);
}

/* Name as sc gets it: UTF-8 to UTF-16; FALSE when it is too long. */
static BOOLEAN WidenName(const CHAR *Name, WCHAR *Wide, ULONG Chars)
{
    UNICODE_STRING To = {0, (USHORT)(Chars * sizeof(WCHAR)), Wide};
    ANSI_STRING From;

    RtlInitAnsiString(&From, Name);
    return NT_SUCCESS(RtlAnsiStringToUnicodeString(&To, &From, FALSE));
}

/* The table that query, start and stop print. ExitCode: how it ended, if it is stopped. */
static void PrintState(PKD_CONSOLE Console, PCWSTR Name, ULONG ExitCode)
{
    BOOLEAN Stoppable;
    KDP_SERVICE_STATE State = KdpQueryServiceState(Name, &Stoppable);

    ExitCode = State == ServiceStopped ? ExitCode : 0;
    KdConsolePrint(Console, "\nSERVICE_NAME: %ws\n", Name);
    KdConsolePrint(Console, "        TYPE               : 1  KERNEL_DRIVER\n");
    KdConsolePrint(Console, "        STATE              : %u  %s\n", State,
                   State == ServiceRunning       ? "RUNNING"
                   : State == ServiceStopPending ? "STOP_PENDING"
                                                 : "STOPPED");
    if (State != ServiceStopped) {
        KdConsolePrint(Console, "%32s(%s, NOT_PAUSABLE, IGNORES_SHUTDOWN)\n", "",
                       Stoppable ? "STOPPABLE" : "NOT_STOPPABLE");
    }
    KdConsolePrint(Console, "        WIN32_EXIT_CODE    : %u  (0x%x)\n", ExitCode, ExitCode);
    KdConsolePrint(Console, "        SERVICE_EXIT_CODE  : 0  (0x0)\n"
                            "        CHECKPOINT         : 0x0\n"
                            "        WAIT_HINT          : 0x0\n");
}

static NTSTATUS QueryService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    UNREFERENCED_PARAMETER(Key);
    PrintState(Console, Name, KdpQueryServiceExitCode(Name));
    return STATUS_SUCCESS;
}

/* The loader's own words come below Windows': they name the imports that are missing. */
static NTSTATUS StartService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    CHAR Reason[REASON_SIZE];
    ULONG Error = KdpStartService(Name, Key, Reason, sizeof(Reason));

    if (Error != 0) {
        PrintFailure(Console, "StartService", Error);
        if (Reason[0] != 0) {
            KdConsolePrint(Console, "%s\n\n", Reason);
        }
        return KdConsoleReported(Console, STATUS_UNSUCCESSFUL);
    }
    PrintState(Console, Name, 0);
    KdConsolePrint(Console, "        PID                : 0\n        FLAGS              :\n");
    return STATUS_SUCCESS;
}

static NTSTATUS StopService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    ULONG Error = KdpStopService(Name, Key);

    if (Error != 0) {
        return PrintFailure(Console, "ControlService", Error);
    }
    /* Not what is noted: the note goes with a service that was to be deleted. */
    PrintState(Console, Name, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS DeleteService(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    ULONG Error = KdpDeleteService(Name, Key);

    if (Error != 0) {
        return PrintFailure(Console, "DeleteService", Error);
    }
    KdConsolePrint(Console, "[SC] DeleteService SUCCESS\n");
    return STATUS_SUCCESS;
}

/* A text value of the key; "" when there is none. */
static void QueryText(PCM_KEY Key, PCWSTR Name, WCHAR *Text, ULONG Chars)
{
    ULONG Type, Size = (Chars - 1) * sizeof(WCHAR);

    RtlZeroMemory(Text, Chars * sizeof(WCHAR));
    if (!NT_SUCCESS(CmQueryValue(Key, Name, &Type, Text, &Size)) ||
        (Type != REG_SZ && Type != REG_EXPAND_SZ)) {
        Text[0] = UNICODE_NULL;
    }
}

/* As they are typed for `create`, and as `qc` prints them; the index is the value in the registry. */
static const char *const StartNames[] = {"boot", "system", "auto", "demand", "disabled"};
static const char *const StartTypes[] = {"BOOT_START", "SYSTEM_START", "AUTO_START", "DEMAND_START",
                                         "DISABLED"};
static const char *const ErrorNames[] = {"ignore", "normal", "severe", "critical"};
static const char *const ErrorTypes[] = {"IGNORE", "NORMAL", "SEVERE", "CRITICAL"};

static NTSTATUS QueryConfiguration(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    ULONG Start = CmQueryUlong(Key, L"Start", SERVICE_DEMAND_START);
    ULONG ErrorControl = CmQueryUlong(Key, L"ErrorControl", SERVICE_ERROR_NORMAL);
    WCHAR Path[KDP_IMAGE_PATH], DisplayName[KDP_IMAGE_PATH];

    QueryText(Key, L"ImagePath", Path, ARRAYSIZE(Path));
    QueryText(Key, L"DisplayName", DisplayName, ARRAYSIZE(DisplayName));
    KdConsolePrint(Console, "[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: %ws\n", Name);
    KdConsolePrint(Console,
                   "        TYPE               : 1  KERNEL_DRIVER\n"
                   "        START_TYPE         : %u   %s\n"
                   "        ERROR_CONTROL      : %u   %s\n",
                   Start, Start < ARRAYSIZE(StartTypes) ? StartTypes[Start] : "", ErrorControl,
                   ErrorControl < ARRAYSIZE(ErrorTypes) ? ErrorTypes[ErrorControl] : "");
    KdConsolePrint(Console, "        BINARY_PATH_NAME   : %ws\n        DISPLAY_NAME       : %ws\n",
                   Path, DisplayName);
    return STATUS_SUCCESS;
}

/* What `sc create` was told. */
typedef struct _KDP_SC_OPTIONS {
    BOOLEAN Kernel;
    ULONG Start, ErrorControl;
    const CHAR *Path, *DisplayName;
} KDP_SC_OPTIONS;

/* Index of Text in a list of names; Count when it is not there. */
static ULONG FindName(const char *const *Names, ULONG Count, const CHAR *Text)
{
    ULONG Index = 0;

    while (Index < Count && _stricmp(Names[Index], Text) != 0) {
        Index++;
    }
    return Index;
}

/* One "option= value"; FALSE when either is wrong. */
static BOOLEAN ParseOption(const CHAR *Option, const CHAR *Value, KDP_SC_OPTIONS *Options)
{
    if (_stricmp(Option, "type=") == 0) {
        Options->Kernel = _stricmp(Value, "kernel") == 0;
        return Options->Kernel;
    }
    if (_stricmp(Option, "start=") == 0) {
        Options->Start = FindName(StartNames, ARRAYSIZE(StartNames), Value);
        return Options->Start < ARRAYSIZE(StartNames);
    }
    if (_stricmp(Option, "error=") == 0) {
        Options->ErrorControl = FindName(ErrorNames, ARRAYSIZE(ErrorNames), Value);
        return Options->ErrorControl < ARRAYSIZE(ErrorNames);
    }
    if (_stricmp(Option, "binPath=") == 0) {
        Options->Path = Value;
        return TRUE;
    }
    if (_stricmp(Option, "DisplayName=") == 0) {
        Options->DisplayName = Value;
        return TRUE;
    }
    return FALSE;
}

static NTSTATUS CreateUsage(PKD_CONSOLE Console)
{
    KdConsolePrint(Console, "usage: sc create NAME type= kernel binPath= C:\\PATH\\FILE.SYS "
                            "[start= boot|system|auto|demand|disabled]\n"
                            "       [error= normal|severe|critical|ignore] [DisplayName= TEXT]\n"
                            "The blank behind each equals sign is part of the syntax.\n");
    return KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
}

/* The path as Windows stores that of a driver: an object name. One without a drive, as
 * \SystemRoot\..., is one already. */
static BOOLEAN MakeImagePath(const CHAR *Path, WCHAR *Wide, ULONG Chars)
{
    BOOLEAN Drive = Path[0] != 0 && Path[1] == ':';

    wcscpy_s(Wide, Chars, Drive ? L"\\??\\" : L"");
    return WidenName(Path, Wide + wcslen(Wide), Chars - (ULONG)wcslen(Wide));
}

static NTSTATUS CreateService(PKD_CONSOLE Console, const CHAR *Name, const KDP_SC_OPTIONS *Options)
{
    WCHAR Wide[KDP_SERVICE_NAME], Path[KDP_IMAGE_PATH], DisplayName[KDP_IMAGE_PATH];
    ULONG Error = ERROR_INVALID_NAME;

    if (WidenName(Name, Wide, ARRAYSIZE(Wide)) &&
        MakeImagePath(Options->Path, Path, ARRAYSIZE(Path)) &&
        WidenName(Options->DisplayName == NULL ? Name : Options->DisplayName, DisplayName,
                  ARRAYSIZE(DisplayName))) {
        Error = KdpCreateService(Wide, Options->Start, Options->ErrorControl, Path, DisplayName);
    }
    if (Error != 0) {
        return PrintFailure(Console, "CreateService", Error);
    }
    KdConsolePrint(Console, "[SC] CreateService SUCCESS\n");
    return STATUS_SUCCESS;
}

static NTSTATUS CreateCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    KDP_SC_OPTIONS Options = {.Start = SERVICE_DEMAND_START, .ErrorControl = SERVICE_ERROR_NORMAL};

    /* sc, create and the name, then pairs. */
    if (Argc < 3 || Argc % 2 == 0) {
        return CreateUsage(Console);
    }
    for (int i = 3; i < Argc; i += 2) {
        if (!ParseOption(Argv[i], Argv[i + 1], &Options)) {
            return CreateUsage(Console);
        }
    }
    /* Windows' default type is a process of its own, which there is none of here: it must be said. */
    if (!Options.Kernel || Options.Path == NULL) {
        return CreateUsage(Console);
    }
    return CreateService(Console, Argv[2], &Options);
}

/* `sc query` without a name: services that run, or with `state= all` every one. */
static NTSTATUS QueryAll(PKD_CONSOLE Console, BOOLEAN All)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(CM_SERVICES_PATH);
    WCHAR Name[KDP_SERVICE_NAME];
    BOOLEAN Stoppable;
    PCM_KEY Services;
    NTSTATUS Status = CmOpenKey(&Path, FALSE, &Services);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (ULONG i = 0; NT_SUCCESS(CmEnumerateKey(Services, i, Name, ARRAYSIZE(Name))); i++) {
        if (All || KdpQueryServiceState(Name, &Stoppable) != ServiceStopped) {
            QueryService(Console, Name, NULL);
        }
    }
    CmCloseKey(Services);
    return STATUS_SUCCESS;
}

/* The text before FAILED names the call that failed in sc.exe; Windows' spelling, blanks included. */
static const KDP_SC_COMMAND ScCommands[] = {
    {"start", "StartService: OpenService", StartService},
    {"stop", "OpenService", StopService},
    {"query", "EnumQueryServicesStatus:OpenService", QueryService},
    {"qc", "OpenService", QueryConfiguration},
    {"delete", "OpenService", DeleteService},
};

static NTSTATUS RunOnService(PKD_CONSOLE Console, const KDP_SC_COMMAND *Command, const CHAR *Name)
{
    WCHAR Wide[KDP_SERVICE_NAME];
    ULONG Error = ERROR_INVALID_NAME;
    NTSTATUS Status;
    PCM_KEY Key;

    if (WidenName(Name, Wide, ARRAYSIZE(Wide))) {
        Error = KdpOpenService(Wide, &Key);
    }
    if (Error != 0) {
        return PrintFailure(Console, Command->Failure, Error);
    }
    Status = Command->Routine(Console, Wide, Key);
    CmCloseKey(Key);
    return Status;
}

static NTSTATUS ScCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    if (Argc >= 2 && _stricmp(Argv[1], "create") == 0) {
        return CreateCommand(Console, Argc, Argv);
    }
    if (Argc >= 2 && Argc != 3 && _stricmp(Argv[1], "query") == 0) {
        BOOLEAN All =
            Argc == 4 && _stricmp(Argv[2], "state=") == 0 && _stricmp(Argv[3], "all") == 0;
        return Argc == 2 || All ? QueryAll(Console, All) : KdConsoleUsage(Console);
    }
    for (ULONG i = 0; Argc == 3 && i < ARRAYSIZE(ScCommands); i++) {
        if (_stricmp(Argv[1], ScCommands[i].Name) == 0) {
            return RunOnService(Console, &ScCommands[i], Argv[2]);
        }
    }
    return KdConsoleUsage(Console);
}
KD_COMMAND("sc", "create|start|stop|query|qc|delete NAME ...", "install, start and stop drivers",
           ScCommand);
