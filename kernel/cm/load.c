/*
 * load.c - REGEDIT files into the registry: c:\registry.reg while the system starts, others for
 * `reg import`.
 *
 * The parser (regfile.c) knows text and the tree (tree.c) knows keys; this joins them: it opens the
 * key of each section, hands values on to it, and prints what goes wrong.
 */
#include "kd.h"
#include "ldr.h"
#include "cmp.h"
#include "reg.h"
#include "regfile.h"

#define LOAD_TAG 'dLmC' /* "CmLd" in memory */
#define REGISTRY_FILE "c:\\registry.reg"
#define MAXIMUM_PATH 1024 /* characters */

typedef struct _CMP_LOADER {
    const char *Name;    /* of the file, for messages */
    PKD_CONSOLE Console; /* where they go; NULL: the debug port */
    PCM_KEY Key;         /* the current section, open; or NULL */
    UNICODE_STRING Path;
    WCHAR PathBuffer[MAXIMUM_PATH];
} CMP_LOADER, *PCMP_LOADER;

static void CloseSection(PCMP_LOADER Loader)
{
    if (Loader->Key != NULL) {
        CmCloseKey(Loader->Key);
        Loader->Key = NULL;
    }
}

/* A section begins. The one before is closed even if this fails: values that follow are not its. */
static NTSTATUS LoadKey(PVOID Context, PCUNICODE_STRING Path, BOOLEAN Delete)
{
    PCMP_LOADER Loader = Context;
    NTSTATUS Status;

    CloseSection(Loader);
    Status = CmpTranslatePath(Path, &Loader->Path);
    if (NT_SUCCESS(Status)) {
        Status = CmOpenKey(&Loader->Path, !Delete, &Loader->Key);
    }
    if (!NT_SUCCESS(Status)) {
        Loader->Key = NULL;
    } else if (Delete) {
        Status = CmDeleteKey(Loader->Key);
        CloseSection(Loader);
    }
    return Status;
}

/* The parser calls this only below a section that could be opened, so Key is one. */
static NTSTATUS LoadValue(PVOID Context, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size,
                          BOOLEAN Delete)
{
    PCMP_LOADER Loader = Context;

    return Delete ? CmDeleteValue(Loader->Key, Name)
                  : CmSetValue(Loader->Key, Name, Type, Data, Size);
}

/* As compilers do, so that editors can jump there. */
static void PrintError(PVOID Context, ULONG Line, const char *Text)
{
    PCMP_LOADER Loader = Context;

    if (Loader->Console != NULL) {
        KdConsolePrint(Loader->Console, "%s:%u: %s\n", Loader->Name, Line, Text);
    } else {
        KdPrintf("%s:%u: %s\n", Loader->Name, Line, Text);
    }
}

/* Scratch and loader are large for a kernel stack, and needed for this one moment. */
NTSTATUS CmpImportFile(const char *Name, const UCHAR *Data, SIZE_T Size, PKD_CONSOLE Console)
{
    PVOID Scratch = ExAllocatePool2(POOL_FLAG_PAGED, CmpRegistryScratchSize(Size), LOAD_TAG);
    PCMP_LOADER Loader = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Loader), LOAD_TAG);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Scratch != NULL && Loader != NULL) {
        CM_REGFILE_SINK Sink = {LoadKey, LoadValue, PrintError, Loader};
        Loader->Name = Name;
        Loader->Console = Console;
        Loader->Path.Buffer = Loader->PathBuffer;
        Loader->Path.MaximumLength = sizeof(Loader->PathBuffer);
        Status = CmpParseRegistryFile((const char *)Data, Size, Scratch, &Sink) == 0
                     ? STATUS_SUCCESS
                     : STATUS_UNSUCCESSFUL;
        CloseSection(Loader);
    }
    if (Scratch != NULL) {
        ExFreePoolWithTag(Scratch, LOAD_TAG);
    }
    if (Loader != NULL) {
        ExFreePoolWithTag(Loader, LOAD_TAG);
    }
    return Status;
}

/* Keys that are there whatever the files say. CurrentControlSet is a link, as on Windows; what is
 * volatile never gets onto a disk. */
static const struct {
    PCWSTR Path;
    ULONG Options;
    BOOLEAN VolatileHive;
} FirstKeys[] = {
    {L"MACHINE\\SYSTEM", 0, FALSE},
    {L"MACHINE\\SYSTEM\\ControlSet001", 0, FALSE},
    {L"MACHINE\\SYSTEM\\CurrentControlSet", REG_OPTION_CREATE_LINK | REG_OPTION_VOLATILE, FALSE},
    {L"MACHINE\\HARDWARE", REG_OPTION_VOLATILE, TRUE},
    {L"MACHINE\\HARDWARE\\DEVICEMAP", REG_OPTION_VOLATILE, TRUE},
};

static NTSTATUS CreateFirstKey(PCWSTR Name, ULONG Options, BOOLEAN VolatileHive)
{
    static const WCHAR Target[] = L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001";
    UNICODE_STRING LinkValue = RTL_CONSTANT_STRING(L"SymbolicLinkValue");
    CMP_PATH Path = {.Key = CmpRoot};
    ULONG Disposition;
    NTSTATUS Status;

    RtlInitUnicodeString(&Path.Rest, Name);
    CmpLockExclusive();
    Status = CmpCreatePath(&Path, FALSE, NULL, Options, &Disposition);
    if (NT_SUCCESS(Status)) {
        Path.Key->VolatileHive = VolatileHive; /* nobody else knows the key yet */
    }
    CmpEndWalk(&Path);
    CmpUnlock();
    if (NT_SUCCESS(Status) && (Options & REG_OPTION_CREATE_LINK)) {
        Status = CmpSetValue(Path.Key, &LinkValue, REG_LINK, Target,
                             sizeof(Target) - sizeof(UNICODE_NULL));
    }
    return Status;
}

static NTSTATUS CreateRegistry(void)
{
    NTSTATUS Status = CmpInitializeTree();

    if (NT_SUCCESS(Status)) {
        Status = CmpCreateKeyType();
    }
    for (ULONG i = 0; NT_SUCCESS(Status) && i < ARRAYSIZE(FirstKeys); i++) {
        Status = CreateFirstKey(FirstKeys[i].Path, FirstKeys[i].Options, FirstKeys[i].VolatileHive);
    }
    return Status;
}

/* A file that is missing or wrong is said and lived with: the console works without services, and
 * is where one finds out. A tree that cannot be made is the end, since the loader asks it for
 * services. */
void CmInitSystem(void)
{
    NTSTATUS Status = CreateRegistry();
    const UCHAR *Data;
    SIZE_T Size;

    if (!NT_SUCCESS(Status)) {
        KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG)Status, 'c', 0, 0);
    }
    if (LdrFindFile(REGISTRY_FILE, &Data, &Size)) {
        if (CmpImportFile("registry.reg", Data, Size, NULL) == STATUS_INSUFFICIENT_RESOURCES) {
            KdPrintf("registry.reg: not enough memory for %Iu bytes\n", Size);
        }
    } else {
        KdPrintf("The boot disk has no registry.reg: no services are known.\n");
    }
}
