/* STOP: 0x00000005 INVALID_PROCESS_ATTACH_ATTEMPT
 * Promise: KeAttachProcess does not nest. */
#include "kmtprocess.h"

static VOID KmtRun(VOID)
{
    KeAttachProcess(KmtMakeProcess());
    KeAttachProcess(KmtMakeProcess());
    DbgPrint("never reached\n");
}
