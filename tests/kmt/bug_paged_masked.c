/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * MACHINE: debug=1 cmdline=pageable=1
 * SAYS: 0x00000000000000FF
 * SAYS: this is paged pool: it may be on disk
 * Promise: nor is it there while interrupts are off. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    volatile LONG *Block = ExAllocatePool2(POOL_FLAG_PAGED, 100, 0x74736554);
    __asm__ volatile("cli");
    Block[10] = 2;
    DbgPrint("never reached\n");
}
