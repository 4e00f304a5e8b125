/* STOP: 0x0000001A MEMORY_MANAGEMENT
 * SAYS: 0x0000000000001010
 * Promise: a pageable section is not unlocked more often than locked. */
#include "kmt.h"

__attribute__((section("PAGE"), noinline)) static VOID Paged(VOID)
{
    DbgPrint("paged code\n");
}

static VOID KmtRun(VOID)
{
    PVOID Handle = MmLockPagableCodeSection(Paged);
    Paged();
    MmUnlockPagableImageSection(Handle);
    MmUnlockPagableImageSection(Handle);
}
