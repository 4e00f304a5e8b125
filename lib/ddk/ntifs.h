/* ntifs.h - the driver interface with what file systems and filters need on top. */
#ifndef _NTIFS_
#define _NTIFS_
#include <ntddk.h>
#endif
