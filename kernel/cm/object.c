/*
 * object.c - key objects: what handles of keys lead to, and how a name becomes one.
 *
 * \Registry is a permanent object of type Key. The object manager hands what follows in a path, or
 * the whole path when a key is its root directory, to the type's Parse routine, which walks the
 * tree and makes a new key object, so each open has its own: with its watch and its callbacks'
 * contexts. Registry callbacks are asked before the walk and told after it, with no lock held.
 */
#include "cmp.h"
#include "mm.h"

#define CMP_OPEN_SIGNATURE 0x4F6D6343 /* "CcmO" */

POBJECT_TYPE CmKeyObjectType;

/* The context of a parse that comes from this file; others (ZwOpenFile's) begin with something
 * else, and open a key only to be told that it is no file. */
typedef struct _CMP_OPEN {
    ULONG Signature;
    BOOLEAN Create;
    ULONG Options;        /* REG_OPTION_* */
    PUNICODE_STRING Name; /* as the caller wrote it */
    PUNICODE_STRING Class;
    ULONG Disposition; /* out */
} CMP_OPEN, *PCMP_OPEN;

NTSTATUS CmpCheckName(PCUNICODE_STRING Name, ULONG MaximumChars)
{
    if (!MmIsRangeValid(Name, sizeof(*Name)) || !MmIsRangeValid(Name->Buffer, Name->Length)) {
        return STATUS_ACCESS_VIOLATION;
    }
    return (Name->Length & 1) != 0 || Name->Length > MaximumChars * sizeof(WCHAR)
               ? STATUS_INVALID_PARAMETER
               : STATUS_SUCCESS;
}

/* Kernel mode is held to its handles' accesses, too: they are what the caller asked for. */
NTSTATUS CmpReferenceHandle(HANDLE Handle, ACCESS_MASK Access, PCMP_KEY_OBJECT *Object)
{
    OBJECT_HANDLE_INFORMATION Information;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, Access, CmKeyObjectType, KernelMode,
                                                (PVOID *)Object, &Information);

    if (NT_SUCCESS(Status) && (Access & ~Information.GrantedAccess) != 0) {
        ObDereferenceObject(*Object);
        Status = STATUS_ACCESS_DENIED;
    }
    return Status;
}

/* An object for Key, whose reference it takes over. */
static NTSTATUS CmpCreateObject(PCM_KEY Key, PCMP_KEY_OBJECT *Object)
{
    NTSTATUS Status = ObAllocateObject(CmKeyObjectType, sizeof(**Object), (PVOID *)Object);

    if (NT_SUCCESS(Status)) {
        (*Object)->Key = Key;
        InitializeListHead(&(*Object)->Contexts);
    }
    return Status;
}

/* Walks Name from Root's key, creating if so asked, and makes an object of what it finds. */
static NTSTATUS CmpOpen(PCMP_KEY_OBJECT Root, PUNICODE_STRING Name, ULONG Attributes,
                        PCMP_OPEN Open, PCMP_KEY_OBJECT *Object)
{
    CMP_PATH Path = {.Key = Root->Key, .Rest = *Name};
    NTSTATUS Status;

    Path.OpenLink = (Attributes & OBJ_OPENLINK) != 0 ||
                    (Open->Options & (REG_OPTION_OPEN_LINK | REG_OPTION_CREATE_LINK)) != 0;
    if (Open->Create) {
        CmpLockExclusive();
        Status = CmpCreatePath(&Path, FALSE, Open->Class, Open->Options, &Open->Disposition);
    } else {
        CmpLockShared();
        Status = CmpWalk(&Path);
    }
    if (NT_SUCCESS(Status)) {
        CmpReferenceKey(Path.Key);
    }
    CmpEndWalk(&Path);
    CmpUnlock();
    if (NT_SUCCESS(Status)) {
        Status = CmpCreateObject(Path.Key, Object);
        if (!NT_SUCCESS(Status)) {
            CmpDereferenceKey(Path.Key);
        }
    }
    return Status;
}

/* Asks and tells the callbacks around CmpOpen. One that has done the work itself left its
 * object. */
static NTSTATUS CmpParse(PVOID ParseObject, PUNICODE_STRING RemainingName, ULONG Attributes,
                         PACCESS_MASK DesiredAccess, PVOID Context, PVOID *Object)
{
    CMP_OPEN Plain = {.Signature = CMP_OPEN_SIGNATURE, .Name = RemainingName};
    PCMP_OPEN Open = Context;
    PCMP_KEY_OBJECT Result = NULL;
    CMP_CALL Call;
    NTSTATUS Status;

    if (Open == NULL || Open->Signature != CMP_OPEN_SIGNATURE) {
        Open = &Plain;
    }
    REG_CREATE_KEY_INFORMATION_V1 Information = {.CompleteName = Open->Name,
                                                 .RootObject = ParseObject,
                                                 .ObjectType = CmKeyObjectType,
                                                 .Options = Open->Options,
                                                 .Class = Open->Class,
                                                 .DesiredAccess = *DesiredAccess,
                                                 .GrantedAccess = *DesiredAccess,
                                                 .Disposition = &Open->Disposition,
                                                 .ResultObject = (PVOID *)&Result,
                                                 .Version = 1,
                                                 .RemainingName = RemainingName,
                                                 .Attributes = Attributes,
                                                 .CheckAccessMode = KernelMode};
    Status = CmpBeginCall(&Call, Open->Create ? RegNtPreCreateKeyEx : RegNtPreOpenKeyEx,
                          Open->Create ? RegNtPostCreateKeyEx : RegNtPostOpenKeyEx, ParseObject,
                          &Information, &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpOpen(ParseObject, RemainingName, Attributes, Open, &Result);
    } else if (Status == STATUS_CALLBACK_BYPASS && Result == NULL) {
        Status = STATUS_UNSUCCESSFUL; /* it left nothing to be opened */
    }
    Call.Object = Result;
    Status = CmpEndCall(&Call, Status);
    if (NT_SUCCESS(Status) && Result != NULL) {
        *Object = Result;
    } else if (Result != NULL) {
        ObDereferenceObject(Result);
    }
    return NT_SUCCESS(Status) && Result == NULL ? STATUS_UNSUCCESSFUL : Status;
}

/* Only the last handle's end is one of the key object: Windows tells of no others. */
static void CmpCloseObject(PVOID Object, BOOLEAN LastHandle)
{
    REG_KEY_HANDLE_CLOSE_INFORMATION Information = {.Object = Object};
    CMP_CALL Call;
    NTSTATUS Status;

    if (!LastHandle) {
        return;
    }
    Status = CmpBeginCall(&Call, RegNtPreKeyHandleClose, RegNtPostKeyHandleClose, Object,
                          &Information, &Information.CallContext);
    /* Whatever they answer: a handle that is gone cannot be kept. */
    CmpCloseWatch(Object);
    CmpEndCall(&Call, NT_SUCCESS(Status) ? STATUS_SUCCESS : Status);
}

static void CmpDeleteObject(PVOID Body)
{
    PCMP_KEY_OBJECT Object = Body;

    CmpFreeContexts(Object);
    CmpCloseWatch(Object);
    CmpDereferenceKey(Object->Key);
}

/* Path and structure for the object manager; *ReturnLength also when they do not fit. */
static NTSTATUS CmpAnswerName(PCM_KEY Key, POBJECT_NAME_INFORMATION Information, ULONG Length,
                              PULONG ReturnLength)
{
    NTSTATUS Status = STATUS_INFO_LENGTH_MISMATCH;

    CmpLockShared();
    ULONG NameLength = CmpPathLength(Key);
    *ReturnLength = sizeof(*Information) + NameLength + sizeof(UNICODE_NULL);
    if (Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (NameLength + sizeof(UNICODE_NULL) > UNICODE_STRING_MAX_BYTES) {
        Status = STATUS_NAME_TOO_LONG;
    } else if (Length >= *ReturnLength) {
        Information->Name.Buffer = (PWCH)(Information + 1);
        Information->Name.Length = (USHORT)NameLength;
        Information->Name.MaximumLength = (USHORT)(NameLength + sizeof(UNICODE_NULL));
        PWCH End = Information->Name.Buffer + NameLength / sizeof(WCHAR);
        *End = UNICODE_NULL;
        CmpWritePath(Key, End);
        Status = STATUS_SUCCESS;
    }
    CmpUnlock();
    return Status;
}

/* A key's name is where it stands in the tree, which only the tree knows. */
static NTSTATUS CmpQueryObjectName(PVOID Body, BOOLEAN HasName,
                                   POBJECT_NAME_INFORMATION NameInformation, ULONG Length,
                                   PULONG ReturnLength)
{
    PCMP_KEY_OBJECT Object = Body;
    REG_QUERY_KEY_NAME Information = {.Object = Object,
                                      .ObjectNameInfo = NameInformation,
                                      .Length = Length,
                                      .ReturnLength = ReturnLength};
    CMP_CALL Call;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(HasName);
    Status = CmpBeginCall(&Call, RegNtPreQueryKeyName, RegNtPostQueryKeyName, Object, &Information,
                          &Information.CallContext);
    if (Status == STATUS_SUCCESS) {
        Status = CmpAnswerName(Object->Key, NameInformation, Length, ReturnLength);
    }
    return CmpEndCall(&Call, Status);
}

NTSTATUS CmpCreateKeyType(void)
{
    static const OB_TYPE_INITIALIZER Initializer = {
        .Name = L"Key",
        .PoolType = NonPagedPoolNx,
        .ValidAccess = KEY_ALL_ACCESS | SYNCHRONIZE,
        .GenericMapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS},
        .CaseInsensitive = TRUE,
        .Delete = CmpDeleteObject,
        .QueryName = CmpQueryObjectName,
        .Close = CmpCloseObject,
        .Parse = CmpParse,
        .DispatcherOffset = OB_NOT_WAITABLE,
    };
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\REGISTRY");
    OBJECT_ATTRIBUTES Attributes;
    PCMP_KEY_OBJECT Root;
    NTSTATUS Status = ObCreateType(&Initializer, &CmKeyObjectType);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpCreateObject(CmpRoot, &Root);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpReferenceKey(CmpRoot);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ObEnterObject(Root, &Attributes, 0, NULL, NULL);
}

/* What all opens have in common. Access bits for 32-bit views mean nothing here. */
static NTSTATUS CmpOpenByName(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                              POBJECT_ATTRIBUTES Attributes, PCMP_OPEN Open)
{
    NTSTATUS Status;

    if (!MmIsRangeValid(KeyHandle, sizeof(*KeyHandle)) ||
        !MmIsRangeValid(Attributes, sizeof(*Attributes))) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (Attributes->Length != sizeof(*Attributes)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Attributes->ObjectName == NULL) {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    Status = CmpCheckName(Attributes->ObjectName, UNICODE_STRING_MAX_CHARS);
    if (!NT_SUCCESS(Status)) {
        return Status == STATUS_INVALID_PARAMETER ? STATUS_OBJECT_NAME_INVALID : Status;
    }
    Open->Signature = CMP_OPEN_SIGNATURE;
    Open->Name = Attributes->ObjectName;
    return ObOpenObjectByName(Attributes, CmKeyObjectType, KernelMode, NULL,
                              DesiredAccess & ~KEY_WOW64_RES, Open, KeyHandle);
}

NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex,
                           PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    CMP_OPEN Open = {.Create = TRUE, .Options = CreateOptions, .Class = Class};
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    UNREFERENCED_PARAMETER(TitleIndex);
    if (CreateOptions & ~REG_LEGAL_OPTION) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Class != NULL) {
        Status = CmpCheckName(Class, UNICODE_STRING_MAX_CHARS);
    }
    if (NT_SUCCESS(Status) && Disposition != NULL &&
        !MmIsRangeValid(Disposition, sizeof(*Disposition))) {
        Status = STATUS_ACCESS_VIOLATION;
    }
    if (NT_SUCCESS(Status)) {
        Status = CmpOpenByName(KeyHandle, DesiredAccess, ObjectAttributes, &Open);
    }
    if (NT_SUCCESS(Status) && Disposition != NULL) {
        *Disposition = Open.Disposition;
    }
    return Status;
}

NTSTATUS NTAPI ZwOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, ULONG OpenOptions)
{
    CMP_OPEN Open = {.Options = OpenOptions};

    PAGED_CODE();
    if (OpenOptions & ~REG_OPEN_LEGAL_OPTION) {
        return STATUS_INVALID_PARAMETER;
    }
    return CmpOpenByName(KeyHandle, DesiredAccess, ObjectAttributes, &Open);
}

NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZwOpenKeyEx(KeyHandle, DesiredAccess, ObjectAttributes, 0);
}
