/* queryname.c - the full name of a file: its device's, with its own behind. */
#include "iop.h"

/* Text goes behind what Information tells already, NUL and all; there is room. */
static void IopAppendName(POBJECT_NAME_INFORMATION Information, PCUNICODE_STRING Text)
{
    PUNICODE_STRING Name = &Information->Name;
    if (Name->Buffer == NULL) {
        Name->Buffer = (PWCH)(Information + 1);
    }
    RtlCopyMemory((PUCHAR)Name->Buffer + Name->Length, Text->Buffer, Text->Length);
    Name->Length += Text->Length;
    Name->MaximumLength = Name->Length + sizeof(WCHAR);
    Name->Buffer[Name->Length / sizeof(WCHAR)] = 0;
}

NTSTATUS IopQueryFileName(PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information,
                          ULONG Length, PULONG ReturnLength)
{
    PFILE_OBJECT File = Object;
    UNREFERENCED_PARAMETER(HasName);
    NTSTATUS Status = ObQueryNameString(File->DeviceObject, Information, Length, ReturnLength);
    if (File->FileName.Length == 0) {
        return Status;
    }
    BOOLEAN Nameless = *ReturnLength == sizeof(*Information);
    *ReturnLength += File->FileName.Length + (Nameless ? sizeof(WCHAR) : 0);
    if (*ReturnLength - sizeof(*Information) > MAXUSHORT) {
        return STATUS_NAME_TOO_LONG;
    }
    if (!NT_SUCCESS(Status) || Length < *ReturnLength) {
        return NT_SUCCESS(Status) ? STATUS_INFO_LENGTH_MISMATCH : Status;
    }
    IopAppendName(Information, &File->FileName);
    return STATUS_SUCCESS;
}
