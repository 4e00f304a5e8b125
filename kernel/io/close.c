/*
 * close.c - the end of a file object, in two steps that drivers see.
 *
 * IRP_MJ_CLEANUP when the last handle is closed: requests that are still under way should end.
 * IRP_MJ_CLOSE when the last reference has gone, and with it every IRP: the driver forgets the
 * file. Each is sent once, in this order, also for a file that never got a handle; only who makes a
 * new handle for a file without one, by its pointer, has another cleanup sent with the end of that.
 * Neither can fail, and both are waited for; they complete by setting an event here, without an
 * APC.
 */
#include "iop.h"

/* The event is waited for whatever the dispatch routine answered: it is set by the completion
 * alone. */
static void IopSendAndWait(PFILE_OBJECT File, UCHAR MajorFunction)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    PDEVICE_OBJECT Top = IopReferenceTop(File->DeviceObject);
    PIRP Irp = IopAllocateIrpMustSucceed(Top);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    Irp->RequestorMode = KernelMode;
    Irp->UserIosb = &Iosb;
    Irp->UserEvent = &Event;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = File;
    Stack->MajorFunction = MajorFunction;
    Stack->FileObject = File;
    IofCallDriver(Top, Irp);
    IopReleaseTop(File->DeviceObject, Top);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    IoFreeIrp(Irp);
}

/* Others may be changing flags of a file that is open already. */
void IopOpenFileHandle(PVOID Object)
{
    PFILE_OBJECT File = Object;
    InterlockedOr((volatile LONG *)&File->Flags, FO_HANDLE_CREATED);
}

/* A synchronous file's requests and its cleanup take turns, as Windows has it. */
void IopCloseFile(PVOID Object, BOOLEAN LastHandle)
{
    PFILE_OBJECT File = Object;
    BOOLEAN Synchronous = (File->Flags & FO_SYNCHRONOUS_IO) != 0;
    if (!LastHandle || File->DeviceObject == NULL) {
        return;
    }
    if (Synchronous) {
        IopAcquireFileLock(File, FALSE); // a close cannot give up, whatever the file's flags
    }
    IopSendAndWait(File, IRP_MJ_CLEANUP);
    if (Synchronous) {
        IopReleaseFileLock(File);
    }
}

void IopDeleteFile(PVOID Object)
{
    PFILE_OBJECT File = Object;
    if (File->DeviceObject != NULL) {
        if (!(File->Flags & FO_HANDLE_CREATED)) {
            IopCloseFile(File, TRUE);
        }
        IopSendAndWait(File, IRP_MJ_CLOSE);
        IopDereferenceDevice(File->DeviceObject);
    }
    if (File->FileName.Buffer != NULL) {
        ExFreePool(File->FileName.Buffer); // file systems may have put another buffer there
    }
}
