/* MACHINE: mem=48M
 * Promises: the nine memory condition events are in \KernelObjects, for good; they say what is true
 * while memory is plentiful, while it is used up bit by bit, and when it has come back; who waits
 * for low memory is woken when little is left, and not before.
 */
#include "kmt.h"

#define PIECE 0x4000
#define TAG 'tseT'

enum {
    LowMemory,
    HighMemory,
    LowPaged,
    HighPaged,
    LowNonPaged,
    HighNonPaged,
    LowCommit,
    HighCommit,
    MaximumCommit,
    COUNT
};

static const PCWSTR Names[COUNT] = {
    L"\\KernelObjects\\LowMemoryCondition",       L"\\KernelObjects\\HighMemoryCondition",
    L"\\KernelObjects\\LowPagedPoolCondition",    L"\\KernelObjects\\HighPagedPoolCondition",
    L"\\KernelObjects\\LowNonPagedPoolCondition", L"\\KernelObjects\\HighNonPagedPoolCondition",
    L"\\KernelObjects\\LowCommitCondition",       L"\\KernelObjects\\HighCommitCondition",
    L"\\KernelObjects\\MaximumCommitCondition",
};
#define PLENTY (1U << HighMemory | 1U << HighPaged | 1U << HighNonPaged | 1U << LowCommit)
#define NOTHING                                                                                    \
    (1U << LowMemory | 1U << LowPaged | 1U << LowNonPaged | 1U << HighCommit | 1U << MaximumCommit)

static HANDLE Handles[COUNT];
static PKEVENT Events[COUNT];

static NTSTATUS Open(ULONG Which)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    PVOID Event;
    NTSTATUS Status;
    RtlInitUnicodeString(&Name, Names[Which]);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = ZwOpenEvent(&Handles[Which], SYNCHRONIZE | EVENT_QUERY_STATE, &Attributes);
    if (NT_SUCCESS(Status)) {
        ObReferenceObjectByHandle(Handles[Which], SYNCHRONIZE, *ExEventObjectType, KernelMode,
                                  &Event, NULL);
        ObDereferenceObject(Event);
        Events[Which] = (PKEVENT)Event;
    }
    return Status;
}

static VOID OpenAll(VOID)
{
    LONG Failed = 0;
    HANDLE Handle;
    UNICODE_STRING Name;
    for (ULONG i = 0; i < COUNT; i++) {
        Failed += Open(i) != STATUS_SUCCESS;
        ZwClose(Handles[i]);
        Failed += Open(i) != STATUS_SUCCESS;
    }
    KMT_EQUAL(Failed, 0, "all nine open, again after the last handle is closed");
    RtlInitUnicodeString(&Name, Names[LowMemory]);
    KMT_CHECK(IoCreateNotificationEvent(&Name, &Handle) == Events[LowMemory],
              "IoCreateNotificationEvent finds them");
    ZwClose(Handle);
}

/* Bit n: event n is set. */
static ULONG State(VOID)
{
    ULONG Set = 0;
    for (ULONG i = 0; i < COUNT; i++) {
        Set |= (ULONG)(KeReadStateEvent(Events[i]) != 0) << i;
    }
    return Set;
}

/* The events follow memory by a DPC, which is soon. */
static ULONG SettledState(ULONG Expected)
{
    for (int i = 0; i < 3000 && State() != Expected; i++) {
        KmtSleep(10);
    }
    return State();
}

typedef struct _PIECES {
    SINGLE_LIST_ENTRY Pieces;
    ULONG Count;
    ULONG ChangedAt[COUNT]; /* pieces when the event first changed; 0: never */
} PIECES;

static BOOLEAN TakePiece(PIECES *All)
{
    PVOID Piece = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, PIECE, TAG);
    if (Piece != NULL) {
        PushEntryList(&All->Pieces, Piece);
        All->Count++;
    }
    return Piece != NULL;
}

static VOID UseUp(PIECES *All)
{
    ULONG Before = State();
    while (TakePiece(All)) {
        ULONG Changed = State() ^ Before;
        for (ULONG i = 0; i < COUNT; i++) {
            if ((Changed >> i & 1) && All->ChangedAt[i] == 0) {
                All->ChangedAt[i] = All->Count;
            }
        }
    }
}

static VOID GiveBack(PIECES *All)
{
    while (All->Pieces.Next != NULL) {
        ExFreePoolWithTag(PopEntryList(&All->Pieces), TAG);
    }
}

static volatile LONG Woken;

static VOID NTAPI WaitForLow(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Woken = ZwWaitForSingleObject(Handles[LowMemory], FALSE, NULL) == STATUS_SUCCESS ? 1 : -1;
}

static VOID CheckOrder(const PIECES *All)
{
    const ULONG *At = All->ChangedAt;
    ULONG Left = All->Count - At[LowMemory]; /* pieces that could be had after the warning */
    KMT_CHECK(At[LowCommit] < At[HighCommit] && At[HighCommit] < At[MaximumCommit],
              "commit goes from low by high to its maximum");
    KMT_CHECK(At[HighMemory] < At[LowMemory], "memory is first no longer high, then low");
    KMT_CHECK(At[HighPaged] < At[LowPaged] && At[HighNonPaged] < At[LowNonPaged],
              "and so are the pools");
    /* 32 MB for every 4 GB are 384 KB of 48 MB; tables and guard pages take their share. */
    DbgPrint("# %u pieces of 16 KB, the last %u of them after the warning\n", All->Count, Left);
    KMT_CHECK(Left >= 8 && Left <= 30, "low memory is what Windows calls so");
}

static VOID KmtRun(VOID)
{
    static PIECES All;
    PETHREAD Waiter;
    OpenAll();
    KMT_EQUAL(SettledState(PLENTY), PLENTY, "at first there is plenty of everything");
    Waiter = KmtStartThread(WaitForLow, NULL);
    KmtSleep(20);
    KMT_EQUAL(Woken, 0, "who waits for low memory waits");
    UseUp(&All);
    KMT_EQUAL(SettledState(NOTHING), NOTHING, "when memory is used up the events say so");
    KmtJoin(Waiter);
    KMT_EQUAL(Woken, 1, "and who waited is told");
    GiveBack(&All);
    KMT_EQUAL(SettledState(PLENTY), PLENTY, "when it has come back they are as before");
    CheckOrder(&All);
    for (ULONG i = 0; i < COUNT; i++) {
        PVOID Object;
        NTSTATUS Status = ObReferenceObjectByHandle(Handles[i], EVENT_MODIFY_STATE, NULL, UserMode,
                                                    &Object, NULL);
        if (NT_SUCCESS(Status)) {
            ObDereferenceObject(Object);
            KMT_CHECK(FALSE, "a handle for reading is not one for setting");
        }
        ZwClose(Handles[i]);
    }
}
