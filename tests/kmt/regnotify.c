/*
 * Promises: who watches a key is told once of each kind of change that was asked for, by event,
 * work item or waiting, also of changes while nobody was waiting; the end of key or handle ends the
 * wait.
 */
#include "kmtreg.h"

static HANDLE Top, Event;
static IO_STATUS_BLOCK Iosb;

static NTSTATUS Watch(HANDLE Key, ULONG Filter, BOOLEAN Tree)
{
    Iosb.Status = STATUS_UNSUCCESSFUL;
    return ZwNotifyChangeKey(Key, Event, NULL, NULL, &Iosb, Filter, Tree, NULL, 0, TRUE);
}

static BOOLEAN Told(VOID)
{
    LARGE_INTEGER Now = {.QuadPart = 0};

    return ZwWaitForSingleObject(Event, FALSE, &Now) == STATUS_SUCCESS;
}

static HANDLE OpenTop(VOID)
{
    HANDLE Key;

    KmtOpenKey(&Key, Top, L"");
    return Key;
}

static VOID TestFilters(VOID)
{
    HANDLE Names = OpenTop(), Below, Deep;

    KMT_EQUAL(Watch(Names, REG_NOTIFY_CHANGE_NAME, FALSE), STATUS_PENDING, "a watch for names");
    KmtSetUlong(Top, L"v", 1);
    KMT_CHECK(!Told(), "a value is no name");
    KmtCreateKey(&Below, Top, L"Below");
    KMT_CHECK(Told() && Iosb.Status == STATUS_NOTIFY_ENUM_DIR, "a new key is told");
    KMT_EQUAL(Watch(Names, REG_NOTIFY_CHANGE_NAME, FALSE), STATUS_PENDING, "again");
    KMT_CHECK(!Told(), "once only");
    KmtCreateKey(&Deep, Below, L"Deep");
    KMT_CHECK(!Told(), "not of keys further below");
    KmtDeleteTree(Deep);
    KmtDeleteTree(Below);
    KMT_CHECK(Told(), "a deleted key is told");
    ZwClose(Names);
}

static VOID TestTree(VOID)
{
    HANDLE Key = OpenTop(), Below;

    KmtCreateKey(&Below, Top, L"Below");
    KMT_EQUAL(Watch(Key, REG_NOTIFY_CHANGE_LAST_SET, TRUE), STATUS_PENDING, "a watch of a tree");
    KmtSetUlong(Below, L"v", 1);
    KMT_CHECK(Told(), "is told of values below");
    KmtSetUlong(Below, L"v", 2);
    KMT_EQUAL(Watch(Key, REG_NOTIFY_CHANGE_LAST_SET, TRUE), STATUS_PENDING,
              "a change while nobody waited");
    KMT_CHECK(Told(), "is told at once");
    KMT_EQUAL(Watch(Key, REG_NOTIFY_CHANGE_LAST_SET, TRUE), STATUS_PENDING, "and then");
    KMT_CHECK(!Told(), "no more");
    ZwClose(Key);
    KMT_CHECK(Told() && Iosb.Status == STATUS_NOTIFY_CLEANUP, "closing the handle ends the wait");
    KMT_EQUAL(Watch(Below, REG_NOTIFY_CHANGE_NAME, FALSE), STATUS_PENDING, "a watch");
    ZwDeleteKey(Below);
    KMT_CHECK(Told() && Iosb.Status == STATUS_NOTIFY_CLEANUP, "ends with its key");
    KMT_EQUAL(Watch(Below, REG_NOTIFY_CHANGE_NAME, FALSE), STATUS_KEY_DELETED, "and is refused");
    ZwClose(Below);
    KMT_EQUAL(Watch(Top, 0, FALSE), STATUS_INVALID_PARAMETER, "a watch for nothing");
    KMT_EQUAL(Watch(Top, 0x40, FALSE), STATUS_INVALID_PARAMETER, "a watch for the unknown");
    KMT_EQUAL(ZwNotifyChangeKey(Top, Top, NULL, NULL, &Iosb, 1, FALSE, NULL, 0, TRUE),
              STATUS_OBJECT_TYPE_MISMATCH, "a key is no event");
}

static KEVENT Queued;
static VOID NTAPI Worker(PVOID Context)
{
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
}

static VOID TestItem(VOID)
{
    WORK_QUEUE_ITEM Item;
    HANDLE Key = OpenTop();

    KeInitializeEvent(&Queued, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Item, Worker, &Queued);
    KMT_EQUAL(ZwNotifyChangeKey(Key, NULL, (PIO_APC_ROUTINE)(PVOID)&Item,
                                (PVOID)(ULONG_PTR)DelayedWorkQueue, &Iosb,
                                REG_NOTIFY_CHANGE_LAST_SET, FALSE, NULL, 0, TRUE),
              STATUS_PENDING, "a work item");
    KmtSetUlong(Top, L"v", 3);
    KMT_EQUAL(KmtWait(&Queued, 10000), STATUS_SUCCESS, "is queued by a change");
    KmtLetOthersReturn(); /* from the routine: its code goes */
    ZwClose(Key);
}

static LONG volatile Rounds;

/* Waits for changes itself, until its key is deleted. */
static VOID NTAPI Waiter(PVOID Context)
{
    IO_STATUS_BLOCK Own;
    NTSTATUS Status;

    do {
        Status = ZwNotifyChangeKey((HANDLE)Context, NULL, NULL, NULL, &Own,
                                   REG_NOTIFY_CHANGE_LAST_SET, FALSE, NULL, 0, FALSE);
        InterlockedIncrement(&Rounds);
    } while (Status == STATUS_NOTIFY_ENUM_DIR);
    if (Status != STATUS_NOTIFY_CLEANUP && Status != STATUS_KEY_DELETED) {
        InterlockedExchange(&Rounds, -1000000);
    }
}

static VOID TestWaiting(VOID)
{
    PETHREAD Threads[3];
    HANDLE Keys[3], Key;
    ULONG Sets = 0;

    KmtCreateKey(&Key, Top, L"Waited");
    for (ULONG i = 0; i < 3; i++) {
        KmtOpenKey(&Keys[i], Key, L"");
        Threads[i] = KmtStartThread(Waiter, Keys[i]);
    }
    while (Rounds < 300 && Sets < 100000) {
        KmtSetUlong(Key, L"v", Sets++);
        if (Sets % 8 == 0) {
            KmtSleep(1);
        }
    }
    ZwDeleteKey(Key);
    for (ULONG i = 0; i < 3; i++) {
        KmtJoin(Threads[i]);
        ZwClose(Keys[i]);
    }
    ZwClose(Key);
    KMT_CHECK(Rounds >= 300, "threads wait for changes, and are told");
}

static VOID KmtRun(VOID)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    KmtCreateKey(&Top, NULL, KMT_SOFTWARE L"KmtNotify");
    TestFilters();
    TestTree();
    TestItem();
    TestWaiting();
    KmtDeleteTree(Top);
    ZwClose(Event);
}
