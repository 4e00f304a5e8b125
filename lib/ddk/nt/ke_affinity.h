/*
 * nt/ke_affinity.h - which processors a thread may run on (book ch. 6 and 8). There is one group of
 * processors, number 0.
 */
#include <wdm.h>

#ifndef _NT_KE_AFFINITY_
#define _NT_KE_AFFINITY_

typedef struct _PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

typedef struct _GROUP_AFFINITY {
    KAFFINITY Mask;
    USHORT Group;
    USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;
C_ASSERT(sizeof(PROCESSOR_NUMBER) == 4 && sizeof(GROUP_AFFINITY) == 16);

#define ALL_PROCESSOR_GROUPS 0xffff

/* Keeps the current thread on the processors of Affinity, at least one of them active, until it
 * reverts; it has moved when the call returns (below DISPATCH_LEVEL). Processors that are not there
 * are ignored; with none left nothing changes. WDK: KeSetSystemAffinityThread; book ch. 6. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeSetSystemAffinityThread(_In_ KAFFINITY Affinity);
/* The same; returns the system affinity in force before, 0 for none, for the matching revert. WDK:
 * KeSetSystemAffinityThreadEx. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI KAFFINITY NTAPI KeSetSystemAffinityThreadEx(_In_ KAFFINITY Affinity);
/* Ends a system affinity: the thread's own holds again. WDK: KeRevertToUserAffinityThread. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThread(VOID);
/* Goes back to Affinity, as returned by KeSetSystemAffinityThreadEx; 0 is the thread's own. WDK:
 * KeRevertToUserAffinityThreadEx. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThreadEx(_In_ KAFFINITY Affinity);
/* The same two with a group, which must be 0; PreviousAffinity gets what reverting needs. WDK:
 * KeSetSystemGroupAffinityThread, KeRevertToUserGroupAffinityThread. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeSetSystemGroupAffinityThread(_In_ PGROUP_AFFINITY Affinity,
                                                      _Out_opt_ PGROUP_AFFINITY PreviousAffinity);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeRevertToUserGroupAffinityThread(_In_ PGROUP_AFFINITY PreviousAffinity);
/* Prefers Processor for Thread when it becomes ready; returns the one preferred before. A number
 * that is not active changes nothing. Not documented in the WDK. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI CCHAR NTAPI KeSetIdealProcessorThread(_Inout_ PKTHREAD Thread, _In_ CCHAR Processor);
/* Active processors of a group, 0 or ALL_PROCESSOR_GROUPS; 0 for a group that is not there. Any
 * IRQL. WDK: KeQueryActiveProcessorCountEx. */
NTKERNELAPI ULONG NTAPI KeQueryActiveProcessorCountEx(_In_ USHORT GroupNumber);
/* The most processors a group can have here. Any IRQL. WDK: KeQueryMaximumProcessorCountEx. */
NTKERNELAPI ULONG NTAPI KeQueryMaximumProcessorCountEx(_In_ USHORT GroupNumber);
/* Current processor's number in all groups; also as group and number. Any IRQL; it holds only at
 * DISPATCH_LEVEL and above. WDK: KeGetCurrentProcessorNumberEx. */
NTKERNELAPI ULONG NTAPI KeGetCurrentProcessorNumberEx(_Out_opt_ PPROCESSOR_NUMBER ProcNumber);

#endif
