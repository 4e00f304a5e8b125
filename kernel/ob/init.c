/*
 * init.c - the first types and the tree of names, in phase 0.
 *
 * The three types of ob itself come first, then the root, then the names. A type cannot have its
 * name before \ObjectTypes exists, and the first object cannot have a type before Type exists: both
 * are mended here.
 */
#include "obp.h"

#define OBP_DIRECTORY_ACCESS (STANDARD_RIGHTS_REQUIRED | 0xF)
#define OBP_SYMBOLIC_LINK_ACCESS (STANDARD_RIGHTS_REQUIRED | 0x1)

static const OB_TYPE_INITIALIZER ObpTypeInitializer = {
    .Name = L"Type",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = STANDARD_RIGHTS_REQUIRED | 0x1,
    .GenericMapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE,
                       STANDARD_RIGHTS_REQUIRED | 0x1},
    .InvalidAttributes = OBJ_OPENLINK,
    .DispatcherOffset = OB_NOT_WAITABLE,
};

static const OB_TYPE_INITIALIZER ObpDirectoryInitializer = {
    .Name = L"Directory",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = OBP_DIRECTORY_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | 0x3, STANDARD_RIGHTS_WRITE | 0xC,
                       STANDARD_RIGHTS_EXECUTE | 0x3, OBP_DIRECTORY_ACCESS},
    .InvalidAttributes = OBJ_OPENLINK,
    .CaseInsensitive = TRUE,
    .DispatcherOffset = OB_NOT_WAITABLE,
};

static const OB_TYPE_INITIALIZER ObpSymbolicLinkInitializer = {
    .Name = L"SymbolicLink",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = OBP_SYMBOLIC_LINK_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | 0x1, STANDARD_RIGHTS_WRITE,
                       STANDARD_RIGHTS_EXECUTE | 0x1, OBP_SYMBOLIC_LINK_ACCESS},
    .Delete = ObpDeleteSymbolicLinkBody,
    .Dump = ObpDumpSymbolicLink,
    .CaseInsensitive = TRUE,
    .DispatcherOffset = OB_NOT_WAITABLE,
};

static const PCWSTR ObpDirectories[] = {L"\\ObjectTypes",     L"\\GLOBAL??",   L"\\Device",
                                        L"\\Driver",          L"\\FileSystem", L"\\KernelObjects",
                                        L"\\BaseNamedObjects"};

/* Phase 0 has nobody to report to: Step tells which of the calls below failed. */
static void ObpMust(NTSTATUS Status, ULONG Step)
{
    if (!NT_SUCCESS(Status)) {
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, (ULONG)Status, 'o', Step, 0);
    }
}

static void ObpCreateFirstTypes(void)
{
    ObpMust(ObpAllocateType(&ObpTypeInitializer, &ObpTypeType), 1);
    ObpHeader(ObpTypeType)->Type = ObpTypeType;
    ObpTypeType->ObjectCount = 1;
    ObpTypeType->CreationCount = 1;
    ObpMust(ObpAllocateType(&ObpDirectoryInitializer, &ObpDirectoryType), 2);
    ObpMust(ObpAllocateType(&ObpSymbolicLinkInitializer, &ObpSymbolicLinkType), 3);
}

static void ObpCreateLink(PCWSTR Name, PCWSTR Target)
{
    UNICODE_STRING NameString, TargetString;
    RtlInitUnicodeString(&NameString, Name);
    RtlInitUnicodeString(&TargetString, Target);
    ObpMust(ObCreateSymbolicLink(&NameString, &TargetString, NULL, NULL), 6);
}

void ObInitSystem(void)
{
    ExInitializeFastMutex(&ObpNamespaceLock);
    ObpCreateFirstTypes();
    ObpMust(
        ObAllocateObject(ObpDirectoryType, sizeof(OBJECT_DIRECTORY), (PVOID *)&ObpRootDirectory),
        4);
    ObpInitializeDirectory(ObpRootDirectory);
    for (ULONG i = 0; i < ARRAYSIZE(ObpDirectories); i++) {
        ObpMust(ObCreateDirectory(ObpDirectories[i]), 5);
    }
    ObpMust(ObpNameType(ObpTypeType), 7);
    ObpMust(ObpNameType(ObpDirectoryType), 7);
    ObpMust(ObpNameType(ObpSymbolicLinkType), 7);
    ObpMust(ObpCreateEventType(), 8);
    ObpMust(ObpCreateSemaphoreType(), 9);
    ObpMust(ObpCreateMutantType(), 10);
    ObpMust(ObpCreateTimerType(), 11);
    ObpInitializeDeviceMaps();
    // Users' names for devices. \DosDevices is what drivers of old call them; the two names in it
    // lead out again, to what all processes share and to the root.
    ObpCreateLink(L"\\??", L"\\GLOBAL??");
    ObpCreateLink(L"\\DosDevices", L"\\??");
    ObpCreateLink(L"\\GLOBAL??\\Global", L"\\GLOBAL??");
    ObpCreateLink(L"\\GLOBAL??\\GLOBALROOT", L"");
}
