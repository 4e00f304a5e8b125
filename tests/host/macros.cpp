/*
 * Every macro of the headers that is no mere constant, expanded as C++, which converts no void * by itself. Only compiled
 * (test_headers.py); a test there looks whether a macro is missing.
 */
#include <ntifs.h>
#include <ntddk.h>
#include <fltKernel.h>
#include <ntstrsafe.h>
#include <csq.h>
#include <wdmsec.h>
#include <ntddser.h>
#include <ntdddisk.h>

DEFINE_GUID(DeclaredGuid, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
#include <initguid.h>
DEFINE_GUID(MadeGuid, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
static UNICODE_STRING Wide = RTL_CONSTANT_STRING(L"wide");
static const UNICODE_STRING ConstantWide = RTL_CONSTANT_STRING(L"wide");
static ANSI_STRING Narrow = RTL_CONSTANT_STRING("narrow");
static OBJECT_ATTRIBUTES Attributes = RTL_CONSTANT_OBJECT_ATTRIBUTES(&Wide, OBJ_KERNEL_HANDLE);
C_ASSERT(sizeof(HANDLE) == 8);
struct DECLSPEC_ALIGN(16) Aligned {
    LONG A[4];
};
struct Item {
    ULONG Number;
    LIST_ENTRY Link;
};

VOID Objects(HANDLE *Handle, PVOID Object);
VOID Objects(HANDLE *Handle, PVOID Object)
{
    OBJECT_ATTRIBUTES Local = Attributes;
    InitializeObjectAttributes(&Local, &Wide, OBJ_KERNEL_HANDLE, NULL, nullptr);
    ObReferenceObject(Object);
    ObDereferenceObject(Object);
    *Handle = NtCurrentProcess();
    *Handle = NtCurrentThread();
    *Handle = ZwCurrentProcess();
    *Handle = ZwCurrentThread();
    *Handle = LongToHandle(4);
    *Handle = ULongToHandle(4);
    *Handle = UlongToHandle(4);
    PETHREAD Thread = PsGetCurrentThread();
    PVOID Pointer = NULL;
    Pointer = IntToPtr(4);
    Pointer = LongToPtr(4);
    Pointer = ULongToPtr(4);
    Pointer = UlongToPtr(4);
    Pointer = UintToPtr(4);
    ULONG Sum = HandleToULong(*Handle) + HandleToUlong(*Handle) + (ULONG)HandleToLong(*Handle);
    Sum += PtrToUlong(Pointer) + PtrToULong(Pointer) + PtrToUint(Pointer) + PtrToUshort(Pointer);
    Sum += (ULONG)(PtrToInt(Pointer) + PtrToLong(Pointer) + PtrToShort(Pointer));
    UNREFERENCED_PARAMETER(Sum);
    UNREFERENCED_PARAMETER(Thread);
}

NTSTATUS Requests(PDEVICE_OBJECT Device, PIRP Irp, PIO_REMOVE_LOCK Lock);
NTSTATUS Requests(PDEVICE_OBJECT Device, PIRP Irp, PIO_REMOVE_LOCK Lock)
{
    PAGED_CODE();
    IoInitializeRemoveLock(Lock, 'tseT', 0, 0);
    NTSTATUS Status = IoAcquireRemoveLock(Lock, Irp);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    Stack = IoGetNextIrpStackLocation(Irp);
    IoMarkIrpPending(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    IoSetNextIrpStackLocation(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, NULL, NULL, TRUE, TRUE, TRUE);
    IoRequestDpc(Device, Irp, NULL);
    PVOID Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    PPFN_NUMBER Pages = MmGetMdlPfnArray(Irp->MdlAddress);
    Buffer = MmGetMdlVirtualAddress(Irp->MdlAddress);
    Buffer = MmGetMdlBaseVa(Irp->MdlAddress);
    ULONG Size = MmGetMdlByteCount(Irp->MdlAddress) + MmGetMdlByteOffset(Irp->MdlAddress);
    MmInitializeMdl(Irp->MdlAddress, Buffer, Size);
    MmPrepareMdlForReuse(Irp->MdlAddress);
    PVOID Section = MmLockPagableCodeSection(Requests);
    Size += ADDRESS_AND_SIZE_TO_SPAN_PAGES(Buffer, Size) + BYTE_OFFSET(Buffer);
    Size += (ULONG)(BYTES_TO_PAGES(Size) + ROUND_TO_PAGES(Size) + IoSizeOfIrp(2));
    Buffer = PAGE_ALIGN(Buffer);
    Buffer = Add2Ptr(Buffer, 4);
    Size += PtrOffset(Buffer, Pages) + METHOD_FROM_CTL_CODE(Size) + DEVICE_TYPE_FROM_CTL_CODE(Size);
    Size += CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS);
    IoReleaseRemoveLock(Lock, Irp);
    IoReleaseRemoveLockAndWait(Lock, Irp);
    UNREFERENCED_PARAMETER(Section);
    UNREFERENCED_PARAMETER(Stack);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    if (!NT_SUCCESS(Status) || NT_ERROR(Status) || NT_WARNING(Status) || NT_INFORMATION(Status)) {
        return Status;
    }
    return IoCallDriver(Device, Irp);
}

VOID Locks(PKSPIN_LOCK SpinLock, PEX_PUSH_LOCK Push, PNPAGED_LOOKASIDE_LIST List, PPAGED_LOOKASIDE_LIST PagedList);
VOID Locks(PKSPIN_LOCK SpinLock, PEX_PUSH_LOCK Push, PNPAGED_LOOKASIDE_LIST List, PPAGED_LOOKASIDE_LIST PagedList)
{
    KIRQL Irql;
    SLIST_HEADER Head;
    WORK_QUEUE_ITEM Work;
    KeAcquireSpinLock(SpinLock, &Irql);
    KeReleaseSpinLock(SpinLock, Irql);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeLowerIrql(Irql);
    KeMemoryBarrier();
    YieldProcessor();
    ExAcquirePushLockExclusive(Push);
    ExReleasePushLockExclusive(Push);
    ExAcquirePushLockShared(Push);
    ExReleasePushLockShared(Push);
    ExReleasePushLock(Push);
    Item *Memory = static_cast<Item *>(ExAllocateFromNPagedLookasideList(List));
    ExFreeToNPagedLookasideList(List, Memory);
    Memory = static_cast<Item *>(ExAllocateFromPagedLookasideList(PagedList));
    ExFreeToPagedLookasideList(PagedList, Memory);
    InitializeSListHead(&Head);
    ExInterlockedPushEntrySList(&Head, ExInterlockedPopEntrySList(&Head, SpinLock), SpinLock);
    ExInitializeWorkItem(&Work, NULL, Memory);
    ERESOURCE_THREAD Owner = ExGetCurrentResourceThread();
    UNREFERENCED_PARAMETER(Owner);
}

VOID Counters(volatile LONG *Long, volatile LONG64 *Long64, PVOID volatile *Pointer, volatile SHORT *Short, volatile CHAR *Char);
VOID Counters(volatile LONG *Long, volatile LONG64 *Long64, PVOID volatile *Pointer, volatile SHORT *Short, volatile CHAR *Char)
{
    SIZE_T Size = 0;
    LONG64 Sum = InterlockedIncrement(Long) + InterlockedDecrement(Long) + InterlockedAdd(Long, 1) + InterlockedExchange(Long, 1);
    Sum += InterlockedExchangeAdd(Long, 1) + InterlockedCompareExchange(Long, 1, 2) + InterlockedAnd(Long, 1) + InterlockedOr(Long, 1);
    Sum += InterlockedXor(Long, 1) + InterlockedIncrement64(Long64) + InterlockedDecrement64(Long64) + InterlockedAdd64(Long64, 1);
    Sum += InterlockedExchange64(Long64, 1) + InterlockedExchangeAdd64(Long64, 1) + InterlockedCompareExchange64(Long64, 1, 2);
    Sum += InterlockedAnd64(Long64, 1) + InterlockedOr64(Long64, 1) + InterlockedXor64(Long64, 1);
    Sum += InterlockedIncrement16(Short) + InterlockedDecrement16(Short) + InterlockedCompareExchange16(Short, 1, 2);
    Sum += InterlockedExchange16(Short, 1) + InterlockedAnd16(Short, 1) + InterlockedOr16(Short, 1) + InterlockedXor16(Short, 1);
    Sum += InterlockedExchange8(Char, 1) + InterlockedAnd8(Char, 1) + InterlockedOr8(Char, 1) + InterlockedXor8(Char, 1);
    Size += InterlockedIncrementSizeT(&Size) + InterlockedDecrementSizeT(&Size) + InterlockedExchangeAddSizeT(&Size, 1);
    PVOID Old = InterlockedExchangePointer(Pointer, NULL);
    Old = InterlockedCompareExchangePointer(Pointer, NULL, Old);
    UNREFERENCED_PARAMETER(Sum);
}

VOID Memory(PVOID Buffer, PLIST_ENTRY Link, PRTL_SPLAY_LINKS Tree, PRTL_BITMAP Bits, ULONG Flags);
VOID Memory(PVOID Buffer, PLIST_ENTRY Link, PRTL_SPLAY_LINKS Tree, PRTL_BITMAP Bits, ULONG Flags)
{
    Item Items[3], *Found = CONTAINING_RECORD(Link, Item, Link);
    WCHAR Text[40];
    RtlZeroMemory(Buffer, sizeof(Items));
    RtlFillMemory(Buffer, sizeof(Items), 0xFF);
    RtlCopyMemory(Items, Buffer, sizeof(Items));
    RtlMoveMemory(Items, Buffer, sizeof(Items));
    SIZE_T Sum = RtlEqualMemory(Items, Buffer, sizeof(Items)) ? ARRAYSIZE(Items) + RTL_NUMBER_OF(Items) : FIELD_OFFSET(Item, Link);
    Sum += RTL_FIELD_SIZE(Item, Link) + RtlCheckBit(Bits, 3) + min(Flags, 3U) + max(Flags, 3U) + ROUND_TO_SIZE(Flags, 8);
    RtlInitializeSplayLinks(Tree);
    RtlInsertAsLeftChild(Tree, RtlLeftChild(Tree));
    RtlInsertAsRightChild(Tree, RtlRightChild(Tree));
    Sum += RtlIsLeftChild(Tree) + RtlIsRightChild(Tree) + RtlIsRoot(RtlParent(Tree));
    Sum += RtlUnicodeStringToAnsiSize(&Wide) + RtlAnsiStringToUnicodeSize(&Narrow);
    SetFlag(Flags, 2);
    ClearFlag(Flags, 2);
    Sum += FlagOn(Flags, 2) + BooleanFlagOn(Flags, 2) + FLT_IS_ALIGNED(Buffer, 8);
    RtlStringCchPrintfW(Text, ARRAYSIZE(Text), L"%wZ %d", &ConstantWide, 5);
    RtlStringCbCopyW(Text, sizeof(Text), L"text");
    KdPrint(("%Iu\n", Sum));
    KdPrintEx((DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "%p\n", Found));
    NT_ASSERT(Sum != 0);
    NT_ASSERTMSG("text", Sum != 0);
    NT_VERIFY(Sum != 0);
    ASSERT(Sum != 0);
    ASSERTMSG("text", Sum != 0);
    FLT_ASSERT(Sum != 0);
    FLT_ASSERTMSG("text", Sum != 0);
    KdBreakPoint();
    KdBreakPointWithStatus(1);
    NT_ASSERT(MadeGuid == DeclaredGuid && !(MadeGuid != DeclaredGuid) && IsEqualGUID(MadeGuid, DeclaredGuid));
}
