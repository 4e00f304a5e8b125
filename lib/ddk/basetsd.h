/*
 * basetsd.h - between pointers, handles and integers of 32 bits. Those to 32 bits cut off the rest:
 * handles and ids fit, pointers do not. Signed ones extend the sign.
 */
#ifndef _BASETSD_H_
#define _BASETSD_H_

#include <ntdef.h>

#define HandleToULong(h) ((ULONG)(ULONG_PTR)(h))
#define HandleToLong(h) ((LONG)(LONG_PTR)(h))
#define ULongToHandle(ul) ((HANDLE)(ULONG_PTR)(ULONG)(ul))
#define LongToHandle(l) ((HANDLE)(LONG_PTR)(LONG)(l))
#define PtrToUlong(p) ((ULONG)(ULONG_PTR)(p))
#define PtrToLong(p) ((LONG)(LONG_PTR)(p))
#define PtrToUint(p) ((unsigned)(ULONG_PTR)(p))
#define PtrToInt(p) ((int)(LONG_PTR)(p))
#define PtrToUshort(p) ((USHORT)(ULONG_PTR)(p))
#define PtrToShort(p) ((SHORT)(LONG_PTR)(p))
#define UlongToPtr(ul) ((PVOID)(ULONG_PTR)(ULONG)(ul))
#define LongToPtr(l) ((PVOID)(LONG_PTR)(LONG)(l))
#define UintToPtr(u) ((PVOID)(ULONG_PTR)(unsigned)(u))
#define IntToPtr(i) ((PVOID)(LONG_PTR)(int)(i))

/* The same by the spellings that are also in use. */
#define HandleToUlong(h) HandleToULong(h)
#define UlongToHandle(ul) ULongToHandle(ul)
#define PtrToULong(p) PtrToUlong(p)
#define ULongToPtr(ul) UlongToPtr(ul)

#endif
