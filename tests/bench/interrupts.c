/*
 * Measures: from queueing a DPC, or from a device's interrupt, until the work is done.
 *
 * The device is the second serial port: its transmitter is always empty, so enabling that interrupt
 * raises it at once, ISA line 3. The way: the instruction that enables it, interrupt, ISR, DPC,
 * KeSetEvent, a thread of higher priority that waits for the event.
 */
#include "bench.h"

#define LINE 3
#define PORT_ENABLE ((PUCHAR)(ULONG_PTR)0x2F9)
#define PORT_IDENTITY ((PUCHAR)(ULONG_PTR)0x2FA) /* reading it withdraws the request */
#define PORT_MODEM ((PUCHAR)(ULONG_PTR)0x2FC)
#define ENABLE_TRANSMITTER 0x02
#define IDENTITY_NONE 0x01
#define MODEM_INTERRUPTS 0x08 /* OUT2 lets them out of the chip */

static KDPC Dpc;
static KEVENT Event;

static VOID NTAPI StopInDpc(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    BenchStop();
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID MeasureDpc(VOID)
{
    KeInitializeDpc(&Dpc, StopInDpc, NULL);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        KeInsertQueueDpc(&Dpc, NULL, NULL);
    }
    BenchReport("dpc");
}

static BOOLEAN NTAPI Serve(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    if (READ_PORT_UCHAR(PORT_IDENTITY) & IDENTITY_NONE) {
        return FALSE;
    }
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    return TRUE;
}

static VOID NTAPI WakeThread(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI WaitForDevice(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY + 1);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        BenchStop();
    }
}

static VOID InterruptOften(VOID)
{
    LARGE_INTEGER Moment = {.QuadPart = -10000};
    PETHREAD Waiter = BenchStartThread(WaitForDevice, NULL);

    KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        WRITE_PORT_UCHAR(PORT_ENABLE, ENABLE_TRANSMITTER);
        WRITE_PORT_UCHAR(PORT_ENABLE, 0);
    }
    BenchJoin(Waiter);
}

static VOID MeasureInterrupt(VOID)
{
    PKINTERRUPT Interrupt;
    KAFFINITY Affinity;
    KIRQL Irql;
    ULONG Vector = HalGetInterruptVector(Isa, 0, LINE, LINE, &Irql, &Affinity);

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Dpc, WakeThread, NULL);
    if (!NT_SUCCESS(IoConnectInterrupt(&Interrupt, Serve, NULL, NULL, Vector, Irql, Irql, Latched,
                                       FALSE, Affinity, FALSE))) {
        DbgPrint("bench: no interrupt line %u\n", LINE);
        return;
    }
    WRITE_PORT_UCHAR(PORT_MODEM, MODEM_INTERRUPTS);
    InterruptOften();
    WRITE_PORT_UCHAR(PORT_MODEM, 0);
    IoDisconnectInterrupt(Interrupt);
    BenchReport("isr_dpc_thread");
}

static VOID BenchRun(VOID)
{
    MeasureDpc();
    MeasureInterrupt();
}
