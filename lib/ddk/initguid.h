/*
 * initguid.h - included in front of a header that names GUIDs (wdmguid.h): from here on DEFINE_GUID
 * makes them in this file, rather than declare them.
 */
#ifndef INITGUID
#define INITGUID
#endif
#include <guiddef.h>
