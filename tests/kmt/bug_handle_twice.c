/* STOP: 0x00000093 INVALID_KERNEL_HANDLE
 * MACHINE: debug=1
 * Promise: a driver that closes a kernel handle twice is told, as on Windows under a debugger. */
#include "kmtob.h"

static VOID KmtRun(VOID)
{
    HANDLE Handle;

    ObMakeEvent(&Handle, NULL, NULL, OBJ_KERNEL_HANDLE);
    ZwClose(Handle);
    ZwClose(Handle);
}
