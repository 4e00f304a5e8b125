/* kmtdevice.h - devices for tests: made in DriverEntry, so the driver itself has to say when
 * they are ready; requests sent to them from the same driver. */
#ifndef _KMTDEVICE_H_
#define _KMTDEVICE_H_

#include "kmt.h"

#define KMT_CODE(Function, Method)                                                                 \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (Function), Method, FILE_ANY_ACCESS)

/* A device that may be opened at once; NULL for Name: unnamed. */
static inline PDEVICE_OBJECT KmtCreateDevice(PCWSTR Name, ULONG ExtensionSize, BOOLEAN Exclusive)
{
    PDEVICE_OBJECT Device = NULL;
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    NTSTATUS Status = IoCreateDevice(KmtDriverObject, ExtensionSize, Name != NULL ? &String : NULL,
                                     FILE_DEVICE_UNKNOWN, 0, Exclusive, &Device);
    if (NT_SUCCESS(Status)) {
        Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    }
    return Device;
}

static inline NTSTATUS KmtComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static inline NTSTATUS KmtOpen(PHANDLE Handle, PCWSTR Name, ACCESS_MASK Access, ULONG Options)
{
    UNICODE_STRING String;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, &String, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ZwOpenFile(Handle, Access, &Attributes, &Iosb, 0, Options);
}

/* Sends a control to Device by IoBuildDeviceIoControlRequest and waits for the final status. */
static inline NTSTATUS KmtControl(PDEVICE_OBJECT Device, ULONG Code, PVOID Input, ULONG InputLength,
                                  PVOID Output, ULONG OutputLength, PIO_STATUS_BLOCK Iosb)
{
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildDeviceIoControlRequest(Code, Device, Input, InputLength, Output, OutputLength,
                                             FALSE, &Event, Iosb);
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = IoCallDriver(Device, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Status = Iosb->Status;
    }
    return Status;
}

#endif
