/*
 * memory.c - what goes wrong with memory. Pointers are volatile, for the compiler must not see what
 * happens: it would be free to leave it out.
 */
#include "notmyfaultp.h"

#define LEAK_SIZE 0x100000

/* On a machine that pages, the memory would be on disk some day. Here the way is shorter: a block
 * that fills pages is gone as soon as it is freed. */
NTSTATUS NotMyFaultDoPagedAtDispatch(PIRP Irp)
{
    volatile UCHAR *volatile Block =
        ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, NOTMYFAULT_TAG);
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(Irp);
    if (Block == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExFreePoolWithTag((PVOID)Block, NOTMYFAULT_TAG);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Block[0] = 1;
    KeLowerIrql(OldIrql);
    return STATUS_SUCCESS;
}

/* Writes Length bytes at Offset from a block's start, and frees it: which finds the damage. */
static NTSTATUS DamageBlock(SSIZE_T Offset, ULONG Length)
{
    volatile UCHAR *volatile Block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, NOTMYFAULT_TAG);

    if (Block == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONG i = 0; i < Length; i++) {
        Block[Offset + (SSIZE_T)i] = 'X';
    }
    ExFreePoolWithTag((PVOID)Block, NOTMYFAULT_TAG);
    return STATUS_SUCCESS;
}

NTSTATUS NotMyFaultDoOverrun(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return DamageBlock(100, 32);
}

NTSTATUS NotMyFaultDoUnderrun(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return DamageBlock(-8, 8);
}

NTSTATUS NotMyFaultDoUseAfterFree(PIRP Irp)
{
    volatile UCHAR *volatile Block =
        ExAllocatePoolWithTag(NonPagedPoolNx, 2 * PAGE_SIZE, NOTMYFAULT_TAG);

    UNREFERENCED_PARAMETER(Irp);
    if (Block == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExFreePoolWithTag((PVOID)Block, NOTMYFAULT_TAG);
    Block[0] = 1;
    return STATUS_SUCCESS;
}

NTSTATUS NotMyFaultDoDoubleFree(PIRP Irp)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, NOTMYFAULT_TAG);

    UNREFERENCED_PARAMETER(Irp);
    if (Block == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExFreePoolWithTag(Block, NOTMYFAULT_TAG);
    ExFreePoolWithTag(Block, NOTMYFAULT_TAG);
    return STATUS_SUCCESS;
}

NTSTATUS NotMyFaultDoNullPointer(PIRP Irp)
{
    volatile ULONG *volatile Pointer = NULL;

    UNREFERENCED_PARAMETER(Irp);
    return *Pointer == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* Canonical, a kernel's, and nobody's. */
NTSTATUS NotMyFaultDoWildPointer(PIRP Irp)
{
    volatile ULONG *volatile Pointer = (volatile ULONG *)0xFFFFF0BADBADBAD0;

    UNREFERENCED_PARAMETER(Irp);
    return *Pointer == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* Nothing stops the machine now: `poolmon` shows the tag and the driver, the loader when it is
 * unloaded. */
static NTSTATUS Leak(POOL_TYPE Type)
{
    PVOID Block = ExAllocatePoolWithTag(Type, LEAK_SIZE, NOTMYFAULT_TAG);

    return Block == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

NTSTATUS NotMyFaultDoLeakPaged(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return Leak(PagedPool);
}

NTSTATUS NotMyFaultDoLeakNonPaged(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return Leak(NonPagedPoolNx);
}
