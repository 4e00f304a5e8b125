/*
 * mdl.c - memory descriptor lists: which pages a buffer has, and keeping them.
 *
 * An MDL gets its pages in one of four ways: they are non-paged (MmBuildMdlForNonPagedPool), locked
 * (MmProbeAndLockPages), a part of another MDL's (IoBuildPartialMdl), or fresh (mdlpages.c).
 * MdlFlags tell which; every routine insists on the flags it needs, since an MDL treated as
 * something else loses count of locks or mappings.
 *
 * Locking counts in the page database, so a page can be locked by many and is caught when it is
 * freed all the same. Pages that the database does not know are never freed and need no count. An
 * MDL belongs to one thread at a time; no lock guards it.
 */
#include "mi.h"

/* MDLs that have got their pages in some way. */
#define MI_MDL_HAS_PAGES                                                                           \
    (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA)

static volatile LONG64 MiLockedPages;

ULONG64 MiQueryLockedPages(void)
{
    return (ULONG64)MiLockedPages;
}

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    SIZE_T Pages = (BYTE_OFFSET(Base) + Length + PAGE_SIZE - 1) >> PAGE_SHIFT;

    return sizeof(MDL) + Pages * sizeof(PFN_NUMBER);
}

ULONG MiMdlPages(PMDL Mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
}

/* FALSE: no page, or not to be written though Write. */
static BOOLEAN MiFindMdlPage(PVOID Va, BOOLEAN Write, PFN_NUMBER *Page)
{
    ULONG Level;
    MMPTE Entry = MiTranslate(Va, &Level);

    if (Entry == 0 || (Write && (Entry & MI_PTE_WRITE) == 0)) {
        return FALSE;
    }
    *Page = ((Entry & MI_PTE_FRAME) >> PAGE_SHIFT) & ~((1ULL << (9 * Level)) - 1);
    *Page += ((ULONG_PTR)Va >> PAGE_SHIFT) & ((1ULL << (9 * Level)) - 1);
    return TRUE;
}

VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
    PPFN_NUMBER Pfn = MmGetMdlPfnArray(MemoryDescriptorList);
    PCHAR Va = MemoryDescriptorList->StartVa;
    ULONG Pages = MiMdlPages(MemoryDescriptorList);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    MiCheckResidentBuffer(MemoryDescriptorList);
    for (ULONG i = 0; i < Pages; i++, Va += PAGE_SIZE) {
        if (!MiFindMdlPage(Va, FALSE, &Pfn[i])) {
            KeBugCheckEx(MEMORY_MANAGEMENT, MM_MDL_NOT_MAPPED, (ULONG_PTR)Va,
                         (ULONG_PTR)MemoryDescriptorList, 0);
        }
    }
    MemoryDescriptorList->Process = NULL;
    MemoryDescriptorList->MappedSystemVa = MmGetMdlVirtualAddress(MemoryDescriptorList);
    MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

/*** Locking. ***/

static void MiUnlockPage(PFN_NUMBER Page, PVOID Va)
{
    PMMPFN Entry = MiFindPfn(Page);
    LONG Left = Entry != NULL ? InterlockedDecrement(&Entry->LockCount) : 0;

    if (Left < 0) {
        KeBugCheckEx(PFN_LIST_CORRUPT, MM_UNLOCKED_TOO_OFTEN, Page, (ULONG_PTR)Left, 0);
    }
    if (Left == 0) {
        MiHidePage(Va);
    }
}

/* The first pages of an MDL. */
static void MiUnlockFirstPages(PMDL Mdl, ULONG Pages)
{
    for (ULONG i = 0; i < Pages; i++) {
        MiUnlockPage(MmGetMdlPfnArray(Mdl)[i], (PCHAR)Mdl->StartVa + (ULONG_PTR)i * PAGE_SIZE);
    }
    InterlockedAdd64(&MiLockedPages, -(LONG64)Pages);
}

/* Locks the page behind Va. */
static BOOLEAN MiLockPage(PVOID Va, BOOLEAN Write, PMDL Mdl, PFN_NUMBER *Page)
{
    PMMPFN Entry;

    if (!MiFindMdlPage(Va, Write, Page)) {
        return FALSE;
    }
    /* It would have to be read in. */
    if (!MmIsAddressValid(Va)) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Va, KeGetCurrentIrql(), Write,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    Entry = MiFindPfn(*Page);
    if (Entry != NULL) {
        InterlockedIncrement(&Entry->LockCount);
        MiShowPage(Va);
    } else if (!MiIsRam((ULONG64)*Page << PAGE_SHIFT, ((ULONG64)*Page + 1) << PAGE_SHIFT)) {
        Mdl->MdlFlags |= MDL_IO_SPACE;
    }
    return TRUE;
}

NTSTATUS MmLockMdlPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation,
                        PVOID Caller)
{
    PPFN_NUMBER Pfn = MmGetMdlPfnArray(Mdl);
    ULONG Pages = MiMdlPages(Mdl);
    BOOLEAN Write = Operation != IoReadAccess;
    ULONG_PTR Start = (ULONG_PTR)MmGetMdlVirtualAddress(Mdl), End = Start + Mdl->ByteCount;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Mdl->MdlFlags & MI_MDL_HAS_PAGES) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, MM_MDL_BAD_LOCK_FLAGS, (ULONG_PTR)Mdl,
                     (USHORT)Mdl->MdlFlags, Mdl->MdlFlags & MI_MDL_HAS_PAGES);
    }
    if (End < Start || (AccessMode == UserMode && End > MM_USER_LIMIT)) {
        return STATUS_ACCESS_VIOLATION;
    }
    Mdl->MdlFlags &= (SHORT) ~(MDL_WRITE_OPERATION | MDL_IO_SPACE);
    for (ULONG i = 0; i < Pages; i++) {
        if (!MiLockPage((PCHAR)Mdl->StartVa + (ULONG_PTR)i * PAGE_SIZE, Write, Mdl, &Pfn[i])) {
            InterlockedAdd64(&MiLockedPages, i);
            MiUnlockFirstPages(Mdl, i);
            return STATUS_ACCESS_VIOLATION;
        }
    }
    InterlockedAdd64(&MiLockedPages, Pages);
    Mdl->Process = NULL; /* system addresses are every process's */
    Mdl->MdlFlags |= (SHORT)(MDL_PAGES_LOCKED | (Write ? MDL_WRITE_OPERATION : 0));
    MiNoteLock(Mdl, Caller);
    return STATUS_SUCCESS;
}

VOID NTAPI MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                               LOCK_OPERATION Operation)
{
    NTSTATUS Status =
        MmLockMdlPages(MemoryDescriptorList, AccessMode, Operation, __builtin_return_address(0));

    if (!NT_SUCCESS(Status)) {
        KeRaiseStatus(Status);
    }
}

/* MmUnlockPages is for MDLs that hold locks of their own. */
static void MiCheckUnlock(PMDL Mdl)
{
    ULONG Reason = 0;

    if (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        Reason = MM_MDL_UNLOCK_NONPAGED;
    } else if (Mdl->MdlFlags & MDL_PARTIAL) {
        Reason = MM_MDL_UNLOCK_PARTIAL;
    } else if ((Mdl->MdlFlags & MDL_PAGES_LOCKED) == 0) {
        Reason = MM_MDL_NOT_LOCKED;
    }
    if (Reason != 0) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, Reason, (ULONG_PTR)Mdl,
                     (USHORT)Mdl->MdlFlags, 0);
    }
}

VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList)
{
    PMDL Mdl = MemoryDescriptorList;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    MiCheckUnlock(Mdl);
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    }
    MiForgetLock(Mdl);
    MiUnlockFirstPages(Mdl, MiMdlPages(Mdl));
    Mdl->MdlFlags &= (SHORT)~MDL_PAGES_LOCKED;
}

/*** Parts. ***/

static void MiCheckPart(PMDL Source, PMDL Target, ULONG64 Offset, ULONG Length)
{
    ULONG Room = ((ULONG)(USHORT)Target->Size - sizeof(MDL)) / sizeof(PFN_NUMBER);
    PVOID Va = (PCHAR)MmGetMdlVirtualAddress(Source) + Offset;

    if (ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Length) > Room) {
        KeBugCheckEx(TARGET_MDL_TOO_SMALL, (ULONG_PTR)Source, (ULONG_PTR)Target, Offset, Length);
    }
    if (Offset > Source->ByteCount || Length > Source->ByteCount - Offset) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_MDL_NOT_A_PART, (ULONG_PTR)Source, Offset, Length);
    }
}

/* Where the part has the whole's address, it need not be mapped again. */
static void MiInheritAddress(PMDL Source, PMDL Target, ULONG Offset)
{
    if (Source->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA)) {
        Target->MappedSystemVa = (PCHAR)Source->MappedSystemVa + Offset;
    } else {
        Target->MappedSystemVa = NULL;
    }
    Target->MdlFlags |= Source->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_IO_SPACE);
    if (Source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        Target->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA;
    }
}

VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    ULONG_PTR Start = (ULONG_PTR)MmGetMdlVirtualAddress(SourceMdl);
    ULONG64 Offset =
        (ULONG_PTR)VirtualAddress - Start; /* what lies before Start is far behind it */
    ULONG FirstPage =
        (ULONG)(((ULONG_PTR)PAGE_ALIGN(VirtualAddress) - (ULONG_PTR)SourceMdl->StartVa) >>
                PAGE_SHIFT);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Length == 0) {
        Length = SourceMdl->ByteCount - (ULONG)Offset;
    }
    MiCheckPart(SourceMdl, TargetMdl, Offset, Length);
    MmPrepareMdlForReuse(TargetMdl);
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length;
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->MdlFlags &= MDL_ALLOCATED_FIXED_SIZE | MDL_ALLOCATED_MUST_SUCCEED;
    TargetMdl->MdlFlags |= MDL_PARTIAL;
    MiInheritAddress(SourceMdl, TargetMdl, (ULONG)Offset);
    RtlCopyMemory(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + FirstPage,
                  MiMdlPages(TargetMdl) * sizeof(PFN_NUMBER));
}

/* The locks of the pages in front go, and so do their addresses. */
static void MiDropFirstPages(PMDL Mdl, ULONG Pages)
{
    PPFN_NUMBER Pfn = MmGetMdlPfnArray(Mdl);

    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        MiShortenMapping(PAGE_ALIGN(Mdl->MappedSystemVa), Pages);
    }
    if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
        MiUnlockFirstPages(Mdl, Pages);
    }
    RtlMoveMemory(Pfn, Pfn + Pages, (MiMdlPages(Mdl) - Pages) * sizeof(PFN_NUMBER));
}

NTSTATUS NTAPI MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes)
{
    ULONG Pages = (ULONG)(((ULONG64)Mdl->ByteOffset + NumberOfBytes) >> PAGE_SHIFT);

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if ((Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)) == 0) {
        return STATUS_INVALID_PARAMETER_1;
    }
    if (NumberOfBytes >= Mdl->ByteCount) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (Pages != 0) {
        MiDropFirstPages(Mdl, Pages);
    }
    Mdl->StartVa = (PCHAR)Mdl->StartVa + (ULONG_PTR)Pages * PAGE_SIZE;
    Mdl->ByteOffset = (Mdl->ByteOffset + NumberOfBytes) & (PAGE_SIZE - 1);
    Mdl->ByteCount -= NumberOfBytes;
    if (Mdl->MappedSystemVa != NULL) {
        Mdl->MappedSystemVa = (PCHAR)Mdl->MappedSystemVa + NumberOfBytes;
    }
    return STATUS_SUCCESS;
}
