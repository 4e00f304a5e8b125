/* semaphore.c - semaphores with handles and names. The body is a KSEMAPHORE. */
#include "obp.h"

POBJECT_TYPE ExSemaphoreObjectType;

static void ObpDumpSemaphore(PVOID Object, PKD_CONSOLE Console)
{
    PKSEMAPHORE Semaphore = Object;
    KdConsolePrint(Console, "    Count %d of %d\n", KeReadStateSemaphore(Semaphore),
                   Semaphore->Limit);
}

static const OB_TYPE_INITIALIZER ObpSemaphoreInitializer = {
    .Name = L"Semaphore",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = SEMAPHORE_ALL_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | SEMAPHORE_QUERY_STATE,
                       STANDARD_RIGHTS_WRITE | SEMAPHORE_MODIFY_STATE,
                       STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, SEMAPHORE_ALL_ACCESS},
    .Dump = ObpDumpSemaphore,
    .InvalidAttributes = OBJ_OPENLINK,
    .DispatcherOffset = offsetof(KSEMAPHORE, Header),
};

NTSTATUS ObpCreateSemaphoreType(void)
{
    return ObCreateType(&ObpSemaphoreInitializer, &ExSemaphoreObjectType);
}

NTSTATUS NTAPI ZwCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
                                 POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount,
                                 LONG MaximumCount)
{
    PKSEMAPHORE Semaphore;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(SemaphoreHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (MaximumCount <= 0 || InitialCount < 0 || InitialCount > MaximumCount) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status =
        ObAllocateObject(ExSemaphoreObjectType, sizeof(*Semaphore), (PVOID *)&Semaphore);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeSemaphore(Semaphore, InitialCount, MaximumCount);
    return ObEnterObject(Semaphore, ObjectAttributes, DesiredAccess, NULL, SemaphoreHandle);
}

NTSTATUS NTAPI ZwOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObpOpenNamed(SemaphoreHandle, DesiredAccess, ObjectAttributes, ExSemaphoreObjectType);
}

NTSTATUS NTAPI ZwReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount)
{
    PKSEMAPHORE Semaphore;
    LONG Previous;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ReleaseCount <= 0) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status =
        ObReferenceObjectByHandle(SemaphoreHandle, SEMAPHORE_MODIFY_STATE, ExSemaphoreObjectType,
                                  KernelMode, (PVOID *)&Semaphore, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!KeTryReleaseSemaphore(Semaphore, SEMAPHORE_INCREMENT, ReleaseCount, &Previous)) {
        Status = STATUS_SEMAPHORE_LIMIT_EXCEEDED;
    } else if (PreviousCount != NULL) {
        *PreviousCount = Previous;
    }
    ObfDereferenceObject(Semaphore);
    return Status;
}

NTSTATUS NTAPI ZwQuerySemaphore(HANDLE SemaphoreHandle,
                                SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
                                PVOID SemaphoreInformation, ULONG Length, PULONG ReturnLength)
{
    PSEMAPHORE_BASIC_INFORMATION Basic = SemaphoreInformation;
    PKSEMAPHORE Semaphore;
    NTSTATUS Status = ObpBeginQuery(
        &(OBP_QUERY){SemaphoreHandle, ExSemaphoreObjectType, SEMAPHORE_QUERY_STATE, sizeof(*Basic)},
        SemaphoreInformationClass, Basic, Length, ReturnLength, (PVOID *)&Semaphore);
    if (NT_SUCCESS(Status)) {
        *Basic = (SEMAPHORE_BASIC_INFORMATION){KeReadStateSemaphore(Semaphore), Semaphore->Limit};
        ObfDereferenceObject(Semaphore);
    }
    return Status;
}
