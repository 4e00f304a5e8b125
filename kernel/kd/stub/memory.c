/*
 * memory.c - gdb reads and writes memory: m address,length; M address,length:digits; X the same
 * with binary data. A read may be answered with less than was asked for; a write is done whole or
 * is an error.
 */
#include "stub.h"
#include "mm.h"

/* Too large for the stack of an NMI. */
static UCHAR Bytes[KDP_PACKET_SIZE / 2];

static BOOLEAN TakeRange(const CHAR **At, ULONG64 *Address, ULONG64 *Length)
{
    return KdpTakeNumber(At, Address) && KdpTakeCharacter(At, ',') && KdpTakeNumber(At, Length);
}

void KdpReadMemory(const CHAR *At)
{
    ULONG64 Address, Length;
    SIZE_T Done;

    if (!TakeRange(&At, &Address, &Length) || *At != 0) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    Done = MmAccessForDebugger(Address, Bytes, min(Length, sizeof(Bytes)), FALSE);
    if (Done == 0 && Length != 0) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_ADDRESS);
        return;
    }
    KdpAddBytes(&KdpSession.Reply, Bytes, Done);
}

/* Looks first: half a write is worse than none. */
static void Write(ULONG64 Address, const VOID *From, SIZE_T Length)
{
    BOOLEAN Writable = TRUE;

    for (SIZE_T Done = 0; Done < Length && Writable;
         Done += PAGE_SIZE - BYTE_OFFSET(Address + Done)) {
        Writable = MmQueryDebuggerAlias(Address + Done) != NULL;
    }
    if (Writable) {
        MmAccessForDebugger(Address, (PVOID)From, Length, TRUE);
    }
    KdpAddText(&KdpSession.Reply, Writable ? "OK" : KDP_ERROR_ADDRESS);
}

void KdpWriteMemory(const CHAR *At)
{
    ULONG64 Address, Length;

    if (!TakeRange(&At, &Address, &Length) || !KdpTakeCharacter(&At, ':') ||
        Length > sizeof(Bytes) || !KdpTakeBytes(&At, Bytes, Length) || *At != 0) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    Write(Address, Bytes, Length);
}

void KdpWriteBinary(CHAR *At, SIZE_T Size)
{
    const CHAR *End = At + Size, *Next = At;
    ULONG64 Address, Length;

    if (!TakeRange(&Next, &Address, &Length) || !KdpTakeCharacter(&Next, ':') ||
        KdpUnescape((CHAR *)Next, (SIZE_T)(End - Next)) != Length) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    Write(Address, Next, Length);
}
