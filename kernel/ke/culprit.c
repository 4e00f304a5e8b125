/*
 * culprit.c - whose fault a bugcheck probably is: one module, and an address in it.
 *
 * In this order: whom the kernel's own checks name; a driver that has gone, when something it left
 * behind struck; the driver closest to the top of the stack, as far as calls lead; one that a
 * parameter points into; one that was interrupted; one whose address is left on a stack that is
 * damaged. Else it is the kernel. A crash that a person asked for is nobody's.
 */
#include <ntddk.h>
#include "kd.h"
#include "ldr.h"
#include "processor.h"
#include "unwind.h"

#define SEARCHED_FRAMES 48
#define SEARCHED_WORDS 256

KI_CULPRIT KiBugCheckCulprit;

static BOOLEAN KiIsDriver(PVOID Address)
{
    PLDR_MODULE Module = LdrFindModule(Address);

    return Module != NULL ? Module != LdrQueryModule(0) : LdrFindUnloaded(Address) != NULL;
}

static BOOLEAN KiBlame(PVOID Address)
{
    PLDR_MODULE Module = LdrFindModule(Address);
    PLDR_UNLOADED Gone = Module == NULL ? LdrFindUnloaded(Address) : NULL;
    const CHAR *Name = Module != NULL ? Module->Name : Gone != NULL ? Gone->Name : "nt";

    KiBugCheckCulprit.Address = Address;
    strcpy_s(KiBugCheckCulprit.Module, sizeof(KiBugCheckCulprit.Module), Name);
    return TRUE;
}

static BOOLEAN KiBlameStack(const KTRAP_FRAME *Frame, BOOLEAN Interrupted, const char *Module)
{
    KI_STACK_WALK Walk;
    ULONG Count = 0;

    KiStartWalkAtFrame(&Walk, Frame);
    do {
        PVOID Rip = (PVOID)Walk.Rip;
        if (KiIsDriver(Rip)) {
            PLDR_MODULE Found = LdrFindModule(Rip);
            if (Module == NULL || (Found != NULL && _stricmp(Found->Name, Module) == 0)) {
                KiBugCheckCulprit.Called = !Walk.Interrupted;
                return KiBlame(Rip);
            }
        }
    } while (++Count < SEARCHED_FRAMES && KiStepFrame(&Walk) == KiStepDone &&
             (Interrupted || !Walk.Interrupted));
    return FALSE;
}

static BOOLEAN KiBlameParameters(const ULONG_PTR Parameters[4])
{
    for (ULONG i = 0; i < 4; i++) {
        if (KiIsDriver((PVOID)Parameters[i])) {
            return KiBlame((PVOID)Parameters[i]);
        }
    }
    return FALSE;
}

/* When a stack is so damaged that no walk finds anybody, what is left of it above may still
 * tell. */
static BOOLEAN KiBlameRemains(const KTRAP_FRAME *Frame)
{
    ULONG64 Word;

    for (ULONG i = 0; i < SEARCHED_WORDS && KiReadMemory(Frame->Rsp + i * 8, &Word, 8); i++) {
        if (KiIsDriver((PVOID)Word)) {
            return KiBlame((PVOID)Word);
        }
    }
    return FALSE;
}

/* Text of a check: "driver x.sys, ...". The address is where the driver stands on the stack, or its
 * base. */
static BOOLEAN KiBlameNamed(const char *Text, const KTRAP_FRAME *Frame)
{
    static const CHAR Driver[] = "driver ";
    CHAR Name[sizeof(KiBugCheckCulprit.Module)];
    PLDR_MODULE Module;
    ULONG Length = 0;

    if (Text == NULL || strncmp(Text, Driver, sizeof(Driver) - 1) != 0) {
        return FALSE;
    }
    for (Text += sizeof(Driver) - 1; Text[Length] > ' ' && Text[Length] != ',' &&
                                     Text[Length] != ':' && Length < sizeof(Name) - 1;
         Length++) {
        Name[Length] = Text[Length];
    }
    Name[Length] = 0;
    if (KiBlameStack(Frame, TRUE, Name)) {
        return TRUE;
    }
    for (ULONG i = 1; (Module = LdrQueryModule(i)) != NULL; i++) {
        if (Module->Base != NULL && _stricmp(Module->Name, Name) == 0) {
            return KiBlame(Module->Base);
        }
    }
    strcpy_s(KiBugCheckCulprit.Module, sizeof(KiBugCheckCulprit.Module), Name);
    KiBugCheckCulprit.Address = (PVOID)Frame->Rip;
    return TRUE;
}

void KiFindCulprit(ULONG Code, const ULONG_PTR Parameters[4], const char *Named,
                   const KTRAP_FRAME *Frame)
{
    BOOLEAN Asked = Code == MANUALLY_INITIATED_CRASH || Code == NMI_HARDWARE_FAILURE;
    /* The stack of a watchdog's bugcheck begins in the clock's interrupt. */
    BOOLEAN Interrupted = Code == DPC_WATCHDOG_VIOLATION;
    BOOLEAN Leftover = Code == DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS;

    if (Asked || !(KiBlameNamed(Named, Frame) || (Leftover && KiBlameParameters(Parameters)) ||
                   KiBlameStack(Frame, Interrupted, NULL) || KiBlameParameters(Parameters) ||
                   KiBlameStack(Frame, TRUE, NULL) ||
                   (LdrFindModule((PVOID)Frame->Rip) == NULL && KiBlameRemains(Frame)))) {
        KiBugCheckCulprit.Called = Frame->Vector == KI_NO_VECTOR;
        KiBlame((PVOID)Frame->Rip);
    }
}

/* The line is WinDbg's, for programs that look for it. */
void KiPrintCulprit(void)
{
    CHAR Name[96];

    (KiBugCheckCulprit.Called ? LdrFormatReturnAddress
                              : LdrFormatAddress)(KiBugCheckCulprit.Address, Name, sizeof(Name));
    KdPrintf("Probably caused by : %s ( %s )\n", KiBugCheckCulprit.Module, Name);
}
