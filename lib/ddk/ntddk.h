/* ntddk.h - the driver interface for drivers that are not WDM-only. */
#ifndef _NTDDK_
#define _NTDDK_
#include <wdm.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <nt/ps_access.h>
#include <nt/ps_info.h>
#include <nt/ps_query.h>
#include <nt/rtl_stack.h>
#include <nt/rtl_table.h>
#include <nt/zw_sync.h>

#ifdef __cplusplus
}
#endif

#endif
