/*
 * nt/ke_bugcheck.h - callbacks on a bugcheck (book ch. 6): a driver's last chance to quiet its
 * device, or to hand over data. They run on one processor at HIGH_LEVEL with all others stopped: no
 * locks, no pool, nothing pageable. Records live in non-paged memory of the caller's until they are
 * deregistered; one that has been damaged is left out. A callback that faults ends the crash
 * report.
 */
#include <wdm.h>

#ifndef _NT_KE_BUGCHECK_
#define _NT_KE_BUGCHECK_

/* KBUGCHECK_CALLBACK_RECORD.State */
typedef enum _KBUGCHECK_BUFFER_DUMP_STATE {
    BufferEmpty,
    BufferInserted,
    BufferStarted,
    BufferFinished,
    BufferIncomplete
} KBUGCHECK_BUFFER_DUMP_STATE;

typedef enum _KBUGCHECK_CALLBACK_REASON {
    KbCallbackInvalid,
    KbCallbackReserved1,
    KbCallbackSecondaryDumpData,
    KbCallbackDumpIo,
    KbCallbackAddPages,
    KbCallbackSecondaryMultiPartDumpData,
    KbCallbackRemovePages,
    KbCallbackTriageDumpData
} KBUGCHECK_CALLBACK_REASON;

typedef VOID NTAPI KBUGCHECK_CALLBACK_ROUTINE(_In_ PVOID Buffer, _In_ ULONG Length);
typedef KBUGCHECK_CALLBACK_ROUTINE *PKBUGCHECK_CALLBACK_ROUTINE;

typedef struct _KBUGCHECK_CALLBACK_RECORD {
    LIST_ENTRY Entry;
    PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine;
    PVOID Buffer;
    ULONG Length;
    PUCHAR Component;
    ULONG_PTR Checksum;
    UCHAR State;
} KBUGCHECK_CALLBACK_RECORD, *PKBUGCHECK_CALLBACK_RECORD;

struct _KBUGCHECK_REASON_CALLBACK_RECORD;
typedef VOID NTAPI KBUGCHECK_REASON_CALLBACK_ROUTINE(
    _In_ KBUGCHECK_CALLBACK_REASON Reason, _In_ struct _KBUGCHECK_REASON_CALLBACK_RECORD *Record,
    _Inout_ PVOID ReasonSpecificData, _In_ ULONG ReasonSpecificDataLength);
typedef KBUGCHECK_REASON_CALLBACK_ROUTINE *PKBUGCHECK_REASON_CALLBACK_ROUTINE;

typedef struct _KBUGCHECK_REASON_CALLBACK_RECORD {
    LIST_ENTRY Entry;
    PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine;
    PUCHAR Component;
    ULONG_PTR Checksum;
    KBUGCHECK_CALLBACK_REASON Reason;
    UCHAR State;
} KBUGCHECK_REASON_CALLBACK_RECORD, *PKBUGCHECK_REASON_CALLBACK_RECORD;

/* ReasonSpecificData of KbCallbackSecondaryDumpData: the routine sets the last three, OutBuffer to
 * InBuffer or to memory of its own, OutBufferLength to MaximumAllowed at most. */
typedef struct _KBUGCHECK_SECONDARY_DUMP_DATA {
    PVOID InBuffer;
    ULONG InBufferLength;
    ULONG MaximumAllowed;
    GUID Guid;
    PVOID OutBuffer;
    ULONG OutBufferLength;
} KBUGCHECK_SECONDARY_DUMP_DATA, *PKBUGCHECK_SECONDARY_DUMP_DATA;

typedef enum _KBUGCHECK_DUMP_IO_TYPE {
    KbDumpIoInvalid,
    KbDumpIoHeader,
    KbDumpIoBody,
    KbDumpIoSecondaryData,
    KbDumpIoComplete
} KBUGCHECK_DUMP_IO_TYPE;

/* ReasonSpecificData of KbCallbackDumpIo: a piece of what is saved. Offset -1: the next one. */
typedef struct _KBUGCHECK_DUMP_IO {
    ULONG64 Offset;
    PVOID Buffer;
    ULONG BufferLength;
    KBUGCHECK_DUMP_IO_TYPE Type;
} KBUGCHECK_DUMP_IO, *PKBUGCHECK_DUMP_IO;

C_ASSERT(sizeof(KBUGCHECK_CALLBACK_RECORD) == 0x40);
C_ASSERT(sizeof(KBUGCHECK_REASON_CALLBACK_RECORD) == 0x30);
C_ASSERT(sizeof(KBUGCHECK_SECONDARY_DUMP_DATA) == 0x30 && sizeof(KBUGCHECK_DUMP_IO) == 0x18);

/* Makes a record of either type ready to be registered. Any IRQL. WDK:
 * KeInitializeCallbackRecord. */
#define KeInitializeCallbackRecord(CallbackRecord) ((CallbackRecord)->State = BufferEmpty)

/* On a bugcheck CallbackRoutine(Buffer, Length) is called; Component, which stays the caller's,
 * names it in the report. FALSE: the record is registered already. Any IRQL. WDK:
 * KeRegisterBugCheckCallback; book ch. 6. */
NTKERNELAPI BOOLEAN NTAPI KeRegisterBugCheckCallback(
    _Inout_ PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
    _In_ PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, _In_opt_ PVOID Buffer, _In_ ULONG Length,
    _In_ PUCHAR Component);
/* FALSE: the record was not registered. Any IRQL. WDK: KeDeregisterBugCheckCallback. */
NTKERNELAPI BOOLEAN NTAPI KeDeregisterBugCheckCallback(
    _Inout_ PKBUGCHECK_CALLBACK_RECORD CallbackRecord);

/* The same for one purpose, after all of those. KbCallbackSecondaryDumpData: the data are printed
 * with their GUID, stay where they are, and a debugger finds them (`nt enumtag`). KbCallbackDumpIo:
 * is given those data, then what is written to a crash disk, if there is one, headers and memory as
 * they come, and KbDumpIoComplete at the end. When such a routine faults, that one is not called
 * any more, and what is written begins anew, for the others, too. The other reasons choose pages
 * for dumps that have not all of them, as a crash file here has: they are not called. FALSE: the
 * record is registered already, or Reason is none. Any IRQL. WDK: KeRegisterBugCheckReasonCallback;
 * book ch. 6. */
NTKERNELAPI BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(
    _Inout_ PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
    _In_ PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine, _In_ KBUGCHECK_CALLBACK_REASON Reason,
    _In_ PUCHAR Component);
/* FALSE: the record was not registered. Any IRQL. WDK: KeDeregisterBugCheckReasonCallback. */
NTKERNELAPI BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(
    _Inout_ PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord);

#endif
