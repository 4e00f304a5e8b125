/* notmyfaultp.h - the driver's files among themselves: a routine for each fault. */
#ifndef _NOTMYFAULTP_H_
#define _NOTMYFAULTP_H_

#include <ntddk.h>
#include "notmyfault.h"

#define NOTMYFAULT_TAG 'tluF' /* "Fult" */

/* Each commits its fault on behalf of the request, and seldom returns: with what the request is to
 * be completed with, or STATUS_PENDING when it never will be. PASSIVE_LEVEL. */
typedef NTSTATUS NOTMYFAULT_FAULT(PIRP Irp);

NTSTATUS NotMyFaultDoPagedAtDispatch(PIRP Irp);
NTSTATUS NotMyFaultDoOverrun(PIRP Irp);
NTSTATUS NotMyFaultDoUnderrun(PIRP Irp);
NTSTATUS NotMyFaultDoUseAfterFree(PIRP Irp);
NTSTATUS NotMyFaultDoDoubleFree(PIRP Irp);
NTSTATUS NotMyFaultDoStackOverflow(PIRP Irp);
NTSTATUS NotMyFaultDoStackTrash(PIRP Irp);
NTSTATUS NotMyFaultDoNullPointer(PIRP Irp);
NTSTATUS NotMyFaultDoWildPointer(PIRP Irp);
NTSTATUS NotMyFaultDoCodeOverwrite(PIRP Irp);
NTSTATUS NotMyFaultDoLeakPaged(PIRP Irp);
NTSTATUS NotMyFaultDoLeakNonPaged(PIRP Irp);
NTSTATUS NotMyFaultDoDeadlock(PIRP Irp);
NTSTATUS NotMyFaultDoHangInDpc(PIRP Irp);
NTSTATUS NotMyFaultDoHangAllInDpcs(PIRP Irp);
NTSTATUS NotMyFaultDoHangAtHighLevel(PIRP Irp);
NTSTATUS NotMyFaultDoHangWithIrp(PIRP Irp);
NTSTATUS NotMyFaultDoArmTimer(PIRP Irp);
NTSTATUS NotMyFaultDoDivideByZero(PIRP Irp);
NTSTATUS NotMyFaultDoWaitAtDispatch(PIRP Irp);

#endif
