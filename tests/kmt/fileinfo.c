/*
 * Promises: what a file object knows of itself it tells without its driver; all else the driver is
 * asked, on synchronous and asynchronous files, at once or later; the boot disk tells about its
 * files, lists its directories with patterns, in parts, one by one; every bad argument has its
 * status.
 */
#include <ntifs.h>
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtFileInfo"
#define SYNC_ACCESS (GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE)
#define SYNC FILE_SYNCHRONOUS_IO_NONALERT
#define BOOT_FILE L"\\??\\C:\\tests\\fileinfo.sys"

static PDEVICE_OBJECT Device;
static UCHAR LastMajor;
static ULONG LastClass, LastLength, LastByte;
static BOOLEAN Late;
static NTSTATUS Answer;
static KTIMER Timer;
static KDPC Dpc;

static NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI CompleteInDpc(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    IoCompleteRequest((PIRP)Context, IO_NO_INCREMENT);
}

/* Fills the answer with 0x5A, or notes the first byte of what is set. */
static NTSTATUS NTAPI Information(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PUCHAR Buffer = Irp->AssociatedIrp.SystemBuffer;
    UNREFERENCED_PARAMETER(Object);
    LastMajor = Stack->MajorFunction;
    LastClass = (ULONG)Stack->Parameters.QueryFile.FileInformationClass;
    LastLength = Stack->Parameters.QueryFile.Length;
    Irp->IoStatus.Status = Answer;
    Irp->IoStatus.Information = 0;
    if (LastMajor == IRP_MJ_SET_INFORMATION) {
        LastByte = Buffer[0];
    } else if (LastMajor != IRP_MJ_FLUSH_BUFFERS) {
        RtlFillMemory(Buffer, LastLength, 0x5A);
        Irp->IoStatus.Information = NT_ERROR(Answer) ? 0 : LastLength;
    }
    if (Late) {
        LARGE_INTEGER Due = KmtMs(2);
        IoMarkIrpPending(Irp);
        KeInitializeTimer(&Timer);
        KeInitializeDpc(&Dpc, CompleteInDpc, Irp);
        KeSetTimer(&Timer, Due, &Dpc);
        return STATUS_PENDING;
    }
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Answer;
}

static VOID TestFileObject(VOID)
{
    HANDLE Handle, Other;
    IO_STATUS_BLOCK Iosb;
    FILE_ACCESS_INFORMATION Access;
    FILE_MODE_INFORMATION Mode;
    FILE_ALIGNMENT_INFORMATION Alignment;
    FILE_POSITION_INFORMATION Position;
    FILE_IS_REMOTE_DEVICE_INFORMATION Remote;
    FILE_FS_DEVICE_INFORMATION Kind;
    LastMajor = 0xFF;
    Device->AlignmentRequirement = FILE_LONG_ALIGNMENT;
    KmtOpen(&Handle, NAME, FILE_READ_DATA | SYNCHRONIZE, SYNC | FILE_WRITE_THROUGH);
    KMT_EQUAL(ZwQueryInformationFile(Handle, &Iosb, &Access, 4, FileAccessInformation),
              STATUS_SUCCESS, "rights");
    KMT_EQUAL(Access.AccessFlags, FILE_READ_DATA | SYNCHRONIZE, "are the handle's");
    KMT_EQUAL(Iosb.Information, 4, "and counted");
    ZwQueryInformationFile(Handle, &Iosb, &Mode, 4, FileModeInformation);
    KMT_EQUAL(Mode.Mode, SYNC | FILE_WRITE_THROUGH, "mode");
    ZwQueryInformationFile(Handle, &Iosb, &Alignment, 4, FileAlignmentInformation);
    KMT_EQUAL(Alignment.AlignmentRequirement, FILE_LONG_ALIGNMENT, "alignment");
    Position.CurrentByteOffset.QuadPart = 77;
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, &Position, 8, FilePositionInformation),
              STATUS_SUCCESS, "a position is set");
    Position.CurrentByteOffset.QuadPart = 0;
    ZwQueryInformationFile(Handle, &Iosb, &Position, 8, FilePositionInformation);
    KMT_EQUAL(Position.CurrentByteOffset.QuadPart, 77, "and told");
    Position.CurrentByteOffset.QuadPart = -1;
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, &Position, 8, FilePositionInformation),
              STATUS_INVALID_PARAMETER, "it is not negative");
    Remote.IsRemote = TRUE;
    ZwQueryInformationFile(Handle, &Iosb, &Remote, 1, FileIsRemoteDeviceInformation);
    KMT_EQUAL(Remote.IsRemote, FALSE, "the device is here");
    Mode.Mode = FILE_SYNCHRONOUS_IO_ALERT | FILE_SEQUENTIAL_ONLY;
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, &Mode, 4, FileModeInformation), STATUS_SUCCESS,
              "the mode is changed");
    Mode.Mode = 0;
    ZwQueryInformationFile(Handle, &Iosb, &Mode, 4, FileModeInformation);
    KMT_EQUAL(Mode.Mode, FILE_SYNCHRONOUS_IO_ALERT | FILE_SEQUENTIAL_ONLY, "and told");
    Mode.Mode = 0;
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, &Mode, 4, FileModeInformation),
              STATUS_INVALID_PARAMETER, "a synchronous file stays so");
    Mode.Mode = FILE_SYNCHRONOUS_IO_ALERT | SYNC;
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, &Mode, 4, FileModeInformation),
              STATUS_INVALID_PARAMETER, "one way or the other");
    Mode.Mode = SYNC | FILE_NO_INTERMEDIATE_BUFFERING;
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, &Mode, 4, FileModeInformation),
              STATUS_INVALID_PARAMETER, "and its buffering");
    KmtOpen(&Other, NAME, FILE_READ_DATA, 0);
    Mode.Mode = SYNC;
    KMT_EQUAL(ZwSetInformationFile(Other, &Iosb, &Mode, 4, FileModeInformation),
              STATUS_INVALID_PARAMETER, "an asynchronous one, too");
    KMT_EQUAL(ZwQueryVolumeInformationFile(Other, &Iosb, &Kind, 8, FileFsDeviceInformation),
              STATUS_SUCCESS, "its device");
    KMT_CHECK(Kind.DeviceType == FILE_DEVICE_UNKNOWN && Kind.Characteristics == 0, "is told");
    KMT_EQUAL(LastMajor, 0xFF, "the driver was not asked any of this");
    ZwQueryInformationFile(Other, &Iosb, &Position, 8, FilePositionInformation);
    KMT_EQUAL(LastMajor, IRP_MJ_QUERY_INFORMATION, "but an asynchronous file's position");
    ZwClose(Other);
    ZwClose(Handle);
    Device->AlignmentRequirement = FILE_BYTE_ALIGNMENT;
}

static VOID TestDriver(ULONG Options)
{
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb = {{STATUS_PENDING}, 99};
    UCHAR Buffer[200] = {0};
    FILE_ALL_INFORMATION All;
    KmtOpen(&Handle, NAME, SYNC_ACCESS, Options);
    KMT_EQUAL(ZwQueryInformationFile(Handle, &Iosb, Buffer, 40, FileBasicInformation),
              STATUS_SUCCESS, "the driver is asked");
    KMT_CHECK(LastMajor == IRP_MJ_QUERY_INFORMATION && LastClass == FileBasicInformation &&
                  LastLength == 40,
              "what the caller asks");
    KMT_CHECK(Iosb.Status == STATUS_SUCCESS && Iosb.Information == 40 && Buffer[39] == 0x5A &&
                  Buffer[40] == 0,
              "and its answer reaches the caller");
    KMT_EQUAL(ZwQueryInformationFile(Handle, &Iosb, &All, sizeof(All), FileAllInformation),
              STATUS_SUCCESS, "everything");
    KMT_EQUAL(ZwQueryVolumeInformationFile(Handle, &Iosb, Buffer, 24, FileFsSizeInformation),
              STATUS_SUCCESS, "the volume");
    KMT_CHECK(LastMajor == IRP_MJ_QUERY_VOLUME_INFORMATION && LastClass == FileFsSizeInformation,
              "is asked for");
    Buffer[0] = 0x21;
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, Buffer, 40, FileBasicInformation), STATUS_SUCCESS,
              "the driver is told");
    KMT_CHECK(LastMajor == IRP_MJ_SET_INFORMATION && LastByte == 0x21, "what the caller says");
    KMT_EQUAL(ZwFlushBuffersFile(Handle, &Iosb), STATUS_SUCCESS, "flush");
    KMT_EQUAL(LastMajor, IRP_MJ_FLUSH_BUFFERS, "is a request");
    Answer = STATUS_BUFFER_OVERFLOW;
    Buffer[0] = 0;
    KMT_EQUAL(ZwQueryInformationFile(Handle, &Iosb, Buffer, 40, FileBasicInformation),
              STATUS_BUFFER_OVERFLOW, "a warning");
    KMT_CHECK(Buffer[0] == 0x5A && Iosb.Information == 40, "comes with data");
    Answer = STATUS_INVALID_PARAMETER;
    Buffer[0] = 0;
    KMT_EQUAL(ZwQueryInformationFile(Handle, &Iosb, Buffer, 40, FileBasicInformation),
              STATUS_INVALID_PARAMETER, "an error");
    KMT_EQUAL(Buffer[0], 0, "comes without");
    Answer = STATUS_SUCCESS;
    ZwClose(Handle);
}

static VOID TestBadInput(VOID)
{
    HANDLE Handle, Event;
    IO_STATUS_BLOCK Iosb;
    UCHAR Buffer[256];
    ULONG Wrong = 0;
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    KmtOpen(&Handle, NAME, SYNC_ACCESS, SYNC);
#define QUERY(Handle, Buffer, Length, Class)                                                       \
    ZwQueryInformationFile(Handle, &Iosb, Buffer, Length, (FILE_INFORMATION_CLASS)(Class))
#define SET(Handle, Buffer, Length, Class)                                                         \
    ZwSetInformationFile(Handle, &Iosb, Buffer, Length, (FILE_INFORMATION_CLASS)(Class))
    KMT_EQUAL(QUERY(Handle, Buffer, 256, 0), STATUS_INVALID_INFO_CLASS, "query: class 0");
    KMT_EQUAL(QUERY(Handle, Buffer, 256, 1000), STATUS_INVALID_INFO_CLASS, "query: class 1000");
    KMT_EQUAL(QUERY(Handle, Buffer, 256, -1), STATUS_INVALID_INFO_CLASS, "query: class -1");
    KMT_EQUAL(QUERY(Handle, Buffer, 256, FileDispositionInformation), STATUS_INVALID_INFO_CLASS,
              "query: one that is only set");
    KMT_EQUAL(SET(Handle, Buffer, 256, FileStandardInformation), STATUS_INVALID_INFO_CLASS,
              "set: one that is only queried");
    KMT_EQUAL(SET(Handle, Buffer, 256, 0), STATUS_INVALID_INFO_CLASS, "set: class 0");
    KMT_EQUAL(QUERY(Handle, Buffer, 0, FileBasicInformation), STATUS_INFO_LENGTH_MISMATCH,
              "query: length 0");
    KMT_EQUAL(QUERY(Handle, Buffer, 39, FileBasicInformation), STATUS_INFO_LENGTH_MISMATCH,
              "query: a byte less");
    KMT_EQUAL(SET(Handle, Buffer, 1, FileBasicInformation), STATUS_INFO_LENGTH_MISMATCH,
              "set: length 1");
    KMT_EQUAL(QUERY(Handle, NULL, 40, FileBasicInformation), STATUS_ACCESS_VIOLATION,
              "query: no buffer");
    KMT_EQUAL(SET(Handle, NULL, 40, FileBasicInformation), STATUS_ACCESS_VIOLATION,
              "set: no buffer");
    KMT_EQUAL(QUERY(Handle, Buffer, MAXULONG, FileBasicInformation), STATUS_ACCESS_VIOLATION,
              "query: 4 GB");
    KMT_EQUAL(QUERY(Event, Buffer, 40, FileBasicInformation), STATUS_OBJECT_TYPE_MISMATCH,
              "query: an event");
    KMT_EQUAL(SET(NULL, Buffer, 40, FileBasicInformation), STATUS_INVALID_HANDLE, "set: no handle");
    KMT_EQUAL(QUERY(Handle, Buffer + 1, 40, FileBasicInformation), STATUS_SUCCESS,
              "query: an odd address is none to a kernel caller");
#define VOLUME(Handle, Buffer, Length, Class)                                                      \
    ZwQueryVolumeInformationFile(Handle, &Iosb, Buffer, Length, (FS_INFORMATION_CLASS)(Class))
    KMT_EQUAL(VOLUME(Handle, Buffer, 256, 0), STATUS_INVALID_INFO_CLASS, "volume: class 0");
    KMT_EQUAL(VOLUME(Handle, Buffer, 256, 100), STATUS_INVALID_INFO_CLASS, "volume: class 100");
    KMT_EQUAL(VOLUME(Handle, Buffer, 7, FileFsDeviceInformation), STATUS_INFO_LENGTH_MISMATCH,
              "volume: a byte less");
    KMT_EQUAL(VOLUME(Handle, NULL, 8, FileFsDeviceInformation), STATUS_ACCESS_VIOLATION,
              "volume: no buffer");
    KMT_EQUAL(VOLUME(Event, Buffer, 8, FileFsDeviceInformation), STATUS_OBJECT_TYPE_MISMATCH,
              "volume: an event");
    KMT_EQUAL(ZwFlushBuffersFile(Event, &Iosb), STATUS_OBJECT_TYPE_MISMATCH, "flush: an event");
    KMT_EQUAL(ZwFlushBuffersFile(NULL, &Iosb), STATUS_INVALID_HANDLE, "flush: no handle");
    for (ULONG Class = 0; Class < 64; Class++) {
        NTSTATUS Status = QUERY(Handle, Buffer, 256, Class);
        Wrong += Status != STATUS_SUCCESS && Status != STATUS_INVALID_INFO_CLASS;
        Status = QUERY(Handle, Buffer, 0, Class);
        Wrong += Status != STATUS_INFO_LENGTH_MISMATCH && Status != STATUS_INVALID_INFO_CLASS;
    }
    KMT_EQUAL(Wrong, 0, "every class has an answer");
    ZwClose(Handle);
    ZwClose(Event);
}

static HANDLE OpenBoot(PCWSTR Name, ULONG Options)
{
    HANDLE Handle = NULL;
    KmtOpen(&Handle, Name, FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE, SYNC | Options);
    return Handle;
}

static VOID TestBootFile(VOID)
{
    HANDLE Handle = OpenBoot(BOOT_FILE, 0);
    IO_STATUS_BLOCK Iosb;
    FILE_STANDARD_INFORMATION Standard;
    FILE_BASIC_INFORMATION Basic;
    FILE_NETWORK_OPEN_INFORMATION Open;
    FILE_INTERNAL_INFORMATION First, Second;
    FILE_POSITION_INFORMATION Position = {{.QuadPart = 64}};
    UNICODE_STRING Name = RTL_CONSTANT_STRING(BOOT_FILE);
    OBJECT_ATTRIBUTES Attributes;
    UCHAR Byte[2];
    struct {
        FILE_ALL_INFORMATION All;
        WCHAR Room[32];
    } Buffer;
    KMT_EQUAL(
        ZwQueryInformationFile(Handle, &Iosb, &Standard, sizeof(Standard), FileStandardInformation),
        STATUS_SUCCESS, "a boot file's standard information");
    KMT_CHECK(Standard.EndOfFile.QuadPart > 4096 && !Standard.Directory &&
                  !Standard.DeletePending &&
                  Standard.AllocationSize.QuadPart >= Standard.EndOfFile.QuadPart &&
                  Standard.NumberOfLinks == 1,
              "is as it should be");
    ZwQueryInformationFile(Handle, &Iosb, &Basic, sizeof(Basic), FileBasicInformation);
    KMT_EQUAL(Basic.FileAttributes, FILE_ATTRIBUTE_READONLY, "it is read only");
    KMT_EQUAL(ZwQueryInformationFile(Handle, &Iosb, &Buffer, sizeof(Buffer), FileAllInformation),
              STATUS_SUCCESS, "all of it");
    KMT_CHECK(Buffer.All.StandardInformation.EndOfFile.QuadPart == Standard.EndOfFile.QuadPart &&
                  Buffer.All.ModeInformation.Mode == SYNC &&
                  (Buffer.All.AccessInformation.AccessFlags & FILE_READ_DATA),
              "by driver and I/O manager together");
    KMT_CHECK(Buffer.All.NameInformation.FileNameLength == sizeof(L"\\tests\\fileinfo.sys") - 2 &&
                  _wcsnicmp(Buffer.All.NameInformation.FileName, L"\\tests\\fileinfo.sys", 19) == 0,
              "with its name");
    KMT_EQUAL(Iosb.Information, 0x64 + sizeof(L"\\tests\\fileinfo.sys") - 2, "and its length");
    KMT_EQUAL(ZwQueryInformationFile(Handle, &Iosb, &Buffer, 8, FileNameInformation),
              STATUS_BUFFER_OVERFLOW, "a name without room");
    KMT_EQUAL(Iosb.Information, 8, "is cut");
    ZwSetInformationFile(Handle, &Iosb, &Position, 8, FilePositionInformation);
    ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, Byte, 2, NULL, NULL);
    ZwQueryInformationFile(Handle, &Iosb, &Position, 8, FilePositionInformation);
    KMT_EQUAL(Position.CurrentByteOffset.QuadPart, 66, "a read moves the position");
    KMT_EQUAL(ZwSetInformationFile(Handle, &Iosb, &Basic, sizeof(Basic), FileBasicInformation),
              STATUS_MEDIA_WRITE_PROTECTED, "nothing can be changed");
    ZwQueryInformationFile(Handle, &Iosb, &First, 8, FileInternalInformation);
    ZwClose(Handle);
    Handle = OpenBoot(L"\\??\\C:\\TESTS\\FILEINFO.SYS", 0);
    ZwQueryInformationFile(Handle, &Iosb, &Second, 8, FileInternalInformation);
    KMT_EQUAL(First.IndexNumber.QuadPart, Second.IndexNumber.QuadPart, "its number is its own");
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, NULL, 16, NULL, NULL),
              STATUS_ACCESS_VIOLATION, "nothing is read to nowhere");
    ZwClose(Handle);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    KMT_EQUAL(ZwQueryFullAttributesFile(&Attributes, &Open), STATUS_SUCCESS, "by name");
    KMT_CHECK(Open.EndOfFile.QuadPart == Standard.EndOfFile.QuadPart, "the same");
    KMT_EQUAL(ZwQueryAttributesFile(&Attributes, &Basic), STATUS_SUCCESS, "attributes by name");
    Name.Length -= 2;
    KMT_EQUAL(ZwQueryAttributesFile(&Attributes, &Basic), STATUS_OBJECT_NAME_NOT_FOUND,
              "which has to exist");
}

static VOID TestVolume(VOID)
{
    HANDLE Handle = OpenBoot(L"\\??\\C:", 0);
    IO_STATUS_BLOCK Iosb;
    UCHAR Byte;
    LARGE_INTEGER Zero = {.QuadPart = 0};
    FILE_FS_SIZE_INFORMATION Size;
    FILE_FS_DEVICE_INFORMATION Kind;
    struct {
        FILE_FS_ATTRIBUTE_INFORMATION Fixed;
        WCHAR Room[8];
    } Attributes;
    KMT_CHECK(Handle != NULL, "the volume itself opens");
    KMT_EQUAL(ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, &Byte, 1, &Zero, NULL),
              STATUS_INVALID_DEVICE_REQUEST, "but cannot be read");
    KMT_EQUAL(
        ZwQueryVolumeInformationFile(Handle, &Iosb, &Size, sizeof(Size), FileFsSizeInformation),
        STATUS_SUCCESS, "its size");
    KMT_CHECK(Size.BytesPerSector == 512 && Size.AvailableAllocationUnits.QuadPart == 0 &&
                  Size.TotalAllocationUnits.QuadPart > 100,
              "is full");
    ZwQueryVolumeInformationFile(Handle, &Iosb, &Kind, sizeof(Kind), FileFsDeviceInformation);
    KMT_CHECK(Kind.DeviceType == FILE_DEVICE_DISK_FILE_SYSTEM &&
                  (Kind.Characteristics & FILE_READ_ONLY_DEVICE),
              "a read-only disk");
    KMT_EQUAL(ZwQueryVolumeInformationFile(Handle, &Iosb, &Attributes, sizeof(Attributes),
                                           FileFsAttributeInformation),
              STATUS_SUCCESS, "its file system");
    KMT_CHECK(Attributes.Fixed.FileSystemNameLength == 8 &&
                  _wcsnicmp(Attributes.Fixed.FileSystemName, L"cpio", 4) == 0 &&
                  (Attributes.Fixed.FileSystemAttributes & FILE_READ_ONLY_VOLUME),
              "is cpio");
    KMT_EQUAL(ZwFlushBuffersFile(Handle, &Iosb), STATUS_SUCCESS, "a flush finds nothing to do");
    ZwClose(Handle);
}

static UCHAR Listing[8192];

static NTSTATUS List(HANDLE Handle, ULONG Length, FILE_INFORMATION_CLASS Class, BOOLEAN One,
                     PCWSTR Pattern, BOOLEAN Restart, PIO_STATUS_BLOCK Iosb)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Pattern);
    return ZwQueryDirectoryFile(Handle, NULL, NULL, NULL, Iosb, Listing, Length, Class, One,
                                Pattern != NULL ? &String : NULL, Restart);
}

/* Entries in the listing with the name's length at LengthAt and the name at NameAt; those called
 * Name are counted in *Named; *Sorted: whether they are in order. */
static ULONG CountEntries(ULONG LengthAt, ULONG NameAt, PCWSTR Name, PULONG Named)
{
    ULONG Count = 0;
    for (PUCHAR Entry = Listing;; Entry += *(PULONG)Entry) {
        ULONG Length = *(PULONG)(Entry + LengthAt);
        Count++;
        if (Length == wcslen(Name) * sizeof(WCHAR) &&
            _wcsnicmp((PWCH)(Entry + NameAt), Name, Length / sizeof(WCHAR)) == 0) {
            ++*Named;
        }
        if (*(PULONG)Entry == 0) {
            return Count;
        }
    }
}

#define COUNT(Type, Name, Named)                                                                   \
    CountEntries(offsetof(Type, FileNameLength), offsetof(Type, FileName), Name, Named)

static VOID TestDirectory(VOID)
{
    HANDLE Handle = OpenBoot(L"\\??\\C:\\", FILE_DIRECTORY_FILE);
    IO_STATUS_BLOCK Iosb;
    ULONG Named = 0, Names, OneByOne = 0;
    PFILE_BOTH_DIR_INFORMATION Both = (PVOID)Listing;
    KMT_EQUAL(List(Handle, sizeof(Listing), FileDirectoryInformation, FALSE, NULL, FALSE, &Iosb),
              STATUS_SUCCESS, "the root directory");
    KMT_CHECK(COUNT(FILE_DIRECTORY_INFORMATION, L"tests", &Named) > 3 && Named == 1,
              "has tests in it, once");
    KMT_EQUAL(List(Handle, sizeof(Listing), FileDirectoryInformation, FALSE, NULL, FALSE, &Iosb),
              STATUS_NO_MORE_FILES, "and has an end");
    KMT_EQUAL(List(Handle, sizeof(Listing), FileNamesInformation, FALSE, L"*.reg", TRUE, &Iosb),
              STATUS_SUCCESS, "again, with a pattern");
    Named = 0;
    KMT_CHECK(COUNT(FILE_NAMES_INFORMATION, L"registry.reg", &Named) == 1 && Named == 1,
              "registry.reg alone");
    KMT_EQUAL(
        List(Handle, sizeof(Listing), FileBothDirectoryInformation, FALSE, L"TEST?", TRUE, &Iosb),
        STATUS_SUCCESS, "another pattern, in capitals");
    KMT_CHECK(Both->FileNameLength == 10 && (Both->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) &&
                  Both->NextEntryOffset == 0,
              "a directory");
    KMT_EQUAL(
        List(Handle, sizeof(Listing), FileFullDirectoryInformation, FALSE, L"*x*y*z*", TRUE, &Iosb),
        STATUS_NO_MORE_FILES, "nothing");
    ZwClose(Handle);
    Handle = OpenBoot(L"\\??\\C:\\tests", FILE_DIRECTORY_FILE);
    KMT_EQUAL(List(Handle, sizeof(Listing), FileNamesInformation, FALSE, L"nothing", FALSE, &Iosb),
              STATUS_NO_SUCH_FILE, "nothing at the first call");
    List(Handle, sizeof(Listing), FileNamesInformation, FALSE, L"file*.SYS", TRUE, &Iosb);
    Named = 0;
    Names = COUNT(FILE_NAMES_INFORMATION, L"fileinfo.sys", &Named);
    KMT_CHECK(Names >= 3 && Named == 1, "this driver and its like");
    BOOLEAN Restart = TRUE;
    while (List(Handle, sizeof(Listing), FileNamesInformation, TRUE, NULL, Restart, &Iosb) ==
           STATUS_SUCCESS) {
        Restart = FALSE;
        OneByOne++;
    }
    KMT_EQUAL(OneByOne, Names, "one by one they are as many");
    OneByOne = 0;
    Restart = TRUE;
    Named = 0;
    while (List(Handle, 64, FileNamesInformation, FALSE, NULL, Restart, &Iosb) == STATUS_SUCCESS) {
        Restart = FALSE;
        OneByOne += COUNT(FILE_NAMES_INFORMATION, L"fileinfo.sys", &Named);
    }
    KMT_EQUAL(OneByOne, Names, "and in small parts, too");
    KMT_EQUAL(List(Handle, sizeof(FILE_NAMES_INFORMATION), FileNamesInformation, FALSE, NULL, TRUE,
                   &Iosb),
              STATUS_BUFFER_OVERFLOW, "a name without room is cut");
    KMT_EQUAL(Iosb.Information, 16, "to what fits");
    List(Handle, sizeof(Listing), FileNamesInformation, FALSE, L".*", TRUE, &Iosb);
    Named = 0;
    KMT_EQUAL(COUNT(FILE_NAMES_INFORMATION, L"..", &Named), 2, "the two dots");
    KMT_EQUAL(List(Handle, sizeof(Listing), FileBasicInformation, FALSE, NULL, TRUE, &Iosb),
              STATUS_INVALID_INFO_CLASS, "listing: a class for files");
    KMT_EQUAL(List(Handle, 0, FileNamesInformation, FALSE, NULL, TRUE, &Iosb),
              STATUS_INFO_LENGTH_MISMATCH, "listing: length 0");
    KMT_EQUAL(ZwQueryDirectoryFile(Handle, NULL, NULL, NULL, &Iosb, NULL, 100, FileNamesInformation,
                                   FALSE, NULL, TRUE),
              STATUS_ACCESS_VIOLATION, "listing: no buffer");
    KMT_EQUAL(List(Handle, MAXULONG, FileNamesInformation, FALSE, NULL, TRUE, &Iosb),
              STATUS_ACCESS_VIOLATION, "listing: 4 GB");
    KMT_EQUAL(List(NULL, 100, FileNamesInformation, FALSE, NULL, TRUE, &Iosb),
              STATUS_INVALID_HANDLE, "listing: no handle");
    ZwClose(Handle);
    Handle = OpenBoot(BOOT_FILE, 0);
    KMT_EQUAL(List(Handle, 100, FileNamesInformation, FALSE, NULL, FALSE, &Iosb),
              STATUS_INVALID_PARAMETER, "a file has no entries");
    ZwClose(Handle);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_QUERY_INFORMATION] = Information;
    KmtDriverObject->MajorFunction[IRP_MJ_SET_INFORMATION] = Information;
    KmtDriverObject->MajorFunction[IRP_MJ_QUERY_VOLUME_INFORMATION] = Information;
    KmtDriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Information;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    TestFileObject();
    TestDriver(SYNC);
    TestDriver(0);
    Late = TRUE;
    TestDriver(SYNC);
    TestDriver(0);
    Late = FALSE;
    TestBadInput();
    TestBootFile();
    TestVolume();
    TestDirectory();
    KeFlushQueuedDpcs(); /* the last one may still be returning */
    IoDeleteDevice(Device);
}
