/*
 * Promises: ZwCreateFile refuses every impossible combination of options and reaches no driver with
 * it; a file object says how it was opened; an open relative to a file or directory finds it; share
 * access is counted as documented, and the boot disk's files keep to it; extended attributes are
 * checked.
 */
#include <ntifs.h>
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtFileOpen"
#define FILE L"\\??\\C:\\tests\\fileopen.sys"

static PDEVICE_OBJECT Device;
static LONG Creates, Closes;
static PFILE_OBJECT LastRelated;
static ULONG LastOptions, LastShare, LastAttributes, LastEaLength;
static ACCESS_MASK LastAccess;
static WCHAR LastName[32];
static CHAR LastEa;
static LONGLONG LastSize;

static NTSTATUS NTAPI Create(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT File = Stack->FileObject;
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Creates);
    LastRelated = File->RelatedFileObject;
    LastOptions = Stack->Parameters.Create.Options;
    LastShare = Stack->Parameters.Create.ShareAccess;
    LastAttributes = Stack->Parameters.Create.FileAttributes;
    LastEaLength = Stack->Parameters.Create.EaLength;
    LastAccess = Stack->Parameters.Create.SecurityContext->DesiredAccess;
    LastSize = Irp->Overlay.AllocationSize.QuadPart;
    LastEa = LastEaLength != 0
                 ? ((PFILE_FULL_EA_INFORMATION)Irp->AssociatedIrp.SystemBuffer)->EaName[0]
                 : 0;
    RtlZeroMemory(LastName, sizeof(LastName));
    RtlCopyMemory(LastName, File->FileName.Buffer,
                  min(File->FileName.Length, sizeof(LastName) - sizeof(WCHAR)));
    return KmtComplete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

static NTSTATUS NTAPI Close(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Closes);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

/* ZwCreateFile with all that a test changes; the handle is closed again. */
static NTSTATUS Try(ACCESS_MASK Access, ULONG Attributes, ULONG Share, ULONG Disposition,
                    ULONG Options)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle;
    InitializeObjectAttributes(&Object, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = ZwCreateFile(&Handle, Access, &Object, &Iosb, NULL, Attributes, Share,
                                   Disposition, Options, NULL, 0);
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
    }
    return Status;
}

#define REFUSED(Access, Attributes, Share, Disposition, Options, Text)                             \
    KMT_EQUAL(Try(Access, Attributes, Share, Disposition, Options), STATUS_INVALID_PARAMETER, Text)

static VOID TestImpossibleOptions(VOID)
{
    const ACCESS_MASK Read = FILE_READ_DATA | SYNCHRONIZE;
    Creates = 0;
    REFUSED(Read, 0x80000000, 0, FILE_OPEN, 0, "an attribute that there is not");
    REFUSED(Read, 0, 8, FILE_OPEN, 0, "a share that there is not");
    REFUSED(Read, 0, 0, FILE_MAXIMUM_DISPOSITION + 1, 0, "a disposition that there is not");
    REFUSED(Read, 0, 0, FILE_OPEN, 0x01000000, "an option that there is not");
    REFUSED(Read, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT,
            "alertable and not");
    REFUSED(FILE_READ_DATA, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT,
            "synchronous without SYNCHRONIZE");
    REFUSED(FILE_READ_DATA, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_ALERT,
            "nor alertable without SYNCHRONIZE");
    REFUSED(Read, 0, 0, FILE_OPEN, FILE_DELETE_ON_CLOSE, "deleted on close without DELETE");
    REFUSED(Read, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE,
            "a directory and none");
    REFUSED(Read, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_SEQUENTIAL_ONLY,
            "a directory read in sequence");
    REFUSED(Read, 0, 0, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING,
            "a directory without buffers");
    REFUSED(Read, 0, 0, FILE_OVERWRITE, FILE_DIRECTORY_FILE, "a directory overwritten");
    REFUSED(Read, 0, 0, FILE_OVERWRITE_IF, FILE_DIRECTORY_FILE, "or made so");
    REFUSED(Read, 0, 0, FILE_SUPERSEDE, FILE_DIRECTORY_FILE, "or superseded");
    REFUSED(Read, 0, 0, FILE_OPEN, FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER,
            "both ways with oplocks");
    REFUSED(Read | FILE_APPEND_DATA, 0, 0, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING,
            "appending without buffers");
    KMT_EQUAL(Creates, 0, "no driver has heard of these");
    for (ULONG Disposition = 0; Disposition <= FILE_MAXIMUM_DISPOSITION; Disposition++) {
        KMT_EQUAL(Try(Read, 0, 0, Disposition, 0), STATUS_SUCCESS,
                  "each disposition alone is good");
        KMT_EQUAL(LastOptions >> 24, Disposition, "and is what the driver sees");
    }
    KMT_EQUAL(Try(Read | DELETE, FILE_ATTRIBUTE_HIDDEN, FILE_SHARE_READ | FILE_SHARE_DELETE,
                  FILE_OPEN, FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE | FILE_WRITE_THROUGH),
              STATUS_SUCCESS, "a directory with what it may have");
    KMT_CHECK(LastOptions == (FILE_OPEN << 24 | FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE |
                              FILE_WRITE_THROUGH) &&
                  LastShare == (FILE_SHARE_READ | FILE_SHARE_DELETE) &&
                  LastAttributes == FILE_ATTRIBUTE_HIDDEN && LastAccess == (Read | DELETE),
              "all of it reaches the driver");
}

static ULONG FlagsOf(ULONG Options, ULONG ObjectFlags)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle;
    PFILE_OBJECT File;
    InitializeObjectAttributes(&Object, &Name, ObjectFlags | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(
            ZwOpenFile(&Handle, FILE_READ_DATA | SYNCHRONIZE, &Object, &Iosb, 0, Options))) {
        return 0;
    }
    ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL);
    ULONG Flags = File->Flags;
    ObDereferenceObject(File);
    ZwClose(Handle);
    return Flags;
}

static VOID TestFileObject(VOID)
{
    const ULONG Open = FO_FILE_OPEN | FO_HANDLE_CREATED, Any = OBJ_CASE_INSENSITIVE;
    KMT_EQUAL(FlagsOf(0, Any), Open, "an open file's flags");
    KMT_EQUAL(FlagsOf(0, 0), Open | FO_OPENED_CASE_SENSITIVE, "case sensitive");
    KMT_EQUAL(FlagsOf(FILE_SYNCHRONOUS_IO_NONALERT, Any), Open | FO_SYNCHRONOUS_IO, "synchronous");
    KMT_EQUAL(FlagsOf(FILE_SYNCHRONOUS_IO_ALERT, Any), Open | FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO,
              "alertable");
    KMT_EQUAL(FlagsOf(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY, Any),
              Open | FO_WRITE_THROUGH | FO_SEQUENTIAL_ONLY, "written through, in sequence");
    KMT_EQUAL(FlagsOf(FILE_NO_INTERMEDIATE_BUFFERING | FILE_RANDOM_ACCESS, Any),
              Open | FO_NO_INTERMEDIATE_BUFFERING | FO_RANDOM_ACCESS, "unbuffered, at random");
}

static NTSTATUS OpenRelative(PHANDLE Handle, HANDLE Root, PCWSTR Name, ULONG Options)
{
    UNICODE_STRING String;
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK Iosb;
    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Object, &String, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root,
                               NULL);
    return ZwOpenFile(Handle, FILE_READ_DATA | SYNCHRONIZE, &Object, &Iosb, FILE_SHARE_READ,
                      Options);
}

static VOID TestRelative(VOID)
{
    HANDLE Root, Handle;
    PFILE_OBJECT File, Second;
    KmtOpen(&Root, NAME, FILE_READ_DATA, 0);
    ObReferenceObjectByHandle(Root, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL);
    KMT_EQUAL(OpenRelative(&Handle, Root, L"Sub\\Leaf", 0), STATUS_SUCCESS, "relative to a file");
    KMT_CHECK(LastRelated == File && _wcsicmp(LastName, L"Sub\\Leaf") == 0,
              "the driver sees that file and the name");
    ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&Second, NULL);
    KMT_CHECK(Second->DeviceObject == Device && Second->RelatedFileObject == NULL,
              "it is on the same device");
    ObDereferenceObject(Second);
    ZwClose(Handle);
    KMT_EQUAL(OpenRelative(&Handle, Root, L"", 0), STATUS_SUCCESS, "with an empty name");
    ZwClose(Handle);
    KMT_EQUAL(OpenRelative(&Handle, Root, L"\\Leaf", 0), STATUS_OBJECT_PATH_SYNTAX_BAD,
              "not with a backslash");
    Device->Flags |= DO_EXCLUSIVE;
    KMT_EQUAL(OpenRelative(&Handle, NULL, NAME, 0), STATUS_ACCESS_DENIED, "an exclusive device");
    KMT_EQUAL(OpenRelative(&Handle, Root, L"More", 0), STATUS_SUCCESS,
              "lets in who comes through its user's file");
    Device->Flags &= ~(ULONG)DO_EXCLUSIVE;
    ZwClose(Handle);
    ObDereferenceObject(File);
    ZwClose(Root);
    KMT_EQUAL(OpenRelative(&Handle, Root, L"More", 0), STATUS_INVALID_HANDLE,
              "a closed handle is no root");
    KMT_EQUAL(OpenRelative(&Root, NULL, L"\\??\\C:\\tests", FILE_DIRECTORY_FILE), STATUS_SUCCESS,
              "a directory of the boot disk");
    KMT_EQUAL(OpenRelative(&Handle, Root, L"FileOpen.sys", FILE_NON_DIRECTORY_FILE), STATUS_SUCCESS,
              "and a file in it");
    ZwClose(Handle);
    KMT_EQUAL(OpenRelative(&Handle, Root, L"none.sys", 0), STATUS_OBJECT_NAME_NOT_FOUND,
              "or one that is not");
    KMT_EQUAL(OpenRelative(&Handle, Root, L"FileOpen.sys", FILE_DIRECTORY_FILE),
              STATUS_NOT_A_DIRECTORY, "or is no directory");
    ZwClose(Root);
    KMT_EQUAL(OpenRelative(&Root, NULL, L"\\??\\C:\\", 0), STATUS_SUCCESS, "the root directory");
    KMT_EQUAL(OpenRelative(&Handle, Root, L"tests\\fileopen.sys", 0), STATUS_SUCCESS,
              "and a path from there");
    ZwClose(Handle);
    ZwClose(Root);
    KMT_EQUAL(OpenRelative(&Root, NULL, L"\\??\\C:\\tests\\", 0), STATUS_SUCCESS,
              "a directory with a backslash behind it");
    ZwClose(Root);
    KMT_EQUAL(OpenRelative(&Root, NULL, FILE L"\\", 0), STATUS_OBJECT_NAME_INVALID,
              "a file has none");
    KMT_EQUAL(OpenRelative(&Root, NULL, L"\\??\\C:\\tests\\\\x", 0), STATUS_OBJECT_NAME_INVALID,
              "nor an empty name");
    KMT_EQUAL(OpenRelative(&Root, NULL, L"\\??\\C:\\tests", FILE_NON_DIRECTORY_FILE),
              STATUS_FILE_IS_A_DIRECTORY, "a directory is no file");
}

/* Rights and shares of two opens, and whether they go together: each of read, write, delete. */
static VOID TestShareRules(VOID)
{
    static const ACCESS_MASK Rights[] = {FILE_READ_DATA, FILE_WRITE_DATA, DELETE};
    ULONG Wrong = 0;
    for (ULONG Bits = 0; Bits < 1 << 12; Bits++) {
        FILE_OBJECT First = {0}, Second = {0};
        SHARE_ACCESS Share;
        ACCESS_MASK Access[2] = {FILE_READ_ATTRIBUTES, FILE_READ_ATTRIBUTES};
        ULONG Shares[2] = {Bits >> 6 & 7, Bits >> 9 & 7};
        for (ULONG i = 0; i < 3; i++) {
            Access[0] |= Bits >> i & 1 ? Rights[i] : 0;
            Access[1] |= Bits >> (i + 3) & 1 ? Rights[i] : 0;
        }
        ULONG One = Bits & 7, Two = Bits >> 3 & 7;
        BOOLEAN Fits = One == 0 || Two == 0 || ((One & ~Shares[1]) == 0 && (Two & ~Shares[0]) == 0);
        IoSetShareAccess(Access[0], Shares[0], &First, &Share);
        SHARE_ACCESS Before = Share;
        NTSTATUS Looked = IoCheckShareAccess(Access[1], Shares[1], &Second, &Share, FALSE);
        Wrong += !RtlEqualMemory(&Before, &Share, sizeof(Share));
        NTSTATUS Status = IoCheckShareAccess(Access[1], Shares[1], &Second, &Share, TRUE);
        Wrong += Looked != Status || (Status == STATUS_SUCCESS) != Fits ||
                 (Status != STATUS_SUCCESS && Status != STATUS_SHARING_VIOLATION);
        Wrong += Share.OpenCount != (ULONG)((One != 0) + (Fits && Two != 0));
        if (Fits) {
            IoRemoveShareAccess(&Second, &Share);
            Wrong += !RtlEqualMemory(&Before, &Share, sizeof(Share));
            IoUpdateShareAccess(&Second, &Share);
            IoRemoveShareAccess(&Second, &Share);
        }
        IoRemoveShareAccess(&First, &Share);
        SHARE_ACCESS None = {0};
        Wrong += !RtlEqualMemory(&None, &Share, sizeof(Share));
    }
    KMT_EQUAL(Wrong, 0, "two opens go together when each shares what the other does (4096 pairs)");
    FILE_OBJECT File = {0};
    SHARE_ACCESS Share;
    IoSetShareAccess(FILE_EXECUTE | FILE_APPEND_DATA, 0, &File, &Share);
    KMT_CHECK(File.ReadAccess && File.WriteAccess && !File.DeleteAccess && Share.Readers == 1 &&
                  Share.Writers == 1,
              "to execute is to read, to append is to write");
}

static NTSTATUS OpenShared(PHANDLE Handle, ACCESS_MASK Access, ULONG Share)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(FILE);
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK Iosb;
    InitializeObjectAttributes(&Object, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ZwOpenFile(Handle, Access, &Object, &Iosb, Share, 0);
}

static VOID TestSharedFile(VOID)
{
    HANDLE First, Second;
    PFILE_OBJECT File;
    KMT_EQUAL(OpenShared(&First, FILE_READ_DATA, 0), STATUS_SUCCESS, "a file for oneself");
    KMT_EQUAL(OpenShared(&Second, FILE_READ_DATA, FILE_SHARE_READ), STATUS_SHARING_VIOLATION,
              "is not shared");
    KMT_EQUAL(OpenShared(&Second, FILE_READ_ATTRIBUTES, 0), STATUS_SUCCESS,
              "but its attributes may be looked at");
    ZwClose(Second);
    ObReferenceObjectByHandle(First, 0, *IoFileObjectType, KernelMode, (PVOID *)&File, NULL);
    ZwClose(First);
    KMT_EQUAL(OpenShared(&First, FILE_READ_DATA, FILE_SHARE_READ), STATUS_SUCCESS,
              "the cleanup lets others in, before the close");
    ObDereferenceObject(File);
    KMT_EQUAL(OpenShared(&Second, FILE_READ_DATA, 0), STATUS_SHARING_VIOLATION,
              "who does not share does not get what others read");
    KMT_EQUAL(OpenShared(&Second, FILE_READ_DATA, FILE_SHARE_READ), STATUS_SUCCESS, "two readers");
    ZwClose(Second);
    KMT_EQUAL(OpenShared(&Second, MAXIMUM_ALLOWED, 0), STATUS_SHARING_VIOLATION,
              "what is allowed includes to read");
    KMT_EQUAL(OpenShared(&Second, DELETE, FILE_SHARE_READ), STATUS_MEDIA_WRITE_PROTECTED,
              "nothing can be deleted there");
    ZwClose(First);
}

static VOID TestEa(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    DECLSPEC_ALIGN(8) UCHAR Buffer[64] = {0};
    PFILE_FULL_EA_INFORMATION Ea = (PVOID)Buffer;
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle;
    ULONG Error;
    LARGE_INTEGER Size = {.QuadPart = 12345};
    InitializeObjectAttributes(&Object, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    Ea->EaNameLength = 3;
    Ea->EaValueLength = 2;
    RtlCopyMemory(Ea->EaName, "Key", 4);
    KMT_EQUAL(IoCheckEaBufferValidity(Ea, 14, &Error), STATUS_SUCCESS, "one attribute");
    KMT_EQUAL(IoCheckEaBufferValidity(Ea, 13, &Error), STATUS_EA_LIST_INCONSISTENT, "cut");
    KMT_EQUAL(IoCheckEaBufferValidity(Ea, 7, &Error), STATUS_EA_LIST_INCONSISTENT, "cut to less");
    Ea->NextEntryOffset = 16;
    RtlCopyMemory(Buffer + 16, Buffer, 14);
    ((PFILE_FULL_EA_INFORMATION)(Buffer + 16))->NextEntryOffset = 0;
    KMT_EQUAL(IoCheckEaBufferValidity(Ea, 30, &Error), STATUS_SUCCESS, "two of them");
    KMT_CHECK(IoCheckEaBufferValidity(Ea, 29, &Error) == STATUS_EA_LIST_INCONSISTENT && Error == 16,
              "the second cut");
    Ea->NextEntryOffset = 20;
    KMT_CHECK(IoCheckEaBufferValidity(Ea, 40, &Error) == STATUS_EA_LIST_INCONSISTENT && Error == 0,
              "a gap");
    Creates = 0;
    KMT_EQUAL(
        ZwCreateFile(&Handle, FILE_READ_DATA, &Object, &Iosb, &Size, 0, 0, FILE_OPEN, 0, Ea, 40),
        STATUS_EA_LIST_INCONSISTENT, "ZwCreateFile checks them");
    KMT_EQUAL(Creates, 0, "before it asks the driver");
    Ea->NextEntryOffset = 16;
    KMT_EQUAL(
        ZwCreateFile(&Handle, FILE_READ_DATA, &Object, &Iosb, &Size, 0, 0, FILE_OPEN, 0, Ea, 30),
        STATUS_SUCCESS, "and hands them on");
    KMT_CHECK(LastEaLength == 30 && LastEa == 'K' && LastSize == 12345, "to the driver");
    ZwClose(Handle);
    KMT_EQUAL(ZwCreateFile(&Handle, FILE_READ_DATA, &Object, &Iosb, NULL, 0, 0, FILE_OPEN, 0, Ea,
                           MAXULONG),
              STATUS_ACCESS_VIOLATION, "4 GB of them there are not");
    Size.QuadPart = -1;
    KMT_EQUAL(
        ZwCreateFile(&Handle, FILE_READ_DATA, &Object, &Iosb, &Size, 0, 0, FILE_OPEN, 0, NULL, 0),
        STATUS_INVALID_PARAMETER, "nor a negative size");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = Create;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = Close;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = Close;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    TestImpossibleOptions();
    TestFileObject();
    TestRelative();
    TestShareRules();
    TestSharedFile();
    TestEa();
    IoDeleteDevice(Device);
}
