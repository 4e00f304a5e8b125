/*
 * module.c - the module table: who is loaded, and which symbol an address belongs to.
 *
 * Slot 0 is the kernel. Slots are never freed memory, so a crash screen, or anybody else at any
 * IRQL, may walk them while drivers come and go: the worst it can see is a module that has just
 * gone. PsLoadedModuleList links the same slots for drivers, in the order of loading.
 */
#include <ntifs.h>
#include <ke.h>
#include <kd.h>
#include "ldrp.h"
#include "symbols.h"

extern CHAR KiImageStart[], KiImageEnd[];

LIST_ENTRY PsLoadedModuleList;
ERESOURCE PsLoadedModuleResource;

SIZE_T NT_VARARGS LdrpFormat(CHAR *Buffer, SIZE_T Size, const CHAR *Format, ...)
{
    NT_VA_LIST Arguments;
    SIZE_T Needed;

    nt_va_start(Arguments, Format);
    Needed = RtlFormatString(Buffer, Size, Format, Arguments);
    nt_va_end(Arguments);
    return Needed;
}

void LdrpInitializeMessage(PLDRP_MESSAGE Message, CHAR *Text, SIZE_T Size)
{
    *Message = (LDRP_MESSAGE){.Text = Text, .Size = Size};
    Text[0] = 0;
}

void NT_VARARGS LdrpSay(PLDRP_MESSAGE Message, const CHAR *Format, ...)
{
    static const CHAR Dots[] = " ...";
    CHAR *End = Message->Text + Message->Used;
    SIZE_T Left = Message->Size - Message->Used, Needed;
    NT_VA_LIST Arguments;

    if (Message->Size == 0) {
        return;
    }
    nt_va_start(Arguments, Format);
    Needed = RtlFormatString(End, Left, Format, Arguments);
    nt_va_end(Arguments);
    if (Needed < Left) {
        Message->Used += Needed;
    } else {
        memcpy(Message->Text + Message->Size - sizeof(Dots), Dots, sizeof(Dots));
        Message->Used = Message->Size - 1;
    }
}

const CHAR *LdrpFileName(const CHAR *Path)
{
    const CHAR *Name = Path;

    for (; *Path != 0; Path++) {
        if (*Path == '\\' || *Path == '/') {
            Name = Path + 1;
        }
    }
    return Name;
}

SIZE_T LdrpStemLength(const CHAR *Name)
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

/* Windows' view of the slot. Paths are ASCII here. */
static void LdrpFillEntry(PLDRP_SLOT Slot, ULONG Flags)
{
    PKLDR_DATA_TABLE_ENTRY Entry = &Slot->Entry;
    const IMAGE_DATA_DIRECTORY *Exception =
        &Slot->Image.Directories[IMAGE_DIRECTORY_ENTRY_EXCEPTION];
    USHORT Length = (USHORT)strlen(Slot->Path);
    USHORT Prefix = (USHORT)(LdrpFileName(Slot->Path) - Slot->Path);

    for (ULONG i = 0; i <= Length; i++) {
        Slot->WidePath[i] = (UCHAR)Slot->Path[i];
    }
    RtlZeroMemory(Entry, sizeof(*Entry));
    Entry->DllBase = Slot->Mapping.Base;
    Entry->EntryPoint = Slot->Mapping.EntryPoint;
    Entry->SizeOfImage = Entry->SizeOfImageNotRounded = Slot->Mapping.Size;
    if (Exception->VirtualAddress != 0) {
        Entry->ExceptionTable = Slot->Mapping.Base + Exception->VirtualAddress;
        Entry->ExceptionTableSize = Exception->Size;
    }
    RtlInitUnicodeString(&Entry->FullDllName, Slot->WidePath);
    RtlInitUnicodeString(&Entry->BaseDllName, Slot->WidePath + Prefix);
    Entry->Flags = LDRP_ENTRY_PROCESSED | Flags;
    Entry->LoadCount = (USHORT)Slot->References;
    Entry->CheckSum = Slot->Image.CheckSum;
    Entry->TimeDateStamp = Slot->Image.TimeDateStamp;
}

static void LdrpPublish(PLDRP_SLOT Slot, const CHAR *Name)
{
    PLDR_MODULE Module = &Slot->Module;

    LdrpFormat(Module->Name, sizeof(Module->Name), "%s", Name);
    Module->Size = Slot->Mapping.Size;
    Module->Symbols = NULL;
    Module->SymbolsOrigin = (ULONG64)(ULONG_PTR)Slot->Mapping.Base;
    LdrpFindSymbols(Module, Module->Name);
    InsertTailList(&PsLoadedModuleList, &Slot->Entry.InLoadOrderLinks);
    /* Last, so that whoever sees it sees the rest. */
    __atomic_store_n(&Module->Base, Slot->Mapping.Base, __ATOMIC_RELEASE);
}

static void LdrpLockList(void)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&PsLoadedModuleResource, TRUE);
}

static void LdrpUnlockList(void)
{
    ExReleaseResourceLite(&PsLoadedModuleResource);
    KeLeaveCriticalRegion();
}

/* Does nothing: gdb keeps a breakpoint here, and looks at the table whenever a module has entered
 * it, none of its code having run, or left it (kernel/kd/gdb/etude/symbols.py). */
static ARCH_COLD void LdrpTellDebugger(const LDR_MODULE *Module)
{
    __asm__ volatile("" : : "r"(Module) : "memory");
}

void LdrpPublishModule(PLDRP_SLOT Slot)
{
    LdrpFillEntry(Slot, Slot->Driver == LdrpNoDriver ? LDRP_DRIVER_DEPENDENT_DLL : 0);
    LdrpLockList();
    LdrpPublish(Slot, LdrpFileName(Slot->Path));
    LdrpUnlockList();
    LdrpTellDebugger(&Slot->Module);
}

/* Before the image is unmapped: a crash meanwhile then shows bare addresses, but reads nothing that
 * is gone. */
void LdrpRetractModule(PLDRP_SLOT Slot)
{
    LdrpLockList();
    RemoveEntryList(&Slot->Entry.InLoadOrderLinks);
    LdrpUnlockList();
    __atomic_store_n(&Slot->Module.Base, NULL, __ATOMIC_SEQ_CST);
    LdrpTellDebugger(&Slot->Module);
}

/* No threads yet, so no locks. */
void LdrInitializeBootDisk(PLOADER_BLOCK LoaderBlock)
{
    PLDRP_SLOT Kernel = LdrpInitializeSlots();

    InitializeListHead(&PsLoadedModuleList);
    ExInitializeResourceLite(&PsLoadedModuleResource);
    LdrpOpenBootDisk(LoaderBlock);
    Kernel->Mapping =
        (LDRP_MAPPING){.Base = (PUCHAR)KiImageStart, .Size = (ULONG)(KiImageEnd - KiImageStart)};
    LdrpFormat(Kernel->Path, sizeof(Kernel->Path), "c:\\ntoskrnl.exe");
    LdrpFillEntry(Kernel, 0);
    LdrpPublish(Kernel, "nt");
    LdrpFindSymbols(&Kernel->Module, "kernel");
    Kernel->Module.SymbolsOrigin = 0; /* kernel.sym holds addresses */
}

PLDR_MODULE LdrQueryModule(ULONG Index)
{
    PLDRP_SLOT Slot = LdrpQuerySlot(Index);

    return Slot != NULL ? &Slot->Module : NULL;
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

/* Back: how far before Address the instruction lies that is meant. */
static void LdrpFormatAddress(PVOID Address, ULONG Back, CHAR *Buffer, SIZE_T Size)
{
    PLDR_MODULE Module = LdrFindModule((PUCHAR)Address - Back);
    ULONG64 Value = (ULONG64)(ULONG_PTR)Address, Base, Offset;
    SYM_ENTRY Symbol;
    int Stem;

    if (Module == NULL) {
        PLDR_UNLOADED Gone = LdrFindUnloaded((PUCHAR)Address - Back);

        if (Gone != NULL) {
            LdrpFormat(Buffer, Size, "<Unloaded_%s>+0x%llx", Gone->Name,
                       Value - (ULONG64)(ULONG_PTR)Gone->Base);
        } else {
            LdrpFormat(Buffer, Size, "%016llx", Value);
        }
        return;
    }
    Stem = (int)LdrpStemLength(Module->Name);
    Base = (ULONG64)(ULONG_PTR)Module->Base;
    if (Module->Symbols == NULL || !SymFind(Module->Symbols, Module->SymbolsSize,
                                            Value - Back - Module->SymbolsOrigin, &Symbol)) {
        LdrpFormat(Buffer, Size, "%.*s+0x%llx", Stem, Module->Name, Value - Base);
        return;
    }
    Offset = Value - Module->SymbolsOrigin - Symbol.Value;
    LdrpFormat(Buffer, Size, Offset != 0 ? "%.*s!%.*s+0x%llx" : "%.*s!%.*s", Stem, Module->Name,
               (int)Symbol.NameLength, Symbol.Name, Offset);
}

void LdrFormatAddress(PVOID Address, CHAR *Buffer, SIZE_T Size)
{
    LdrpFormatAddress(Address, 0, Buffer, Size);
}

void LdrFormatReturnAddress(PVOID Address, CHAR *Buffer, SIZE_T Size)
{
    LdrpFormatAddress(Address, 1, Buffer, Size);
}
