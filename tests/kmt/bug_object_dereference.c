/* STOP: 0x00000018 REFERENCE_BY_POINTER
 * Promise: dropping a reference too many is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    PVOID Event;
    ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Event, NULL);
    ObDereferenceObject(Event);
    ObDereferenceObject(Event); // the handle's
    DbgPrint("never reached\n");
}
