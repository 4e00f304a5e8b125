/*
 * Interprocessor interrupts: requests to other processors, calls on all of them, TLB shoot-down.
 *
 * KPRCB.IpiRequest collects KIPI_* bits; only the request that finds it empty sends the interrupt.
 * Reschedule and APC requests are the target's own software interrupts, sent from here directly.
 *
 * Calls and shoot-downs have one packet each, guarded by a lock. Its owner waits for the others;
 * who waits for the lock does so at an IRQL below IPI_LEVEL with interrupts on, and so takes part
 * in the owner's request meanwhile: initiators on several processors cannot wait for each other.
 * For the same reason no processor may ask for either with interrupts off or at IPI_LEVEL.
 */
#include <ntddk.h>
#include "hal.h"
#include "processor.h"

#define FLUSH_ALL_PAGES 64 /* from here on forgetting everything costs less than page by page */
#define CR4_PGE (1ULL << 7)

typedef struct _KI_CALL {
    KSPIN_LOCK Lock;
    PKIPI_BROADCAST_WORKER Function;
    ULONG_PTR Argument;
    volatile LONG Arriving; /* o  others that are not at IPI_LEVEL yet */
    volatile LONG Running;  /* o  others that have not returned from Function */
} KI_CALL;

typedef struct _KI_TLB_REQUEST {
    KSPIN_LOCK Lock;
    PVOID Address;
    SIZE_T Pages;
    volatile LONG Waiting; /* o  others that have not done it yet */
} KI_TLB_REQUEST;

static KI_CALL KiCall;
static KI_TLB_REQUEST KiTlbRequest;

/* Neither of the first two needs a bit: the APIC keeps one request of each vector pending, and what
 * to do about it stands in the dispatcher's and the thread's own fields. */
void KiSendIpi(ULONG Number, LONG Request)
{
    PKPRCB Prcb = KiProcessorBlock[Number];
    BOOLEAN Enabled;

    if (Request & KIPI_RESCHEDULE) {
        HalSendIpi(Prcb->ApicId, KI_VECTOR_DISPATCH);
    }
    if (Request & KIPI_APC) {
        HalSendIpi(Prcb->ApicId, KI_VECTOR_APC);
    }
    Request &= ~(KIPI_RESCHEDULE | KIPI_APC);
    if (Request == 0) {
        return;
    }
    /* Others rely on the interrupt once the first bit is set. Were this processor interrupted
     * before it has sent it, to wait for them in a call, it would wait for ever. */
    Enabled = KiDisableInterrupts();
    if (InterlockedOr(&Prcb->IpiRequest, Request) == 0) {
        HalSendIpi(Prcb->ApicId, KI_VECTOR_IPI);
    }
    KiRestoreInterrupts(Enabled);
}

/* At DISPATCH_LEVEL. One more processor may start meanwhile, so look once. */
static KAFFINITY KiOtherProcessors(void)
{
    return KeQueryActiveProcessors() & ~KeGetCurrentPrcb()->SetMember;
}

static void KiSendIpiToSet(KAFFINITY Targets, LONG Request)
{
    for (; Targets != 0; Targets &= Targets - 1) {
        KiSendIpi(__builtin_ctzll(Targets), Request);
    }
}

/* Below IPI_LEVEL with interrupts on: whoever owns the lock may need this processor. */
static void KiAcquireIpiLock(KSPIN_LOCK *Lock)
{
    KI_ASSERT(__readeflags() & EFLAGS_IF);
    KiAcquireRawLock(Lock);
}

/* What the others did before they counted down is visible here afterwards. */
static void KiWaitForZero(volatile LONG *Count)
{
    while (__atomic_load_n(Count, __ATOMIC_ACQUIRE) != 0) {
        YieldProcessor();
    }
}

/* Another processor's part of a call, at IPI_LEVEL. The packet stays valid until Running is zero,
 * and the last access to it here is that decrement. */
static void KiTakePartInCall(void)
{
    InterlockedDecrement(&KiCall.Arriving);
    /* All start together: a function may count on nobody running ordinary code meanwhile. */
    KiWaitForZero(&KiCall.Arriving);
    KiCall.Function(KiCall.Argument);
    InterlockedDecrement(&KiCall.Running);
}

ULONG_PTR NTAPI KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context)
{
    ULONG_PTR Result;
    KAFFINITY Others;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(CLOCK_LEVEL);
    OldIrql = KeGetCurrentIrql();
    if (OldIrql < DISPATCH_LEVEL) {
        KfRaiseIrql(DISPATCH_LEVEL);
    }
    KiAcquireIpiLock(&KiCall.Lock);
    KiCall.Function = BroadcastFunction;
    KiCall.Argument = Context;
    Others = KiOtherProcessors();
    KiCall.Arriving = KiCall.Running = KiCountProcessors(Others);
    KiSendIpiToSet(Others, KIPI_CALL);
    KiWaitForZero(&KiCall.Arriving);
    /* Not before: this processor had to serve other requests while it waited. From here on all the
     * others are in the call, so nobody can be waiting for it. */
    KfRaiseIrql(IPI_LEVEL);
    Result = BroadcastFunction(Context);
    KiWaitForZero(&KiCall.Running);
    KiReleaseRawLock(&KiCall.Lock);
    KeLowerIrql(OldIrql);
    return Result;
}

void KiFlushProcessorTlb(void)
{
    ULONG64 Cr4 = __readcr4();
    if (Cr4 & CR4_PGE) {
        __writecr4(Cr4 & ~CR4_PGE); /* global translations outlive a CR3 load */
        __writecr4(Cr4);
    } else {
        __writecr3(__readcr3());
    }
}

static void KiFlushLocalTlb(PVOID Address, SIZE_T Pages)
{
    if (Pages >= FLUSH_ALL_PAGES) {
        KiFlushProcessorTlb();
        return;
    }
    for (SIZE_T i = 0; i < Pages; i++) {
        __invlpg((PUCHAR)Address + i * PAGE_SIZE);
    }
}

/* One range at a time: shoot-downs are rare beside everything else a mapping costs. The caller's
 * own flush runs while the others do theirs. */
void KeFlushTlbRange(PVOID Address, SIZE_T Pages)
{
    KAFFINITY Others;
    KIRQL OldIrql;

    /* Early, or for ever, alone: then any state of the caller will do. */
    if ((KeQueryActiveProcessors() & (KeQueryActiveProcessors() - 1)) == 0) {
        KiFlushLocalTlb(Address, Pages);
        return;
    }
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    OldIrql = KeRaiseIrqlToDpcLevel();
    KiAcquireIpiLock(&KiTlbRequest.Lock);
    KiTlbRequest.Address = Address;
    KiTlbRequest.Pages = Pages;
    Others = KiOtherProcessors();
    KiTlbRequest.Waiting = KiCountProcessors(Others);
    KiSendIpiToSet(Others, KIPI_TLB);
    KiFlushLocalTlb(Address, Pages);
    KiWaitForZero(&KiTlbRequest.Waiting);
    KiReleaseRawLock(&KiTlbRequest.Lock);
    KeLowerIrql(OldIrql);
}

/* From the stub, at IPI_LEVEL. */
void KiIpiInterrupt(PKPRCB Prcb)
{
    /* Whoever sets a bit from now on finds the word empty and sends another interrupt. */
    LONG Request = InterlockedExchange(&Prcb->IpiRequest, 0);

    Prcb->IpiCount += 1;
    if (Request & KIPI_TLB) {
        KiFlushLocalTlb(KiTlbRequest.Address, KiTlbRequest.Pages);
        InterlockedDecrement(&KiTlbRequest.Waiting);
    }
    if (Request & KIPI_CALL) {
        KiTakePartInCall();
    }
}
