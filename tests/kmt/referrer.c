/*
 * Promise, together with the console and refdropper.c: the debug kernel reports the references to
 * objects that a driver has when it goes, and not those that have been dropped: in a last call,
 * which is a jump that leaves no address of the driver, or by another driver. However many there
 * are.
 * ALONE: it leaves handles behind
 */
#include "kmtob.h"

/* An event with its own reference; the handle stays open, and with it the name. */
static PVOID MakeEvent(PCWSTR Name)
{
    OBJECT_ATTRIBUTES Attributes = *ObNamed(NULL, Name, OBJ_KERNEL_HANDLE | OBJ_OPENIF);
    PVOID Event = NULL;
    HANDLE Handle;
    if (NT_SUCCESS(
            ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE))) {
        ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Event, NULL);
    }
    return Event;
}

/* The kernel is told to call this, so the routine that drops the reference returns to the kernel.
 */
static VOID NTAPI DropLast(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ObDereferenceObject(Context);
}

#define MANY 2500

/* A reference that is kept, after so many others, which are not. */
static VOID TestMany(VOID)
{
    static PVOID Many[MANY];
    ULONG Made = 0;
    HANDLE Handle;
    while (Made < MANY && NT_SUCCESS(ObMakeEvent(&Handle, NULL, NULL, OBJ_KERNEL_HANDLE))) {
        ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Many[Made++], NULL);
        ZwClose(Handle);
    }
    KMT_EQUAL(Made, MANY, "many events");
    KMT_CHECK(MakeEvent(L"\\BaseNamedObjects\\KmtLate") != NULL, "and one more, which is kept");
    while (Made > 0) {
        ObDereferenceObject(Many[--Made]);
    }
}

static VOID KmtRun(VOID)
{
    PVOID Kept = MakeEvent(L"\\BaseNamedObjects\\KmtKept");
    PVOID Given = MakeEvent(L"\\BaseNamedObjects\\KmtGiven");
    PVOID Dropped = MakeEvent(L"\\BaseNamedObjects\\KmtDropped");
    PETHREAD Thread;
    PEPROCESS Process;
    KDPC Dpc;
    if (!KMT_CHECK(Kept != NULL && Given != NULL && Dropped != NULL, "three events")) {
        return;
    }
    ObReferenceObject(Kept);
    ObReferenceObject(Kept);
    ObDereferenceObject(Kept); // of three, two are kept
    KMT_EQUAL(PsLookupThreadByThreadId(PsGetCurrentThreadId(), &Thread), STATUS_SUCCESS,
              "this thread, which is kept");
    KMT_EQUAL(PsLookupProcessByProcessId(PsGetCurrentProcessId(), &Process), STATUS_SUCCESS,
              "this process, which is not");
    ObDereferenceObject(Process);
    KeInitializeDpc(&Dpc, DropLast, Dropped);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    TestMany();
}
