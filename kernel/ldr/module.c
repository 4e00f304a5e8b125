/*
 * module.c - the module table: who is loaded, and which symbol an address belongs to.
 *
 * Slot 0 is the kernel. Slots are never freed memory, so a crash screen, or anybody else at any
 * IRQL, may walk them while drivers come and go: the worst it can see is a module that has just
 * gone. LdrpModuleMutex guards who owns which slot.
 */
#include <kd.h>
#include "ldrp.h"
#include "symbols.h"

/* Finding and dropping the last reference takes no longer than a few thread switches. */
#define LDRP_GONE_TIMEOUT_100NS 10000000LL

extern CHAR KiImageStart[], KiImageEnd[];

static LDRP_SLOT LdrpSlots[LDRP_MAXIMUM_MODULES];
static FAST_MUTEX LdrpModuleMutex;

SIZE_T NT_VARARGS LdrpFormat(CHAR *Buffer, SIZE_T Size, const CHAR *Format, ...)
{
    NT_VA_LIST Arguments;
    SIZE_T Needed;

    nt_va_start(Arguments, Format);
    Needed = RtlFormatString(Buffer, Size, Format, Arguments);
    nt_va_end(Arguments);
    return Needed;
}

/* Length of a file's name without its extension. */
static SIZE_T LdrpStemLength(const CHAR *Name)
{
    const CHAR *Dot = strrchr(Name, '.');

    return Dot != NULL ? (SIZE_T)(Dot - Name) : strlen(Name);
}

/* Symbols lie on the boot disk, which stays: a pointer is all there is to keep. */
static void LdrpFindSymbols(PLDR_MODULE Module, const CHAR *Stem)
{
    CHAR Path[sizeof("symbols/.sym") + sizeof(Module->Name)];
    const UCHAR *Text;
    SIZE_T Size;

    LdrpFormat(Path, sizeof(Path), "symbols/%.*s.sym", (int)LdrpStemLength(Stem), Stem);
    if (LdrFindFile(Path, &Text, &Size)) {
        Module->Symbols = (const CHAR *)Text;
        Module->SymbolsSize = Size;
    }
}

void LdrpPublishModule(PLDR_MODULE Module, const CHAR *FileName, PVOID Base, ULONG Size)
{
    LdrpFormat(Module->Name, sizeof(Module->Name), "%s", FileName);
    Module->Size = Size;
    Module->Symbols = NULL;
    Module->SymbolsOrigin = (ULONG64)(ULONG_PTR)Base;
    LdrpFindSymbols(Module, Module->Name);
    /* Last, so that whoever sees it sees the rest. */
    __atomic_store_n(&Module->Base, Base, __ATOMIC_RELEASE);
}

/* Before the image is unmapped: a crash meanwhile then shows bare addresses, but reads nothing that
 * is gone. */
void LdrpRetractModule(PLDR_MODULE Module)
{
    __atomic_store_n(&Module->Base, NULL, __ATOMIC_SEQ_CST);
}

void LdrInitializeBootDisk(PLOADER_BLOCK LoaderBlock)
{
    PLDR_MODULE Kernel = &LdrpSlots[0].Module;

    ExInitializeFastMutex(&LdrpModuleMutex);
    LdrpOpenBootDisk(LoaderBlock);
    LdrpSlots[0].State = LdrpLoaded;
    LdrpPublishModule(Kernel, "nt", KiImageStart, (ULONG)(KiImageEnd - KiImageStart));
    LdrpFindSymbols(Kernel, "kernel");
    Kernel->SymbolsOrigin = 0; /* kernel.sym holds addresses */
}

/* Service names are the same in any case. The kernel's slot has none. */
static BOOLEAN LdrpIsService(const LDRP_SLOT *Slot, PUNICODE_STRING ServiceName)
{
    UNICODE_STRING Own;

    RtlInitUnicodeString(&Own, Slot->ServiceName);
    return Slot->State != LdrpFree && RtlEqualUnicodeString(&Own, ServiceName, TRUE);
}

NTSTATUS LdrpReserveSlot(PCWSTR ServiceName, const UCHAR *File, PLDRP_SLOT *Slot)
{
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    UNICODE_STRING Name;
    PLDRP_SLOT Free = NULL;

    RtlInitUnicodeString(&Name, ServiceName);
    ExAcquireFastMutex(&LdrpModuleMutex);
    /* One pass finds both a clash and a place. */
    for (ULONG i = 0; i < LDRP_MAXIMUM_MODULES; i++) {
        PLDRP_SLOT Candidate = &LdrpSlots[i];

        if (Candidate->State == LdrpFree) {
            Free = Free != NULL ? Free : Candidate;
        } else if (Candidate->File == File || LdrpIsService(Candidate, &Name)) {
            Status = Candidate->State == LdrpUnloading ? STATUS_DEVICE_BUSY
                                                       : STATUS_IMAGE_ALREADY_LOADED;
            Free = NULL;
            break;
        }
    }
    if (Free != NULL) {
        Free->State = LdrpLoading;
        Free->File = File;
        RtlCopyMemory(Free->ServiceName, ServiceName, Name.Length + sizeof(WCHAR));
        *Slot = Free;
        Status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
    return Status;
}

NTSTATUS LdrpClaimSlot(PUNICODE_STRING ServiceName, PKEVENT Gone, PLDRP_SLOT *Slot)
{
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;

    KeInitializeEvent(Gone, NotificationEvent, FALSE);
    ExAcquireFastMutex(&LdrpModuleMutex);
    for (ULONG i = 0; i < LDRP_MAXIMUM_MODULES; i++) {
        if (LdrpSlots[i].File == NULL || !LdrpIsService(&LdrpSlots[i], ServiceName)) {
            continue;
        }
        Status = STATUS_DEVICE_BUSY;
        if (LdrpSlots[i].State == LdrpLoaded) {
            LdrpSlots[i].State = LdrpUnloading;
            LdrpSlots[i].Gone = Gone;
            *Slot = &LdrpSlots[i];
            Status = STATUS_SUCCESS;
        }
        break;
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
    return Status;
}

void LdrpReleaseSlot(PLDRP_SLOT Slot, LDRP_STATE State)
{
    ExAcquireFastMutex(&LdrpModuleMutex);
    Slot->State = State;
    if (State == LdrpFree) {
        Slot->File = NULL;
        Slot->DriverObject = NULL;
        if (Slot->Gone != NULL) {
            KeSetEvent(Slot->Gone, IO_NO_INCREMENT, FALSE);
        }
    }
    Slot->Gone = NULL;
    ExReleaseFastMutex(&LdrpModuleMutex);
}

void LdrpWaitUntilGone(PLDRP_SLOT Slot, PKEVENT Gone)
{
    LARGE_INTEGER Timeout = {.QuadPart = -LDRP_GONE_TIMEOUT_100NS};

    KeWaitForSingleObject(Gone, Executive, KernelMode, FALSE, &Timeout);
    /* The event is the caller's: take it back, unless it has been used already. */
    ExAcquireFastMutex(&LdrpModuleMutex);
    if (Slot->Gone == Gone) {
        Slot->Gone = NULL;
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
}

PLDR_MODULE LdrQueryModule(ULONG Index)
{
    return Index < LDRP_MAXIMUM_MODULES ? &LdrpSlots[Index].Module : NULL;
}

/* Base is read once: it may become NULL at any moment. */
PLDR_MODULE LdrFindModule(PVOID Address)
{
    PLDR_MODULE Module;

    for (ULONG i = 0; (Module = LdrQueryModule(i)) != NULL; i++) {
        PVOID Base = __atomic_load_n(&Module->Base, __ATOMIC_ACQUIRE);

        if (Base != NULL && (ULONG_PTR)Address - (ULONG_PTR)Base < Module->Size) {
            return Module;
        }
    }
    return NULL;
}

void LdrFormatAddress(PVOID Address, CHAR *Buffer, SIZE_T Size)
{
    PLDR_MODULE Module = LdrFindModule(Address);
    ULONG64 Value = (ULONG64)(ULONG_PTR)Address, Base, Offset;
    SYM_ENTRY Symbol;
    int Stem;

    if (Module == NULL) {
        LdrpFormat(Buffer, Size, "%016llx", Value);
        return;
    }
    Stem = (int)LdrpStemLength(Module->Name);
    Base = (ULONG64)(ULONG_PTR)Module->Base;
    if (Module->Symbols == NULL ||
        !SymFind(Module->Symbols, Module->SymbolsSize, Value - Module->SymbolsOrigin, &Symbol)) {
        LdrpFormat(Buffer, Size, "%.*s+0x%llx", Stem, Module->Name, Value - Base);
        return;
    }
    Offset = Value - Module->SymbolsOrigin - Symbol.Value;
    LdrpFormat(Buffer, Size, Offset != 0 ? "%.*s!%.*s+0x%llx" : "%.*s!%.*s", Stem, Module->Name,
               (int)Symbol.NameLength, Symbol.Name, Offset);
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
    return STATUS_SUCCESS;
}
KD_COMMAND("lm", "", "list the loaded modules", LdrpShowModules);

static NTSTATUS LdrpShowNearest(PKD_CONSOLE Console, int Argc, char **Argv)
{
    CHAR Text[LDRP_MAXIMUM_PATH];
    ULONG64 Address;

    if (Argc != 2 || !KdParseNumber(Argv[1], &Address)) {
        return KdConsoleUsage(Console);
    }
    LdrFormatAddress((PVOID)(ULONG_PTR)Address, Text, sizeof(Text));
    KdConsolePrint(Console, "%s\n", Text);
    return STATUS_SUCCESS;
}
KD_COMMAND("ln", "0xADDRESS", "name an address", LdrpShowNearest);
