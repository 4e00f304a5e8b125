/* io_pnpnotify.h - being told when device interfaces come and go (book ch. 2). */
#include <wdm.h>

#ifndef _NT_IO_PNPNOTIFY_
#define _NT_IO_PNPNOTIFY_

#ifdef __cplusplus
extern "C" {
#endif

typedef enum _IO_NOTIFICATION_EVENT_CATEGORY {
    EventCategoryReserved,
    EventCategoryHardwareProfileChange,
    EventCategoryDeviceInterfaceChange,
    EventCategoryTargetDeviceChange,
    EventCategoryKernelSoftRestart
} IO_NOTIFICATION_EVENT_CATEGORY;

/* Flags of EventCategoryDeviceInterfaceChange: the interfaces that are enabled already arrive
 * first. */
#define PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES 0x00000001

/* How every notification begins. */
typedef struct _PLUGPLAY_NOTIFICATION_HEADER {
    USHORT Version; /* 1 */
    USHORT Size;    /* bytes of the whole */
    GUID Event;
} PLUGPLAY_NOTIFICATION_HEADER, *PPLUGPLAY_NOTIFICATION_HEADER;

/* Event: GUID_DEVICE_INTERFACE_ARRIVAL or _REMOVAL (wdmguid.h). Valid during the call. */
typedef struct _DEVICE_INTERFACE_CHANGE_NOTIFICATION {
    USHORT Version;
    USHORT Size;
    GUID Event;
    GUID InterfaceClassGuid;
    PUNICODE_STRING SymbolicLinkName;
} DEVICE_INTERFACE_CHANGE_NOTIFICATION, *PDEVICE_INTERFACE_CHANGE_NOTIFICATION;

/* PASSIVE_LEVEL, in a system thread; one at a time in the whole system, so it must not block for
 * long. For interfaces that are there already when the driver registers, in the thread that
 * registers; a routine's own calls come one after another all the same. What it answers is not
 * looked at. */
typedef NTSTATUS NTAPI DRIVER_NOTIFICATION_CALLBACK_ROUTINE(_In_ PVOID NotificationStructure,
                                                            _Inout_opt_ PVOID Context);
typedef DRIVER_NOTIFICATION_CALLBACK_ROUTINE *PDRIVER_NOTIFICATION_CALLBACK_ROUTINE;

/*
 * Has CallbackRoutine called whenever an interface of a class is enabled or disabled, in the order
 * in which that happens, from now on. PASSIVE_LEVEL.
 * EventCategory: EventCategoryDeviceInterfaceChange.
 * EventCategoryFlags: 0, or PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES: the routine has
 * been called for those that are there when this returns.
 * EventCategoryData: the class, a GUID, which is copied.
 * DriverObject: the caller's; it is referred to until the registration is taken back, which the
 * driver must do before it unloads.
 * NotificationEntry: receives what takes it back, before the first call.
 * STATUS_NOT_SUPPORTED: another category, of which nothing ever happens here.
 * STATUS_INVALID_PARAMETER: one that does not exist, other flags, no class or routine.
 * STATUS_INSUFFICIENT_RESOURCES. WDK: IoRegisterPlugPlayNotification.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoRegisterPlugPlayNotification(
    _In_ IO_NOTIFICATION_EVENT_CATEGORY EventCategory, _In_ ULONG EventCategoryFlags,
    _In_opt_ PVOID EventCategoryData, _In_ PDRIVER_OBJECT DriverObject,
    _In_ PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine, _Inout_opt_ PVOID Context,
    _Outptr_ PVOID *NotificationEntry);

/* Takes a registration back: its routine is not called any more when this returns. A call under way
 * is waited for, unless this is called in it. STATUS_INVALID_PARAMETER: it is no registration.
 * PASSIVE_LEVEL. WDK: IoUnregisterPlugPlayNotificationEx. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(_In_ PVOID NotificationEntry);

/* The same: drivers written for the older name are safe, too. PASSIVE_LEVEL.
 * WDK: IoUnregisterPlugPlayNotification. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoUnregisterPlugPlayNotification(_In_ PVOID NotificationEntry);

#ifdef __cplusplus
}
#endif

#endif
