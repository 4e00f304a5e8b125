/*
 * kmtreg.h - keys for tests: opened, made and thrown away with less writing. A test works below a
 * key of its own, \Registry\Machine\SOFTWARE\<name>, which KmtDeleteTree takes away again.
 */
#ifndef _KMTREG_H_
#define _KMTREG_H_

#include "kmt.h"

#define KMT_SOFTWARE L"\\Registry\\Machine\\SOFTWARE\\"

static inline NTSTATUS KmtCreateKeyEx(PHANDLE Key, HANDLE Root, PCWSTR Name, ACCESS_MASK Access,
                                      ULONG Options, PULONG Disposition)
{
    UNICODE_STRING String;
    OBJECT_ATTRIBUTES Attributes;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Root,
                               NULL);
    *Key = NULL;
    return ZwCreateKey(Key, Access, &Attributes, 0, NULL, Options, Disposition);
}

static inline NTSTATUS KmtCreateKey(PHANDLE Key, HANDLE Root, PCWSTR Name)
{
    return KmtCreateKeyEx(Key, Root, Name, KEY_ALL_ACCESS, 0, NULL);
}

static inline NTSTATUS KmtOpenKeyEx(PHANDLE Key, HANDLE Root, PCWSTR Name, ACCESS_MASK Access,
                                    ULONG Options)
{
    UNICODE_STRING String;
    OBJECT_ATTRIBUTES Attributes;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Root,
                               NULL);
    *Key = NULL;
    return ZwOpenKeyEx(Key, Access, &Attributes, Options);
}

static inline NTSTATUS KmtOpenKey(PHANDLE Key, HANDLE Root, PCWSTR Name)
{
    return KmtOpenKeyEx(Key, Root, Name, KEY_ALL_ACCESS, 0);
}

static inline NTSTATUS KmtSetValue(HANDLE Key, PCWSTR Name, ULONG Type, const VOID *Data,
                                   ULONG Size)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    return ZwSetValueKey(Key, &String, 0, Type, (PVOID)(ULONG_PTR)Data, Size);
}

static inline NTSTATUS KmtSetUlong(HANDLE Key, PCWSTR Name, ULONG Value)
{
    return KmtSetValue(Key, Name, REG_DWORD, &Value, sizeof(Value));
}

/* A value's first four bytes; MAXULONG: there is no such value. */
static inline ULONG KmtQueryUlong(HANDLE Key, PCWSTR Name)
{
    UNICODE_STRING String;
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Header;
        ULONG Rest;
    } Buffer;
    ULONG Length;

    RtlInitUnicodeString(&String, Name);
    return NT_SUCCESS(ZwQueryValueKey(Key, &String, KeyValuePartialInformation, &Buffer,
                                      sizeof(Buffer), &Length))
               ? *(ULONG *)(PVOID)Buffer.Header.Data
               : MAXULONG;
}

static inline NTSTATUS KmtDeleteValue(HANDLE Key, PCWSTR Name)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    return ZwDeleteValueKey(Key, &String);
}

/* Deletes a key with all below it, and closes it. */
static inline VOID KmtDeleteTree(HANDLE Key)
{
    struct {
        KEY_BASIC_INFORMATION Header;
        WCHAR Rest[256];
    } Buffer;
    HANDLE Child;
    ULONG Length;

    while (
        NT_SUCCESS(ZwEnumerateKey(Key, 0, KeyBasicInformation, &Buffer, sizeof(Buffer), &Length))) {
        Buffer.Header.Name[Buffer.Header.NameLength / sizeof(WCHAR)] = 0;
        if (!NT_SUCCESS(KmtOpenKeyEx(&Child, Key, Buffer.Header.Name, KEY_ALL_ACCESS,
                                     REG_OPTION_OPEN_LINK))) {
            break;
        }
        KmtDeleteTree(Child);
    }
    ZwDeleteKey(Key);
    ZwClose(Key);
}

#endif
