/*
 * query.c - what can be asked about an object or a handle: ZwQueryObject, ObQueryNameString.
 *
 * A full name is put together from the object up to the root under the namespace lock, from the end
 * of the caller's buffer to its beginning. Directories on the way may have lost their own names;
 * what cannot be known any more is told as "...", as on Windows.
 */
#include "obp.h"

static const WCHAR ObpLostName[] = L"...";
#define OBP_LOST_LENGTH (sizeof(ObpLostName) - sizeof(WCHAR))

POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object)
{
    return ObpHeader(Object)->Type;
}

/* Bytes of a full name; 0: none. The lock is held, as for the next one. */
static ULONG ObpMeasureName(POBJECT_HEADER Header)
{
    ULONG Length = 0;
    if (ObpBody(Header) == ObpRootDirectory) {
        return sizeof(WCHAR);
    }
    for (; Header->Directory != NULL; Header = ObpHeader(Header->Directory)) {
        Length += Header->Name.Length + sizeof(WCHAR);
    }
    BOOLEAN Lost = Length != 0 && ObpBody(Header) != ObpRootDirectory;
    return Length + (Lost ? OBP_LOST_LENGTH : 0);
}

static void ObpPutBefore(PWCH *End, const void *Text, ULONG Length)
{
    *End = (PWCH)((PUCHAR)*End - Length);
    RtlCopyMemory(*End, Text, Length);
}

static void ObpPutName(POBJECT_HEADER Header, PWCH End)
{
    if (ObpBody(Header) == ObpRootDirectory) {
        ObpPutBefore(&End, L"\\", sizeof(WCHAR));
        return;
    }
    for (; Header->Directory != NULL; Header = ObpHeader(Header->Directory)) {
        ObpPutBefore(&End, Header->Name.Buffer, Header->Name.Length);
        ObpPutBefore(&End, L"\\", sizeof(WCHAR));
    }
    if (ObpBody(Header) != ObpRootDirectory) {
        ObpPutBefore(&End, ObpLostName, OBP_LOST_LENGTH);
    }
}

/* Of an object whose type leaves its names to the directories. */
static NTSTATUS ObpQueryDirectoryName(POBJECT_HEADER Header, POBJECT_NAME_INFORMATION Information,
                                      ULONG Length, PULONG ReturnLength)
{
    NTSTATUS Status = STATUS_INFO_LENGTH_MISMATCH;
    ExAcquireFastMutex(&ObpNamespaceLock);
    ULONG NameLength = ObpMeasureName(Header);
    *ReturnLength = sizeof(*Information) + (NameLength != 0 ? NameLength + sizeof(WCHAR) : 0);
    if (NameLength > MAXUSHORT - sizeof(WCHAR)) {
        Status = STATUS_NAME_TOO_LONG;
    } else if (Length >= *ReturnLength && Information != NULL) {
        PWCH Text = (PWCH)(Information + 1);
        RtlZeroMemory(Information, sizeof(*Information));
        if (NameLength != 0) {
            Information->Name =
                (UNICODE_STRING){(USHORT)NameLength, (USHORT)(NameLength + sizeof(WCHAR)), Text};
            Text[NameLength / sizeof(WCHAR)] = 0;
            ObpPutName(Header, Text + NameLength / sizeof(WCHAR));
        }
        Status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
    return Status;
}

NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION Information, ULONG Length,
                                 PULONG ReturnLength)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (Header->Type->Info.QueryName != NULL) {
        return Header->Type->Info.QueryName(Object, ObpHasName(Header), Information, Length,
                                            ReturnLength);
    }
    return ObpQueryDirectoryName(Header, Information, Length, ReturnLength);
}

/* The full name's place, told without writing it. */
static ULONG ObpQueryNameLength(PVOID Object)
{
    ULONG Length = 0;
    ObQueryNameString(Object, NULL, 0, &Length);
    return Length;
}

static void ObpFillBasicInformation(PVOID Object, const OBJECT_HANDLE_INFORMATION *Handle,
                                    POBJECT_BASIC_INFORMATION Information)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    RtlZeroMemory(Information, sizeof(*Information));
    Information->Attributes = Handle->HandleAttributes | (Header->Permanent ? OBJ_PERMANENT : 0) |
                              (Header->Exclusive ? OBJ_EXCLUSIVE : 0);
    Information->GrantedAccess = Handle->GrantedAccess;
    Information->HandleCount = (ULONG)Header->HandleCount;
    Information->PointerCount = (ULONG)Header->PointerCount;
    Information->NameInformationLength = ObpQueryNameLength(Object);
    Information->TypeInformationLength =
        (ULONG)(sizeof(OBJECT_TYPE_INFORMATION) + Header->Type->Name.Length + sizeof(WCHAR));
    if (Header->Type == ObpSymbolicLinkType) {
        Information->CreationTime = ((POBJECT_SYMBOLIC_LINK)Object)->CreationTime;
    }
}

/* The type's name goes behind the structure. */
static void ObpFillTypeInformation(POBJECT_TYPE Type, POBJECT_TYPE_INFORMATION Information)
{
    PWCH Text = (PWCH)(Information + 1);
    RtlZeroMemory(Information, sizeof(*Information));
    Information->TypeName =
        (UNICODE_STRING){Type->Name.Length, (USHORT)(Type->Name.Length + sizeof(WCHAR)), Text};
    RtlCopyMemory(Text, Type->Name.Buffer, Type->Name.Length);
    Text[Type->Name.Length / sizeof(WCHAR)] = 0;
    Information->TotalNumberOfObjects = (ULONG)Type->ObjectCount;
    Information->TotalNumberOfHandles = (ULONG)Type->HandleCount;
    Information->HighWaterNumberOfObjects = (ULONG)Type->HighWaterObjects;
    Information->HighWaterNumberOfHandles = (ULONG)Type->HighWaterHandles;
    Information->InvalidAttributes = Type->Info.InvalidAttributes;
    Information->GenericMapping = Type->Info.GenericMapping;
    Information->ValidAccessMask = Type->Info.ValidAccess;
    Information->MaintainHandleCount = Type->Info.Close != NULL;
    Information->PoolType = (ULONG)Type->Info.PoolType;
}

/* Answers with the bytes that are needed in *Needed. */
static NTSTATUS ObpQueryInformation(PVOID Object, const OBJECT_HANDLE_INFORMATION *Handle,
                                    OBJECT_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length,
                                    PULONG Needed)
{
    POBJECT_TYPE Type = ObpHeader(Object)->Type;
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {(Handle->HandleAttributes & OBJ_INHERIT) != 0,
                                            (Handle->HandleAttributes & OBJ_PROTECT_CLOSE) != 0};
    switch ((ULONG)Class) {
    case ObjectBasicInformation:
        *Needed = sizeof(OBJECT_BASIC_INFORMATION);
        if (Length != *Needed) {
            return STATUS_INFO_LENGTH_MISMATCH;
        }
        ObpFillBasicInformation(Object, Handle, Buffer);
        return STATUS_SUCCESS;
    case ObjectNameInformation:
        return ObQueryNameString(Object, Buffer, Length, Needed);
    case ObjectTypeInformation:
        *Needed = (ULONG)(sizeof(OBJECT_TYPE_INFORMATION) + Type->Name.Length + sizeof(WCHAR));
        if (Length < *Needed) {
            return STATUS_INFO_LENGTH_MISMATCH;
        }
        ObpFillTypeInformation(Type, Buffer);
        return STATUS_SUCCESS;
    default: // ObjectHandleFlagInformation
        *Needed = sizeof(Flags);
        if (Length != *Needed) {
            return STATUS_INFO_LENGTH_MISMATCH;
        }
        RtlCopyMemory(Buffer, &Flags, sizeof(Flags));
        return STATUS_SUCCESS;
    }
}

static BOOLEAN ObpIsClassKnown(OBJECT_INFORMATION_CLASS Class)
{
    return Class == ObjectBasicInformation || Class == ObjectNameInformation ||
           Class == ObjectTypeInformation || Class == ObjectHandleFlagInformation;
}

NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                             PVOID ObjectInformation, ULONG ObjectInformationLength,
                             PULONG ReturnLength)
{
    OBJECT_HANDLE_INFORMATION HandleInformation;
    PVOID Object;
    ULONG Needed = 0;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (!ObpIsClassKnown(ObjectInformationClass)) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ObjectInformationLength != 0 && ObIsBadPointer(ObjectInformation)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, &HandleInformation);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpQueryInformation(Object, &HandleInformation, ObjectInformationClass,
                                 ObjectInformation, ObjectInformationLength, &Needed);
    ObfDereferenceObject(Object);
    if (ReturnLength != NULL) {
        *ReturnLength = Needed;
    }
    return Status;
}

NTSTATUS ObpBeginQuery(const OBP_QUERY *Query, ULONG Class, PVOID Buffer, ULONG Length,
                       PULONG ReturnLength, PVOID *Object)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (Class != 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ReturnLength != NULL) {
        *ReturnLength = Query->Size;
    }
    if (Length != Query->Size) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (ObIsBadPointer(Buffer)) {
        return STATUS_ACCESS_VIOLATION;
    }
    return ObReferenceObjectByHandle(Query->Handle, Query->Access, Query->Type, KernelMode, Object,
                                     NULL);
}
