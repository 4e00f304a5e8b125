/*
 * Promise, together with the console (test_pools.py): what a driver allocates is shown, refused and
 * placed by tag and driver. Alone it proves that its three blocks, each of another tag, are there;
 * when one is refused it gives back those before and does not start. As poolleaker it keeps the
 * second.
 */
#include "kmt.h"

#define BLOCKS 3

static const ULONG Tags[BLOCKS] = {'1sUP', '2sUP', '3sUP'}; /* "PUs1" ... */
static const SIZE_T Sizes[BLOCKS] = {100, 1000, 10000};
static PVOID Blocks[BLOCKS];
static BOOLEAN Leaks;

static VOID FreeBlocks(VOID)
{
    for (ULONG i = 0; i < BLOCKS; i++) {
        if (Blocks[i] != NULL && !(Leaks && i == 1)) {
            ExFreePoolWithTag(Blocks[i], Tags[i]);
        }
    }
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    FreeBlocks();
}

static VOID KmtRun(VOID)
{
    UNICODE_STRING Leaker = RTL_CONSTANT_STRING(L"\\Driver\\poolleaker");

    KmtDriverObject->DriverUnload = Unload;
    for (ULONG i = 0; i < BLOCKS; i++) {
        Blocks[i] = ExAllocatePoolWithTag(i == 2 ? PagedPool : NonPagedPoolNx, Sizes[i], Tags[i]);
        if (!KMT_CHECK(Blocks[i] != NULL, "memory")) {
            FreeBlocks();
            return;
        }
    }
    Leaks = RtlEqualUnicodeString(&KmtDriverObject->DriverName, &Leaker, TRUE);
}
