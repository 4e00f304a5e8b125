/*
 * iop.h - private to io: what its files share.
 *
 * Lock legend:  b IopDatabaseLock (spin): the lists of devices, attachments, reference counts and
 * flags of device objects   c IopCancelSpinLock   t only the IRP's thread, at APC_LEVEL   f the
 * file object's own lock (synchronous files)   i fixed after creation   o atomic.
 *
 * DEVICE_OBJECT: ReferenceCount, NextDevice, AttachedDevice b; Flags, StackSize by the driver;
 * CurrentIrp by StartIo's rules; DeviceQueue has its own lock; the rest i.
 * FILE_OBJECT: Busy, Waiters o; CurrentByteOffset, FinalStatus f; the rest i after the create.
 * IRP: ThreadListEntry t; CancelRoutine o, CancelIrql c; everything else belongs to whoever has
 * the IRP: the driver that was called with it, until it calls the next one or completes it.
 */
#ifndef _IOP_H_
#define _IOP_H_

#include "ex.h"
#include "ke.h"
#include "kd.h"
#include "ldr.h"
#include "ob.h"
#include "ps.h"
#include "io.h"
#include "mm.h"
#include "violation.h"

/* Type fields, with Windows' numbers. */
#define IO_TYPE_DEVICE 3
#define IO_TYPE_DRIVER 4
#define IO_TYPE_FILE 5
#define IO_TYPE_IRP 6
#define IO_TYPE_TIMER 9
#define IO_TYPE_DEVICE_OBJECT_EXTENSION 13

#define IOP_TAG_IRP 0x20707249      /* "Irp " */
#define IOP_TAG_BUFFER 0x42706F49   /* "IopB": system buffers */
#define IOP_TAG_NAME 0x4E706F49     /* "IopN" */
#define IOP_TAG_SECURITY 0x53706F49 /* "IopS" */
#define IOP_TAG 0x20706F49          /* "Iop " */

/* DEVOBJ_EXTENSION.ExtensionFlags, with Windows' numbers. */
#define DOE_UNLOAD_PENDING 0x00000001
#define DOE_DELETE_PENDING 0x00000002
#define DOE_DELETED 0x80000000      /* Etude: out of its driver's list */
#define DOE_DELETE_BEGUN 0x40000000 /* Etude: nothing more is registered for it */

/* How the next packet was asked for. */
typedef struct _IOP_NEXT_PACKET {
    BOOLEAN Cancelable;
    BOOLEAN ByKey;
    ULONG Key;
} IOP_NEXT_PACKET, *PIOP_NEXT_PACKET;

/* The first three fields are public; the rest is Etude's own. */
typedef struct _DEVOBJ_EXTENSION {
    SHORT Type;
    USHORT Size;
    PDEVICE_OBJECT DeviceObject; /* i */
    ULONG ExtensionFlags;        /* b  DOE_* */
    PDEVICE_OBJECT AttachedTo;   /* b  the device below */
    BOOLEAN DeferredStartIo;     /* i  IoSetStartIoAttributes */
    BOOLEAN NonCancelable;       /* i */
    volatile LONG StartIoState;  /* o  see startio.c */
    UNICODE_STRING Name;         /* i  as it was created with; empty: none */
    UNICODE_STRING Instance;     /* i  of a physical device object, see instance.c; or empty */
    IOP_NEXT_PACKET NextPacket;  /* of the current request's owner; see startio.c */
} DEVOBJ_EXTENSION, *PDEVOBJ_EXTENSION;

static inline PDEVOBJ_EXTENSION IopExtension(PDEVICE_OBJECT Device)
{
    return Device->DeviceObjectExtension;
}

/* A driver object as it is allocated; drivers see the first two parts. */
typedef struct _IOP_DRIVER {
    DRIVER_OBJECT Object;       /* DeviceObject: b; Flags: b */
    DRIVER_EXTENSION Extension; /* i */
    IO_DRIVER_GONE *Gone;       /* i  NULL: part of the kernel */
    BOOLEAN UnloadPending;      /* b */
    BOOLEAN Reinitializing;     /* b  one of its routines is called: no unload meanwhile */
    WORK_QUEUE_ITEM UnloadItem; /* for an unload that the last close begins */
    LIST_ENTRY Extensions;      /* b  of IOP_CLIENT_EXTENSION.Link */
} IOP_DRIVER, *PIOP_DRIVER;

static inline PIOP_DRIVER IopDriver(PDRIVER_OBJECT DriverObject)
{
    return CONTAINING_RECORD(DriverObject, IOP_DRIVER, Object);
}

extern KSPIN_LOCK IopDatabaseLock;
extern KSPIN_LOCK IopCancelSpinLock;

/* Parameters of an open, on the opener's stack: IopParseDevice's Context. */
#define IOP_OPEN_SIGNATURE 0x4F706F49 /* "IopO": a parse for a key, say, brings another context */
typedef struct _IOP_OPEN_PACKET {
    ULONG Signature;
    ACCESS_MASK DesiredAccess;
    ULONG CreateOptions;
    ULONG FileAttributes;
    ULONG ShareAccess;
    ULONG Disposition;
    LARGE_INTEGER AllocationSize;
    PVOID EaBuffer;
    ULONG EaLength;
    PFILE_OBJECT RelatedFile; /* that the name is relative to, or NULL */
    PFILE_OBJECT FileObject;  /* out: what was opened, referenced; NULL: the name is no device's */
    ULONG_PTR Information;    /* out: FILE_OPENED ... */
    NTSTATUS Status;          /* out: which success */
} IOP_OPEN_PACKET, *PIOP_OPEN_PACKET;

/* device.c */
void IopDeleteDevice(PVOID Object);
/* Counts an open of Device. STATUS_NO_SUCH_DEVICE: going away or not yet there;
 * STATUS_ACCESS_DENIED: exclusive and open, and Related, a file that the open is relative to, is
 * NULL. */
NTSTATUS IopReferenceDevice(PDEVICE_OBJECT Device, PFILE_OBJECT Related);
/* The reverse; the last one completes a pending deletion or unload. IRQL <= DISPATCH_LEVEL. */
void IopDereferenceDevice(PDEVICE_OBJECT Device);
/* With the database lock held, which is released here: deletes or unloads what waited for Device
 * to be unused. */
void IopSettleDevice(PDEVICE_OBJECT Device, KIRQL OldIrql);

/* attach.c */
/* The device at the top of Device's stack, to be given back with IopReleaseTop: until then a filter
 * that is detached and deleted meanwhile is still there to be called, its driver, too. The caller
 * keeps Device itself. Any IRQL <= DISPATCH_LEVEL. */
PDEVICE_OBJECT IopReferenceTop(PDEVICE_OBJECT Device);
void IopReleaseTop(PDEVICE_OBJECT Device, PDEVICE_OBJECT Top);

/* driver.c */
void IopDeleteDriver(PVOID Object);
NTSTATUS NTAPI IopInvalidDeviceRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp);
/* A driver that is part of the kernel, named Directory + Name; its devices are the caller's to
 * make. */
NTSTATUS IopCreateBuiltInDriver(PCWSTR Directory, PCWSTR Name, PDRIVER_OBJECT *DriverObject);

/* extension.c: those of IoAllocateDriverObjectExtension, when the object goes. */
void IopFreeDriverExtensions(PDRIVER_OBJECT DriverObject);

/* reinit.c: calls the routines that have been registered and are due; after a driver was loaded. */
void IopReinitializeDrivers(void);
/* Forgets those of a driver that failed to load or is unloaded. */
void IopForgetReinitialization(PDRIVER_OBJECT DriverObject);

/* errorlog.c */
void IopInitializeErrorLog(void);

/* instance.c */
#define IOP_INSTANCE_CHARACTERS 128
NTSTATUS IopCreateRootBus(void);
/* Makes Device the physical device object of a device called Name, a copy of which it keeps.
 * PASSIVE_LEVEL. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS IopSetInstance(PDEVICE_OBJECT Device, PCUNICODE_STRING Name);
/* Appends Value's last hexadecimal digits; there is room. */
void IopAppendHex(PUNICODE_STRING Text, ULONG Value, ULONG Digits);
/* Deletes the devices that a driver has reported; it has been unloaded, or has failed to load. */
void IopDeleteReportedDevices(PDRIVER_OBJECT Reporter);

/* pnpnotify.c: that an interface came or went, for who wants to know. n: the file's mutex; i: fixed
 * once it is sent. */
typedef struct _IOP_NOTICE {
    LIST_ENTRY Link;     /* n  its maker's before it is sent */
    ULONG64 Number;      /* i */
    GUID Event;          /* i */
    GUID Class;          /* i */
    UNICODE_STRING Name; /* i  terminated */
    PWSTR Shown;         /* i; what it points to: a copy, the called routine's */
    WCHAR Buffer[];
} IOP_NOTICE, *PIOP_NOTICE;
void IopInitializeNotification(void);
/* NULL: no memory. PASSIVE_LEVEL, as all of these. */
PIOP_NOTICE IopMakeNotice(BOOLEAN Arrival, const GUID *Class, PCUNICODE_STRING Name);
/* One that is not to be sent; or NULL. */
void IopFreeNotice(PIOP_NOTICE Notice);
/* Has the routines called, later; takes the notice. Interfaces locked. */
void IopSendNotice(PIOP_NOTICE Notice);
/* Says what Driver, which failed to start (then it is taken back) or unloads, has registered and
 * left. */
void IopReportNotification(PDRIVER_OBJECT Driver, BOOLEAN TakeBack);

/* interface.c: forgets those of a device that is being deleted. */
void IopInitializeInterfaces(void);
void IopForgetInterfaces(PDEVICE_OBJECT Device);
/* Nobody else changes interfaces between the two. */
void IopLockInterfaces(void);
void IopUnlockInterfaces(void);
/* Locked. Appends an arrival for each enabled interface of the class.
 * STATUS_INSUFFICIENT_RESOURCES: for some. */
NTSTATUS IopMakeExistingNotices(const GUID *Class, PLIST_ENTRY Notices);

/* shutdown.c: the second takes back the notifications of a device that is being deleted. */
void IopInitializeShutdown(void);
void IopForgetShutdown(PDEVICE_OBJECT Device);

/* unload.c: with the database lock held: a pending unload can go ahead; whoever is told so, once,
 * must call IopQueueUnload after dropping the lock. */
BOOLEAN IopUnloadDue(PDRIVER_OBJECT DriverObject);
void IopQueueUnload(PDRIVER_OBJECT DriverObject);
/* Calls Routine(Context) at PASSIVE_LEVEL in a system worker thread and waits for it. */
void IopCallInWorker(void (*Routine)(PVOID Context), PVOID Context);

/* filelock.c: the lock of a synchronous file, with which its requests and its cleanup take turns.
 * Alertable: an alert may end the wait with STATUS_ALERTED, which is no error, and without the
 * lock; otherwise it is STATUS_SUCCESS in the end. PASSIVE_LEVEL. */
NTSTATUS IopAcquireFileLock(PFILE_OBJECT File, BOOLEAN Alertable);
void IopReleaseFileLock(PFILE_OBJECT File);

/* secure.c: whether the system may open Device with *DesiredAccess, of which MAXIMUM_ALLOWED
 * becomes what is allowed. Inside: not the device itself, but a name below it or relative to a file
 * of it. STATUS_ACCESS_DENIED. */
NTSTATUS IopCheckOpen(PDEVICE_OBJECT Device, BOOLEAN Inside, PACCESS_MASK DesiredAccess);

/* create.c, close.c */
/* queryname.c: the File type's. */
NTSTATUS IopQueryFileName(PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information,
                          ULONG Length, PULONG ReturnLength);
NTSTATUS IopParseDevice(PVOID ParseObject, PUNICODE_STRING RemainingName, ULONG Attributes,
                        PACCESS_MASK DesiredAccess, PVOID Context, PVOID *Object);
NTSTATUS IopParseFile(PVOID ParseObject, PUNICODE_STRING RemainingName, ULONG Attributes,
                      PACCESS_MASK DesiredAccess, PVOID Context, PVOID *Object);
void IopOpenFileHandle(PVOID Object);
void IopCloseFile(PVOID Object, BOOLEAN LastHandle);
void IopDeleteFile(PVOID Object);

/* request.c: what the services for reading, writing and controls have in common. */
typedef struct _IOP_REQUEST {
    PFILE_OBJECT File;     /* referenced */
    ACCESS_MASK Granted;   /* to the handle */
    PKEVENT Event;         /* referenced, or NULL */
    PDEVICE_OBJECT Device; /* the top of the stack, IopReferenceTop; or NULL */
    PIO_STATUS_BLOCK Iosb;
    PIO_APC_ROUTINE ApcRoutine;
    PVOID ApcContext;
    BOOLEAN Synchronous; /* the file's lock is held */
} IOP_REQUEST, *PIOP_REQUEST;
/* Bugchecks IRQL_GT_ZERO_AT_SYSTEM_SERVICE where a completion APC could not arrive: above
 * PASSIVE_LEVEL or in a guarded region, the caller would wait for ever. */
void IopCheckServiceContext(PVOID Caller);
/* Resolves the handles and takes a synchronous file's lock. Only STATUS_SUCCESS means that the
 * request has begun: STATUS_ALERTED, while it waits for the lock, is a success code too. */
NTSTATUS IopBeginRequest(PIOP_REQUEST Request, HANDLE FileHandle, HANDLE EventHandle);
/* An IRP for the request, its parameters still to be filled in; NULL when out of memory. */
PIRP IopAllocateRequestIrp(PIOP_REQUEST Request, UCHAR MajorFunction);
/* Frees an IRP that was never sent, with its buffers. */
void IopDiscardIrp(PIRP Irp);
/* Drops what IopBeginRequest took; the request fails. */
void IopAbandonRequest(PIOP_REQUEST Request);
/* Sends the IRP, waits when the file is synchronous, and answers the caller's status. */
NTSTATUS IopSendRequest(PIOP_REQUEST Request, PIRP Irp);
/* The same for services that always wait: on a file that is not synchronous, too, and without an
 * alert ending the wait there. The status block is written unless the request failed at once. */
NTSTATUS IopSendRequestAndWait(PIOP_REQUEST Request, PIRP Irp);
/* An IRP of MajorFunction for the request with a system buffer of Length bytes, copied from Buffer
 * before (ToDevice) or to it afterwards. On failure the request is abandoned. */
NTSTATUS IopBuildInformationIrp(PIOP_REQUEST Request, UCHAR MajorFunction, PVOID Buffer,
                                ULONG Length, BOOLEAN ToDevice, PIRP *NewIrp);
/* The dispatch routine answered Returned, which is not STATUS_PENDING: finishes the IRP in its
 * thread, drops the IRP's reference to File, and answers the final status block. */
IO_STATUS_BLOCK IopFinishNow(PIRP Irp, PFILE_OBJECT File, NTSTATUS Returned);
/* The dispatch routine answered STATUS_PENDING: catches one that did not mark the IRP. */
void IopCheckPending(PIRP Irp, PFILE_OBJECT File);
/* A system buffer of Length bytes for Irp, a copy of Source's first SourceLength. Room: how many
 * bytes of it the requester takes back at most; IopSystemBufferRoom tells, and 0 when Irp has
 * none. */
NTSTATUS IopAllocateSystemBuffer(PIRP Irp, ULONG Length, PVOID Source, ULONG SourceLength,
                                 ULONG Room);
ULONG IopSystemBufferRoom(PIRP Irp);
/* Frees Irp's system buffer, if it has one. */
void IopFreeSystemBuffer(PIRP Irp);
/* An MDL for a kernel buffer, hung on Irp, its pages locked for Operation. After a failure Irp may
 * have the MDL all the same. */
NTSTATUS IopDescribeBuffer(PIRP Irp, PVOID Buffer, ULONG Length, LOCK_OPERATION Operation);
/* Unlocks and frees the MDLs that io hung on Irp, or that drivers added to the chain. */
void IopFreeMdls(PIRP Irp);
/* Describes the buffer of a read or write as Device's flags say; ToDevice: a write. */
NTSTATUS IopSetTransferBuffer(PIRP Irp, PDEVICE_OBJECT Device, PVOID Buffer, ULONG Length,
                              BOOLEAN ToDevice);
/* Describes the buffers of a control in Irp and its next stack location, by the code's method. */
NTSTATUS IopSetControlBuffers(PIRP Irp, ULONG IoControlCode, PVOID InputBuffer,
                              ULONG InputBufferLength, PVOID OutputBuffer,
                              ULONG OutputBufferLength);

/* IRP.AllocationFlags: ALLOCATED_FIXED_SIZE and LOOKASIDE with Windows' numbers. The last, o, tell
 * the sender of an IRP_DEFER_IO_COMPLETION request and its completer of each other, see
 * IopCheckPending. */
#define IOP_IRP_GUARDED 0x02 /* i  in special pool */
#define IRP_ALLOCATED_FIXED_SIZE 0x04
#define IRP_LOOKASIDE_ALLOCATION 0x08
#define IOP_IRP_COMPLETING 0x10 /* o  its completion is on its way to the thread */
#define IOP_IRP_ORPHANED 0x20   /* o  the thread has ended without it */
#define IOP_IRP_RETURNED_PENDING 0x40
#define IOP_IRP_LEFT_TO_SENDER 0x80

/* irp.c */
/* Locations of an IRP at most: CurrentLocation, a signed byte, is two more when it is completed. */
#define IOP_MAXIMUM_STACK 125
void IopInitializeIrps(void);
/* An IRP with a stack for Device; waits for memory if it must. PASSIVE_LEVEL. */
PIRP IopAllocateIrpMustSucceed(PDEVICE_OBJECT Device);

/* complete.c: the last step of a completion, in the IRP's thread at APC_LEVEL. */
void IopFinishIrp(PIRP Irp, PFILE_OBJECT File);

/* Whether a routine with these SL_INVOKE_ON_* flags is to hear of the IRP's completion. */
BOOLEAN IopWantsToKnow(PIRP Irp, UCHAR Control);

/* requestor.c: the last step for an associated IRP: frees it, and perhaps completes its master. */
void IopFinishAssociatedIrp(PIRP Irp, CCHAR PriorityBoost);

/* cancel.c: the list of a thread's IRPs. */
void IopQueueThreadIrp(PIRP Irp);
void IopDequeueThreadIrp(PIRP Irp);
/* Whether Irp, which may have been freed, is still under way for this thread; at APC_LEVEL. */
BOOLEAN IopIsThreadIrp(PIRP Irp);
/* Is an IRP of the current thread's list a request on File that is still under way? */
static inline BOOLEAN IopIsRequestOf(PIRP Irp, PFILE_OBJECT File)
{
    // In one that is completed there is an APC in this place, whose SystemArgument2 is NULL.
    return Irp->Tail.Overlay.OriginalFileObject == File;
}

/* timer.c */
void IopInitializeTimers(void);
void IopDeleteTimer(PDEVICE_OBJECT Device);

/* bootfs.c */
NTSTATUS IopCreateBootFileSystem(void);

#endif
