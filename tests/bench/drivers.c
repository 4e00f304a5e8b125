/*
 * Measures: loading and unloading a driver, and finding a routine of the kernel by its name.
 *
 * The driver is the boot disk's tests/exparith.sys, of a few KB, whose DriverEntry does nothing.
 */
#include "bench.h"

static UNICODE_STRING Path =
    RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\benchtarget");

static VOID SetValue(HANDLE Key, PCWSTR Name, ULONG Type, PVOID Data, ULONG Size)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    ZwSetValueKey(Key, &String, 0, Type, Data, Size);
}

static HANDLE CreateService(VOID)
{
    static WCHAR Image[] = L"\\SystemRoot\\tests\\exparith.sys";
    ULONG Type = SERVICE_KERNEL_DRIVER;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key = NULL;

    InitializeObjectAttributes(&Attributes, &Path, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL))) {
        SetValue(Key, L"Type", REG_DWORD, &Type, sizeof(Type));
        SetValue(Key, L"ImagePath", REG_EXPAND_SZ, Image, sizeof(Image));
    }
    return Key;
}

static VOID BenchRun(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"KeWaitForSingleObject");
    HANDLE Key = CreateService();
    ULONG Failures = 0;

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        Failures += !NT_SUCCESS(ZwLoadDriver(&Path));
        Failures += !NT_SUCCESS(ZwUnloadDriver(&Path));
        BenchStop();
    }
    if (Failures == 0) {
        BenchReport("driver_load");
    }
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        Failures += MmGetSystemRoutineAddress(&Name) == NULL;
        BenchStop();
    }
    BenchReport("routine_address");
    ZwDeleteKey(Key);
    ZwClose(Key);
}
