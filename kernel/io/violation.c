/*
 * violation.c - the end of a driver that did something wrong with requests or devices.
 *
 * What a bugcheck can say of the culprit is found without locks, and every pointer is checked to be
 * mapped first: the IRP or the device may be what is broken. The text is made on the stack, since
 * pool may be broken, too. IopViolation looks at the IRP as it is; IopBlame has a copy of what it
 * was (IOP_BLAME), for a request that may be gone when the mistake is found.
 */
#include "iop.h"
#include "verify.h"

#define IOP_CULPRIT_TEXT 240

typedef struct _IOP_TEXT {
    CHAR Buffer[IOP_CULPRIT_TEXT];
    SIZE_T Length;
} IOP_TEXT, *PIOP_TEXT;

static const char *const IopMajorNames[] = {
    "IRP_MJ_CREATE",
    "IRP_MJ_CREATE_NAMED_PIPE",
    "IRP_MJ_CLOSE",
    "IRP_MJ_READ",
    "IRP_MJ_WRITE",
    "IRP_MJ_QUERY_INFORMATION",
    "IRP_MJ_SET_INFORMATION",
    "IRP_MJ_QUERY_EA",
    "IRP_MJ_SET_EA",
    "IRP_MJ_FLUSH_BUFFERS",
    "IRP_MJ_QUERY_VOLUME_INFORMATION",
    "IRP_MJ_SET_VOLUME_INFORMATION",
    "IRP_MJ_DIRECTORY_CONTROL",
    "IRP_MJ_FILE_SYSTEM_CONTROL",
    "IRP_MJ_DEVICE_CONTROL",
    "IRP_MJ_INTERNAL_DEVICE_CONTROL",
    "IRP_MJ_SHUTDOWN",
    "IRP_MJ_LOCK_CONTROL",
    "IRP_MJ_CLEANUP",
    "IRP_MJ_CREATE_MAILSLOT",
    "IRP_MJ_QUERY_SECURITY",
    "IRP_MJ_SET_SECURITY",
    "IRP_MJ_POWER",
    "IRP_MJ_SYSTEM_CONTROL",
    "IRP_MJ_DEVICE_CHANGE",
    "IRP_MJ_QUERY_QUOTA",
    "IRP_MJ_SET_QUOTA",
    "IRP_MJ_PNP",
};
C_ASSERT(ARRAYSIZE(IopMajorNames) == IRP_MJ_MAXIMUM_FUNCTION + 1);

const char *IopMajorFunctionName(UCHAR MajorFunction)
{
    return MajorFunction <= IRP_MJ_MAXIMUM_FUNCTION ? IopMajorNames[MajorFunction] : "IRP_MJ_?";
}

static NT_PRINTF(2, 3) void NT_VARARGS IopAppend(PIOP_TEXT Text, const char *Format, ...)
{
    NT_VA_LIST Arguments;
    SIZE_T Room = sizeof(Text->Buffer) - Text->Length;
    nt_va_start(Arguments, Format);
    SIZE_T Needed = RtlFormatString(Text->Buffer + Text->Length, Room, Format, Arguments);
    nt_va_end(Arguments);
    Text->Length += min(Needed, Room - 1);
}

BOOLEAN IopIsReadable(PVOID Address, SIZE_T Size)
{
    return (ULONG_PTR)Address >= MM_DIRECT_MAP_BASE && MmIsRangeValid(Address, Size);
}

BOOLEAN IopIsInKernel(PVOID Address)
{
    return LdrFindModule(Address) == LdrFindModule((PVOID)IofCallDriver);
}

BOOLEAN IopIsDevice(PDEVICE_OBJECT Device)
{
    return IopIsReadable(Device, sizeof(*Device)) && Device->Type == IO_TYPE_DEVICE &&
           IopIsReadable(Device->DriverObject, sizeof(DRIVER_OBJECT)) &&
           Device->DriverObject->Type == IO_TYPE_DRIVER;
}

/* The location that the driver at fault may look at, or NULL: nobody has the IRP. */
static PIO_STACK_LOCATION IopLocationOf(PIRP Irp)
{
    if (!IopIsThere(Irp) || Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation < 1 ||
        Irp->CurrentLocation > Irp->StackCount) {
        return NULL;
    }
    PIO_STACK_LOCATION Stack = (PIO_STACK_LOCATION)(Irp + 1) + (Irp->CurrentLocation - 1);
    return IopIsReadable(Stack, sizeof(*Stack)) ? Stack : NULL;
}

static void IopAppendDevice(PIOP_TEXT Text, PDEVICE_OBJECT Device)
{
    PDEVOBJ_EXTENSION Extension = Device->DeviceObjectExtension;
    IopAppend(Text, ", device %p", Device);
    if (IopIsReadable(Extension, sizeof(*Extension)) && Extension->Name.Length != 0) {
        IopAppend(Text, " %wZ", &Extension->Name);
    }
    IopAppend(Text, " of %wZ", &Device->DriverObject->DriverName);
}

static void IopAppendRequest(PIOP_TEXT Text, PIRP Irp, UCHAR MajorFunction, UCHAR MinorFunction)
{
    IopAppend(Text, ", IRP %p %s/%u", Irp, IopMajorFunctionName(MajorFunction), MinorFunction);
}

static void IopDescribeCulprit(PIOP_TEXT Text, PVOID Subject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IopLocationOf(Irp);
    PDEVICE_OBJECT Device = Stack != NULL ? Stack->DeviceObject : NULL;
    PVOID Code = Subject;
    if (IopIsDevice(Subject)) {
        Device = Subject;
        Code = (PVOID)Device->DriverObject->DriverInit;
    }
    if (IopIsInKernel(Code) && IopIsDevice(Device)) {
        // A driver's last call may have been a jump: then it is who has the IRP.
        Code = (PVOID)Device->DriverObject->DriverInit;
    }
    PLDR_MODULE Module = LdrFindModule(Code);
    Text->Length = 0;
    IopAppend(Text, "driver %s", Module != NULL ? Module->Name : "nt");
    if (IopIsDevice(Device)) {
        IopAppendDevice(Text, Device);
    }
    if (Stack != NULL) {
        IopAppendRequest(Text, Irp, Stack->MajorFunction, Stack->MinorFunction);
    } else if (Irp != NULL) {
        IopAppend(Text, ", IRP %p", Irp);
    }
}

void IopBlame(IOP_VIOLATION What, const IOP_BLAME *Blame, ULONG_PTR Evidence)
{
    IOP_TEXT Text;
    if (!IopIsVerified(Blame->Subject)) {
        return;
    }
    IopDescribeCulprit(&Text, Blame->Subject, NULL);
    if (IopIsDevice(Blame->Device)) {
        IopAppendDevice(&Text, Blame->Device);
    }
    if (Blame->Device != NULL) {
        IopAppendRequest(&Text, Blame->Irp, Blame->MajorFunction, Blame->MinorFunction);
    } else {
        IopAppend(&Text, ", IRP %p", Blame->Irp);
    }
    KeBugCheckBlaming(Text.Buffer, DRIVER_VERIFIER_IOMANAGER_VIOLATION, What,
                      (ULONG_PTR)Blame->Subject, (ULONG_PTR)Blame->Irp, Evidence);
}

void IopViolation(IOP_VIOLATION What, PVOID Subject, PIRP Irp, ULONG_PTR Evidence)
{
    IOP_TEXT Text;
    IopDescribeCulprit(&Text, Subject, Irp);
    KeBugCheckBlaming(Text.Buffer, DRIVER_VERIFIER_IOMANAGER_VIOLATION, What, (ULONG_PTR)Subject,
                      (ULONG_PTR)Irp, Evidence);
}

void IopBadIrp(ULONG Code, PIRP Irp, PVOID Caller, ULONG_PTR Second, ULONG_PTR Third)
{
    IOP_TEXT Text;
    IopDescribeCulprit(&Text, Caller, Irp);
    KeBugCheckBlaming(Text.Buffer, Code, (ULONG_PTR)Irp, Second, Third, 0);
}

void IopCheckFailed(ULONG Check, PVOID Caller, ULONG_PTR Third, ULONG_PTR Fourth)
{
    IOP_TEXT Text;
    IopDescribeCulprit(&Text, Caller, NULL);
    KeBugCheckBlaming(Text.Buffer, DRIVER_VERIFIER_DETECTED_VIOLATION, Check, (ULONG_PTR)Caller,
                      Third, Fourth);
}

void IopCheckIrql(PVOID Routine, PIRP Irp, KIRQL Before)
{
    KIRQL After = KeGetCurrentIrql();
    if (After != Before) {
        IopViolation(IopRoutineChangedIrql, Routine, Irp, (ULONG_PTR)Before << 8 | After);
    }
}

void IopCheckQueueable(PIRP Irp, PVOID Caller)
{
    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount) {
        IopViolation(IopQueuedNoIrp, Caller, Irp, (ULONG_PTR)Irp->Type);
    }
}
