/*
 * Promise, together with the console: a driver that leaves things behind when it goes is reported,
 * with each of them, and the system goes on. (Nothing of what stays here is ever used again: it
 * expires in an hour.)
 * ALONE: it leaves things behind
 */
#include "kmt.h"

typedef struct _LEFT_BEHIND {
    KTIMER Timer;
    KDPC Dpc;
    ERESOURCE Resource;
    WORK_QUEUE_ITEM Work;
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
    UNREFERENCED_PARAMETER(Context);
    KmtSleep(3600000);
}

/* The worker takes it and stays. */
static VOID NTAPI Linger(PVOID Context)
{
    KeSetEvent((PRKEVENT)Context, IO_NO_INCREMENT, FALSE);
    KmtSleep(3600000);
}

static VOID KmtRun(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    KEVENT Taken;
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\Leaky");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\Device\\Null");
    LEFT_BEHIND *Left = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Left), 'tfeL');
    KMT_CHECK(Left != NULL, "memory to forget");
    KeInitializeTimer(&Left->Timer);
    KeInitializeDpc(&Left->Dpc, Expired, NULL);
    KeSetTimer(&Left->Timer, KmtMs(3600000), &Left->Dpc);
    ExInitializeResourceLite(&Left->Resource);
    IoCreateSymbolicLink(&Link, &Target);
    ObDereferenceObject(KmtStartThread(Sleeper, NULL));
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    KeInitializeEvent(&Taken, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Left->Work, Linger, &Taken);
    ExQueueWorkItem(&Left->Work, DelayedWorkQueue);
    KmtWait(&Taken, 60000);
    KmtSleep(20); /* it sleeps, which is when its stack can be looked at */
}
