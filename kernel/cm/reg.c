/*
 * reg.c - the command `reg`: keys and values on the console, with reg.exe's syntax and its words.
 *
 * It uses the services that drivers use, so registry callbacks see what it does. Nobody is asked
 * "are you sure": what would destroy something wants /f. Links below CurrentControlSet and the like
 * are followed when they are named, and shown as they are when they are come upon.
 */
#include "ldr.h"
#include "reg.h"

/* What was typed. */
typedef struct _REG_OPTIONS {
    const char *Name; /* /v, "" for /ve; NULL: neither */
    const char *Type; /* /t */
    const char *Data; /* /d */
    BOOLEAN All;      /* /va */
    BOOLEAN Tree;     /* /s */
    BOOLEAN Force;    /* /f */
} REG_OPTIONS, *PREG_OPTIONS;

typedef struct _REG_COMMAND {
    const char *Name;
    const char *Allowed; /* letters of options; 'e' and 'a' are /ve and /va */
    NTSTATUS (*Routine)(PREG_WALK Walk, PREG_OPTIONS Options);
} REG_COMMAND;

static NTSTATUS CmpFail(PKD_CONSOLE Console, const char *Text)
{
    KdConsolePrint(Console, "ERROR: %s\n", Text);
    return KdConsoleReported(Console, STATUS_UNSUCCESSFUL);
}

/* reg.exe's words for the statuses that people cause. */
static NTSTATUS CmpReport(PKD_CONSOLE Console, NTSTATUS Status)
{
    switch (Status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
        return CmpFail(Console,
                       "The system was unable to find the specified registry key or value.");
    case STATUS_ACCESS_DENIED:
    case STATUS_CANNOT_DELETE:
        return CmpFail(Console, "Access is denied.");
    case STATUS_CHILD_MUST_BE_VOLATILE:
        return CmpFail(Console, "Only volatile keys can be made below a volatile one.");
    case STATUS_REGISTRY_IO_FAILED:
        return CmpFail(Console, "The registry could not be written to its disk.");
    }
    return Status;
}

static NTSTATUS CmpDone(PKD_CONSOLE Console, NTSTATUS Status)
{
    if (NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "The operation completed successfully.\n");
    }
    return CmpReport(Console, Status);
}

/* The path on a line of its own, with Format around it. */
static void CmpPrintPath(PKD_CONSOLE Console, PCUNICODE_STRING Path, const char *Before,
                         const char *After)
{
    PWCH Buffer = ExAllocatePool2(POOL_FLAG_PAGED, REG_PATH_CHARS * sizeof(WCHAR), CMP_TAG);
    UNICODE_STRING Shown = {0, REG_PATH_CHARS * sizeof(WCHAR), Buffer};

    if (Buffer != NULL && NT_SUCCESS(CmpShowPath(Path, &Shown))) {
        KdConsolePrint(Console, "%s%wZ%s\n", Before, &Shown, After);
    } else {
        KdConsolePrint(Console, "%s%wZ%s\n", Before, Path, After);
    }
    if (Buffer != NULL) {
        ExFreePoolWithTag(Buffer, CMP_TAG);
    }
}

/* UTF-8 to a string that the caller frees. */
static NTSTATUS CmpWiden(const char *Text, PUNICODE_STRING Wide)
{
    ANSI_STRING From;

    RtlInitAnsiString(&From, Text);
    return RtlAnsiStringToUnicodeString(Wide, &From, TRUE);
}

/*** query ***/

static NTSTATUS CmpPrintValues(PREG_WALK Walk)
{
    PKEY_VALUE_FULL_INFORMATION Value;
    NTSTATUS Status;

    for (ULONG i = 0; NT_SUCCESS(Status = CmpNextValue(Walk->Key, i, &Value)); i++) {
        CmpPrintValue(Walk->Console, Value);
        ExFreePoolWithTag(Value, CMP_TAG);
    }
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
}

static NTSTATUS CmpPrintKey(PREG_WALK Walk)
{
    CmpPrintPath(Walk->Console, &Walk->Path, "\n", "");
    return CmpPrintValues(Walk);
}

/* The names of the keys one level down. */
static void CmpPrintBelow(PREG_WALK Walk)
{
    WCHAR Buffer[CM_MAXIMUM_NAME];
    UNICODE_STRING Name = {0, sizeof(Buffer), Buffer};
    USHORT Length = Walk->Path.Length;

    KdConsolePrint(Walk->Console, "\n");
    for (ULONG i = 0; NT_SUCCESS(CmpNextKeyName(Walk->Key, i, &Name)); i++) {
        if (NT_SUCCESS(RtlAppendUnicodeToString(&Walk->Path, L"\\")) &&
            NT_SUCCESS(RtlAppendUnicodeStringToString(&Walk->Path, &Name))) {
            CmpPrintPath(Walk->Console, &Walk->Path, "", "");
        }
        Walk->Path.Length = Length;
    }
}

static NTSTATUS CmpQueryNamed(PREG_WALK Walk, const char *Name)
{
    PKEY_VALUE_FULL_INFORMATION Value;
    UNICODE_STRING Wanted;
    BOOLEAN Found = FALSE;
    NTSTATUS Status = CmpWiden(Name, &Wanted);

    for (ULONG i = 0; NT_SUCCESS(Status) && !Found; i++) {
        Status = CmpNextValue(Walk->Key, i, &Value);
        if (NT_SUCCESS(Status)) {
            UNICODE_STRING Own = {(USHORT)Value->NameLength, 0, Value->Name};
            Found = RtlEqualUnicodeString(&Own, &Wanted, TRUE);
            if (Found) {
                CmpPrintPath(Walk->Console, &Walk->Path, "\n", "");
                CmpPrintValue(Walk->Console, Value);
            }
            ExFreePoolWithTag(Value, CMP_TAG);
        }
    }
    RtlFreeUnicodeString(&Wanted);
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_OBJECT_NAME_NOT_FOUND : Status;
}

static NTSTATUS CmpRegQuery(PREG_WALK Walk, PREG_OPTIONS Options)
{
    NTSTATUS Status;

    if (Options->Tree && Options->Name == NULL) {
        Status = CmpWalkTree(Walk, KEY_READ, CmpPrintKey, NULL);
        KdConsolePrint(Walk->Console, "\n");
        return CmpReport(Walk->Console, Status);
    }
    Status = CmpOpenWalk(Walk, KEY_READ);
    if (NT_SUCCESS(Status)) {
        if (Options->Name != NULL) {
            Status = CmpQueryNamed(Walk, Options->Name);
        } else {
            Status = CmpPrintKey(Walk);
            CmpPrintBelow(Walk);
        }
        ZwClose(Walk->Key);
    }
    return CmpReport(Walk->Console, Status);
}

/*** add ***/

/* Opens Walk->Path, making every key on the way that is missing. */
static NTSTATUS CmpMakeKeys(PREG_WALK Walk)
{
    PWCH Text = Walk->Path.Buffer, End = Text + Walk->Path.Length / sizeof(WCHAR);
    NTSTATUS Status = STATUS_OBJECT_PATH_SYNTAX_BAD;

    /* From the first name below \Registry\Machine on; what is before cannot be made. */
    for (PWCH At = Text + 1; At <= End; At++) {
        UNICODE_STRING Path = {(USHORT)((At - Text) * sizeof(WCHAR)), 0, Text};
        OBJECT_ATTRIBUTES Attributes;
        if (At != End && *At != '\\') {
            continue;
        }
        InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                                   NULL, NULL);
        Status = ZwCreateKey(&Walk->Key, At == End ? KEY_READ | KEY_WRITE : KEY_READ, &Attributes,
                             0, NULL, REG_OPTION_NON_VOLATILE, NULL);
        if (!NT_SUCCESS(Status) || At == End) {
            return Status;
        }
        ZwClose(Walk->Key);
    }
    return Status;
}

/* Sets the value at Walk->Key. */
static NTSTATUS CmpAddValue(PREG_WALK Walk, PREG_OPTIONS Options)
{
    ULONG Type = REG_SZ, Size, Length;
    UNICODE_STRING Name;
    PVOID Data = NULL;
    NTSTATUS Status;

    if (Options->Type != NULL && !CmpParseType(Options->Type, &Type)) {
        return CmpFail(Walk->Console, "Invalid syntax. Specify a valid type after /t.");
    }
    Status = CmpParseData(Type, Options->Data != NULL ? Options->Data : "", &Data, &Size);
    if (Status == STATUS_INVALID_PARAMETER) {
        return CmpFail(Walk->Console, "Invalid syntax. Specify a value of the type after /d.");
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpWiden(Options->Name != NULL ? Options->Name : "", &Name);
    if (NT_SUCCESS(Status)) {
        NTSTATUS Old =
            ZwQueryValueKey(Walk->Key, &Name, KeyValueBasicInformation, NULL, 0, &Length);
        if (Old == STATUS_BUFFER_TOO_SMALL && !Options->Force) {
            Status = CmpFail(Walk->Console, "The value exists; /f overwrites it.");
        } else {
            Status = ZwSetValueKey(Walk->Key, &Name, 0, Type, Data, Size);
        }
        RtlFreeUnicodeString(&Name);
    }
    ExFreePoolWithTag(Data, CMP_TAG);
    return Status;
}

static NTSTATUS CmpRegAdd(PREG_WALK Walk, PREG_OPTIONS Options)
{
    NTSTATUS Status = CmpMakeKeys(Walk);

    if (!NT_SUCCESS(Status)) {
        return CmpReport(Walk->Console, Status);
    }
    if (Options->Name != NULL || Options->Data != NULL || Options->Type != NULL) {
        Status = CmpAddValue(Walk, Options);
    }
    ZwClose(Walk->Key);
    return CmpDone(Walk->Console, Status);
}

/*** delete ***/

static NTSTATUS CmpDeleteKey(PREG_WALK Walk)
{
    return ZwDeleteKey(Walk->Key);
}

/* The first one each time: those behind it move up. */
static NTSTATUS CmpDeleteValues(HANDLE Key)
{
    PKEY_VALUE_FULL_INFORMATION Value;
    NTSTATUS Status;

    while (NT_SUCCESS(Status = CmpNextValue(Key, 0, &Value))) {
        UNICODE_STRING Name = {(USHORT)Value->NameLength, (USHORT)Value->NameLength, Value->Name};
        Status = ZwDeleteValueKey(Key, &Name);
        ExFreePoolWithTag(Value, CMP_TAG);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
}

static NTSTATUS CmpDeleteNamed(HANDLE Key, const char *Name)
{
    UNICODE_STRING Wide;
    NTSTATUS Status = CmpWiden(Name, &Wide);

    if (NT_SUCCESS(Status)) {
        Status = ZwDeleteValueKey(Key, &Wide);
        RtlFreeUnicodeString(&Wide);
    }
    return Status;
}

static NTSTATUS CmpRegDelete(PREG_WALK Walk, PREG_OPTIONS Options)
{
    NTSTATUS Status;

    if (!Options->Force) {
        return CmpFail(Walk->Console, "Nobody can be asked here: /f says that it is meant.");
    }
    if (Options->Name == NULL && !Options->All) {
        return CmpDone(Walk->Console, CmpWalkTree(Walk, KEY_READ | DELETE, NULL, CmpDeleteKey));
    }
    Status = CmpOpenWalk(Walk, KEY_READ | KEY_SET_VALUE);
    if (NT_SUCCESS(Status)) {
        Status =
            Options->All ? CmpDeleteValues(Walk->Key) : CmpDeleteNamed(Walk->Key, Options->Name);
        ZwClose(Walk->Key);
    }
    return CmpDone(Walk->Console, Status);
}

/*** export, import, flush ***/

static NTSTATUS CmpExportKey(PREG_WALK Walk)
{
    PKEY_VALUE_FULL_INFORMATION Value;
    NTSTATUS Status;

    CmpPrintPath(Walk->Console, &Walk->Path, "\n[", "]");
    for (ULONG i = 0; NT_SUCCESS(Status = CmpNextValue(Walk->Key, i, &Value)); i++) {
        CmpExportValue(Walk->Console, Value);
        ExFreePoolWithTag(Value, CMP_TAG);
    }
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
}

/* There is no file to write to, so the text goes to the console. */
static NTSTATUS CmpRegExport(PREG_WALK Walk, PREG_OPTIONS Options)
{
    NTSTATUS Status = CmpOpenWalk(Walk, KEY_READ);

    UNREFERENCED_PARAMETER(Options);
    if (NT_SUCCESS(Status)) {
        ZwClose(Walk->Key);
        KdConsolePrint(Walk->Console, "Windows Registry Editor Version 5.00\n");
        Status = CmpWalkTree(Walk, KEY_READ, CmpExportKey, NULL);
    }
    return CmpReport(Walk->Console, Status);
}

static NTSTATUS CmpRegImport(PKD_CONSOLE Console, const char *Name)
{
    const UCHAR *Data;
    SIZE_T Size;
    NTSTATUS Status;

    if (!LdrFindFile(Name, &Data, &Size)) {
        return CmpFail(Console, "There is no such file on the boot disk.");
    }
    Status = CmpImportFile(Name, Data, Size, Console);
    return Status == STATUS_UNSUCCESSFUL
               ? CmpFail(Console, "Not all of the file could be imported.")
               : CmpDone(Console, Status);
}

/*** The command ***/

static const REG_COMMAND CmpRegCommands[] = {{"query", "ves", CmpRegQuery},
                                             {"add", "vetdf", CmpRegAdd},
                                             {"delete", "veaf", CmpRegDelete},
                                             {"export", "", CmpRegExport}};

/* Stores what follows an option that takes something. FALSE: nothing follows. */
static BOOLEAN CmpTakeWord(int *At, int Argc, char **Argv, const char **Word)
{
    if (*At + 1 >= Argc) {
        return FALSE;
    }
    *Word = Argv[++*At];
    return TRUE;
}

/* One option; *At moves over what belongs to it. */
static BOOLEAN CmpParseOption(const char *Allowed, int *At, int Argc, char **Argv,
                              PREG_OPTIONS Options)
{
    const char *Option = Argv[*At];
    char Letter;

    if (Option[0] != '/') {
        return FALSE;
    }
    Letter = _stricmp(Option, "/ve") == 0       ? 'e'
             : _stricmp(Option, "/va") == 0     ? 'a'
             : Option[1] != 0 && Option[2] == 0 ? (char)tolower(Option[1])
                                                : '?';
    if (strchr(Allowed, Letter) == NULL) {
        return FALSE;
    }
    switch (Letter) {
    case 'v':
        return CmpTakeWord(At, Argc, Argv, &Options->Name);
    case 't':
        return CmpTakeWord(At, Argc, Argv, &Options->Type);
    case 'd':
        return CmpTakeWord(At, Argc, Argv, &Options->Data);
    case 'e':
        Options->Name = "";
        return TRUE;
    case 'a':
        return Options->All = TRUE;
    case 's':
        return Options->Tree = TRUE;
    default:
        return Options->Force = TRUE;
    }
}

/* A sub-command on the key that is its first argument. */
static NTSTATUS CmpRunOnKey(PKD_CONSOLE Console, const REG_COMMAND *Command, int Argc, char **Argv)
{
    REG_OPTIONS Options = {0};
    UNICODE_STRING Written;
    PREG_WALK Walk;
    NTSTATUS Status;

    for (int i = 3; i < Argc; i++) {
        if (!CmpParseOption(Command->Allowed, &i, Argc, Argv, &Options)) {
            return KdConsoleUsage(Console);
        }
    }
    Walk = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Walk), CMP_TAG);
    if (Walk == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Walk->Console = Console;
    Walk->Path = (UNICODE_STRING){0, sizeof(Walk->Buffer), Walk->Buffer};
    Status = CmpWiden(Argv[2], &Written);
    if (NT_SUCCESS(Status)) {
        Status = CmpTranslatePath(&Written, &Walk->Path);
        RtlFreeUnicodeString(&Written);
        Status = NT_SUCCESS(Status)
                     ? Command->Routine(Walk, &Options)
                     : CmpFail(Console, "Invalid key name: it begins with HKLM\\ or HKU\\.");
    }
    ExFreePoolWithTag(Walk, CMP_TAG);
    return Status;
}

static NTSTATUS CmpRegCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    if (Argc == 2 && _stricmp(Argv[1], "flush") == 0) {
        return CmpDone(Console, CmpFlush());
    }
    if (Argc == 3 && _stricmp(Argv[1], "import") == 0) {
        return CmpRegImport(Console, Argv[2]);
    }
    for (ULONG i = 0; Argc >= 3 && i < ARRAYSIZE(CmpRegCommands); i++) {
        if (_stricmp(Argv[1], CmpRegCommands[i].Name) == 0) {
            return CmpRunOnKey(Console, &CmpRegCommands[i], Argc, Argv);
        }
    }
    return KdConsoleUsage(Console);
}
KD_COMMAND("reg",
           "query KEY [/v NAME | /ve] [/s] | add KEY [/v NAME | /ve] [/t TYPE] [/d DATA] [/f] | "
           "delete KEY [/v NAME | /ve | /va] /f | export KEY | import FILE | flush",
           "keys and values of the registry, HKLM\\... and HKU\\...", CmpRegCommand);
