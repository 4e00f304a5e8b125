/*
 * Which spin locks a processor holds, and in which order they may be taken (debug kernel only).
 *
 * A spin lock is held at DISPATCH_LEVEL or above, where no thread leaves its processor; the
 * dispatcher lock is even handed from thread to thread, on one processor. So the record belongs to
 * the processor: a stack of locks, which only it reads and writes, with interrupts off. An
 * interrupt pushes its locks on top of those of the code that it interrupted, as it should: that
 * code cannot go on before the interrupt has ended.
 *
 * Ranks come from lockorder.h. A lock without one, as drivers' locks are, may be taken at any time.
 * Equal ranks may nest when the second is taken at a higher IRQL: interrupts of two levels. That a
 * lock is taken twice is the spin locks' own check. The table of ranks is open hashing by address;
 * it is read without a lock, and entries are only ever written with KiRankTableLock held, the
 * address last.
 */
#include "processor.h"
#include "kd.h"
#include "kidebug.h"
#include "ldr.h"

#if DBG

#define RANK_SLOTS 512 /* a power of two, well above the number of locks */
#define HELD_LIMIT 24
#define REMOVED ((KSPIN_LOCK *)1)

typedef struct _KI_HELD_LOCK {
    KSPIN_LOCK *Lock;
    PVOID Caller;
    KIRQL Irql;
} KI_HELD_LOCK, *PKI_HELD_LOCK;

typedef struct _KI_HELD_LOCKS {
    ULONG Depth;
    KI_HELD_LOCK Entry[HELD_LIMIT];
} KI_HELD_LOCKS, *PKI_HELD_LOCKS;

extern const KI_LOCK_RANK KiLockRankStart[], KiLockRankEnd[]; /* linker.ld */

static KI_HELD_LOCKS KiHeld[KI_MAX_PROCESSORS]; /* each its processor's, interrupts off */
static KI_LOCK_RANK KiRankTable[RANK_SLOTS];
static volatile LONG KiRankTableLock;
static BOOLEAN KiLockChecks; /* set once; never while a crash is reported */

static ULONG KiRankSlot(const KSPIN_LOCK *Lock)
{
    return (ULONG)(((ULONG_PTR)Lock >> 3) * 0x9E3779B97F4A7C15ULL >> 55);
}
C_ASSERT(RANK_SLOTS == 1 << (64 - 55));

/* The lock's entry, or NULL: it has no rank. */
static PKI_LOCK_RANK KiFindRank(const KSPIN_LOCK *Lock)
{
    for (ULONG i = KiRankSlot(Lock);; i = (i + 1) % RANK_SLOTS) {
        KSPIN_LOCK *Found = __atomic_load_n(&KiRankTable[i].Lock, __ATOMIC_ACQUIRE);
        if (Found == Lock || Found == NULL) {
            return Found != NULL ? &KiRankTable[i] : NULL;
        }
    }
}

static BOOLEAN KiLockRankTable(void)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    while (__atomic_exchange_n(&KiRankTableLock, 1, __ATOMIC_ACQUIRE) != 0) {
        YieldProcessor();
    }
    return Enabled;
}

static void KiUnlockRankTable(BOOLEAN Enabled)
{
    __atomic_store_n(&KiRankTableLock, 0, __ATOMIC_RELEASE);
    KiRestoreInterrupts(Enabled);
}

void KiRankLock(KSPIN_LOCK *Lock, const char *Name, ULONG Rank)
{
    BOOLEAN Enabled = KiLockRankTable();
    ULONG i = KiRankSlot(Lock);
    while (KiRankTable[i].Lock != NULL && KiRankTable[i].Lock != REMOVED) {
        i = (i + 1) % RANK_SLOTS;
    }
    KiRankTable[i].Name = Name;
    KiRankTable[i].Rank = Rank;
    __atomic_store_n(&KiRankTable[i].Lock, Lock, __ATOMIC_RELEASE);
    KiUnlockRankTable(Enabled);
}

void KiUnrankLock(KSPIN_LOCK *Lock)
{
    BOOLEAN Enabled = KiLockRankTable();
    PKI_LOCK_RANK Entry = KiFindRank(Lock);
    if (Entry != NULL) {
        Entry->Lock = REMOVED; /* not NULL: others may stand behind it */
    }
    KiUnlockRankTable(Enabled);
}

static void KiPrintLock(const char *What, KSPIN_LOCK *Lock, PVOID Caller)
{
    PKI_LOCK_RANK Rank = KiFindRank(Lock);
    CHAR Place[80];

    LdrFormatAddress(Caller, Place, sizeof(Place));
    if (Rank != NULL) {
        KdPrintf("*** spin lock %s: %s %p, rank %llu, by %s\n", What, Rank->Name, Lock, Rank->Rank,
                 Place);
    } else {
        KdPrintf("*** spin lock %s: %p, without a rank, by %s\n", What, Lock, Place);
    }
}

/* The text goes out before the crash, with the names that its parameters have. */
static DECLSPEC_NORETURN void KiReportLock(ULONG64 Check, ULONG_PTR Subject, PKI_HELD_LOCK Held)
{
    KI_HELD_LOCK Copy = *Held;

    KiLockChecks = FALSE; /* the report takes locks of its own */
    KiPrintLock("held", Copy.Lock, Copy.Caller);
    PLDR_MODULE Module = LdrFindModule(Copy.Caller);
    CHAR Culprit[48] = "driver ";
    strcat_s(Culprit, sizeof(Culprit), Module != NULL ? Module->Name : "nt");
    KeBugCheckBlaming(Culprit, DRIVER_VERIFIER_DETECTED_VIOLATION, Check, Subject,
                      (ULONG_PTR)Copy.Lock, (ULONG_PTR)Copy.Caller);
}

/* This processor's innermost lock, or NULL. */
static PKI_HELD_LOCK KiInnermostLock(void)
{
    PKI_HELD_LOCKS Held = &KiHeld[KeGetCurrentPrcb()->Number];
    return Held->Depth != 0 ? &Held->Entry[Held->Depth - 1] : NULL;
}

static void KiCheckRank(PKI_HELD_LOCKS Held, KSPIN_LOCK *Lock, PVOID Caller)
{
    PKI_LOCK_RANK Wanted = KiFindRank(Lock);
    for (ULONG i = 0; Wanted != NULL && i < Held->Depth; i++) {
        PKI_LOCK_RANK Rank = KiFindRank(Held->Entry[i].Lock);
        if (Rank == NULL || Rank == Wanted || Rank->Rank < Wanted->Rank ||
            (Rank->Rank == Wanted->Rank && Held->Entry[i].Irql < KeGetCurrentIrql())) {
            continue;
        }
        KiLockChecks = FALSE;
        KiPrintLock("wanted", Lock, Caller);
        KiReportLock(KI_CHECK_LOCK_ORDER, (ULONG_PTR)Lock, &Held->Entry[i]);
    }
}

static void KiPushLock(KSPIN_LOCK *Lock, PVOID Caller, BOOLEAN CheckRank)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    PKI_HELD_LOCKS Held = &KiHeld[KeGetCurrentPrcb()->Number];

    if (KiLockChecks) {
        if (CheckRank) {
            KiCheckRank(Held, Lock, Caller);
        }
        KI_ASSERT(Held->Depth < HELD_LIMIT);
        Held->Entry[Held->Depth++] = (KI_HELD_LOCK){Lock, Caller, KeGetCurrentIrql()};
    }
    KiRestoreInterrupts(Enabled);
}

void KiNoteLock(KSPIN_LOCK *Lock, PVOID Caller)
{
    KiPushLock(Lock, Caller, TRUE);
}

void KiNoteTriedLock(KSPIN_LOCK *Lock, PVOID Caller)
{
    KiPushLock(Lock, Caller, FALSE);
}

/* Mostly the last one. One that was taken before the checks began is not there. */
void KiNoteUnlock(KSPIN_LOCK *Lock)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    PKI_HELD_LOCKS Held = &KiHeld[KeGetCurrentPrcb()->Number];

    for (ULONG i = Held->Depth; i-- > 0;) {
        if (Held->Entry[i].Lock == Lock) {
            Held->Depth -= 1;
            RtlMoveMemory(&Held->Entry[i], &Held->Entry[i + 1],
                          (Held->Depth - i) * sizeof(Held->Entry[0]));
            break;
        }
    }
    KiRestoreInterrupts(Enabled);
}

ULONG KiCountHeldLocks(void)
{
    return KiLockChecks ? KiHeld[KeGetCurrentPrcb()->Number].Depth : 0;
}

void KiCheckWaitLocks(void)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    PKI_HELD_LOCK Held = KiLockChecks ? KiInnermostLock() : NULL;

    /* After a call with Wait = TRUE the dispatcher lock is the wait's own. */
    if (Held != NULL && Held->Lock != &KiDispatcherLock) {
        KiReportLock(KI_CHECK_WAIT, (ULONG_PTR)KeGetCurrentThread(), Held);
    }
    KiRestoreInterrupts(Enabled);
}

void KiCheckSwitchLocks(void)
{
    PKI_HELD_LOCKS Held = &KiHeld[KeGetCurrentPrcb()->Number];

    for (ULONG i = 0; KiLockChecks && i < Held->Depth; i++) {
        if (Held->Entry[i].Lock != &KiDispatcherLock) {
            KiReportLock(KI_CHECK_LOWERED, KeGetCurrentIrql(), &Held->Entry[i]);
        }
    }
}

void KiCheckReturnedLocks(PVOID Routine, ULONG Held)
{
    if (KiCountHeldLocks() > Held) {
        KiReportLock(KI_CHECK_RETURNED, (ULONG_PTR)Routine, KiInnermostLock());
    }
}

void KiDropIrql(KIRQL NewIrql)
{
    if (NewIrql < DISPATCH_LEVEL && KeGetCurrentIrql() >= DISPATCH_LEVEL &&
        KiCountHeldLocks() != 0) {
        KiReportLock(KI_CHECK_LOWERED, NewIrql, KiInnermostLock());
    }
    KiWriteLoweredIrql(NewIrql);
    KiPerturb();
}

void KiStartLockChecks(void)
{
    for (const KI_LOCK_RANK *Each = KiLockRankStart; Each < KiLockRankEnd; Each++) {
        KiRankLock(Each->Lock, Each->Name, (ULONG)Each->Rank);
    }
    KiLockChecks = TRUE;
}

#endif
