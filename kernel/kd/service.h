/* service.h - services for `sc`: what the service control manager does on Windows. */
#ifndef ETUDE_SERVICE_H
#define ETUDE_SERVICE_H

#include <ntddk.h>
#include "cm.h"

#define KDP_SERVICE_NAME 64 /* characters of a service's name with its terminator */
#define KDP_IMAGE_PATH 128  /* characters of its image's path with its terminator */

#define SERVICE_KERNEL_DRIVER 1
#define SERVICE_DEMAND_START 3
#define SERVICE_DISABLED 4
#define SERVICE_ERROR_NORMAL 1

typedef enum _KDP_SERVICE_STATE {
    ServiceStopped = 1,
    ServiceStopPending = 3,
    ServiceRunning = 4
} KDP_SERVICE_STATE;

/* All PASSIVE_LEVEL, on the console's thread. Results are Win32 errors; 0 is success. */

/* Opens the service's key, for CmCloseKey. ERROR_SERVICE_DOES_NOT_EXIST, ERROR_INVALID_NAME. */
ULONG KdpOpenService(PCWSTR Name, PCM_KEY *Key);
/* Makes the key with its values; Path and DisplayName are terminated. ERROR_SERVICE_EXISTS,
 * ERROR_SERVICE_MARKED_FOR_DELETE, ERROR_INVALID_NAME. */
ULONG KdpCreateService(PCWSTR Name, ULONG Start, ULONG ErrorControl, PCWSTR Path,
                       PCWSTR DisplayName);
/* Loads the driver. Reason (at least 128 bytes) receives the loader's words, or "". */
ULONG KdpStartService(PCWSTR Name, PCM_KEY Key, CHAR *Reason, SIZE_T ReasonSize);
/* Unloads the driver, or leaves that to the last close of its devices. */
ULONG KdpStopService(PCWSTR Name, PCM_KEY Key);
/* Deletes the key, at once or when the driver has stopped. ERROR_SERVICE_MARKED_FOR_DELETE. */
ULONG KdpDeleteService(PCWSTR Name, PCM_KEY Key);
/* The driver's state; *Stoppable: it has an unload routine. */
KDP_SERVICE_STATE KdpQueryServiceState(PCWSTR Name, BOOLEAN *Stoppable);
/* How the service ended: 0, the error of a start that failed, or ERROR_SERVICE_NEVER_STARTED. */
ULONG KdpQueryServiceExitCode(PCWSTR Name);

#endif
