/*
 * load.c - fills the registry from c:\registry.reg while the system starts.
 *
 * The parser (regfile.c) knows text and the tree (registry.c) knows keys; this joins them: it opens
 * the key of each section, hands values on to it, and prints what goes wrong. The file's root keys
 * are those of Win32; the kernel's names for the same places are \Registry\Machine and
 * \Registry\User. Used once, by one thread.
 */
#include "kd.h"
#include "ldr.h"
#include "cmp.h"
#include "regfile.h"

#define LOAD_TAG 'dLmC' /* "CmLd" in memory */
#define REGISTRY_FILE "c:\\registry.reg"
#define MAXIMUM_PATH 1024 /* characters */

typedef struct _CMP_LOADER {
    PCM_KEY Key; /* the current section, open; or NULL */
    UNICODE_STRING Path;
    WCHAR PathBuffer[MAXIMUM_PATH];
} CMP_LOADER, *PCMP_LOADER;

/* The root keys as people write them, and where they are. */
static const struct {
    UNICODE_STRING Name, Path;
} RootKeys[] = {
    {RTL_CONSTANT_STRING(L"HKEY_LOCAL_MACHINE"), RTL_CONSTANT_STRING(L"\\Registry\\Machine")},
    {RTL_CONSTANT_STRING(L"HKLM"), RTL_CONSTANT_STRING(L"\\Registry\\Machine")},
    {RTL_CONSTANT_STRING(L"HKEY_USERS"), RTL_CONSTANT_STRING(L"\\Registry\\User")},
    {RTL_CONSTANT_STRING(L"HKU"), RTL_CONSTANT_STRING(L"\\Registry\\User")},
};

/* Turns "HKEY_LOCAL_MACHINE\..." into "\Registry\Machine\..." in Loader->Path. Win32's names end
 * where a backslash or the path does: HKLMX is none of them. */
static NTSTATUS TranslatePath(PCMP_LOADER Loader, PCUNICODE_STRING Written)
{
    for (ULONG i = 0; i < ARRAYSIZE(RootKeys); i++) {
        UNICODE_STRING Rest = *Written;
        PCUNICODE_STRING Name = &RootKeys[i].Name;
        Rest.Buffer += Name->Length / sizeof(WCHAR);
        Rest.Length = (USHORT)(Rest.Length - Name->Length);
        if (!RtlPrefixUnicodeString(Name, Written, TRUE) ||
            (Rest.Length != 0 && Rest.Buffer[0] != '\\')) {
            continue;
        }
        RtlCopyUnicodeString(&Loader->Path, &RootKeys[i].Path);
        return RtlAppendUnicodeStringToString(&Loader->Path, &Rest);
    }
    return STATUS_OBJECT_PATH_SYNTAX_BAD;
}

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
    Status = TranslatePath(Loader, Path);
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
    UNREFERENCED_PARAMETER(Context);
    KdPrintf("registry.reg:%u: %s\n", Line, Text);
}

static void LoadFile(const UCHAR *Data, SIZE_T Size)
{
    PVOID Scratch = ExAllocatePool2(POOL_FLAG_PAGED, CmpRegistryScratchSize(Size), LOAD_TAG);
    PCMP_LOADER Loader = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Loader), LOAD_TAG);

    if (Scratch != NULL && Loader != NULL) {
        /* Both are large for a kernel stack, and needed for this one moment. */
        CM_REGFILE_SINK Sink = {LoadKey, LoadValue, PrintError, Loader};
        Loader->Path.Buffer = Loader->PathBuffer;
        Loader->Path.MaximumLength = sizeof(Loader->PathBuffer);
        CmpParseRegistryFile((const char *)Data, Size, Scratch, &Sink);
        CloseSection(Loader);
    } else {
        KdPrintf("registry.reg: not enough memory for %Iu bytes\n", Size);
    }
    if (Scratch != NULL) {
        ExFreePoolWithTag(Scratch, LOAD_TAG);
    }
    if (Loader != NULL) {
        ExFreePoolWithTag(Loader, LOAD_TAG);
    }
}

/* Keys that are there whatever the files say. CurrentControlSet is a link, as on Windows; what is volatile
 * never gets onto a disk. */
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
        LoadFile(Data, Size);
    } else {
        KdPrintf("The boot disk has no registry.reg: no services are known.\n");
    }
}
