/*
 * Promise: an IRP that cannot be had is NULL to who asks for it, and STATUS_INSUFFICIENT_RESOURCES
 * to who opens a file; a file is closed all the same. tests/host/test_pools.py makes the rules for
 * failures; without one everything succeeds.
 */
#include "kmtdevice.h"

#define IRPS 20
#define OPENS 10

static LONG CountRefusedIrps(VOID)
{
    LONG Refused = 0;

    for (ULONG i = 0; i < IRPS; i++) {
        PIRP Irp = IoAllocateIrp(i % 2 == 0 ? 1 : 4, FALSE);

        if (Irp == NULL) {
            Refused++;
        } else {
            IoFreeIrp(Irp);
        }
    }
    return Refused;
}

/* -1: something else than success or what refusing means. */
static LONG CountRefusedOpens(VOID)
{
    HANDLE Handle;
    LONG Refused = 0;

    for (ULONG i = 0; i < OPENS; i++) {
        NTSTATUS Status = KmtOpen(&Handle, L"\\Device\\IrpFail", FILE_READ_DATA | SYNCHRONIZE,
                                  FILE_SYNCHRONOUS_IO_NONALERT);

        if (NT_SUCCESS(Status)) {
            if (ZwClose(Handle) != STATUS_SUCCESS) {
                return -1;
            }
        } else if (Status == STATUS_INSUFFICIENT_RESOURCES) {
            Refused++;
        } else {
            return -1;
        }
    }
    return Refused;
}

static NTSTATUS NTAPI Succeed(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID KmtRun(VOID)
{
    PDEVICE_OBJECT Device = KmtCreateDevice(L"\\Device\\IrpFail", 0, FALSE);
    LONG Irps, Opens;

    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = Succeed;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    Irps = CountRefusedIrps();
    Opens = CountRefusedOpens();
    IoDeleteDevice(Device);

    KMT_CHECK(Opens >= 0, "an open succeeds or fails for want of memory, a close succeeds");
    DbgPrint("# of %d IRPs %d were refused, of %d opens %d\n", IRPS, Irps, OPENS, Opens);
}
