/*
 * processor.c - the protections and page features of one processor.
 *
 * Every processor gets the same settings before it runs anything else of the kernel: page
 * tables are shared, and an entry must mean one thing everywhere.
 */
#include "mi.h"

#define MSR_PAT 0x277
/* Entries 0-3 as after reset: WB WT UC- UC. Entry 4, which a leaf's PAT bit selects: WC. */
#define PAT_VALUE 0x0007040100070406ULL

#define CR0_WP (1ULL << 16) /* read-only holds for ring 0, too */
#define CR4_PGE (1ULL << 7)
#define CR4_UMIP (1ULL << 11) /* programs may not read the descriptor tables' addresses */
#define CR4_SMEP (1ULL << 20) /* the kernel runs no code of user pages */
#define CR4_SMAP (1ULL << 21) /* nor reads their data by mistake */
#define EFER_NXE (1ULL << 11)

/* CPUID bits and what they allow in CR4. */
static ULONG64 MiControlBits(void)
{
    ULONG Info[4];
    ULONG64 Bits = 0;

    __cpuidex(Info, 1, 0);
    Bits |= (Info[3] & (1U << 13)) != 0 ? CR4_PGE : 0;
    __cpuidex(Info, 0, 0);
    if (Info[0] >= 7) {
        __cpuidex(Info, 7, 0);
        Bits |= (Info[1] & (1U << 7)) != 0 ? CR4_SMEP : 0;
        Bits |= (Info[1] & (1U << 20)) != 0 ? CR4_SMAP : 0;
        Bits |= (Info[2] & (1U << 2)) != 0 ? CR4_UMIP : 0;
    }
    return Bits;
}

void MmInitializeProcessor(void)
{
    ULONG Info[4];

    __cpuidex(Info, 0x80000001, 0);
    if (Info[3] & (1U << 20)) {
        __writemsr(MSR_EFER, __readmsr(MSR_EFER) | EFER_NXE);
    }
    __cpuidex(Info, 1, 0);
    if (Info[3] & (1U << 16)) {
        __writemsr(MSR_PAT, PAT_VALUE);
    }
    __writecr0(__readcr0() | CR0_WP);
    __writecr4(__readcr4() | MiControlBits());
}
