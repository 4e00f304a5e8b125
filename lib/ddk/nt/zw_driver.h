/*
 * nt/zw_driver.h - loading and unloading drivers from drivers.
 */
#include <wdm.h>

#ifndef _NT_ZW_DRIVER_
#define _NT_ZW_DRIVER_

/*
 * Loads the driver of the service whose key is DriverServiceName,
 * "\Registry\Machine\System\CurrentControlSet\ Services\<name>", and calls its DriverEntry in a
 * system worker thread, for which this waits. What the service depends on is not started.
 *   STATUS_IMAGE_ALREADY_LOADED      it is loaded, or still on its way out
 *   STATUS_OBJECT_NAME_NOT_FOUND     no such key, no such file, or no file of a driver it imports
 * from STATUS_OBJECT_PATH_SYNTAX_BAD    not a path of the registry STATUS_ILL_FORMED_SERVICE_ENTRY
 * a key elsewhere in the registry STATUS_INVALID_IMAGE_FORMAT, STATUS_DRIVER_ENTRYPOINT_NOT_FOUND,
 * STATUS_DRIVER_ORDINAL_NOT_FOUND, STATUS_DRIVER_UNABLE_TO_LOAD     the image is refused; the debug
 * port says why or what DriverEntry returned. PASSIVE_LEVEL. WDK: ZwLoadDriver.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwLoadDriver(_In_ PUNICODE_STRING DriverServiceName);

/*
 * Has the driver's unload routine called. When devices of the driver are open, or have others
 * attached, that is left to the last close, and the call succeeds all the same; the devices cannot
 * be opened any more. STATUS_INVALID_DEVICE_REQUEST    the driver has no unload routine, is
 * starting, or is being unloaded STATUS_OBJECT_NAME_NOT_FOUND     no such key, or the driver is not
 * loaded and the errors of a wrong path as above. PASSIVE_LEVEL. WDK: ZwUnloadDriver.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwUnloadDriver(_In_ PUNICODE_STRING DriverServiceName);

#endif
