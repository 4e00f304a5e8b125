// A driver in C++ as people write them for Windows: what headers have to bear (test_sdk.py builds and runs it).
#include <ntifs.h>
#include <ntddk.h>
#include <ntstrsafe.h>
#include <wdmsec.h>
#define DRIVER_PREFIX "Idiom: "
#define DRIVER_TAG 'midI'
#define IOCTL_IDIOM_GET CTL_CODE(0x8000, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
DRIVER_UNLOAD IdiomUnload;
_Dispatch_type_(IRP_MJ_CREATE) DRIVER_DISPATCH IdiomCreateClose;
DRIVER_DISPATCH IdiomRead, IdiomDeviceControl;
struct Stats { long long TotalRead; long long TotalWritten; };
static LONG64 g_TotalRead;
struct FullItem { LIST_ENTRY Entry; ULONG Data; };
struct Globals { LIST_ENTRY ItemsHead; int ItemCount; FAST_MUTEX Mutex; EX_RUNDOWN_REF Rundown; LOOKASIDE_LIST_EX Look; } g_Globals;

static NTSTATUS CompleteIrp(PIRP Irp, NTSTATUS status = STATUS_SUCCESS, ULONG_PTR info = 0)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = info;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

extern "C" NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = IdiomUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DriverObject->MajorFunction[IRP_MJ_CLOSE] = IdiomCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = IdiomRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = IdiomDeviceControl;
    UNICODE_STRING devName = RTL_CONSTANT_STRING(L"\\Device\\Idiom");
    UNICODE_STRING symLink = RTL_CONSTANT_STRING(L"\\??\\Idiom");
    PDEVICE_OBJECT DeviceObject = nullptr;
    auto status = STATUS_SUCCESS;
    bool linked = false;
    InitializeListHead(&g_Globals.ItemsHead);
    ExInitializeFastMutex(&g_Globals.Mutex);
    ExInitializeRundownProtection(&g_Globals.Rundown);
    do {
        status = IoCreateDevice(DriverObject, 0, &devName, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
        if (!NT_SUCCESS(status)) {
            KdPrint((DRIVER_PREFIX "failed to create device (0x%08X)\n", status));
            break;
        }
        DeviceObject->Flags |= DO_DIRECT_IO;
        status = IoCreateSymbolicLink(&symLink, &devName);
        if (!NT_SUCCESS(status)) break;
        linked = true;
        auto item = (FullItem*)ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED, sizeof(FullItem), DRIVER_TAG);
        if (item == nullptr) { status = STATUS_INSUFFICIENT_RESOURCES; break; }
        InsertTailList(&g_Globals.ItemsHead, &item->Entry);
        WCHAR buf[40];
        RtlStringCchPrintfW(buf, ARRAYSIZE(buf), L"%s-%d", L"text", 5);
        DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, DRIVER_PREFIX "%ws\n", buf);
        HANDLE hThread;
        OBJECT_ATTRIBUTES attr = RTL_CONSTANT_OBJECT_ATTRIBUTES(nullptr, OBJ_KERNEL_HANDLE);
        status = PsCreateSystemThread(&hThread, 0, &attr, nullptr, nullptr, [](PVOID ctx) {
            LARGE_INTEGER li; li.QuadPart = -10000LL * 10;
            KeDelayExecutionThread(KernelMode, FALSE, &li);
            DbgPrint(DRIVER_PREFIX "thread %u in %u, ctx %p\n", HandleToULong(PsGetCurrentThreadId()), HandleToUlong(PsGetCurrentProcessId()), ctx);
            PsTerminateSystemThread(STATUS_SUCCESS);
        }, nullptr);
        if (!NT_SUCCESS(status)) break;
        PETHREAD thread;
        status = ObReferenceObjectByHandle(hThread, SYNCHRONIZE, *PsThreadType, KernelMode, (PVOID*)&thread, nullptr);
        ZwClose(hThread);
        KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, nullptr);
        ObDereferenceObject(thread);
    } while (false);
    if (!NT_SUCCESS(status)) {
        if (linked) IoDeleteSymbolicLink(&symLink);
        if (DeviceObject) IoDeleteDevice(DeviceObject);
    }
    return status;
}

void IdiomUnload(_In_ PDRIVER_OBJECT DriverObject)
{
    while (!IsListEmpty(&g_Globals.ItemsHead)) {
        auto entry = RemoveHeadList(&g_Globals.ItemsHead);
        ExFreePool(CONTAINING_RECORD(entry, FullItem, Entry));
    }
    UNICODE_STRING symLink = RTL_CONSTANT_STRING(L"\\??\\Idiom");
    IoDeleteSymbolicLink(&symLink);
    IoDeleteDevice(DriverObject->DeviceObject);
}

_Use_decl_annotations_
NTSTATUS IdiomCreateClose(PDEVICE_OBJECT, PIRP Irp)
{
    return CompleteIrp(Irp);
}

NTSTATUS IdiomRead(PDEVICE_OBJECT, PIRP Irp)
{
    auto stack = IoGetCurrentIrpStackLocation(Irp);
    auto len = stack->Parameters.Read.Length;
    if (len == 0) return CompleteIrp(Irp, STATUS_INVALID_BUFFER_SIZE);
    NT_ASSERT(Irp->MdlAddress);
    auto buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    if (!buffer) return CompleteIrp(Irp, STATUS_INSUFFICIENT_RESOURCES);
    memset(buffer, 0, len);
    InterlockedAdd64(&g_TotalRead, len);
    return CompleteIrp(Irp, STATUS_SUCCESS, len);
}

NTSTATUS IdiomDeviceControl(PDEVICE_OBJECT, PIRP Irp)
{
    auto irpSp = IoGetCurrentIrpStackLocation(Irp);
    auto& dic = irpSp->Parameters.DeviceIoControl;
    auto status = STATUS_INVALID_DEVICE_REQUEST;
    ULONG_PTR len = 0;
    switch (dic.IoControlCode) {
        case IOCTL_IDIOM_GET: {
            if (dic.OutputBufferLength < sizeof(Stats) || dic.InputBufferLength > 0) { status = STATUS_BUFFER_TOO_SMALL; break; }
            auto stats = static_cast<Stats*>(Irp->AssociatedIrp.SystemBuffer);
            stats->TotalRead = g_TotalRead;
            len = sizeof(Stats);
            status = STATUS_SUCCESS;
            break;
        }
    }
    return CompleteIrp(Irp, status, len);
}
