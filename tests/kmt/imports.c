/*
 * Promise: a driver uses what other drivers export, by name, by ordinal, as data, and through
 * forwards to the kernel, to a third driver and along a chain; the export drivers are in memory,
 * initialised once, without having been started; PsLoadedModuleList has them all, in the order in
 * which they were loaded, and RtlFindExportedRoutineByName finds what they export.
 * IMPORTS: exparith expforward
 */
#include "modules/exports.h"
#include "kmt.h"
#include <ntifs.h>

/* As drivers declare it that walk the list. */
typedef struct _MODULE_ENTRY {
    LIST_ENTRY Links;
    PVOID Unused[4];
    PVOID DllBase;
    PVOID EntryPoint;
    ULONG SizeOfImage;
    UNICODE_STRING FullDllName;
    UNICODE_STRING BaseDllName;
    ULONG Flags;
    USHORT LoadCount;
} MODULE_ENTRY, *PMODULE_ENTRY;

/* The entry of a module, and its place in the list. */
static PMODULE_ENTRY FindModule(PCWSTR Name, PULONG Place)
{
    PMODULE_ENTRY Found = NULL;
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    *Place = 0;
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&PsLoadedModuleResource, TRUE);
    for (PLIST_ENTRY Link = PsLoadedModuleList.Flink; Link != &PsLoadedModuleList && Found == NULL;
         Link = Link->Flink) {
        PMODULE_ENTRY Entry = CONTAINING_RECORD(Link, MODULE_ENTRY, Links);
        if (RtlEqualUnicodeString(&Entry->BaseDllName, &String, TRUE)) {
            Found = Entry;
        }
        ++*Place;
    }
    ExReleaseResourceLite(&PsLoadedModuleResource);
    KeLeaveCriticalRegion();
    return Found;
}

static VOID TestCalls(VOID)
{
    LONG Initialized, Started;
    BOOLEAN PathWasRight;
    KIRQL OldIrql, Irql;
    KMT_EQUAL(ArithAdd(20, 3), 23, "by name");
    KMT_EQUAL(ArithTimes(20, 3), 60, "by ordinal");
    KMT_EQUAL(ArithAnswer, 42, "data");
    KMT_EQUAL(ForwardAdd(1, 2), 3, "forwarded by name");
    KMT_EQUAL(ForwardTimes(5, 2), 10, "forwarded by ordinal");
    KMT_EQUAL(ForwardChain(7, 2), 9, "forwarded along a chain");
    KMT_EQUAL(ForwardOwn(), 5, "not forwarded at all");
    OldIrql = ForwardIrql();
    Irql = KeGetCurrentIrql();
    KeLowerIrql(OldIrql);
    KMT_CHECK(OldIrql == PASSIVE_LEVEL && Irql == DISPATCH_LEVEL, "forwarded to the kernel");
    ArithQuery(&Initialized, &Started, &PathWasRight);
    KMT_EQUAL(Initialized, 1, "DllInitialize was called once");
    KMT_EQUAL(Started, 0, "DriverEntry was not");
    KMT_CHECK(PathWasRight, "with the service's key");
}

static VOID TestList(VOID)
{
    ULONG Kernel, Own, Arith, Forward, Chain;
    PMODULE_ENTRY Entry = FindModule(L"imports.sys", &Own);
    PMODULE_ENTRY Export = FindModule(L"EXPARITH.SYS", &Arith);
    KMT_CHECK(FindModule(L"ntoskrnl.exe", &Kernel) != NULL && Kernel == 1, "the kernel is first");
    KMT_CHECK(FindModule(L"expforward.sys", &Forward) != NULL, "a driver that forwards");
    KMT_CHECK(FindModule(L"expchain.sys", &Chain) != NULL, "and one it forwards to");
    KMT_CHECK(Entry != NULL && Entry == KmtDriverObject->DriverSection,
              "DriverSection is this driver's entry");
    KMT_CHECK(Entry->DllBase == KmtDriverObject->DriverStart &&
                  Entry->SizeOfImage == KmtDriverObject->DriverSize &&
                  Entry->EntryPoint == (PVOID)KmtDriverObject->DriverInit,
              "and says what the driver object says");
    KMT_CHECK(Export != NULL && Arith < Own, "what is imported comes first");
    KMT_EQUAL(Export->LoadCount, 1, "it is needed once");
    KMT_CHECK(FindModule(L"nosuch.sys", &Own) == NULL, "others are not in the list");
}

static VOID TestFind(VOID)
{
    ULONG Place;
    PMODULE_ENTRY Arith = FindModule(L"exparith.sys", &Place);
    PMODULE_ENTRY Forward = FindModule(L"expforward.sys", &Place);
    PMODULE_ENTRY Kernel = FindModule(L"ntoskrnl.exe", &Place);
    LONG(NTAPI * Add)(LONG, LONG) = RtlFindExportedRoutineByName(Arith->DllBase, "ArithAdd");
    KMT_CHECK(Add != NULL && Add(2, 2) == 4, "an export is found by name");
    KMT_CHECK(RtlFindExportedRoutineByName(Arith->DllBase, "ArithTimes") == NULL,
              "one that has no name is not");
    KMT_CHECK(RtlFindExportedRoutineByName(Arith->DllBase, "aRithAdd") == NULL, "names are exact");
    KMT_CHECK(RtlFindExportedRoutineByName(Arith->DllBase, "") == NULL, "no name finds nothing");
    KMT_CHECK(RtlFindExportedRoutineByName(Forward->DllBase, "ForwardAdd") == NULL,
              "nor does the name of a forward");
    KMT_CHECK(RtlFindExportedRoutineByName(Kernel->DllBase, "KeBugCheckEx") == (PVOID)KeBugCheckEx,
              "the kernel's exports");
    KMT_CHECK(RtlFindExportedRoutineByName((PUCHAR)Arith->DllBase + 1, "ArithAdd") == NULL,
              "an address within a module is not its base");
    KMT_CHECK(RtlFindExportedRoutineByName(NULL, "ArithAdd") == NULL, "nor is NULL");
}

static VOID KmtRun(VOID)
{
    TestCalls();
    TestList();
    TestFind();
}
