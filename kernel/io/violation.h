/*
 * violation.h - private to io: what drivers do wrong, and how a bugcheck names the one that did.
 *
 * Most mistakes are DRIVER_VERIFIER_IOMANAGER_VIOLATION: what, a routine of the driver or its
 * device, the IRP, and one more piece of evidence. The others have a code of their own. Each comes
 * with a line "Culprit: driver ..., device ..., IRP ...", made from the address of the driver's
 * code that called, or was called.
 */
#ifndef _VIOLATION_H_
#define _VIOLATION_H_

#include <ntddk.h>

/* The first parameter of DRIVER_VERIFIER_IOMANAGER_VIOLATION: Windows' numbers, and from 1001h on
 * our own. */
typedef enum _IOP_VIOLATION {
    IopFreedNoIrp = 0x1,          /* IoFreeIrp: not an IRP, or freed already */
    IopFreedThreadIrp = 0x2,      /* IoFreeIrp: still in a thread's list */
    IopCalledNoIrp = 0x3,         /* IoCallDriver, IoCancelIrp: not an IRP */
    IopCalledNoDevice = 0x4,      /* IoCallDriver: not a device object, or one that has gone */
    IopDispatchChangedIrql = 0x5, /* evidence: IRQL before << 8 | IRQL after */
    IopCompletedPending = 0x6,    /* IoCompleteRequest with STATUS_PENDING; evidence: status */
    IopCompletedCancelable = 0x7, /* IoCompleteRequest with a cancel routine; evidence: it */
    IopDeletedAttached = 0x201,   /* IoDeleteDevice before IoDetachDevice; evidence: device below */
    IopDetachedNothing = 0x202,   /* IoDetachDevice of a device with nothing attached */
    IopCalledCancelable = 0x203,  /* IoCallDriver with a cancel routine; evidence: it */
    IopCalledControlSet = 0x206,  /* IoCallDriver with a marked next location; evidence: Control */
    IopCalledCopiedRoutine = 0x207, /* the upper driver's routine is in the next location, too */
    IopFreedInUse = 0x20A, /* IoFreeIrp, IoReuseIrp: a driver below has it; evidence: its routine */
    IopStackTrashed = 0x212,       /* stack location out of range or not the caller's to change */
    IopStatusInconsistent = 0x224, /* dispatch answered the evidence, completed with another */
    IopStatusIllegal = 0x225,      /* dispatch answered, or an IRP was completed with, FFFFFFFFh */
    IopNotCompleted = 0x226, /* dispatch answered the evidence, but did not complete the IRP */
    IopPendingNotHandedOn = 0x228, /* a completion routine, with PendingReturned, did not mark it */
    IopPendingNotReturned = 0x23E, /* marked pending, but dispatch answered the evidence */
    IopDeviceDeletedTwice = 0x240, /* IoDeleteDevice */
    IopCompletedWithoutThread = 0x1001, /* a driver's own IRP whose completion nobody stopped */
    IopRoutineChangedIrql =
        0x1004, /* DriverEntry, DriverUnload, StartIo, a completion routine; as 5 */
    IopPendingNotMarked = 0x1006, /* dispatch answered STATUS_PENDING for an IRP it did not mark */
    IopTooMuchData =
        0x1008, /* more Information than the buffered output has room for; evidence: it */
    IopQueuedNoIrp = 0x1009,          /* a completed or freed IRP is queued; evidence: its Type */
    IopCancelLockHeld = 0x100A,       /* a cancel routine returned with the cancel spin lock */
    IopCancelRoutineBad = 0x100B,     /* IoCancelIrp: the cancel routine is in no module */
    IopRoutineChangedRegion = 0x100C, /* entered or left a critical region; evidence: by how many */
    IopFreedIrpWritten = 0x100D,      /* a freed IRP was written to; evidence: offset */
    IopAttachedTwice = 0x100E,        /* a device that is in a stack; evidence: device below */
    IopMasterBuffered = 0x100F, /* IoMakeAssociatedIrp: the count would overwrite the evidence, the
                                   master's system buffer, or its own master */
} IOP_VIOLATION;

/* First parameters of DRIVER_VERIFIER_DETECTED_VIOLATION, after those of kidebug.h; the others are
 * the caller, the lock and the tag. */
#define IOP_CHECK_REMOVE_LOCK_TAG 0xE7000010   /* not held with this tag */
#define IOP_CHECK_REMOVE_LOCK_LONG 0xE7000011  /* held too long */
#define IOP_CHECK_REMOVE_LOCK_MANY 0xE7000012  /* held too often at a time */
#define IOP_CHECK_REMOVE_LOCK_FREE 0xE7000013  /* released too often */
#define IOP_CHECK_REMOVE_LOCK_TWICE 0xE7000014 /* removed twice */

/* Whose mistake it is, when the IRP may be gone: noted before. */
typedef struct _IOP_BLAME {
    PVOID Subject; /* its dispatch routine */
    PDEVICE_OBJECT Device;
    PIRP Irp;
    UCHAR MajorFunction, MinorFunction;
} IOP_BLAME, *PIOP_BLAME;
/* Returns when that driver is not under verification. */
void IopBlame(IOP_VIOLATION What, const IOP_BLAME *Blame, ULONG_PTR Evidence);
/* The culprit is the driver that Subject, its routine or its device, belongs to; Irp may be NULL or
 * no IRP at all. Any IRQL. */
DECLSPEC_NORETURN void IopViolation(IOP_VIOLATION What, PVOID Subject, PIRP Irp,
                                    ULONG_PTR Evidence);
/* Another code; Irp is the first parameter, Caller the culprit. */
DECLSPEC_NORETURN void IopBadIrp(ULONG Code, PIRP Irp, PVOID Caller, ULONG_PTR Second,
                                 ULONG_PTR Third);
/* DRIVER_VERIFIER_DETECTED_VIOLATION with IOP_CHECK_*. */
DECLSPEC_NORETURN void IopCheckFailed(ULONG Check, PVOID Caller, ULONG_PTR Third, ULONG_PTR Fourth);
/* Bugchecks when Routine has not come back at the IRQL it was called at. */
void IopCheckIrql(PVOID Routine, PIRP Irp, KIRQL Before);
/* Bugchecks when Caller queues an IRP that is freed, or that nobody has been called with. */
void IopCheckQueueable(PIRP Irp, PVOID Caller);
/* Whether Size bytes at Address, which may be anything, are mapped kernel memory; and whether they
 * are a device object with its driver. */
BOOLEAN IopIsReadable(PVOID Address, SIZE_T Size);
BOOLEAN IopIsDevice(PDEVICE_OBJECT Device);
/* An IRP in special pool has no memory any more once it is freed. */
static inline BOOLEAN IopIsThere(PIRP Irp)
{
    return IopIsReadable(Irp, sizeof(*Irp));
}
/* Whether an address is the kernel's own, not a driver's. */
BOOLEAN IopIsInKernel(PVOID Address);
/* The name of a request: "IRP_MJ_READ". */
const char *IopMajorFunctionName(UCHAR MajorFunction);

#endif
