/*
 * flush.c - from memory to the registry's disk. No driver for a disk is known yet, so all of the registry
 * lives in memory.
 */
#include "cmp.h"

void CmpNoteChange(void) {}

NTSTATUS CmpFlush(void)
{
    return STATUS_SUCCESS;
}
