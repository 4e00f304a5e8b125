/*
 * Promises: a kernel queue gives each entry to one thread, in order; keeps no more threads busy
 * than its limit, lets another in when one blocks; waits end by timeout and by rundown; nothing is
 * lost under load.
 */
#include "kmt.h"

typedef struct _ITEM {
    LIST_ENTRY Link;
    LONG Number;
} ITEM;

static PLIST_ENTRY Remove(PKQUEUE Queue, LONGLONG Ms)
{
    LARGE_INTEGER Timeout = KmtMs(Ms);
    return KeRemoveQueue(Queue, KernelMode, &Timeout);
}

static VOID TestOrder(VOID)
{
    KQUEUE Queue;
    ITEM Item[3];
    KeInitializeQueue(&Queue, 1);
    KMT_CHECK(Remove(&Queue, 0) == (PLIST_ENTRY)STATUS_TIMEOUT, "an empty queue: timeout");
    KMT_CHECK(Remove(&Queue, 5) == (PLIST_ENTRY)STATUS_TIMEOUT, "and after waiting, too");
    KMT_EQUAL(KeInsertQueue(&Queue, &Item[0].Link), 0, "insert reports 0 entries before");
    KMT_EQUAL(KeInsertQueue(&Queue, &Item[1].Link), 1, "then 1");
    KMT_EQUAL(KeInsertHeadQueue(&Queue, &Item[2].Link), 2, "then 2");
    KMT_EQUAL(KeReadStateQueue(&Queue), 3, "three are in");
    KMT_CHECK(Remove(&Queue, 0) == &Item[2].Link, "the one put in front comes first");
    KMT_CHECK(Remove(&Queue, 0) == &Item[0].Link, "then the oldest");
    KMT_CHECK(KeRundownQueue(&Queue) == &Item[1].Link, "rundown returns what is left");
    KMT_CHECK(Item[1].Link.Flink == &Item[1].Link, "as a circle without a head");
}

static KQUEUE Work;
static volatile LONG Busy, MostBusy, Handled, Abandoned;
static KEVENT Hold;
static BOOLEAN Block; /* handlers wait for Hold */

static VOID NTAPI Handle(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (;;) {
        PLIST_ENTRY Entry = KeRemoveQueue(&Work, KernelMode, NULL);
        LONG Now;
        if (Entry == (PLIST_ENTRY)STATUS_ABANDONED) {
            InterlockedIncrement(&Abandoned);
            return;
        }
        Now = InterlockedIncrement(&Busy);
        if (Now > MostBusy) {
            MostBusy = Now;
        }
        if (Block) {
            KeWaitForSingleObject(&Hold, Executive, KernelMode, FALSE, NULL);
        }
        for (volatile int i = 0; i < 200; i++) {
        }
        InterlockedDecrement(&Busy);
        InterlockedIncrement(&Handled);
    }
}

#define HANDLERS 6
#define ITEMS 3000
static ITEM Items[ITEMS];

static VOID StartHandlers(PETHREAD Threads[HANDLERS], ULONG Limit)
{
    KeInitializeQueue(&Work, Limit);
    Busy = MostBusy = Handled = Abandoned = 0;
    for (int i = 0; i < HANDLERS; i++) {
        Threads[i] = KmtStartThread(Handle, NULL);
    }
    KmtSleep(20);
}

static VOID AwaitHandled(LONG Count)
{
    for (int i = 0; i < 20000 && Handled < Count; i++) {
        KmtSleep(1);
    }
}

static VOID JoinHandlers(PETHREAD Threads[HANDLERS])
{
    /* One that is still on its way back to the queue comes too late for the first rundown. */
    for (int i = 0; i < 20000 && Abandoned < HANDLERS; i++) {
        KeRundownQueue(&Work);
        KmtSleep(1);
    }
    for (int i = 0; i < HANDLERS; i++) {
        KmtJoin(Threads[i]);
    }
}

static VOID TestLimit(VOID)
{
    PETHREAD Threads[HANDLERS];
    Block = FALSE;
    StartHandlers(Threads, 2);
    for (int i = 0; i < ITEMS; i++) {
        KeInsertQueue(&Work, &Items[i].Link);
    }
    AwaitHandled(ITEMS);
    KMT_EQUAL(Handled, ITEMS, "3000 entries are handled");
    KMT_CHECK(MostBusy <= 2, "by no more than two threads at a time");
    JoinHandlers(Threads);
    KMT_EQUAL(Abandoned, HANDLERS, "rundown sends the waiting threads away");
}

/* A handler that blocks makes room for another, so all six get in although the limit is one. */
static VOID TestBlocking(VOID)
{
    PETHREAD Threads[HANDLERS];
    KeInitializeEvent(&Hold, NotificationEvent, FALSE);
    Block = TRUE;
    StartHandlers(Threads, 1);
    for (int i = 0; i < HANDLERS; i++) {
        KeInsertQueue(&Work, &Items[i].Link);
    }
    for (int i = 0; i < 20000 && Busy < HANDLERS; i++) {
        KmtSleep(1);
    }
    KMT_EQUAL(Busy, HANDLERS, "threads that block let others in");
    KeSetEvent(&Hold, 0, FALSE);
    AwaitHandled(HANDLERS);
    Block = FALSE;
    MostBusy = 0;
    for (int i = 0; i < 500; i++) {
        KeInsertQueue(&Work, &Items[i].Link);
    }
    AwaitHandled(HANDLERS + 500);
    KMT_EQUAL(Handled, HANDLERS + 500, "the queue goes on when they are back");
    KMT_EQUAL(MostBusy, 1, "with one thread at a time");
    JoinHandlers(Threads);
}

static VOID KmtRun(VOID)
{
    TestOrder();
    TestLimit();
    TestBlocking();
}
