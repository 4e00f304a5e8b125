/*
 * One step up the stack through a driver's routine, by the image's unwind data (.pdata).
 *
 * Compilers for Windows need not keep RBP as a frame pointer; instead each routine that touches the
 * stack has an entry that lists what its prologue did, which is undone here, last action first;
 * epilogues are recognised by their instructions. A routine without an entry is a leaf: its return
 * address is on top. Nothing is trusted: every read is checked, and chains of entries have an end.
 * No locks, any IRQL.
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

/* The address of the entry that covers Rva, by bisection, in *Found; 0: there is none. */
static BOOLEAN KiFindFunction(ULONG64 Base, ULONG Rva, KI_FUNCTION_ENTRY *Entry, PULONG64 Found)
{
    ULONG Header, Table, Size, Low = 0, High;

    *Found = 0;
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
            *Found = At;
            return TRUE;
        }
    }
    return TRUE;
}

ULONG64 KiFindImageFunction(ULONG64 Base, ULONG Rva)
{
    KI_FUNCTION_ENTRY Entry;
    ULONG64 Found;

    return KiFindFunction(Base, Rva, &Entry, &Found) ? Found : 0;
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

static KI_STEP KiStackStep(BOOLEAN Read)
{
    return Read ? KiStepDone : KiStepNoStack;
}

/* Undoes one operation whose further slots stand at Slots. */
static KI_STEP KiUndo(PKI_STACK_WALK Walk, UCHAR Operation, ULONG64 Slots, ULONG64 Frame)
{
    ULONG Argument = Operation >> 4;
    USHORT Short = 0;
    ULONG Long = 0;

    switch (Operation & 0xF) {
    case UnwindPushRegister:
        return KiStackStep(KiPop(Walk, &Walk->Register[Argument]));
    case UnwindAllocateSmall:
        Walk->Register[KiRegisterRsp] += Argument * 8 + 8;
        return KiStepDone;
    case UnwindAllocateLarge:
        if (Argument == 0 ? !KiReadMemory(Slots, &Short, 2) : !KiReadMemory(Slots, &Long, 4)) {
            return KiStepBadTables;
        }
        Walk->Register[KiRegisterRsp] += Argument == 0 ? Short * 8ULL : Long;
        return KiStepDone;
    case UnwindSetFrame:
        Walk->Register[KiRegisterRsp] = Frame;
        return KiStepDone;
    case UnwindSaveRegister:
        return KiReadMemory(Slots, &Short, 2)
                   ? KiStackStep(KiReload(Walk, Argument, Frame, Short * 8ULL))
                   : KiStepBadTables;
    case UnwindSaveRegisterFar:
        return KiReadMemory(Slots, &Long, 4) ? KiStackStep(KiReload(Walk, Argument, Frame, Long))
                                             : KiStepBadTables;
    default:
        return KiStepDone; /* XMM registers are not followed */
    }
}

/* Undoes what of one entry's prologue had been done when Offset bytes of the routine had run. */
static KI_STEP KiUndoPrologue(PKI_STACK_WALK Walk, ULONG64 Codes, const KI_UNWIND_INFO *Info,
                              ULONG Offset, PBOOLEAN MachineFrame)
{
    ULONG64 Frame = Walk->Register[KiRegisterRsp];
    KI_UNWIND_CODE Code;
    KI_STEP Step;

    if ((Info->FrameRegister & 0xF) != 0) {
        Frame = Walk->Register[Info->FrameRegister & 0xF] - (Info->FrameRegister >> 4) * 16ULL;
    }
    for (ULONG i = 0, Slots; i < Info->CodeCount; i += Slots) {
        ULONG64 At = Codes + i * sizeof(Code);
        if (!KiReadMemory(At, &Code.PrologueOffset, 1) ||
            !KiReadMemory(At + 1, &Code.Operation, 1) ||
            (Slots = KiCodeSlots(Code.Operation)) == 0) {
            return KiStepBadTables;
        }
        if (Code.PrologueOffset > Offset) {
            continue;
        }
        if ((Code.Operation & 0xF) == UnwindPushMachineFrame) {
            *MachineFrame = TRUE;
            return KiStackStep(KiPopMachineFrame(Walk, Code.Operation >> 4));
        }
        Step = KiUndo(Walk, Code.Operation, At + sizeof(Code), Frame);
        if (Step != KiStepDone) {
            return Step;
        }
    }
    return KiStepDone;
}

static BOOLEAN KiReadUnwindInfo(ULONG64 At, KI_UNWIND_INFO *Info)
{
    return KiReadMemory(At, &Info->VersionAndFlags, 1) &&
           KiReadMemory(At + 1, &Info->PrologueSize, 1) &&
           KiReadMemory(At + 2, &Info->CodeCount, 1) &&
           KiReadMemory(At + 3, &Info->FrameRegister, 1);
}

/* An entry may go on in another one (chained): a routine in several pieces. */
static KI_STEP KiUndoRoutine(PKI_STACK_WALK Walk, ULONG64 Base, KI_FUNCTION_ENTRY Entry,
                             PBOOLEAN MachineFrame)
{
    ULONG Offset = (ULONG)(Walk->Rip - Base) - Entry.Begin;

    for (ULONG Depth = 0; Depth < MAXIMUM_CHAIN; Depth++) {
        ULONG64 At = Base + Entry.Unwind;
        KI_UNWIND_INFO Info;
        ULONG64 Next;
        KI_STEP Step;
        if (!KiReadUnwindInfo(At, &Info)) {
            return KiStepBadTables;
        }
        Step = KiUndoPrologue(Walk, At + sizeof(Info), &Info, Offset, MachineFrame);
        if (Step != KiStepDone || *MachineFrame ||
            (Info.VersionAndFlags >> 3 & UNWIND_FLAG_CHAINED) == 0) {
            return Step;
        }
        Next = At + sizeof(Info) + (Info.CodeCount + 1ULL) / 2 * 2 * sizeof(KI_UNWIND_CODE);
        if (!KiReadMemory(Next + 8, &Entry.Unwind, 4)) {
            return KiStepBadTables;
        }
        Offset = MAXULONG; /* the earlier pieces' prologues are complete */
    }
    return KiStepBadTables;
}

/* What jumps out of a routine instead of a return: a jump by a register or through memory, or one
 * that leads elsewhere. *Rip is where it stands. */
static BOOLEAN KiIsTailJump(ULONG64 Rip, const UCHAR Code[3], ULONG64 Begin, ULONG64 End)
{
    LONG Distance;
    CHAR Short = (CHAR)Code[1];
    ULONG64 Target;

    if ((Code[0] == 0xFF && Code[1] == 0x25) ||
        (Code[0] == 0x48 && Code[1] == 0xFF && (Code[2] & 0x38) == 0x20)) {
        return TRUE;
    }
    if (Code[0] == 0xEB) {
        Target = Rip + 2 + (ULONG64)(LONG64)Short;
    } else if (Code[0] == 0xE9 && KiReadMemory(Rip + 1, &Distance, 4)) {
        Target = Rip + 5 + (ULONG64)(LONG64)Distance;
    } else {
        return FALSE;
    }
    return Target < Begin || Target >= End;
}

/* The instruction that gives the frame's memory back, if *Rip points to one: add rsp, n; lea rsp,
 * [reg + n]. */
static BOOLEAN KiEndAllocation(PKI_STACK_WALK Walk, PULONG64 Rip, const UCHAR Code[3])
{
    ULONG Base = (Code[2] & 7U) | (Code[0] & 1U) << 3;
    ULONG Mode = Code[2] >> 6;
    CHAR Short = 0;
    LONG Long = 0;
    BOOLEAN Add = Code[0] == 0x48 && (Code[1] == 0x83 || Code[1] == 0x81) && Code[2] == 0xC4;
    BOOLEAN Lea = (Code[0] & 0xFE) == 0x48 && Code[1] == 0x8D && (Code[2] & 0x38) == 0x20 &&
                  (Mode == 1 || Mode == 2) && (Base & 7) != KiRegisterRsp;
    BOOLEAN Wide = Add ? Code[1] == 0x81 : Mode == 2;

    if ((!Add && !Lea) ||
        !(Wide ? KiReadMemory(*Rip + 3, &Long, 4) : KiReadMemory(*Rip + 3, &Short, 1))) {
        return FALSE;
    }
    Walk->Register[KiRegisterRsp] =
        Walk->Register[Add ? KiRegisterRsp : Base] + (ULONG64)(LONG64)(Wide ? Long : Short);
    *Rip += Wide ? 7 : 4;
    return TRUE;
}

/*
 * Unwind data describes prologues only. What ends a routine has one form: memory given back,
 * registers popped, a return or a jump. When the rest of a routine looks so from where it was
 * interrupted, Caller has those instructions done, up to the return.
 */
static BOOLEAN KiIsInEpilogue(PKI_STACK_WALK Walk, ULONG64 Base, const KI_FUNCTION_ENTRY *Entry,
                              PKI_STACK_WALK Caller)
{
    ULONG64 Rip = Walk->Rip;
    UCHAR Code[3];

    for (ULONG Count = 0; Count <= KiRegisterCount + 1; Count++) {
        ULONG High;
        for (ULONG i = 0; i < sizeof(Code); i++) {
            if (!KiReadMemory(Rip + i, &Code[i], 1)) {
                return FALSE;
            }
        }
        if (Count == 0 && KiEndAllocation(Caller, &Rip, Code)) {
            continue;
        }
        High = (Code[0] & 0xFE) == 0x40; /* a prefix: which half of the registers */
        if ((Code[High] & 0xF8) != 0x58) {
            return Code[0] == 0xC3 || Code[0] == 0xC2 || (Code[0] == 0xF3 && Code[1] == 0xC3) ||
                   KiIsTailJump(Rip, Code, Base + Entry->Begin, Base + Entry->End);
        }
        if (!KiPop(Caller,
                   &Caller->Register[(Code[High] & 7U) | (High ? (Code[0] & 1U) << 3 : 0)])) {
            return FALSE;
        }
        Rip += High + 1;
    }
    return FALSE;
}

KI_STEP KiUnwindImageFrame(PKI_STACK_WALK Walk, ULONG64 Base, ULONG Size)
{
    KI_STACK_WALK Caller = *Walk;
    KI_FUNCTION_ENTRY Entry;
    BOOLEAN MachineFrame = FALSE;
    ULONG64 Found;
    KI_STEP Step = KiStepDone;

    /* The call that is returned to may be the last instruction of its routine. */
    Caller.Rip -= !Walk->Interrupted;
    if (Caller.Rip - Base >= Size ||
        !KiFindFunction(Base, (ULONG)(Caller.Rip - Base), &Entry, &Found)) {
        return KiStepBadTables;
    }
    /* A leaf calls nobody: what leads there is no return address. */
    if (Found == 0 && !Walk->Interrupted) {
        return KiStepNoRoutine;
    }
    if (Found != 0 && !(Walk->Interrupted && KiIsInEpilogue(Walk, Base, &Entry, &Caller))) {
        Caller = *Walk;
        Caller.Rip -= !Walk->Interrupted;
        Step = KiUndoRoutine(&Caller, Base, Entry, &MachineFrame);
    }
    if (Step == KiStepDone && !MachineFrame && !KiPop(&Caller, &Caller.Rip)) {
        Step = KiStepNoStack;
    }
    if (Step == KiStepDone) {
        Caller.Interrupted = MachineFrame;
        *Walk = Caller;
    }
    return Step;
}
