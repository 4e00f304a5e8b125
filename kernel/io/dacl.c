/*
 * dacl.c - what a device's security descriptor gives to the system.
 *
 * There is one token: the System process's. It is SYSTEM, a member of the administrators,
 * authenticated, and part of everybody; as on Windows it owns every device, and an owner may always
 * read and change the list. Lists only allow (sddl.c makes no others), so the order of the entries
 * does not matter. Pure code.
 */
#include "sddl.h"

/* As they are stored: revision, parts, authority, parts. */
static const UCHAR IopSystemSids[][16] = {
    {1, 1, 0, 0, 0, 0, 0, 5, 18},                 /* SYSTEM */
    {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2}, /* administrators: 32, 544 */
    {1, 1, 0, 0, 0, 0, 0, 5, 11},                 /* authenticated users */
    {1, 1, 0, 0, 0, 0, 0, 1, 0},                  /* everybody */
};

static BOOLEAN IopIsSystem(const UCHAR *Sid)
{
    SIZE_T Size = 8 + Sid[1] * sizeof(ULONG);
    for (ULONG i = 0; i < ARRAYSIZE(IopSystemSids); i++) {
        if (Size <= sizeof(IopSystemSids[i]) && RtlEqualMemory(Sid, IopSystemSids[i], Size)) {
            return TRUE;
        }
    }
    return FALSE;
}

ACCESS_MASK IopMapGenericAccess(ACCESS_MASK Access)
{
    if (Access & GENERIC_READ) {
        Access |= FILE_GENERIC_READ;
    }
    if (Access & GENERIC_WRITE) {
        Access |= FILE_GENERIC_WRITE;
    }
    if (Access & GENERIC_EXECUTE) {
        Access |= FILE_GENERIC_EXECUTE;
    }
    if (Access & GENERIC_ALL) {
        Access |= FILE_ALL_ACCESS;
    }
    return Access & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
}

ACCESS_MASK IopSystemRights(const VOID *Descriptor)
{
    const UCHAR *At = (const UCHAR *)Descriptor + ((const IOP_SD_HEADER *)Descriptor)->Dacl;
    ULONG Count = ((const IOP_ACL_HEADER *)At)->Count;
    ACCESS_MASK Rights = READ_CONTROL | WRITE_DAC;
    At += sizeof(IOP_ACL_HEADER);
    for (ULONG i = 0; i < Count; i++) {
        const IOP_ALLOW_ACE *Ace = (const IOP_ALLOW_ACE *)At;
        if (!(Ace->Flags & IOP_ACE_INHERIT_ONLY) && IopIsSystem((const UCHAR *)(Ace + 1))) {
            Rights |= IopMapGenericAccess(Ace->Mask);
        }
        At += Ace->Size;
    }
    return Rights;
}
