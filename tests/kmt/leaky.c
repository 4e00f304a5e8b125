/*
 * Promise, together with the console: a driver that leaves things behind when it goes is reported,
 * with each of them, and the system goes on. (Nothing of what stays here is ever used again: the
 * timer expires in an hour, the threads wait for ever.)
 * ALONE: it leaves things behind
 */
#include "kmt.h"

typedef struct _LEFT_BEHIND {
    KTIMER Timer;
    KDPC Dpc;
    ERESOURCE Resource;
    WORK_QUEUE_ITEM Work;
    KEVENT Never; /* in nobody's image, as the wait is in the kernel's */
} LEFT_BEHIND;

static VOID NTAPI Expired(PKDPC Own, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Own);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI Sleeper(PVOID Context)
{
    KeWaitForSingleObject(Context, Executive, KernelMode, FALSE, NULL);
}

/* The worker takes it and stays. */
static VOID NTAPI Linger(PVOID Context)
{
    KeWaitForSingleObject(Context, Executive, KernelMode, FALSE, NULL);
}

static VOID KmtRun(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\Leaky");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\Device\\Null");
    LEFT_BEHIND *Left = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Left), 'tfeL');
    KMT_CHECK(Left != NULL, "memory to forget");
    KeInitializeEvent(&Left->Never, NotificationEvent, FALSE);
    KeInitializeTimer(&Left->Timer);
    KeInitializeDpc(&Left->Dpc, Expired, NULL);
    KeSetTimer(&Left->Timer, KmtMs(3600000), &Left->Dpc);
    ExInitializeResourceLite(&Left->Resource);
    IoCreateSymbolicLink(&Link, &Target);
    ObDereferenceObject(KmtStartThread(Sleeper, &Left->Never));
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Left->Work, Linger, &Left->Never);
    ExQueueWorkItem(&Left->Work, DelayedWorkQueue);
    KmtAwaitWaiters(&Left->Never, 2); /* none of them is to run here when the image has gone */
}
