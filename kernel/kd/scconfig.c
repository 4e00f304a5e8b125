/*
 * scconfig.c - `sc create`, `sc config` and `sc qc`: what a service is made of.
 *
 * As with sc.exe an option is two words, "type=" and "kernel".
 */
#include "ke.h"
#include "winerror.h"
#include "sc.h"

#define DEPENDENCY_CHARS 256

/* The options in the loader's form; the texts that it refers to. */
typedef struct _KDP_SC_OPTIONS {
    LDR_SERVICE_CONFIG Config;
    BOOLEAN Kernel;
    WCHAR Path[LDR_IMAGE_PATH], DisplayName[LDR_IMAGE_PATH], Group[LDR_SERVICE_NAME];
    WCHAR Dependencies[DEPENDENCY_CHARS];
} KDP_SC_OPTIONS, *PKDP_SC_OPTIONS;

/* As they are typed for `create`, and as `qc` prints them; the index is the value in the
 * registry. */
static const char *const StartNames[] = {"boot", "system", "auto", "demand", "disabled"};
static const char *const StartTypes[] = {"BOOT_START", "SYSTEM_START", "AUTO_START", "DEMAND_START",
                                         "DISABLED"};
static const char *const ErrorNames[] = {"ignore", "normal", "severe", "critical"};
static const char *const ErrorTypes[] = {"IGNORE", "NORMAL", "SEVERE", "CRITICAL"};

/* Index of Text in a list of names; Count when it is not there. */
static ULONG FindName(const char *const *Names, ULONG Count, const CHAR *Text)
{
    ULONG Index = 0;

    while (Index < Count && _stricmp(Names[Index], Text) != 0) {
        Index++;
    }
    return Index;
}

/* The path as Windows stores that of a driver: an object name. One without a drive, as
 * \SystemRoot\..., is one already. */
static BOOLEAN MakeImagePath(const CHAR *Path, WCHAR *Wide, ULONG Chars)
{
    BOOLEAN Drive = Path[0] != 0 && Path[1] == ':';

    wcscpy_s(Wide, Chars, Drive ? L"\\??\\" : L"");
    return KdpScWiden(Path, Wide + wcslen(Wide), Chars - (ULONG)wcslen(Wide));
}

/* "a/b/+group" becomes names with zeros behind them; "/" alone is none. */
static BOOLEAN MakeDependencies(const CHAR *Text, WCHAR *Wide)
{
    ULONG Used = 0;

    if (!KdpScWiden(Text, Wide, DEPENDENCY_CHARS - 1)) {
        return FALSE;
    }
    for (ULONG i = 0; Wide[i] != 0; i++) {
        if (Wide[i] != '/') {
            Wide[Used++] = Wide[i];
        } else if (Used != 0 && Wide[Used - 1] != 0) {
            Wide[Used++] = 0;
        }
    }
    /* A zero behind each name, and one more behind the last; of an empty list that one is all. */
    Wide[Used] = Wide[Used + (Used != 0)] = 0;
    return TRUE;
}

static BOOLEAN ParseText(const CHAR *Option, const CHAR *Value, PKDP_SC_OPTIONS Options)
{
    LDR_SERVICE_CONFIG *Config = &Options->Config;

    if (_stricmp(Option, "binPath=") == 0) {
        Config->Path = Options->Path;
        return MakeImagePath(Value, Options->Path, ARRAYSIZE(Options->Path));
    }
    if (_stricmp(Option, "DisplayName=") == 0) {
        Config->DisplayName = Options->DisplayName;
        return KdpScWiden(Value, Options->DisplayName, ARRAYSIZE(Options->DisplayName));
    }
    if (_stricmp(Option, "group=") == 0) {
        Config->Group = Options->Group;
        return KdpScWiden(Value, Options->Group, ARRAYSIZE(Options->Group));
    }
    if (_stricmp(Option, "depend=") == 0) {
        Config->Dependencies = Options->Dependencies;
        return MakeDependencies(Value, Options->Dependencies);
    }
    return FALSE;
}

/* One "option= value"; FALSE when either is wrong. */
static BOOLEAN ParseOption(const CHAR *Option, const CHAR *Value, PKDP_SC_OPTIONS Options)
{
    LDR_SERVICE_CONFIG *Config = &Options->Config;

    if (_stricmp(Option, "type=") == 0) {
        Options->Kernel = _stricmp(Value, "kernel") == 0;
        return Options->Kernel;
    }
    if (_stricmp(Option, "start=") == 0) {
        Config->Start = FindName(StartNames, ARRAYSIZE(StartNames), Value);
        return Config->Start < ARRAYSIZE(StartNames);
    }
    if (_stricmp(Option, "error=") == 0) {
        Config->ErrorControl = FindName(ErrorNames, ARRAYSIZE(ErrorNames), Value);
        return Config->ErrorControl < ARRAYSIZE(ErrorNames);
    }
    if (_stricmp(Option, "tag=") == 0) {
        Config->Tag = _stricmp(Value, "yes") == 0;
        return Config->Tag || _stricmp(Value, "no") == 0;
    }
    return ParseText(Option, Value, Options);
}

static BOOLEAN ParseOptions(int Argc, char **Argv, PKDP_SC_OPTIONS Options)
{
    /* sc, the sub-command and the name, then pairs. */
    if (Argc < 3 || Argc % 2 == 0) {
        return FALSE;
    }
    for (int i = 3; i < Argc; i += 2) {
        if (!ParseOption(Argv[i], Argv[i + 1], Options)) {
            return FALSE;
        }
    }
    return TRUE;
}

static NTSTATUS ConfigUsage(PKD_CONSOLE Console, const char *What, const char *Required)
{
    KdConsolePrint(Console,
                   "usage: sc %s NAME %s[start= boot|system|auto|demand|disabled]\n"
                   "       [error= normal|severe|critical|ignore] [group= GROUP] [tag= yes|no]\n"
                   "       [depend= SERVICE/+GROUP/...] [DisplayName= TEXT]\n"
                   "The blank behind each equals sign is part of the syntax.\n",
                   What, Required);
    return KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
}

/* The options are too large for the stack. */
static PKDP_SC_OPTIONS AllocateOptions(void)
{
    return ExAllocatePool2(POOL_FLAG_PAGED, sizeof(KDP_SC_OPTIONS), 'cSdK');
}

static ULONG CreateService(const CHAR *Name, PKDP_SC_OPTIONS Options)
{
    WCHAR Wide[LDR_SERVICE_NAME];

    if (!KdpScWiden(Name, Wide, ARRAYSIZE(Wide))) {
        return ERROR_INVALID_NAME;
    }
    Options->Config.DisplayName =
        Options->Config.DisplayName == NULL ? Wide : Options->Config.DisplayName;
    return LdrCreateService(Wide, &Options->Config);
}

NTSTATUS KdpScCreate(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PKDP_SC_OPTIONS Options = AllocateOptions();
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Error;

    if (Options == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Options->Config.Start = SERVICE_DEMAND_START;
    Options->Config.ErrorControl = SERVICE_ERROR_NORMAL;
    /* Windows' default type is a process of its own, which there is none of here: it must be
     * said. */
    if (!ParseOptions(Argc, Argv, Options) || !Options->Kernel || Options->Config.Path == NULL) {
        Status =
            ConfigUsage(Console, "create", "type= kernel binPath= C:\\PATH\\FILE.SYS\n       ");
    } else {
        Error = CreateService(Argv[2], Options);
        if (Error != 0) {
            Status = KdpScFailure(Console, "CreateService", Error);
        } else {
            KdConsolePrint(Console, "[SC] CreateService SUCCESS\n");
        }
    }
    ExFreePool(Options);
    return Status;
}

static NTSTATUS ChangeService(PKD_CONSOLE Console, const CHAR *Name, PKDP_SC_OPTIONS Options)
{
    WCHAR Wide[LDR_SERVICE_NAME];
    ULONG Error = ERROR_INVALID_NAME;
    PCM_KEY Key;

    if (KdpScWiden(Name, Wide, ARRAYSIZE(Wide))) {
        Error = LdrOpenService(Wide, &Key);
    }
    if (Error != 0) {
        return KdpScFailure(Console, "OpenService", Error);
    }
    Error = LdrChangeService(Wide, Key, &Options->Config);
    CmCloseKey(Key);
    if (Error != 0) {
        return KdpScFailure(Console, "ChangeServiceConfig", Error);
    }
    KdConsolePrint(Console, "[SC] ChangeServiceConfig SUCCESS\n");
    return STATUS_SUCCESS;
}

NTSTATUS KdpScChange(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PKDP_SC_OPTIONS Options = AllocateOptions();
    NTSTATUS Status;

    if (Options == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Options->Config.Start = Options->Config.ErrorControl = MAXULONG; /* as they are */
    Status = Argc < 5 || !ParseOptions(Argc, Argv, Options)
                 ? ConfigUsage(Console, "config", "[binPath= C:\\PATH\\FILE.SYS]\n       ")
                 : ChangeService(Console, Argv[2], Options);
    ExFreePool(Options);
    return Status;
}

/* Names below each other; a group's with its plus sign. */
static NTSTATUS PrintDependencies(PKD_CONSOLE Console, PCM_KEY Key, PCWSTR Value,
                                  const char *Prefix, BOOLEAN *First)
{
    PWSTR List;
    NTSTATUS Status = LdrQueryServiceList(Key, Value, &List);

    for (PCWSTR Item = List; Item != NULL && *Item != 0; Item += wcslen(Item) + 1) {
        KdConsolePrint(Console, "        %-19s: %s%ws\n", *First ? "DEPENDENCIES" : "", Prefix,
                       Item);
        *First = FALSE;
    }
    if (List != NULL) {
        ExFreePool(List);
    }
    return Status;
}

NTSTATUS KdpScShowConfig(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key)
{
    ULONG Start = CmQueryUlong(Key, L"Start", SERVICE_DEMAND_START);
    ULONG ErrorControl = CmQueryUlong(Key, L"ErrorControl", SERVICE_ERROR_NORMAL);
    WCHAR Path[LDR_IMAGE_PATH], DisplayName[LDR_IMAGE_PATH], Group[LDR_SERVICE_NAME];
    BOOLEAN First = TRUE;
    NTSTATUS Status;

    LdrQueryServiceText(Key, L"ImagePath", Path, ARRAYSIZE(Path));
    LdrQueryServiceText(Key, L"DisplayName", DisplayName, ARRAYSIZE(DisplayName));
    LdrQueryServiceText(Key, L"Group", Group, ARRAYSIZE(Group));
    KdConsolePrint(Console, "[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: %ws\n", Name);
    KdConsolePrint(Console,
                   "        TYPE               : 1  KERNEL_DRIVER\n"
                   "        START_TYPE         : %u   %s\n"
                   "        ERROR_CONTROL      : %u   %s\n",
                   Start, Start < ARRAYSIZE(StartTypes) ? StartTypes[Start] : "", ErrorControl,
                   ErrorControl < ARRAYSIZE(ErrorTypes) ? ErrorTypes[ErrorControl] : "");
    KdConsolePrint(Console,
                   "        BINARY_PATH_NAME   : %ws\n        LOAD_ORDER_GROUP   : %ws\n"
                   "        TAG                : %u\n        DISPLAY_NAME       : %ws\n",
                   Path, Group, CmQueryUlong(Key, L"Tag", 0), DisplayName);
    Status = PrintDependencies(Console, Key, L"DependOnService", "", &First);
    if (NT_SUCCESS(Status)) {
        Status = PrintDependencies(Console, Key, L"DependOnGroup", "+", &First);
    }
    if (!NT_SUCCESS(Status)) {
        return KdpScFailure(Console, "QueryServiceConfig", KdStatusToWin32(Status));
    }
    if (First) {
        KdConsolePrint(Console, "        DEPENDENCIES       : \n");
    }
    KdConsolePrint(Console, "        SERVICE_START_NAME : \n");
    return STATUS_SUCCESS;
}
