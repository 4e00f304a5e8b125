/*
 * The console's `loader` command: what was handed over at boot, as the kernel got it.
 *
 * The block does not change after the kernel has started, so reading it takes no lock. Memory shown
 * as reclaimable or as ACPI tables may have become free RAM since.
 */
#include "boot.h"

#include <kd.h>

#define PAGE_KB 4

static const char *const BlTypeNames[LoaderMaximumType] = {
    [LoaderFree] = "free",
    [LoaderReclaimable] = "boot page tables",
    [LoaderKernel] = "kernel",
    [LoaderBootDisk] = "boot disk",
    [LoaderSmpTrampoline] = "processor start-up",
    [LoaderAcpiReclaim] = "ACPI tables",
    [LoaderAcpiNvs] = "ACPI NVS",
    [LoaderReserved] = "reserved",
    [LoaderBad] = "bad",
};

/* Ticks are instructions when the emulator counts them. */
static ULONG64 BlTicksSinceEntry(VOID)
{
    return __builtin_ia32_rdtsc() - BlLoaderBlock.EntryTsc;
}

static VOID BlShowFramebuffer(PKD_CONSOLE Console, const LOADER_FRAMEBUFFER *Screen)
{
    if (Screen->Type == LoaderFramebufferNone) {
        return;
    }
    KdConsolePrint(Console, "screen        %016I64x %u x %u %s\n", Screen->Base, Screen->Width,
                   Screen->Height, Screen->Type == LoaderFramebufferText ? "cells" : "pixels");
}

static VOID BlShowMemory(PKD_CONSOLE Console, const LOADER_MEMORY_DESCRIPTOR *Memory)
{
    KdConsolePrint(Console, "%016I64x  %10I64u KB  %s\n", Memory->Base, Memory->PageCount * PAGE_KB,
                   BlTypeNames[Memory->Type]);
}

static NTSTATUS BlShowLoader(PKD_CONSOLE Console, int Argc, char **Argv)
{
    const LOADER_BLOCK *Block = &BlLoaderBlock;
    ULONG64 Ticks = BlTicksSinceEntry();

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "loader        %s\n", Block->LoaderName);
    KdConsolePrint(Console, "command line  %s\n", Block->CommandLine);
    KdConsolePrint(Console, "entered       %I64u time-stamp ticks ago\n", Ticks);
    KdConsolePrint(Console, "kernel        %016I64x %I64u bytes\n", Block->KernelBase,
                   Block->KernelSize);
    KdConsolePrint(Console, "boot disk     %016I64x %I64u bytes\n", Block->BootDiskBase,
                   Block->BootDiskSize);
    KdConsolePrint(Console, "ACPI root     %016I64x\n", Block->RsdpBase);
    BlShowFramebuffer(Console, &Block->Framebuffer);
    for (ULONG i = 0; i < Block->DescriptorCount; i++) {
        BlShowMemory(Console, &Block->Descriptors[i]);
    }
    return STATUS_SUCCESS;
}

KD_COMMAND("loader", "", "what the boot loader handed over: memory map, boot disk, command line",
           BlShowLoader);
