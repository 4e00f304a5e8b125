/*
 * code.c - what goes wrong on the way through the code: the stack, the code itself, arithmetic.
 * Values are volatile where the compiler could see what comes of them.
 */
#include "notmyfaultp.h"

static volatile ULONG Depth;

static __declspec(noinline) ULONG Recurse(ULONG Level)
{
    volatile UCHAR Frame[512];

    Frame[0] = (UCHAR)Level;
    Depth = Level;
    return Level == MAXULONG ? 0 : Recurse(Level + 1) + Frame[0];
}

NTSTATUS NotMyFaultDoStackOverflow(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return Recurse(0) == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* A loop that runs too far: above the variables lie the return address and what the caller has room
 * for, and then the caller's own return address, by which one finds out who it was if that is
 * left. */
static __declspec(noinline) UCHAR FillTooFar(ULONG Length)
{
    volatile UCHAR Buffer[16];

    for (volatile UCHAR *Byte = Buffer; Byte < Buffer + Length; Byte++) {
        *Byte = 'A';
    }
    return Buffer[0];
}

NTSTATUS NotMyFaultDoStackTrash(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return FillTooFar(88) == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS NotMyFaultDoCodeOverwrite(PIRP Irp)
{
    volatile UCHAR *volatile Code = (volatile UCHAR *)(ULONG_PTR)NotMyFaultDoStackTrash;

    UNREFERENCED_PARAMETER(Irp);
    Code[0] = 0xCC;
    return STATUS_SUCCESS;
}

NTSTATUS NotMyFaultDoDivideByZero(PIRP Irp)
{
    volatile ULONG Number = 1, Divisor = 0;

    UNREFERENCED_PARAMETER(Irp);
    Number = Number / Divisor;
    return STATUS_SUCCESS;
}

/* Nothing may wait there: no other thread could run on this processor. */
NTSTATUS NotMyFaultDoWaitAtDispatch(PIRP Irp)
{
    KEVENT Event;
    KIRQL OldIrql;

    UNREFERENCED_PARAMETER(Irp);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    KeLowerIrql(OldIrql);
    return STATUS_SUCCESS;
}
