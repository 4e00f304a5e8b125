/* nt/io_interface.h - device interfaces: names by which applications find devices of a class, and
 * devices that a driver finds itself (book ch. 2). */
#include <wdm.h>
#ifndef _NT_IO_INTERFACE_
#define _NT_IO_INTERFACE_

typedef struct _CM_RESOURCE_LIST *PCM_RESOURCE_LIST;
typedef struct _IO_RESOURCE_REQUIREMENTS_LIST *PIO_RESOURCE_REQUIREMENTS_LIST;

/*
 * Registers an interface of the class InterfaceClassGuid for a device; once more is no error. The
 * key of the interface in the registry is made when there is none. PASSIVE_LEVEL.
 *   PhysicalDeviceObject  a bus driver's object for the device
 *   ReferenceString       tells several interfaces of one class apart; the driver sees it behind
 * the device's name when the link is opened; or NULL SymbolicLinkName      receives
 * "\??\Bus#Device#Instance#{Class}\Reference", the same each time; to be freed with
 * RtlFreeUnicodeString STATUS_INVALID_DEVICE_REQUEST: the object is no bus driver's, or is being
 * deleted. STATUS_INVALID_PARAMETER: a slash in ReferenceString. STATUS_INSUFFICIENT_RESOURCES.
 * WDK: IoRegisterDeviceInterface; book ch. 2.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoRegisterDeviceInterface(_In_ PDEVICE_OBJECT PhysicalDeviceObject,
                                                     _In_ const GUID *InterfaceClassGuid,
                                                     _In_opt_ PUNICODE_STRING ReferenceString,
                                                     _Out_ PUNICODE_STRING SymbolicLinkName);

/* Makes the interface's link, or takes it away. It goes with its device, too. PASSIVE_LEVEL.
 * STATUS_OBJECT_NAME_EXISTS: it is enabled already, which is a success.
 * STATUS_OBJECT_NAME_NOT_FOUND: no such interface, or to be disabled and not enabled.
 * STATUS_INSUFFICIENT_RESOURCES. WDK: IoSetDeviceInterfaceState; book ch. 2. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoSetDeviceInterfaceState(_In_ PUNICODE_STRING SymbolicLinkName,
                                                     _In_ BOOLEAN Enable);

#define DEVICE_INTERFACE_INCLUDE_NONACTIVE 0x00000001

/*
 * The links of all interfaces of a class, one behind the other, each terminated, and an empty one
 * at the end; to be freed with ExFreePool. PASSIVE_LEVEL. PhysicalDeviceObject  this device's
 * alone; or NULL Flags                 DEVICE_INTERFACE_INCLUDE_NONACTIVE: not only those that are
 * enabled STATUS_INVALID_DEVICE_REQUEST: the object is no bus driver's.
 * STATUS_INSUFFICIENT_RESOURCES. WDK: IoGetDeviceInterfaces.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoGetDeviceInterfaces(_In_ const GUID *InterfaceClassGuid,
                                                 _In_opt_ PDEVICE_OBJECT PhysicalDeviceObject,
                                                 _In_ ULONG Flags, _Out_ PWSTR *SymbolicLinkList);

/* The link of the interface of another class that the same device has under the same reference
 * string, to be freed with RtlFreeUnicodeString. PASSIVE_LEVEL. STATUS_OBJECT_NAME_NOT_FOUND: there
 * is none, or no such link. STATUS_INSUFFICIENT_RESOURCES. WDK: IoGetDeviceInterfaceAlias. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoGetDeviceInterfaceAlias(_In_ PUNICODE_STRING SymbolicLinkName,
                                                     _In_ const GUID *AliasInterfaceClassGuid,
                                                     _Out_ PUNICODE_STRING AliasSymbolicLinkName);

/* A kernel handle for the interface's own registry key, Device Parameters below the key that was
 * made by registering it. PASSIVE_LEVEL. STATUS_OBJECT_NAME_NOT_FOUND: no such interface; else as
 * ZwOpenKey. WDK: IoOpenDeviceInterfaceRegistryKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoOpenDeviceInterfaceRegistryKey(_In_ PUNICODE_STRING SymbolicLinkName,
                                                            _In_ ACCESS_MASK DesiredAccess,
                                                            _Out_ PHANDLE DeviceInterfaceKey);

/*
 * Makes a physical device object for a device that the driver has found by itself, for it to attach
 * its own to; the name begins "Root#" and the service's name. It is deleted after the driver's
 * unload routine. PASSIVE_LEVEL.
 *   ResourceList, ResourceRequirements  NULL: nobody hands out resources here
 *   DeviceObject                        in: NULL; out: the object
 * STATUS_NOT_SUPPORTED: resources, or an object of the caller's. STATUS_NAME_TOO_LONG: the
 * service's name has more than 32,000 characters. STATUS_INSUFFICIENT_RESOURCES. WDK:
 * IoReportDetectedDevice.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoReportDetectedDevice(
    _In_ PDRIVER_OBJECT DriverObject, _In_ INTERFACE_TYPE LegacyBusType, _In_ ULONG BusNumber,
    _In_ ULONG SlotNumber, _In_opt_ PCM_RESOURCE_LIST ResourceList,
    _In_opt_ PIO_RESOURCE_REQUIREMENTS_LIST ResourceRequirements, _In_ BOOLEAN ResourceAssigned,
    _Inout_ PDEVICE_OBJECT *DeviceObject);

#endif
