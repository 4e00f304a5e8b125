/* init.c - the I/O manager's start: its object types, \Driver's first inhabitant, and its lists. */
#include "iop.h"
#include "pcibus.h"

POBJECT_TYPE IoDriverObjectType, IoDeviceObjectType, IoFileObjectType;

static const OB_TYPE_INITIALIZER IopDriverInitializer = {
    .Name = L"Driver",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x1FF,
    .GenericMapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE,
                       FILE_ALL_ACCESS},
    .Delete = IopDeleteDriver,
    .InvalidAttributes = OBJ_OPENLINK,
    .CaseInsensitive = TRUE,
    .DispatcherOffset = OB_NOT_WAITABLE,
};

static const OB_TYPE_INITIALIZER IopDeviceInitializer = {
    .Name = L"Device",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = FILE_ALL_ACCESS,
    .GenericMapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE,
                       FILE_ALL_ACCESS},
    .Delete = IopDeleteDevice,
    .Parse = IopParseDevice,
    .InvalidAttributes = OBJ_OPENLINK,
    .CaseInsensitive = TRUE,
    .DispatcherOffset = OB_NOT_WAITABLE,
};

static const OB_TYPE_INITIALIZER IopFileInitializer = {
    .Name = L"File",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = FILE_ALL_ACCESS,
    .GenericMapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE,
                       FILE_ALL_ACCESS},
    .Delete = IopDeleteFile,
    .Open = IopOpenFileHandle,
    .Close = IopCloseFile,
    .Parse = IopParseFile,
    .QueryName = IopQueryFileName,
    .InvalidAttributes = OBJ_OPENLINK | OBJ_EXCLUSIVE | OBJ_PERMANENT,
    .CaseInsensitive = TRUE,
    .DispatcherOffset = offsetof(FILE_OBJECT, Event),
};

/* 'i' says which component failed, Step which of its steps: a bugcheck has no text. */
static void IopMust(NTSTATUS Status, ULONG Step)
{
    if (!NT_SUCCESS(Status)) {
        KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG)Status, 'i', Step, 0);
    }
}

/* IRPs and types before the first device. The boot disk and the PCI functions are devices like any
 * driver's, and drivers that are loaded next expect to find them. */
void IoInitSystem(void)
{
    IopInitializeIrps();
    IopInitializeTimers();
    IopInitializeErrorLog();
    IopInitializeInterfaces();
    IopInitializeNotification();
    IopInitializeShutdown();
    IopMust(ObCreateType(&IopDriverInitializer, &IoDriverObjectType), 1);
    IopMust(ObCreateType(&IopDeviceInitializer, &IoDeviceObjectType), 2);
    IopMust(ObCreateType(&IopFileInitializer, &IoFileObjectType), 3);
    IopMust(IopCreateBootFileSystem(), 4);
    IopMust(IopCreatePciBus(), 5);
    IopMust(IopCreateRootBus(), 6);
}
