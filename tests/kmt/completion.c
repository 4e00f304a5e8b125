/*
 * Promises: completion routines. Each is called for the kinds of results it was set for, and for a
 * cancelled request; one that keeps the IRP stops the walk until its driver completes it again;
 * pending marks travel up a tall stack whether by routine or without; an IRP can be sent again and
 * again, and from its own completion routine, on whatever processor; IoSetCompletionRoutineEx holds
 * the device until the routine has returned, and is neither lost nor leaked when the routine is not
 * called; forwarding and waiting leaves the IRP with who forwarded it; power requests are passed
 * on.
 */
#include "kmtdevice.h"

#define LEVELS 5

typedef struct _LEVEL {
    PDEVICE_OBJECT Below;
    BOOLEAN Skip;
} LEVEL, *PLEVEL;

static PDEVICE_OBJECT Stack[LEVELS]; /* 0: the base */
static NTSTATUS Answer;              /* of the base */
static BOOLEAN Later;                /* from a DPC on another processor */
static KDPC Dpc;
static LONG Calls[LEVELS];

static VOID NTAPI CompleteInDpc(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    KmtComplete(Argument1, Answer, 0);
}

static NTSTATUS NTAPI PassUp(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    Calls[(ULONG_PTR)Context]++;
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS AtBase(PIRP Irp)
{
    if (!Later) {
        return KmtComplete(Irp, Answer, 0);
    }
    IoMarkIrpPending(Irp);
    KeInitializeDpc(&Dpc, CompleteInDpc, NULL);
    KeSetTargetProcessorDpc(&Dpc, (CCHAR)(KmtProcessors() - 1));
    KeInsertQueueDpc(&Dpc, Irp, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLEVEL Level = Device->DeviceExtension;
    ULONG_PTR Number = 1;
    if (Device == Stack[0]) {
        return AtBase(Irp);
    }
    while (Stack[Number] != Device) {
        Number++;
    }
    if (Level->Skip) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Level->Below, Irp);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PassUp, (PVOID)Number, TRUE, TRUE, TRUE);
    return IoCallDriver(Level->Below, Irp);
}

static NTSTATUS NTAPI Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLEVEL Level = Device->DeviceExtension;
    if (Device == Stack[0]) {
        PoStartNextPowerIrp(Irp);
        return KmtComplete(Irp, STATUS_SUCCESS, 0x55);
    }
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Level->Below, Irp);
}

/* What a sender's own routine saw. */
static struct {
    LONG Calls;
    BOOLEAN Pending;
    PDEVICE_OBJECT Device;
    KEVENT Done;
} Seen;

static NTSTATUS NTAPI Keep(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Seen.Calls++;
    Seen.Device = Device;
    Seen.Pending = Irp->PendingReturned;
    KeSetEvent(&Seen.Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP Prepare(PDEVICE_OBJECT Device, UCHAR Major)
{
    PIRP Irp = IoAllocateIrpEx(Device, Device->StackSize, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = Major;
    RtlZeroMemory(&Seen, sizeof(Seen));
    KeInitializeEvent(&Seen.Done, NotificationEvent, FALSE);
    RtlZeroMemory(Calls, sizeof(Calls));
    return Irp;
}

/* Routines of three kinds on one request after the other, with each kind of result. */
static VOID TestSelection(VOID)
{
    static const struct {
        BOOLEAN OnSuccess, OnError, OnCancel, Cancelled;
        NTSTATUS Status;
        LONG Called;
    } Cases[] = {
        {TRUE, FALSE, FALSE, FALSE, STATUS_SUCCESS, 1},
        {TRUE, FALSE, FALSE, FALSE, STATUS_UNSUCCESSFUL, 0},
        {TRUE, FALSE, FALSE, FALSE, STATUS_BUFFER_OVERFLOW, 0},
        {FALSE, TRUE, FALSE, FALSE, STATUS_BUFFER_OVERFLOW, 1},
        {FALSE, TRUE, FALSE, FALSE, STATUS_SUCCESS, 0},
        {FALSE, TRUE, FALSE, FALSE, STATUS_UNSUCCESSFUL, 1},
        {FALSE, FALSE, TRUE, FALSE, STATUS_CANCELLED, 0},
        {FALSE, FALSE, TRUE, TRUE, STATUS_CANCELLED, 1},
        {FALSE, FALSE, TRUE, TRUE, STATUS_SUCCESS, 1},
        {FALSE, FALSE, FALSE, TRUE, STATUS_CANCELLED, 0},
    };
    LONG Wrong = 0, WrongEx = 0;
    for (ULONG i = 0; i < ARRAYSIZE(Cases); i++) {
        for (ULONG Safe = 0; Safe < 2; Safe++) {
            // A location of the sender's own catches what the case's routine does not.
            PIRP Irp = IoAllocateIrp((CCHAR)(Stack[0]->StackSize + 1), FALSE);
            RtlZeroMemory(Calls, sizeof(Calls));
            KeInitializeEvent(&Seen.Done, NotificationEvent, FALSE);
            IoSetCompletionRoutine(Irp, Keep, NULL, TRUE, TRUE, TRUE);
            IoSetNextIrpStackLocation(Irp);
            IoGetCurrentIrpStackLocation(Irp)->DeviceObject = Stack[1];
            IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
            if (Safe) {
                IoSetCompletionRoutineEx(Stack[1], Irp, PassUp, (PVOID)1, Cases[i].OnSuccess,
                                         Cases[i].OnError, Cases[i].OnCancel);
            } else {
                IoSetCompletionRoutine(Irp, PassUp, (PVOID)1, Cases[i].OnSuccess, Cases[i].OnError,
                                       Cases[i].OnCancel);
            }
            Irp->Cancel = Cases[i].Cancelled;
            Answer = Cases[i].Status;
            IoCallDriver(Stack[0], Irp);
            *(Safe ? &WrongEx : &Wrong) += Calls[1] != Cases[i].Called;
            IoFreeIrp(Irp);
        }
    }
    KMT_EQUAL(Wrong, 0, "success, error and cancel are told apart");
    KMT_EQUAL(WrongEx, 0, "by IoSetCompletionRoutineEx, too");
}

/* Every pattern of filters that skip and that have routines. */
static VOID TestPending(VOID)
{
    LONG Wrong = 0, WrongCalls = 0;
    Answer = STATUS_SUCCESS;
    for (ULONG Pattern = 0; Pattern < 1u << (LEVELS - 1); Pattern++) {
        for (ULONG i = 1; i < LEVELS; i++) {
            ((PLEVEL)Stack[i]->DeviceExtension)->Skip = (Pattern >> (i - 1)) & 1;
        }
        for (Later = FALSE; Later <= TRUE; Later++) {
            PIRP Irp = Prepare(Stack[LEVELS - 1], IRP_MJ_READ);
            IoSetCompletionRoutine(Irp, Keep, NULL, TRUE, TRUE, TRUE);
            NTSTATUS Status = IoCallDriver(Stack[LEVELS - 1], Irp);
            KmtWait(&Seen.Done, 5000);
            Wrong += Seen.Pending != Later || Seen.Device != NULL || Seen.Calls != 1 ||
                     Status != (Later ? STATUS_PENDING : STATUS_SUCCESS);
            for (ULONG i = 1; i < LEVELS; i++) {
                WrongCalls += Calls[i] != !((PLEVEL)Stack[i]->DeviceExtension)->Skip;
            }
            IoFreeIrp(Irp);
        }
    }
    Later = FALSE;
    KMT_EQUAL(Wrong, 0, "the mark reaches the sender through every kind of stack");
    KMT_EQUAL(WrongCalls, 0, "each routine was called once");
}

#define AGAIN 300

/* Sends the same IRP once more from where it has just been completed. */
static NTSTATUS NTAPI SendAgain(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    if (++Seen.Calls == AGAIN) {
        KeSetEvent(&Seen.Done, IO_NO_INCREMENT, FALSE);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, SendAgain, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Stack[LEVELS - 1], Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID TestReuse(VOID)
{
    PIRP Irp = Prepare(Stack[LEVELS - 1], IRP_MJ_READ);
    Later = TRUE;
    Answer = STATUS_SUCCESS;
    IoSetCompletionRoutine(Irp, SendAgain, NULL, TRUE, TRUE, TRUE);
    KMT_EQUAL(IoCallDriver(Stack[LEVELS - 1], Irp), STATUS_PENDING, "sent");
    KMT_EQUAL(KmtWait(&Seen.Done, 20000), STATUS_SUCCESS, "and sent again by its own routine");
    KMT_EQUAL(Seen.Calls, AGAIN, "as often as wanted");
    KeFlushQueuedDpcs(); // the last routine may still be returning
    IoFreeIrp(Irp);
    Later = FALSE;
}

static VOID TestSafe(VOID)
{
    PDEVICE_OBJECT Own = KmtCreateDevice(NULL, 0, FALSE);
    PIRP Irp = Prepare(Stack[0], IRP_MJ_READ);
    ObReferenceObject(Own);
    LONG_PTR Before = ObDereferenceObject(Own);
    KMT_EQUAL(IoSetCompletionRoutineEx(Own, Irp, Keep, NULL, TRUE, TRUE, TRUE), STATUS_SUCCESS,
              "IoSetCompletionRoutineEx");
    ObReferenceObject(Own);
    KMT_EQUAL(ObDereferenceObject(Own), Before + 1, "refers to the device");
    IoDeleteDevice(Own);
    KMT_CHECK(Own->DriverObject == KmtDriverObject, "which is there when it is deleted");
    Later = TRUE;
    Answer = STATUS_SUCCESS;
    IoCallDriver(Stack[0], Irp);
    KMT_EQUAL(KmtWait(&Seen.Done, 5000), STATUS_SUCCESS, "until the routine was called");
    KMT_CHECK(Seen.Pending && Seen.Calls == 1, "as any other");
    KeFlushQueuedDpcs();
    IoFreeIrp(Irp);
    Later = FALSE;
}

static VOID TestForward(VOID)
{
    for (Later = FALSE; Later <= TRUE; Later++) {
        PIRP Irp = Prepare(Stack[LEVELS - 1], IRP_MJ_READ);
        Answer = Later ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
        KMT_EQUAL(IoSynchronousCallDriver(Stack[LEVELS - 1], Irp), Answer, "sent and waited for");
        KMT_EQUAL(Irp->IoStatus.Status, Answer, "the IRP is the sender's again");
        IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
        IoSetNextIrpStackLocation(Irp);
        IoGetCurrentIrpStackLocation(Irp)->DeviceObject = Stack[LEVELS - 1];
        IoGetCurrentIrpStackLocation(Irp)->MajorFunction = IRP_MJ_WRITE;
        KMT_CHECK(IoForwardIrpSynchronously(Stack[LEVELS - 2], Irp), "forwarded and waited for");
        KMT_EQUAL(Irp->IoStatus.Status, Answer, "the IRP is the forwarder's again");
        KMT_EQUAL(Irp->CurrentLocation, LEVELS, "at its own location");
        IoFreeIrp(Irp);
    }
    Later = FALSE;
    PIRP Short = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(Short);
    KMT_CHECK(!IoForwardAndCatchIrp(Stack[0], Short), "not without a location");
    IoFreeIrp(Short);
    PIRP Irp = Prepare(Stack[LEVELS - 1], IRP_MJ_POWER);
    KMT_EQUAL(IoSynchronousCallDriver(Stack[LEVELS - 1], Irp), STATUS_SUCCESS, "a power request");
    KMT_EQUAL(Irp->IoStatus.Information, 0x55, "reaches the base");
    IoFreeIrp(Irp);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    KmtDriverObject->MajorFunction[IRP_MJ_WRITE] = Dispatch;
    KmtDriverObject->MajorFunction[IRP_MJ_POWER] = Power;
    for (ULONG i = 0; i < LEVELS; i++) {
        Stack[i] = KmtCreateDevice(NULL, sizeof(LEVEL), FALSE);
        if (i > 0) {
            ((PLEVEL)Stack[i]->DeviceExtension)->Below =
                IoAttachDeviceToDeviceStack(Stack[i], Stack[i - 1]);
        }
    }
    TestSelection();
    TestPending();
    TestReuse();
    TestSafe();
    TestForward();
    KeFlushQueuedDpcs(); /* the last one may still be returning */
    for (ULONG i = LEVELS; i-- > 0;) {
        if (i > 0) {
            IoDetachDevice(Stack[i - 1]);
        }
        IoDeleteDevice(Stack[i]);
    }
}
