/*
 * errorlog.c - the event log: what drivers report of their devices' errors.
 *
 * An entry is made and filled in at any IRQL up to DISPATCH_LEVEL. When it is written a worker
 * thread looks up the names of the driver and the device, drops the reference to them, and appends
 * it to the log, which keeps the last entries. A fast mutex guards the log.
 */
#include "iop.h"

#define IOP_LOG_ENTRIES 64
#define IOP_LOG_NAME 40
#define IOP_TAG_LOG 0x676F4C49 /* "ILog" */

typedef struct _IOP_LOG_ENTRY {
    WORK_QUEUE_ITEM Item;
    LIST_ENTRY Link; /* g  IopLogMutex */
    PVOID Object;    /* referenced until it is written */
    LARGE_INTEGER Time;
    ULONG Size; /* of Packet with what follows it */
    WCHAR Driver[IOP_LOG_NAME], Device[IOP_LOG_NAME];
    DECLSPEC_ALIGN(16) IO_ERROR_LOG_PACKET Packet;
} IOP_LOG_ENTRY, *PIOP_LOG_ENTRY;

static FAST_MUTEX IopLogMutex;
static LIST_ENTRY IopLog = {&IopLog, &IopLog}; /* g  oldest first */
static ULONG IopLogCount;                      /* g */
static volatile LONG IopLogSequence;           /* o */

void IopInitializeErrorLog(void)
{
    ExInitializeFastMutex(&IopLogMutex);
}

PVOID NTAPI IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (EntrySize < sizeof(IO_ERROR_LOG_PACKET) || EntrySize > ERROR_LOG_MAXIMUM_SIZE) {
        return NULL;
    }
    PIOP_LOG_ENTRY Entry = ExAllocatePool2(
        POOL_FLAG_NON_PAGED, offsetof(IOP_LOG_ENTRY, Packet) + EntrySize, IOP_TAG_LOG);
    if (Entry == NULL) {
        return NULL;
    }
    ObfReferenceObject(IoObject);
    Entry->Object = IoObject;
    Entry->Size = EntrySize;
    return &Entry->Packet;
}

VOID NTAPI IoFreeErrorLogEntry(PVOID ElEntry)
{
    PIOP_LOG_ENTRY Entry = CONTAINING_RECORD(ElEntry, IOP_LOG_ENTRY, Packet);
    ObfDereferenceObject(Entry->Object);
    ExFreePoolWithTag(Entry, IOP_TAG_LOG);
}

/* The last part of a driver's name, and the device's, cut to what the entry has room for. */
static void IopNameLogEntry(PIOP_LOG_ENTRY Entry)
{
    PDEVICE_OBJECT Device = Entry->Object;
    PDRIVER_OBJECT Driver =
        Device->Type == IO_TYPE_DEVICE ? Device->DriverObject : (PDRIVER_OBJECT)Entry->Object;
    UNICODE_STRING Name = {0, sizeof(Entry->Driver) - sizeof(WCHAR), Entry->Driver};
    RtlCopyUnicodeString(&Name, &Driver->DriverExtension->ServiceKeyName);
    Name = (UNICODE_STRING){0, sizeof(Entry->Device) - sizeof(WCHAR), Entry->Device};
    if (Device->Type == IO_TYPE_DEVICE) {
        ObQueryObjectName(Device, &Name);
    }
}

static VOID NTAPI IopLogWorker(PVOID Context)
{
    PIOP_LOG_ENTRY Entry = Context;
    PIOP_LOG_ENTRY Oldest = NULL;
    IopNameLogEntry(Entry);
    ObfDereferenceObject(Entry->Object);
    Entry->Object = NULL;
    ExAcquireFastMutex(&IopLogMutex);
    InsertTailList(&IopLog, &Entry->Link);
    if (++IopLogCount > IOP_LOG_ENTRIES) {
        Oldest = CONTAINING_RECORD(RemoveHeadList(&IopLog), IOP_LOG_ENTRY, Link);
        IopLogCount--;
    }
    ExReleaseFastMutex(&IopLogMutex);
    if (Oldest != NULL) {
        ExFreePoolWithTag(Oldest, IOP_TAG_LOG);
    }
}

/* The entry's object stays referenced, so the worker finds the names still there. */
VOID NTAPI IoWriteErrorLogEntry(PVOID ElEntry)
{
    PIOP_LOG_ENTRY Entry = CONTAINING_RECORD(ElEntry, IOP_LOG_ENTRY, Packet);
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KeQuerySystemTime(&Entry->Time);
    if (Entry->Packet.SequenceNumber == 0) {
        Entry->Packet.SequenceNumber = (ULONG)InterlockedIncrement(&IopLogSequence);
    }
    ExInitializeWorkItem(&Entry->Item, IopLogWorker, Entry);
    ExQueueWorkItem(&Entry->Item, DelayedWorkQueue);
}

/* As far as they lie in the entry: a driver may have miscounted. */
static void IopPrintLogStrings(PKD_CONSOLE Console, PIOP_LOG_ENTRY Entry)
{
    ULONG Offset = Entry->Packet.StringOffset;
    for (ULONG i = 0; i < Entry->Packet.NumberOfStrings && Offset < Entry->Size; i++) {
        PWCH Start = (PWCH)((PUCHAR)&Entry->Packet + Offset);
        ULONG Length = 0;
        while (Offset + (Length + 1) * sizeof(WCHAR) <= Entry->Size && Start[Length] != 0) {
            Length++;
        }
        UNICODE_STRING Text = {(USHORT)(Length * sizeof(WCHAR)), 0, Start};
        KdConsolePrint(Console, " \"%wZ\"", &Text);
        Offset += (Length + 1) * (ULONG)sizeof(WCHAR);
    }
}

static void IopPrintLogEntry(PKD_CONSOLE Console, PIOP_LOG_ENTRY Entry)
{
    PIO_ERROR_LOG_PACKET Packet = &Entry->Packet;
    ULONG Room = Entry->Size - (ULONG)offsetof(IO_ERROR_LOG_PACKET, DumpData);
    ULONG Words = min((ULONG)Packet->DumpDataSize, Room) / (ULONG)sizeof(ULONG);
    TIME_FIELDS Time;
    RtlTimeToTimeFields(&Entry->Time, &Time);
    KdConsolePrint(Console, "%4u  %04d-%02d-%02d %02d:%02d:%02d  %-12ws %-12ws %08X",
                   Packet->SequenceNumber, Time.Year, Time.Month, Time.Day, Time.Hour, Time.Minute,
                   Time.Second, Entry->Driver, Entry->Device, (ULONG)Packet->ErrorCode);
    IopPrintLogStrings(Console, Entry);
    for (ULONG i = 0; i < Words; i++) {
        KdConsolePrint(Console, " %08x", Packet->DumpData[i]);
    }
    KdConsolePrint(Console, "\n");
}

static void IopClearLog(void)
{
    LIST_ENTRY Old;
    InitializeListHead(&Old);
    ExAcquireFastMutex(&IopLogMutex);
    while (!IsListEmpty(&IopLog)) {
        InsertTailList(&Old, RemoveHeadList(&IopLog));
    }
    IopLogCount = 0;
    ExReleaseFastMutex(&IopLogMutex);
    while (!IsListEmpty(&Old)) {
        ExFreePoolWithTag(CONTAINING_RECORD(RemoveHeadList(&Old), IOP_LOG_ENTRY, Link),
                          IOP_TAG_LOG);
    }
}

/* Printing may wait for the serial port, so each entry is copied under the lock and printed without
 * it. An entry that falls off the log's other end meanwhile makes this leave out one. */
static NTSTATUS IopEventLogCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    if (Argc == 2 && _stricmp(Argv[1], "clear") == 0) {
        IopClearLog();
        return STATUS_SUCCESS;
    }
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "%4s  %-19s  %-12s %-12s %-8s Strings, data\n", "No", "Time", "Driver",
                   "Device", "Code");
    for (ULONG Skip = 0;; Skip++) {
        UCHAR Copy[offsetof(IOP_LOG_ENTRY, Packet) + ERROR_LOG_MAXIMUM_SIZE]
            __attribute__((aligned(16)));
        PLIST_ENTRY Link;
        ULONG At = 0;
        ExAcquireFastMutex(&IopLogMutex);
        for (Link = IopLog.Flink; Link != &IopLog && At < Skip; At++) {
            Link = Link->Flink;
        }
        if (Link != &IopLog) {
            PIOP_LOG_ENTRY Entry = CONTAINING_RECORD(Link, IOP_LOG_ENTRY, Link);
            RtlCopyMemory(Copy, Entry, offsetof(IOP_LOG_ENTRY, Packet) + Entry->Size);
        }
        ExReleaseFastMutex(&IopLogMutex);
        if (Link == &IopLog) {
            return STATUS_SUCCESS;
        }
        IopPrintLogEntry(Console, (PIOP_LOG_ENTRY)Copy);
    }
}
KD_COMMAND("eventlog", "[clear]", "list what drivers have written to the event log",
           IopEventLogCommand);
