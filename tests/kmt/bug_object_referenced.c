/* STOP: 0x00000018 REFERENCE_BY_POINTER
 * Promise: a driver that adds a reference to an object that is being deleted is stopped. The worker
 * thread that deletes it waits, as all processors are at DISPATCH_LEVEL. */
#include "kmtob.h"

static PVOID Object;

static VOID NTAPI DropAndTake(PKDPC Dpc, PVOID Context, PVOID Done, PVOID Together)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    KeSignalCallDpcSynchronize(Together);
    if (KeGetCurrentProcessorNumber() == 0) {
        ObDereferenceObject(Object);
        ObReferenceObject(Object);
    }
    KeSignalCallDpcSynchronize(Together);
    KeSignalCallDpcDone(Done);
}

static VOID KmtRun(VOID)
{
    HANDLE Handle;

    ObMakeEvent(&Handle, NULL, NULL, 0);
    ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL);
    ZwClose(Handle);
    KeGenericCallDpc(DropAndTake, NULL);
    DbgPrint("never reached\n");
}
