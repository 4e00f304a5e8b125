/*
 * share.c - share access.
 *
 * A file's owner counts its opens in a SHARE_ACCESS: how many there are, how many of them read,
 * write or delete, and how many let others do so. A new open that reads, say, goes with the others
 * if all of them share reading (SharedRead == OpenCount), and if it shares whatever the others do.
 * The owner's lock guards the counts and what is noted in the file object.
 */
#include "iop.h"

#define IOP_READ_RIGHTS (FILE_READ_DATA | FILE_EXECUTE)
#define IOP_WRITE_DATA_RIGHTS (FILE_WRITE_DATA | FILE_APPEND_DATA)

/* FALSE: the open touches no data, and goes with everything. */
static BOOLEAN IopNoteAccess(PFILE_OBJECT File, ACCESS_MASK Access, ULONG Share)
{
    File->ReadAccess = (Access & IOP_READ_RIGHTS) != 0;
    File->WriteAccess = (Access & IOP_WRITE_DATA_RIGHTS) != 0;
    File->DeleteAccess = (Access & DELETE) != 0;
    if (!File->ReadAccess && !File->WriteAccess && !File->DeleteAccess) {
        return FALSE;
    }
    File->SharedRead = (Share & FILE_SHARE_READ) != 0;
    File->SharedWrite = (Share & FILE_SHARE_WRITE) != 0;
    File->SharedDelete = (Share & FILE_SHARE_DELETE) != 0;
    return TRUE;
}

static BOOLEAN IopIsCounted(PFILE_OBJECT File)
{
    return File->ReadAccess || File->WriteAccess || File->DeleteAccess;
}

VOID NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                            PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    RtlZeroMemory(ShareAccess, sizeof(*ShareAccess));
    IopNoteAccess(FileObject, DesiredAccess, DesiredShareAccess);
    IoUpdateShareAccess(FileObject, ShareAccess);
}

NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                  PFILE_OBJECT File, PSHARE_ACCESS Share, BOOLEAN Update)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (!IopNoteAccess(File, DesiredAccess, DesiredShareAccess)) {
        return STATUS_SUCCESS;
    }
    ULONG Opens = Share->OpenCount;
    if ((File->ReadAccess && Share->SharedRead < Opens) ||
        (File->WriteAccess && Share->SharedWrite < Opens) ||
        (File->DeleteAccess && Share->SharedDelete < Opens) ||
        (Share->Readers != 0 && !File->SharedRead) || (Share->Writers != 0 && !File->SharedWrite) ||
        (Share->Deleters != 0 && !File->SharedDelete)) {
        return STATUS_SHARING_VIOLATION;
    }
    if (Update) {
        IoUpdateShareAccess(File, Share);
    }
    return STATUS_SUCCESS;
}

VOID NTAPI IoUpdateShareAccess(PFILE_OBJECT File, PSHARE_ACCESS Share)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (IopIsCounted(File)) {
        Share->OpenCount++;
        Share->Readers += File->ReadAccess;
        Share->Writers += File->WriteAccess;
        Share->Deleters += File->DeleteAccess;
        Share->SharedRead += File->SharedRead;
        Share->SharedWrite += File->SharedWrite;
        Share->SharedDelete += File->SharedDelete;
    }
}

VOID NTAPI IoRemoveShareAccess(PFILE_OBJECT File, PSHARE_ACCESS Share)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (IopIsCounted(File)) {
        KI_ASSERT(Share->OpenCount > 0);
        Share->OpenCount--;
        Share->Readers -= File->ReadAccess;
        Share->Writers -= File->WriteAccess;
        Share->Deleters -= File->DeleteAccess;
        Share->SharedRead -= File->SharedRead;
        Share->SharedWrite -= File->SharedWrite;
        Share->SharedDelete -= File->SharedDelete;
    }
}
