/* wdmguid.h - the GUIDs of events that plug and play tells drivers of. With <initguid.h> in front
 * they are made here. */
#include <wdm.h>

#include <guiddef.h>

#ifndef _WDMGUID_H_
#define _WDMGUID_H_

#ifdef __cplusplus
extern "C" {
#endif

/* DEVICE_INTERFACE_CHANGE_NOTIFICATION.Event. */
DEFINE_GUID(GUID_DEVICE_INTERFACE_ARRIVAL, 0xcb3a4004, 0x46f0, 0x11d0, 0xb0, 0x8f, 0x00, 0x60, 0x97,
            0x13, 0x05, 0x3f);
DEFINE_GUID(GUID_DEVICE_INTERFACE_REMOVAL, 0xcb3a4005, 0x46f0, 0x11d0, 0xb0, 0x8f, 0x00, 0x60, 0x97,
            0x13, 0x05, 0x3f);

#ifdef __cplusplus
}
#endif

#endif
