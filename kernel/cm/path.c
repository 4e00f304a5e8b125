/*
 * path.c - from a path to a key, through symbolic links.
 *
 * A link is a key whose REG_LINK value SymbolicLinkValue is the absolute path of another key. A
 * walk that comes to one goes on from \Registry with the target before the rest of the path; a
 * chain of links that is too long is most likely a circle. CurrentControlSet is such a link. All
 * with CmpLock held, exclusively to create.
 */
#include "cmp.h"

UNICODE_STRING CmpTakeComponent(PUNICODE_STRING Path)
{
    PWCH Text = Path->Buffer, End = Text + Path->Length / sizeof(WCHAR), Start;
    UNICODE_STRING Component;

    while (Text != End && *Text == '\\') {
        Text++;
    }
    for (Start = Text; Text != End && *Text != '\\'; Text++) {
    }
    Component.Buffer = Start;
    Component.Length = Component.MaximumLength = (USHORT)((Text - Start) * sizeof(WCHAR));
    while (Text != End && *Text == '\\') {
        Text++;
    }
    Path->Buffer = Text;
    Path->Length = (USHORT)((End - Text) * sizeof(WCHAR));
    return Component;
}

/* Goes on from \Registry with Target\Rest. The target may end in a zero, as text written with its
 * terminator does. */
static NTSTATUS CmpEnterTarget(PCMP_PATH Path, PCWCH Target, ULONG TargetSize)
{
    ULONG Length;
    UNICODE_STRING First;
    PWCH Buffer;

    while (TargetSize >= sizeof(WCHAR) && Target[TargetSize / sizeof(WCHAR) - 1] == 0) {
        TargetSize -= sizeof(WCHAR);
    }
    Length = (TargetSize & ~1U) + sizeof(WCHAR) + Path->Rest.Length;
    if (TargetSize == 0 || Target[0] != '\\' || Length > UNICODE_STRING_MAX_BYTES) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Length, CMP_TAG);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Buffer, Target, TargetSize & ~1U);
    Buffer[TargetSize / sizeof(WCHAR)] = '\\';
    RtlCopyMemory(Buffer + TargetSize / sizeof(WCHAR) + 1, Path->Rest.Buffer, Path->Rest.Length);
    CmpEndWalk(Path); /* what Rest was in */
    Path->Buffer = Buffer;
    Path->Rest = (UNICODE_STRING){(USHORT)Length, (USHORT)Length, Buffer};
    First = CmpTakeComponent(&Path->Rest);
    Path->Key = CmpRoot;
    return RtlEqualUnicodeString(&First, &CmpRoot->Name, TRUE) ? STATUS_SUCCESS
                                                               : STATUS_OBJECT_NAME_NOT_FOUND;
}

/* Path->Key is a link to be followed, the Number-th. */
static NTSTATUS CmpFollowLink(PCMP_PATH Path, ULONG Number)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"SymbolicLinkValue");
    ULONG Index;
    PCMP_VALUE Value = CmpFindValue(Path->Key, &Name, &Index);
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;

    if (Value != NULL && Value->Type == REG_LINK && Number <= CMP_MAXIMUM_LINKS) {
        Status = CmpEnterTarget(Path, (PCWCH)(PVOID)CmpValueData(Value), Value->Size);
    }
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        Path->Rest.Length = 0; /* there is no place to make it in */
    }
    return Status;
}

NTSTATUS CmpWalk(PCMP_PATH Path)
{
    ULONG Links = 0;

    Path->Buffer = NULL;
    if (Path->Key->Deleted) {
        return STATUS_KEY_DELETED;
    }
    for (;;) {
        BOOLEAN AtEnd = Path->Rest.Length == 0;
        if (Path->Key->Link && !(AtEnd && Path->OpenLink)) {
            NTSTATUS Status = CmpFollowLink(Path, ++Links);
            if (!NT_SUCCESS(Status)) {
                return Status;
            }
            continue;
        }
        if (AtEnd) {
            return STATUS_SUCCESS;
        }
        UNICODE_STRING Rest = Path->Rest, Name = CmpTakeComponent(&Rest);
        ULONG Index;
        PCM_KEY Child = Name.Length == 0 ? Path->Key : CmpFindKey(Path->Key, &Name, &Index);
        if (Child == NULL) {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        Path->Key = Child;
        Path->Rest = Rest;
    }
}

void CmpEndWalk(PCMP_PATH Path)
{
    if (Path->Buffer != NULL) {
        ExFreePoolWithTag(Path->Buffer, CMP_TAG);
        Path->Buffer = NULL;
    }
}

/* One key of the rest, under Path->Key. */
static NTSTATUS CmpCreateNext(PCMP_PATH Path, BOOLEAN All, PCUNICODE_STRING Class, ULONG Options)
{
    UNICODE_STRING Rest = Path->Rest, Name = CmpTakeComponent(&Rest);
    BOOLEAN Last = Rest.Length == 0;
    NTSTATUS Status;
    PCM_KEY Key;

    /* Empty: a link leads nowhere. */
    if (Name.Length == 0 || (!Last && !All)) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    /* As on Windows, what stands directly under \Registry is not for everybody to make. */
    if (Path->Key == CmpRoot) {
        return STATUS_ACCESS_DENIED;
    }
    Status = CmpAddKey(Path->Key, &Name, Last ? Class : NULL, Last ? Options : 0, &Key);
    if (NT_SUCCESS(Status)) {
        CmpChanged(Path->Key, REG_NOTIFY_CHANGE_NAME);
        Path->Key = Key;
        Path->Rest = Rest;
    }
    return Status;
}

/* Keys made on the way stay when a later step fails: they are what was asked for, as far as it
 * went. */
NTSTATUS CmpCreatePath(PCMP_PATH Path, BOOLEAN All, PCUNICODE_STRING Class, ULONG Options,
                       PULONG Disposition)
{
    NTSTATUS Status = CmpWalk(Path);

    *Disposition = REG_OPENED_EXISTING_KEY;
    if (NT_SUCCESS(Status)) {
        return Options & REG_OPTION_CREATE_LINK ? STATUS_OBJECT_NAME_COLLISION : Status;
    }
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        *Disposition = REG_CREATED_NEW_KEY;
        do {
            Status = CmpCreateNext(Path, All, Class, Options);
        } while (NT_SUCCESS(Status) && Path->Rest.Length != 0);
    }
    return Status;
}
