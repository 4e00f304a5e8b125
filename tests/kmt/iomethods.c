/*
 * Promises: reads and writes reach a driver buffered, directly or neither way, controls by their
 * method, with the buffers that belong to it; a result, a warning and an error bring back what they
 * should; bad buffers and lengths are refused with nothing lost; unbuffered transfers are aligned;
 * offsets, keys and the rights of a handle reach the driver.
 */
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtIoMethods"
#define SYNC FILE_SYNCHRONOUS_IO_NONALERT
#define ALL (FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE)
#define NOWHERE ((PVOID)0x1000)

static PDEVICE_OBJECT Device;
static NTSTATUS Answer;
static ULONG_PTR AnswerBytes;
static LONG Requests;
/* What the driver saw of the last request. */
static PVOID System, User, Type3;
static BOOLEAN HadMdl;
static ULONG Length, InputLength, OutputLength, Key, Flags;
static UCHAR StackFlags;
static LONGLONG Offset;

static NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

/* Where the requester's output is, for a driver that trusts it. */
static PUCHAR OutputOf(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    if (Irp->MdlAddress != NULL) {
        return MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    return Irp->AssociatedIrp.SystemBuffer != NULL ? Irp->AssociatedIrp.SystemBuffer
           : Stack->MajorFunction == IRP_MJ_WRITE  ? NULL
                                                   : Irp->UserBuffer;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Transfer = Stack->MajorFunction != IRP_MJ_DEVICE_CONTROL;
    UNREFERENCED_PARAMETER(Object);
    Requests++;
    System = Irp->AssociatedIrp.SystemBuffer;
    User = Irp->UserBuffer;
    HadMdl = Irp->MdlAddress != NULL;
    Flags = Irp->Flags;
    StackFlags = Stack->Flags;
    if (Transfer) {
        Length = Stack->Parameters.Read.Length;
        Key = Stack->Parameters.Read.Key;
        Offset = Stack->Parameters.Read.ByteOffset.QuadPart;
    } else {
        InputLength = Stack->Parameters.DeviceIoControl.InputBufferLength;
        OutputLength = Stack->Parameters.DeviceIoControl.OutputBufferLength;
        Type3 = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
    }
    PUCHAR Output = OutputOf(Irp, Stack);
    if (Stack->MajorFunction != IRP_MJ_WRITE && AnswerBytes != 0 && Output != NULL) {
        RtlFillMemory(Output, AnswerBytes, 0x77);
    }
    return KmtComplete(Irp, Answer, AnswerBytes);
}

static HANDLE Open(ACCESS_MASK Access, ULONG Options, ULONG DeviceFlags)
{
    HANDLE Handle = NULL;
    Device->Flags = (Device->Flags & ~(ULONG)(DO_BUFFERED_IO | DO_DIRECT_IO)) | DeviceFlags;
    KmtOpen(&Handle, NAME, Access, Options);
    return Handle;
}

static NTSTATUS Read(HANDLE Handle, PVOID Buffer, ULONG Bytes, LONGLONG At, PIO_STATUS_BLOCK Iosb)
{
    LARGE_INTEGER Where = {.QuadPart = At};
    ULONG Wanted = 42;
    return ZwReadFile(Handle, NULL, NULL, NULL, Iosb, Buffer, Bytes, &Where, &Wanted);
}

static NTSTATUS Write(HANDLE Handle, PVOID Buffer, ULONG Bytes, LONGLONG At, PIO_STATUS_BLOCK Iosb)
{
    LARGE_INTEGER Where = {.QuadPart = At};
    return ZwWriteFile(Handle, NULL, NULL, NULL, Iosb, Buffer, Bytes, &Where, NULL);
}

/* The three ways have these in common. */
static VOID TestTransfer(ULONG DeviceFlags)
{
    HANDLE Handle = Open(ALL, SYNC, DeviceFlags);
    IO_STATUS_BLOCK Iosb;
    UCHAR Buffer[64] = {0};
    Answer = STATUS_SUCCESS;
    AnswerBytes = 10;
    KMT_EQUAL(Read(Handle, Buffer, 64, 1234, &Iosb), STATUS_SUCCESS, "a read");
    KMT_CHECK(Length == 64 && Offset == 1234 && Key == 42, "as asked for");
    KMT_CHECK(Iosb.Information == 10 && Buffer[9] == 0x77 && Buffer[10] == 0, "brings 10 bytes");
    KMT_CHECK((System != NULL) == (DeviceFlags == DO_BUFFERED_IO) &&
                  HadMdl == (DeviceFlags == DO_DIRECT_IO) && User == Buffer,
              "by the device's way");
    Answer = STATUS_BUFFER_OVERFLOW;
    Buffer[0] = 0;
    KMT_EQUAL(Read(Handle, Buffer, 64, 0, &Iosb), STATUS_BUFFER_OVERFLOW, "a warning");
    KMT_CHECK(Iosb.Information == 10 && Buffer[0] == 0x77, "brings data, too");
    Answer = STATUS_UNSUCCESSFUL;
    Buffer[0] = 0;
    KMT_EQUAL(Read(Handle, Buffer, 64, 0, &Iosb), STATUS_UNSUCCESSFUL, "an error");
    KMT_CHECK(DeviceFlags != DO_BUFFERED_IO || Buffer[0] == 0, "brings none by a system buffer");
    Answer = STATUS_SUCCESS;
    AnswerBytes = 0;
    KMT_EQUAL(Read(Handle, NULL, 0, 0, &Iosb), STATUS_SUCCESS, "nothing");
    KMT_CHECK(System == NULL && !HadMdl && Length == 0, "needs no buffer");
    KMT_EQUAL(Write(Handle, Buffer, 1, 7, &Iosb), STATUS_SUCCESS, "a write of a byte");
    KMT_CHECK(Length == 1 && Offset == 7, "arrives");
    KMT_EQUAL(Write(Handle, Buffer, 1, -1, &Iosb), STATUS_SUCCESS, "one at the end");
    KMT_EQUAL(Offset, -1, "is for the driver to place");
    Requests = 0;
    KMT_EQUAL(Read(Handle, Buffer, 1, -1, &Iosb), STATUS_INVALID_PARAMETER, "no read there");
    KMT_EQUAL(Write(Handle, Buffer, 1, -3, &Iosb), STATUS_INVALID_PARAMETER, "nor before 0");
    if (DeviceFlags != 0) {
        KMT_EQUAL(Read(Handle, NULL, 1, 0, &Iosb), STATUS_ACCESS_VIOLATION, "no buffer");
        KMT_EQUAL(Read(Handle, NOWHERE, 16, 0, &Iosb), STATUS_ACCESS_VIOLATION, "an unmapped one");
        // There is no MDL for as much.
        NTSTATUS TooLong =
            DeviceFlags == DO_DIRECT_IO ? STATUS_INSUFFICIENT_RESOURCES : STATUS_ACCESS_VIOLATION;
        KMT_EQUAL(Read(Handle, Buffer, MAXULONG, 0, &Iosb), TooLong, "4 GB - 1");
        KMT_EQUAL(Write(Handle, Buffer, MAXULONG, 0, &Iosb), TooLong, "to write");
    }
    KMT_EQUAL(Requests, 0, "the driver has heard of none of these");
    ZwClose(Handle);
}

static VOID TestUnbuffered(VOID)
{
    HANDLE Handle =
        Open(ALL, SYNC | FILE_NO_INTERMEDIATE_BUFFERING | FILE_WRITE_THROUGH, DO_DIRECT_IO);
    static DECLSPEC_ALIGN(512) UCHAR Buffer[1024];
    IO_STATUS_BLOCK Iosb;
    Device->SectorSize = 512;
    Device->AlignmentRequirement = FILE_OCTA_ALIGNMENT;
    KMT_EQUAL(Read(Handle, Buffer, 512, 512, &Iosb), STATUS_SUCCESS, "a whole sector");
    KMT_CHECK(Flags & IRP_NOCACHE, "without a cache");
    KMT_EQUAL(Read(Handle, Buffer, 511, 512, &Iosb), STATUS_INVALID_PARAMETER, "part of one");
    KMT_EQUAL(Read(Handle, Buffer, 512, 500, &Iosb), STATUS_INVALID_PARAMETER, "from the middle");
    KMT_EQUAL(Read(Handle, Buffer + 8, 512, 512, &Iosb), STATUS_INVALID_PARAMETER,
              "to an address that is not aligned");
    KMT_EQUAL(Write(Handle, Buffer + 16, 512, 0, &Iosb), STATUS_SUCCESS, "a sector written");
    KMT_EQUAL(StackFlags, SL_WRITE_THROUGH, "through");
    ZwClose(Handle);
    Device->SectorSize = 0;
    Device->AlignmentRequirement = FILE_BYTE_ALIGNMENT;
}

static VOID TestAppend(VOID)
{
    HANDLE Handle = Open(FILE_APPEND_DATA | SYNCHRONIZE, SYNC, DO_BUFFERED_IO);
    IO_STATUS_BLOCK Iosb;
    KMT_EQUAL(Write(Handle, "x", 1, 5, &Iosb), STATUS_SUCCESS, "who may only append");
    KMT_EQUAL(Offset, -1, "writes to the end, wherever he says");
    ZwClose(Handle);
}

static NTSTATUS Control(HANDLE Handle, ULONG Method, PVOID Input, ULONG InputBytes, PVOID Output,
                        ULONG OutputBytes, PIO_STATUS_BLOCK Iosb)
{
    return ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, Iosb, KMT_CODE(1, Method), Input,
                                 InputBytes, Output, OutputBytes);
}

static VOID TestControl(ULONG Method)
{
    HANDLE Handle = Open(ALL, SYNC, 0);
    IO_STATUS_BLOCK Iosb;
    UCHAR Input[16] = "input", Output[32] = {0};
    BOOLEAN Direct = Method == METHOD_IN_DIRECT || Method == METHOD_OUT_DIRECT;
    Answer = STATUS_SUCCESS;
    AnswerBytes = 0;
    KMT_EQUAL(Control(Handle, Method, Input, 16, Output, 32, &Iosb), STATUS_SUCCESS, "a control");
    KMT_CHECK(InputLength == 16 && OutputLength == 32, "with both lengths");
    KMT_CHECK((System != NULL) == (Method != METHOD_NEITHER) && HadMdl == Direct &&
                  (Method != METHOD_NEITHER || (Type3 == Input && User == Output)),
              "and buffers by its method");
    AnswerBytes = 20;
    Answer = STATUS_BUFFER_OVERFLOW;
    KMT_EQUAL(Control(Handle, Method, Input, 16, Output, 32, &Iosb), STATUS_BUFFER_OVERFLOW,
              "a warning");
    KMT_CHECK(Output[19] == 0x77 && Output[20] == 0 && Iosb.Information == 20, "with data");
    Answer = STATUS_SUCCESS;
    AnswerBytes = 0;
    KMT_EQUAL(Control(Handle, Method, NULL, 0, NULL, 0, &Iosb), STATUS_SUCCESS,
              "no buffers at all");
    KMT_CHECK(System == NULL && !HadMdl && InputLength == 0 && OutputLength == 0, "are none");
    KMT_EQUAL(Control(Handle, Method, Input, 1, Output + 1, 1, &Iosb), STATUS_SUCCESS,
              "a byte each, at an odd address");
    if (Method != METHOD_NEITHER) {
        Requests = 0;
        KMT_EQUAL(Control(Handle, Method, NOWHERE, 16, Output, 32, &Iosb), STATUS_ACCESS_VIOLATION,
                  "unmapped input");
        KMT_EQUAL(Control(Handle, Method, Input, 16, NOWHERE, 32, &Iosb), STATUS_ACCESS_VIOLATION,
                  "unmapped output");
        KMT_EQUAL(Control(Handle, Method, Input, MAXULONG, Output, 32, &Iosb),
                  STATUS_ACCESS_VIOLATION, "4 GB - 1 of input");
        KMT_EQUAL(Control(Handle, Method, Input, 16, Output, MAXULONG, &Iosb),
                  Direct ? STATUS_INSUFFICIENT_RESOURCES : STATUS_ACCESS_VIOLATION,
                  "4 GB - 1 of output");
        KMT_EQUAL(Requests, 0, "never reach the driver");
    } else {
        KMT_EQUAL(Control(Handle, Method, NOWHERE, MAXULONG, NOWHERE, MAXULONG, &Iosb),
                  STATUS_SUCCESS, "whatever the caller says");
        KMT_CHECK(Type3 == NOWHERE && User == NOWHERE && InputLength == MAXULONG &&
                      OutputLength == MAXULONG,
                  "is what the driver gets");
    }
    ZwClose(Handle);
}

static VOID TestBadHandles(VOID)
{
    HANDLE Handle = Open(ALL, SYNC, DO_BUFFERED_IO), Event;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    UCHAR Byte;
    LARGE_INTEGER Zero = {.QuadPart = 0};
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    KMT_EQUAL(Read(NULL, &Byte, 1, 0, &Iosb), STATUS_INVALID_HANDLE, "read: no handle");
    KMT_EQUAL(Write(Event, &Byte, 1, 0, &Iosb), STATUS_OBJECT_TYPE_MISMATCH, "write: an event");
    KMT_EQUAL(Control(Event, METHOD_BUFFERED, NULL, 0, NULL, 0, &Iosb), STATUS_OBJECT_TYPE_MISMATCH,
              "control: an event");
    KMT_EQUAL(ZwReadFile(Handle, Handle, NULL, NULL, &Iosb, &Byte, 1, &Zero, NULL),
              STATUS_OBJECT_TYPE_MISMATCH, "read: a file for an event");
    KMT_EQUAL(ZwReadFile(Handle, (HANDLE)0x7FFC, NULL, NULL, &Iosb, &Byte, 1, &Zero, NULL),
              STATUS_INVALID_HANDLE, "read: no such event");
    KMT_EQUAL(ZwFsControlFile(Handle, NULL, NULL, NULL, &Iosb, KMT_CODE(1, METHOD_BUFFERED), NULL,
                              0, NULL, 0),
              STATUS_INVALID_DEVICE_REQUEST, "a file system's control is another request");
    ZwClose(Event);
    ZwClose(Handle);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    KmtDriverObject->MajorFunction[IRP_MJ_WRITE] = Dispatch;
    KmtDriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    TestTransfer(DO_BUFFERED_IO);
    TestTransfer(DO_DIRECT_IO);
    TestTransfer(0);
    TestUnbuffered();
    TestAppend();
    for (ULONG Method = METHOD_BUFFERED; Method <= METHOD_NEITHER; Method++) {
        TestControl(Method);
    }
    TestBadHandles();
    IoDeleteDevice(Device);
}
