/*
 * nt/cm.h - registry callbacks (book ch. 9's exercises): a driver is told of what others do to
 * keys, before and after, and may forbid it or do it in their place. And the keys that drivers and
 * devices have for themselves.
 */
#include <wdm.h>

#ifndef _NT_CM_
#define _NT_CM_

typedef enum _REG_NOTIFY_CLASS {
    RegNtDeleteKey,
    RegNtPreDeleteKey = RegNtDeleteKey,
    RegNtSetValueKey,
    RegNtPreSetValueKey = RegNtSetValueKey,
    RegNtDeleteValueKey,
    RegNtPreDeleteValueKey = RegNtDeleteValueKey,
    RegNtSetInformationKey,
    RegNtPreSetInformationKey = RegNtSetInformationKey,
    RegNtRenameKey,
    RegNtPreRenameKey = RegNtRenameKey,
    RegNtEnumerateKey,
    RegNtPreEnumerateKey = RegNtEnumerateKey,
    RegNtEnumerateValueKey,
    RegNtPreEnumerateValueKey = RegNtEnumerateValueKey,
    RegNtQueryKey,
    RegNtPreQueryKey = RegNtQueryKey,
    RegNtQueryValueKey,
    RegNtPreQueryValueKey = RegNtQueryValueKey,
    RegNtQueryMultipleValueKey,
    RegNtPreQueryMultipleValueKey = RegNtQueryMultipleValueKey,
    RegNtPreCreateKey,
    RegNtPostCreateKey,
    RegNtPreOpenKey,
    RegNtPostOpenKey,
    RegNtKeyHandleClose,
    RegNtPreKeyHandleClose = RegNtKeyHandleClose,
    RegNtPostDeleteKey,
    RegNtPostSetValueKey,
    RegNtPostDeleteValueKey,
    RegNtPostSetInformationKey,
    RegNtPostRenameKey,
    RegNtPostEnumerateKey,
    RegNtPostEnumerateValueKey,
    RegNtPostQueryKey,
    RegNtPostQueryValueKey,
    RegNtPostQueryMultipleValueKey,
    RegNtPostKeyHandleClose,
    RegNtPreCreateKeyEx,
    RegNtPostCreateKeyEx,
    RegNtPreOpenKeyEx,
    RegNtPostOpenKeyEx,
    RegNtPreFlushKey,
    RegNtPostFlushKey,
    RegNtPreLoadKey,
    RegNtPostLoadKey,
    RegNtPreUnLoadKey,
    RegNtPostUnLoadKey,
    RegNtPreQueryKeySecurity,
    RegNtPostQueryKeySecurity,
    RegNtPreSetKeySecurity,
    RegNtPostSetKeySecurity,
    RegNtCallbackObjectContextCleanup,
    RegNtPreRestoreKey,
    RegNtPostRestoreKey,
    RegNtPreSaveKey,
    RegNtPostSaveKey,
    RegNtPreReplaceKey,
    RegNtPostReplaceKey,
    RegNtPreQueryKeyName,
    RegNtPostQueryKeyName,
    MaxRegNtNotifyClass
} REG_NOTIFY_CLASS, *PREG_NOTIFY_CLASS;

/* What a callback's Argument2 points to, by the class in Argument1. Object is the key object. A pre
 * callback may store a CallContext, which its post callback finds again; ObjectContext is what
 * CmSetCallbackObjectContext gave the object. Buffers and names are the caller's. */
typedef struct _REG_DELETE_KEY_INFORMATION {
    PVOID Object;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_DELETE_KEY_INFORMATION, *PREG_DELETE_KEY_INFORMATION, REG_FLUSH_KEY_INFORMATION,
    *PREG_FLUSH_KEY_INFORMATION;

typedef struct _REG_SET_VALUE_KEY_INFORMATION {
    PVOID Object;
    PUNICODE_STRING ValueName;
    ULONG TitleIndex;
    ULONG Type;
    PVOID Data;
    ULONG DataSize;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_SET_VALUE_KEY_INFORMATION, *PREG_SET_VALUE_KEY_INFORMATION;

typedef struct _REG_DELETE_VALUE_KEY_INFORMATION {
    PVOID Object;
    PUNICODE_STRING ValueName;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_DELETE_VALUE_KEY_INFORMATION, *PREG_DELETE_VALUE_KEY_INFORMATION;

typedef struct _REG_SET_INFORMATION_KEY_INFORMATION {
    PVOID Object;
    KEY_SET_INFORMATION_CLASS KeySetInformationClass;
    PVOID KeySetInformation;
    ULONG KeySetInformationLength;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_SET_INFORMATION_KEY_INFORMATION, *PREG_SET_INFORMATION_KEY_INFORMATION;

typedef struct _REG_ENUMERATE_KEY_INFORMATION {
    PVOID Object;
    ULONG Index;
    KEY_INFORMATION_CLASS KeyInformationClass;
    PVOID KeyInformation;
    ULONG Length;
    PULONG ResultLength;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_ENUMERATE_KEY_INFORMATION, *PREG_ENUMERATE_KEY_INFORMATION;

typedef struct _REG_ENUMERATE_VALUE_KEY_INFORMATION {
    PVOID Object;
    ULONG Index;
    KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass;
    PVOID KeyValueInformation;
    ULONG Length;
    PULONG ResultLength;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_ENUMERATE_VALUE_KEY_INFORMATION, *PREG_ENUMERATE_VALUE_KEY_INFORMATION;

typedef struct _REG_QUERY_KEY_INFORMATION {
    PVOID Object;
    KEY_INFORMATION_CLASS KeyInformationClass;
    PVOID KeyInformation;
    ULONG Length;
    PULONG ResultLength;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_QUERY_KEY_INFORMATION, *PREG_QUERY_KEY_INFORMATION;

typedef struct _REG_QUERY_VALUE_KEY_INFORMATION {
    PVOID Object;
    PUNICODE_STRING ValueName;
    KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass;
    PVOID KeyValueInformation;
    ULONG Length;
    PULONG ResultLength;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_QUERY_VALUE_KEY_INFORMATION, *PREG_QUERY_VALUE_KEY_INFORMATION;

typedef struct _REG_RENAME_KEY_INFORMATION {
    PVOID Object;
    PUNICODE_STRING NewName;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_RENAME_KEY_INFORMATION, *PREG_RENAME_KEY_INFORMATION;

typedef struct _REG_KEY_HANDLE_CLOSE_INFORMATION {
    PVOID Object;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_KEY_HANDLE_CLOSE_INFORMATION, *PREG_KEY_HANDLE_CLOSE_INFORMATION;

/* ObQueryNameString of a key object. */
typedef struct _REG_QUERY_KEY_NAME {
    PVOID Object;
    POBJECT_NAME_INFORMATION ObjectNameInfo;
    ULONG Length;
    PULONG ReturnLength;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_QUERY_KEY_NAME, *PREG_QUERY_KEY_NAME;

/* RegNtPreCreateKeyEx and RegNtPreOpenKeyEx. CompleteName is as the caller wrote it, relative to
 * RootObject unless it begins with a backslash. A callback that answers STATUS_CALLBACK_BYPASS
 * stores a referenced key object in *ResultObject, and *Disposition. */
typedef struct _REG_CREATE_KEY_INFORMATION {
    PUNICODE_STRING CompleteName;
    PVOID RootObject;
    PVOID ObjectType;
    ULONG CreateOptions;
    PUNICODE_STRING Class;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
    ACCESS_MASK DesiredAccess;
    ACCESS_MASK GrantedAccess;
    PULONG Disposition;
    PVOID *ResultObject;
    PVOID CallContext;
    PVOID RootObjectContext;
    PVOID Transaction;
    PVOID Reserved;
} REG_CREATE_KEY_INFORMATION, *PREG_CREATE_KEY_INFORMATION, REG_OPEN_KEY_INFORMATION,
    *PREG_OPEN_KEY_INFORMATION;

/* What such callbacks really get: Version is 1, in the place of Reserved. */
typedef struct _REG_CREATE_KEY_INFORMATION_V1 {
    PUNICODE_STRING CompleteName;
    PVOID RootObject;
    PVOID ObjectType;
    ULONG Options;
    PUNICODE_STRING Class;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
    ACCESS_MASK DesiredAccess;
    ACCESS_MASK GrantedAccess;
    PULONG Disposition;
    PVOID *ResultObject;
    PVOID CallContext;
    PVOID RootObjectContext;
    PVOID Transaction;
    ULONG_PTR Version;
    PUNICODE_STRING RemainingName; /* relative to RootObject */
    ULONG Wow64Flags;
    ULONG Attributes; /* OBJ_* */
    KPROCESSOR_MODE CheckAccessMode;
} REG_CREATE_KEY_INFORMATION_V1, *PREG_CREATE_KEY_INFORMATION_V1, REG_OPEN_KEY_INFORMATION_V1,
    *PREG_OPEN_KEY_INFORMATION_V1;

/* RegNtPost*. Status is how the operation ended. A post callback that answers
 * STATUS_CALLBACK_BYPASS makes it end with ReturnStatus instead. */
typedef struct _REG_POST_OPERATION_INFORMATION {
    PVOID Object; /* of a key created or opened: the new key, if there is one */
    NTSTATUS Status;
    PVOID PreInformation; /* what the pre callbacks got */
    NTSTATUS ReturnStatus;
    PVOID CallContext;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_POST_OPERATION_INFORMATION, *PREG_POST_OPERATION_INFORMATION;

typedef struct _REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION {
    PVOID Object;
    PVOID ObjectContext;
    PVOID Reserved;
} REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION, *PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION;

C_ASSERT(sizeof(REG_SET_VALUE_KEY_INFORMATION) == 64 && sizeof(REG_CREATE_KEY_INFORMATION) == 112);
C_ASSERT(sizeof(REG_POST_OPERATION_INFORMATION) == 56);

/* A callback: Argument1 is the REG_NOTIFY_CLASS, Argument2 what the class says. PASSIVE_LEVEL, in
 * the thread of who uses the registry, without locks: it may use the registry itself. */
typedef NTSTATUS NTAPI EX_CALLBACK_FUNCTION(_In_ PVOID CallbackContext, _In_opt_ PVOID Argument1,
                                            _In_opt_ PVOID Argument2);
typedef EX_CALLBACK_FUNCTION *PEX_CALLBACK_FUNCTION;

/*
 * Registers a callback for what Zw and Rtl routines do to keys.
 *   Altitude  decimal number, with a fraction if need be; pre callbacks are called from the highest
 *             down, post callbacks from the lowest up
 *   Driver    the driver object
 *   Context   the callback's first argument
 *   Cookie    receives the registration's name for the routines below
 * A pre callback's status that is no success ends the operation with it, and callbacks further down
 * are not called; with STATUS_CALLBACK_BYPASS it ends in success, and the driver has done what was
 * asked for. Post callbacks follow for those whose pre callback agreed.
 * STATUS_FLT_INSTANCE_ALTITUDE_COLLISION: the altitude is taken. STATUS_INVALID_PARAMETER: it is no
 * number. STATUS_INSUFFICIENT_RESOURCES. WDK: CmRegisterCallbackEx.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI CmRegisterCallbackEx(_In_ PEX_CALLBACK_FUNCTION Function,
                                                _In_ PCUNICODE_STRING Altitude, _In_ PVOID Driver,
                                                _In_opt_ PVOID Context, _Out_ PLARGE_INTEGER Cookie,
                                                _Reserved_ PVOID Reserved);
/* The same at altitude 425000, which any number of callbacks may share. WDK: CmRegisterCallback. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI CmRegisterCallback(_In_ PEX_CALLBACK_FUNCTION Function,
                                              _In_opt_ PVOID Context, _Out_ PLARGE_INTEGER Cookie);
/* Ends a registration: contexts of objects are cleaned up (RegNtCallbackObjectContextCleanup), and
 * when the call returns the callback runs nowhere and is not called again. Not from within the
 * callback, which would wait for itself. STATUS_INVALID_PARAMETER: no such cookie.
 * WDK: CmUnRegisterCallback. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI CmUnRegisterCallback(_In_ LARGE_INTEGER Cookie);
/* The version of this interface: 1.1. WDK: CmGetCallbackVersion. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI CmGetCallbackVersion(_Out_opt_ PULONG Major, _Out_opt_ PULONG Minor);

/* Gives a key object a context for one registration's callbacks, in the place of *OldContext; NULL
 * takes it away. RegNtCallbackObjectContextCleanup tells when it is not needed any more: the object
 * or the registration goes. STATUS_INVALID_PARAMETER: no key object, or no such cookie.
 * STATUS_INSUFFICIENT_RESOURCES. WDK: CmSetCallbackObjectContext. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI CmSetCallbackObjectContext(_Inout_ PVOID Object,
                                                      _In_ PLARGE_INTEGER Cookie,
                                                      _In_ PVOID NewContext,
                                                      _Outptr_opt_ PVOID *OldContext);

/* A key object's identity, the same for all objects of one key, and its name. ObjectName is valid
 * as long as the object is. STATUS_INVALID_PARAMETER: no key object, or no such cookie.
 * STATUS_KEY_DELETED, for the name. STATUS_INSUFFICIENT_RESOURCES. WDK:
 * CmCallbackGetKeyObjectID. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI CmCallbackGetKeyObjectID(_In_ PLARGE_INTEGER Cookie, _In_ PVOID Object,
                                                    _Out_opt_ PULONG_PTR ObjectID,
                                                    _Outptr_opt_ PCUNICODE_STRING *ObjectName);
/* The same with a name that the caller frees with CmCallbackReleaseKeyObjectIDEx. Flags: 0.
 * WDK: CmCallbackGetKeyObjectIDEx, CmCallbackReleaseKeyObjectIDEx. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI CmCallbackGetKeyObjectIDEx(_In_ PLARGE_INTEGER Cookie, _In_ PVOID Object,
                                                      _Out_opt_ PULONG_PTR ObjectID,
                                                      _Outptr_opt_ PCUNICODE_STRING *ObjectName,
                                                      _In_ ULONG Flags);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI CmCallbackReleaseKeyObjectIDEx(_In_ PCUNICODE_STRING ObjectName);
/* The type of key objects; drivers write *CmKeyObjectType (see PsThreadType). */
#ifdef _NTOSKRNL_
extern POBJECT_TYPE CmKeyObjectType;
#else
extern POBJECT_TYPE *CmKeyObjectType;
#endif

typedef enum _DRIVER_REGKEY_TYPE {
    DriverRegKeyParameters,
    DriverRegKeyPersistentState,
    DriverRegKeySharedPersistentState
} DRIVER_REGKEY_TYPE;

/* A handle (a kernel handle) for the key Parameters below a driver's service key; it is made when
 * there is none. Flags: 0. STATUS_INVALID_PARAMETER: another type than DriverRegKeyParameters,
 * other flags, or no driver object; errors as ZwCreateKey. WDK: IoOpenDriverRegistryKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoOpenDriverRegistryKey(_In_ PDRIVER_OBJECT DriverObject,
                                                   _In_ DRIVER_REGKEY_TYPE RegKeyType,
                                                   _In_ ACCESS_MASK DesiredAccess, _In_ ULONG Flags,
                                                   _Out_ PHANDLE DriverRegKey);

#define PLUGPLAY_REGKEY_DEVICE 1
#define PLUGPLAY_REGKEY_DRIVER 2
#define PLUGPLAY_REGKEY_CURRENT_HWPROFILE 4

/*
 * A handle (a kernel handle) for the registry key of a device, which its bus driver reported.
 *   DevInstKeyType  PLUGPLAY_REGKEY_DEVICE: Device Parameters of the device's key in
 *                   \Registry\Machine\System\CurrentControlSet\Enum, made when there is none
 * STATUS_INVALID_DEVICE_REQUEST: the object is no physical device object. STATUS_INVALID_PARAMETER:
 * an unknown type. STATUS_OBJECT_NAME_NOT_FOUND: PLUGPLAY_REGKEY_DRIVER, as no device has such a
 * key without plug and play. Errors as ZwCreateKey. WDK: IoOpenDeviceRegistryKey.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoOpenDeviceRegistryKey(_In_ PDEVICE_OBJECT DeviceObject,
                                                   _In_ ULONG DevInstKeyType,
                                                   _In_ ACCESS_MASK DesiredAccess,
                                                   _Out_ PHANDLE DeviceRegKey);

#endif
