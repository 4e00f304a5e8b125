/*
 * fltKernel.h - what driver code that names this header expects: the whole of ntifs.h, and the
 * pointer and assertion helpers of file system filters. The filter manager is no part of the
 * kernel, so none of its routines is declared.
 */
#ifndef __FLTKERNEL__
#define __FLTKERNEL__

#include <ntifs.h>

#define FLT_ASSERT(e) NT_ASSERT(e)
#define FLT_ASSERTMSG(Message, e) NT_ASSERTMSG(Message, e)

/* A pointer Offset bytes behind another; the bytes between two, as a ULONG. */
#define Add2Ptr(Pointer, Offset) ((PVOID)((PUCHAR)(Pointer) + (Offset)))
#define PtrOffset(Base, Pointer) ((ULONG)((ULONG_PTR)(Pointer) - (ULONG_PTR)(Base)))

/* Length rounded up to Alignment, and whether a pointer is a multiple of it: powers of two. */
#define ROUND_TO_SIZE(Length, Alignment)                                                           \
    ((((ULONG_PTR)(Length)) + ((Alignment)-1)) & ~(ULONG_PTR)((Alignment)-1))
#define FLT_IS_ALIGNED(Pointer, Alignment)                                                         \
    ((((ULONG_PTR)(Pointer)) & (((ULONG_PTR)(Alignment)) - 1)) == 0)

#endif
