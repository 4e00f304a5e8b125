/*
 * regpath.c - keys' paths as people write them, with Win32's names of the roots, and as the kernel
 * does.
 */
#include "reg.h"

/* The first of each root's names is the one that is shown. */
static const struct {
    UNICODE_STRING Name, Path;
} CmpRoots[] = {
    {RTL_CONSTANT_STRING(L"HKEY_LOCAL_MACHINE"), RTL_CONSTANT_STRING(L"\\Registry\\Machine")},
    {RTL_CONSTANT_STRING(L"HKLM"), RTL_CONSTANT_STRING(L"\\Registry\\Machine")},
    {RTL_CONSTANT_STRING(L"HKEY_USERS"), RTL_CONSTANT_STRING(L"\\Registry\\User")},
    {RTL_CONSTANT_STRING(L"HKU"), RTL_CONSTANT_STRING(L"\\Registry\\User")},
};

/* Puts New in the place of Old at the beginning of Path. A name ends where a backslash or the path
 * does: HKLMX is none of them. FALSE: Path does not begin so. */
static BOOLEAN CmpReplaceRoot(PCUNICODE_STRING Path, PCUNICODE_STRING Old, PCUNICODE_STRING New,
                              PUNICODE_STRING To, NTSTATUS *Status)
{
    UNICODE_STRING Rest = *Path;

    if (!RtlPrefixUnicodeString(Old, Path, TRUE)) {
        return FALSE;
    }
    Rest.Buffer += Old->Length / sizeof(WCHAR);
    Rest.Length = (USHORT)(Rest.Length - Old->Length);
    if (Rest.Length != 0 && Rest.Buffer[0] != '\\') {
        return FALSE;
    }
    RtlCopyUnicodeString(To, New);
    *Status = RtlAppendUnicodeStringToString(To, &Rest);
    return TRUE;
}

NTSTATUS CmpTranslatePath(PCUNICODE_STRING Written, PUNICODE_STRING Path)
{
    NTSTATUS Status;

    for (ULONG i = 0; i < ARRAYSIZE(CmpRoots); i++) {
        if (CmpReplaceRoot(Written, &CmpRoots[i].Name, &CmpRoots[i].Path, Path, &Status)) {
            return Status;
        }
    }
    return STATUS_OBJECT_PATH_SYNTAX_BAD;
}

NTSTATUS CmpShowPath(PCUNICODE_STRING Path, PUNICODE_STRING Shown)
{
    NTSTATUS Status;

    for (ULONG i = 0; i < ARRAYSIZE(CmpRoots); i++) {
        if (CmpReplaceRoot(Path, &CmpRoots[i].Path, &CmpRoots[i].Name, Shown, &Status)) {
            return Status;
        }
    }
    return STATUS_OBJECT_PATH_SYNTAX_BAD;
}
