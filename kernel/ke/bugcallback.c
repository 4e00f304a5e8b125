/*
 * Drivers' callbacks on a bugcheck.
 *
 * Records stand in two lists, guarded by a lock that is taken with interrupts off, since drivers
 * register at any IRQL. On a crash the lock is not taken, because a stopped processor may hold it,
 * and nothing in a list is trusted: each record must be mapped, point back to the one before, and
 * have the checksum it was registered with. The walk ends at the first link that is broken.
 *
 * What drivers give as secondary data needs no place of its own in the crash file, as all memory is
 * in there: a table (KiSecondaryData) tells where it lies, and those who have no memory of their
 * own for it get a page each.
 */
#include <ntddk.h>
#include "kd.h"
#include "leak.h"
#include "mm.h"
#include "processor.h"

#define SECONDARY_DATA_LIMIT 0x10000
#define SECONDARY_RECORDS 16
#define SECONDARY_PAGES 4
#define SHOWN_BYTES 64 /* of a driver's data */
#define NEXT_OFFSET (~0ULL)
#define COMPONENT_LENGTH 32

static LIST_ENTRY KiBugCheckCallbacks = {&KiBugCheckCallbacks, &KiBugCheckCallbacks};
static LIST_ENTRY KiReasonCallbacks = {&KiReasonCallbacks, &KiReasonCallbacks};
static KSPIN_LOCK KiCallbackLock;

/* For drivers that have no memory for it. Who comes after all pages have been used gets the last
 * one, and only what is printed of that remains. */
static UCHAR KiSecondaryPage[SECONDARY_PAGES][PAGE_SIZE];

typedef struct _KI_SECONDARY_DATA {
    GUID Guid;
    PVOID Data;
    ULONG Length; /* bytes */
    CHAR Component[COMPONENT_LENGTH];
} KI_SECONDARY_DATA;

/* For debuggers; of the processor that owns the crash. */
static KI_SECONDARY_DATA KiSecondaryData[SECONDARY_RECORDS];
static ULONG KiSecondaryCount;
static ULONG KiSecondaryPagesUsed;
static PKBUGCHECK_REASON_CALLBACK_RECORD KiReasonRunning;  /* in its routine */
static KBUGCHECK_DUMP_IO_TYPE KiDumpIoGiven;               /* last */
static PLIST_ENTRY KiDumpIoCompleted = &KiReasonCallbacks; /* have been told so far; NULL: all */

static BOOLEAN KiInsertRecord(PLIST_ENTRY Head, PLIST_ENTRY Entry, PUCHAR State)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    BOOLEAN Inserted = FALSE;

    KiAcquireRawLock(&KiCallbackLock);
    if (*State == BufferEmpty) {
        *State = BufferInserted;
        InsertTailList(Head, Entry);
        Inserted = TRUE;
    }
    KiReleaseRawLock(&KiCallbackLock);
    KiRestoreInterrupts(Enabled);
    return Inserted;
}

static BOOLEAN KiRemoveRecord(PLIST_ENTRY Entry, PUCHAR State)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    BOOLEAN Removed = FALSE;

    KiAcquireRawLock(&KiCallbackLock);
    if (*State == BufferInserted) {
        *State = BufferEmpty;
        RemoveEntryList(Entry);
        Removed = TRUE;
    }
    KiReleaseRawLock(&KiCallbackLock);
    KiRestoreInterrupts(Enabled);
    return Removed;
}

/* Records begin with their link. */
static void KiFindRecords(PLIST_ENTRY Head, BOOLEAN Reason, PLDR_LEAKS Leaks)
{
    for (PLIST_ENTRY Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
        PVOID Routine =
            Reason ? (PVOID)CONTAINING_RECORD(Entry, KBUGCHECK_REASON_CALLBACK_RECORD, Entry)
                         ->CallbackRoutine
                   : (PVOID)CONTAINING_RECORD(Entry, KBUGCHECK_CALLBACK_RECORD, Entry)
                         ->CallbackRoutine;

        if (LdrIsInImage(Leaks, Entry) || LdrIsInImage(Leaks, Routine)) {
            LdrNoteLeak(Leaks, LdrLeakBugCheckCallback, Entry, Routine);
        }
    }
}

void KiFindCallbackLeaks(PLDR_LEAKS Leaks)
{
    BOOLEAN Enabled = KiDisableInterrupts();

    KiAcquireRawLock(&KiCallbackLock);
    KiFindRecords(&KiBugCheckCallbacks, FALSE, Leaks);
    KiFindRecords(&KiReasonCallbacks, TRUE, Leaks);
    KiReleaseRawLock(&KiCallbackLock);
    KiRestoreInterrupts(Enabled);
}

static ULONG_PTR KiCallbackChecksum(const KBUGCHECK_CALLBACK_RECORD *Record)
{
    return (ULONG_PTR)Record->CallbackRoutine + (ULONG_PTR)Record->Buffer + Record->Length +
           (ULONG_PTR)Record->Component;
}

static ULONG_PTR KiReasonChecksum(const KBUGCHECK_REASON_CALLBACK_RECORD *Record)
{
    return (ULONG_PTR)Record->CallbackRoutine + Record->Reason + (ULONG_PTR)Record->Component;
}

/* The fields of a record that is registered already are left as they are: a crash may be using
 * them. */
BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                         ULONG Length, PUCHAR Component)
{
    if (CallbackRecord->State != BufferEmpty) {
        return FALSE;
    }
    CallbackRecord->CallbackRoutine = CallbackRoutine;
    CallbackRecord->Buffer = Buffer;
    CallbackRecord->Length = Length;
    CallbackRecord->Component = Component;
    CallbackRecord->Checksum = KiCallbackChecksum(CallbackRecord);
    return KiInsertRecord(&KiBugCheckCallbacks, &CallbackRecord->Entry, &CallbackRecord->State);
}

BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    return KiRemoveRecord(&CallbackRecord->Entry, &CallbackRecord->State);
}

BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                               PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                               KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component)
{
    if (CallbackRecord->State != BufferEmpty || Reason < KbCallbackSecondaryDumpData ||
        Reason > KbCallbackTriageDumpData) {
        return FALSE;
    }
    CallbackRecord->CallbackRoutine = CallbackRoutine;
    CallbackRecord->Reason = Reason;
    CallbackRecord->Component = Component;
    CallbackRecord->Checksum = KiReasonChecksum(CallbackRecord);
    return KiInsertRecord(&KiReasonCallbacks, &CallbackRecord->Entry, &CallbackRecord->State);
}

BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord)
{
    return KiRemoveRecord(&CallbackRecord->Entry, &CallbackRecord->State);
}

/* The entry behind Entry in the list at Head, or NULL at the end and where the list is broken. Both
 * types of record begin with their entry. */
static PLIST_ENTRY KiNextRecord(PLIST_ENTRY Head, PLIST_ENTRY Entry, SIZE_T Size)
{
    PLIST_ENTRY Next = Entry->Flink;

    if (Next == Head || !MmIsRangeValid(Next, Size) || Next->Blink != Entry) {
        return NULL;
    }
    return Next;
}

static void KiCopyComponent(const UCHAR *Component, CHAR Name[COMPONENT_LENGTH])
{
    ULONG Length = 0;

    while (Length < COMPONENT_LENGTH - 1 && MmIsRangeValid(Component + Length, 1) &&
           Component[Length]) {
        Name[Length] = (CHAR)Component[Length];
        Length += 1;
    }
    Name[Length] = 0;
}

static void KiPrintComponent(const UCHAR *Component)
{
    CHAR Name[COMPONENT_LENGTH];

    KiCopyComponent(Component, Name);
    KdPrintf("*** callback of %s\n", Name);
}

static void KiRunPlainCallbacks(void)
{
    PLIST_ENTRY Entry = &KiBugCheckCallbacks;

    while ((Entry = KiNextRecord(&KiBugCheckCallbacks, Entry, sizeof(KBUGCHECK_CALLBACK_RECORD)))) {
        PKBUGCHECK_CALLBACK_RECORD Record =
            CONTAINING_RECORD(Entry, KBUGCHECK_CALLBACK_RECORD, Entry);
        if (Record->State == BufferInserted && Record->Checksum == KiCallbackChecksum(Record)) {
            KiPrintComponent(Record->Component);
            Record->State = BufferStarted;
            Record->CallbackRoutine(Record->Buffer, Record->Length);
            Record->State = BufferFinished;
        }
    }
}

/* Calls every routine of one reason behind Entry; After, if any, looks at what it left in Data. */
static void KiRunReasonCallbacks(PLIST_ENTRY Entry, KBUGCHECK_CALLBACK_REASON Reason, PVOID Data,
                                 ULONG Length, void (*Before)(PVOID Data),
                                 void (*After)(PVOID Data,
                                               const KBUGCHECK_REASON_CALLBACK_RECORD *Record))
{
    while ((Entry = KiNextRecord(&KiReasonCallbacks, Entry,
                                 sizeof(KBUGCHECK_REASON_CALLBACK_RECORD)))) {
        PKBUGCHECK_REASON_CALLBACK_RECORD Record =
            CONTAINING_RECORD(Entry, KBUGCHECK_REASON_CALLBACK_RECORD, Entry);
        if (Record->Reason != Reason || Record->State == BufferIncomplete ||
            Record->Checksum != KiReasonChecksum(Record)) {
            continue;
        }
        if (Before != NULL) {
            KiPrintComponent(Record->Component);
            Before(Data);
        }
        Record->State = BufferStarted;
        KiReasonRunning = Record;
        Record->CallbackRoutine(Reason, Record, Data, Length);
        KiReasonRunning = NULL;
        Record->State = BufferFinished;
        if (After != NULL) {
            After(Data, Record);
        }
    }
}

void KeGiveToDumpIo(KBUGCHECK_DUMP_IO_TYPE Type, ULONG64 Offset, PVOID Buffer, ULONG Length)
{
    KBUGCHECK_DUMP_IO Io = {Offset, Buffer, Length, Type};

    KiDumpIoGiven = Type;
    KiRunReasonCallbacks(Type == KbDumpIoComplete ? KiDumpIoCompleted : &KiReasonCallbacks,
                         KbCallbackDumpIo, &Io, sizeof(Io), NULL, NULL);
}

KBUGCHECK_DUMP_IO_TYPE KiDropFailedDumpIo(void)
{
    PKBUGCHECK_REASON_CALLBACK_RECORD Record = KiReasonRunning;

    if (Record == NULL || Record->Reason != KbCallbackDumpIo) {
        return KbDumpIoInvalid;
    }
    KiReasonRunning = NULL;
    Record->State = BufferIncomplete;
    if (KiDumpIoGiven == KbDumpIoComplete) {
        KiDumpIoCompleted = &Record->Entry;
    }
    return KiDumpIoGiven;
}

static void KiPrintBytes(const UCHAR *Bytes, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        KdPrintf("%s%02x", i % 16 == 0 ? "\n    " : " ", Bytes[i]);
    }
    KdPrintf("\n");
}

static PUCHAR KiCurrentPage(void)
{
    return KiSecondaryPage[min(KiSecondaryPagesUsed, SECONDARY_PAGES - 1)];
}

static void KiPrepareSecondaryData(PVOID Data)
{
    *(PKBUGCHECK_SECONDARY_DUMP_DATA)Data =
        (KBUGCHECK_SECONDARY_DUMP_DATA){.InBuffer = KiCurrentPage(),
                                        .InBufferLength = PAGE_SIZE,
                                        .MaximumAllowed = SECONDARY_DATA_LIMIT};
}

/* What lies in the last page is known only if it has not been used again. */
static void KiRecordSecondaryData(const KBUGCHECK_SECONDARY_DUMP_DATA *Dump, const UCHAR *Component)
{
    BOOLEAN InPage = (PUCHAR)Dump->OutBuffer - KiCurrentPage() < PAGE_SIZE &&
                     (PUCHAR)Dump->OutBuffer >= KiCurrentPage();
    KI_SECONDARY_DATA *Record = &KiSecondaryData[KiSecondaryCount];

    if (KiSecondaryCount == SECONDARY_RECORDS ||
        (InPage && KiSecondaryPagesUsed >= SECONDARY_PAGES)) {
        KdPrintf("    no room to keep where they are\n");
        return;
    }
    KiSecondaryPagesUsed += InPage;
    Record->Guid = Dump->Guid;
    Record->Data = Dump->OutBuffer;
    Record->Length = Dump->OutBufferLength;
    KiCopyComponent(Component, Record->Component);
    KiSecondaryCount++;
}

static void KiTakeSecondaryData(PVOID Data, const KBUGCHECK_REASON_CALLBACK_RECORD *Record)
{
    PKBUGCHECK_SECONDARY_DUMP_DATA Dump = Data;
    const GUID *Guid = &Dump->Guid;
    ULONG Length = Dump->OutBufferLength;

    if (Dump->OutBuffer == NULL || Length == 0 || Length > SECONDARY_DATA_LIMIT ||
        !MmIsRangeValid(Dump->OutBuffer, Length)) {
        return;
    }
    KdPrintf("    {%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}, %u bytes:", Guid->Data1,
             Guid->Data2, Guid->Data3, Guid->Data4[0], Guid->Data4[1], Guid->Data4[2],
             Guid->Data4[3], Guid->Data4[4], Guid->Data4[5], Guid->Data4[6], Guid->Data4[7],
             Length);
    KiPrintBytes(Dump->OutBuffer, min(Length, SHOWN_BYTES));
    KiRecordSecondaryData(Dump, Record->Component);
    KeGiveToDumpIo(KbDumpIoSecondaryData, NEXT_OFFSET, Dump->OutBuffer, Length);
}

void KiRunBugCheckCallbacks(void)
{
    KBUGCHECK_SECONDARY_DUMP_DATA Dump;

    KfRaiseIrql(HIGH_LEVEL); /* what they may rely on; interrupts are off anyway */
    KiRunPlainCallbacks();
    KiRunReasonCallbacks(&KiReasonCallbacks, KbCallbackSecondaryDumpData, &Dump, sizeof(Dump),
                         KiPrepareSecondaryData, KiTakeSecondaryData);
}

void KiCompleteDumpIo(void)
{
    if (KiDumpIoCompleted == NULL) {
        return;
    }
    KeGiveToDumpIo(KbDumpIoComplete, NEXT_OFFSET, NULL, 0);
    KiDumpIoCompleted = NULL;
}
