/* STOP: 0x00000093 INVALID_KERNEL_HANDLE
 * MACHINE: debug=1
 * Promise: a driver that closes a protected kernel handle is told; the second parameter, 0, says
 * that the handle is one. */
#include "kmtob.h"

static VOID KmtRun(VOID)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {FALSE, TRUE};
    HANDLE Handle;

    ObMakeEvent(&Handle, NULL, NULL, OBJ_KERNEL_HANDLE);
    ObSetHandleAttributes(Handle, &Flags, KernelMode);
    ZwClose(Handle);
}
