/*
 * Promises: ZwQueryObject tells rights, attributes, counts, names and types, in buffers of the
 * length that it says; ObQueryNameString has full names, of files too; duplicates have the rights
 * and attributes asked for, and a life of their own; tagged references are references; a last
 * reference may be dropped with the deletion left to others. Every wrong argument has its status.
 */
#include "kmtob.h"

static UCHAR Buffer[256];

static BOOLEAN NameIs(PVOID Object, PCWSTR Expected)
{
    POBJECT_NAME_INFORMATION Information = (POBJECT_NAME_INFORMATION)Buffer;
    UNICODE_STRING String;
    ULONG Length = 0;
    RtlInitUnicodeString(&String, Expected);
    RtlFillMemory(Buffer, sizeof(Buffer), 0xCC);
    NTSTATUS Status = ObQueryNameString(Object, Information, sizeof(Buffer), &Length);
    if (!NT_SUCCESS(Status) || !RtlEqualUnicodeString(&Information->Name, &String, FALSE)) {
        DbgPrint("# %08x %wZ, not %ws\n", Status, &Information->Name, Expected);
        return FALSE;
    }
    return Length == sizeof(*Information) + (String.Length != 0 ? String.Length + 2 : 0) &&
           ObQueryNameString(Object, Information, Length, &Length) == STATUS_SUCCESS &&
           ObQueryNameString(Object, Information, Length - 1, &Length) ==
               STATUS_INFO_LENGTH_MISMATCH;
}

static VOID TestNames(VOID)
{
    HANDLE Root, Outer, Inner, Event;
    ZwOpenDirectoryObject(&Root, 0, ObNamed(NULL, L"\\", 0));
    ZwCreateDirectoryObject(&Outer, 0, ObNamed(NULL, L"\\KmtOuter", 0));
    ZwCreateDirectoryObject(&Inner, 0, ObNamed(Outer, L"Inner", 0));
    ObMakeEvent(&Event, Inner, L"Event", 0);
    KMT_CHECK(NameIs(ObBodyOf(Root), L"\\"), "the root");
    KMT_CHECK(NameIs(ObBodyOf(Event), L"\\KmtOuter\\Inner\\Event"), "a full name");
    ZwClose(Outer);
    KMT_CHECK(NameIs(ObBodyOf(Event), L"...\\Inner\\Event"), "a directory has lost its name");
    ZwClose(Inner);
    KMT_CHECK(NameIs(ObBodyOf(Event), L"...\\Event"), "and another");
    ZwClose(Event);
    ObMakeEvent(&Event, NULL, NULL, 0);
    KMT_CHECK(NameIs(ObBodyOf(Event), L""), "no name");
    ZwClose(Event);
    ZwClose(Root);
    // The name in a driver object is not terminated.
    WCHAR Driver[64] = {0};
    RtlCopyMemory(Driver, KmtDriverObject->DriverName.Buffer, KmtDriverObject->DriverName.Length);
    KMT_CHECK(NameIs(KmtDriverObject, Driver), "a driver's");
}

static VOID TestFileName(VOID)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(L"\\??\\c:\\registry.reg");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    PFILE_OBJECT File;
    HANDLE Handle;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE, NULL, NULL);
    KMT_EQUAL(ZwOpenFile(&Handle, GENERIC_READ | SYNCHRONIZE, &Attributes, &Iosb, 0,
                         FILE_SYNCHRONOUS_IO_NONALERT),
              STATUS_SUCCESS, "a file");
    File = ObBodyOf(Handle);
    KMT_CHECK(NameIs(File->DeviceObject, L"\\Device\\BootDisk"), "its device's name");
    KMT_CHECK(NameIs(File, L"\\Device\\BootDisk\\registry.reg"), "and its own behind it");
    ZwClose(Handle);
}

static VOID TestTypes(VOID)
{
    POBJECT_TYPE_INFORMATION Type = (POBJECT_TYPE_INFORMATION)Buffer;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Event");
    HANDLE Event;
    ULONG Length = 0;
    ObMakeEvent(&Event, NULL, NULL, 0);
    KMT_EQUAL(ZwQueryObject(Event, ObjectTypeInformation, Buffer, sizeof(Buffer), &Length),
              STATUS_SUCCESS, "a type");
    KMT_CHECK(RtlEqualUnicodeString(&Type->TypeName, &Name, FALSE), "is told by name");
    KMT_EQUAL(Length, sizeof(*Type) + Name.Length + 2, "in as many bytes as said");
    KMT_CHECK(Type->TotalNumberOfObjects >= 1 && Type->TotalNumberOfHandles >= 1 &&
                  Type->HighWaterNumberOfHandles >= Type->TotalNumberOfHandles &&
                  Type->HighWaterNumberOfObjects >= Type->TotalNumberOfObjects,
              "with counts, and the most there were");
    KMT_CHECK(Type->ValidAccessMask == EVENT_ALL_ACCESS &&
                  Type->GenericMapping.GenericAll == EVENT_ALL_ACCESS &&
                  Type->InvalidAttributes == OBJ_OPENLINK,
              "its rights and attributes");
    KMT_EQUAL(ZwQueryObject(Event, ObjectTypeInformation, Buffer, Length - 1, &Length),
              STATUS_INFO_LENGTH_MISMATCH, "one byte less");
    KMT_CHECK(ObGetObjectType(ObBodyOf(Event)) == *ExEventObjectType, "ObGetObjectType");
    ZwClose(Event);
}

static VOID TestBasic(VOID)
{
    OBJECT_BASIC_INFORMATION Basic;
    HANDLE Event, Second;
    ULONG Length = 0;
    ObMakeEvent(&Event, NULL, L"\\BaseNamedObjects\\KmtQuery", OBJ_INHERIT | OBJ_PERMANENT);
    KMT_EQUAL(ZwQueryObject(Event, ObjectBasicInformation, &Basic, sizeof(Basic), &Length),
              STATUS_SUCCESS, "an object");
    KMT_EQUAL(Basic.Attributes, OBJ_INHERIT | OBJ_PERMANENT, "its attributes");
    KMT_EQUAL(Basic.HandleCount, 1, "its handles");
    KMT_EQUAL(Basic.PointerCount, 3, "its references: handle, name, query");
    ZwQueryObject(Event, ObjectNameInformation, Buffer, sizeof(Buffer), &Length);
    KMT_EQUAL(Basic.NameInformationLength, Length, "how long its name is");
    ZwQueryObject(Event, ObjectTypeInformation, Buffer, sizeof(Buffer), &Length);
    KMT_EQUAL(Basic.TypeInformationLength, Length, "and its type's");
    ZwOpenEvent(&Second, EVENT_MODIFY_STATE, ObNamed(NULL, L"\\BaseNamedObjects\\KmtQuery", 0));
    ZwQueryObject(Second, ObjectBasicInformation, &Basic, sizeof(Basic), &Length);
    KMT_CHECK(Basic.GrantedAccess == EVENT_MODIFY_STATE && Basic.Attributes == OBJ_PERMANENT,
              "another handle has rights and attributes of its own");
    KMT_CHECK(Basic.HandleCount == 2 && Basic.PointerCount == 4, "and counts");
    ZwMakeTemporaryObject(Event);
    ZwClose(Second);
    ZwClose(Event);
}

static VOID TestBadQueries(VOID)
{
    HANDLE Event;
    ULONG Length;
    ObMakeEvent(&Event, NULL, NULL, 0);
    KMT_EQUAL(ZwQueryObject(NULL, ObjectBasicInformation, Buffer, 56, NULL), STATUS_INVALID_HANDLE,
              "no handle");
    KMT_EQUAL(ZwQueryObject(Event, (OBJECT_INFORMATION_CLASS)99, Buffer, 56, NULL),
              STATUS_INVALID_INFO_CLASS, "no class");
    KMT_EQUAL(ZwQueryObject(Event, ObjectBasicInformation, Buffer, 55, NULL),
              STATUS_INFO_LENGTH_MISMATCH, "too short");
    KMT_EQUAL(ZwQueryObject(Event, ObjectBasicInformation, Buffer, MAXULONG, NULL),
              STATUS_INFO_LENGTH_MISMATCH, "4 GB - 1");
    KMT_EQUAL(ZwQueryObject(Event, ObjectBasicInformation, NULL, 56, NULL), STATUS_ACCESS_VIOLATION,
              "no buffer");
    KMT_EQUAL(ZwQueryObject(Event, ObjectNameInformation, NULL, 0, &Length),
              STATUS_INFO_LENGTH_MISMATCH, "length 0");
    KMT_EQUAL(Length, sizeof(UNICODE_STRING), "says what it needs");
    KMT_EQUAL(ZwQueryObject(Event, ObjectNameInformation, Buffer, 1, &Length),
              STATUS_INFO_LENGTH_MISMATCH, "length 1");
    KMT_EQUAL(ZwQueryObject(Event, ObjectNameInformation, Buffer, MAXULONG, &Length),
              STATUS_SUCCESS, "4 GB - 1 is room enough");
    KMT_EQUAL(ZwQueryObject(Event, ObjectHandleFlagInformation, Buffer, 3, NULL),
              STATUS_INFO_LENGTH_MISMATCH, "flags have one length");
    KMT_EQUAL(ZwSetInformationObject(Event, ObjectHandleFlagInformation, Buffer, 3),
              STATUS_INFO_LENGTH_MISMATCH, "to set them, too");
    KMT_EQUAL(ZwSetInformationObject(Event, ObjectHandleFlagInformation, NULL, 2),
              STATUS_ACCESS_VIOLATION, "no flags");
    KMT_EQUAL(ZwSetInformationObject(Event, ObjectBasicInformation, Buffer, 56),
              STATUS_INVALID_INFO_CLASS, "nothing else is set");
    KMT_EQUAL(ObPointers(Event), 1, "no reference was lost");
    ZwClose(Event);
}

static NTSTATUS Duplicate(HANDLE Source, PHANDLE Target, ACCESS_MASK Access, ULONG Attributes,
                          ULONG Options)
{
    return ZwDuplicateObject(NtCurrentProcess(), Source, NtCurrentProcess(), Target, Access,
                             Attributes, Options);
}

static OBJECT_BASIC_INFORMATION Basics(HANDLE Handle)
{
    OBJECT_BASIC_INFORMATION Basic = {0};
    ZwQueryObject(Handle, ObjectBasicInformation, &Basic, sizeof(Basic), NULL);
    return Basic;
}

static VOID TestDuplicates(VOID)
{
    HANDLE Event, Copy, Kernel, Thread;
    ObMakeEvent(&Event, NULL, NULL, OBJ_INHERIT);
    KMT_EQUAL(Duplicate(Event, &Copy, GENERIC_READ, 0, 0), STATUS_SUCCESS, "a duplicate");
    KMT_CHECK(Copy != Event && ObBodyOf(Copy) == ObBodyOf(Event), "is a handle of its own");
    KMT_EQUAL(Basics(Copy).GrantedAccess, STANDARD_RIGHTS_READ | EVENT_QUERY_STATE,
              "with the rights asked for");
    KMT_EQUAL(Basics(Copy).Attributes, 0, "and attributes");
    ZwClose(Copy);
    KMT_EQUAL(Duplicate(Event, &Copy, 0, 0, DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES),
              STATUS_SUCCESS, "one that is the same");
    KMT_CHECK(Basics(Copy).GrantedAccess == EVENT_ALL_ACCESS &&
                  Basics(Copy).Attributes == OBJ_INHERIT,
              "in rights and attributes");
    KMT_EQUAL(Duplicate(Copy, &Kernel, 0, OBJ_KERNEL_HANDLE,
                        DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
              STATUS_SUCCESS, "a kernel handle in its place");
    KMT_CHECK(ObIsKernelHandle(Kernel), "is one");
    KMT_EQUAL(ZwSetEvent(Copy, NULL), STATUS_INVALID_HANDLE, "the source is closed");
    ZwClose(Event);
    KMT_EQUAL(ZwSetEvent(Kernel, NULL), STATUS_SUCCESS, "it lives on its own");
    KMT_EQUAL(Duplicate(Kernel, &Event, 0, OBJ_PROTECT_CLOSE, DUPLICATE_SAME_ACCESS),
              STATUS_SUCCESS, "a protected one of a kernel handle");
    KMT_EQUAL(ZwClose(Event), STATUS_HANDLE_NOT_CLOSABLE, "stays");
    OBJECT_HANDLE_FLAG_INFORMATION None = {FALSE, FALSE};
    ObSetHandleAttributes(Event, &None, KernelMode);
    ZwClose(Event);
    KMT_EQUAL(Duplicate(NtCurrentThread(), &Thread, 0, 0, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS,
              "a handle for oneself");
    KMT_CHECK(ObBodyOf(Thread) == (PVOID)KeGetCurrentThread(), "really");
    ZwClose(Thread);
    ZwClose(Kernel);
}

static VOID TestBadDuplicates(VOID)
{
    HANDLE Event, Copy;
    ObMakeEvent(&Event, NULL, NULL, 0);
    KMT_EQUAL(Duplicate((HANDLE)0x7FFFFFF0, &Copy, 0, 0, 0), STATUS_INVALID_HANDLE, "no handle");
    KMT_EQUAL(ZwDuplicateObject(Event, Event, NtCurrentProcess(), &Copy, 0, 0, 0),
              STATUS_OBJECT_TYPE_MISMATCH, "an event is no source process");
    KMT_EQUAL(ZwDuplicateObject(NtCurrentProcess(), Event, Event, &Copy, 0, 0, 0),
              STATUS_OBJECT_TYPE_MISMATCH, "nor a target");
    KMT_EQUAL(ZwDuplicateObject(NULL, Event, NtCurrentProcess(), &Copy, 0, 0, 0),
              STATUS_INVALID_HANDLE, "no source process");
    KMT_EQUAL(ZwDuplicateObject(NtCurrentProcess(), Event, NULL, &Copy, 0, 0, 0),
              STATUS_INVALID_PARAMETER, "no target process");
    KMT_EQUAL(Duplicate(Event, &Copy, 0, 0x10000, 0), STATUS_INVALID_PARAMETER, "attributes");
    KMT_EQUAL(Duplicate(Event, &Copy, 0, 0, 8), STATUS_INVALID_PARAMETER, "options");
    KMT_EQUAL(Duplicate(Event, (PHANDLE)8, 0, 0, 0), STATUS_ACCESS_VIOLATION, "a bad pointer");
    KMT_EQUAL(ObHandles(Event), 1, "no handle was lost");
    KMT_EQUAL(ObPointers(Event), 1, "and no reference");
    ZwClose(Event);
}

#define TAG 'tmK '

static VOID TestTags(VOID)
{
    HANDLE Event;
    PVOID Object = NULL;
    ObMakeEvent(&Event, NULL, NULL, 0);
    KMT_EQUAL(ObReferenceObjectByHandleWithTag(Event, 0, *ExEventObjectType, KernelMode, TAG,
                                               &Object, NULL),
              STATUS_SUCCESS, "by handle with a tag");
    KMT_EQUAL(ObReferenceObjectWithTag(Object, TAG), 3, "one more");
    KMT_EQUAL(ObReferenceObjectByPointerWithTag(Object, 0, NULL, KernelMode, TAG), STATUS_SUCCESS,
              "by pointer");
    KMT_CHECK(ObReferenceObjectSafe(Object) && ObReferenceObjectSafeWithTag(Object, TAG), "safely");
    KMT_EQUAL(ObPointers(Event), 6, "they all count");
    KMT_EQUAL(ObDereferenceObjectWithTag(Object, TAG), 5, "and go");
    ObDereferenceObject(Object);
    ObDereferenceObjectDeferDelete(Object);
    ObDereferenceObjectDeferDeleteWithTag(Object, TAG);
    ZwClose(Event);
    KMT_EQUAL(ObDereferenceObject(Object), 0, "to the last");
    for (ULONG i = 0; i < 100; i++) {
        ObMakeEvent(&Event, NULL, NULL, 0);
        ObReferenceObjectByHandle(Event, 0, NULL, KernelMode, &Object, NULL);
        ZwClose(Event);
        ObDereferenceObjectDeferDelete(Object);
    }
    KMT_CHECK(TRUE, "last references whose objects others delete");
}

static VOID KmtRun(VOID)
{
    TestNames();
    TestFileName();
    TestTypes();
    TestBasic();
    TestBadQueries();
    TestDuplicates();
    TestBadDuplicates();
    TestTags();
}
