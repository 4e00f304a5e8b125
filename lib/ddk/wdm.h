/* wdm.h - the driver interface. Each part has a small header of its own under nt/. */
#ifndef _WDMDDK_
#define _WDMDDK_

#include <ntdef.h>
#include <guiddef.h>
#include <bugcodes.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <nt/crt.h>
#include <nt/rtl.h>
#include <nt/rtl_string.h>
#include <nt/rtl_bitmap.h>
#include <nt/rtl_misc.h>
#include <nt/kd.h>
#include <nt/irql.h>
#include <nt/exception.h>
#include <nt/ke.h>
#include <nt/ke_bugcheck.h>
#include <nt/ke_spin.h>
#include <nt/ex.h>
#include <nt/ex_pool.h>
#include <nt/ex_lookaside.h>
#include <nt/ex_interlock.h>
#include <nt/ex_lock.h>
#include <nt/ex_timer.h>
#include <nt/ex_resource.h>
#include <nt/mm.h>
#include <nt/mm_mdl.h>
#include <nt/mm_copy.h>
#include <nt/mm_section.h>
#include <nt/mm_contiguous.h>
#include <nt/ob.h>
#include <nt/ps.h>
#include <nt/io_file_types.h>
#include <nt/ps_quota.h>
#include <nt/io_types.h>
#include <nt/io_codes.h>
#include <nt/io.h>
#include <nt/io_share.h>
#include <nt/io_requestor.h>
#include <nt/io_driver.h>
#include <nt/zw.h>
#include <nt/zw_file.h>
#include <nt/key.h>
#include <nt/rtl_registry.h>
#include <nt/cm.h>
#include <nt/zw_object.h>
#include <nt/service.h>
#include <nt/zw_driver.h>
#include <nt/hal.h>
#include <nt/io_interface.h>
#include <nt/io_pnpnotify.h>
#include <nt/pci.h>
#include <nt/io_interrupt.h>
#include <nt/io_work.h>
#include <nt/io_event.h>
#include <nt/io_stack.h>
#include <nt/io_build.h>
#include <nt/io_csq.h>
#include <nt/io_remlock.h>

#ifdef __cplusplus
}
#endif

#endif
