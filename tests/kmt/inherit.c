/*
 * Promises: a child process gets its parent's handles that have OBJ_INHERIT, with their values,
 * rights and attributes, if that is asked for, and no others; each counts; it closes its own
 * without its parent losing any, and all of them when it ends, protected or not. Handles are
 * duplicated from one process into another and moved. A new object may not have a directory and an
 * empty name.
 */
#include "kmtprocess.h"

#define MANY 300 /* more than the first block of a handle table has room for */

static HANDLE MakeEvent(ULONG Attributes)
{
    OBJECT_ATTRIBUTES Object;
    HANDLE Handle = NULL;
    InitializeObjectAttributes(&Object, NULL, Attributes, NULL, NULL);
    ZwCreateEvent(&Handle, EVENT_MODIFY_STATE, &Object, NotificationEvent, FALSE);
    return Handle;
}

/* What a handle's value means in a process; NULL: nothing. Not referenced. */
static PVOID Meaning(PEPROCESS Process, HANDLE Handle, POBJECT_HANDLE_INFORMATION Information)
{
    KAPC_STATE State;
    PVOID Object = NULL;
    KeStackAttachProcess(Process, &State);
    if (NT_SUCCESS(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, Information))) {
        ObDereferenceObject(Object);
    }
    KeUnstackDetachProcess(&State);
    return Object;
}

static ULONG HandleCount(HANDLE Process)
{
    ULONG Count = 0;
    ZwQueryInformationProcess(Process, ProcessHandleCount, &Count, sizeof(Count), NULL);
    return Count;
}

static VOID TestInheritance(VOID)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {TRUE, TRUE};
    OBJECT_HANDLE_INFORMATION Information = {0, 0};
    PEPROCESS Parent, Child, Stranger;
    HANDLE Handle = KmtMakeChild(NtCurrentProcess(), 0, &Parent), ChildHandle, StrangerHandle;
    HANDLE Before, Inherited, Protected, After[MANY];
    PVOID Object;
    KAPC_STATE State;
    ULONG Wrong = 0;
    KeStackAttachProcess(Parent, &State);
    Before = MakeEvent(0);
    Inherited = MakeEvent(OBJ_INHERIT);
    Protected = MakeEvent(0);
    ZwSetInformationObject(Protected, ObjectHandleFlagInformation, &Flags, sizeof(Flags));
    for (ULONG i = 0; i < MANY; i++) {
        After[i] = MakeEvent(i % 7 == 3 ? OBJ_INHERIT : 0);
    }
    KeUnstackDetachProcess(&State);
    ChildHandle = KmtMakeChild(Handle, PROCESS_CREATE_FLAGS_INHERIT_HANDLES, &Child);
    StrangerHandle = KmtMakeChild(Handle, 0, &Stranger);
    KMT_CHECK(PsGetProcessInheritedFromUniqueProcessId(Child) == PsGetProcessId(Parent),
              "a child knows its parent");
    KMT_EQUAL(HandleCount(StrangerHandle), 0, "nothing is inherited if that is not asked for");
    KMT_EQUAL(HandleCount(ChildHandle), 2 + (MANY - 4) / 7 + 1, "else what has OBJ_INHERIT");
    Object = Meaning(Parent, Inherited, NULL);
    KMT_CHECK(Object != NULL && Meaning(Child, Inherited, &Information) == Object,
              "a value means the same in both");
    KMT_CHECK(Information.GrantedAccess == EVENT_MODIFY_STATE &&
                  Information.HandleAttributes == OBJ_INHERIT,
              "with its rights and attributes");
    KMT_CHECK(Meaning(Child, Before, NULL) == NULL, "others mean nothing");
    Meaning(Child, Protected, &Information);
    KMT_EQUAL(Information.HandleAttributes, OBJ_INHERIT | OBJ_PROTECT_CLOSE, "protection is kept");
    for (ULONG i = 0; i < MANY; i++) {
        PVOID Expected = i % 7 == 3 ? Meaning(Parent, After[i], NULL) : NULL;
        Wrong += Meaning(Child, After[i], NULL) != Expected;
    }
    KMT_EQUAL(Wrong, 0, "in a large table, too");
    KeStackAttachProcess(Child, &State);
    KMT_CHECK(MakeEvent(0) == Before, "what is free in between is used, first the lowest");
    KMT_EQUAL(ZwClose(Inherited), STATUS_SUCCESS, "the child closes one");
    KMT_EQUAL(ZwClose(Protected), STATUS_HANDLE_NOT_CLOSABLE, "but not a protected one");
    KeUnstackDetachProcess(&State);
    KMT_CHECK(Meaning(Parent, Inherited, NULL) == Object, "its parent still has it");
    ObReferenceObject(Object);
    ZwClose(ChildHandle);
    ObDereferenceObject(Child);
    ZwClose(StrangerHandle);
    ObDereferenceObject(Stranger);
    ZwClose(Handle);
    ObDereferenceObject(Parent);
    KMT_EQUAL(ObDereferenceObject(Object), 0, "and with the processes all their handles go");
}

static VOID TestDuplicates(VOID)
{
    PEPROCESS First, Second;
    HANDLE FirstHandle = KmtMakeChild(NtCurrentProcess(), 0, &First), Source, Copy = NULL,
           Moved = NULL;
    HANDLE SecondHandle = KmtMakeChild(NtCurrentProcess(), 0, &Second);
    KAPC_STATE State;
    PVOID Object;
    KeStackAttachProcess(First, &State);
    Source = MakeEvent(0);
    KeUnstackDetachProcess(&State);
    Object = Meaning(First, Source, NULL);
    KMT_EQUAL(
        ZwDuplicateObject(FirstHandle, Source, SecondHandle, &Copy, 0, 0, DUPLICATE_SAME_ACCESS),
        STATUS_SUCCESS, "a handle of one process is duplicated into another");
    KMT_CHECK(Object != NULL && Meaning(Second, Copy, NULL) == Object, "for the same object");
    KMT_EQUAL(ZwDuplicateObject(FirstHandle, Source, NtCurrentProcess(), &Moved, 0, 0,
                                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
              STATUS_SUCCESS, "or moved");
    KMT_CHECK(Meaning(First, Source, NULL) == NULL, "then it is gone there");
    KMT_CHECK(Meaning(PsGetCurrentProcess(), Moved, NULL) == Object, "and here");
    KMT_EQUAL(
        ZwDuplicateObject(FirstHandle, Source, SecondHandle, &Copy, 0, 0, DUPLICATE_SAME_ACCESS),
        STATUS_INVALID_HANDLE, "once");
    ZwClose(Moved);
    ZwClose(FirstHandle);
    ZwClose(SecondHandle);
    ObDereferenceObject(First);
    ObDereferenceObject(Second);
}

static VOID TestEmptyName(VOID)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(L"\\BaseNamedObjects"), Empty = {0, 0, NULL};
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Directory, Event = NULL;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwOpenDirectoryObject(&Directory, DIRECTORY_ALL_ACCESS, &Attributes);
    InitializeObjectAttributes(&Attributes, &Empty, 0, Directory, NULL);
    KMT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
              STATUS_OBJECT_NAME_INVALID, "a directory without a name in it");
    Attributes.RootDirectory = NULL;
    KMT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
              STATUS_SUCCESS, "an empty name alone is none");
    ZwClose(Event);
    ZwClose(Directory);
}

static VOID KmtRun(VOID)
{
    TestInheritance();
    TestDuplicates();
    TestEmptyName();
}
