/*
 * stack.c - kernel stacks: a guard page that is never mapped, and KERNEL_STACK_SIZE bytes above it.
 *
 * Stacks of ended threads wait in a short list for the next thread, mapped, which makes creating
 * and ending a thread cost no page table work. The link stands at the stack's lowest usable
 * address.
 *
 * The size is Windows': drivers are written for it. Ten thousand threads fit into 256 MB with it:
 * their stacks take 234 MB, their objects and ids 11 MB. All pages are there from the start, since
 * a stack may not fault: it is used at every IRQL, also by the code that would find the page.
 */
#include "mi.h"

#define MI_STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)
#define MI_FREE_STACKS 16 /* at most so many wait for reuse */

typedef struct _MI_FREE_STACK {
    struct _MI_FREE_STACK *Next;
} MI_FREE_STACK, *PMI_FREE_STACK;

static KSPIN_LOCK MiStackLock;
KI_RANKED_LOCK(MiStackLock, LOCK_ORDER_MM_STACK);
static PMI_FREE_STACK MiFreeStacks;     /* MiStackLock */
static volatile ULONG MiFreeStackCount; /* MiStackLock */

ULONG MiQueryFreeStacks(void)
{
    return MiFreeStackCount;
}

static PCHAR MiPopFreeStack(void)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiStackLock);
    PMI_FREE_STACK Stack = MiFreeStacks;

    if (Stack != NULL) {
        MiFreeStacks = Stack->Next;
        MiFreeStackCount--;
    }
    KeReleaseSpinLock(&MiStackLock, OldIrql);
    return (PCHAR)Stack;
}

/* FALSE when enough stacks wait already. */
static BOOLEAN MiPushFreeStack(PVOID Limit)
{
    PMI_FREE_STACK Stack = Limit;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiStackLock);
    BOOLEAN Room = MiFreeStackCount < MI_FREE_STACKS;

    if (Room) {
        Stack->Next = MiFreeStacks;
        MiFreeStacks = Stack;
        MiFreeStackCount++;
    }
    KeReleaseSpinLock(&MiStackLock, OldIrql);
    return Room;
}

static PVOID MiMakeStack(void)
{
    PCHAR Guard = MiReserve(&MiSystemPtes, MI_STACK_PAGES + 1);

    if (Guard == NULL) {
        return NULL;
    }
    if (!MiMapFreshPages(Guard + PAGE_SIZE, MI_STACK_PAGES, MiUseStack, FALSE)) {
        MiRelease(&MiSystemPtes, Guard, MI_STACK_PAGES + 1);
        return NULL;
    }
    *MiFindPte(Guard) = MI_PTE_GUARD;
    return Guard + PAGE_SIZE;
}

PVOID MmCreateKernelStack(void)
{
    PCHAR Limit;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    Limit = MiPopFreeStack();
    if (Limit == NULL) {
        Limit = MiMakeStack();
    }
    return Limit == NULL ? NULL : Limit + KERNEL_STACK_SIZE;
}

void MmDeleteKernelStack(PVOID StackBase)
{
    PCHAR Limit = (PCHAR)StackBase - KERNEL_STACK_SIZE;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (!MmIsGuardPage(Limit - PAGE_SIZE)) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_NOT_A_STACK, (ULONG_PTR)StackBase, 0, 0);
    }
    if (MiPushFreeStack(Limit)) {
        return;
    }
    MiUnmapRun(Limit, MI_STACK_PAGES, TRUE);
    *MiFindPte(Limit - PAGE_SIZE) = 0;
    MiRelease(&MiSystemPtes, Limit - PAGE_SIZE, MI_STACK_PAGES + 1);
}

BOOLEAN MmIsGuardPage(PVOID Address)
{
    PMMPTE Entry = MiIsInWindow(&MiSystemPtes, Address) ? MiFindPte(Address) : NULL;

    return Entry != NULL && *Entry == MI_PTE_GUARD;
}
