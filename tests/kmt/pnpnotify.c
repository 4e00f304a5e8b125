/*
 * Promises: who registers for a class of device interfaces is told of each that comes or goes, in
 * order, once, in a system thread at PASSIVE_LEVEL; of those that are there already, if he wants
 * to, before the registration returns, whoever else is being told of what meanwhile, and of nothing
 * else before that; and of nothing after he has taken it back, which waits for a call under way. A
 * routine may register, take others back, and itself, and write to what it is shown. A device that
 * is deleted takes its interfaces along. Other categories, flags and pointers are refused.
 */
#include "kmtdevice.h"

#include <initguid.h>
#include <wdmguid.h>

static const GUID First = {0x51515151, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
static const GUID Second = {0x62626262, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};

#define MOST 64
#define ROUNDS 40

/* What one registration has been told. */
typedef struct _HEARD {
    PVOID Entry;
    volatile LONG Count;
    BOOLEAN Arrival[MOST];
    WCHAR Letter[MOST]; /* the last of each link */
    volatile LONG Wrong;
} HEARD;

static PDEVICE_OBJECT Pdo;
static UNICODE_STRING LinkA, LinkB, LinkOther;

static BOOLEAN IsRight(PDEVICE_INTERFACE_CHANGE_NOTIFICATION Change, const GUID *Class)
{
    return Change->Version == 1 && Change->Size == sizeof(*Change) &&
           RtlEqualMemory(&Change->InterfaceClassGuid, Class, sizeof(*Class)) &&
           KeGetCurrentIrql() == PASSIVE_LEVEL && PsIsSystemThread(KeGetCurrentThread()) &&
           !KeAreApcsDisabled() &&
           (RtlEqualMemory(&Change->Event, &GUID_DEVICE_INTERFACE_ARRIVAL, sizeof(GUID)) ||
            RtlEqualMemory(&Change->Event, &GUID_DEVICE_INTERFACE_REMOVAL, sizeof(GUID)));
}

static VOID Note(HEARD *Heard, PDEVICE_INTERFACE_CHANGE_NOTIFICATION Change)
{
    PUNICODE_STRING Name = Change->SymbolicLinkName;
    LONG Count = Heard->Count;
    if (!IsRight(Change, &First) || Count == MOST) {
        InterlockedIncrement(&Heard->Wrong);
        return;
    }
    Heard->Arrival[Count] =
        RtlEqualMemory(&Change->Event, &GUID_DEVICE_INTERFACE_ARRIVAL, sizeof(GUID)) != 0;
    Heard->Letter[Count] = Name->Buffer[Name->Length / sizeof(WCHAR) - 1];
    InterlockedIncrement(&Heard->Count);
}

static NTSTATUS NTAPI Hear(PVOID Notification, PVOID Context)
{
    Note(Context, Notification);
    return STATUS_UNSUCCESSFUL; /* which nobody looks at */
}

static NTSTATUS Listen(HEARD *Heard, ULONG Flags, PDRIVER_NOTIFICATION_CALLBACK_ROUTINE Routine)
{
    RtlZeroMemory(Heard, sizeof(*Heard));
    return IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, Flags, (PVOID)&First,
                                          KmtDriverObject, Routine, Heard, &Heard->Entry);
}

/* Whether it comes to that, and stays at it as far as can be seen. */
static BOOLEAN ComesTo(HEARD *Heard, LONG Count)
{
    for (ULONG i = 0; i < 60000 && Heard->Count < Count; i++) {
        KmtSleep(1);
    }
    return Heard->Count == Count && Heard->Wrong == 0;
}

static VOID TestRefusals(VOID)
{
    PVOID Entry = &Entry;
    KMT_EQUAL(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, (PVOID)&First,
                                             KmtDriverObject, Hear, NULL, &Entry),
              STATUS_NOT_SUPPORTED, "target devices");
    KMT_CHECK(Entry == NULL, "no entry");
    KMT_EQUAL(IoRegisterPlugPlayNotification(EventCategoryHardwareProfileChange, 0, NULL,
                                             KmtDriverObject, Hear, NULL, &Entry),
              STATUS_NOT_SUPPORTED, "hardware profiles");
    KMT_EQUAL(IoRegisterPlugPlayNotification(EventCategoryReserved, 0, (PVOID)&First,
                                             KmtDriverObject, Hear, NULL, &Entry),
              STATUS_INVALID_PARAMETER, "no category");
    KMT_EQUAL(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 2, (PVOID)&First,
                                             KmtDriverObject, Hear, NULL, &Entry),
              STATUS_INVALID_PARAMETER, "a flag that there is not");
    KMT_EQUAL(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, NULL,
                                             KmtDriverObject, Hear, NULL, &Entry),
              STATUS_INVALID_PARAMETER, "no class");
    KMT_EQUAL(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&First,
                                             KmtDriverObject, NULL, NULL, &Entry),
              STATUS_INVALID_PARAMETER, "no routine");
    KMT_EQUAL(IoUnregisterPlugPlayNotification(NULL), STATUS_INVALID_PARAMETER, "NULL");
    KMT_EQUAL(IoUnregisterPlugPlayNotificationEx(&Entry), STATUS_INVALID_PARAMETER,
              "what is no entry");
}

static VOID TestEvents(VOID)
{
    HEARD Early, Late;
    KMT_EQUAL(Listen(&Early, 0, Hear), STATUS_SUCCESS, "registered");
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    KMT_EQUAL(IoSetDeviceInterfaceState(&LinkA, TRUE), STATUS_OBJECT_NAME_EXISTS, "no change");
    IoSetDeviceInterfaceState(&LinkB, TRUE);
    IoSetDeviceInterfaceState(&LinkOther, TRUE);
    KMT_CHECK(ComesTo(&Early, 2), "two of the class have come");
    KMT_EQUAL(Listen(&Late, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, Hear),
              STATUS_SUCCESS, "registered later");
    KMT_CHECK(Late.Count == 2 && Late.Wrong == 0, "the two are told at once");
    KMT_CHECK(Late.Letter[0] == L'a' && Late.Letter[1] == L'b' && Late.Arrival[0] &&
                  Late.Arrival[1],
              "by name");
    IoSetDeviceInterfaceState(&LinkA, FALSE);
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    IoSetDeviceInterfaceState(&LinkOther, FALSE);
    KMT_CHECK(ComesTo(&Early, 4) && ComesTo(&Late, 4), "one goes and comes");
    KMT_CHECK(!Early.Arrival[2] && Early.Arrival[3] && Early.Letter[2] == L'a', "in this order");
    KMT_CHECK(!Late.Arrival[2] && Late.Arrival[3] && Late.Letter[3] == L'a', "for both");
    KMT_EQUAL(IoUnregisterPlugPlayNotification(Early.Entry), STATUS_SUCCESS, "taken back");
    KMT_EQUAL(IoUnregisterPlugPlayNotification(Early.Entry), STATUS_INVALID_PARAMETER, "once");
    IoSetDeviceInterfaceState(&LinkB, FALSE);
    KMT_CHECK(ComesTo(&Late, 5) && !Late.Arrival[4] && Late.Letter[4] == L'b', "one goes");
    KMT_EQUAL(Early.Count, 4, "and only the other is told");
    KMT_EQUAL(IoUnregisterPlugPlayNotificationEx(Late.Entry), STATUS_SUCCESS, "taken back, too");
    IoSetDeviceInterfaceState(&LinkA, FALSE);
}

/*** Routines that do more. ***/

static NTSTATUS NTAPI Scribble(PVOID Notification, PVOID Context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION Change = Notification;
    PUNICODE_STRING Name = Change->SymbolicLinkName;
    Note(Context, Notification);
    RtlFillMemory(Name->Buffer, Name->MaximumLength, 0xAA);
    RtlFillMemory(Name, sizeof(*Name), 0xAA);
    RtlFillMemory(Change, sizeof(*Change), 0xAA);
    return STATUS_SUCCESS;
}

static VOID TestScribbling(VOID)
{
    HEARD One, Two;
    Listen(&One, 0, Scribble);
    Listen(&Two, 0, Hear);
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    IoSetDeviceInterfaceState(&LinkA, FALSE);
    KMT_CHECK(ComesTo(&One, 2) && ComesTo(&Two, 2), "two are told");
    KMT_CHECK(Two.Letter[0] == L'a' && Two.Letter[1] == L'a' && One.Letter[1] == L'a',
              "what one writes to what it is shown nobody else sees");
    IoUnregisterPlugPlayNotificationEx(One.Entry);
    IoUnregisterPlugPlayNotificationEx(Two.Entry);
}

static HEARD Inner;
static KEVENT Coming, Inside, GoOn;
static volatile BOOLEAN Left;

/* Registers another one, for what is there, and goes. */
static NTSTATUS NTAPI HearOnce(PVOID Notification, PVOID Context)
{
    HEARD *Heard = Context;
    Note(Heard, Notification);
    if (!NT_SUCCESS(Listen(&Inner, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, Hear)) ||
        !NT_SUCCESS(IoUnregisterPlugPlayNotificationEx(Heard->Entry))) {
        InterlockedIncrement(&Heard->Wrong);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI HearSlowly(PVOID Notification, PVOID Context)
{
    Note(Context, Notification);
    KeSetEvent(&Inside, IO_NO_INCREMENT, FALSE);
    if (KmtWait(&GoOn, 60000) != STATUS_SUCCESS) {
        InterlockedIncrement(&((HEARD *)Context)->Wrong);
    }
    Left = TRUE;
    return STATUS_SUCCESS;
}

static VOID NTAPI TakeBack(PVOID Context)
{
    HEARD *Heard = Context;
    KmtCome(&Coming);
    IoUnregisterPlugPlayNotificationEx(Heard->Entry);
    if (!Left) {
        InterlockedIncrement(&Heard->Wrong);
    }
}

/* What has been there comes first, although the worker is in somebody's routine; what happens while
 * that is told comes behind it. */
static HEARD Existing;

static NTSTATUS NTAPI HearExisting(PVOID Notification, PVOID Context)
{
    Note(Context, Notification);
    if (Existing.Count == 1) {
        IoSetDeviceInterfaceState(&LinkA, FALSE);
        KeSetEvent(&GoOn, IO_NO_INCREMENT, FALSE); /* the worker is free to tell of it */
        KmtSleep(20);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI UnregisterInFirst(PVOID Notification, PVOID Context)
{
    HEARD *Heard = Context;
    Note(Heard, Notification);
    if (!NT_SUCCESS(IoUnregisterPlugPlayNotificationEx(Heard->Entry))) {
        InterlockedIncrement(&Heard->Wrong);
    }
    return STATUS_SUCCESS;
}

static VOID TestBusyWorker(VOID)
{
    HEARD Heard;
    KeInitializeEvent(&Inside, NotificationEvent, FALSE);
    KeInitializeEvent(&GoOn, NotificationEvent, FALSE);
    Listen(&Heard, 0, HearSlowly);
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    IoSetDeviceInterfaceState(&LinkB, TRUE);
    KmtWait(&Inside, 60000);
    Listen(&Existing, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, HearExisting);
    KMT_CHECK(Existing.Count >= 2 && Existing.Letter[0] == L'a' && Existing.Letter[1] == L'b',
              "what is there is told while another routine runs");
    KMT_CHECK(ComesTo(&Existing, 3) && Existing.Letter[2] == L'a' && !Existing.Arrival[2],
              "and what happens meanwhile behind it");
    KMT_CHECK(ComesTo(&Heard, 3), "the other one hears all of it, too");
    IoUnregisterPlugPlayNotificationEx(Heard.Entry);
    IoUnregisterPlugPlayNotificationEx(Existing.Entry);
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    Listen(&Heard, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, UnregisterInFirst);
    KMT_CHECK(Heard.Count == 1 && Heard.Wrong == 0, "who has enough is not told the rest");
    IoSetDeviceInterfaceState(&LinkA, FALSE);
    IoSetDeviceInterfaceState(&LinkB, FALSE);
    KMT_EQUAL(Heard.Count, 1, "nor what comes");
}

static VOID TestRoutines(VOID)
{
    HEARD Heard;
    Listen(&Heard, 0, HearOnce);
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    KMT_CHECK(ComesTo(&Heard, 1) && ComesTo(&Inner, 1), "a routine registers another");
    IoSetDeviceInterfaceState(&LinkA, FALSE);
    KMT_CHECK(ComesTo(&Inner, 2), "which goes on");
    KMT_EQUAL(Heard.Count, 1, "and takes itself back");
    IoUnregisterPlugPlayNotification(Inner.Entry);

    KeInitializeEvent(&Inside, NotificationEvent, FALSE);
    KeInitializeEvent(&GoOn, NotificationEvent, FALSE);
    Listen(&Heard, 0, HearSlowly);
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    KmtWait(&Inside, 60000);
    KeInitializeEvent(&Coming, NotificationEvent, FALSE);
    PETHREAD Thread = KmtStartThread(TakeBack, &Heard);
    KmtAwaitComing(&Coming);
    KMT_EQUAL(KmtWait(Thread, 20), STATUS_TIMEOUT, "who takes it back waits for the routine");
    KeSetEvent(&GoOn, IO_NO_INCREMENT, FALSE);
    KmtJoin(Thread);
    KMT_EQUAL(Heard.Wrong, 0, "to return");
    IoSetDeviceInterfaceState(&LinkA, FALSE);
}

static VOID NTAPI ListenToExisting(PVOID Context)
{
    Listen(Context, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, HearSlowly);
}

/* Somebody else takes a registration back while it is told what is there. */
static VOID TestShortened(VOID)
{
    static HEARD Heard;
    PETHREAD Listener, Other;
    KeInitializeEvent(&Inside, NotificationEvent, FALSE);
    KeInitializeEvent(&GoOn, NotificationEvent, FALSE);
    Left = FALSE;
    IoSetDeviceInterfaceState(&LinkA, TRUE);
    IoSetDeviceInterfaceState(&LinkB, TRUE);
    Listener = KmtStartThread(ListenToExisting, &Heard);
    KmtWait(&Inside, 60000);
    KeInitializeEvent(&Coming, NotificationEvent, FALSE);
    Other = KmtStartThread(TakeBack, &Heard);
    KmtAwaitComing(&Coming);
    KMT_EQUAL(KmtWait(Other, 20), STATUS_TIMEOUT, "who takes it back waits for this, too");
    IoSetDeviceInterfaceState(&LinkA, FALSE);
    KeSetEvent(&GoOn, IO_NO_INCREMENT, FALSE);
    KmtJoin(Other);
    KmtJoin(Listener);
    KMT_CHECK(Heard.Count == 1 && Heard.Wrong == 0, "and the rest is not told");
    IoSetDeviceInterfaceState(&LinkB, FALSE);
}

/*** Many at once. ***/

static volatile LONG BadRaces;

/* What is there, by what has been told: never less than nothing, never more than one. */
static NTSTATUS NTAPI Weigh(PVOID Notification, PVOID Context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION Change = Notification;
    PUNICODE_STRING Name = Change->SymbolicLinkName;
    LONG *Weights = Context;
    LONG *Weight = &Weights[Name->Buffer[Name->Length / sizeof(WCHAR) - 1] == L'b'];
    *Weight +=
        RtlEqualMemory(&Change->Event, &GUID_DEVICE_INTERFACE_ARRIVAL, sizeof(GUID)) ? 1 : -1;
    if (*Weight < 0 || *Weight > 1) {
        InterlockedIncrement(&BadRaces);
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI Toggle(PVOID Context)
{
    for (ULONG i = 0; i < ROUNDS; i++) {
        IoSetDeviceInterfaceState(Context, TRUE);
        IoSetDeviceInterfaceState(Context, FALSE);
    }
}

static VOID NTAPI ComeAndGo(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < ROUNDS; i++) {
        LONG Weights[2] = {0, 0};
        PVOID Entry;
        if (!NT_SUCCESS(IoRegisterPlugPlayNotification(
                EventCategoryDeviceInterfaceChange,
                PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, (PVOID)&First,
                KmtDriverObject, Weigh, Weights, &Entry))) {
            InterlockedIncrement(&BadRaces);
            break;
        }
        IoUnregisterPlugPlayNotificationEx(Entry);
    }
}

static VOID TestRaces(VOID)
{
    PETHREAD Threads[4];
    LONG Weights[2] = {0, 0};
    PVOID Entry = NULL;
    IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&First,
                                   KmtDriverObject, Weigh, Weights, &Entry);
    Threads[0] = KmtStartThread(Toggle, &LinkA);
    Threads[1] = KmtStartThread(Toggle, &LinkB);
    Threads[2] = KmtStartThread(ComeAndGo, NULL);
    Threads[3] = KmtStartThread(ComeAndGo, NULL);
    for (ULONG i = 0; i < ARRAYSIZE(Threads); i++) {
        KmtJoin(Threads[i]);
    }
    IoUnregisterPlugPlayNotificationEx(Entry);
    KMT_EQUAL(BadRaces, 0, "nobody is told of one twice, or of the end of what has not begun");
}

static NTSTATUS Register(const GUID *Class, PCWSTR Reference, PUNICODE_STRING Link)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Reference);
    return IoRegisterDeviceInterface(Pdo, Class, &String, Link);
}

static VOID KmtRun(VOID)
{
    HEARD Heard;
    KMT_EQUAL(IoReportDetectedDevice(KmtDriverObject, Isa, 0, 0, NULL, NULL, FALSE, &Pdo),
              STATUS_SUCCESS, "a device");
    KMT_EQUAL(Register(&First, L"a", &LinkA), STATUS_SUCCESS, "an interface");
    KMT_EQUAL(Register(&First, L"b", &LinkB), STATUS_SUCCESS, "another");
    KMT_EQUAL(Register(&Second, L"c", &LinkOther), STATUS_SUCCESS, "one of another class");
    TestRefusals();
    TestEvents();
    TestScribbling();
    TestRoutines();
    TestBusyWorker();
    TestShortened();
    TestRaces();
    IoSetDeviceInterfaceState(&LinkB, TRUE);
    Listen(&Heard, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, Hear);
    IoDeleteDevice(Pdo);
    KMT_CHECK(ComesTo(&Heard, 2) && Heard.Arrival[0] && !Heard.Arrival[1],
              "with its device an interface goes");
    IoUnregisterPlugPlayNotificationEx(Heard.Entry);
    RtlFreeUnicodeString(&LinkA);
    RtlFreeUnicodeString(&LinkB);
    RtlFreeUnicodeString(&LinkOther);
}
