/* STOP: 0x000000FC ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY
 * Promise: executing data is stopped. */
#include "kmt.h"

static UCHAR Data[16] = {0xC3}; /* ret */

static VOID KmtRun(VOID)
{
    ((VOID(NTAPI *)(VOID))(ULONG_PTR)Data)();
}
