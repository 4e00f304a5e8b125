/*
 * boot.c - the drivers that the system starts by itself: those whose Start is 0 (boot), then 1
 * (system), then 2 (auto), each in the order of their groups, tags and names, after what they
 * depend on.
 *
 * On Windows the loader brings the boot drivers into memory and the service control manager starts
 * the auto drivers; here all images are in memory from the beginning, and it is one walk.
 */
#include <io.h>
#include <kd.h>
#include <ke.h>
#include <service.h>
#include <winerror.h>
#include "ldrp.h"
#include "order.h"

#define BOOT_TAG 'tBdL' /* "LdBt" in memory */
#define LDRP_GROUP_ORDER                                                                           \
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\ServiceGroupOrder"
#define LDRP_TAG_ORDER L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\GroupOrderList"

typedef struct _LDRP_BOOT_SERVICE {
    ORDER_KEY Order;
    ULONG ErrorControl;
    WCHAR Name[LDR_SERVICE_NAME];
} LDRP_BOOT_SERVICE, *PLDRP_BOOT_SERVICE;

/* The services found so far; first they are only counted, with Services NULL. */
typedef struct _LDRP_BOOT {
    PWSTR Groups; /* ServiceGroupOrder's List, or NULL */
    PCM_KEY Tags; /* GroupOrderList, or NULL */
    ULONG Count, Room;
    PLDRP_BOOT_SERVICE Services;
} LDRP_BOOT, *PLDRP_BOOT;

static PCM_KEY LdrpOpenKey(PCWSTR Name)
{
    UNICODE_STRING Path;
    PCM_KEY Key;

    RtlInitUnicodeString(&Path, Name);
    return NT_SUCCESS(CmOpenKey(&Path, FALSE, &Key)) ? Key : NULL;
}

/* Characters of a list with the end of its last text. */
static SIZE_T LdrpListChars(PCWSTR List)
{
    PCWSTR Item = List;

    while (*Item != 0) {
        Item += wcslen(Item) + 1;
    }
    return (SIZE_T)(Item - List);
}

static ULONG LdrpQueryTagPlace(PCM_KEY Tags, PCWSTR Group, ULONG Tag)
{
    ULONG List[65], Type, Size = sizeof(List);

    if (Tags == NULL || !NT_SUCCESS(CmQueryValue(Tags, Group, &Type, List, &Size)) ||
        Type != REG_BINARY) {
        Size = 0;
    }
    return OrderFindTag(List, Size, Tag);
}

static BOOLEAN LdrpAddBootService(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    PLDRP_BOOT Boot = Context;
    PLDRP_BOOT_SERVICE Service;
    WCHAR Group[LDR_SERVICE_NAME];
    ULONG Start = CmQueryUlong(Key, L"Start", SERVICE_DEMAND_START);

    if (Start > SERVICE_AUTO_START) {
        return TRUE;
    }
    if (Boot->Services == NULL) {
        Boot->Room++;
    } else if (Boot->Count < Boot->Room) {
        Service = &Boot->Services[Boot->Count++];
        LdrQueryServiceText(Key, L"Group", Group, ARRAYSIZE(Group));
        Service->Order.Start = Start;
        Service->Order.Group =
            Boot->Groups == NULL ? ORDER_NONE
                                 : OrderFindGroup(Boot->Groups, LdrpListChars(Boot->Groups), Group);
        Service->Order.Tag = LdrpQueryTagPlace(Boot->Tags, Group, CmQueryUlong(Key, L"Tag", 0));
        Service->ErrorControl = CmQueryUlong(Key, L"ErrorControl", SERVICE_ERROR_NORMAL);
        wcscpy_s(Service->Name, ARRAYSIZE(Service->Name), Name);
    }
    return TRUE;
}

/* By insertion, which keeps the names' order among equals. */
static void LdrpSortBootServices(PLDRP_BOOT Boot)
{
    for (ULONG i = 1; i < Boot->Count; i++) {
        LDRP_BOOT_SERVICE Service = Boot->Services[i];
        ULONG Place = i;

        while (Place > 0 && OrderCompare(&Boot->Services[Place - 1].Order, &Service.Order) > 0) {
            Boot->Services[Place] = Boot->Services[Place - 1];
            Place--;
        }
        Boot->Services[Place] = Service;
    }
}

/* There is no configuration known to be good to go back to, which is what "severe" asks for. */
static void LdrpReportBootFailure(PLDRP_BOOT_SERVICE Service, ULONG Error, const CHAR *Reason)
{
    if (Service->ErrorControl != SERVICE_ERROR_IGNORE) {
        KdPrintf("ldr: %ws was not started: error %u, %s%s%s\n", Service->Name, Error,
                 KdWin32Text(Error), Reason[0] != 0 ? " " : "", Reason);
    }
    if (Service->ErrorControl == SERVICE_ERROR_CRITICAL) {
        KeBugCheckEx(CRITICAL_SERVICE_FAILED, Error, (ULONG_PTR)Service->Name, 0, 0);
    }
}

static void LdrpStartBootService(PLDRP_BOOT_SERVICE Service)
{
    CHAR Reason[LDRP_REASON_SIZE];
    ULONG Error = LdrStartService(Service->Name, Reason, sizeof(Reason));

    /* Somebody may depend on it, and have started it. */
    if (Error != 0 && Error != ERROR_SERVICE_ALREADY_RUNNING) {
        LdrpReportBootFailure(Service, Error, Reason);
    }
}

/* Starts the services whose Start is First to Last. */
static void LdrpStartServices(ULONG First, ULONG Last)
{
    PCM_KEY Order = LdrpOpenKey(LDRP_GROUP_ORDER);
    LDRP_BOOT Boot = {.Tags = LdrpOpenKey(LDRP_TAG_ORDER)};

    if (Order != NULL) {
        NTSTATUS Status = LdrQueryServiceList(Order, L"List", &Boot.Groups);

        CmCloseKey(Order);
        if (!NT_SUCCESS(Status)) {
            KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG_PTR)Status, 0, 0, 0);
        }
    }
    LdrEnumerateServices(LdrpAddBootService, &Boot);
    Boot.Services =
        ExAllocatePool2(POOL_FLAG_PAGED, (Boot.Room + 1) * sizeof(*Boot.Services), BOOT_TAG);
    if (Boot.Services == NULL) {
        KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, 0, Boot.Room, 0, 0);
    }
    LdrEnumerateServices(LdrpAddBootService, &Boot);
    LdrpSortBootServices(&Boot);
    for (ULONG i = 0; i < Boot.Count; i++) {
        ULONG Start = Boot.Services[i].Order.Start;
        if (Start >= First && Start <= Last) {
            LdrpStartBootService(&Boot.Services[i]);
        }
    }
    ExFreePoolWithTag(Boot.Services, BOOT_TAG);
    if (Boot.Groups != NULL) {
        ExFreePool(Boot.Groups);
    }
    if (Boot.Tags != NULL) {
        CmCloseKey(Boot.Tags);
    }
}

/* The driver of the registry's disk is a boot driver. What the disk holds decides from then on, and
 * may know of other boot drivers. */
void LdrInitSystem(void)
{
    ULONG Next = SERVICE_SYSTEM_START;

    LdrpInitializeServices();
    LdrpStartServices(SERVICE_BOOT_START, SERVICE_BOOT_START);
    if (CmLoadHive()) {
        Next = SERVICE_BOOT_START;
        KdLoadFilter();
    }
    IoDriversStarted(FALSE);
    LdrpStartServices(Next, SERVICE_SYSTEM_START);
    IoDriversStarted(TRUE);
    LdrpStartServices(SERVICE_AUTO_START, SERVICE_AUTO_START);
}
