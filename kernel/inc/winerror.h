/* winerror.h - Win32 error numbers, as services and sc have them. */
#ifndef _WINERROR_PRIVATE_H_
#define _WINERROR_PRIVATE_H_

#include <ntddk.h>

#define ERROR_FILE_NOT_FOUND 2
#define ERROR_GEN_FAILURE 31
#define ERROR_INVALID_PARAMETER 87
#define ERROR_INVALID_NAME 123
#define ERROR_DEPENDENT_SERVICES_RUNNING 1051
#define ERROR_INVALID_SERVICE_CONTROL 1052
#define ERROR_SERVICE_ALREADY_RUNNING 1056
#define ERROR_SERVICE_DISABLED 1058
#define ERROR_CIRCULAR_DEPENDENCY 1059
#define ERROR_SERVICE_DOES_NOT_EXIST 1060
#define ERROR_SERVICE_CANNOT_ACCEPT_CTRL 1061
#define ERROR_SERVICE_NOT_ACTIVE 1062
#define ERROR_SERVICE_DEPENDENCY_FAIL 1068
#define ERROR_SERVICE_MARKED_FOR_DELETE 1072
#define ERROR_SERVICE_EXISTS 1073
#define ERROR_SERVICE_DEPENDENCY_DELETED 1075
#define ERROR_SERVICE_NEVER_STARTED 1077

/* The number that RtlNtStatusToDosError gives a status; ERROR_GEN_FAILURE for those not known here,
 * 0 for a success. Any IRQL. */
ULONG KdStatusToWin32(NTSTATUS Status);
/* Windows' text for a number; "" for those not known here. Any IRQL. */
const char *KdWin32Text(ULONG Error);

#endif
