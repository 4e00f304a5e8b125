/*
 * sysinfo.c - ZwQuerySystemInformation: the system as of now, in structures that Windows laid out.
 *
 * Answers of unknown length go through a PSP_WRITER, which counts all bytes and keeps those that
 * fit: so the length that would have been enough is known even when it was not there. Nothing is
 * held still meanwhile; a thread's figures are a glance at it.
 */
#include <ntexapi.h>
#include "psp.h"

typedef struct _PSP_WRITER {
    PUCHAR Buffer;
    SIZE_T Size;
    SIZE_T Used; /* counts on when the buffer is full */
} PSP_WRITER, *PPSP_WRITER;

/* The next Length bytes, zeroed, or NULL when they are not there. */
static PVOID PspReserve(PPSP_WRITER Writer, SIZE_T Length)
{
    SIZE_T At = Writer->Used;

    Writer->Used += Length;
    if (Writer->Used > Writer->Size) {
        return NULL;
    }
    RtlZeroMemory(Writer->Buffer + At, Length);
    return Writer->Buffer + At;
}

/* The process whose entry is being written, and the one before. */
typedef struct _PSP_PROCESS_WRITER {
    PSP_WRITER Writer;
    SIZE_T EntryAt;                       /* offset of the entry */
    PSYSTEM_PROCESS_INFORMATION Previous; /* NULL: there is none, or it did not fit */
    ULONG Threads;
    PSYSTEM_PROCESS_INFORMATION Entry; /* NULL: it does not fit */
    const char *Name;
} PSP_PROCESS_WRITER, *PPSP_PROCESS_WRITER;

/* Process is NULL for number 0, to which the idle threads belong. */
static void PspBeginProcess(PPSP_PROCESS_WRITER Out, PEPROCESS Process)
{
    PSYSTEM_PROCESS_INFORMATION Entry;

    if (Out->Previous != NULL) {
        Out->Previous->NextEntryOffset = (ULONG)(Out->Writer.Used - Out->EntryAt);
    }
    Out->EntryAt = Out->Writer.Used;
    Out->Threads = 0;
    Out->Name = Process != NULL ? Process->ImageFileName : "";
    Entry = PspReserve(&Out->Writer, offsetof(SYSTEM_PROCESS_INFORMATION, Threads));
    Out->Entry = Entry;
    if (Entry != NULL && Process != NULL) {
        Entry->UniqueProcessId = Process->UniqueProcessId;
        Entry->InheritedFromUniqueProcessId = Process->InheritedFromUniqueProcessId;
        Entry->CreateTime = Process->CreateTime;
        Entry->BasePriority = Process->BasePriority;
        Entry->HandleCount = ExQueryHandleCount(Process->ObjectTable);
    }
}

static void PspWriteThread(PETHREAD Thread, PVOID Context)
{
    PPSP_PROCESS_WRITER Out = Context;
    PSYSTEM_THREAD_INFORMATION Entry = PspReserve(&Out->Writer, sizeof(*Entry));

    Out->Threads++;
    if (Entry == NULL) {
        return;
    }
    Entry->KernelTime = PspTicksToTime(Thread->KernelTime);
    Entry->CreateTime = Thread->CreateTime;
    Entry->StartAddress = (PVOID)Thread->StartAddress;
    Entry->ClientId = Thread->Cid;
    Entry->Priority = max(Thread->Priority, 0); /* the idle threads' own is below all */
    Entry->BasePriority = max(Thread->BasePriority, 0);
    Entry->ContextSwitches = Thread->ContextSwitches;
    Entry->ThreadState = Thread->State;
    Entry->WaitReason = Entry->ThreadState == Waiting ? Thread->WaitReason : 0;
    if (Out->Entry != NULL) {
        Out->Entry->KernelTime.QuadPart += Entry->KernelTime.QuadPart;
    }
}

/* Name and padding behind the threads. */
static void PspEndProcess(PPSP_PROCESS_WRITER Out)
{
    SIZE_T Length = strlen(Out->Name);
    PWCHAR Name = NULL;

    if (Length != 0) {
        Name = PspReserve(&Out->Writer, ((Length + 1) * sizeof(WCHAR) + 7) & ~(SIZE_T)7);
    }
    Out->Previous = Out->Writer.Used > Out->Writer.Size ? NULL : Out->Entry;
    if (Out->Previous == NULL) {
        return;
    }
    for (SIZE_T i = 0; i < Length; i++) {
        Name[i] = (UCHAR)Out->Name[i];
    }
    Out->Entry->ImageName = (UNICODE_STRING){(USHORT)(Length * sizeof(WCHAR)),
                                             (USHORT)((Length + 1) * sizeof(WCHAR)), Name};
    Out->Entry->NumberOfThreads = Out->Entry->NumberOfThreadsHighWatermark = Out->Threads;
}

static NTSTATUS PspWriteProcess(PPSP_PROCESS_WRITER Out, PEPROCESS Process)
{
    ULONG64 EndedTicks = 0;
    NTSTATUS Status;

    PspBeginProcess(Out, Process);
    Status = PspEnumerateProcessThreads(Process, PspWriteThread, Out, &EndedTicks);
    if (Out->Entry != NULL) {
        Out->Entry->KernelTime.QuadPart += PspTicksToTime(EndedTicks).QuadPart;
    }
    PspEndProcess(Out);
    return Status;
}

/* The idle threads come first. */
static NTSTATUS PspWriteProcesses(PPSP_WRITER Writer)
{
    PSP_PROCESS_WRITER Out = {.Writer = *Writer};
    NTSTATUS Status = STATUS_SUCCESS;
    PEPROCESS Process = NULL;

    PspBeginProcess(&Out, NULL);
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        PspWriteThread(KiProcessorBlock[i]->IdleThread, &Out);
    }
    PspEndProcess(&Out);
    while ((Process = PspNextProcess(Process)) != NULL) {
        NTSTATUS One = PspWriteProcess(&Out, Process);
        if (!NT_SUCCESS(One)) {
            Status = One;
        }
    }
    *Writer = Out.Writer;
    return Status;
}

/* Paths as the loader has them, ASCII. */
static void PspWriteModule(PPSP_WRITER Writer, const KLDR_DATA_TABLE_ENTRY *Module, USHORT Index)
{
    PRTL_PROCESS_MODULE_INFORMATION Entry = PspReserve(Writer, sizeof(*Entry));
    const UNICODE_STRING *Path = &Module->FullDllName;
    ULONG Length = Path->Length / sizeof(WCHAR);

    if (Entry == NULL) {
        return;
    }
    Entry->ImageBase = Module->DllBase;
    Entry->ImageSize = Module->SizeOfImage;
    Entry->Flags = Module->Flags;
    Entry->LoadOrderIndex = Index;
    Entry->LoadCount = Module->LoadCount;
    Entry->OffsetToFileName = (USHORT)((Path->Length - Module->BaseDllName.Length) / sizeof(WCHAR));
    for (ULONG i = 0; i < min(Length, sizeof(Entry->FullPathName) - 1); i++) {
        Entry->FullPathName[i] = (UCHAR)Path->Buffer[i];
    }
}

static NTSTATUS PspWriteModules(PPSP_WRITER Writer)
{
    PRTL_PROCESS_MODULES Header = PspReserve(Writer, offsetof(RTL_PROCESS_MODULES, Modules));
    USHORT Count = 0;

    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&PsLoadedModuleResource, TRUE);
    for (PLIST_ENTRY Link = PsLoadedModuleList.Flink; Link != &PsLoadedModuleList;
         Link = Link->Flink) {
        PspWriteModule(Writer, CONTAINING_RECORD(Link, KLDR_DATA_TABLE_ENTRY, InLoadOrderLinks),
                       Count++);
    }
    ExReleaseResourceLite(&PsLoadedModuleResource);
    KeLeaveCriticalRegion();
    if (Header != NULL) {
        Header->NumberOfModules = Count;
    }
    return STATUS_SUCCESS;
}

/* A processor that sleeps has no ticks: idle is what is left of the time since the start. */
static NTSTATUS PspWriteProcessors(PPSP_WRITER Writer)
{
    ULONG64 Now = KiQueryInterruptTime100ns();

    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        PSYSTEM_PROCESSOR_PERFORMANCE_INFORMATION Entry = PspReserve(Writer, sizeof(*Entry));
        PKPRCB Prcb = KiProcessorBlock[i];
        ULONG64 Busy = (Prcb->KernelTicks + Prcb->DpcTicks) * KI_TICK_100NS;
        if (Entry != NULL) {
            Busy = min(Busy, Now);
            Entry->IdleTime.QuadPart = (LONGLONG)(Now - Busy);
            Entry->KernelTime.QuadPart = (LONGLONG)Now;
            Entry->DpcTime = PspTicksToTime(Prcb->DpcTicks);
            Entry->InterruptCount = (ULONG)Prcb->InterruptCount;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS PspWriteTimeOfDay(PPSP_WRITER Writer)
{
    PSYSTEM_TIMEOFDAY_INFORMATION Info = PspReserve(Writer, sizeof(*Info));

    if (Info != NULL) {
        KeQuerySystemTimePrecise(&Info->CurrentTime);
        Info->BootTime.QuadPart =
            Info->CurrentTime.QuadPart - (LONGLONG)KiQueryInterruptTime100ns();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS PspWriteBasic(PPSP_WRITER Writer)
{
    PSYSTEM_BASIC_INFORMATION Info = PspReserve(Writer, sizeof(*Info));
    MM_STATISTICS Statistics;

    if (Info != NULL) {
        MmQueryStatistics(&Statistics);
        Info->TimerResolution = KI_TICK_100NS;
        Info->PageSize = PAGE_SIZE;
        Info->NumberOfPhysicalPages = (ULONG)Statistics.TotalPages;
        Info->LowestPhysicalPageNumber = 1;
        Info->HighestPhysicalPageNumber = (ULONG)Statistics.HighestPage;
        Info->AllocationGranularity = 0x10000;
        Info->MinimumUserModeAddress = 0x10000;
        Info->MaximumUserModeAddress = 0x7FFFFFFEFFFF;
        Info->ActiveProcessorsAffinityMask = KeActiveProcessors;
        Info->NumberOfProcessors = (CCHAR)KeNumberProcessors;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS PspWriteDebugger(PPSP_WRITER Writer)
{
    PSYSTEM_KERNEL_DEBUGGER_INFORMATION Info = PspReserve(Writer, sizeof(*Info));

    if (Info != NULL) {
        Info->KernelDebuggerNotPresent = TRUE;
    }
    return STATUS_SUCCESS;
}

/* ExactSize: the buffer must have just the length of the answer. */
typedef struct _PSP_SYSTEM_CLASS {
    SYSTEM_INFORMATION_CLASS Class;
    BOOLEAN ExactSize;
    NTSTATUS (*Write)(PPSP_WRITER Writer);
} PSP_SYSTEM_CLASS;

static const PSP_SYSTEM_CLASS PspSystemClasses[] = {
    {SystemBasicInformation, TRUE, PspWriteBasic},
    {SystemTimeOfDayInformation, FALSE, PspWriteTimeOfDay},
    {SystemProcessInformation, FALSE, PspWriteProcesses},
    {SystemProcessorPerformanceInformation, FALSE, PspWriteProcessors},
    {SystemModuleInformation, FALSE, PspWriteModules},
    {SystemKernelDebuggerInformation, FALSE, PspWriteDebugger},
};

NTSTATUS NTAPI ZwQuerySystemInformation(SYSTEM_INFORMATION_CLASS SystemInformationClass,
                                        PVOID SystemInformation, ULONG SystemInformationLength,
                                        PULONG ReturnLength)
{
    PSP_WRITER Writer = {SystemInformation, SystemInformationLength, 0};
    const PSP_SYSTEM_CLASS *Class = NULL;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    for (ULONG i = 0; i < ARRAYSIZE(PspSystemClasses); i++) {
        if (PspSystemClasses[i].Class == SystemInformationClass) {
            Class = &PspSystemClasses[i];
        }
    }
    if (Class == NULL) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (SystemInformation == NULL) {
        Writer.Size = 0;
    }
    if (Writer.Size != 0 && ObIsBadPointer(SystemInformation)) {
        return STATUS_ACCESS_VIOLATION;
    }
    Status = Class->Write(&Writer);
    if (ReturnLength != NULL) {
        *ReturnLength = (ULONG)Writer.Used;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return Writer.Used > Writer.Size || (Class->ExactSize && Writer.Used != Writer.Size)
               ? STATUS_INFO_LENGTH_MISMATCH
               : STATUS_SUCCESS;
}
