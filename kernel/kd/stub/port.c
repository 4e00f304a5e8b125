/*
 * port.c - whether there can be a debugger, and whether there is one: what drivers ask, and what
 * the command line wants.
 *
 *     debug          gdb may come at any time on COM2 (debugport=com2, the only one there is)
 *     break          and the start waits for it
 *
 * Enabled is fixed at the start but for KdDisableDebugger; present changes in sessions only. Both
 * are single bytes that anybody may read.
 */
#include "stub.h"
#include "hal.h"
#include "../words.h"

/* KUSER_SHARED_DATA.KdDebuggerEnabled, which anybody may read. */
#define SHARED_STATE (KI_USER_SHARED_DATA + 0x2D4)
#define SHARED_ENABLED 0x1
#define SHARED_PRESENT 0x2

BOOLEAN KdDebuggerEnabled;
BOOLEAN KdDebuggerNotPresent = TRUE;
static BOOLEAN KdpPortOpen;
static volatile LONG KdpDisableCount; /* o */

static void UpdateShared(void)
{
    *(volatile UCHAR *)SHARED_STATE =
        (KdDebuggerEnabled ? SHARED_ENABLED : 0) | (KdDebuggerNotPresent ? 0 : SHARED_PRESENT);
}

void KdpSetPresent(BOOLEAN Present)
{
    KdDebuggerNotPresent = !Present;
    UpdateShared();
}

BOOLEAN KdIsDebuggerPossible(void)
{
    return KdDebuggerEnabled;
}

BOOLEAN KdIsDebuggerPresent(void)
{
    return KdDebuggerEnabled && !KdDebuggerNotPresent;
}

BOOLEAN NTAPI KdRefreshDebuggerNotPresent(void)
{
    return KdDebuggerNotPresent;
}

NTSTATUS NTAPI KdDisableDebugger(void)
{
    if (!KdpPortOpen) {
        return STATUS_DEBUGGER_INACTIVE;
    }
    if (InterlockedIncrement(&KdpDisableCount) == 1) {
        KdDebuggerEnabled = FALSE;
        UpdateShared();
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI KdEnableDebugger(void)
{
    LONG Count = KdpDisableCount;

    if (!KdpPortOpen) {
        return STATUS_DEBUGGER_INACTIVE;
    }
    /* One more than disabled it has nothing to undo. */
    while (Count > 0) {
        LONG Seen = InterlockedCompareExchange(&KdpDisableCount, Count - 1, Count);

        if (Seen == Count) {
            KdDebuggerEnabled = Count == 1;
            UpdateShared();
            return STATUS_SUCCESS;
        }
        Count = Seen;
    }
    return STATUS_INVALID_PARAMETER;
}

/* debugport=com2, as with bcdedit; nothing said is the same. */
static BOOLEAN IsPortKnown(void)
{
    SIZE_T Length;
    const char *Value = KiFindBootOption("debugport", 0, &Length);

    if (Value == NULL || (Length == 4 && _strnicmp(Value, "com2", Length) == 0)) {
        return TRUE;
    }
    KdPrintf("debug: the debugger's port is COM2, not %.*s\n", (int)Length, Value);
    return FALSE;
}

void KdStartDebugger(void)
{
    const char *Line = KeLoaderBlock->CommandLine;

    if (!KdHasWord(Line, "debug") || !IsPortKnown()) {
        return;
    }
    if (!HalOpenDebuggerPort()) {
        KdPrintf("debug: there is no COM2\n");
        return;
    }
    KdpPortOpen = KdDebuggerEnabled = TRUE;
    UpdateShared();
    HalListenDebuggerPort(TRUE);
    if (KdHasWord(Line, "break")) {
        KdPrintf("debug: waiting for gdb on COM2\n");
        KiWaitForDebugger();
    }
}
