/* ntifs.h - the driver interface with what file systems and filters need on top. */
#ifndef _NTIFS_
#define _NTIFS_
#include <ntddk.h>

/* Bits of a flags field. */
#define FlagOn(Flags, Bits) ((Flags) & (Bits))
#define BooleanFlagOn(Flags, Bits) ((BOOLEAN)(((Flags) & (Bits)) != 0))
#define SetFlag(Flags, Bits) ((Flags) |= (Bits))
#define ClearFlag(Flags, Bits) ((Flags) &= ~(Bits))

#ifdef __cplusplus
extern "C" {
#endif

#include <nt/ke_attach.h>
#include <nt/ldr.h>
#include <nt/ob_name.h>
#include <nt/io_filefs_types.h>
#include <nt/zw_query.h>

#ifdef __cplusplus
}
#endif

#endif
