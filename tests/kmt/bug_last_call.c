/* STOP: 0x000000E2 MANUALLY_INITIATED_CRASH
 * SAYS: [0-9a-f]{16}  bug_last_call!LastCall\+0x2e
 * SAYS: [0-9a-f]{16}  bug_last_call!DriverEntry
 * Promise: a routine whose last instruction is the call of KeBugCheckEx is the one that stacks
 * name: what the call would return to is the next routine. */
#include "kmt.h"

VOID NTAPI LastCall(VOID);

/* Compilers put something behind such a call, but nobody has to. */
__asm__(".text\n"
        ".p2align 4\n"
        ".def LastCall; .scl 2; .type 32; .endef\n"
        ".seh_proc LastCall\n"
        "LastCall:\n"
        "    subq $56, %rsp\n"
        "    .seh_stackalloc 56\n"
        "    .seh_endprologue\n"
        "    movl $0xE2, %ecx\n"
        "    xorl %edx, %edx\n"
        "    xorl %r8d, %r8d\n"
        "    xorl %r9d, %r9d\n"
        "    movq $0, 32(%rsp)\n"
        "    .nops 14\n"
        "    callq *__imp_KeBugCheckEx(%rip)\n"
        ".seh_endproc\n"
        ".def NotCalled; .scl 2; .type 32; .endef\n"
        "NotCalled:\n"
        "    int3\n");

static VOID KmtRun(VOID)
{
    LastCall();
}
