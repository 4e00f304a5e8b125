/* STOP: 0x0000001E KMODE_EXCEPTION_NOT_HANDLED
 * Promise: a semaphore released past its limit is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSEMAPHORE Semaphore;
    KeInitializeSemaphore(&Semaphore, 1, 2);
    KeReleaseSemaphore(&Semaphore, 0, 2, FALSE);
}
