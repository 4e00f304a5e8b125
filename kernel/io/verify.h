/*
 * verify.h - private to io: the checks that are made for drivers under verification (verify.c). The
 * debug kernel verifies every driver, the release kernel those that the console's `verifier` names.
 */
#ifndef _VERIFY_H_
#define _VERIFY_H_

#include <ntddk.h>
#include "violation.h"

/* What is checked, with Windows' flags: 0 nothing. Read without a lock; a call that began before
 * does without. */
#define IOP_VERIFY_SPECIAL 0x01 /* IRPs and system buffers from special pool, gone when freed */
#define IOP_VERIFY_IO 0x10      /* what drivers do with requests */
extern volatile LONG IopVerifying;
/* It has been so once, and visits that began then end now: set before IopVerifying, and for
 * good. */
extern volatile LONG IopWatching;

void IopInitializeVerifier(void);
/* The command line's `verifier=FLAGS`, for all drivers, instead of what the kernel was built
 * with. */
void IopReadVerifierOption(void);
/* What has been checked. */
enum {
    IopVerifiedCalls,
    IopVerifiedPassings,
    IopVerifiedFrees,
    IopVerifyCounts
};
extern volatile LONG64 IopVerifyCount[IopVerifyCounts]; /* o */

/* What a routine of a driver must leave as it found it. */
typedef struct _IOP_CONTEXT {
    KIRQL Irql;
    SHORT KernelApcDisable, SpecialApcDisable;
    ULONG Locks; /* held, in the debug kernel */
} IOP_CONTEXT, *PIOP_CONTEXT;
void IopNoteContext(PIOP_CONTEXT Context);
/* Routine has returned. Locks first: they say more than the IRQL that comes with them. */
void IopCheckContext(const IOP_CONTEXT *Context, PVOID Routine, PIRP Irp);

/* Memory of Size bytes that nobody can touch any more when it has been freed; NULL: out of
 * memory. */
PVOID IopAllocateGuarded(SIZE_T Size, ULONG Tag);
/* Caller is about to send Irp: is it as it should be? What is no IRP in readable memory is left to
 * the checks that are always made. */
void IopVerifyForward(PIRP Irp, PVOID Caller);
/* Calls Dispatch, whose location is current, and checks how it answers, now and when the IRP's
 * completion has passed its location. */
NTSTATUS IopVerifyDispatch(PDEVICE_OBJECT Device, PIRP Irp, PDRIVER_DISPATCH Dispatch);
/* The same for a completion routine, whose driver is the one above. */
NTSTATUS IopVerifyRoutine(PDEVICE_OBJECT Device, PIRP Irp, PIO_COMPLETION_ROUTINE Routine,
                          PVOID Context);
/* The completion passes Irp's location of that number, which has Control. */
void IopVerifyPassing(PIRP Irp, CHAR Location, UCHAR Control);
/* Caller completes Irp. */
void IopVerifyCompletion(PIRP Irp, PVOID Caller);
/* Caller frees or reuses Irp: does a driver below have it still? */
void IopVerifyUnused(PIRP Irp, PVOID Caller);
/* Who has which IRP, now: fills Found, at most Limit, and answers how many. */
ULONG IopCollectVisits(PIOP_BLAME Found, ULONG Limit);
/* Irp, which was Caller's to free, is poisoned and kept for a while; answers one that has been kept
 * long enough and may be freed, or NULL. */
PIRP IopQuarantineIrp(PIRP Irp, PVOID Caller);
/* Frees an IRP for good. (irp.c) */
void IopReleaseIrp(PIRP Irp);

#endif
