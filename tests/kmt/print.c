/*
 * Promises: DbgPrint understands Windows' conversions with a driver's arguments, at any IRQL; a
 * call's text comes out in one piece whoever else prints; filters drop what they should and no
 * more.
 *
 * The output is its own check: the lines that must come are TAP lines made by the conversion under
 * test, and what must not come would be a failed one. The numbers in the "# stripe" lines let the
 * host see that no line was torn.
 */
#include "kmt.h"

#define STRIPES 200

static LONG Next(VOID)
{
    return InterlockedIncrement(&KmtNumber);
}

static VOID TestConversions(VOID)
{
    UNICODE_STRING Unicode = RTL_CONSTANT_STRING(L"ok\x20AC");
    ANSI_STRING Ansi = RTL_CONSTANT_STRING("okay");

    Unicode.Length = Ansi.Length = 4; /* "ok" in both */
    Ansi.Length = 2;
    DbgPrint("%wZ %d - UNICODE_STRING\n", &Unicode, Next());
    DbgPrint("%Z %I64d - ANSI_STRING and I64\n", &Ansi, (LONG64)Next());
    DbgPrint("%ws %u - ws\n", L"ok", Next());
    DbgPrint("%S %lu - S, and l is 32 bits\n", L"ok", Next());
    DbgPrint("%.2s %lld - precision and ll\n", "okay", (LONG64)Next());
    DbgPrint("%c%C %-1i - c and C\n", 'o', L'k', Next());
    DbgPrint("o%.*s %d - star, and %p %08X %%\n", 1, "kk", Next(), (PVOID)0xFFFF8000, 0xBEEF);
}

static VOID PrintList(ULONG Component, ULONG Level, PCSTR Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    vDbgPrintExWithPrefix("ok ", Component, Level, Format, Arguments);
    va_end(Arguments);
}

static VOID TestFilters(VOID)
{
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "not ok - information passed the filter\n");
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "ok %d - errors always pass\n", Next());
    KMT_CHECK(!DbgQueryDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL), "filter closed");
    DbgSetDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, TRUE);
    KMT_CHECK(DbgQueryDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL), "filter opened");
    PrintList(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "%d - a va_list, through an open filter\n",
              Next());
    DbgSetDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, FALSE);
    KMT_EQUAL(DbgSetDebugFilterState(DPFLTR_ENDOFTABLE_ID, 0, TRUE), STATUS_INVALID_PARAMETER_1,
              "no such component");
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK | 0x100, "not ok - a mask with no bit in common\n");
    DbgSetDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK | 0x100, TRUE);
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK | 0x300, "ok %d - a mask with one\n", Next());
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, 31, "ok %d - DPFLTR_MASK is bit 31\n", Next());
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, 9, "not ok - a level whose bit is closed\n");
    DbgSetDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK | 0x100, FALSE);
    DbgPrintEx(MAXULONG, DPFLTR_INFO_LEVEL, "ok %d - of no component\n", Next());
}

static VOID TestIrql(VOID)
{
    for (KIRQL Irql = PASSIVE_LEVEL; Irql <= HIGH_LEVEL; Irql++) {
        KIRQL OldIrql;
        KeRaiseIrql(Irql, &OldIrql);
        DbgPrint("ok %d - at IRQL %u\n", Next(), Irql);
        KeLowerIrql(OldIrql);
    }
}

/* What is longer than 511 bytes is cut there, and leaves the next line alone. */
static VOID TestLimit(VOID)
{
    DbgPrint("#%*s\n", 600, "never seen");
    DbgPrint("\nok %d - after a text that was cut\n", Next());
}

static VOID NTAPI PrintStripes(PVOID Context)
{
    for (ULONG i = 0; i < STRIPES; i++) {
        KIRQL OldIrql;

        KeRaiseIrql((KIRQL)(i % (HIGH_LEVEL + 1)), &OldIrql);
        DbgPrint("# stripe %Iu %u abcdefghijklmnopqrstuvwxyz0123456789 end\n", (SIZE_T)Context, i);
        KeLowerIrql(OldIrql);
    }
}

static VOID TestStripes(VOID)
{
    PETHREAD Threads[4];

    for (SIZE_T i = 0; i < ARRAYSIZE(Threads); i++) {
        Threads[i] = KmtStartThread(PrintStripes, (PVOID)i);
    }
    for (ULONG i = 0; i < ARRAYSIZE(Threads); i++) {
        KmtJoin(Threads[i]);
    }
    KMT_CHECK(TRUE, "four threads have printed at once");
}

static VOID KmtRun(VOID)
{
    TestConversions();
    TestFilters();
    TestIrql();
    TestLimit();
    TestStripes();
}
