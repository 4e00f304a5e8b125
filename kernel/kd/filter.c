/*
 * filter.c - which debug messages are printed (DbgPrintEx; book ch. 5).
 *
 * Every message belongs to a component and a level. It is printed when the level's bit is set in
 * the component's mask, Kd_DEFAULT_Mask for DbgPrint and Kd_IHVDRIVER_Mask for most drivers'
 * DbgPrintEx, or in the mask for everybody, Kd_WIN2000_Mask, which lets errors through. The masks
 * come from the registry when the system starts, can be changed by `dbgkflt`, by
 * DbgSetDebugFilterState, and are variables under the names that Windows' symbols have, so that a
 * debugger can set them too.
 *
 * Everything is closed at first but errors, as on Windows; registry.reg opens DbgPrint, because
 * nobody who starts is helped by a message that vanishes.
 *
 * A mask is one word that is read and written without a lock: a message printed while its mask is
 * being changed may go either way.
 */
#include "ke.h"
#include "kd.h"
#include "cm.h"

#define KDP_FILTER_KEY                                                                             \
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Session Manager\\Debug Print Filter"

/* As the WDK has it: up to 31 a level is a bit's number, above it a mask of the caller's own. */
#define LEVEL_BIT(Level) ((Level) < 32 ? 1U << (Level) : (Level))

/* Volatile: a debugger may change them behind the compiler's back. */
volatile ULONG Kd_WIN2000_Mask = LEVEL_BIT(DPFLTR_ERROR_LEVEL);
/* filternames.h is made from dpfilter.h: a line for each component, in the order of the numbers. */
#define FILTER_COMPONENT(Component) volatile ULONG Kd_##Component##_Mask;
#include <filternames.h>
#undef FILTER_COMPONENT

#define FILTER_COMPONENT(Component) {#Component, &Kd_##Component##_Mask},
static const struct {
    const char *Name;
    volatile ULONG *Mask;
} KdpComponents[] = {
#include <filternames.h>
};
#undef FILTER_COMPONENT
_Static_assert(ARRAYSIZE(KdpComponents) == DPFLTR_ENDOFTABLE_ID, "every component has a mask");

/* Components that are not known share DbgPrint's mask. */
static volatile ULONG *KdpMaskOf(ULONG ComponentId)
{
    return KdpComponents[ComponentId < DPFLTR_ENDOFTABLE_ID ? ComponentId : DPFLTR_DEFAULT_ID].Mask;
}

NTSTATUS NTAPI DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level)
{
    ULONG Mask = Kd_WIN2000_Mask;

    if (ComponentId != MAXULONG) {
        Mask |= *KdpMaskOf(ComponentId);
    }
    return (Mask & LEVEL_BIT(Level)) != 0 ? TRUE : FALSE;
}

NTSTATUS NTAPI DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State)
{
    volatile LONG *Mask;
    ULONG Bits = LEVEL_BIT(Level);

    if (ComponentId >= DPFLTR_ENDOFTABLE_ID && ComponentId != MAXULONG) {
        return STATUS_INVALID_PARAMETER_1;
    }
    Mask = (volatile LONG *)(ComponentId == MAXULONG ? &Kd_WIN2000_Mask : KdpMaskOf(ComponentId));
    if (State) {
        InterlockedOr(Mask, (LONG)Bits);
    } else {
        InterlockedAnd(Mask, (LONG)~Bits);
    }
    return STATUS_SUCCESS;
}

static void KdpLoadMask(PCM_KEY Key, const char *Name, volatile ULONG *Mask)
{
    WCHAR Value[32];
    ULONG i;

    for (i = 0; Name[i] != 0 && i < ARRAYSIZE(Value) - 1; i++) {
        Value[i] = (UCHAR)Name[i];
    }
    Value[i] = 0;
    *Mask = CmQueryUlong(Key, Value, *Mask);
}

void KdLoadFilter(void)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(KDP_FILTER_KEY);
    PCM_KEY Key;

    if (!NT_SUCCESS(CmOpenKey(&Path, FALSE, &Key))) {
        return;
    }
    KdpLoadMask(Key, "WIN2000", &Kd_WIN2000_Mask);
    for (ULONG i = 0; i < ARRAYSIZE(KdpComponents); i++) {
        KdpLoadMask(Key, KdpComponents[i].Name, KdpComponents[i].Mask);
    }
    CmCloseKey(Key);
}

/* A component by name, in any case, or by number; WIN2000 is the mask for everybody. */
static volatile ULONG *KdpFindMask(const char *Name)
{
    ULONG64 Number;

    if (_stricmp(Name, "WIN2000") == 0) {
        return &Kd_WIN2000_Mask;
    }
    for (ULONG i = 0; i < ARRAYSIZE(KdpComponents); i++) {
        if (_stricmp(Name, KdpComponents[i].Name) == 0) {
            return KdpComponents[i].Mask;
        }
    }
    if (KdParseNumber(Name, &Number) && Number < ARRAYSIZE(KdpComponents)) {
        return KdpComponents[Number].Mask;
    }
    return NULL;
}

static void KdpShowMask(PKD_CONSOLE Console, ULONG Component)
{
    static const char *const Levels[] = {"error", "warning", "trace", "info"};
    ULONG Mask = *KdpComponents[Component].Mask;

    KdConsolePrint(Console, "%9u  %-14s 0x%08x ", Component, KdpComponents[Component].Name, Mask);
    for (ULONG i = 0; i < ARRAYSIZE(Levels); i++) {
        if ((Mask & 1U << i) != 0) {
            KdConsolePrint(Console, " %s", Levels[i]);
        }
    }
    KdConsolePrint(Console, "%s\n",
                   Component == DPFLTR_DEFAULT_ID     ? " (DbgPrint)"
                   : Component == DPFLTR_IHVDRIVER_ID ? " (drivers by DbgPrintEx)"
                                                      : "");
}

/* Those that let anything through, and the two that drivers use; with All every one. */
static NTSTATUS KdpShowFilter(PKD_CONSOLE Console, BOOLEAN All)
{
    KdConsolePrint(Console, "component  name           mask        levels\n");
    KdConsolePrint(Console, "      all  WIN2000        0x%08x\n", Kd_WIN2000_Mask);
    for (ULONG i = 0; i < ARRAYSIZE(KdpComponents); i++) {
        if (All || *KdpComponents[i].Mask != 0 || i == DPFLTR_IHVDRIVER_ID ||
            i == DPFLTR_DEFAULT_ID) {
            KdpShowMask(Console, i);
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FilterCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    volatile ULONG *Component;
    ULONG64 Mask;

    if (Argc == 1) {
        return KdpShowFilter(Console, FALSE);
    }
    if (Argc == 2 && _stricmp(Argv[1], "all") == 0) {
        return KdpShowFilter(Console, TRUE);
    }
    Component = KdpFindMask(Argv[1]);
    if (Component == NULL) {
        KdConsolePrint(Console, "No component is called \"%s\"; `dbgkflt all` lists them.\n",
                       Argv[1]);
        return KdConsoleReported(Console, STATUS_NOT_FOUND);
    }
    if (Argc != 3 || !KdParseNumber(Argv[2], &Mask) || Mask > MAXULONG) {
        return KdConsoleUsage(Console);
    }
    *Component = (ULONG)Mask;
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("dbgkflt", "[all | COMPONENT MASK]", "show or set which debug output is printed",
                   FilterCommand);
