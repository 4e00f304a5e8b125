/*
 * Promise: the Beep device takes any number of requests at a time, from all processors: those that
 * come while it serves one do not pile up on its stack, and each ends once.
 */
#include "kmt.h"
#include <ntddbeep.h>

#define SENDERS 4
#define ROUNDS 6
#define BURST 400

static volatile LONG Ended, Wrong;
static PDEVICE_OBJECT Device;
static PFILE_OBJECT File;

/* Above the top: the sender's own routine, which frees the IRP. */
static NTSTATUS NTAPI Done(PDEVICE_OBJECT Object, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Object);
    InterlockedExchangeAdd(&Wrong, Irp->IoStatus.Status != STATUS_SUCCESS);
    IoFreeIrp(Irp);
    InterlockedIncrement(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID Send(PBEEP_SET_PARAMETERS Silence, PLONG Count)
{
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;

    if (Irp == NULL) {
        InterlockedIncrement(&Wrong);
        InterlockedIncrement(Count);
        return;
    }
    Irp->AssociatedIrp.SystemBuffer = Silence;
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    Stack->FileObject = File;
    Stack->Parameters.DeviceIoControl.IoControlCode = IOCTL_BEEP_SET;
    Stack->Parameters.DeviceIoControl.InputBufferLength = sizeof(*Silence);
    IoSetCompletionRoutine(Irp, Done, Count, TRUE, TRUE, TRUE);
    IoCallDriver(Device, Irp);
}

static VOID NTAPI Flood(PVOID Context)
{
    BEEP_SET_PARAMETERS Silence = {0, 0};

    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        LONG Count = 0;

        for (ULONG j = 0; j < BURST; j++) {
            Send(&Silence, &Count);
        }
        while (*(volatile LONG *)&Count != BURST) {
            KmtSleep(1);
        }
        InterlockedExchangeAdd(&Ended, Count);
    }
}

static VOID KmtRun(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DD_BEEP_DEVICE_NAME_U);
    PETHREAD Threads[SENDERS];

    KMT_EQUAL(IoGetDeviceObjectPointer(&Name, FILE_WRITE_DATA, &File, &Device), STATUS_SUCCESS,
              "the device is there");
    for (ULONG i = 0; i < SENDERS; i++) {
        Threads[i] = KmtStartThread(Flood, NULL);
    }
    for (ULONG i = 0; i < SENDERS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Ended, SENDERS * ROUNDS * BURST, "each request ends");
    KMT_EQUAL(Wrong, 0, "successfully");
    ObDereferenceObject(File);
}
