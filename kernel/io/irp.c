/*
 * irp.c - IRPs: allocation, and the way down a device stack.
 *
 * An IRP is a header and an array of stack locations, one for each driver it may pass, used from
 * the last to the first. CurrentLocation counts them from 1; it is StackCount + 1 while nobody has
 * been called, and a driver's own location is the one that was next when it was called.
 *
 * IRPs of usual sizes come from two lookaside lists of the processor; a freed one has Type 0, which
 * is how a second free or completion is caught. While failures are injected they come from the
 * pools, in the lists' sizes, and go to the lists when they are freed.
 */
#include "iop.h"
#include "verify.h"

#define IOP_SMALL_STACK 1 /* a device without filters: most requests */
#define IOP_LARGE_STACK 6 /* locations; a taller stack's IRPs come from the pool */

/* Each processor takes from lists of its own, so that their heads stay in its cache. A thread that
 * moves to another processor in between does no harm: anybody may use any list. */
typedef struct _IOP_IRP_LISTS {
    NPAGED_LOOKASIDE_LIST Small, Large;
} IOP_IRP_LISTS;
static IOP_IRP_LISTS IopIrpLists[KI_MAX_PROCESSORS];

/* All processors have been started. */
void IopInitializeIrps(void)
{
    IopInitializeVerifier();
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        ExInitializeNPagedLookasideList(&IopIrpLists[i].Small, NULL, NULL, 0,
                                        IoSizeOfIrp(IOP_SMALL_STACK), IOP_TAG_IRP, 0);
        ExInitializeNPagedLookasideList(&IopIrpLists[i].Large, NULL, NULL, 0,
                                        IoSizeOfIrp(IOP_LARGE_STACK), IOP_TAG_IRP, 0);
    }
}

/* By stack size both ways: an IRP goes back to a list of its size, that of the processor at
 * hand. */
static PNPAGED_LOOKASIDE_LIST IopListForStack(CCHAR StackSize)
{
    IOP_IRP_LISTS *Lists = &IopIrpLists[KeGetCurrentPrcb()->LegacyNumber];
    return StackSize <= IOP_SMALL_STACK ? &Lists->Small : &Lists->Large;
}

PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP Irp;
    UCHAR Flags = 0;
    UNREFERENCED_PARAMETER(ChargeQuota); // there are no quotas to charge in the System process
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (StackSize < 0 || StackSize > IOP_MAXIMUM_STACK) {
        return NULL;
    }
    if (IopVerifying & IOP_VERIFY_SPECIAL) {
        Irp = IopAllocateGuarded(IoSizeOfIrp(StackSize), IOP_TAG_IRP);
        Flags = IOP_IRP_GUARDED;
    } else if (StackSize <= IOP_LARGE_STACK && __builtin_expect(ExStocksPassed, FALSE)) {
        Irp = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED,
                              IopListForStack(StackSize)->L.Size, IOP_TAG_IRP);
        Flags = IRP_ALLOCATED_FIXED_SIZE | IRP_LOOKASIDE_ALLOCATION;
    } else if (StackSize <= IOP_LARGE_STACK) {
        // A list's IRPs have its size even for a shorter stack; StackCount is what was asked for.
        Irp = ExAllocateFromNPagedLookasideList(IopListForStack(StackSize));
        Flags = IRP_ALLOCATED_FIXED_SIZE | IRP_LOOKASIDE_ALLOCATION;
    } else {
        Irp = ExAllocatePool2(POOL_FLAG_NON_PAGED, IoSizeOfIrp(StackSize), IOP_TAG_IRP);
    }
    if (Irp != NULL) {
        IoInitializeIrp(Irp, IoSizeOfIrp(StackSize), StackSize);
        KI_TRACE_STORE(IrpAllocate, Irp->AllocationFlags, Flags, Irp, 0, StackSize);
    }
    return Irp;
}

PIRP IopAllocateIrpMustSucceed(PDEVICE_OBJECT Device)
{
    LARGE_INTEGER Interval = {.QuadPart = -100000}; // 10 ms
    USHORT Size = IoSizeOfIrp(Device->StackSize);
    PIRP Irp;
    // A close cannot fail, so it waits until others have freed memory. No rule is to make it wait
    // for ever.
    while ((Irp = IoAllocateIrp(Device->StackSize, FALSE)) == NULL) {
        Irp = ExAllocateUnrefused(Size, IOP_TAG_IRP);
        if (Irp != NULL) {
            IoInitializeIrp(Irp, Size, Device->StackSize);
            break;
        }
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
    return Irp;
}

void IopReleaseIrp(PIRP Irp)
{
    KI_TRACE_STORE(IrpFree, Irp->Type, 0, Irp, 0, 0);
    if ((Irp->AllocationFlags & IRP_LOOKASIDE_ALLOCATION) != 0 &&
        !__builtin_expect(ExStocksPassed, FALSE)) {
        ExFreeToNPagedLookasideList(IopListForStack(Irp->StackCount), Irp);
    } else {
        ExFreePool(Irp);
    }
}

/* A thread's list entry that is still linked would make the thread cancel freed memory. */
FORCEINLINE void IopFree(PIRP Irp, PVOID Caller, const BOOLEAN Verify)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Verify) {
        IopVerifyUnused(Irp, Caller);
    }
    if (Irp->Type != IO_TYPE_IRP) {
        IopViolation(IopFreedNoIrp, Caller, Irp, (ULONG_PTR)Irp->Type);
    }
    if (!IsListEmpty(&Irp->ThreadListEntry)) {
        IopViolation(IopFreedThreadIrp, Caller, Irp, 0);
    }
    if (Irp->CancelRoutine != NULL) {
        IopViolation(IopFreedInUse, Caller, Irp, (ULONG_PTR)Irp->CancelRoutine);
    }
    if (Verify && !(Irp->AllocationFlags & IOP_IRP_GUARDED)) {
        Irp = IopQuarantineIrp(Irp, Caller);
    }
    if (!Verify || Irp != NULL) {
        IopReleaseIrp(Irp);
    }
}

/* Drivers are verified by a second version of the same, so that it costs the first one jump. */
static ARCH_COLD void IopFreeVerified(PIRP Irp, PVOID Caller)
{
    IopFree(Irp, Caller, TRUE);
}

VOID NTAPI IoFreeIrp(PIRP Irp)
{
    if (IopVerifying) {
        IopFreeVerified(Irp, __builtin_return_address(0));
        return;
    }
    IopFree(Irp, __builtin_return_address(0), FALSE);
}

VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    RtlZeroMemory(Irp, PacketSize);
    Irp->Type = IO_TYPE_IRP;
    Irp->Size = PacketSize;
    Irp->StackCount = StackSize;
    Irp->CurrentLocation = (CHAR)(StackSize + 1);
    Irp->ApcEnvironment = (CCHAR)KeGetCurrentThread()->ApcStateIndex;
    InitializeListHead(&Irp->ThreadListEntry);
    Irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
}

VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    UCHAR Flags = Irp->AllocationFlags;
    if (Irp->CancelRoutine != NULL || !IsListEmpty(&Irp->ThreadListEntry)) {
        IopViolation(IopFreedInUse, __builtin_return_address(0), Irp,
                     (ULONG_PTR)Irp->CancelRoutine);
    }
    if (IopVerifying) {
        IopVerifyUnused(Irp, __builtin_return_address(0));
    }
    IoInitializeIrp(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = Flags;
    Irp->IoStatus.Status = Status;
}

/* There is no location for the next driver; or the IRP is completed and was not made new by
 * IoReuseIrp, or somebody has skipped a location that he did not have. */
static DECLSPEC_NORETURN ARCH_COLD void IopNoLocation(PDEVICE_OBJECT Device, PIRP Irp, PVOID Caller)
{
    if (Irp->CurrentLocation <= 1) {
        IopBadIrp(NO_MORE_IRP_STACK_LOCATIONS, Irp, Caller, (ULONG_PTR)Device, 0);
    }
    IopViolation(IopStackTrashed, Caller, Irp, (ULONG_PTR)(LONG_PTR)Irp->CurrentLocation);
}

/* The checks cost a few compares, and catch most of what drivers do wrong on the way down. */
FORCEINLINE NTSTATUS IopCall(PDEVICE_OBJECT Device, PIRP Irp, PVOID Caller, const BOOLEAN Verify)
{
    KIRQL Before = KeGetCurrentIrql();
    if (Verify) {
        IopVerifyForward(Irp, Caller);
    }
    if (Irp->Type != IO_TYPE_IRP) {
        IopViolation(IopCalledNoIrp, Caller, Irp, (ULONG_PTR)Irp->Type);
    }
    if (Device == NULL || Device->Type != IO_TYPE_DEVICE) {
        IopViolation(IopCalledNoDevice, Caller, Irp, (ULONG_PTR)Device);
    }
    // 2 to StackCount + 1: in one comparison.
    if ((ULONG)(Irp->CurrentLocation - 2) >= (ULONG)Irp->StackCount) {
        IopNoLocation(Device, Irp, Caller);
    }
    Irp->CurrentLocation--;
    PIO_STACK_LOCATION Stack = --Irp->Tail.Overlay.CurrentStackLocation;
    KI_ASSERT(Stack->MajorFunction <= IRP_MJ_MAXIMUM_FUNCTION);
    PDRIVER_DISPATCH Dispatch = Device->DriverObject->MajorFunction[Stack->MajorFunction];
    KI_TRACE_STORE(IrpCall, Stack->DeviceObject, Device, Irp, Dispatch, Stack);

    NTSTATUS Status = Verify ? IopVerifyDispatch(Device, Irp, Dispatch) : Dispatch(Device, Irp);
    // The IRP may be gone by now.
    if (KI_TRACE_IRQL(IrpReturn, Irp, Status, 0) != Before) {
        IopViolation(IopDispatchChangedIrql, (PVOID)Dispatch, Irp,
                     (ULONG_PTR)Before << 8 | KeGetCurrentIrql());
    }
    return Status;
}

static ARCH_COLD NTSTATUS IopCallVerified(PDEVICE_OBJECT Device, PIRP Irp, PVOID Caller)
{
    return IopCall(Device, Irp, Caller, TRUE);
}

NTSTATUS NTAPI IofCallDriver(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (IopVerifying) {
        return IopCallVerified(Device, Irp, __builtin_return_address(0));
    }
    return IopCall(Device, Irp, __builtin_return_address(0), FALSE);
}
