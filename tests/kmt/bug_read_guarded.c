/* STOP: 0x0000004A IRQL_GT_ZERO_AT_SYSTEM_SERVICE
 * Promise: a file service in a guarded region, where its completion could not arrive, is
 * stopped. */
#include "kmtdevice.h"

static VOID KmtRun(VOID)
{
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    UCHAR Byte;
    KmtOpen(&Handle, L"\\SystemRoot\\tests\\bug_read_guarded.sys", FILE_READ_DATA | SYNCHRONIZE,
            FILE_SYNCHRONOUS_IO_NONALERT);
    KeEnterGuardedRegion();
    ZwReadFile(Handle, NULL, NULL, NULL, &Iosb, &Byte, 1, NULL, NULL);
    DbgPrint("never reached\n");
}
