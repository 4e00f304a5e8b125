/*
 * port.c - the 16550: its interrupt, and moving bytes between it and the queued requests.
 *
 *     UART -> ISR -> Ring -> DPC -> first read          first write -> DPC -> UART
 *
 * The ISR only empties the receiver into the ring and tells the device's DPC to do the rest; the
 * DPC and the dispatch routines do it by SerialServe, under QueueLock. The transmitter's interrupt
 * is on only while there is something to send, so that the kernel's polled debug output, which uses
 * the same transmitter, causes none.
 *
 * That output can also take the interrupt away: a byte written there withdraws the one that says
 * "the FIFO is empty", until it has been sent in its turn. A timer looks in, in case that or a chip
 * less exact than it should be loses one for good.
 */
#include "serial.h"

#define SERIAL_TIMER_MS 50

static KSERVICE_ROUTINE SerialInterrupt;
static IO_DPC_ROUTINE SerialDpc;
static KDEFERRED_ROUTINE SerialTimerExpired;
static KSYNCHRONIZE_ROUTINE SerialDrainReceiver;

static UCHAR SerialRead(ULONG Register)
{
    return READ_PORT_UCHAR((PUCHAR)(ULONG_PTR)(SERIAL_PORT + Register));
}

static void SerialWrite(ULONG Register, UCHAR Value)
{
    WRITE_PORT_UCHAR((PUCHAR)(ULONG_PTR)(SERIAL_PORT + Register), Value);
}

/* The scratch register keeps what is written to it; a bus without a UART answers FFh. */
BOOLEAN SerialIsPresent(void)
{
    SerialWrite(UART_SCRATCH, 0x5A);
    if (SerialRead(UART_SCRATCH) != 0x5A) {
        return FALSE;
    }
    SerialWrite(UART_SCRATCH, 0xA5);
    return SerialRead(UART_SCRATCH) == 0xA5;
}

/* Moves what the UART has received into the ring. At the interrupt's IRQL, under its lock. A break
 * is the key that stops a machine which hangs, to see why: the interrupt still comes when all
 * processors spin at DISPATCH_LEVEL. */
static BOOLEAN NTAPI SerialDrainReceiver(PVOID Context)
{
    PSERIAL_EXTENSION Extension = Context;
    UCHAR Status;

    while ((Status = SerialRead(UART_LINE_STATUS)) &
           (UART_STATUS_DATA | UART_STATUS_OVERRUN | UART_STATUS_BREAK)) {
        if (Status & UART_STATUS_BREAK) {
            KeBugCheckEx(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0);
        }
        Extension->Overruns += (Status & UART_STATUS_OVERRUN) != 0;
        if (!(Status & UART_STATUS_DATA)) {
            continue; /* reading the status has reset the overrun */
        }
        UCHAR Byte = SerialRead(UART_DATA);
        if (Extension->RingHead - Extension->RingTail == SERIAL_RING_SIZE) {
            Extension->Overruns++;
        } else {
            Extension->Ring[Extension->RingHead++ % SERIAL_RING_SIZE] = Byte;
        }
    }
    return TRUE;
}

/*
 * The line is edge triggered: it must have been low once before it can interrupt again. So every
 * cause has to be served before the ISR returns, until the UART says that none is left. Reading the
 * identification is what acknowledges the transmitter's cause, reading the status or the data the
 * others'.
 */
static BOOLEAN NTAPI SerialInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    PSERIAL_EXTENSION Extension = Context;
    BOOLEAN Ours = FALSE;

    UNREFERENCED_PARAMETER(Interrupt);
    while (!(SerialRead(UART_INTERRUPT_ID) & UART_ID_NONE)) {
        Ours = TRUE;
        SerialDrainReceiver(Extension);
        SerialRead(UART_MODEM_STATUS);
    }
    if (Ours) {
        IoRequestDpc(Extension->DeviceObject, NULL, NULL);
    }
    return Ours;
}

/* What SerialCopyFromRing is to do; a routine under the interrupt's lock has one argument. */
typedef struct _SERIAL_COPY {
    PSERIAL_EXTENSION Extension;
    PUCHAR Buffer;
    ULONG Length;
    ULONG Copied;
} SERIAL_COPY, *PSERIAL_COPY;

static BOOLEAN NTAPI SerialCopyFromRing(PVOID Context)
{
    PSERIAL_COPY Copy = Context;
    PSERIAL_EXTENSION Extension = Copy->Extension;

    while (Copy->Copied < Copy->Length && Extension->RingTail != Extension->RingHead) {
        Copy->Buffer[Copy->Copied++] = Extension->Ring[Extension->RingTail++ % SERIAL_RING_SIZE];
    }
    return TRUE;
}

/* Completes reads, first come first served, as long as there are bytes. A read ends with what
 * there is: one byte is enough. QueueLock is held; Done collects. */
static void SerialServeReads(PSERIAL_EXTENSION Extension, PLIST_ENTRY Done)
{
    PIRP Irp;

    while ((Irp = SerialFirstIrp(&Extension->Reads)) != NULL) {
        SERIAL_COPY Copy = {
            .Extension = Extension,
            .Buffer = Irp->AssociatedIrp.SystemBuffer,
            .Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length,
        };

        if (Extension->RingTail == *(volatile ULONG *)&Extension->RingHead) {
            break;
        }
        /* Bytes are not taken for a request that is being cancelled: they would be lost. */
        if (SerialRemoveIrp(Irp)) {
            KeSynchronizeExecution(Extension->Interrupt, SerialCopyFromRing, &Copy);
            Irp->IoStatus.Status = STATUS_SUCCESS;
            Irp->IoStatus.Information = Copy.Copied;
            InsertTailList(Done, &Irp->Tail.Overlay.ListEntry);
        }
    }
}

/* Takes the next byte to send out of the first write, which is done with its last byte;
 * IoStatus.Information counts. FALSE: there is none. */
static BOOLEAN SerialNextByte(PSERIAL_EXTENSION Extension, PUCHAR Byte, PLIST_ENTRY Done)
{
    PIRP Irp = SerialFirstIrp(&Extension->Writes);
    PUCHAR Buffer;

    if (Irp == NULL) {
        return FALSE;
    }
    Buffer = Irp->AssociatedIrp.SystemBuffer;
    *Byte = Buffer[Irp->IoStatus.Information++];
    if (Irp->IoStatus.Information == IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length &&
        SerialRemoveIrp(Irp)) {
        Irp->IoStatus.Status = STATUS_SUCCESS;
        InsertTailList(Done, &Irp->Tail.Overlay.ListEntry);
    }
    return TRUE;
}

/* Turns the transmitter's interrupt, and the timer that looks after it, on or off. */
static void SerialSetTransmitting(PSERIAL_EXTENSION Extension, BOOLEAN On)
{
    LARGE_INTEGER DueTime = {.QuadPart = -10000LL * SERIAL_TIMER_MS};

    if (Extension->Transmitting == On) {
        return;
    }
    Extension->Transmitting = On;
    SerialWrite(UART_INTERRUPT_ENABLE,
                UART_ENABLE_RECEIVE | UART_ENABLE_LINE_STATUS | (On ? UART_ENABLE_TRANSMIT : 0));
    if (On) {
        KeSetTimerEx(&Extension->Timer, DueTime, SERIAL_TIMER_MS, &Extension->TimerDpc);
    } else {
        KeCancelTimer(&Extension->Timer);
    }
}

typedef struct _SERIAL_BYTES {
    UCHAR Byte[SERIAL_BURST];
    ULONG Count;
} SERIAL_BYTES, *PSERIAL_BYTES;

/*
 * Under the interrupt's lock, not for the lock but for the IRQL: a UART that sends faster than it
 * is written to, as an emulated one does, says "empty" after each byte. With the interrupt held
 * back until the last, it says so once.
 */
static BOOLEAN NTAPI SerialSendBytes(PVOID Context)
{
    PSERIAL_BYTES Bytes = Context;

    for (ULONG i = 0; i < Bytes->Count; i++) {
        SerialWrite(UART_DATA, Bytes->Byte[i]);
    }
    return TRUE;
}

/* Fills the FIFO, if it is empty, from the queued writes. If it is not, or does not hold all, the
 * interrupt comes when it has become empty. QueueLock is held; Done collects. */
static void SerialServeWrites(PSERIAL_EXTENSION Extension, PLIST_ENTRY Done)
{
    SERIAL_BYTES Bytes = {.Count = 0};

    if (SerialRead(UART_LINE_STATUS) & UART_STATUS_FIFO_EMPTY) {
        while (Bytes.Count < SERIAL_BURST &&
               SerialNextByte(Extension, &Bytes.Byte[Bytes.Count], Done)) {
            Bytes.Count++;
        }
    }
    /* Not for nothing: after SerialStopPort has disconnected it there is no interrupt. */
    if (Bytes.Count != 0) {
        KeSynchronizeExecution(Extension->Interrupt, SerialSendBytes, &Bytes);
    }
    /* Should the bytes have gone already: turned on with an empty FIFO, the interrupt comes at
     * once. */
    SerialSetTransmitting(Extension, SerialFirstIrp(&Extension->Writes) != NULL);
}

void SerialServe(PSERIAL_EXTENSION Extension)
{
    LIST_ENTRY Done;
    KIRQL OldIrql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Extension->QueueLock, &OldIrql);
    SerialServeReads(Extension, &Done);
    SerialServeWrites(Extension, &Done);
    KeReleaseSpinLock(&Extension->QueueLock, OldIrql);
    SerialCompleteIrps(&Done);
}

static VOID NTAPI SerialDpc(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    SerialServe(DeviceObject->DeviceExtension);
}

static VOID NTAPI SerialTimerExpired(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    SerialServe(Context);
}

/* Speed and framing stay as the kernel's debug output has set them. */
NTSTATUS SerialStartPort(PSERIAL_EXTENSION Extension)
{
    KAFFINITY Affinity;
    KIRQL Irql;
    ULONG Vector;
    NTSTATUS Status;

    IoInitializeDpcRequest(Extension->DeviceObject, SerialDpc);
    KeInitializeTimer(&Extension->Timer);
    KeInitializeDpc(&Extension->TimerDpc, SerialTimerExpired, Extension);

    /* The line is low when it is connected, so that the first interrupt is an edge. */
    SerialWrite(UART_INTERRUPT_ENABLE, 0);
    Vector = HalGetInterruptVector(Isa, 0, SERIAL_IRQ, SERIAL_IRQ, &Irql, &Affinity);
    Status = IoConnectInterrupt(&Extension->Interrupt, SerialInterrupt, Extension, NULL, Vector,
                                Irql, Irql, Latched, FALSE, Affinity, FALSE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    SerialWrite(UART_FIFO_CONTROL, UART_FIFO_ENABLE);
    SerialWrite(UART_MODEM_CONTROL, UART_MODEM_DTR | UART_MODEM_RTS | UART_MODEM_INTERRUPTS);
    SerialWrite(UART_INTERRUPT_ENABLE, UART_ENABLE_RECEIVE | UART_ENABLE_LINE_STATUS);
    return STATUS_SUCCESS;
}

/* Nothing is queued any more, but a DPC of the interrupt or the timer may be about to run, and
 * change what is enabled: so that is turned off last. Without requests it does not use the
 * interrupt. */
void SerialStopPort(PSERIAL_EXTENSION Extension)
{
    IoDisconnectInterrupt(Extension->Interrupt);
    KeCancelTimer(&Extension->Timer);
    KeFlushQueuedDpcs();
    SerialWrite(UART_INTERRUPT_ENABLE, 0);
}
