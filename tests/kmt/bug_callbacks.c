/* STOP: 0x000000E2 MANUALLY_INITIATED_CRASH
 * Promise: on a bugcheck the registered callbacks run, at HIGH_LEVEL, in order, with their data;
 * damaged and deregistered ones do not. What they print is checked by test_bugcheck.py. */
#include "kmt.h"

static KBUGCHECK_CALLBACK_RECORD First, Gone, Damaged, Last;
static KBUGCHECK_REASON_CALLBACK_RECORD Data, OwnData, Io;
static CHAR Buffer[] = "my buffer";
static const GUID Guid = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};

static VOID NTAPI Plain(PVOID Given, ULONG Length)
{
    DbgPrint("# plain: %s, %u bytes, IRQL %u\n", Given, Length, KeGetCurrentIrql());
}

static VOID NTAPI Unwanted(PVOID Given, ULONG Length)
{
    UNREFERENCED_PARAMETER(Given);
    UNREFERENCED_PARAMETER(Length);
    DbgPrint("# never reached\n");
}

static VOID NTAPI SaveData(KBUGCHECK_CALLBACK_REASON Reason,
                           PKBUGCHECK_REASON_CALLBACK_RECORD Record, PVOID ReasonData, ULONG Length)
{
    PKBUGCHECK_SECONDARY_DUMP_DATA Dump = ReasonData;

    DbgPrint("# data: reason %d, %u of %u bytes, room for %d\n", Reason, Length,
             (ULONG)sizeof(*Dump), Dump->InBufferLength >= 64);
    Dump->Guid = Guid;
    Dump->OutBuffer = Record == &OwnData ? Buffer : Dump->InBuffer;
    Dump->OutBufferLength = Record == &OwnData ? sizeof(Buffer) : 20;
    if (Record != &OwnData) {
        RtlFillMemory(Dump->OutBuffer, 20, 0xA5);
    }
}

static VOID NTAPI WriteData(KBUGCHECK_CALLBACK_REASON Reason,
                            PKBUGCHECK_REASON_CALLBACK_RECORD Record, PVOID ReasonData,
                            ULONG Length)
{
    PKBUGCHECK_DUMP_IO Dump = ReasonData;

    UNREFERENCED_PARAMETER(Record);
    DbgPrint("# io: reason %d, %u of %u bytes, type %d, length %u\n", Reason, Length,
             (ULONG)sizeof(*Dump), Dump->Type, Dump->BufferLength);
}

static VOID KmtRun(VOID)
{
    KeRegisterBugCheckCallback(&First, Plain, Buffer, sizeof(Buffer), (PUCHAR) "first");
    KeRegisterBugCheckCallback(&Gone, Unwanted, NULL, 0, (PUCHAR) "gone");
    KeRegisterBugCheckCallback(&Damaged, Unwanted, NULL, 0, (PUCHAR) "damaged");
    KeRegisterBugCheckCallback(&Last, Plain, Buffer, 2, (PUCHAR) "last");
    KeRegisterBugCheckReasonCallback(&Io, WriteData, KbCallbackDumpIo, (PUCHAR) "io");
    KeRegisterBugCheckReasonCallback(&Data, SaveData, KbCallbackSecondaryDumpData, (PUCHAR) "data");
    KeRegisterBugCheckReasonCallback(&OwnData, SaveData, KbCallbackSecondaryDumpData,
                                     (PUCHAR) "own data");
    KeDeregisterBugCheckCallback(&Gone);
    Damaged.Length = 99;
    KeBugCheck(MANUALLY_INITIATED_CRASH);
}
