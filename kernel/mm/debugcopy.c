/*
 * debugcopy.c - memory for the debugger: every access is translated first, so a bad address is an
 * answer and no fault.
 *
 * It goes through the direct map, as MmCopyMemory does: only RAM is touched, never a device's
 * registers, which a look could change. The direct map shows the kernel's code and constants
 * read-only; the debugger alone may write them, to set breakpoints, and it takes the processor's
 * write protection off for that moment. No other mapping comes into being: code stays unwritable
 * for everybody else.
 *
 * Breakpoints are set and lifted here, so nothing here may have one: not even memcpy is called.
 */
#include "mi.h"

#define CR0_WP (1ULL << 16)

PVOID MmQueryDebuggerAlias(ULONG64 Address)
{
    ULONG64 Physical;
    ULONG Level;
    MMPTE Entry = MiTranslate((PVOID)Address, &Level);

    if (Entry == 0) {
        return NULL;
    }
    Physical = MiPhysicalOf((PVOID)Address, Entry, Level);
    return MiIsUsableRam(Physical, Physical + 1) ? MmPhysicalToVirtual(Physical) : NULL;
}

static void MiMoveBytes(PVOID To, const VOID *From, SIZE_T Size)
{
    __asm__ volatile("rep movsb" : "+D"(To), "+S"(From), "+c"(Size) : : "memory");
}

/* Interrupts are off: nobody else runs here without the protection. */
static void MiWriteAnyway(PVOID To, const VOID *From, SIZE_T Size)
{
    ULONG64 Cr0 = __readcr0();

    __writecr0(Cr0 & ~CR0_WP);
    MiMoveBytes(To, From, Size);
    __writecr0(Cr0);
}

SIZE_T MmAccessForDebugger(ULONG64 Address, PVOID Buffer, SIZE_T Size, BOOLEAN Write)
{
    SIZE_T Done = 0;

    while (Done < Size) {
        SIZE_T Step = min(Size - Done, PAGE_SIZE - BYTE_OFFSET(Address + Done));
        PVOID Alias = MmQueryDebuggerAlias(Address + Done);

        if (Alias == NULL) {
            break;
        }
        if (Write) {
            MiWriteAnyway(Alias, (PUCHAR)Buffer + Done, Step);
        } else {
            MiMoveBytes((PUCHAR)Buffer + Done, Alias, Step);
        }
        Done += Step;
    }
    return Done;
}
