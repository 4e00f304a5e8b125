/*
 * service.h - services: keys of the registry that stand for drivers. What the service control
 * manager does on Windows, for `sc` and for the boot.
 *
 * All routines: PASSIVE_LEVEL, any thread. Names are terminated and compared ignoring case. Results
 * are Win32 errors (winerror.h); 0 is success.
 */
#ifndef _SERVICE_PRIVATE_H_
#define _SERVICE_PRIVATE_H_

#include <ntddk.h>
#include "cm.h"

#define LDR_SERVICE_NAME 64 /* characters of a service's name with its terminator */
#define LDR_IMAGE_PATH 128  /* characters of its image's path with its terminator */

typedef enum _LDR_SERVICE_STATE {
    ServiceStopped = 1,
    ServiceStartPending = 2,
    ServiceStopPending = 3,
    ServiceRunning = 4
} LDR_SERVICE_STATE;

/* The values of a service's key. MAXULONG and NULL: as it is, or not there. */
typedef struct _LDR_SERVICE_CONFIG {
    ULONG Start, ErrorControl;
    PCWSTR Path, DisplayName;
    PCWSTR Group; /* "" takes it out of its group */
    PCWSTR
    Dependencies; /* names, each terminated, then a zero; a group's begins with a plus sign */
    BOOLEAN Tag;  /* it gets a number of its own in its group */
} LDR_SERVICE_CONFIG, *PLDR_SERVICE_CONFIG;

/* Opens the service's key, for CmCloseKey. ERROR_SERVICE_DOES_NOT_EXIST, ERROR_INVALID_NAME. */
ULONG LdrOpenService(PCWSTR Name, PCM_KEY *Key);
/* Makes the key with its values; Path is given. ERROR_SERVICE_EXISTS,
 * ERROR_SERVICE_MARKED_FOR_DELETE, ERROR_INVALID_NAME, ERROR_CIRCULAR_DEPENDENCY,
 * ERROR_INVALID_PARAMETER: a tag without a group. */
ULONG LdrCreateService(PCWSTR Name, const LDR_SERVICE_CONFIG *Config);
/* Sets what Config has of an open service. Errors as above. */
ULONG LdrChangeService(PCWSTR Name, PCM_KEY Key, const LDR_SERVICE_CONFIG *Config);
/* Deletes the key, at once or when the driver has stopped. ERROR_SERVICE_MARKED_FOR_DELETE. */
ULONG LdrDeleteService(PCWSTR Name, PCM_KEY Key);

/*
 * Starts the services that this one depends on, then its driver. Reason (at least 128 bytes)
 * receives words for people, or "". ERROR_SERVICE_ALREADY_RUNNING: also while it starts or stops.
 * ERROR_SERVICE_DISABLED, ERROR_SERVICE_MARKED_FOR_DELETE, ERROR_CIRCULAR_DEPENDENCY,
 * ERROR_SERVICE_DEPENDENCY_DELETED, ERROR_SERVICE_DEPENDENCY_FAIL, or LdrLoadDriver's as Win32
 * error.
 */
ULONG LdrStartService(PCWSTR Name, CHAR *Reason, SIZE_T ReasonSize);
/* Unloads the driver, or leaves that to the last close of its devices. ERROR_SERVICE_NOT_ACTIVE,
 * ERROR_INVALID_SERVICE_CONTROL: it cannot be unloaded, ERROR_SERVICE_CANNOT_ACCEPT_CTRL: it starts
 * or stops just now, ERROR_DEPENDENT_SERVICES_RUNNING. */
ULONG LdrStopService(PCWSTR Name);
/* The driver's state; *Stoppable: it has an unload routine. */
LDR_SERVICE_STATE LdrQueryServiceState(PCWSTR Name, BOOLEAN *Stoppable);
/* How the service ended: 0, the error of a start that failed, or ERROR_SERVICE_NEVER_STARTED. */
ULONG LdrQueryServiceExitCode(PCWSTR Name);

/* Calls Callback for each service that depends on Name or on its group, until it answers FALSE.
 * STATUS_INSUFFICIENT_RESOURCES: not for all. */
typedef BOOLEAN LDR_SERVICE_CALLBACK(PCWSTR Name, PCM_KEY Key, PVOID Context);
NTSTATUS LdrEnumerateDependents(PCWSTR Name, LDR_SERVICE_CALLBACK *Callback, PVOID Context);
/* Calls Callback for every service, until it answers FALSE. */
void LdrEnumerateServices(LDR_SERVICE_CALLBACK *Callback, PVOID Context);

/* *List: a REG_MULTI_SZ value in paged pool, ended by an empty text, for ExFreePool; NULL: there is
 * none, or STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS LdrQueryServiceList(PCM_KEY Key, PCWSTR Value, PWSTR *List);
/* A text value, cut to fit; "" when there is none. */
void LdrQueryServiceText(PCM_KEY Key, PCWSTR Value, WCHAR *Text, ULONG Chars);

#endif
