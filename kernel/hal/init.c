/*
 * init.c - the order in which the HAL comes up, and what CPUID says about where it runs.
 */
#include "halp.h"
#include "halpci.h"
#include "kd.h"
#include "mm.h"

#define CPUID_FEATURES 1
#define CPUID_1_ECX_HYPERVISOR (1U << 31)
#define CPUID_HYPERVISOR 0x40000000

BOOLEAN HalpUnderHypervisor;
CHAR HalpHypervisorName[13];

void HalpCpuid(ULONG Info[4], ULONG Leaf)
{
    /* Each range (basic, hypervisor, extended) tells its last leaf in its first. */
    __cpuidex(Info, Leaf & 0xF0000000, 0);
    if (Info[0] < Leaf) {
        memset(Info, 0, 4 * sizeof(Info[0]));
    } else {
        __cpuidex(Info, Leaf, 0);
    }
}

void HalpDetectHypervisor(void)
{
    ULONG Info[4];

    HalpCpuid(Info, CPUID_FEATURES);
    HalpUnderHypervisor = (Info[2] & CPUID_1_ECX_HYPERVISOR) != 0;
    if (HalpUnderHypervisor) {
        __cpuidex(Info, CPUID_HYPERVISOR, 0);
        memcpy(HalpHypervisorName, &Info[1], sizeof(HalpHypervisorName) - 1);
    }
}

volatile void *HalpMapRegisters(ULONG64 Physical, SIZE_T Bytes)
{
    PHYSICAL_ADDRESS Address = {.QuadPart = (LONGLONG)Physical};

    return MmMapIoSpace(Address, Bytes, MmNonCached);
}

void HalInitializeSystem(PLOADER_BLOCK LoaderBlock)
{
    HalpDetectHypervisor();
    HalpReadFirmwareTables(LoaderBlock);
    HalpMaskPics();
    HalpInitializeLocalApic();
    HalpInitializeIoApics();
    HalpInitializePci();
    HalpInitializeTime();
    HalInitializeScreen(LoaderBlock);
    if (HalpPlatform.CpusIgnored != 0) {
        KdPrintf("hal: %u more CPUs cannot be used\n", HalpPlatform.CpusIgnored);
    }
}
