/*
 * access.c - what callers may ask for: attributes and rights.
 *
 * Objects have no security descriptors, but for some devices (io/secure.c): everybody may have
 * every right that an object's type has. What is left of an access check is that nobody gets more
 * than that, and that a handle is used for what it was opened for. Kernel mode is trusted with
 * both, as on Windows: rights that the type does not have are left out, and a handle's rights are
 * not looked at. OBJ_FORCE_ACCESS_CHECK gives up the first trust, AccessMode = UserMode both.
 */
#include "obp.h"

#define OBP_GENERIC_RIGHTS (GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL)

NTSTATUS ObpCheckAttributes(POBJECT_ATTRIBUTES Attributes, BOOLEAN Optional)
{
    if (Attributes == NULL) {
        return Optional ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if (Attributes->Length != sizeof(*Attributes) ||
        (Attributes->Attributes & ~OBJ_VALID_ATTRIBUTES) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    // A new object in a directory needs a name there.
    if (Optional && Attributes->RootDirectory != NULL && Attributes->ObjectName == NULL) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    return STATUS_SUCCESS;
}

static ACCESS_MASK ObpMapGenericRights(const GENERIC_MAPPING *Mapping, ACCESS_MASK Access)
{
    if (Access & GENERIC_READ) {
        Access |= Mapping->GenericRead;
    }
    if (Access & GENERIC_WRITE) {
        Access |= Mapping->GenericWrite;
    }
    if (Access & GENERIC_EXECUTE) {
        Access |= Mapping->GenericExecute;
    }
    if (Access & (GENERIC_ALL | MAXIMUM_ALLOWED)) {
        Access |= Mapping->GenericAll;
    }
    return Access & ~(OBP_GENERIC_RIGHTS | MAXIMUM_ALLOWED);
}

NTSTATUS ObpGrantAccess(POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode, ULONG Attributes,
                        ACCESS_MASK Desired, ACCESS_MASK *Granted)
{
    ACCESS_MASK Access = ObpMapGenericRights(&Type->Info.GenericMapping, Desired);
    *Granted = Access & (Type->Info.ValidAccess | ACCESS_SYSTEM_SECURITY);
    if (AccessMode == KernelMode && !(Attributes & OBJ_FORCE_ACCESS_CHECK)) {
        return STATUS_SUCCESS;
    }
    if (Access & ACCESS_SYSTEM_SECURITY) {
        return STATUS_PRIVILEGE_NOT_HELD;
    }
    // Who asks for nothing is not given a handle.
    return Access != 0 && Access == *Granted ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

NTSTATUS ObCheckAccess(POBJECT_TYPE Type, ULONG Attributes, ACCESS_MASK Desired)
{
    ACCESS_MASK Granted;
    return ObpGrantAccess(Type, KernelMode, Attributes, Desired, &Granted);
}
