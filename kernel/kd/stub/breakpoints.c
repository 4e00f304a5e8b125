/*
 * breakpoints.c - what gdb has set.
 *
 * Software breakpoints (Z0) stand in a table and are in the code only while the machine runs: every
 * stop takes them out before anything is looked at, and going on puts them in. So memory reads as
 * it is, the debugger's own code cannot run into them, and a driver that has gone meanwhile, with
 * pages that now belong to somebody else, keeps nothing: a byte is put back only where it was put,
 * if it is still there. The trace, which writes code too, takes them out in the same way
 * (KiBeginCodeChange).
 *
 * Hardware ones (Z1, and the watchpoints Z2 to Z4) are the four debug registers of every processor
 * (KiDebugRegisters). The processor cannot tell reads from accesses, so Z3 stops at writes, too.
 */
#include "stub.h"
#include "mm.h"

#define BREAKPOINTS 128
#define OPCODE_INT3 0xCC
#define KIND_SOFTWARE 0
#define KIND_HARDWARE 1
#define KIND_WRITE 2
#define KIND_READ 3
#define KIND_ACCESS 4
#define DR7_ENABLE(i) (2ULL << (2 * (i))) /* for all tasks */
#define DR7_TYPE_SHIFT(i) (16 + 4 * (i))
#define DR7_EXACT 0x300

typedef struct _KDP_BREAKPOINT {
    ULONG64 Address; /* 0: unused */
    PUCHAR Alias;    /* where the byte was put, in the direct map; NULL: it is not in the code */
    UCHAR Original;
} KDP_BREAKPOINT, *PKDP_BREAKPOINT;

typedef struct _KDP_WATCHPOINT {
    ULONG64 Address;
    UCHAR Kind;   /* 0: unused */
    UCHAR Length; /* bytes: 1, 2, 4 or 8 */
} KDP_WATCHPOINT, *PKDP_WATCHPOINT;

static KDP_BREAKPOINT Breakpoints[BREAKPOINTS];
static KDP_WATCHPOINT Watchpoints[4];

static PKDP_BREAKPOINT FindBreakpoint(ULONG64 Address)
{
    for (ULONG i = 0; i < BREAKPOINTS; i++) {
        if (Breakpoints[i].Address == Address) {
            return &Breakpoints[i];
        }
    }
    return NULL;
}

/* Read by processors that have stopped for a breakpoint, not for each other: the table changes
 * while all stand still. */
BOOLEAN KdIsBreakpoint(ULONG64 Address)
{
    PKDP_BREAKPOINT Breakpoint = FindBreakpoint(Address);

    return Breakpoint != NULL && Breakpoint->Alias != NULL;
}

void KdInsertBreakpoints(void)
{
    for (ULONG i = 0; i < BREAKPOINTS; i++) {
        PKDP_BREAKPOINT This = &Breakpoints[i];
        UCHAR Int3 = OPCODE_INT3;

        if (This->Address == 0 || This->Alias != NULL ||
            MmAccessForDebugger(This->Address, &This->Original, 1, FALSE) != 1) {
            continue;
        }
        This->Alias = MmQueryDebuggerAlias(This->Address);
        MmAccessForDebugger(This->Address, &Int3, 1, TRUE);
    }
}

void KdLiftBreakpoints(void)
{
    for (ULONG i = 0; i < BREAKPOINTS; i++) {
        PKDP_BREAKPOINT This = &Breakpoints[i];
        UCHAR Byte;

        if (This->Alias != NULL && MmQueryDebuggerAlias(This->Address) == This->Alias &&
            MmAccessForDebugger(This->Address, &Byte, 1, FALSE) == 1 && Byte == OPCODE_INT3) {
            MmAccessForDebugger(This->Address, &This->Original, 1, TRUE);
        }
        This->Alias = NULL;
    }
}

static const CHAR *AddBreakpoint(ULONG64 Address)
{
    PKDP_BREAKPOINT Breakpoint = FindBreakpoint(Address);

    if (MmQueryDebuggerAlias(Address) == NULL) {
        return KDP_ERROR_ADDRESS;
    }
    if (KiIsDebuggerCode(Address)) {
        return KDP_ERROR_REQUEST;
    }
    if (Breakpoint == NULL) {
        Breakpoint = FindBreakpoint(0);
    }
    if (Breakpoint == NULL) {
        return KDP_ERROR_NO_ROOM;
    }
    Breakpoint->Address = Address;
    return "OK";
}

/*** Debug registers ***/

/* Bits 0 and 1: what is watched; bits 2 and 3: how many bytes. */
static ULONG64 TypeBits(const KDP_WATCHPOINT *This)
{
    static const UCHAR LengthBits[] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};
    ULONG64 Access = This->Kind == KIND_HARDWARE ? 0 : This->Kind == KIND_WRITE ? 1 : 3;

    return Access | (ULONG64)LengthBits[This->Length] << 2;
}

static void UpdateRegisters(void)
{
    ULONG64 Control = KD_DR7_OFF;

    for (ULONG i = 0; i < ARRAYSIZE(Watchpoints); i++) {
        KiDebugRegisters.Address[i] = Watchpoints[i].Address;
        if (Watchpoints[i].Kind != 0) {
            Control |= DR7_EXACT | DR7_ENABLE(i) | TypeBits(&Watchpoints[i]) << DR7_TYPE_SHIFT(i);
        }
    }
    KiDebugRegisters.Control = Control;
}

static PKDP_WATCHPOINT FindWatchpoint(const KDP_WATCHPOINT *Wanted)
{
    for (ULONG i = 0; i < ARRAYSIZE(Watchpoints); i++) {
        const KDP_WATCHPOINT *This = &Watchpoints[i];
        if (This->Kind == Wanted->Kind && This->Address == Wanted->Address &&
            This->Length == Wanted->Length) {
            return &Watchpoints[i];
        }
    }
    return NULL;
}

static const CHAR *AddWatchpoint(const KDP_WATCHPOINT *Wanted)
{
    KDP_WATCHPOINT Unused = {.Address = 0};
    PKDP_WATCHPOINT This = FindWatchpoint(Wanted);

    if (Wanted->Kind == KIND_HARDWARE && KiIsDebuggerCode(Wanted->Address)) {
        return KDP_ERROR_REQUEST;
    }
    if (This == NULL) {
        This = FindWatchpoint(&Unused);
    }
    if (This == NULL) {
        return KDP_ERROR_NO_ROOM;
    }
    *This = *Wanted;
    UpdateRegisters();
    return "OK";
}

/* The processor watches naturally aligned pieces only; an address that it could not have would
 * fault when the register is loaded. */
static BOOLEAN IsWatchable(const KDP_WATCHPOINT *Wanted)
{
    ULONG Length = Wanted->Length;

    return (LONG64)Wanted->Address >> 47 == (LONG64)Wanted->Address >> 63 &&
           (Length == 1 || Length == 2 || Length == 4 || Length == 8) &&
           (Wanted->Address & (Length - 1)) == 0;
}

/*** Requests ***/

/* kind,address,length; an instruction's length is none that a register would take. */
static BOOLEAN TakePlace(const CHAR **At, KDP_WATCHPOINT *Place)
{
    ULONG64 Kind, Length;

    if (!KdpTakeNumber(At, &Kind) || !KdpTakeCharacter(At, ',') ||
        !KdpTakeNumber(At, &Place->Address) || !KdpTakeCharacter(At, ',') ||
        !KdpTakeNumber(At, &Length) || Place->Address == 0 || Kind > KIND_ACCESS) {
        return FALSE;
    }
    Place->Kind = (UCHAR)Kind;
    Place->Length = (UCHAR)(Kind <= KIND_HARDWARE ? 1 : min(Length, 0xFF));
    return TRUE;
}

void KdpSetBreakpoint(const CHAR *At)
{
    KDP_WATCHPOINT Place;
    const CHAR *Answer = KDP_ERROR_REQUEST;

    if (TakePlace(&At, &Place) && IsWatchable(&Place)) {
        Answer = Place.Kind == KIND_SOFTWARE ? AddBreakpoint(Place.Address) : AddWatchpoint(&Place);
    }
    KdpAddText(&KdpSession.Reply, Answer);
}

/* To clear what is not set succeeds: the request may come twice. */
void KdpClearBreakpoint(const CHAR *At)
{
    PKDP_BREAKPOINT Breakpoint;
    PKDP_WATCHPOINT Watchpoint;
    KDP_WATCHPOINT Place;

    if (!TakePlace(&At, &Place)) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    Breakpoint = Place.Kind == KIND_SOFTWARE ? FindBreakpoint(Place.Address) : NULL;
    if (Breakpoint != NULL) {
        Breakpoint->Address = 0;
    }
    Watchpoint = Place.Kind == KIND_SOFTWARE ? NULL : FindWatchpoint(&Place);
    if (Watchpoint != NULL) {
        *Watchpoint = (KDP_WATCHPOINT){.Address = 0};
        UpdateRegisters();
    }
    KdpAddText(&KdpSession.Reply, "OK");
}

void KdpRemoveAllBreakpoints(void)
{
    KdLiftBreakpoints();
    memset(Breakpoints, 0, sizeof(Breakpoints));
    memset(Watchpoints, 0, sizeof(Watchpoints));
    UpdateRegisters();
}

void KdpAddHardwareReason(ULONG Number)
{
    static const CHAR *const Names[] = {
        [KIND_WRITE] = "watch:", [KIND_READ] = "rwatch:", [KIND_ACCESS] = "awatch:"};
    const KDP_WATCHPOINT *This = &Watchpoints[Number];

    if (This->Kind == KIND_HARDWARE) {
        KdpAddText(&KdpSession.Reply, "hwbreak:;");
    } else if (This->Kind != 0) {
        KdpAddText(&KdpSession.Reply, Names[This->Kind]);
        KdpAddNumber(&KdpSession.Reply, This->Address);
        KdpAddText(&KdpSession.Reply, ";");
    }
}
