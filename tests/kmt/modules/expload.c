/*
 * An export driver whose DllInitialize loads a driver, expmiddle, whose DriverEntry loads another,
 * exparith; and tries one that imports from here. DllUnload unloads the two.
 */
#include "expservices.h"

static const UNICODE_STRING Outer = RTL_CONSTANT_STRING(EXP_SERVICES L"\\kmt_expmiddle");
static const UNICODE_STRING Inner = RTL_CONSTANT_STRING(EXP_SERVICES L"\\kmt_expinner");
static const UNICODE_STRING Back = RTL_CONSTANT_STRING(EXP_SERVICES L"\\kmt_expback");
static NTSTATUS Answers[3];

VOID NTAPI LoadAnswers(PNTSTATUS Loaded, PNTSTATUS Again, PNTSTATUS Circle)
{
    *Loaded = Answers[0];
    *Again = Answers[1];
    *Circle = Answers[2];
}

static VOID MakeService(const UNICODE_STRING *Path, PCWSTR Image)
{
    UNICODE_STRING Value = RTL_CONSTANT_STRING(L"ImagePath");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;
    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)Path,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (NT_SUCCESS(
            ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, REG_OPTION_VOLATILE, NULL))) {
        ZwSetValueKey(Key, &Value, 0, REG_EXPAND_SZ, (PVOID)Image,
                      (ULONG)(wcslen(Image) + 1) * sizeof(WCHAR));
        ZwClose(Key);
    }
}

static VOID DeleteService(const UNICODE_STRING *Path)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;
    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)Path,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenKey(&Key, KEY_ALL_ACCESS, &Attributes))) {
        ZwDeleteKey(Key);
        ZwClose(Key);
    }
}

NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    MakeService(&Outer, L"\\SystemRoot\\tests\\expmiddle.sys");
    MakeService(&Inner, L"\\SystemRoot\\tests\\exparith.sys");
    MakeService(&Back, L"\\SystemRoot\\tests\\dllload.sys");
    Answers[0] = ZwLoadDriver((PUNICODE_STRING)&Outer);
    Answers[1] = ZwLoadDriver((PUNICODE_STRING)&Inner);
    Answers[2] = ZwLoadDriver((PUNICODE_STRING)&Back);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DllUnload(VOID)
{
    ZwUnloadDriver((PUNICODE_STRING)&Outer);
    ZwUnloadDriver((PUNICODE_STRING)&Inner);
    DeleteService(&Outer);
    DeleteService(&Inner);
    DeleteService(&Back);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_UNSUCCESSFUL;
}
