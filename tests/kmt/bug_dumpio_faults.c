/* STOP: 0x000000E2 MANUALLY_INITIATED_CRASH
 * Promise: a KbCallbackDumpIo routine that faults is not called again, and costs nobody the crash
 * file, nor the others what they are given: the end comes to each of them, once (test_crash.py). */
#include "kmt.h"

typedef struct _ONLOOKER {
    KBUGCHECK_REASON_CALLBACK_RECORD Record; /* first */
    KBUGCHECK_DUMP_IO_TYPE Fault;            /* where it does */
    ULONG64 Bytes, Offset;                   /* of memory, since it began anew; of the last piece */
} ONLOOKER, *PONLOOKER;

static ONLOOKER Onlookers[] = {{.Fault = KbDumpIoInvalid},  {.Fault = KbDumpIoBody},
                               {.Fault = KbDumpIoComplete}, {.Fault = KbDumpIoHeader},
                               {.Fault = KbDumpIoComplete}, {.Fault = KbDumpIoInvalid}};

static VOID NTAPI Look(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Given,
                       PVOID ReasonData, ULONG Length)
{
    PONLOOKER Onlooker = CONTAINING_RECORD(Given, ONLOOKER, Record);
    PKBUGCHECK_DUMP_IO Dump = ReasonData;

    UNREFERENCED_PARAMETER(Reason);
    if (Dump->Type == Onlooker->Fault) {
        *(volatile ULONG *)0x10 = Length;
    }
    if (Dump->Type == KbDumpIoBody) {
        BOOLEAN Anew = Dump->Offset <= Onlooker->Offset;
        Onlooker->Bytes = (Anew ? 0 : Onlooker->Bytes) + Dump->BufferLength;
        Onlooker->Offset = Dump->Offset;
    } else if (Dump->Type == KbDumpIoComplete) {
        DbgPrint("# onlooker %d: the end, after %llu MB\n", (int)(Onlooker - Onlookers),
                 Onlooker->Bytes >> 20);
    }
}

static VOID KmtRun(VOID)
{
    for (ULONG i = 0; i < ARRAYSIZE(Onlookers); i++) {
        KeRegisterBugCheckReasonCallback(&Onlookers[i].Record, Look, KbCallbackDumpIo,
                                         (PUCHAR) "onlooker");
    }
    KeBugCheck(MANUALLY_INITIATED_CRASH);
}
