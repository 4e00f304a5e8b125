/*
 * interrupt.c - IoConnectInterrupt(Ex): drivers' service routines, by vector, line or message.
 *
 * ke knows vectors only. What a PCI function's line is, whether it can send messages, and that it
 * does one or the other, is found in its PDO's extension (pcibus.h). The PDO's mutex guards that
 * choice and makes connecting and disconnecting take turns; service routines never want it.
 *
 * The message table belongs to the driver until it disconnects. Hidden in front of it is what the
 * disconnect needs to know.
 */
#include "iop.h"
#include "pcibus.h"

#define IOP_TAG_MESSAGES 0x4D706F49 /* "IopM" */

typedef struct _IOP_MESSAGES {
    PDEVICE_OBJECT Pdo;
    USHORT SavedCommand; /* the function's, before it was told to send messages */
    HAL_PCI_MESSAGE Message[HAL_PCI_MAX_MESSAGES];
    IO_INTERRUPT_MESSAGE_INFO Table; /* the last: as long as there are messages */
} IOP_MESSAGES, *PIOP_MESSAGES;

NTSTATUS NTAPI IoConnectInterrupt(PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine,
                                  PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector,
                                  KIRQL Irql, KIRQL SynchronizeIrql, KINTERRUPT_MODE InterruptMode,
                                  BOOLEAN ShareVector, KAFFINITY ProcessorEnableMask,
                                  BOOLEAN FloatingSave)
{
    KI_CONNECTION Connection = {.ServiceRoutine = ServiceRoutine,
                                .ServiceContext = ServiceContext,
                                .SpinLock = SpinLock,
                                .Vector = Vector,
                                .Irql = Irql,
                                .SynchronizeIrql = SynchronizeIrql,
                                .Mode = InterruptMode,
                                .ShareVector = ShareVector,
                                .Processors = ProcessorEnableMask};

    UNREFERENCED_PARAMETER(FloatingSave); // the interrupt path saves what routines may change
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    return KeConnectInterrupt(&Connection, InterruptObject);
}

/* The line of a function, as Connection says. The PDO's mutex is held. */
static NTSTATUS IopConnectOwned(PDEVICE_OBJECT Pdo, PKI_CONNECTION Connection, PKINTERRUPT *Object)
{
    PIOP_PCI_FUNCTION Function = IopPciFunction(Pdo);

    if (Function->Messages) {
        return STATUS_DEVICE_BUSY;
    }
    Connection->Owner = Pdo;
    NTSTATUS Status = KeConnectInterrupt(Connection, Object);
    if (NT_SUCCESS(Status)) {
        Function->Lines += 1;
        HalEnablePciLine(&Function->Description, TRUE);
    }
    return Status;
}

/* With the last connection that says whose line it is, the function stops pulling it: the line may
 * be other drivers', too, and none of them could make it stop. */
VOID NTAPI IoDisconnectInterrupt(PKINTERRUPT InterruptObject)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    PDEVICE_OBJECT Pdo = KeQueryInterruptOwner(InterruptObject);
    if (Pdo == NULL) {
        KeDisconnectInterrupt(InterruptObject);
        return;
    }
    IopLockPciFunction(Pdo);
    if (--IopPciFunction(Pdo)->Lines == 0) {
        HalEnablePciLine(&IopPciFunction(Pdo)->Description, FALSE);
    }
    KeDisconnectInterrupt(InterruptObject);
    IopUnlockPciFunction(Pdo);
}

/* The driver names the vector. If it also names a PCI function, the line is that function's: it is
 * let pull it, and stops at the end. Any other device object is taken as it is, for ISA devices. */
static NTSTATUS IopConnectFully(PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS P, USHORT Group)
{
    PDEVICE_OBJECT Pdo = P->PhysicalDeviceObject;
    KI_CONNECTION Connection = {.ServiceRoutine = P->ServiceRoutine,
                                .ServiceContext = P->ServiceContext,
                                .SpinLock = P->SpinLock,
                                .Vector = P->Vector,
                                .Irql = P->Irql,
                                .SynchronizeIrql =
                                    P->SynchronizeIrql != 0 ? P->SynchronizeIrql : P->Irql,
                                .Mode = P->InterruptMode,
                                .ShareVector = P->ShareVector,
                                .Processors = P->ProcessorEnableMask};

    *P->InterruptObject = NULL;
    if (Pdo == NULL || Pdo->Type != IO_TYPE_DEVICE || Group != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!IopIsPciFunction(Pdo)) {
        return KeConnectInterrupt(&Connection, P->InterruptObject);
    }
    IopLockPciFunction(Pdo);
    NTSTATUS Status = IopConnectOwned(Pdo, &Connection, P->InterruptObject);
    IopUnlockPciFunction(Pdo);
    return Status;
}

/* The line that the firmware noted. The PDO's mutex is held. */
static NTSTATUS IopConnectLine(PDEVICE_OBJECT Pdo, PKINTERRUPT *Object, PKSERVICE_ROUTINE Routine,
                               PVOID Context, PKSPIN_LOCK SpinLock, KIRQL SynchronizeIrql)
{
    const HAL_PCI_DESCRIPTION *Description = &IopPciFunction(Pdo)->Description;
    ULONG Line = Description->InterruptLine;
    KI_CONNECTION Connection = {.ServiceRoutine = Routine,
                                .ServiceContext = Context,
                                .SpinLock = SpinLock,
                                .Mode = LevelSensitive,
                                .ShareVector = TRUE};

    Connection.Vector = HalGetInterruptVector(PCIBus, HAL_PCI_BUS(Description->Location), Line,
                                              Line, &Connection.Irql, &Connection.Processors);
    if (Connection.Vector == 0) {
        return STATUS_NOT_FOUND;
    }
    Connection.SynchronizeIrql = SynchronizeIrql != 0 ? SynchronizeIrql : Connection.Irql;
    return IopConnectOwned(Pdo, &Connection, Object);
}

/* Whatever the answer, what InterruptObject points to is defined afterwards. */
static NTSTATUS IopConnectLineBased(PIO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS P)
{
    *P->InterruptObject = NULL;
    if (!IopIsPciFunction(P->PhysicalDeviceObject)) {
        return STATUS_INVALID_PARAMETER;
    }
    IopLockPciFunction(P->PhysicalDeviceObject);
    NTSTATUS Status = IopConnectLine(P->PhysicalDeviceObject, P->InterruptObject, P->ServiceRoutine,
                                     P->ServiceContext, P->SpinLock, P->SynchronizeIrql);
    IopUnlockPciFunction(P->PhysicalDeviceObject);
    return Status;
}

/* One object for each message. On failure those made so far are left for the caller. */
static NTSTATUS IopConnectEachMessage(PIO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS P,
                                      PIOP_MESSAGES Messages)
{
    NTSTATUS Status = STATUS_SUCCESS;

    for (ULONG i = 0; i < Messages->Table.MessageCount && NT_SUCCESS(Status); i++) {
        const HAL_PCI_MESSAGE *Message = &Messages->Message[i];
        PIO_INTERRUPT_MESSAGE_INFO_ENTRY Entry = &Messages->Table.MessageInfo[i];
        KI_CONNECTION Connection = {.MessageRoutine = P->MessageServiceRoutine,
                                    .MessageId = i,
                                    .ServiceContext = P->ServiceContext,
                                    .SpinLock = P->SpinLock,
                                    .Vector = Message->Vector,
                                    .Irql = Message->Irql,
                                    .SynchronizeIrql = Messages->Table.UnifiedIrql,
                                    .Mode = Latched,
                                    .Processors = (KAFFINITY)1 << Message->Processor,
                                    .Owner = Messages->Pdo};
        Entry->MessageAddress.QuadPart = (LONGLONG)Message->Address;
        Entry->MessageData = Message->Data;
        Entry->TargetProcessorSet = Connection.Processors;
        Entry->Vector = Message->Vector;
        Entry->Irql = Message->Irql;
        Entry->Mode = Latched;
        Entry->Polarity = InterruptRisingEdge;
        Status = KeConnectInterrupt(&Connection, &Entry->InterruptObject);
    }
    return Status;
}

/* The function sends no messages any more: its objects, vectors and the table go. */
static void IopFreeMessages(PIOP_MESSAGES Messages)
{
    for (ULONG i = 0; i < Messages->Table.MessageCount; i++) {
        if (Messages->Table.MessageInfo[i].InterruptObject != NULL) {
            KeDisconnectInterrupt(Messages->Table.MessageInfo[i].InterruptObject);
        }
    }
    HalFreePciMessages(Messages->Message, Messages->Table.MessageCount);
    ExFreePoolWithTag(Messages, IOP_TAG_MESSAGES);
}

/* A table with vectors in it; no objects yet. Count: how many messages are wanted. */
static NTSTATUS IopAllocateMessages(PDEVICE_OBJECT Pdo, ULONG Count, KIRQL SynchronizeIrql,
                                    PIOP_MESSAGES *NewMessages)
{
    Count = min(Count, (ULONG)HAL_PCI_MAX_MESSAGES);
    PIOP_MESSAGES Messages = ExAllocatePool2(
        POOL_FLAG_NON_PAGED, sizeof(IOP_MESSAGES) + Count * sizeof(IO_INTERRUPT_MESSAGE_INFO_ENTRY),
        IOP_TAG_MESSAGES);
    if (Messages == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status =
        HalAllocatePciMessages(&IopPciFunction(Pdo)->Description, Messages->Message, &Count);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Messages, IOP_TAG_MESSAGES);
        return Status;
    }
    Messages->Pdo = Pdo;
    Messages->Table.MessageCount = Count;
    // All messages of a function have one level.
    Messages->Table.UnifiedIrql =
        SynchronizeIrql != 0 ? SynchronizeIrql : Messages->Message[0].Irql;
    *NewMessages = Messages;
    return STATUS_SUCCESS;
}

/* The PDO's mutex is held. The driver has the table before the first message can come. */
static NTSTATUS IopConnectMessages(PIO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS P)
{
    PIOP_PCI_FUNCTION Function = IopPciFunction(P->PhysicalDeviceObject);
    PIOP_MESSAGES Messages;

    if (Function->Messages || Function->Lines != 0) {
        return STATUS_DEVICE_BUSY;
    }
    NTSTATUS Status =
        IopAllocateMessages(P->PhysicalDeviceObject, HalQueryPciMessages(&Function->Description),
                            P->SynchronizeIrql, &Messages);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopConnectEachMessage(P, Messages);
    if (NT_SUCCESS(Status)) {
        *P->ConnectionContext.InterruptMessageTable = &Messages->Table;
        Status = HalEnablePciMessages(&Function->Description, Messages->Message,
                                      Messages->Table.MessageCount, &Messages->SavedCommand);
    }
    if (!NT_SUCCESS(Status)) {
        *P->ConnectionContext.InterruptMessageTable = NULL;
        IopFreeMessages(Messages);
        return Status;
    }
    Function->Messages = TRUE;
    return STATUS_SUCCESS;
}

/* Messages, or the line when the function sends none and the driver is ready for that. */
static NTSTATUS IopConnectMessageBased(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    PIO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS P = &Parameters->MessageBased;
    PDEVICE_OBJECT Pdo = P->PhysicalDeviceObject;
    NTSTATUS Status;

    *P->ConnectionContext.Generic = NULL;
    if (!IopIsPciFunction(Pdo) || P->MessageServiceRoutine == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    IopLockPciFunction(Pdo);
    if (HalQueryPciMessages(&IopPciFunction(Pdo)->Description) != 0) {
        Status = IopConnectMessages(P);
    } else if (P->FallBackServiceRoutine == NULL) {
        Status = STATUS_NOT_FOUND;
    } else {
        Status =
            IopConnectLine(Pdo, P->ConnectionContext.InterruptObject, P->FallBackServiceRoutine,
                           P->ServiceContext, P->SpinLock, P->SynchronizeIrql);
        if (NT_SUCCESS(Status)) {
            Parameters->Version = CONNECT_LINE_BASED;
        }
    }
    IopUnlockPciFunction(Pdo);
    return Status;
}

NTSTATUS NTAPI IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    switch (Parameters->Version) {
    case CONNECT_FULLY_SPECIFIED:
        return IopConnectFully(&Parameters->FullySpecified, 0);
    case CONNECT_FULLY_SPECIFIED_GROUP:
        return IopConnectFully(&Parameters->FullySpecified, Parameters->FullySpecified.Group);
    case CONNECT_LINE_BASED:
        return IopConnectLineBased(&Parameters->LineBased);
    case CONNECT_MESSAGE_BASED:
        return IopConnectMessageBased(Parameters);
    default:
        Parameters->Version = CONNECT_CURRENT_VERSION;
        return STATUS_NOT_SUPPORTED;
    }
}

/* Messages stop before their routines go. */
static void IopDisconnectMessages(PIO_INTERRUPT_MESSAGE_INFO Table)
{
    PIOP_MESSAGES Messages = CONTAINING_RECORD(Table, IOP_MESSAGES, Table);
    PDEVICE_OBJECT Pdo = Messages->Pdo;

    IopLockPciFunction(Pdo);
    HalDisablePciMessages(&IopPciFunction(Pdo)->Description, Messages->SavedCommand);
    IopFreeMessages(Messages);
    IopPciFunction(Pdo)->Messages = FALSE;
    IopUnlockPciFunction(Pdo);
}

VOID NTAPI IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KI_ASSERT(Parameters->Version >= CONNECT_FULLY_SPECIFIED &&
              Parameters->Version <= CONNECT_CURRENT_VERSION);
    if (Parameters->Version == CONNECT_MESSAGE_BASED) {
        IopDisconnectMessages(Parameters->ConnectionContext.InterruptMessageTable);
    } else {
        IoDisconnectInterrupt(Parameters->ConnectionContext.InterruptObject);
    }
}
