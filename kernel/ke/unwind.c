/*
 * One step up the stack through a driver's routine, by the image's unwind data (.pdata).
 *
 * Compilers for Windows need not keep RBP as a frame pointer; instead each routine that touches the
 * stack has an entry that lists what its prologue did, which is undone here, last action first. A
 * routine without an entry is a leaf: its return address is on top. Nothing is trusted: every read
 * is checked, and chains of entries have an end. No locks, any IRQL.
 */
#include <ntddk.h>
#include "unwind.h"

/* PE: offsets of the only fields needed here. */
#define PE_HEADER_OFFSET 0x3C       /* in the DOS header: where the PE signature stands */
#define PE_EXCEPTION_DIRECTORY 0xA0 /* from the signature: {RVA, size} of the entries */
#define MAXIMUM_CHAIN 8

typedef struct _KI_FUNCTION_ENTRY {
    ULONG Begin, End, Unwind; /* RVAs */
} KI_FUNCTION_ENTRY;

typedef struct _KI_UNWIND_INFO {
    UCHAR VersionAndFlags; /* 3 and 5 bits */
    UCHAR PrologueSize;
    UCHAR CodeCount;
    UCHAR FrameRegister; /* 4 bits register, 4 bits offset / 16 */
} KI_UNWIND_INFO;

#define UNWIND_FLAG_CHAINED 4

typedef struct _KI_UNWIND_CODE {
    UCHAR PrologueOffset;
    UCHAR Operation; /* 4 bits operation, 4 bits argument */
} KI_UNWIND_CODE;

enum {
    UnwindPushRegister = 0,
    UnwindAllocateLarge = 1,
    UnwindAllocateSmall = 2,
    UnwindSetFrame = 3,
    UnwindSaveRegister = 4,
    UnwindSaveRegisterFar = 5,
    UnwindSaveXmm = 8,
    UnwindSaveXmmFar = 9,
    UnwindPushMachineFrame = 10
};

/* Slots, of two bytes, that an operation's code takes; 0: unknown. */
static ULONG KiCodeSlots(UCHAR Operation)
{
    switch (Operation & 0xF) {
    case UnwindPushRegister:
    case UnwindAllocateSmall:
    case UnwindSetFrame:
    case UnwindPushMachineFrame:
        return 1;
    case UnwindAllocateLarge:
        return Operation >> 4 == 0 ? 2 : 3;
    case UnwindSaveRegister:
    case UnwindSaveXmm:
        return 2;
    case UnwindSaveRegisterFar:
    case UnwindSaveXmmFar:
        return 3;
    default:
        return 0;
    }
}

/* The entry that covers Rva, by bisection; *Found tells whether there is one. */
static BOOLEAN KiFindFunction(ULONG64 Base, ULONG Rva, KI_FUNCTION_ENTRY *Entry, PBOOLEAN Found)
{
    ULONG Header, Table, Size, Low = 0, High;

    *Found = FALSE;
    if (!KiReadMemory(Base + PE_HEADER_OFFSET, &Header, 4) ||
        !KiReadMemory(Base + Header + PE_EXCEPTION_DIRECTORY, &Table, 4) ||
        !KiReadMemory(Base + Header + PE_EXCEPTION_DIRECTORY + 4, &Size, 4)) {
        return FALSE;
    }
    for (High = Size / sizeof(*Entry); Low < High;) {
        ULONG Middle = Low + (High - Low) / 2;
        ULONG64 At = Base + Table + (ULONG64)Middle * sizeof(*Entry);
        if (!KiReadMemory(At, &Entry->Begin, 4) || !KiReadMemory(At + 4, &Entry->End, 4) ||
            !KiReadMemory(At + 8, &Entry->Unwind, 4)) {
            return FALSE;
        }
        if (Rva < Entry->Begin) {
            High = Middle;
        } else if (Rva >= Entry->End) {
            Low = Middle + 1;
        } else {
            *Found = TRUE;
            return TRUE;
        }
    }
    return TRUE;
}

/* The stack pointer moves only when the word could be read: the walk ends there otherwise. */
static BOOLEAN KiPop(PKI_STACK_WALK Walk, PULONG64 Value)
{
    if (!KiReadMemory(Walk->Register[KiRegisterRsp], Value, 8)) {
        return FALSE;
    }
    Walk->Register[KiRegisterRsp] += 8;
    return TRUE;
}

/* A saved register lies Offset above where RSP was when the prologue ended. */
static BOOLEAN KiReload(PKI_STACK_WALK Walk, ULONG Register, ULONG64 Frame, ULONG64 Offset)
{
    return KiReadMemory(Frame + Offset, &Walk->Register[Register], 8);
}

/* What an interrupt pushed: RIP first, RSP three words on. It replaces the return address. */
static BOOLEAN KiPopMachineFrame(PKI_STACK_WALK Walk, ULONG HasErrorCode)
{
    ULONG64 At = Walk->Register[KiRegisterRsp] + HasErrorCode * 8;

    return KiReadMemory(At, &Walk->Rip, 8) &&
           KiReadMemory(At + 24, &Walk->Register[KiRegisterRsp], 8);
}

/* Undoes one operation whose further slots stand at Slots. */
static BOOLEAN KiUndo(PKI_STACK_WALK Walk, UCHAR Operation, ULONG64 Slots, ULONG64 Frame)
{
    ULONG Argument = Operation >> 4;
    USHORT Short = 0;
    ULONG Long = 0;

    switch (Operation & 0xF) {
    case UnwindPushRegister:
        return KiPop(Walk, &Walk->Register[Argument]);
    case UnwindAllocateSmall:
        Walk->Register[KiRegisterRsp] += Argument * 8 + 8;
        return TRUE;
    case UnwindAllocateLarge:
        if (Argument == 0 ? !KiReadMemory(Slots, &Short, 2) : !KiReadMemory(Slots, &Long, 4)) {
            return FALSE;
        }
        Walk->Register[KiRegisterRsp] += Argument == 0 ? Short * 8ULL : Long;
        return TRUE;
    case UnwindSetFrame:
        Walk->Register[KiRegisterRsp] = Frame;
        return TRUE;
    case UnwindSaveRegister:
        return KiReadMemory(Slots, &Short, 2) && KiReload(Walk, Argument, Frame, Short * 8ULL);
    case UnwindSaveRegisterFar:
        return KiReadMemory(Slots, &Long, 4) && KiReload(Walk, Argument, Frame, Long);
    default:
        return TRUE; /* XMM registers are not followed */
    }
}

/* Undoes what of one entry's prologue had been done when Offset bytes of the routine had run. */
static BOOLEAN KiUndoPrologue(PKI_STACK_WALK Walk, ULONG64 Codes, const KI_UNWIND_INFO *Info,
                              ULONG Offset, PBOOLEAN MachineFrame)
{
    ULONG64 Frame = Walk->Register[KiRegisterRsp];
    KI_UNWIND_CODE Code;

    if ((Info->FrameRegister & 0xF) != 0) {
        Frame = Walk->Register[Info->FrameRegister & 0xF] - (Info->FrameRegister >> 4) * 16ULL;
    }
    for (ULONG i = 0, Slots; i < Info->CodeCount; i += Slots) {
        ULONG64 At = Codes + i * sizeof(Code);
        if (!KiReadMemory(At, &Code.PrologueOffset, 1) ||
            !KiReadMemory(At + 1, &Code.Operation, 1) ||
            (Slots = KiCodeSlots(Code.Operation)) == 0) {
            return FALSE;
        }
        if (Code.PrologueOffset > Offset) {
            continue;
        }
        if ((Code.Operation & 0xF) == UnwindPushMachineFrame) {
            *MachineFrame = TRUE;
            return KiPopMachineFrame(Walk, Code.Operation >> 4);
        }
        if (!KiUndo(Walk, Code.Operation, At + sizeof(Code), Frame)) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN KiReadUnwindInfo(ULONG64 At, KI_UNWIND_INFO *Info)
{
    return KiReadMemory(At, &Info->VersionAndFlags, 1) &&
           KiReadMemory(At + 1, &Info->PrologueSize, 1) &&
           KiReadMemory(At + 2, &Info->CodeCount, 1) &&
           KiReadMemory(At + 3, &Info->FrameRegister, 1);
}

/* An entry may go on in another one (chained): a routine in several pieces. */
static BOOLEAN KiUndoRoutine(PKI_STACK_WALK Walk, ULONG64 Base, KI_FUNCTION_ENTRY Entry,
                             PBOOLEAN MachineFrame)
{
    ULONG Offset = (ULONG)(Walk->Rip - Base) - Entry.Begin;

    for (ULONG Depth = 0; Depth < MAXIMUM_CHAIN; Depth++) {
        ULONG64 At = Base + Entry.Unwind;
        KI_UNWIND_INFO Info;
        ULONG64 Next;
        if (!KiReadUnwindInfo(At, &Info) ||
            !KiUndoPrologue(Walk, At + sizeof(Info), &Info, Offset, MachineFrame)) {
            return FALSE;
        }
        if (*MachineFrame || (Info.VersionAndFlags >> 3 & UNWIND_FLAG_CHAINED) == 0) {
            return TRUE;
        }
        Next = At + sizeof(Info) + (Info.CodeCount + 1ULL) / 2 * 2 * sizeof(KI_UNWIND_CODE);
        if (!KiReadMemory(Next + 8, &Entry.Unwind, 4)) {
            return FALSE;
        }
        Offset = MAXULONG; /* the earlier pieces' prologues are complete */
    }
    return FALSE;
}

BOOLEAN KiUnwindImageFrame(PKI_STACK_WALK Walk, ULONG64 Base, ULONG Size)
{
    KI_FUNCTION_ENTRY Entry;
    BOOLEAN Found, MachineFrame = FALSE;

    if (Walk->Rip - Base >= Size ||
        !KiFindFunction(Base, (ULONG)(Walk->Rip - Base), &Entry, &Found)) {
        return FALSE;
    }
    if (Found && !KiUndoRoutine(Walk, Base, Entry, &MachineFrame)) {
        return FALSE;
    }
    return MachineFrame || KiPop(Walk, &Walk->Rip);
}
