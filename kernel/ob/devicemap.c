/*
 * devicemap.c - what \?? means.
 *
 * \?? is not a directory but a question: first the process's own directory of device names is
 * looked at, then \GLOBAL??, which all processes share. So a user can have a drive letter that
 * nobody else sees. A process that has no directory of its own, as System, has \GLOBAL??. New names
 * under \?? go to the first. The root's link \??, which winobj shows, is never followed for a path
 * that begins with it. OBJ_IGNORE_IMPERSONATED_DEVICEMAP asks for the process's map when the thread
 * impersonates; no thread does.
 *
 * KPROCESS.DeviceDirectory is guarded by the namespace lock and holds a reference.
 */
#include "obp.h"

POBJECT_DIRECTORY ObpGlobalDirectory; /* i  permanent */

static const UNICODE_STRING ObpGlobalPath = RTL_CONSTANT_STRING(L"\\GLOBAL??");

void ObpInitializeDeviceMaps(void)
{
    UNICODE_STRING Path = ObpGlobalPath;
    NTSTATUS Status = ObReferenceObjectByName(&Path, 0, NULL, 0, ObpDirectoryType, KernelMode, NULL,
                                              (PVOID *)&ObpGlobalDirectory);
    KI_ASSERT(NT_SUCCESS(Status));
}

/* Length of the \?? that a path begins with, 0 if it begins otherwise. */
USHORT ObpMatchDevicePrefix(PCUNICODE_STRING Path)
{
    static const USHORT Length = 3 * sizeof(WCHAR);
    PWCH Text = Path->Buffer;
    if (Path->Length < Length || Text[0] != L'\\' || Text[1] != L'?' || Text[2] != L'?') {
        return 0;
    }
    return Path->Length == Length || Text[3] == L'\\' ? Length : 0;
}

POBJECT_DIRECTORY ObpReferenceDeviceDirectory(void)
{
    ExAcquireFastMutex(&ObpNamespaceLock);
    POBJECT_DIRECTORY Directory = PsGetCurrentProcess()->DeviceDirectory;
    if (Directory == NULL) {
        Directory = ObpGlobalDirectory;
    }
    ObfReferenceObject(Directory);
    ExReleaseFastMutex(&ObpNamespaceLock);
    return Directory;
}

NTSTATUS ObSetDeviceDirectory(PEPROCESS Process, HANDLE DirectoryHandle)
{
    POBJECT_DIRECTORY New, Old;
    NTSTATUS Status = ObReferenceObjectByHandle(DirectoryHandle, DIRECTORY_TRAVERSE,
                                                ObpDirectoryType, KernelMode, (PVOID *)&New, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (New == ObpGlobalDirectory) {
        ObfDereferenceObject(New);
        New = NULL;
    }
    ExAcquireFastMutex(&ObpNamespaceLock);
    Old = Process->DeviceDirectory;
    Process->DeviceDirectory = New;
    ExReleaseFastMutex(&ObpNamespaceLock);
    if (Old != NULL) {
        ObfDereferenceObject(Old);
    }
    return STATUS_SUCCESS;
}
