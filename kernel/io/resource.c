/* resource.c - what drivers get from other components through io: threads, MDLs. */
#include "iop.h"

#define IOP_TAG_MDL 0x206C644D         /* "Mdl " */
#define IOP_MAX_MDL_LENGTH 0x7FFFF000U /* 2 GB less a page */

NTSTATUS NTAPI IoCreateSystemThread(PVOID IoObject, PHANDLE ThreadHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                    PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                                    PVOID StartContext)
{
    SHORT Type = *(PSHORT)IoObject; // both kinds begin with it
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KI_ASSERT(Type == IO_TYPE_DRIVER || Type == IO_TYPE_DEVICE);
    return PspCreateSystemThread(ThreadHandle, DesiredAccess, ObjectAttributes, ProcessHandle,
                                 ClientId, StartRoutine, StartContext, IoObject);
}

/* Hangs Mdl on Irp: in front, or behind those that are there. */
static void IopAttachMdl(PIRP Irp, PMDL Mdl, BOOLEAN Secondary)
{
    PMDL *Link = &Irp->MdlAddress;
    while (Secondary && *Link != NULL) {
        Link = &(*Link)->Next;
    }
    *Link = Mdl;
}

PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp)
{
    UNREFERENCED_PARAMETER(ChargeQuota);
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Length > IOP_MAX_MDL_LENGTH) {
        return NULL;
    }
    PMDL Mdl =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, MmSizeOfMdl(VirtualAddress, Length), IOP_TAG_MDL);
    if (Mdl == NULL) {
        return NULL;
    }
    MmInitializeMdl(Mdl, VirtualAddress, Length);
    if (Irp != NULL) {
        IopAttachMdl(Irp, Mdl, SecondaryBuffer);
    }
    return Mdl;
}

/* As on Windows, only a partial MDL's mapping goes with it; any other is its owner's to end. */
VOID NTAPI IoFreeMdl(PMDL Mdl)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    MmPrepareMdlForReuse(Mdl);
    MmCheckFreedMdl(Mdl);
    ExFreePoolWithTag(Mdl, IOP_TAG_MDL);
}
