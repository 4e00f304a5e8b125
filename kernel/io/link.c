/*
 * link.c - names for devices, and devices for names: symbolic links and IoGetDeviceObjectPointer.
 *
 * A device found by name is kept by its file object: opening sent a create, and as long as the file
 * is referenced the device and its driver stay. So callers dereference the file, not the device.
 */
#include "iop.h"

NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    return ObCreateSymbolicLink(SymbolicLinkName, DeviceName, __builtin_return_address(0), NULL);
}

NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    return ObDeleteSymbolicLink(SymbolicLinkName);
}

NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                                        PFILE_OBJECT *FileObject, PDEVICE_OBJECT *DeviceObject)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle;
    InitializeObjectAttributes(&Attributes, ObjectName, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status =
        ZwOpenFile(&Handle, DesiredAccess, &Attributes, &Iosb, 0, FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, 0, IoFileObjectType, KernelMode, (PVOID *)FileObject,
                                       NULL);
    if (NT_SUCCESS(Status)) {
        *DeviceObject = IoGetRelatedDeviceObject(*FileObject);
    }
    // The driver sees the cleanup now, and the close when the file object is dereferenced.
    ZwClose(Handle);
    return Status;
}
