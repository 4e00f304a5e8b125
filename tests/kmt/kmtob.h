/* kmtob.h - what tests of objects share: attributes and named events in one line. */
#ifndef _KMTOB_H_
#define _KMTOB_H_

#include "kmt.h"
#include <ntifs.h>

static UNICODE_STRING ObString; /* of the last ObNamed */

/* Attributes for Name (NULL: none); good until the next call. */
static inline POBJECT_ATTRIBUTES ObNamed(HANDLE Root, PCWSTR Name, ULONG Flags)
{
    static OBJECT_ATTRIBUTES Attributes;
    RtlInitUnicodeString(&ObString, Name);
    InitializeObjectAttributes(&Attributes, Name != NULL ? &ObString : NULL, Flags, Root, NULL);
    return &Attributes;
}

static inline NTSTATUS ObMakeEvent(PHANDLE Handle, HANDLE Root, PCWSTR Name, ULONG Flags)
{
    return ZwCreateEvent(Handle, EVENT_ALL_ACCESS, ObNamed(Root, Name, Flags), NotificationEvent,
                         FALSE);
}

/* The status of opening an event; a handle is closed again. */
static inline NTSTATUS ObTryEvent(HANDLE Root, PCWSTR Name, ULONG Flags)
{
    HANDLE Handle;
    NTSTATUS Status = ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, ObNamed(Root, Name, Flags));
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
    }
    return Status;
}

/* The body a handle means, without a reference. */
static inline PVOID ObBodyOf(HANDLE Handle)
{
    PVOID Object = NULL;
    if (NT_SUCCESS(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL))) {
        ObDereferenceObject(Object);
    }
    return Object;
}

/* Counts as ZwQueryObject tells them, without the query's own reference. */
static inline ULONG ObPointers(HANDLE Handle)
{
    OBJECT_BASIC_INFORMATION Basic = {0};
    ZwQueryObject(Handle, ObjectBasicInformation, &Basic, sizeof(Basic), NULL);
    return Basic.PointerCount - 1;
}

static inline ULONG ObHandles(HANDLE Handle)
{
    OBJECT_BASIC_INFORMATION Basic = {0};
    ZwQueryObject(Handle, ObjectBasicInformation, &Basic, sizeof(Basic), NULL);
    return Basic.HandleCount;
}

#endif
