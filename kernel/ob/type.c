/*
 * type.c - object types.
 *
 * A type is itself an object, of type Type, named in \ObjectTypes. It holds what the owner of its
 * objects wants done at certain moments, and counts its objects. Types live for ever, so
 * nobody counts references to them and a header points to its type plainly.
 *
 * The type Type is made first, with its own header's type set to itself by hand.
 */
#include "obp.h"

POBJECT_TYPE ObpTypeType;

static const WCHAR ObpTypeDirectoryPath[] = L"\\ObjectTypes\\";

/* Windows tags a body's memory with the first letters of its type: Devi, Driv, File, Thre. */
static ULONG ObpPoolTag(PCWSTR Name)
{
    ULONG Tag = 0;
    for (ULONG i = 0; i < 4; i++) {
        Tag |= (ULONG)(UCHAR)(*Name != 0 ? *Name++ : ' ') << (8 * i);
    }
    return Tag;
}

NTSTATUS ObpAllocateType(const OB_TYPE_INITIALIZER *Initializer, POBJECT_TYPE *NewType)
{
    POBJECT_TYPE Type;
    NTSTATUS Status = ObAllocateObject(ObpTypeType, sizeof(*Type), (PVOID *)&Type);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    RtlInitUnicodeString(&Type->Name, Initializer->Name);
    Type->Info = *Initializer;
    Type->PoolTag = ObpPoolTag(Initializer->Name);
    *NewType = Type;
    return STATUS_SUCCESS;
}

/* \ObjectTypes is where winobj and `objects` look for types. The creator's reference is kept, so
 * a type never goes. */
NTSTATUS ObpNameType(POBJECT_TYPE Type)
{
    WCHAR Path[64];
    UNICODE_STRING Name = {0, sizeof(Path), Path};
    OBJECT_ATTRIBUTES Attributes;
    PVOID Kept;
    RtlAppendUnicodeToString(&Name, ObpTypeDirectoryPath);
    NTSTATUS Status = RtlAppendUnicodeStringToString(&Name, &Type->Name);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &Name, OBJ_PERMANENT, NULL, NULL);
    return ObEnterObject(Type, &Attributes, 0, &Kept, NULL);
}

NTSTATUS ObCreateType(const OB_TYPE_INITIALIZER *Initializer, POBJECT_TYPE *NewType)
{
    POBJECT_TYPE Type;
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    NTSTATUS Status = ObpAllocateType(Initializer, &Type);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpNameType(Type);
    if (NT_SUCCESS(Status)) {
        *NewType = Type;
    }
    return Status;
}

typedef struct _OBP_TYPE_LISTING {
    PKD_CONSOLE Console;
    ULONG64 Objects, Handles;
} OBP_TYPE_LISTING;

/* The counts are read one after another while others change them: a picture, not a proof. */
static void ObpPrintType(PVOID Object, PCUNICODE_STRING Name, PVOID Context)
{
    OBP_TYPE_LISTING *Listing = Context;
    POBJECT_TYPE Type = Object;
    KdConsolePrint(Listing->Console, "%-16wZ %8lld %8lld %10lld\n", Name, Type->ObjectCount,
                   Type->HandleCount, Type->CreationCount);
    Listing->Objects += (ULONG64)Type->ObjectCount;
    Listing->Handles += (ULONG64)Type->HandleCount;
}

static NTSTATUS ObpObjectsCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(L"\\ObjectTypes");
    OBP_TYPE_LISTING Listing = {Console, 0, 0};
    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "%-16s %8s %8s %10s\n", "Type", "Objects", "Handles", "Created");
    NTSTATUS Status = ObEnumerateDirectory(&Path, ObpPrintType, &Listing);
    KdConsolePrint(Console, "Objects total %llu\nHandles total %llu\n", Listing.Objects,
                   Listing.Handles);
    return Status;
}
KD_COMMAND("objects", "", "how many objects and handles of each type there are", ObpObjectsCommand);
