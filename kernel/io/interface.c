/*
 * interface.c - device interfaces.
 *
 * An interface is a class and a device, and perhaps a reference string. It is registered once, and
 * has a key in the registry; while it is enabled a symbolic link leads to the device object. The
 * link is without the reference string, which the device's driver finds behind its name; so
 * interfaces of one class and device share a link, which is there while one of them is enabled.
 * Registrations go with their device. IopInterfaceMutex guards all of it. That one comes or goes is
 * told while it is held (pnpnotify.c); what tells of the going is made with the coming, so that
 * this cannot fail.
 */
#include "iop.h"
#include "cm.h"

#define IOP_TAG_INTERFACE 0x49706F49 /* "IopI" */
#define IOP_CLASSES_KEY L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\"
#define IOP_PARAMETERS_KEY L"\\Device Parameters"
#define IOP_GUID_CHARACTERS 38

typedef struct _IOP_INTERFACE {
    LIST_ENTRY Link;       /* m */
    GUID Class;            /* i */
    PDEVICE_OBJECT Device; /* i  its deletion removes this */
    PVOID SymbolicLink;    /* m  referenced while this is enabled; NULL: it is not */
    PIOP_NOTICE Removal;   /* m  for when it is disabled; NULL as above */
    UNICODE_STRING Base;   /* i  the link: the beginning of Name */
    UNICODE_STRING Name;   /* i  with the reference string, if there is one; terminated */
    WCHAR Buffer[];
} IOP_INTERFACE, *PIOP_INTERFACE;

static KMUTEX IopInterfaceMutex;
static LIST_ENTRY IopInterfaces = {&IopInterfaces, &IopInterfaces}; /* m */

void IopInitializeInterfaces(void)
{
    KeInitializeMutex(&IopInterfaceMutex, 0);
}

void IopLockInterfaces(void)
{
    KeWaitForSingleObject(&IopInterfaceMutex, Executive, KernelMode, FALSE, NULL);
}

void IopUnlockInterfaces(void)
{
    KeReleaseMutex(&IopInterfaceMutex, FALSE);
}

static BOOLEAN IopIsPhysicalDevice(PDEVICE_OBJECT Device)
{
    return Device != NULL && Device->Type == IO_TYPE_DEVICE &&
           IopExtension(Device)->Instance.Length != 0;
}

static void IopAppendGuid(PUNICODE_STRING Text, const GUID *Guid)
{
    RtlAppendUnicodeToString(Text, L"{");
    IopAppendHex(Text, Guid->Data1, 8);
    RtlAppendUnicodeToString(Text, L"-");
    IopAppendHex(Text, Guid->Data2, 4);
    RtlAppendUnicodeToString(Text, L"-");
    IopAppendHex(Text, Guid->Data3, 4);
    for (ULONG i = 0; i < sizeof(Guid->Data4); i++) {
        if (i == 0 || i == 2) {
            RtlAppendUnicodeToString(Text, L"-");
        }
        IopAppendHex(Text, Guid->Data4[i], 2);
    }
    RtlAppendUnicodeToString(Text, L"}");
}

/* Not in the list yet. */
static PIOP_INTERFACE IopMakeInterface(PDEVICE_OBJECT Device, const GUID *Class,
                                       PUNICODE_STRING Reference)
{
    PUNICODE_STRING Instance = &IopExtension(Device)->Instance;
    ULONG Bytes = (ULONG)sizeof(L"\\??\\#") + Instance->Length +
                  IOP_GUID_CHARACTERS * (ULONG)sizeof(WCHAR) +
                  (Reference != NULL ? Reference->Length + (ULONG)sizeof(WCHAR) : 0);
    if (Bytes > MAXUSHORT) {
        return NULL;
    }
    PIOP_INTERFACE New = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*New) + Bytes, IOP_TAG_INTERFACE);
    if (New == NULL) {
        return NULL;
    }
    New->Class = *Class;
    New->Device = Device;
    New->Name = (UNICODE_STRING){0, (USHORT)Bytes, New->Buffer};
    RtlAppendUnicodeToString(&New->Name, L"\\??\\");
    RtlAppendUnicodeStringToString(&New->Name, Instance);
    RtlAppendUnicodeToString(&New->Name, L"#");
    IopAppendGuid(&New->Name, Class);
    New->Base = New->Name;
    if (Reference != NULL && Reference->Length != 0) {
        RtlAppendUnicodeToString(&New->Name, L"\\");
        RtlAppendUnicodeStringToString(&New->Name, Reference);
    }
    return New;
}

/* Mutex held. */
static PIOP_INTERFACE IopFindInterface(PCUNICODE_STRING Name)
{
    for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink) {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Link);
        if (RtlEqualUnicodeString(&Interface->Name, Name, TRUE)) {
            return Interface;
        }
    }
    return NULL;
}

/* A name for the caller to free. */
static NTSTATUS IopCopyName(PCUNICODE_STRING Name, PUNICODE_STRING Copy)
{
    Copy->Length = Copy->MaximumLength = 0;
    Copy->Buffer =
        ExAllocatePool2(POOL_FLAG_PAGED, Name->Length + sizeof(WCHAR), IOP_TAG_INTERFACE);
    if (Copy->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Copy->MaximumLength = (USHORT)(Name->Length + sizeof(WCHAR));
    RtlCopyUnicodeString(Copy, Name);
    return STATUS_SUCCESS;
}

/* ...DeviceClasses\{class}\##?#bus#device#instance#{class}\#reference\Device Parameters:
 * backslashes of the link become #. To be freed with RtlFreeUnicodeString. */
static NTSTATUS IopInterfaceKeyPath(PIOP_INTERFACE Interface, PUNICODE_STRING Path)
{
    ULONG Bytes = (ULONG)sizeof(IOP_CLASSES_KEY) + (ULONG)sizeof(IOP_PARAMETERS_KEY) +
                  Interface->Name.Length + (IOP_GUID_CHARACTERS + 8) * (ULONG)sizeof(WCHAR);
    Path->Length = 0;
    Path->Buffer =
        Bytes <= MAXUSHORT ? ExAllocatePool2(POOL_FLAG_PAGED, Bytes, IOP_TAG_INTERFACE) : NULL;
    if (Path->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Path->MaximumLength = (USHORT)Bytes;
    RtlAppendUnicodeToString(Path, IOP_CLASSES_KEY);
    IopAppendGuid(Path, &Interface->Class);
    RtlAppendUnicodeToString(Path, L"\\");
    ULONG Start = Path->Length / sizeof(WCHAR);
    RtlAppendUnicodeStringToString(Path, &Interface->Base);
    for (ULONG i = Start; i < Path->Length / sizeof(WCHAR); i++) {
        Path->Buffer[i] = Path->Buffer[i] == L'\\' ? L'#' : Path->Buffer[i];
    }
    RtlAppendUnicodeToString(Path, L"\\#");
    if (Interface->Name.Length != Interface->Base.Length) {
        UNICODE_STRING Reference = {
            (USHORT)(Interface->Name.Length - Interface->Base.Length - sizeof(WCHAR)), 0,
            Interface->Name.Buffer + Interface->Base.Length / sizeof(WCHAR) + 1};
        RtlAppendUnicodeStringToString(Path, &Reference);
    }
    RtlAppendUnicodeToString(Path, IOP_PARAMETERS_KEY);
    return STATUS_SUCCESS;
}

static NTSTATUS IopMakeInterfaceKey(PIOP_INTERFACE Interface)
{
    UNICODE_STRING Path;
    PCM_KEY Key;
    NTSTATUS Status = IopInterfaceKeyPath(Interface, &Path);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmOpenKey(&Path, TRUE, &Key);
    if (NT_SUCCESS(Status)) {
        CmCloseKey(Key);
    }
    RtlFreeUnicodeString(&Path);
    return Status;
}

static BOOLEAN IopIsReferenceValid(PUNICODE_STRING Reference)
{
    for (ULONG i = 0; Reference != NULL && i < Reference->Length / sizeof(WCHAR); i++) {
        if (Reference->Buffer[i] == L'\\' || Reference->Buffer[i] == L'/') {
            return FALSE;
        }
    }
    return TRUE;
}

/* Whether the deletion of Device has begun; its interfaces are forgotten after that. */
static BOOLEAN IopIsDeletionBegun(PDEVICE_OBJECT Device)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    BOOLEAN Begun = (IopExtension(Device)->ExtensionFlags & DOE_DELETE_BEGUN) != 0;
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Begun;
}

/* Puts *New in the list, which has it then (*New becomes NULL), unless there is such an
 * interface. */
static NTSTATUS IopEnterInterface(PIOP_INTERFACE *New)
{
    NTSTATUS Status = STATUS_SUCCESS;
    IopLockInterfaces();
    /* The deletion says that it has begun before it takes the mutex: it is seen here, or it sees
     * what is entered here. */
    if (IopIsDeletionBegun((*New)->Device)) {
        Status = STATUS_INVALID_DEVICE_REQUEST;
    } else if (IopFindInterface(&(*New)->Name) == NULL) {
        InsertTailList(&IopInterfaces, &(*New)->Link);
        *New = NULL;
    }
    IopUnlockInterfaces();
    return Status;
}

NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject, const GUID *Class,
                                         PUNICODE_STRING ReferenceString,
                                         PUNICODE_STRING SymbolicLinkName)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (!IopIsPhysicalDevice(PhysicalDeviceObject)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!IopIsReferenceValid(ReferenceString)) {
        return STATUS_INVALID_PARAMETER;
    }
    PIOP_INTERFACE New = IopMakeInterface(PhysicalDeviceObject, Class, ReferenceString);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    /* All that can fail comes first: what is in the list has its key, and its caller knows its
     * name. */
    NTSTATUS Status = IopMakeInterfaceKey(New);
    if (NT_SUCCESS(Status)) {
        Status = IopCopyName(&New->Name, SymbolicLinkName);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopEnterInterface(&New);
        if (!NT_SUCCESS(Status)) {
            RtlFreeUnicodeString(SymbolicLinkName);
        }
    }
    if (New != NULL) {
        ExFreePoolWithTag(New, IOP_TAG_INTERFACE);
    }
    return Status;
}

/* The link that an enabled interface with the same one has, or NULL. Mutex held. */
static PVOID IopFindSharedLink(PIOP_INTERFACE Interface)
{
    for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink) {
        PIOP_INTERFACE Other = CONTAINING_RECORD(Link, IOP_INTERFACE, Link);
        if (Other != Interface && Other->SymbolicLink != NULL &&
            RtlEqualUnicodeString(&Other->Base, &Interface->Base, TRUE)) {
            return Other->SymbolicLink;
        }
    }
    return NULL;
}

/* Mutex held. */
static NTSTATUS IopLinkInterface(PIOP_INTERFACE Interface)
{
    PVOID Shared = IopFindSharedLink(Interface);
    if (Shared != NULL) {
        ObfReferenceObject(Shared);
        Interface->SymbolicLink = Shared;
        return STATUS_SUCCESS;
    }
    return ObCreateSymbolicLink(&Interface->Base, &IopExtension(Interface->Device)->Name, NULL,
                                &Interface->SymbolicLink);
}

/* Mutex held. */
static NTSTATUS IopEnableInterface(PIOP_INTERFACE Interface)
{
    if (Interface->SymbolicLink != NULL) {
        return STATUS_OBJECT_NAME_EXISTS;
    }
    PIOP_NOTICE Arrival = IopMakeNotice(TRUE, &Interface->Class, &Interface->Name);
    PIOP_NOTICE Removal = IopMakeNotice(FALSE, &Interface->Class, &Interface->Name);
    NTSTATUS Status = Arrival != NULL && Removal != NULL ? IopLinkInterface(Interface)
                                                         : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(Status)) {
        Interface->Removal = Removal;
        IopSendNotice(Arrival);
    } else {
        IopFreeNotice(Arrival);
        IopFreeNotice(Removal);
    }
    return Status;
}

/* Cannot fail for want of memory: all is at hand. Mutex held. */
static NTSTATUS IopDisableInterface(PIOP_INTERFACE Interface)
{
    PVOID Link = Interface->SymbolicLink;
    if (Link == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    Interface->SymbolicLink = NULL;
    if (IopFindSharedLink(Interface) == NULL) {
        ObMakeTemporaryObject(Link);
    }
    ObfDereferenceObject(Link);
    IopSendNotice(Interface->Removal);
    Interface->Removal = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    IopLockInterfaces();
    PIOP_INTERFACE Interface = IopFindInterface(SymbolicLinkName);
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;
    if (Interface != NULL) {
        Status = Enable ? IopEnableInterface(Interface) : IopDisableInterface(Interface);
    }
    IopUnlockInterfaces();
    return Status;
}

static BOOLEAN IopIsListed(PIOP_INTERFACE Interface, const GUID *Class, PDEVICE_OBJECT Device,
                           ULONG Flags)
{
    return RtlEqualMemory(&Interface->Class, Class, sizeof(*Class)) &&
           (Device == NULL || Device == Interface->Device) &&
           (Interface->SymbolicLink != NULL || (Flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE));
}

NTSTATUS IopMakeExistingNotices(const GUID *Class, PLIST_ENTRY Notices)
{
    for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink) {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Link);
        if (IopIsListed(Interface, Class, NULL, 0)) {
            PIOP_NOTICE Notice = IopMakeNotice(TRUE, Class, &Interface->Name);
            if (Notice == NULL) {
                return STATUS_INSUFFICIENT_RESOURCES;
            }
            InsertTailList(Notices, &Notice->Link);
        }
    }
    return STATUS_SUCCESS;
}

/* Writes the names to List, if there is one; answers the characters. Mutex held. */
static SIZE_T IopListNames(const GUID *Class, PDEVICE_OBJECT Device, ULONG Flags, PWSTR List)
{
    SIZE_T Count = 0;
    for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink) {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Link);
        if (IopIsListed(Interface, Class, Device, Flags)) {
            if (List != NULL) {
                RtlCopyMemory(List + Count, Interface->Name.Buffer, Interface->Name.Length);
            }
            Count += Interface->Name.Length / sizeof(WCHAR) + 1;
        }
    }
    return Count + 1;
}

NTSTATUS NTAPI IoGetDeviceInterfaces(const GUID *Class, PDEVICE_OBJECT PhysicalDeviceObject,
                                     ULONG Flags, PWSTR *SymbolicLinkList)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (PhysicalDeviceObject != NULL && !IopIsPhysicalDevice(PhysicalDeviceObject)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    IopLockInterfaces();
    SIZE_T Count = IopListNames(Class, PhysicalDeviceObject, Flags, NULL);
    /* Pool memory comes zeroed, and so every name terminated. One more ends an empty list
     * properly. */
    *SymbolicLinkList =
        ExAllocatePool2(POOL_FLAG_PAGED, (Count + 1) * sizeof(WCHAR), IOP_TAG_INTERFACE);
    if (*SymbolicLinkList != NULL) {
        IopListNames(Class, PhysicalDeviceObject, Flags, *SymbolicLinkList);
    }
    IopUnlockInterfaces();
    return *SymbolicLinkList != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* The part of the name behind the link. */
static UNICODE_STRING IopReferenceOf(PIOP_INTERFACE Interface)
{
    return (UNICODE_STRING){(USHORT)(Interface->Name.Length - Interface->Base.Length), 0,
                            Interface->Name.Buffer + Interface->Base.Length / sizeof(WCHAR)};
}

/* Mutex held. */
static PIOP_INTERFACE IopFindAlias(PIOP_INTERFACE Interface, const GUID *Class)
{
    UNICODE_STRING Reference = IopReferenceOf(Interface);
    for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink) {
        PIOP_INTERFACE Other = CONTAINING_RECORD(Link, IOP_INTERFACE, Link);
        UNICODE_STRING OtherReference = IopReferenceOf(Other);
        if (IopIsListed(Other, Class, Interface->Device, DEVICE_INTERFACE_INCLUDE_NONACTIVE) &&
            RtlEqualUnicodeString(&Reference, &OtherReference, TRUE)) {
            return Other;
        }
    }
    return NULL;
}

NTSTATUS NTAPI IoGetDeviceInterfaceAlias(PUNICODE_STRING SymbolicLinkName, const GUID *Class,
                                         PUNICODE_STRING AliasSymbolicLinkName)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    IopLockInterfaces();
    PIOP_INTERFACE Interface = IopFindInterface(SymbolicLinkName);
    PIOP_INTERFACE Alias = Interface != NULL ? IopFindAlias(Interface, Class) : NULL;
    NTSTATUS Status = Alias != NULL ? IopCopyName(&Alias->Name, AliasSymbolicLinkName)
                                    : STATUS_OBJECT_NAME_NOT_FOUND;
    IopUnlockInterfaces();
    return Status;
}

NTSTATUS NTAPI IoOpenDeviceInterfaceRegistryKey(PUNICODE_STRING SymbolicLinkName,
                                                ACCESS_MASK DesiredAccess,
                                                PHANDLE DeviceInterfaceKey)
{
    UNICODE_STRING Path;
    OBJECT_ATTRIBUTES Attributes;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    IopLockInterfaces();
    PIOP_INTERFACE Interface = IopFindInterface(SymbolicLinkName);
    NTSTATUS Status =
        Interface != NULL ? IopInterfaceKeyPath(Interface, &Path) : STATUS_OBJECT_NAME_NOT_FOUND;
    IopUnlockInterfaces();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &Path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    Status = ZwOpenKey(DeviceInterfaceKey, DesiredAccess, &Attributes);
    RtlFreeUnicodeString(&Path);
    return Status;
}

void IopForgetInterfaces(PDEVICE_OBJECT Device)
{
    PLIST_ENTRY Link, Next;
    if (!IopIsPhysicalDevice(Device)) {
        return;
    }
    IopLockInterfaces();
    for (Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Next) {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Link);
        Next = Link->Flink;
        if (Interface->Device == Device) {
            IopDisableInterface(Interface);
            RemoveEntryList(Link);
            ExFreePoolWithTag(Interface, IOP_TAG_INTERFACE);
        }
    }
    IopUnlockInterfaces();
}
