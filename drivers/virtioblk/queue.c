/*
 * queue.c - requests on their way to the device and back.
 *
 *     VblkStartRequest ──► free slot? ──► VblkSendPiece ──► device ──► interrupt ──► VblkDpc
 *            │ none                             ▲  more of it to do            │
 *            └──► Waiting ──────────────────────┴──────────────────────────────┤ done
 *                                                                              └─► completed
 *
 * Slot n owns descriptors n * VBLK_CHAIN and following, header n and status n, so that nothing has
 * to be allocated for a request. The order in which the two sides look at memory matters: a
 * descriptor is written before the index that shows it, and the device's index is read before what
 * it shows. On x86 only the compiler can disturb that, and the barriers keep it from doing so.
 *
 * Like other storage drivers, this one does not cancel: a request takes milliseconds at most.
 */
#include "virtioblk.h"

NTSTATUS VblkCreateQueue(PVBLK_EXTENSION Extension)
{
    KeInitializeSpinLock(&Extension->Lock);
    InitializeListHead(&Extension->Waiting);
    Extension->Shared = ExAllocatePool2(POOL_FLAG_NON_PAGED, PAGE_SIZE, VBLK_TAG);
    return Extension->Shared != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

VOID VblkDeleteQueue(PVBLK_EXTENSION Extension)
{
    ExFreePoolWithTag(Extension->Shared, VBLK_TAG);
}

/* What of an IRP is to be moved. A flush moves nothing. */
typedef struct _VBLK_TRANSFER {
    ULONG Type;
    ULONG64 Offset; /* bytes, on the disk */
    ULONG Length;   /* bytes */
} VBLK_TRANSFER, *PVBLK_TRANSFER;

static VBLK_TRANSFER VblkTransferOf(PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    switch (Location->MajorFunction) {
    case IRP_MJ_READ:
        return (VBLK_TRANSFER){VblkTypeRead, Location->Parameters.Read.ByteOffset.QuadPart,
                               Location->Parameters.Read.Length};
    case IRP_MJ_WRITE:
        return (VBLK_TRANSFER){VblkTypeWrite, Location->Parameters.Write.ByteOffset.QuadPart,
                               Location->Parameters.Write.Length};
    default:
        return (VBLK_TRANSFER){VblkTypeFlush, 0, 0};
    }
}

static ULONG64 VblkPhysical(PVOID Address)
{
    return MmGetPhysicalAddress(Address).QuadPart;
}

/* Describes memory from byte Start of the MDL on, page by page, at most Length bytes; returns how
 * many bytes that are, in whole sectors. *Count: descriptors filled in. */
static ULONG VblkDescribeData(PVBLK_DESCRIPTOR Data, PMDL Mdl, ULONG Start, ULONG Length,
                              USHORT Flags, PULONG Count)
{
    PPFN_NUMBER Pages = MmGetMdlPfnArray(Mdl);
    ULONG Place = MmGetMdlByteOffset(Mdl) + Start;
    ULONG Described = 0, Excess;

    for (*Count = 0; *Count < VBLK_MAX_DATA && Described < Length; ++*Count) {
        ULONG InPage = Place % PAGE_SIZE;
        ULONG Part = min(PAGE_SIZE - InPage, Length - Described);
        Data[*Count].Address = ((ULONG64)Pages[Place / PAGE_SIZE] << PAGE_SHIFT) + InPage;
        Data[*Count].Length = Part;
        Data[*Count].Flags = Flags;
        Place += Part;
        Described += Part;
    }
    /* A buffer that does not begin at a sector's multiple may end a piece within a sector. Its last
     * descriptor is a full page then, longer than what is to be taken off. */
    Excess = Described % VBLK_SECTOR;
    if (Excess != 0) {
        Data[*Count - 1].Length -= Excess;
    }
    return Described - Excess;
}

/* Links the chain of slot Number: header, Count data descriptors that are filled in, status. */
static VOID VblkLinkChain(PVBLK_SHARED Shared, ULONG Number, ULONG Count)
{
    ULONG First = Number * VBLK_CHAIN;
    PVBLK_DESCRIPTOR Chain = &Shared->Descriptor[First];

    Chain[0] = (VBLK_DESCRIPTOR){.Address = VblkPhysical(&Shared->Header[Number]),
                                 .Length = sizeof(VBLK_HEADER)};
    Chain[Count + 1] = (VBLK_DESCRIPTOR){.Address = VblkPhysical((PVOID)&Shared->Status[Number]),
                                         .Length = 1,
                                         .Flags = VBLK_DESCRIPTOR_WRITE};
    for (ULONG i = 0; i <= Count; i++) {
        Chain[i].Flags |= VBLK_DESCRIPTOR_NEXT;
        Chain[i].Next = (USHORT)(First + i + 1);
    }
}

/* Puts the next piece of the slot's request into the available ring. Lock is held. */
static VOID VblkSendPiece(PVBLK_EXTENSION Extension, PVBLK_SLOT Slot)
{
    PVBLK_SHARED Shared = Extension->Shared;
    ULONG Number = (ULONG)(Slot - Extension->Slot), Count = 0;
    VBLK_TRANSFER Transfer = VblkTransferOf(Slot->Irp);
    USHORT Index = Shared->Available.Index;

    Slot->Piece = 0;
    if (Transfer.Length != 0) {
        Slot->Piece =
            VblkDescribeData(&Shared->Descriptor[Number * VBLK_CHAIN + 1], Slot->Irp->MdlAddress,
                             Slot->Done, Transfer.Length - Slot->Done,
                             Transfer.Type == VblkTypeRead ? VBLK_DESCRIPTOR_WRITE : 0, &Count);
    }
    VblkLinkChain(Shared, Number, Count);
    Shared->Header[Number] = (VBLK_HEADER){.Type = Transfer.Type,
                                           .Sector = (Transfer.Offset + Slot->Done) / VBLK_SECTOR};
    Shared->Status[Number] = VblkStatusNone;
    Shared->Available.Ring[Index % VBLK_QUEUE_SIZE] = (USHORT)(Number * VBLK_CHAIN);
    KeMemoryBarrier();
    Shared->Available.Index = Index + 1;
    KeMemoryBarrier();
    VblkNotifyDevice(Extension);
}

static PVBLK_SLOT VblkFindFreeSlot(PVBLK_EXTENSION Extension)
{
    for (ULONG i = 0; i < VBLK_SLOTS; i++) {
        if (Extension->Slot[i].Irp == NULL) {
            return &Extension->Slot[i];
        }
    }
    return NULL;
}

static VOID VblkBegin(PVBLK_EXTENSION Extension, PVBLK_SLOT Slot, PIRP Irp)
{
    Slot->Irp = Irp;
    Slot->Done = 0;
    VblkSendPiece(Extension, Slot);
}

NTSTATUS VblkStartRequest(PVBLK_EXTENSION Extension, PIRP Irp)
{
    PVBLK_SLOT Slot;
    KIRQL OldIrql;

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    Slot = VblkFindFreeSlot(Extension);
    if (Slot != NULL) {
        VblkBegin(Extension, Slot, Irp);
    } else {
        InsertTailList(&Extension->Waiting, &Irp->Tail.Overlay.ListEntry);
    }
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
    return STATUS_PENDING;
}

static NTSTATUS VblkMapStatus(UCHAR Status)
{
    switch (Status) {
    case VblkStatusOk:
        return STATUS_SUCCESS;
    case VblkStatusUnsupported:
        return STATUS_INVALID_DEVICE_REQUEST;
    default:
        return STATUS_IO_DEVICE_ERROR;
    }
}

/* The device has finished with the slot's piece. The next one follows, or the IRP goes to Finished
 * and the slot to whoever waits. Lock is held. */
static VOID VblkFinishPiece(PVBLK_EXTENSION Extension, PVBLK_SLOT Slot, PLIST_ENTRY Finished)
{
    NTSTATUS Status = VblkMapStatus(Extension->Shared->Status[Slot - Extension->Slot]);
    PIRP Irp = Slot->Irp;

    if (NT_SUCCESS(Status)) {
        Slot->Done += Slot->Piece;
        if (Slot->Done < VblkTransferOf(Irp).Length) {
            VblkSendPiece(Extension, Slot);
            return;
        }
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Slot->Done;
    InsertTailList(Finished, &Irp->Tail.Overlay.ListEntry);
    Slot->Irp = NULL;
    if (!IsListEmpty(&Extension->Waiting)) {
        PLIST_ENTRY Next = RemoveHeadList(&Extension->Waiting);
        VblkBegin(Extension, Slot, CONTAINING_RECORD(Next, IRP, Tail.Overlay.ListEntry));
    }
}

/* Takes what is new in the used ring. A device that names a chain that is not on its way is not
 * believed. Lock is held. */
static VOID VblkDrainUsed(PVBLK_EXTENSION Extension, PLIST_ENTRY Finished)
{
    PVBLK_SHARED Shared = Extension->Shared;

    while (Extension->UsedIndex != Shared->Used.Index) {
        KeMemoryBarrier();
        ULONG Id = Shared->Used.Ring[Extension->UsedIndex++ % VBLK_QUEUE_SIZE].Id;
        if (Id < VBLK_QUEUE_SIZE && Id % VBLK_CHAIN == 0 &&
            Extension->Slot[Id / VBLK_CHAIN].Irp != NULL) {
            VblkFinishPiece(Extension, &Extension->Slot[Id / VBLK_CHAIN], Finished);
        }
    }
}

/* IRPs are completed without the lock: their completion may well send the next. */
VOID NTAPI VblkDpc(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PVBLK_EXTENSION Extension = DeviceObject->DeviceExtension;
    LIST_ENTRY Finished;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    InitializeListHead(&Finished);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    VblkDrainUsed(Extension, &Finished);
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    while (!IsListEmpty(&Finished)) {
        PIRP Done = CONTAINING_RECORD(RemoveHeadList(&Finished), IRP, Tail.Overlay.ListEntry);
        IoCompleteRequest(Done, IO_DISK_INCREMENT);
    }
}
