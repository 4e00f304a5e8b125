/*
 * Measures: handles and names. A handle looked up and the reference dropped, what every request on
 * a file begins and ends with; an event made and closed, without and with a name; a name opened and
 * closed.
 */
#include "bench.h"

static OBJECT_ATTRIBUTES Attributes, None;
static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\BenchEvent");

static VOID MeasureReference(VOID)
{
    HANDLE Handle;
    PVOID Object;

    ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &None, NotificationEvent, FALSE);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ObReferenceObjectByHandle(Handle, EVENT_MODIFY_STATE, *ExEventObjectType, KernelMode,
                                  &Object, NULL);
        ObDereferenceObject(Object);
        BenchStop();
    }
    BenchReport("handle");
    ZwClose(Handle);
}

static VOID MeasureCreate(POBJECT_ATTRIBUTES ObjectAttributes, PCSTR Row)
{
    HANDLE Handle;

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, ObjectAttributes, NotificationEvent, FALSE);
        ZwClose(Handle);
        BenchStop();
    }
    BenchReport(Row);
}

static VOID MeasureOpen(VOID)
{
    HANDLE Handle, Opened;

    ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwOpenEvent(&Opened, EVENT_ALL_ACCESS, &Attributes);
        ZwClose(Opened);
        BenchStop();
    }
    BenchReport("name_open");
    ZwClose(Handle);
}

static VOID BenchRun(VOID)
{
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    InitializeObjectAttributes(&None, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    MeasureReference();
    MeasureCreate(&None, "object");
    MeasureCreate(&Attributes, "object_named");
    MeasureOpen();
}
