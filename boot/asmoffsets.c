/* Constants that the entry code shares with C. */
#include <asmdefine.h>

#include "boot.h"
#include "grub/multiboot.h"

void BlDefineOffsets(void);
void BlDefineOffsets(void)
{
    ASM_VALUE(LOADER_STACK_SIZE, LOADER_STACK_SIZE);
    ASM_VALUE(BL_LOADER_UNKNOWN, BlLoaderUnknown);
    ASM_VALUE(BL_LOADER_MULTIBOOT, BlLoaderMultiboot);
    ASM_VALUE(BL_LOADER_PVH, BlLoaderPvh);
    ASM_VALUE(BL_DEBUG_EXIT_PORT, BL_DEBUG_EXIT_PORT);
    ASM_VALUE(BL_DEBUG_EXIT_VALUE, BL_DEBUG_EXIT_VALUE);
    ASM_VALUE(MULTIBOOT_LOADED_MAGIC, MULTIBOOT_LOADED_MAGIC);
    ASM_VALUE(MULTIBOOT_TAG_MEMORY_MAP, MULTIBOOT_TAG_MEMORY_MAP);
}
