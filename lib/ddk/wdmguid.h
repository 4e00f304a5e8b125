/* wdmguid.h - the GUIDs of events that plug and play tells drivers of. With <initguid.h> in front
 * they are made here. */
#include <wdm.h>

#undef DEFINE_GUID
#ifndef INITGUID
#define DEFINE_GUID(Name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) extern const GUID Name
#elif defined(_WIN32)
#define DEFINE_GUID(Name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
    __declspec(selectany) extern const GUID Name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(Name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
    __attribute__((weak)) const GUID Name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#endif

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
