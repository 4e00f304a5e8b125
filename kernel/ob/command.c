/*
 * command.c - the console's `object` and `handles`, after the debugger's !object and !handle.
 *
 * What they show is read field by field while others change it: a picture, not a proof. Each object
 * is referenced while it is shown, and that reference is left out of the counts.
 */
#include "obp.h"
#include "ldr.h"
#include "ps.h"

#define OBP_TAG_COMMAND 0x436A624F /* "ObjC" */
#define OBP_NAME_ROOM 1024         /* bytes; longer names are not shown */

/* Prints the full name of Object, or nothing. */
static void ObpPrintName(PKD_CONSOLE Console, PVOID Object)
{
    ULONG Length;
    POBJECT_NAME_INFORMATION Name =
        ExAllocatePool2(POOL_FLAG_PAGED, OBP_NAME_ROOM, OBP_TAG_COMMAND);
    if (Name == NULL) {
        return;
    }
    if (NT_SUCCESS(ObQueryNameString(Object, Name, OBP_NAME_ROOM, &Length))) {
        KdConsolePrint(Console, "%wZ", &Name->Name);
    }
    ExFreePoolWithTag(Name, OBP_TAG_COMMAND);
}

static void ObpPrintObject(PKD_CONSOLE Console, PVOID Object)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    POBJECT_TYPE Type = Header->Type;
    KdConsolePrint(Console, "Object: %p  Type: (%p) %wZ\n", Object, (PVOID)Type, &Type->Name);
    KdConsolePrint(Console, "    ObjectHeader: %p\n", (PVOID)Header);
    KdConsolePrint(Console, "    HandleCount: %lld  PointerCount: %lld\n", Header->HandleCount,
                   Header->PointerCount - 1);
    KdConsolePrint(Console, "    Directory Object: %p  Name: ", (PVOID)Header->Directory);
    ObpPrintName(Console, Object);
    KdConsolePrint(Console, "\n    Flags:%s%s%s\n", Header->Permanent ? " permanent" : "",
                   Header->Exclusive ? " exclusive" : "",
                   Header->ExclusiveProcess != NULL ? " (taken)" : "");
    if (Type->Info.Dump != NULL) {
        Type->Info.Dump(Object, Console);
    }
}

NTSTATUS ObpExplainPath(PKD_CONSOLE Console, const char *Path, NTSTATUS Status)
{
    if (Path[0] != '\\') {
        KdConsolePrint(Console, "A path begins with a backslash, like \\Device\\Beep.\n");
    } else if (Status == STATUS_OBJECT_NAME_NOT_FOUND || Status == STATUS_OBJECT_PATH_NOT_FOUND) {
        KdConsolePrint(Console, "There is no %s; `winobj` lists a directory.\n", Path);
    }
    return Status;
}

/* A link is shown itself, as everything that a path ends at. */
static NTSTATUS ObpObjectCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    WCHAR Buffer[128];
    UNICODE_STRING Path = {0, sizeof(Buffer), Buffer};
    PVOID Object;
    if (Argc != 2 || strlen(Argv[1]) >= ARRAYSIZE(Buffer)) {
        return KdConsoleUsage(Console);
    }
    for (const char *Text = Argv[1]; *Text != 0; Text++) {
        Buffer[Path.Length / sizeof(WCHAR)] = (UCHAR)*Text;
        Path.Length += sizeof(WCHAR);
    }
    NTSTATUS Status = ObReferenceObjectByName(&Path, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, NULL, 0,
                                              NULL, KernelMode, NULL, &Object);
    if (!NT_SUCCESS(Status)) {
        return ObpExplainPath(Console, Argv[1], Status);
    }
    ObpPrintObject(Console, Object);
    ObfDereferenceObject(Object);
    return STATUS_SUCCESS;
}
KD_COMMAND("object", "PATH", "one object: type, counts, name, flags", ObpObjectCommand);

/* FALSE: it has been closed meanwhile. */
static BOOLEAN ObpPrintHandle(PKD_CONSOLE Console, PHANDLE_TABLE Table, HANDLE Handle)
{
    PHANDLE_TABLE_ENTRY Entry = ExLockHandleTableEntry(Table, Handle);
    if (Entry == NULL) {
        return FALSE;
    }
    HANDLE_TABLE_ENTRY Copy = {.Object = Entry->Object,
                               .GrantedAccess = Entry->GrantedAccess,
                               .Attributes = Entry->Attributes};
    PVOID Opener = ObpHandleOpener(Entry);
    CHAR Place[64] = "-";
    ObfReferenceObject(Copy.Object);
    ExUnlockHandleTableEntry(Table, Entry);
    if (Opener != NULL) {
        LdrFormatAddress(Opener, Place, sizeof(Place));
    }
    KdConsolePrint(Console, "%8llx  %p  %-14wZ %08x  %c%c  %-24s  ", (ULONG64)Handle, Copy.Object,
                   &ObpHeader(Copy.Object)->Type->Name, Copy.GrantedAccess,
                   Copy.Attributes & OBJ_INHERIT ? 'I' : '-',
                   Copy.Attributes & OBJ_PROTECT_CLOSE ? 'P' : '-', Place);
    ObpPrintName(Console, Copy.Object);
    KdConsolePrint(Console, "\n");
    ObfDereferenceObject(Copy.Object);
    return TRUE;
}

/* Kernel handles and System's own are one table: the first have their high bits besides. */
static NTSTATUS ObpHandlesCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PEPROCESS Process;
    ULONG Count = 0;
    if (Argc > 2) {
        return KdConsoleUsage(Console);
    }
    NTSTATUS Status = PsConsoleProcess(Console, Argc == 2 ? Argv[1] : NULL, &Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PHANDLE_TABLE Table = Process->ObjectTable;
    KdConsolePrint(Console, "%8s  %-16s  %-14s %-8s  %s  %-24s  %s\n", "Handle", "Object", "Type",
                   "Granted", "At", "Opened at", "Name");
    for (HANDLE Handle = NULL; ExNextHandle(Table, &Handle);) {
        Count += ObpPrintHandle(Console, Table, Handle) ? 1 : 0;
    }
    KdConsolePrint(Console, "%u handles\n", Count);
    ObfDereferenceObject(Process);
    return STATUS_SUCCESS;
}
KD_COMMAND("handles", "[PID]",
           "a process's handles, else System's and kernel handles: rights, attributes, names",
           ObpHandlesCommand);
