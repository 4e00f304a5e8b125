/*
 * unloaded.c - the last modules that have gone, and the commands lm and ln.
 *
 * A ring that is read by anybody at any IRQL, crash screens first of all: a jump into a driver that
 * is gone shows whose it was. An entry is invalid, Base NULL, while it is written.
 */
#include <ke.h>
#include <kd.h>
#include "ldrp.h"

static LDR_UNLOADED LdrpUnloaded[LDR_UNLOADED_MODULES];
static volatile LONG LdrpUnloadedCount; /* o  ever written: the next one's place, modulo the size */

void LdrpNoteUnloaded(const LDR_MODULE *Module)
{
    /* Each writer gets a place of its own; two meet there only when fifty came between them. */
    ULONG Number = (ULONG)InterlockedIncrement(&LdrpUnloadedCount) - 1;
    PLDR_UNLOADED Entry = &LdrpUnloaded[Number % LDR_UNLOADED_MODULES];

    __atomic_store_n(&Entry->Base, NULL, __ATOMIC_SEQ_CST);
    Entry->Size = Module->Size;
    memcpy(Entry->Name, Module->Name, sizeof(Entry->Name));
    KeQuerySystemTime(&Entry->Time);
    __atomic_store_n(&Entry->Base, Module->Base, __ATOMIC_RELEASE);
}

PLDR_UNLOADED LdrQueryUnloaded(ULONG Index)
{
    ULONG Count = (ULONG)LdrpUnloadedCount;

    return Index < min(Count, LDR_UNLOADED_MODULES)
               ? &LdrpUnloaded[(Count - 1 - Index) % LDR_UNLOADED_MODULES]
               : NULL;
}

PLDR_UNLOADED LdrFindUnloaded(PVOID Address)
{
    PLDR_UNLOADED Entry;

    if (LdrFindModule(Address) != NULL) {
        return NULL;
    }
    for (ULONG i = 0; (Entry = LdrQueryUnloaded(i)) != NULL; i++) {
        PVOID Base = __atomic_load_n(&Entry->Base, __ATOMIC_ACQUIRE);

        if (Base != NULL && (ULONG_PTR)Address - (ULONG_PTR)Base < Entry->Size) {
            return Entry;
        }
    }
    return NULL;
}

static void LdrpPrintUnloaded(PKD_CONSOLE Console)
{
    PLDR_UNLOADED Entry;

    for (ULONG i = 0; (Entry = LdrQueryUnloaded(i)) != NULL; i++) {
        LDR_UNLOADED Copy = *Entry;

        if (i == 0) {
            KdConsolePrint(Console, "\nUnloaded modules:\n");
        }
        if (Copy.Base != NULL) {
            KdConsolePrint(Console, "%p  %p  %s\n", Copy.Base, (PUCHAR)Copy.Base + Copy.Size,
                           Copy.Name);
        }
    }
}

static NTSTATUS LdrpShowModules(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PLDR_MODULE Module;

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "start             end               module name\n");
    for (ULONG i = 0; (Module = LdrQueryModule(i)) != NULL; i++) {
        PUCHAR Base = Module->Base;

        if (Base != NULL) {
            KdConsolePrint(Console, "%p  %p  %s%s\n", Base, Base + Module->Size, Module->Name,
                           Module->Symbols != NULL ? "" : "  (no symbols)");
        }
    }
    LdrpPrintUnloaded(Console);
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("lm", "", "list the modules, loaded and unloaded", LdrpShowModules);

static NTSTATUS LdrpShowNearest(PKD_CONSOLE Console, int Argc, char **Argv)
{
    CHAR Text[LDRP_MAXIMUM_PATH];
    ULONG64 Address;

    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    if (!KdConsoleTakeAddress(Console, Argv[1], &Address)) {
        return STATUS_INVALID_PARAMETER;
    }
    LdrFormatAddress((PVOID)(ULONG_PTR)Address, Text, sizeof(Text));
    KdConsolePrint(Console, "%s\n", Text);
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("ln", "ADDRESS", "name an address", LdrpShowNearest);
