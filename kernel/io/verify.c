/*
 * verify.c - what a driver does with a request, watched from call to completion.
 *
 * Whenever a driver under verification may be concerned, IofCallDriver makes a visit: a driver's
 * stay with an IRP. Two things end it, in either order and maybe on two processors: the dispatch
 * routine answers, and the IRP's completion passes the visit's stack location. Together they tell
 * whether the driver kept its promise:
 *
 *     answered          location marked pending    then the completion
 *     STATUS_PENDING    yes                        passes, now or later
 *     another status    no                         has passed, with the same status
 *
 * A driver that skips its location shares it with the next one, which makes two visits of it.
 * Visits are found by their IRP's address, in buckets with a lock each; an IRP that still has a
 * visit that was not passed cannot have been freed, so it may be looked at with that lock held.
 *
 * Lock legend:  v the bucket's lock   i fixed after creation.
 *
 * A freed IRP is filled with a pattern and kept for a while. It is not an IRP to anybody, and who
 * writes to it leaves a trace.
 */
#include "iop.h"
#include "verify.h"

#define IOP_VISIT_BUCKETS 32
#define IOP_QUARANTINE 64
#define IOP_POISON 0xF1
#define IOP_ILLEGAL_STATUS ((NTSTATUS)-1)
#define IOP_TAG_VISIT 0x56706F49 /* "IopV" */
#define IOP_INVOKE_FLAGS (SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL)

typedef struct _IOP_VISIT {
    LIST_ENTRY Link;                /* v */
    IOP_BLAME Blame;                /* i  the driver: its dispatch routine, device and request */
    PIO_COMPLETION_ROUTINE Routine; /* i  as it found its location: the caller's */
    PVOID Context;                  /* i */
    UCHAR Invoke;                   /* i */
    CHAR Location;                  /* i */
    BOOLEAN Passed, Marked;         /* v  with SL_PENDING_RETURNED */
    BOOLEAN Returned;               /* v */
    NTSTATUS Final, Answer;         /* v */
} IOP_VISIT, *PIOP_VISIT;

static struct {
    KSPIN_LOCK Lock;
    LIST_ENTRY Visits; /* v  latest first */
} IopBuckets[IOP_VISIT_BUCKETS];

typedef struct _IOP_FREED_IRP {
    PIRP Irp;
    PVOID Caller;
    USHORT Size;
    CHAR StackCount;
    UCHAR AllocationFlags;
} IOP_FREED_IRP, *PIOP_FREED_IRP;

static struct {
    KSPIN_LOCK Lock;
    ULONG Next;                          /* of the ring: the oldest */
    IOP_FREED_IRP Freed[IOP_QUARANTINE]; /* Lock */
} IopQuarantine;

static NPAGED_LOOKASIDE_LIST IopVisits;

void IopInitializeVerifier(void)
{
    ExInitializeNPagedLookasideList(&IopVisits, NULL, NULL, 0, sizeof(IOP_VISIT), IOP_TAG_VISIT, 0);
    for (ULONG i = 0; i < IOP_VISIT_BUCKETS; i++) {
        KeInitializeSpinLock(&IopBuckets[i].Lock);
        InitializeListHead(&IopBuckets[i].Visits);
    }
    KeInitializeSpinLock(&IopQuarantine.Lock);
    IopReadVerifierOption();
}

PVOID IopAllocateGuarded(SIZE_T Size, ULONG Tag)
{
    return ExAllocatePoolWithTagPriority(NonPagedPoolNx, Size, Tag,
                                         NormalPoolPrioritySpecialPoolOverrun);
}

/* The checks that are always made find nothing to complain of. */
static BOOLEAN IopIsSound(PIRP Irp)
{
    return Irp->Type == IO_TYPE_IRP && Irp->CurrentLocation <= Irp->StackCount + 1;
}

void IopNoteContext(PIOP_CONTEXT Context)
{
    PKTHREAD Thread = KeGetCurrentThread();
    Context->Irql = KeGetCurrentIrql();
    Context->KernelApcDisable = Thread->KernelApcDisable;
    Context->SpecialApcDisable = Thread->SpecialApcDisable;
    Context->Locks = Context->Irql >= DISPATCH_LEVEL ? KiCountHeldLocks() : 0;
}

void IopCheckContext(const IOP_CONTEXT *Context, PVOID Routine, PIRP Irp)
{
    PKTHREAD Thread = KeGetCurrentThread();
    if (!IopIsVerified(Routine)) {
        return;
    }
    if (KeGetCurrentIrql() >= DISPATCH_LEVEL) {
        KiCheckReturnedLocks(Routine, Context->Locks);
    }
    if (Thread->KernelApcDisable != Context->KernelApcDisable ||
        Thread->SpecialApcDisable != Context->SpecialApcDisable) {
        LONG Kernel = Thread->KernelApcDisable - Context->KernelApcDisable;
        LONG Special = Thread->SpecialApcDisable - Context->SpecialApcDisable;
        IopViolation(IopRoutineChangedRegion, Routine, Irp, (ULONG_PTR)(ULONG)(Kernel + Special));
    }
}

static ULONG IopBucketOf(const IRP *Irp)
{
    return (ULONG)(((ULONG_PTR)Irp >> 4) * 0x9E3779B97F4A7C15ULL >> 59);
}
C_ASSERT(IOP_VISIT_BUCKETS == 1 << (64 - 59));

/* The latest visit of Irp that its completion has not passed, at Location or (0) anywhere.
 * Locked. */
static PIOP_VISIT IopFindVisit(PLIST_ENTRY Head, const IRP *Irp, CHAR Location)
{
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        PIOP_VISIT Visit = CONTAINING_RECORD(Link, IOP_VISIT, Link);
        if (Visit->Blame.Irp == Irp && !Visit->Passed &&
            (Location == 0 || Visit->Location == Location)) {
            return Visit;
        }
    }
    return NULL;
}

/* A copy of that visit; FALSE: none. */
static BOOLEAN IopCopyVisit(PIRP Irp, CHAR Location, PIOP_VISIT Copy)
{
    ULONG Bucket = IopBucketOf(Irp);
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopBuckets[Bucket].Lock);
    PIOP_VISIT Visit = IopFindVisit(&IopBuckets[Bucket].Visits, Irp, Location);
    if (Visit != NULL) {
        *Copy = *Visit;
    }
    KeReleaseSpinLock(&IopBuckets[Bucket].Lock, OldIrql);
    return Visit != NULL;
}

/* Who is at work on Irp: the driver that was called with it last, or its sender. Caller is the
 * address that was returned to, which is the kernel's when a driver's last call was a jump. */
static IOP_BLAME IopCulpritOf(PIRP Irp, PVOID Caller)
{
    IOP_VISIT Latest;
    if (!IopCopyVisit(Irp, 0, &Latest)) {
        return (IOP_BLAME){.Subject = Caller, .Irp = Irp};
    }
    if (!IopIsInKernel(Caller)) {
        Latest.Blame.Subject = Caller;
    }
    return Latest.Blame;
}

/* Memory is short: this one goes unwatched. */
static PIOP_VISIT IopBeginVisit(PDEVICE_OBJECT Device, PIRP Irp, PDRIVER_DISPATCH Dispatch)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PIOP_VISIT Visit = ExAllocateFromNPagedLookasideList(&IopVisits);
    if (Visit == NULL) {
        return NULL;
    }
    *Visit = (IOP_VISIT){
        .Blame = {(PVOID)Dispatch, Device, Irp, Stack->MajorFunction, Stack->MinorFunction},
        .Routine = Stack->CompletionRoutine,
        .Context = Stack->Context,
        .Invoke = Stack->Control & IOP_INVOKE_FLAGS,
        .Location = Irp->CurrentLocation};
    ULONG Bucket = IopBucketOf(Irp);
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopBuckets[Bucket].Lock);
    InsertHeadList(&IopBuckets[Bucket].Visits, &Visit->Link);
    KeReleaseSpinLock(&IopBuckets[Bucket].Lock, OldIrql);
    return Visit;
}

/* Both ends are known, and nobody else has the visit any more. */
static void IopJudgeVisit(PIOP_VISIT Visit)
{
    BOOLEAN Pending = Visit->Answer == STATUS_PENDING;
    if (Pending && !Visit->Marked) {
        IopBlame(IopPendingNotMarked, &Visit->Blame, (ULONG)Visit->Final);
    }
    if (!Pending && Visit->Marked) {
        IopBlame(IopPendingNotReturned, &Visit->Blame, (ULONG)Visit->Answer);
    }
    if (!Pending && Visit->Answer != Visit->Final) {
        IopBlame(IopStatusInconsistent, &Visit->Blame, (ULONG)Visit->Answer);
    }
    ExFreeToNPagedLookasideList(&IopVisits, Visit);
}

/* The dispatch routine has answered. */
static void IopEndVisit(PIOP_VISIT Visit, NTSTATUS Answer)
{
    ULONG Bucket = IopBucketOf(Visit->Blame.Irp);
    IOP_BLAME Blame = Visit->Blame;
    BOOLEAN Marked = FALSE;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopBuckets[Bucket].Lock);
    BOOLEAN Passed = Visit->Passed;
    if (!Passed) {
        PIO_STACK_LOCATION First = (PIO_STACK_LOCATION)(Blame.Irp + 1);
        Marked = (First[Visit->Location - 1].Control & SL_PENDING_RETURNED) != 0;
    } else {
        RemoveEntryList(&Visit->Link);
    }
    Visit->Answer = Answer;
    Visit->Returned = TRUE;
    KeReleaseSpinLock(&IopBuckets[Bucket].Lock, OldIrql);
    if (Answer == IOP_ILLEGAL_STATUS) {
        IopBlame(IopStatusIllegal, &Blame, (ULONG)Answer);
    }
    if (Passed) {
        IopJudgeVisit(Visit);
    } else if (Answer != STATUS_PENDING) {
        IopBlame(Marked ? IopPendingNotReturned : IopNotCompleted, &Blame, (ULONG)Answer);
    }
}

NTSTATUS IopVerifyDispatch(PDEVICE_OBJECT Device, PIRP Irp, PDRIVER_DISPATCH Dispatch)
{
    IOP_CONTEXT Context;
    PIOP_VISIT Visit = IopBeginVisit(Device, Irp, Dispatch);
    InterlockedIncrement64(&IopVerifyCount[IopVerifiedCalls]);
    IopNoteContext(&Context);
    NTSTATUS Status = Dispatch(Device, Irp);
    IopCheckContext(&Context, (PVOID)Dispatch, Irp);
    if (Visit != NULL && KeGetCurrentIrql() <= DISPATCH_LEVEL) {
        IopEndVisit(Visit, Status);
    }
    return Status;
}

NTSTATUS IopVerifyRoutine(PDEVICE_OBJECT Device, PIRP Irp, PIO_COMPLETION_ROUTINE Routine,
                          PVOID Context)
{
    IOP_CONTEXT Before;
    IopNoteContext(&Before);
    NTSTATUS Status = Routine(Device, Irp, Context);
    IopCheckContext(&Before, (PVOID)Routine, Irp);
    return Status;
}

void IopVerifyPassing(PIRP Irp, CHAR Location, UCHAR Control)
{
    LIST_ENTRY Done;
    PIOP_VISIT Visit;
    ULONG Bucket = IopBucketOf(Irp);
    InterlockedIncrement64(&IopVerifyCount[IopVerifiedPassings]);
    InitializeListHead(&Done);
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopBuckets[Bucket].Lock);
    while ((Visit = IopFindVisit(&IopBuckets[Bucket].Visits, Irp, Location)) != NULL) {
        Visit->Passed = TRUE;
        Visit->Marked = (Control & SL_PENDING_RETURNED) != 0;
        Visit->Final = Irp->IoStatus.Status;
        if (Visit->Returned) {
            RemoveEntryList(&Visit->Link);
            InsertTailList(&Done, &Visit->Link);
        }
    }
    KeReleaseSpinLock(&IopBuckets[Bucket].Lock, OldIrql);
    while (!IsListEmpty(&Done)) {
        IopJudgeVisit(CONTAINING_RECORD(RemoveHeadList(&Done), IOP_VISIT, Link));
    }
}

/* Whose location the next driver gets: the caller's own, which it has skipped, or a fresh one. */
static void IopVerifyNextLocation(PIRP Irp, const IOP_BLAME *Culprit)
{
    PIO_STACK_LOCATION Current = IoGetCurrentIrpStackLocation(Irp);
    PIO_STACK_LOCATION Next = Current - 1;
    UCHAR Invoke = Next->Control & IOP_INVOKE_FLAGS;
    IOP_VISIT Own;
    if (IopCopyVisit(Irp, (CHAR)(Irp->CurrentLocation - 1), &Own)) {
        // What stands there belongs to the driver above the caller.
        if (Own.Routine != Next->CompletionRoutine || Own.Context != Next->Context ||
            Own.Invoke != Invoke) {
            IopBlame(IopStackTrashed, Culprit, (ULONG_PTR)Next->CompletionRoutine);
        }
        return;
    }
    if (Next->Control & ~IOP_INVOKE_FLAGS) {
        IopBlame(IopCalledControlSet, Culprit, Next->Control);
    }
    // A driver may be in a stack twice with the same routine, but not use another driver's.
    if (Irp->CurrentLocation <= Irp->StackCount && Invoke != 0 &&
        Next->CompletionRoutine == Current->CompletionRoutine &&
        Next->Context == Current->Context && Next->CompletionRoutine != NULL &&
        LdrFindModule((PVOID)Next->CompletionRoutine) != LdrFindModule(Culprit->Subject)) {
        IopBlame(IopCalledCopiedRoutine, Culprit, (ULONG_PTR)Next->CompletionRoutine);
    }
}

static BOOLEAN IopIsLocationTrue(PIRP Irp)
{
    return Irp->CurrentLocation >= 1 && Irp->CurrentLocation <= Irp->StackCount + 1 &&
           Irp->Tail.Overlay.CurrentStackLocation ==
               (PIO_STACK_LOCATION)(Irp + 1) + (Irp->CurrentLocation - 1);
}

void IopVerifyForward(PIRP Irp, PVOID Caller)
{
    IOP_BLAME Culprit = IopCulpritOf(Irp, Caller);
    if (!IopIsThere(Irp)) {
        IopViolation(IopCalledNoIrp, Caller, Irp, 0);
    }
    if (!IopIsVerified(Culprit.Subject) || !IopIsSound(Irp)) {
        return;
    }
    if (Irp->CancelRoutine != NULL) {
        IopBlame(IopCalledCancelable, &Culprit, (ULONG_PTR)Irp->CancelRoutine);
    }
    if (!IopIsLocationTrue(Irp)) {
        IopBlame(IopStackTrashed, &Culprit, (ULONG_PTR)(LONG_PTR)Irp->CurrentLocation);
    }
    if (Irp->CurrentLocation > 1) {
        IopVerifyNextLocation(Irp, &Culprit);
    }
}

void IopVerifyCompletion(PIRP Irp, PVOID Caller)
{
    IOP_VISIT Own;
    IOP_BLAME Culprit = IopCulpritOf(Irp, Caller);
    if (!IopIsThere(Irp)) {
        IopBadIrp(MULTIPLE_IRP_COMPLETE_REQUESTS, Irp, Caller, (ULONG_PTR)Caller, 0);
    }
    if (!IopIsVerified(Culprit.Subject) || !IopIsSound(Irp)) {
        return;
    }
    if (!IopIsLocationTrue(Irp)) {
        IopBlame(IopStackTrashed, &Culprit, (ULONG_PTR)(LONG_PTR)Irp->CurrentLocation);
    }
    if (Irp->IoStatus.Status == IOP_ILLEGAL_STATUS) {
        IopBlame(IopStatusIllegal, &Culprit, (ULONG)Irp->IoStatus.Status);
    }
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    // A routine of the completing driver's own would belong into the next location.
    if (IopCopyVisit(Irp, Irp->CurrentLocation, &Own) &&
        (Own.Routine != Stack->CompletionRoutine || Own.Context != Stack->Context)) {
        IopBlame(IopStackTrashed, &Culprit, (ULONG_PTR)Stack->CompletionRoutine);
    }
}

/* The IRP is its sender's alone once its completion has passed every driver that was called with
 * it. */
void IopVerifyUnused(PIRP Irp, PVOID Caller)
{
    IOP_VISIT Below;
    if (!IopIsThere(Irp)) {
        IopViolation(IopFreedNoIrp, Caller, Irp, 0);
    }
    if (IopIsVerified(Caller) && IopCopyVisit(Irp, 0, &Below)) {
        IopViolation(IopFreedInUse, Caller, Irp, (ULONG_PTR)Below.Blame.Subject);
    }
}

ULONG IopCollectVisits(PIOP_BLAME Found, ULONG Limit)
{
    ULONG Count = 0;
    for (ULONG i = 0; i < IOP_VISIT_BUCKETS; i++) {
        KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopBuckets[i].Lock);
        PLIST_ENTRY Head = &IopBuckets[i].Visits;
        for (PLIST_ENTRY Link = Head->Flink; Link != Head && Count < Limit; Link = Link->Flink) {
            PIOP_VISIT Visit = CONTAINING_RECORD(Link, IOP_VISIT, Link);
            if (!Visit->Passed) {
                Found[Count++] = Visit->Blame;
            }
        }
        KeReleaseSpinLock(&IopBuckets[i].Lock, OldIrql);
    }
    return Count;
}

/* Offset of the first byte that is not the pattern, or Size. */
static ULONG IopFindWritten(const IOP_FREED_IRP *Freed)
{
    const UCHAR *Bytes = (const UCHAR *)Freed->Irp;
    ULONG i = 0;
    while (i < Freed->Size && Bytes[i] == IOP_POISON) {
        i++;
    }
    return i;
}

PIRP IopQuarantineIrp(PIRP Irp, PVOID Caller)
{
    IOP_FREED_IRP Freed = {Irp, Caller, Irp->Size, Irp->StackCount, Irp->AllocationFlags};
    InterlockedIncrement64(&IopVerifyCount[IopVerifiedFrees]);
    RtlFillMemory(Irp, Freed.Size, IOP_POISON);
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopQuarantine.Lock);
    IOP_FREED_IRP Oldest = IopQuarantine.Freed[IopQuarantine.Next];
    IopQuarantine.Freed[IopQuarantine.Next] = Freed;
    IopQuarantine.Next = (IopQuarantine.Next + 1) % IOP_QUARANTINE;
    KeReleaseSpinLock(&IopQuarantine.Lock, OldIrql);
    if (Oldest.Irp == NULL) {
        return NULL;
    }
    ULONG Offset = IopFindWritten(&Oldest);
    if (Offset != Oldest.Size && IopIsVerified(Oldest.Caller)) {
        IopViolation(IopFreedIrpWritten, Oldest.Caller, Oldest.Irp, Offset);
    }
    Oldest.Irp->StackCount = Oldest.StackCount;
    Oldest.Irp->AllocationFlags = Oldest.AllocationFlags;
    return Oldest.Irp;
}
