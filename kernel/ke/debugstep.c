/*
 * debugstep.c - the debugger's single steps.
 *
 * A step runs with interrupts shut out, so that it is one instruction and no interrupt handler in
 * between, whatever its IRQL; the flags that the instruction sees or changes are put right.
 */
#include "debugstep.h"
#include "debugstate.h"
#include "mm.h"
#include "processor.h"

#define OPCODE_PUSHF 0x9C
#define OPCODE_POPF 0x9D
#define OPCODE_IRET 0xCF
#define OPCODE_HLT 0xF4
#define OPCODE_CLI 0xFA
#define OPCODE_STI 0xFB
#define LONGEST_INSTRUCTION 15

/* The instruction at Rip without its prefixes, and how long it is up to its opcode's end; 0: it
 * cannot be read. The bytes are read as gdb would: they may not be there. */
static UCHAR KiOpcodeAt(ULONG64 Rip, ULONG *Length)
{
    UCHAR Byte = 0;
    for (*Length = 1; *Length <= LONGEST_INSTRUCTION; *Length += 1, Rip++) {
        if (MmAccessForDebugger(Rip, &Byte, 1, FALSE) != 1) {
            return 0;
        }
        switch (Byte) {
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
        case 0x40 ... 0x4F: /* REX */
        case 0x64 ... 0x67:
        case 0xF2:
        case 0xF3:
            break;
        default:
            return Byte;
        }
    }
    return 0;
}

/* What is done by hand. A halt would wait for an interrupt that is shut out: it is stepped over as
 * if one had come. The other two change the flag by which interrupts are shut out. */
static BOOLEAN KiEmulateStep(UCHAR Opcode, PKTRAP_FRAME Frame)
{
    switch (Opcode) {
    case OPCODE_CLI:
        Frame->EFlags &= ~(ULONG64)EFLAGS_IF;
        return TRUE;
    case OPCODE_STI:
        Frame->EFlags |= EFLAGS_IF;
        return TRUE;
    default:
        return Opcode == OPCODE_HLT;
    }
}

BOOLEAN KiArmStep(PKD_PROCESSOR Processor)
{
    PKTRAP_FRAME Frame = Processor->Frame;
    ULONG Length;

    Processor->StepOpcode = KiOpcodeAt(Frame->Rip, &Length);
    if (KiEmulateStep(Processor->StepOpcode, Frame)) {
        Frame->Rip += Length;
        return FALSE;
    }
    Processor->StepFlags = Frame->EFlags & STEP_FLAGS;
    Frame->EFlags = (Frame->EFlags & ~STEP_FLAGS) | EFLAGS_TF;
    Processor->Stepping = TRUE;
    return TRUE;
}

void KiRestoreStepFlags(PKD_PROCESSOR Processor, PKTRAP_FRAME Frame)
{
    Frame->EFlags = (Frame->EFlags & ~STEP_FLAGS) | Processor->StepFlags;
}

/* What the flags would be without the step. Both of them stand in the low half of what was pushed,
 * whatever its size. */
void KiFinishStep(PKD_PROCESSOR Processor, PKTRAP_FRAME Frame)
{
    USHORT Pushed;

    switch (Processor->StepOpcode) {
    case OPCODE_POPF:
    case OPCODE_IRET:
        return; /* as they were loaded */
    case OPCODE_PUSHF:
        if (MmAccessForDebugger(Frame->Rsp, &Pushed, sizeof(Pushed), FALSE) == sizeof(Pushed)) {
            Pushed = (USHORT)((Pushed & ~STEP_FLAGS) | Processor->StepFlags);
            MmAccessForDebugger(Frame->Rsp, &Pushed, sizeof(Pushed), TRUE);
        }
        break;
    }
    KiRestoreStepFlags(Processor, Frame);
}

BOOLEAN KiIsStepping(void)
{
    return KiCurrentDebugProcessor()->Stepping;
}

/* The instruction that is stepped over has faulted: the handler sees the flags as they are. */
void KiSuspendStep(PKTRAP_FRAME Frame)
{
    if (KiIsStepping()) {
        KiRestoreStepFlags(KiCurrentDebugProcessor(), Frame);
    }
}

/* It is tried again, unless mm steps over it for its own purposes: then that ends both. */
void KiResumeStep(PKTRAP_FRAME Frame)
{
    if (KiIsStepping() && (Frame->EFlags & EFLAGS_TF) == 0) {
        Frame->EFlags = (Frame->EFlags & ~STEP_FLAGS) | EFLAGS_TF;
    }
}
