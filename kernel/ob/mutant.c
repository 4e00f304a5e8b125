/*
 * mutant.c - mutants with handles and names. The body is a KMUTANT.
 *
 * A mutant that is owned stands in a list of its owner's, so one whose last reference goes is taken
 * out of it first; nobody waits for it then. An owner that ends abandons it: ke/mutant.c.
 */
#include "obp.h"

POBJECT_TYPE ExMutantObjectType;

static void ObpDeleteMutant(PVOID Object)
{
    KeAbandonMutant(Object);
}

static void ObpDumpMutant(PVOID Object, PKD_CONSOLE Console)
{
    PKMUTANT Mutant = Object;
    CLIENT_ID Owner;
    KeQueryOwnerMutant(Mutant, &Owner);
    KdConsolePrint(Console, "    State %d, owner %llu%s\n", KeReadStateMutant(Mutant),
                   (ULONG64)Owner.UniqueThread, Mutant->Abandoned ? ", abandoned" : "");
}

static const OB_TYPE_INITIALIZER ObpMutantInitializer = {
    .Name = L"Mutant",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = MUTANT_ALL_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | MUTANT_QUERY_STATE, STANDARD_RIGHTS_WRITE,
                       STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, MUTANT_ALL_ACCESS},
    .Dump = ObpDumpMutant,
    .InvalidAttributes = OBJ_OPENLINK,
    .Delete = ObpDeleteMutant,
    .DispatcherOffset = offsetof(KMUTANT, Header),
};

NTSTATUS ObpCreateMutantType(void)
{
    return ObCreateType(&ObpMutantInitializer, &ExMutantObjectType);
}

NTSTATUS NTAPI ZwCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
                              POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN InitialOwner)
{
    PKMUTANT Mutant;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(MutantHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = ObAllocateObject(ExMutantObjectType, sizeof(*Mutant), (PVOID *)&Mutant);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeMutant(Mutant, InitialOwner);
    return ObEnterObject(Mutant, ObjectAttributes, DesiredAccess, NULL, MutantHandle);
}

NTSTATUS NTAPI ZwOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObpOpenNamed(MutantHandle, DesiredAccess, ObjectAttributes, ExMutantObjectType);
}

NTSTATUS NTAPI ZwReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount)
{
    PKMUTANT Mutant;
    LONG Previous;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    // As on Windows, owning it is the only right that counts.
    NTSTATUS Status = ObReferenceObjectByHandle(MutantHandle, 0, ExMutantObjectType, KernelMode,
                                                (PVOID *)&Mutant, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!KeTryReleaseMutant(Mutant, &Previous)) {
        Status = STATUS_MUTANT_NOT_OWNED;
    } else if (PreviousCount != NULL) {
        *PreviousCount = Previous;
    }
    ObfDereferenceObject(Mutant);
    return Status;
}

NTSTATUS NTAPI ZwQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
                             PVOID MutantInformation, ULONG Length, PULONG ReturnLength)
{
    PMUTANT_BASIC_INFORMATION Basic = MutantInformation;
    PKMUTANT Mutant;
    NTSTATUS Status = ObpBeginQuery(
        &(OBP_QUERY){MutantHandle, ExMutantObjectType, MUTANT_QUERY_STATE, sizeof(*Basic)},
        MutantInformationClass, Basic, Length, ReturnLength, (PVOID *)&Mutant);
    if (NT_SUCCESS(Status)) {
        // Whether it is the caller's cannot change meanwhile; the rest may be old already.
        *Basic = (MUTANT_BASIC_INFORMATION){KeReadStateMutant(Mutant),
                                            Mutant->OwnerThread == KeGetCurrentThread(),
                                            Mutant->Abandoned};
        ObfDereferenceObject(Mutant);
    }
    return Status;
}
