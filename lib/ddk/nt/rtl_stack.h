/* nt/rtl_stack.h - who called: stacks as lists of return addresses, and the data that finds
 * them. */
#include <wdm.h>

#ifndef _NT_RTL_STACK_
#define _NT_RTL_STACK_

/* One routine of an image, or a piece of one (.pdata); offsets from the image's base. */
typedef struct _IMAGE_RUNTIME_FUNCTION_ENTRY {
    ULONG BeginAddress;
    ULONG EndAddress; /* of the first byte behind it */
    union {
        ULONG UnwindInfoAddress;
        ULONG UnwindData;
    };
} RUNTIME_FUNCTION, *PRUNTIME_FUNCTION;
C_ASSERT(sizeof(RUNTIME_FUNCTION) == 12);

#define UNWIND_HISTORY_TABLE_SIZE 12

typedef struct _UNWIND_HISTORY_TABLE_ENTRY {
    ULONG64 ImageBase;
    PRUNTIME_FUNCTION FunctionEntry;
} UNWIND_HISTORY_TABLE_ENTRY, *PUNWIND_HISTORY_TABLE_ENTRY;

/* Callers' memory of earlier answers. */
typedef struct _UNWIND_HISTORY_TABLE {
    ULONG Count;
    UCHAR LocalHint;
    UCHAR GlobalHint;
    UCHAR Search;
    UCHAR Once;
    ULONG64 LowAddress;
    ULONG64 HighAddress;
    UNWIND_HISTORY_TABLE_ENTRY Entry[UNWIND_HISTORY_TABLE_SIZE];
} UNWIND_HISTORY_TABLE, *PUNWIND_HISTORY_TABLE;
C_ASSERT(sizeof(UNWIND_HISTORY_TABLE) == 0xD8);

/* RtlWalkFrameChain's Flags: the user's stack; how many frames to skip stands from this bit on. */
#define RTL_WALK_USER_MODE_STACK 0x00000001
#define RTL_STACK_WALKING_MODE_FRAMES_TO_SKIP_SHIFT 8

/* Writes the return addresses on this stack to BackTrace, FramesToCapture at most, the caller's own
 * first, after leaving out FramesToSkip of them; through interrupts into what they interrupted.
 * BackTraceHash, if given, gets the sum of those written, modulo 2^32. Returns how many; a damaged
 * stack gives fewer. Any IRQL. WDK: RtlCaptureStackBackTrace. */
NTSYSAPI USHORT NTAPI RtlCaptureStackBackTrace(_In_ ULONG FramesToSkip, _In_ ULONG FramesToCapture,
                                               _Out_ PVOID *BackTrace,
                                               _Out_opt_ PULONG BackTraceHash);

/* The same for Count frames; those to skip stand in Flags, bits 8 and up. Returns how many it wrote
 * to Callers: 0 for RTL_WALK_USER_MODE_STACK, as no thread has a user's stack. Any IRQL. WDK:
 * RtlWalkFrameChain. */
NTSYSAPI ULONG NTAPI RtlWalkFrameChain(_Out_ PVOID *Callers, _In_ ULONG Count, _In_ ULONG Flags);

/* The base of the module that PcValue lies in, also in *BaseOfImage; NULL: in none. Any IRQL; the
 * caller knows that the module stays. WDK: RtlPcToFileHeader. */
NTSYSAPI PVOID NTAPI RtlPcToFileHeader(_In_ PVOID PcValue, _Out_ PVOID *BaseOfImage);

/* The entry of .pdata that covers ControlPc, and the base of its image (0: none has the address).
 * NULL: a leaf routine, or the kernel itself, whose frames are described in another form.
 * HistoryTable is not needed and not changed. Any IRQL. WDK: RtlLookupFunctionEntry. */
NTSYSAPI PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(
    _In_ ULONG64 ControlPc, _Out_ PULONG64 ImageBase,
    _Inout_opt_ PUNWIND_HISTORY_TABLE HistoryTable);

#endif
