/*
 * Promise: ZwLoadDriver and ZwUnloadDriver load and unload the driver of a service's key; a second
 * load or unload, a key that is none of a service, and paths that are none get the documented
 * statuses; an open device delays the unload; and threads that all load and unload one driver at
 * once leave it loaded once or not at all.
 * ALONE: it unloads beep, which a player that has played has open
 */
#include "kmtdevice.h"

#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"
#define THREADS 8
#define ROUNDS 12

static UNICODE_STRING Target = RTL_CONSTANT_STRING(SERVICES L"\\kmt_target");

static NTSTATUS SetValue(HANDLE Key, PCWSTR Name, ULONG Type, PVOID Data, ULONG Size)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    return ZwSetValueKey(Key, &String, 0, Type, Data, Size);
}

static HANDLE CreateService(PUNICODE_STRING Path, PCWSTR Image, ULONG Size)
{
    OBJECT_ATTRIBUTES Attributes;
    ULONG Type = SERVICE_KERNEL_DRIVER, Start = SERVICE_DEMAND_START;
    HANDLE Key = NULL;
    InitializeObjectAttributes(&Attributes, Path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    if (NT_SUCCESS(ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL))) {
        SetValue(Key, L"Type", REG_DWORD, &Type, sizeof(Type));
        SetValue(Key, L"Start", REG_DWORD, &Start, sizeof(Start));
        SetValue(Key, L"ImagePath", REG_EXPAND_SZ, (PVOID)Image, Size);
    }
    return Key;
}

static VOID TestPaths(VOID)
{
    static WCHAR Long[300];
    UNICODE_STRING Missing = RTL_CONSTANT_STRING(SERVICES L"\\kmt_nobody");
    UNICODE_STRING Elsewhere = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System");
    UNICODE_STRING Services = RTL_CONSTANT_STRING(SERVICES);
    UNICODE_STRING Slash = RTL_CONSTANT_STRING(SERVICES L"\\");
    UNICODE_STRING File = RTL_CONSTANT_STRING(L"\\??\\c:\\tests\\exparith.sys");
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"kmt_target");
    UNICODE_STRING Empty = {0, 0, NULL};
    UNICODE_STRING Odd = {Target.Length - 1, Target.Length, Target.Buffer};
    UNICODE_STRING TooLong = {sizeof(Long), sizeof(Long), Long};
    for (ULONG i = 0; i < ARRAYSIZE(Long); i++) {
        Long[i] = i < Slash.Length / sizeof(WCHAR) ? Slash.Buffer[i] : L'x';
    }
    KMT_EQUAL(ZwLoadDriver(&Missing), STATUS_OBJECT_NAME_NOT_FOUND, "load: no such key");
    KMT_EQUAL(ZwUnloadDriver(&Missing), STATUS_OBJECT_NAME_NOT_FOUND, "unload: no such key");
    KMT_EQUAL(ZwLoadDriver(&Elsewhere), STATUS_ILL_FORMED_SERVICE_ENTRY, "a key elsewhere");
    KMT_EQUAL(ZwUnloadDriver(&Services), STATUS_ILL_FORMED_SERVICE_ENTRY, "the services' own key");
    KMT_CHECK(!NT_SUCCESS(ZwLoadDriver(&Slash)), "no name behind the last backslash");
    KMT_CHECK(!NT_SUCCESS(ZwLoadDriver(&File)), "a file's path");
    KMT_CHECK(!NT_SUCCESS(ZwLoadDriver(&Name)), "a bare name");
    KMT_CHECK(!NT_SUCCESS(ZwLoadDriver(&TooLong)), "a name that no key can have");
    KMT_EQUAL(ZwLoadDriver(&Empty), STATUS_INVALID_PARAMETER, "an empty path");
    KMT_EQUAL(ZwLoadDriver(&Odd), STATUS_INVALID_PARAMETER, "half a character");
    KMT_EQUAL(ZwLoadDriver(NULL), STATUS_INVALID_PARAMETER, "NULL");
    KMT_EQUAL(ZwUnloadDriver(NULL), STATUS_INVALID_PARAMETER, "NULL, to unload");
}

static VOID TestLife(VOID)
{
    KMT_EQUAL(ZwUnloadDriver(&Target), STATUS_OBJECT_NAME_NOT_FOUND, "not loaded yet");
    KMT_EQUAL(ZwLoadDriver(&Target), STATUS_SUCCESS, "loaded");
    KMT_EQUAL(ZwLoadDriver(&Target), STATUS_IMAGE_ALREADY_LOADED, "not twice");
    KMT_EQUAL(ZwUnloadDriver(&Target), STATUS_SUCCESS, "unloaded");
    KMT_EQUAL(ZwUnloadDriver(&Target), STATUS_OBJECT_NAME_NOT_FOUND, "not twice");
    KMT_EQUAL(ZwUnloadDriver(KmtRegistryPath), STATUS_INVALID_DEVICE_REQUEST,
              "not while it starts");
}

/* The driver with the open device is the beep driver, which is loaded, and loaded again in the end.
 */
static VOID TestPending(VOID)
{
    UNICODE_STRING Beep = RTL_CONSTANT_STRING(SERVICES L"\\beep");
    NTSTATUS Status = STATUS_UNSUCCESSFUL;
    HANDLE Handle, Second;
    KMT_EQUAL(KmtOpen(&Handle, L"\\Device\\Beep", FILE_READ_DATA, 0), STATUS_SUCCESS, "opened");
    KMT_EQUAL(ZwUnloadDriver(&Beep), STATUS_SUCCESS, "the unload is pending");
    KMT_EQUAL(ZwUnloadDriver(&Beep), STATUS_INVALID_DEVICE_REQUEST, "once");
    KMT_EQUAL(ZwLoadDriver(&Beep), STATUS_IMAGE_ALREADY_LOADED, "nor can it be loaded");
    KMT_EQUAL(KmtOpen(&Second, L"\\Device\\Beep", FILE_READ_DATA, 0), STATUS_NO_SUCH_DEVICE,
              "nor opened");
    ZwClose(Handle);
    for (ULONG i = 0; i < 3000 && !NT_SUCCESS(Status); i++) {
        Status = ZwLoadDriver(&Beep);
        KmtSleep(10);
    }
    KMT_EQUAL(Status, STATUS_SUCCESS, "the last close unloaded it");
}

static volatile LONG Loads, Unloads, Strange;

static VOID NTAPI LoadAndUnload(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    for (ULONG i = 0; i < ROUNDS; i++) {
        BOOLEAN Load = KmtRandom(&Seed) & 1;
        NTSTATUS Status = Load ? ZwLoadDriver(&Target) : ZwUnloadDriver(&Target);
        if (NT_SUCCESS(Status)) {
            InterlockedIncrement(Load ? &Loads : &Unloads);
        } else if (Load ? Status != STATUS_IMAGE_ALREADY_LOADED
                        : Status != STATUS_OBJECT_NAME_NOT_FOUND &&
                              Status != STATUS_INVALID_DEVICE_REQUEST) {
            InterlockedIncrement(&Strange);
        }
    }
}

static VOID TestRace(VOID)
{
    PETHREAD Threads[THREADS];
    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(LoadAndUnload, (PVOID)(ULONG_PTR)(0x9E3779B9 * (i + 1)));
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    if (NT_SUCCESS(ZwUnloadDriver(&Target))) {
        InterlockedIncrement(&Unloads);
    }
    KMT_CHECK(Loads > 0, "it was loaded");
    KMT_EQUAL(Loads, Unloads, "as often as it was unloaded");
    KMT_EQUAL(Strange, 0, "with the documented statuses");
}

static VOID KmtRun(VOID)
{
    static WCHAR Image[] = L"\\SystemRoot\\tests\\exparith.sys";
    HANDLE Key = CreateService(&Target, Image, sizeof(Image));
    KMT_CHECK(Key != NULL, "a service");
    TestPaths();
    TestLife();
    TestPending();
    TestRace();
    KMT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS, "the service is deleted");
    ZwClose(Key);
}
