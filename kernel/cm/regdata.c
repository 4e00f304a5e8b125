/*
 * regdata.c - data of values from what people type.
 */
#include "reg.h"

static NTSTATUS CmpAllocateData(ULONG Size, PVOID *Data)
{
    *Data = ExAllocatePool2(POOL_FLAG_PAGED, max(Size, 1), CMP_TAG);
    return *Data != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Text in UTF-16 with a terminator, and room for another. */
static NTSTATUS CmpParseText(const char *Text, PVOID *Data, PULONG Size)
{
    ANSI_STRING From;
    UNICODE_STRING To;
    NTSTATUS Status;

    RtlInitAnsiString(&From, Text);
    *Size = RtlAnsiStringToUnicodeSize(&From);
    Status = CmpAllocateData(*Size + sizeof(WCHAR), Data);
    if (NT_SUCCESS(Status)) {
        To = (UNICODE_STRING){0, (USHORT)*Size, *Data};
        Status = RtlAnsiStringToUnicodeString(&To, &From, FALSE);
        *Size = To.Length + (ULONG)sizeof(WCHAR);
    }
    return Status;
}

/* Strings with \0 between them; the list ends with an empty one. */
static NTSTATUS CmpParseList(const char *Text, PVOID *Data, PULONG Size)
{
    NTSTATUS Status = CmpParseText(Text, Data, Size);
    PWCH List = *Data;
    ULONG Kept = 0;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (ULONG i = 0; List[i] != 0; i++) {
        BOOLEAN Separator = List[i] == '\\' && List[i + 1] == '0';
        List[Kept++] = Separator ? 0 : List[i];
        i += Separator;
    }
    if (Kept != 0 && List[Kept - 1] != 0) {
        List[Kept++] = 0;
    }
    List[Kept++] = 0;
    *Size = Kept * (ULONG)sizeof(WCHAR);
    return Status;
}

static NTSTATUS CmpParseNumber(const char *Text, ULONG Bytes, PVOID *Data, PULONG Size)
{
    ULONG64 Number;
    NTSTATUS Status;

    if (!KdParseNumber(Text, &Number) || (Bytes == sizeof(ULONG) && Number > MAXULONG)) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = CmpAllocateData(Bytes, Data);
    if (NT_SUCCESS(Status)) {
        RtlCopyMemory(*Data, &Number, Bytes);
        *Size = Bytes;
    }
    return Status;
}

static LONG CmpDigit(char Character)
{
    Character = (char)tolower(Character);
    if (Character >= '0' && Character <= '9') {
        return Character - '0';
    }
    return Character >= 'a' && Character <= 'f' ? Character - 'a' + 10 : -1;
}

/* Two digits a byte, one after another. */
static NTSTATUS CmpParseBytes(const char *Text, PVOID *Data, PULONG Size)
{
    SIZE_T Length = strlen(Text);
    NTSTATUS Status;

    for (SIZE_T i = 0; i < Length; i++) {
        if (CmpDigit(Text[i]) < 0) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    if (Length % 2 != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    *Size = (ULONG)(Length / 2);
    Status = CmpAllocateData(*Size, Data);
    for (ULONG i = 0; NT_SUCCESS(Status) && i < *Size; i++) {
        ((PUCHAR)*Data)[i] = (UCHAR)(CmpDigit(Text[2 * i]) << 4 | CmpDigit(Text[2 * i + 1]));
    }
    return Status;
}

NTSTATUS CmpParseData(ULONG Type, const char *Text, PVOID *Data, PULONG Size)
{
    switch (Type) {
    case REG_SZ:
    case REG_EXPAND_SZ:
    case REG_LINK:
        return CmpParseText(Text, Data, Size);
    case REG_MULTI_SZ:
        return CmpParseList(Text, Data, Size);
    case REG_DWORD:
    case REG_QWORD:
        return CmpParseNumber(*Text != 0 ? Text : "0",
                              Type == REG_DWORD ? sizeof(ULONG) : sizeof(ULONG64), Data, Size);
    default:
        return CmpParseBytes(Text, Data, Size);
    }
}
