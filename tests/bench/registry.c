/*
 * Measures: a key opened by its path and closed, a value read, a value set.
 */
#include "bench.h"

static UNICODE_STRING Path =
    RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\bench");
static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"BenchValue");

static HANDLE OpenBenchKey(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;

    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    return NT_SUCCESS(ZwOpenKey(&Key, KEY_READ | KEY_WRITE, &Attributes)) ? Key : NULL;
}

static VOID BenchRun(VOID)
{
    UCHAR Buffer[64];
    ULONG Value = 1, Length;
    HANDLE Key;

    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwClose(OpenBenchKey());
        BenchStop();
    }
    BenchReport("zwopenkey");
    Key = OpenBenchKey();
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwSetValueKey(Key, &Name, 0, REG_DWORD, &Value, sizeof(Value));
        BenchStop();
    }
    BenchReport("zwsetvaluekey");
    for (ULONG i = 0; i < BENCH_ROUNDS; i++) {
        BenchStart();
        ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer, sizeof(Buffer), &Length);
        BenchStop();
    }
    BenchReport("zwqueryvaluekey");
    ZwDeleteValueKey(Key, &Name);
    ZwClose(Key);
}
