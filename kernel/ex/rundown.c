/*
 * rundown.c - rundown protection: an object is used by many, until its owner waits for all of them
 * to be done, and from then on by nobody.
 *
 * The word counts the users in steps of 2. Bit 0 set means that rundown has begun: nobody gets in
 * any more, and the rest of the word is the address of the owner's wait block, or 0 once rundown is
 * over. The wait block counts the users that are still inside; the one that takes it to 0 sets its
 * event.
 *
 * The cache-aware kind has such a word for each processor, so that users on different processors
 * share no cache line. A user may leave through another word than it came in by: a single word can
 * count below zero, and only the sum over all of them tells how many are inside.
 */
#include "ke.h"

#define EX_RUNDOWN_BLOCK(Word) ((PEX_RUNDOWN_WAIT)((Word) & ~(ULONG_PTR)EX_RUNDOWN_ACTIVE))
#define EX_CACHE_LINE 64
#define EX_RUNDOWN_BIAS (1LL << 48)

/* On the stack of the owner that waits. */
typedef struct DECLSPEC_ALIGN(8) _EX_RUNDOWN_WAIT {
    LONG64 Users; /* o  in steps of EX_RUNDOWN_COUNT_INC; plus EX_RUNDOWN_BIAS at first */
    KEVENT Done;
} EX_RUNDOWN_WAIT, *PEX_RUNDOWN_WAIT;

struct _EX_RUNDOWN_REF_CACHE_AWARE {
    PEX_RUNDOWN_REF First; /* i  cache lines, each beginning with its word, behind this header */
    ULONG Count;           /* i */
    ULONG Tag;             /* i  of the pool block; 0: the caller's own memory */
};

static PEX_RUNDOWN_REF ExpRefAt(PEX_RUNDOWN_REF First, ULONG Index)
{
    return (PEX_RUNDOWN_REF)((PUCHAR)First + (SIZE_T)Index * EX_CACHE_LINE);
}

static inline ULONG_PTR ExpReadRundown(PEX_RUNDOWN_REF RunRef)
{
    return __atomic_load_n(&RunRef->Count, __ATOMIC_ACQUIRE);
}

static inline BOOLEAN ExpSwapRundown(PEX_RUNDOWN_REF RunRef, ULONG_PTR *Old, ULONG_PTR New)
{
    return __atomic_compare_exchange_n(&RunRef->Count, Old, New, FALSE, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

static ARCH_COLD VOID NTAPI ExpRundownLevelTooHigh(PEX_RUNDOWN_REF RunRef)
{
    KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)RunRef, KeGetCurrentIrql(), 0,
                 (ULONG_PTR)__builtin_return_address(0));
}

static inline BOOLEAN ExpEnter(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR Old = ExpReadRundown(RunRef);

    KiPerturb();
    if (KeGetCurrentIrql() > DISPATCH_LEVEL) {
        ExpRundownLevelTooHigh(RunRef);
        return FALSE;
    }
    do {
        if ((Old & EX_RUNDOWN_ACTIVE) != 0) {
            return FALSE;
        }
    } while (!ExpSwapRundown(RunRef, &Old, Old + (ULONG_PTR)Count * EX_RUNDOWN_COUNT_INC));
    return TRUE;
}

/* Rundown has begun, and Old is the word: the last user sets the owner's event. The owner's stack
 * goes when it has been set. */
static ARCH_COLD VOID NTAPI ExpLeaveBlock(ULONG_PTR Old, LONG64 Users)
{
    PEX_RUNDOWN_WAIT Wait = EX_RUNDOWN_BLOCK(Old);

    KI_ASSERT((Old & EX_RUNDOWN_ACTIVE) != 0); /* more leave than have come */
    KI_ASSERT(Wait != NULL);                   /* all have left already */
    if (__atomic_sub_fetch(&Wait->Users, Users, __ATOMIC_ACQ_REL) == 0) {
        KeSetEvent(&Wait->Done, IO_NO_INCREMENT, FALSE);
    }
}

/* Shared: the word may count below zero, because it is one of several. */
static inline VOID ExpLeave(PEX_RUNDOWN_REF RunRef, ULONG Count, BOOLEAN Shared)
{
    ULONG_PTR Old = ExpReadRundown(RunRef), Users = (ULONG_PTR)Count * EX_RUNDOWN_COUNT_INC;

    KiPerturb();
    if (KeGetCurrentIrql() > DISPATCH_LEVEL) {
        ExpRundownLevelTooHigh(RunRef);
        return;
    }
    do {
        if ((Old & EX_RUNDOWN_ACTIVE) != 0 || (!Shared && Old < Users)) {
            ExpLeaveBlock(Old, (LONG64)Users);
            return;
        }
    } while (!ExpSwapRundown(RunRef, &Old, Old - Users));
}

/* Closes one word; returns the users that it counted. */
static LONG64 ExpClose(PEX_RUNDOWN_REF RunRef, PEX_RUNDOWN_WAIT Wait)
{
    ULONG_PTR Old = ExpReadRundown(RunRef);

    do {
        if ((Old & EX_RUNDOWN_ACTIVE) != 0) {
            return 0; /* run down before */
        }
    } while (!ExpSwapRundown(RunRef, &Old, (ULONG_PTR)Wait | EX_RUNDOWN_ACTIVE));
    return (LONG64)Old;
}

/* Until all users have left. The owner's own bias keeps the sum from reaching 0 before all words
 * are in it. */
static VOID ExpRundown(PEX_RUNDOWN_REF First, ULONG Count)
{
    EX_RUNDOWN_WAIT Wait;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    Wait.Users = EX_RUNDOWN_BIAS;
    KeInitializeEvent(&Wait.Done, NotificationEvent, FALSE);
    for (ULONG i = 0; i < Count; i++) {
        __atomic_add_fetch(&Wait.Users, ExpClose(ExpRefAt(First, i), &Wait), __ATOMIC_ACQ_REL);
    }
    if (__atomic_sub_fetch(&Wait.Users, EX_RUNDOWN_BIAS, __ATOMIC_ACQ_REL) != 0) {
        KeWaitForSingleObject(&Wait.Done, WrRundown, KernelMode, FALSE, NULL);
    }
    for (ULONG i = 0; i < Count; i++) {
        ULONG_PTR Mine = (ULONG_PTR)&Wait | EX_RUNDOWN_ACTIVE;

        ExpSwapRundown(ExpRefAt(First, i), &Mine, EX_RUNDOWN_ACTIVE);
    }
}

VOID NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = 0;
}

VOID NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    KI_ASSERT(RunRef->Count == EX_RUNDOWN_ACTIVE); /* rundown is over, and nobody waits for it */
    __atomic_store_n(&RunRef->Count, 0, __ATOMIC_RELEASE);
}

VOID NTAPI ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, EX_RUNDOWN_ACTIVE, __ATOMIC_RELEASE);
}

BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    return ExpEnter(RunRef, 1);
}

BOOLEAN NTAPI ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    return ExpEnter(RunRef, Count);
}

VOID NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    ExpLeave(RunRef, 1, FALSE);
}

VOID NTAPI ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ExpLeave(RunRef, Count, FALSE);
}

VOID NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    ExpRundown(RunRef, 1);
}

/* Header, slots, and what aligning the slots may cost. */
SIZE_T NTAPI ExSizeOfRundownProtectionCacheAware(VOID)
{
    return sizeof(struct _EX_RUNDOWN_REF_CACHE_AWARE) +
           (KeNumberProcessors + 1) * (SIZE_T)EX_CACHE_LINE;
}

VOID NTAPI ExInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                   SIZE_T RunRefSize)
{
    ULONG_PTR First = (ULONG_PTR)(RunRefCacheAware + 1);
    ULONG_PTR End = (ULONG_PTR)RunRefCacheAware + RunRefSize;

    First = (First + EX_CACHE_LINE - 1) & ~(ULONG_PTR)(EX_CACHE_LINE - 1);
    KI_ASSERT(RunRefSize >= ExSizeOfRundownProtectionCacheAware());
    RunRefCacheAware->First = (PEX_RUNDOWN_REF)First;
    RunRefCacheAware->Count = (ULONG)((End - First) / EX_CACHE_LINE);
    RunRefCacheAware->Tag = 0;
    for (ULONG i = 0; i < RunRefCacheAware->Count; i++) {
        ExInitializeRundownProtection(ExpRefAt(RunRefCacheAware->First, i));
    }
}

PEX_RUNDOWN_REF_CACHE_AWARE NTAPI ExAllocateCacheAwareRundownProtection(POOL_TYPE PoolType,
                                                                        ULONG PoolTag)
{
    SIZE_T Size = ExSizeOfRundownProtectionCacheAware();
    PEX_RUNDOWN_REF_CACHE_AWARE RunRef = ExAllocatePoolWithTag(PoolType, Size, PoolTag);

    if (RunRef != NULL) {
        ExInitializeRundownProtectionCacheAware(RunRef, Size);
        RunRef->Tag = PoolTag;
    }
    return RunRef;
}

VOID NTAPI ExFreeCacheAwareRundownProtection(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    ExFreePoolWithTag(RunRefCacheAware, RunRefCacheAware->Tag);
}

/* Moving to another processor right after is harmless: which word is used is a matter of speed. */
static PEX_RUNDOWN_REF ExpLocalRef(PEX_RUNDOWN_REF_CACHE_AWARE RunRef)
{
    return ExpRefAt(RunRef->First, KeGetCurrentPrcb()->Number % RunRef->Count);
}

BOOLEAN NTAPI ExAcquireRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    return ExpEnter(ExpLocalRef(RunRefCacheAware), 1);
}

BOOLEAN NTAPI ExAcquireRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                     ULONG Count)
{
    return ExpEnter(ExpLocalRef(RunRefCacheAware), Count);
}

VOID NTAPI ExReleaseRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    ExpLeave(ExpLocalRef(RunRefCacheAware), 1, TRUE);
}

VOID NTAPI ExReleaseRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                  ULONG Count)
{
    ExpLeave(ExpLocalRef(RunRefCacheAware), Count, TRUE);
}

VOID NTAPI ExWaitForRundownProtectionReleaseCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    ExpRundown(RunRefCacheAware->First, RunRefCacheAware->Count);
}

VOID NTAPI ExReInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    for (ULONG i = 0; i < RunRefCacheAware->Count; i++) {
        ExReInitializeRundownProtection(ExpRefAt(RunRefCacheAware->First, i));
    }
}

VOID NTAPI ExRundownCompletedCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    for (ULONG i = 0; i < RunRefCacheAware->Count; i++) {
        ExRundownCompleted(ExpRefAt(RunRefCacheAware->First, i));
    }
}
