/*
 * regprint.c - values as text: as reg.exe shows them, and as REGEDIT files have them. Data that do
 * not have the form that their type promises are shown as bytes.
 */
#include "reg.h"

#define EXPORT_COLUMNS 76

static const char *const CmpTypeNames[] = {"REG_NONE",
                                           "REG_SZ",
                                           "REG_EXPAND_SZ",
                                           "REG_BINARY",
                                           "REG_DWORD",
                                           "REG_DWORD_BIG_ENDIAN",
                                           "REG_LINK",
                                           "REG_MULTI_SZ",
                                           "REG_RESOURCE_LIST",
                                           "REG_FULL_RESOURCE_DESCRIPTOR",
                                           "REG_RESOURCE_REQUIREMENTS_LIST",
                                           "REG_QWORD"};

BOOLEAN CmpParseType(const char *Name, PULONG Type)
{
    for (*Type = 0; *Type < ARRAYSIZE(CmpTypeNames); ++*Type) {
        if (_stricmp(Name, CmpTypeNames[*Type]) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The data as text without its terminator. FALSE: it is none. */
static BOOLEAN CmpTextOf(PKEY_VALUE_FULL_INFORMATION Value, PUNICODE_STRING Text)
{
    PWCH Data = (PWCH)(PVOID)((PUCHAR)Value + Value->DataOffset);
    ULONG Length = Value->DataLength;

    if (Length == 0) {
        *Text = (UNICODE_STRING){0, 0, NULL};
        return TRUE;
    }
    if ((Length & 1) != 0 || Length > UNICODE_STRING_MAX_BYTES) {
        return FALSE;
    }
    if (Data[Length / sizeof(WCHAR) - 1] == 0) {
        Length -= sizeof(WCHAR);
    }
    *Text = (UNICODE_STRING){(USHORT)Length, (USHORT)Length, Data};
    return TRUE;
}

static void CmpPrintBytes(PKD_CONSOLE Console, const UCHAR *Data, ULONG Size)
{
    for (ULONG i = 0; i < Size; i++) {
        KdConsolePrint(Console, "%02X", Data[i]);
    }
}

/* Strings with \0 between them, as they are typed. */
static void CmpPrintList(PKD_CONSOLE Console, PCUNICODE_STRING List)
{
    PWCH At = List->Buffer, End = At + List->Length / sizeof(WCHAR);
    BOOLEAN First = TRUE;

    while (At < End && *At != 0) {
        PWCH Start = At;
        while (At < End && *At != 0) {
            At++;
        }
        UNICODE_STRING Piece = {(USHORT)((At - Start) * sizeof(WCHAR)), 0, Start};
        KdConsolePrint(Console, "%s%wZ", First ? "" : "\\0", &Piece);
        First = FALSE;
        At++;
    }
}

static void CmpPrintData(PKD_CONSOLE Console, PKEY_VALUE_FULL_INFORMATION Value)
{
    const UCHAR *Data = (const UCHAR *)Value + (Value->DataLength != 0 ? Value->DataOffset : 0);
    UNICODE_STRING Text;
    ULONG64 Number = 0;

    switch (Value->Type) {
    case REG_SZ:
    case REG_EXPAND_SZ:
    case REG_LINK:
        if (CmpTextOf(Value, &Text)) {
            KdConsolePrint(Console, "%wZ", &Text);
            return;
        }
        break;
    case REG_MULTI_SZ:
        if (CmpTextOf(Value, &Text)) {
            CmpPrintList(Console, &Text);
            return;
        }
        break;
    case REG_DWORD:
    case REG_QWORD:
        if (Value->DataLength == (Value->Type == REG_DWORD ? sizeof(ULONG) : sizeof(ULONG64))) {
            RtlCopyMemory(&Number, Data, Value->DataLength);
            KdConsolePrint(Console, "0x%llx", Number);
            return;
        }
        break;
    }
    CmpPrintBytes(Console, Data, Value->DataLength);
}

void CmpPrintValue(PKD_CONSOLE Console, PKEY_VALUE_FULL_INFORMATION Value)
{
    UNICODE_STRING Name = {(USHORT)Value->NameLength, (USHORT)Value->NameLength, Value->Name};

    if (Name.Length == 0) {
        KdConsolePrint(Console, "    (Default)    ");
    } else {
        KdConsolePrint(Console, "    %wZ    ", &Name);
    }
    if (Value->Type < ARRAYSIZE(CmpTypeNames)) {
        KdConsolePrint(Console, "%s    ", CmpTypeNames[Value->Type]);
    } else {
        KdConsolePrint(Console, "0x%x    ", Value->Type);
    }
    CmpPrintData(Console, Value);
    KdConsolePrint(Console, "\n");
}

/*** REGEDIT text ***/

/* In quotes, with \\ and \" inside. */
static void CmpExportText(PKD_CONSOLE Console, PCUNICODE_STRING Text)
{
    PWCH Start = Text->Buffer, End = Start + Text->Length / sizeof(WCHAR);

    KdConsolePrint(Console, "\"");
    for (PWCH At = Start; At <= End; At++) {
        if (At != End && *At != '"' && *At != '\\') {
            continue;
        }
        UNICODE_STRING Piece = {(USHORT)((At - Start) * sizeof(WCHAR)), 0, Start};
        KdConsolePrint(Console, "%wZ%s", &Piece, At != End ? "\\" : "");
        Start = At;
    }
    KdConsolePrint(Console, "\"");
}

/* A text that comes back the same when it is read: of one line, and with its one terminator. */
static BOOLEAN CmpIsPlainText(PKEY_VALUE_FULL_INFORMATION Value, PUNICODE_STRING Text)
{
    if (Value->Type != REG_SZ || Value->DataLength == 0 || !CmpTextOf(Value, Text) ||
        Text->Length + sizeof(WCHAR) != Value->DataLength) {
        return FALSE;
    }
    for (ULONG i = 0; i < Text->Length / sizeof(WCHAR); i++) {
        if (Text->Buffer[i] < ' ') {
            return FALSE;
        }
    }
    return TRUE;
}

static void CmpExportBytes(PKD_CONSOLE Console, PKEY_VALUE_FULL_INFORMATION Value, ULONG Column)
{
    const UCHAR *Data = (const UCHAR *)Value + (Value->DataLength != 0 ? Value->DataOffset : 0);

    if (Value->Type == REG_BINARY) {
        KdConsolePrint(Console, "hex:");
    } else {
        KdConsolePrint(Console, "hex(%x):", Value->Type);
    }
    Column += 7;
    for (ULONG i = 0; i < Value->DataLength; i++) {
        KdConsolePrint(Console, "%02x%s", Data[i], i + 1 < Value->DataLength ? "," : "");
        Column += 3;
        if (Column > EXPORT_COLUMNS && i + 1 < Value->DataLength) {
            KdConsolePrint(Console, "\\\n  ");
            Column = 2;
        }
    }
}

void CmpExportValue(PKD_CONSOLE Console, PKEY_VALUE_FULL_INFORMATION Value)
{
    UNICODE_STRING Name = {(USHORT)Value->NameLength, (USHORT)Value->NameLength, Value->Name}, Text;
    ULONG Number;

    if (Name.Length == 0) {
        KdConsolePrint(Console, "@");
    } else {
        CmpExportText(Console, &Name);
    }
    KdConsolePrint(Console, "=");
    if (CmpIsPlainText(Value, &Text)) {
        CmpExportText(Console, &Text);
    } else if (Value->Type == REG_DWORD && Value->DataLength == sizeof(Number)) {
        RtlCopyMemory(&Number, (PUCHAR)Value + Value->DataOffset, sizeof(Number));
        KdConsolePrint(Console, "dword:%08x", Number);
    } else {
        CmpExportBytes(Console, Value, Name.Length / (ULONG)sizeof(WCHAR) + 3);
    }
    KdConsolePrint(Console, "\n");
}
