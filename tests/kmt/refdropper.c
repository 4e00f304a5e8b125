/*
 * Promise, together with referrer.c: a driver may drop a reference that another has taken, and
 * neither is held to it. (Alone, it has been given none.)
 */
#include "kmtob.h"

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    PVOID Given = NULL;
    NTSTATUS Status =
        ZwOpenEvent(&Handle, EVENT_ALL_ACCESS,
                    ObNamed(NULL, L"\\BaseNamedObjects\\KmtGiven", OBJ_KERNEL_HANDLE));
    KMT_CHECK(NT_SUCCESS(Status) || Status == STATUS_OBJECT_NAME_NOT_FOUND, "what was given");
    if (!NT_SUCCESS(Status)) {
        return;
    }
    ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Given, NULL);
    ULONG Before = ObPointers(Handle);
    ObDereferenceObject(Given);
    ObDereferenceObject(Given); // the other driver's
    KMT_EQUAL(ObPointers(Handle), Before - 2, "is dropped");
    ZwClose(Handle);
}
