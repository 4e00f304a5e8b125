/*
 * winerror.c - NTSTATUS values as Win32 errors, and Windows' texts for those, as far as starting
 * and stopping a driver can meet them. Pure tables.
 */
#include "winerror.h"

static const struct {
    NTSTATUS Status;
    ULONG Error;
} StatusErrors[] = {
    {STATUS_NOT_IMPLEMENTED, 1},
    {STATUS_INVALID_DEVICE_REQUEST, 1},
    {STATUS_OBJECT_NAME_NOT_FOUND, ERROR_FILE_NOT_FOUND},
    {STATUS_NO_SUCH_FILE, ERROR_FILE_NOT_FOUND},
    {STATUS_OBJECT_PATH_NOT_FOUND, 3},
    {STATUS_ACCESS_DENIED, 5},
    {STATUS_PRIVILEGE_NOT_HELD, 1314},
    {STATUS_INVALID_HANDLE, 6},
    {STATUS_NO_MEMORY, 8},
    {STATUS_DEVICE_NOT_READY, 21},
    {STATUS_UNSUCCESSFUL, ERROR_GEN_FAILURE},
    {STATUS_SHARING_VIOLATION, 32},
    {STATUS_NOT_SUPPORTED, 50},
    {STATUS_INVALID_PARAMETER, ERROR_INVALID_PARAMETER},
    {STATUS_BUFFER_TOO_SMALL, 122},
    {STATUS_OBJECT_NAME_INVALID, ERROR_INVALID_NAME},
    {STATUS_PROCEDURE_NOT_FOUND, 127},
    {STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, 127},
    {STATUS_OBJECT_PATH_SYNTAX_BAD, 161},
    {STATUS_DEVICE_BUSY, 170},
    {STATUS_DRIVER_ORDINAL_NOT_FOUND, 182},
    {STATUS_OBJECT_NAME_COLLISION, 183},
    {STATUS_INVALID_IMAGE_FORMAT, 193},
    {STATUS_NAME_TOO_LONG, 206},
    {STATUS_DELETE_PENDING, 303},
    {STATUS_NO_SUCH_DEVICE, 433},
    {STATUS_INVALID_IMAGE_HASH, 577},
    {STATUS_FAILED_DRIVER_ENTRY, 647},
    {STATUS_STACK_OVERFLOW, 1001},
    {STATUS_TOO_MANY_LINKS, 1142},
    {STATUS_IMAGE_ALREADY_LOADED, ERROR_SERVICE_ALREADY_RUNNING},
    {STATUS_DEVICE_NOT_CONNECTED, 1167},
    {STATUS_NOT_FOUND, 1168},
    {STATUS_INSUFFICIENT_RESOURCES, 1450},
    {STATUS_IO_TIMEOUT, 121},
    {STATUS_TIMEOUT, 258},
    {STATUS_DRIVER_UNABLE_TO_LOAD, 2001},
};

static const struct {
    ULONG Error;
    const char *Text;
} ErrorTexts[] = {
    {1, "Incorrect function."},
    {ERROR_FILE_NOT_FOUND, "The system cannot find the file specified."},
    {3, "The system cannot find the path specified."},
    {5, "Access is denied."},
    {6, "The handle is invalid."},
    {8, "Not enough memory resources are available to process this command."},
    {21, "The device is not ready."},
    {ERROR_GEN_FAILURE, "A device attached to the system is not functioning."},
    {32, "The process cannot access the file because it is being used by another process."},
    {50, "The request is not supported."},
    {ERROR_INVALID_PARAMETER, "The parameter is incorrect."},
    {121, "The semaphore timeout period has expired."},
    {122, "The data area passed to a system call is too small."},
    {ERROR_INVALID_NAME, "The filename, directory name, or volume label syntax is incorrect."},
    {127, "The specified procedure could not be found."},
    {161, "The specified path is invalid."},
    {170, "The requested resource is in use."},
    {182, "The operating system cannot run %1."},
    {183, "Cannot create a file when that file already exists."},
    {193, "%1 is not a valid Win32 application."},
    {206, "The filename or extension is too long."},
    {258, "The wait operation timed out."},
    {303, "The file cannot be opened because it is in the process of being deleted."},
    {433, "A device which does not exist was specified."},
    {577, "Windows cannot verify the digital signature for this file."},
    {647, "The driver was not loaded because it failed its initialization call."},
    {1001, "Recursion too deep; the stack overflowed."},
    {ERROR_DEPENDENT_SERVICES_RUNNING,
     "A stop control has been sent to a service that other running services are dependent on."},
    {ERROR_INVALID_SERVICE_CONTROL, "The requested control is not valid for this service."},
    {ERROR_SERVICE_ALREADY_RUNNING, "An instance of the service is already running."},
    {ERROR_SERVICE_DISABLED, "The service cannot be started, either because it is disabled or "
                             "because it has no enabled devices associated with it."},
    {ERROR_CIRCULAR_DEPENDENCY, "Circular service dependency was specified."},
    {ERROR_SERVICE_DOES_NOT_EXIST, "The specified service does not exist as an installed service."},
    {ERROR_SERVICE_CANNOT_ACCEPT_CTRL, "The service cannot accept control messages at this time."},
    {ERROR_SERVICE_NOT_ACTIVE, "The service has not been started."},
    {ERROR_SERVICE_DEPENDENCY_FAIL, "The dependency service or group failed to start."},
    {ERROR_SERVICE_MARKED_FOR_DELETE, "The specified service has been marked for deletion."},
    {ERROR_SERVICE_EXISTS, "The specified service already exists."},
    {ERROR_SERVICE_DEPENDENCY_DELETED,
     "The dependency service does not exist or has been marked for deletion."},
    {ERROR_SERVICE_NEVER_STARTED,
     "No attempts to start the service have been made since the last boot."},
    {1142, "An attempt was made to create more links on a file than the file system supports."},
    {1167, "The device is not connected."},
    {1168, "Element not found."},
    {1314, "A required privilege is not held by the client."},
    {1450, "Insufficient system resources exist to complete the requested service."},
    {2001, "The specified driver is invalid."},
};

ULONG KdStatusToWin32(NTSTATUS Status)
{
    for (ULONG i = 0; i < ARRAYSIZE(StatusErrors); i++) {
        if (StatusErrors[i].Status == Status) {
            return StatusErrors[i].Error;
        }
    }
    return NT_SUCCESS(Status) ? 0 : ERROR_GEN_FAILURE;
}

const char *KdWin32Text(ULONG Error)
{
    for (ULONG i = 0; i < ARRAYSIZE(ErrorTexts); i++) {
        if (ErrorTexts[i].Error == Error) {
            return ErrorTexts[i].Text;
        }
    }
    return "";
}
