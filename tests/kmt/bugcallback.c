/*
 * Promises: a bugcheck callback is registered once and deregistered once, at any IRQL; records of
 * one list do not disturb those of the other; none is called without a bugcheck. That they are
 * called on one is proved by bug_callbacks.
 */
#include "kmt.h"

static volatile LONG Calls;

static VOID NTAPI Called(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Length);
    InterlockedIncrement(&Calls);
}

static VOID NTAPI CalledFor(KBUGCHECK_CALLBACK_REASON Reason,
                            PKBUGCHECK_REASON_CALLBACK_RECORD Record, PVOID Data, ULONG Length)
{
    UNREFERENCED_PARAMETER(Reason);
    UNREFERENCED_PARAMETER(Record);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Length);
    InterlockedIncrement(&Calls);
}

static KBUGCHECK_CALLBACK_RECORD Records[3];
static KBUGCHECK_REASON_CALLBACK_RECORD Reasons[2];
static UCHAR Component[] = "kmt";

static BOOLEAN Register(ULONG i)
{
    return KeRegisterBugCheckCallback(&Records[i], Called, NULL, 0, Component);
}

static VOID KmtRun(VOID)
{
    KIRQL OldIrql;

    for (ULONG i = 0; i < ARRAYSIZE(Records); i++) {
        KeInitializeCallbackRecord(&Records[i]);
    }
    KMT_CHECK(!KeDeregisterBugCheckCallback(&Records[0]), "nothing is registered at first");
    KMT_CHECK(Register(0) && Register(1), "records are registered");
    KMT_CHECK(!Register(0), "once");
    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    KMT_CHECK(Register(2), "at HIGH_LEVEL, too");
    KMT_CHECK(KeDeregisterBugCheckCallback(&Records[1]), "and deregistered there");
    KeLowerIrql(OldIrql);
    KMT_CHECK(!KeDeregisterBugCheckCallback(&Records[1]), "once");
    KMT_CHECK(Register(1), "and may be registered again");
    KMT_CHECK(Records[0].Entry.Flink == &Records[2].Entry &&
                  Records[2].Entry.Flink == &Records[1].Entry,
              "they are called in the order of registration");

    KeInitializeCallbackRecord(&Reasons[0]);
    KeInitializeCallbackRecord(&Reasons[1]);
    KMT_CHECK(
        !KeRegisterBugCheckReasonCallback(&Reasons[0], CalledFor, KbCallbackInvalid, Component),
        "a reason is needed");
    KMT_CHECK(KeRegisterBugCheckReasonCallback(&Reasons[0], CalledFor, KbCallbackDumpIo, Component),
              "callbacks with a reason are registered");
    KMT_CHECK(
        !KeRegisterBugCheckReasonCallback(&Reasons[0], CalledFor, KbCallbackDumpIo, Component),
        "once");
    KMT_CHECK(KeDeregisterBugCheckReasonCallback(&Reasons[0]), "and deregistered");
    KMT_CHECK(!KeDeregisterBugCheckReasonCallback(&Reasons[1]), "if they were registered");
    for (ULONG i = 0; i < ARRAYSIZE(Records); i++) {
        KeDeregisterBugCheckCallback(&Records[i]);
    }
    KMT_EQUAL(Calls, 0, "nobody was called");
}
