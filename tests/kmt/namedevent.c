/*
 * Promises: IoCreateNotificationEvent and IoCreateSynchronizationEvent make a signalled event of
 * their type, or find the one that has the name as it is; the event is one for all who open it, and
 * goes with the last handle; a name that leads to something else, or nowhere, gives NULL.
 */
#include "kmt.h"

typedef PKEVENT NTAPI CREATE_ROUTINE(PUNICODE_STRING Name, PHANDLE Handle);

static PKEVENT Create(CREATE_ROUTINE *Routine, PCWSTR Name, PHANDLE Handle)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    return Routine(&String, Handle);
}

static VOID TestTypes(VOID)
{
    HANDLE One, Other;
    PKEVENT Event = Create(IoCreateNotificationEvent, L"\\BaseNamedObjects\\KmtNote", &One);
    KMT_CHECK(Event != NULL, "a notification event");
    KMT_EQUAL(KeReadStateEvent(Event), 1, "is signalled");
    KmtWait(Event, 0);
    KMT_EQUAL(KmtWait(Event, 0), STATUS_SUCCESS, "and stays so");
    ZwClose(One);
    Event = Create(IoCreateSynchronizationEvent, L"\\BaseNamedObjects\\KmtSync", &One);
    KMT_CHECK(Event != NULL, "a synchronization event");
    KMT_EQUAL(KmtWait(Event, 0), STATUS_SUCCESS, "is signalled");
    KMT_EQUAL(KmtWait(Event, 0), STATUS_TIMEOUT, "once");
    KMT_CHECK((LONG_PTR)One < 0, "the handle is a kernel handle");
    KMT_CHECK(Create(IoCreateSynchronizationEvent, L"\\BaseNamedObjects\\KmtSync", &Other) == Event,
              "the second to ask gets the same event");
    KMT_EQUAL(KeReadStateEvent(Event), 0, "in the state it had");
    ZwSetEvent(Other, NULL);
    KMT_EQUAL(KmtWait(Event, 0), STATUS_SUCCESS, "a signal through one handle reaches all");
    ZwClose(One);
    ZwClose(Other);
    Event = Create(IoCreateSynchronizationEvent, L"\\BaseNamedObjects\\KmtSync", &One);
    KMT_EQUAL(KeReadStateEvent(Event), 1, "after the last handle the next event is a new one");
    ZwClose(One);
}

static VOID TestRefusals(VOID)
{
    HANDLE Handle;
    KMT_CHECK(Create(IoCreateNotificationEvent, L"\\Device", &Handle) == NULL,
              "a directory is no event");
    KMT_CHECK(Create(IoCreateNotificationEvent, L"\\NoSuchPlace\\KmtNote", &Handle) == NULL,
              "nor is there one in a directory that is not there");
    KMT_CHECK(Create(IoCreateNotificationEvent, L"KmtNote", &Handle) == NULL,
              "nor by a relative name");
}

static VOID KmtRun(VOID)
{
    TestTypes();
    TestRefusals();
}
