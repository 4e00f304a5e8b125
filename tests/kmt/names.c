/*
 * Promise: who has opened an object by its name has one that can be found by that name, also when
 * others create, open and close it at the same time: its name goes with the last handle, and not
 * while a new one is being made.
 */
#include "kmt.h"

#define THREADS 6
#define RUN_MS 800

static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\KmtNames");
static ULONGLONG EndTime;
static LONG volatile Opened, Strangers, Failures;

static NTSTATUS Find(PHANDLE Handle, BOOLEAN Create)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_OPENIF, NULL, NULL);
    return Create ? ZwCreateEvent(Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE)
                  : ZwOpenEvent(Handle, EVENT_ALL_ACCESS, &Attributes);
}

static PVOID BodyOf(HANDLE Handle)
{
    PVOID Object = NULL;

    ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Object, NULL);
    ObDereferenceObject(Object);
    return Object;
}

static VOID NTAPI Race(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    HANDLE First, Second;

    /* On a slow host the end may have come before the beginning. */
    while (KmtNow() < EndTime || (Opened == 0 && Failures == 0)) {
        NTSTATUS Status = Find(&First, KmtRandom(&Seed) & 1);
        if (!NT_SUCCESS(Status)) {
            InterlockedExchangeAdd(&Failures, Status != STATUS_OBJECT_NAME_NOT_FOUND);
            continue;
        }
        InterlockedIncrement(&Opened);
        if (!NT_SUCCESS(Find(&Second, FALSE))) {
            InterlockedIncrement(&Strangers);
        } else {
            InterlockedExchangeAdd(&Strangers, BodyOf(First) != BodyOf(Second));
            ZwClose(Second);
        }
        ZwClose(First);
    }
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[THREADS];
    HANDLE Handle;

    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (ULONG_PTR i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Race, (PVOID)(i * 77 + 5));
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    DbgPrint("# opened %d times\n", Opened);
    KMT_CHECK(Opened != 0 && Failures == 0, "threads create, open and close one event");
    KMT_EQUAL(Strangers, 0, "whoever has it finds it again");
    KMT_EQUAL(Find(&Handle, FALSE), STATUS_OBJECT_NAME_NOT_FOUND, "in the end the name is gone");
}
