/*
 * information.c - ZwQueryInformationProcess, ZwQueryInformationThread and ZwSetInformationThread.
 *
 * Each class that can be asked is a routine that fills in a structure of fixed size, or that, for
 * those which end in a string, copes with any. An answer is made in a local copy first, so a buffer
 * that is too short gets none of it.
 */
#include <ntexapi.h>
#include "psp.h"

/* Hands out an answer of fixed size. */
static NTSTATUS PspAnswer(const void *Answer, ULONG Size, PVOID Buffer, ULONG Length,
                          PULONG ReturnLength)
{
    if (ReturnLength != NULL) {
        *ReturnLength = Size;
    }
    if (Length != Size || Buffer == NULL) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (ObIsBadPointer(Buffer)) {
        return STATUS_ACCESS_VIOLATION;
    }
    RtlCopyMemory(Buffer, Answer, Size);
    return STATUS_SUCCESS;
}

/* Hands out a UNICODE_STRING with its characters behind it; TooShort says that they do not fit. */
static NTSTATUS PspAnswerName(const char *Name, PVOID Buffer, ULONG Length, PULONG ReturnLength,
                              NTSTATUS TooShort)
{
    ULONG Characters = (ULONG)strlen(Name);
    ULONG Size = sizeof(UNICODE_STRING) + (Characters != 0 ? (Characters + 1) * sizeof(WCHAR) : 0);
    PUNICODE_STRING String = Buffer;

    if (ReturnLength != NULL) {
        *ReturnLength = Size;
    }
    if (Length < Size || Buffer == NULL) {
        return TooShort;
    }
    if (ObIsBadPointer(Buffer)) {
        return STATUS_ACCESS_VIOLATION;
    }
    *String = (UNICODE_STRING){0};
    if (Characters != 0) {
        String->Buffer = (PWCHAR)(String + 1);
        String->Length = (USHORT)(Characters * sizeof(WCHAR));
        String->MaximumLength = String->Length + sizeof(WCHAR);
        for (ULONG i = 0; i <= Characters; i++) {
            String->Buffer[i] = (UCHAR)Name[i];
        }
    }
    return STATUS_SUCCESS;
}

static void PspAddKernelTime(PETHREAD Thread, PVOID Context)
{
    *(PULONG64)Context += Thread->KernelTime;
}

static NTSTATUS PspQueryProcessTimes(PEPROCESS Process, PKERNEL_USER_TIMES Times)
{
    ULONG64 Ticks = 0, EndedTicks = 0;
    NTSTATUS Status = PspEnumerateProcessThreads(Process, PspAddKernelTime, &Ticks, &EndedTicks);

    *Times = (KERNEL_USER_TIMES){.CreateTime = Process->CreateTime,
                                 .ExitTime = Process->ExitTime,
                                 .KernelTime = PspTicksToTime(Ticks + EndedTicks)};
    return Status;
}

static NTSTATUS PspQueryProcess(PEPROCESS Process, PROCESSINFOCLASS Class, PVOID Buffer,
                                ULONG Length, PULONG ReturnLength)
{
    union {
        PROCESS_BASIC_INFORMATION Basic;
        KERNEL_USER_TIMES Times;
        PROCESS_PRIORITY_CLASS Priority;
        PROCESS_SESSION_INFORMATION Session;
        ULONG Number;
        ULONG_PTR Pointer;
    } Answer = {0};
    NTSTATUS Status;

    switch (Class) {
    case ProcessBasicInformation:
        Answer.Basic = (PROCESS_BASIC_INFORMATION){
            .ExitStatus = Process->ExitStatus,
            .AffinityMask = Process->Affinity & KeActiveProcessors,
            .BasePriority = Process->BasePriority,
            .UniqueProcessId = (ULONG_PTR)Process->UniqueProcessId,
            .InheritedFromUniqueProcessId = (ULONG_PTR)Process->InheritedFromUniqueProcessId};
        return PspAnswer(&Answer, sizeof(Answer.Basic), Buffer, Length, ReturnLength);
    case ProcessTimes:
        Status = PspQueryProcessTimes(Process, &Answer.Times);
        return NT_SUCCESS(Status)
                   ? PspAnswer(&Answer, sizeof(Answer.Times), Buffer, Length, ReturnLength)
                   : Status;
    case ProcessPriorityClass:
        Answer.Priority.PriorityClass = PROCESS_PRIORITY_CLASS_NORMAL;
        return PspAnswer(&Answer, sizeof(Answer.Priority), Buffer, Length, ReturnLength);
    case ProcessHandleCount:
        Answer.Number = ExQueryHandleCount(Process->ObjectTable);
        return PspAnswer(&Answer, sizeof(Answer.Number), Buffer, Length, ReturnLength);
    case ProcessSessionInformation:
        Answer.Session.SessionId = PsGetProcessSessionId(Process);
        return PspAnswer(&Answer, sizeof(Answer.Session), Buffer, Length, ReturnLength);
    case ProcessWow64Information:
        return PspAnswer(&Answer, sizeof(Answer.Pointer), Buffer, Length, ReturnLength);
    case ProcessImageFileName:
        /* No process has an image file. */
        return PspAnswerName("", Buffer, Length, ReturnLength, STATUS_INFO_LENGTH_MISMATCH);
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

static NTSTATUS PspQueryThread(PETHREAD Thread, THREADINFOCLASS Class, PVOID Buffer, ULONG Length,
                               PULONG ReturnLength)
{
    union {
        THREAD_BASIC_INFORMATION Basic;
        KERNEL_USER_TIMES Times;
        PVOID Pointer;
        ULONG Number;
    } Answer = {0};

    switch (Class) {
    case ThreadBasicInformation:
        Answer.Basic = (THREAD_BASIC_INFORMATION){
            .ExitStatus = PsGetThreadExitStatus(Thread),
            .ClientId = Thread->Cid,
            .AffinityMask = Thread->Affinity & KeActiveProcessors,
            .Priority = Thread->Priority,
            .BasePriority = Thread->BasePriority - Thread->Process->BasePriority};
        return PspAnswer(&Answer, sizeof(Answer.Basic), Buffer, Length, ReturnLength);
    case ThreadTimes:
        Answer.Times = (KERNEL_USER_TIMES){.CreateTime = Thread->CreateTime,
                                           .ExitTime = Thread->ExitTime,
                                           .KernelTime = PspTicksToTime(Thread->KernelTime)};
        return PspAnswer(&Answer, sizeof(Answer.Times), Buffer, Length, ReturnLength);
    case ThreadQuerySetWin32StartAddress:
        Answer.Pointer = (PVOID)Thread->StartAddress;
        return PspAnswer(&Answer, sizeof(Answer.Pointer), Buffer, Length, ReturnLength);
    case ThreadIsTerminated:
        Answer.Number = Thread->Header.SignalState != 0;
        return PspAnswer(&Answer, sizeof(Answer.Number), Buffer, Length, ReturnLength);
    case ThreadSuspendCount:
        Answer.Number = Thread->SuspendCount;
        return PspAnswer(&Answer, sizeof(Answer.Number), Buffer, Length, ReturnLength);
    case ThreadNameInformation:
        return PspAnswerName(Thread->Name, Buffer, Length, ReturnLength, STATUS_BUFFER_TOO_SMALL);
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

/* The limited right does for everything that there is to ask; whoever has the full one has it,
 * too. */
static NTSTATUS PspReferenceForQuery(HANDLE Handle, POBJECT_TYPE Type, ACCESS_MASK Limited,
                                     ACCESS_MASK Full, PVOID *Object)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, Limited, Type, Mode, Object, NULL);

    if (Status == STATUS_ACCESS_DENIED) {
        Status = ObReferenceObjectByHandle(Handle, Full, Type, Mode, Object, NULL);
    }
    return Status;
}

NTSTATUS NTAPI ZwQueryInformationProcess(HANDLE ProcessHandle,
                                         PROCESSINFOCLASS ProcessInformationClass,
                                         PVOID ProcessInformation, ULONG ProcessInformationLength,
                                         PULONG ReturnLength)
{
    PVOID Process;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    Status = PspReferenceForQuery(ProcessHandle, PsProcessType, PROCESS_QUERY_LIMITED_INFORMATION,
                                  PROCESS_QUERY_INFORMATION, &Process);
    if (NT_SUCCESS(Status)) {
        Status = PspQueryProcess(Process, ProcessInformationClass, ProcessInformation,
                                 ProcessInformationLength, ReturnLength);
        ObfDereferenceObject(Process);
    }
    return Status;
}

NTSTATUS NTAPI ZwQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                        PVOID ThreadInformation, ULONG ThreadInformationLength,
                                        PULONG ReturnLength)
{
    PVOID Thread;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    Status = PspReferenceForQuery(ThreadHandle, PsThreadType, THREAD_QUERY_LIMITED_INFORMATION,
                                  THREAD_QUERY_INFORMATION, &Thread);
    if (NT_SUCCESS(Status)) {
        Status = PspQueryThread(Thread, ThreadInformationClass, ThreadInformation,
                                ThreadInformationLength, ReturnLength);
        ObfDereferenceObject(Thread);
    }
    return Status;
}

/* Letter by letter: who looks at the name meanwhile may see part of the new one, ended by a 0 in
 * any case, for the last byte never changes. */
static NTSTATUS PspSetThreadName(PETHREAD Thread, const UNICODE_STRING *Name)
{
    ULONG Length = Name->Length / sizeof(WCHAR);

    if (Name->Length % sizeof(WCHAR) != 0 || (Length != 0 && Name->Buffer == NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG i = 0; i < sizeof(Thread->Name) - 1; i++) {
        WCHAR Letter = i < Length ? Name->Buffer[i] : 0;
        Thread->Name[i] = (CHAR)(Letter < 0x80 ? Letter : '?');
    }
    return STATUS_SUCCESS;
}

static NTSTATUS PspSetThread(PETHREAD Thread, THREADINFOCLASS Class, PVOID Buffer)
{
    LONG Number = *(PLONG)Buffer;

    switch (Class) {
    case ThreadPriority:
        if (Number <= LOW_PRIORITY || Number > HIGH_PRIORITY) {
            return STATUS_INVALID_PARAMETER;
        }
        KeSetPriorityThread(Thread, Number);
        return STATUS_SUCCESS;
    case ThreadBasePriority:
        if (Number < -2 || Number > 2) {
            return STATUS_INVALID_PARAMETER;
        }
        KeSetBasePriorityThread(Thread, Number);
        return STATUS_SUCCESS;
    default:
        return PspSetThreadName(Thread, Buffer);
    }
}

/* 0: there is no such class to set. */
static ULONG PspSizeToSet(THREADINFOCLASS Class)
{
    switch (Class) {
    case ThreadPriority:
    case ThreadBasePriority:
        return sizeof(LONG);
    case ThreadNameInformation:
        return sizeof(THREAD_NAME_INFORMATION);
    default:
        return 0;
    }
}

NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                      PVOID ThreadInformation, ULONG ThreadInformationLength)
{
    ULONG Size = PspSizeToSet(ThreadInformationClass);
    ACCESS_MASK Limited = ThreadInformationClass == ThreadNameInformation
                              ? THREAD_SET_LIMITED_INFORMATION
                              : THREAD_SET_INFORMATION;
    PVOID Thread;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (Size == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ThreadInformationLength != Size || ThreadInformation == NULL) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (ObIsBadPointer(ThreadInformation)) {
        return STATUS_ACCESS_VIOLATION;
    }
    Status =
        PspReferenceForQuery(ThreadHandle, PsThreadType, Limited, THREAD_SET_INFORMATION, &Thread);
    if (NT_SUCCESS(Status)) {
        Status = PspSetThread(Thread, ThreadInformationClass, ThreadInformation);
        ObfDereferenceObject(Thread);
    }
    return Status;
}
