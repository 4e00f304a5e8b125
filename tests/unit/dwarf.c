/*
 * Proves that call frame information leads from a routine to its caller: what compilers write,
 * checked by walking this very program's stack beside the C library's own unwinder, and every other
 * kind of rule and expression, made by hand; and that damaged tables end a walk and are never read
 * beyond their end.
 *
 * unit-sources: kernel/ke/dwarf.c kernel/ke/dwarfframe.c
 */
#define _GNU_SOURCE
#include <assert.h>
#include <execinfo.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "kernel/ke/unwind.h"

#define CODE 0xFFFFFFFF80200000ULL /* the routine made by hand */
#define TABLES 0xFFFFFFFF80300000ULL
#define CALLER 0xFFFFFFFF80212345ULL
#define STACK 0xFFFFF88000020000ULL
#define DEPTH 40

static ULONG64 Stack[64];
static BOOLEAN Live; /* this program's own stack is walked */

BOOLEAN KiReadMemory(ULONG64 Address, PVOID Value, ULONG Size)
{
    if (Live) {
        memcpy(Value, (void *)Address, Size);
        return TRUE;
    }
    if (Address - STACK <= sizeof(Stack) - Size) {
        memcpy(Value, (UCHAR *)Stack + (Address - STACK), Size);
        return TRUE;
    }
    return FALSE;
}

/*** This program ***/

static KI_DWARF_TABLES Own;
static ULONG64 OwnStart, OwnEnd;

static int FindTables(struct dl_phdr_info *Info, size_t Size, void *Context)
{
    for (int i = 0; i < Info->dlpi_phnum; i++) {
        const ElfW(Phdr) *Header = &Info->dlpi_phdr[i];
        ULONG64 Start = Info->dlpi_addr + Header->p_vaddr;
        if (Header->p_type == PT_LOAD && (Header->p_flags & PF_X)) {
            OwnStart = Start;
            OwnEnd = Start + Header->p_memsz;
        }
        if (Header->p_type == PT_GNU_EH_FRAME) {
            Own.Bytes = (const UCHAR *)Start;
            Own.Address = Start;
        }
    }
    /* .eh_frame lies behind its index, in the same segment. */
    for (int i = 0; i < Info->dlpi_phnum; i++) {
        const ElfW(Phdr) *Header = &Info->dlpi_phdr[i];
        ULONG64 Start = Info->dlpi_addr + Header->p_vaddr;
        if (Header->p_type == PT_LOAD && Own.Address - Start < Header->p_memsz) {
            Own.Size = (ULONG)(Start + Header->p_memsz - Own.Address);
        }
    }
    (void)Size;
    (void)Context;
    return 1; /* the program itself comes first */
}

static ULONG Walked;

/* GCC's optimised frames: each level pushes another set of registers and has another size. */
static __attribute__((noinline)) ULONG64 Compare(void)
{
    static const int Order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};
    void *Expected[DEPTH];
    int Count = backtrace(Expected, DEPTH), First = 0;
    KI_STACK_WALK Walk = {.Interrupted = TRUE};
    ucontext_t Context;

    getcontext(&Context);
    Walk.Rip = (ULONG64)Context.uc_mcontext.gregs[REG_RIP];
    for (ULONG i = 0; i < KiRegisterCount; i++) {
        Walk.Register[i] = (ULONG64)Context.uc_mcontext.gregs[Order[i]];
    }
    Live = TRUE;
    while ((ULONG64)Expected[First] - OwnStart >= OwnEnd - OwnStart) {
        First++; /* the sanitizer's part of backtrace */
    }
    for (int i = First + 1; i < Count; i++) {
        if ((ULONG64)Expected[i] - OwnStart >= OwnEnd - OwnStart) {
            break; /* the C library, which called main */
        }
        assert(KiUnwindDwarfFrame(&Walk, &Own) == KiStepDone);
        assert(Walk.Rip == (ULONG64)Expected[i] && !Walk.Interrupted);
        Walked++;
    }
    Live = FALSE;
    return Walk.Rip;
}

static __attribute__((noinline)) ULONG64 Big(ULONG64 Depth)
{
    volatile UCHAR Space[3000];
    Space[Depth] = (UCHAR)Depth;
    return Compare() + Space[Depth];
}

static __attribute__((noinline, optimize("omit-frame-pointer"))) ULONG64 Small(ULONG64 Depth,
                                                                               ULONG64 a, ULONG64 b)
{
    ULONG64 Result = Depth == 0 ? Big(Depth) : Small(Depth - 1, b + Depth, a * 3);
    return Result + a * b;
}

static __attribute__((noinline)) ULONG64 Variable(ULONG Size)
{
    volatile UCHAR *Space = __builtin_alloca(Size);
    Space[0] = 1;
    return Small(9, Size, Size + 1) + Space[0];
}

static void TestOwnStack(void)
{
    dl_iterate_phdr(FindTables, NULL);
    assert(Own.Size != 0);
    for (ULONG Size = 1; Size < 600; Size += 97) {
        Walked = 0;
        Variable(Size);
        assert(Walked >= 13);
    }
}

/*** Tables made by hand ***/

static UCHAR Tables[256];
static ULONG TablesSize;

static void Put(const void *Bytes, ULONG Size)
{
    assert(TablesSize + Size <= sizeof(Tables));
    memcpy(Tables + TablesSize, Bytes, Size);
    TablesSize += Size;
}

static void Put32(ULONG64 Value)
{
    ULONG Low = (ULONG)Value;
    Put(&Low, 4);
}

/* An index of one routine [CODE, CODE + 100h), its common entry with Augmentation, and its own with
 * Program. */
static KI_DWARF_TABLES Make(PCSTR Augmentation, const UCHAR *Program, ULONG Size)
{
    static const UCHAR Common[] = {1, 0x78, 16, 1, 0x1B, 0x0C, 7, 8, 0x90, 1};
    ULONG Cie = 24, Fde;

    TablesSize = 0;
    Put32(0x3B031B01);
    Put32(20);
    Put32(1);
    Put32(CODE - TABLES);
    Fde = Cie + 8 + 1 + (ULONG)strlen(Augmentation) + 1 + sizeof(Common);
    Put32(Fde);
    Put32(0); /* not of the index any more */
    Put32(Fde - Cie - 4);
    Put32(0);
    Put("\1", 1);
    Put(Augmentation, (ULONG)strlen(Augmentation) + 1);
    Put(Common, sizeof(Common));
    assert(TablesSize == Fde);
    Put32(13 + Size);
    Put32(TablesSize - Cie);
    Put32(CODE - (TABLES + TablesSize));
    Put32(0x100);
    Put("", 1);
    Put(Program, Size);
    return (KI_DWARF_TABLES){Tables, TablesSize, TABLES};
}

static KI_STACK_WALK StartAt(ULONG Offset, ULONG RspIndex)
{
    KI_STACK_WALK Walk = {.Rip = CODE + Offset, .Interrupted = TRUE};

    for (ULONG i = 0; i < ARRAYSIZE(Stack); i++) {
        Stack[i] = 0x1000 + i;
    }
    for (ULONG i = 0; i < KiRegisterCount; i++) {
        Walk.Register[i] = STACK + i;
    }
    Walk.Register[KiRegisterRsp] = STACK + RspIndex * 8;
    return Walk;
}

static void ExpectReturn(KI_STACK_WALK *Walk, const KI_DWARF_TABLES *From, ULONG Index)
{
    Stack[Index] = CALLER;
    assert(KiUnwindDwarfFrame(Walk, From) == KiStepDone);
    assert(Walk->Rip == CALLER && Walk->Register[KiRegisterRsp] == STACK + (Index + 1) * 8);
}

/* push rbx; push rbp; mov rbp, rsp; ...; leave; pop; and back to the state before. */
static void TestRows(void)
{
    static const UCHAR Program[] = {0x41, 0x0E, 16,   0x83, 2,       /* 1: RBX pushed */
                                    0x02, 1,    0x0E, 24,   0x86, 3, /* 2 */
                                    0x43, 0x0D, 6,    0x0A,          /* 5: by RBP */
                                    0x03, 0x10, 0,    0x0C, 7,    8,   0xC3, 0xC6, /* 15h */
                                    0x04, 0x01, 0,    0,    0,    0x0B}; /* 16h: as before */
    KI_DWARF_TABLES From = Make("zR", Program, sizeof(Program));
    KI_STACK_WALK Walk = StartAt(0, 3);

    ExpectReturn(&Walk, &From, 3);
    Walk = StartAt(1, 3);
    ExpectReturn(&Walk, &From, 4);
    assert(Walk.Register[3] == 0x1000 + 3);
    Walk = StartAt(4, 3);
    ExpectReturn(&Walk, &From, 5);
    assert(Walk.Register[3] == 0x1000 + 4 && Walk.Register[KiRegisterRbp] == 0x1000 + 3);
    for (ULONG Offset = 5; Offset < 0x80; Offset += 0x11) {
        Walk = StartAt(Offset, 40);
        Walk.Register[KiRegisterRbp] = STACK + 8 * 7;
        ExpectReturn(&Walk, &From, 9);
        assert(Walk.Register[3] == 0x1000 + 8 && Walk.Register[KiRegisterRbp] == 0x1000 + 7);
    }
    Walk = StartAt(0x15, 6);
    ExpectReturn(&Walk, &From, 6);
    assert(Walk.Register[3] == STACK + 3);
    /* A return address behind the last instruction still belongs to it. */
    Walk = StartAt(0x100, 40);
    assert(KiUnwindDwarfFrame(&Walk, &From) == KiStepNoRoutine && Walk.Rip == CODE + 0x100);
    Walk.Interrupted = FALSE;
    Walk.Register[KiRegisterRbp] = STACK + 8 * 7;
    ExpectReturn(&Walk, &From, 9);
}

static void TestOtherRules(void)
{
    /* R12 at CFA - 32, R13 at CFA + 24, R14 is CFA - 16, R15 CFA + 8, RBX is in RSI, RBP at CFA +
     * 16, RAX the word at CFA - 8; RCX undefined, the same, as at first. */
    static const UCHAR Good[] = {0x05, 12,   4,    0x11, 13,   0x7D, 0x14, 14, 2,    0x15, 15, 0x7F,
                                 0x09, 3,    4,    0x10, 6,    2,    0x23, 16, 0x16, 0,    3,  0x38,
                                 0x1C, 0x06, 0x2E, 0x20, 0x07, 1,    0x08, 1,  0x06, 1};
    KI_DWARF_TABLES From = Make("zR", Good, sizeof(Good));
    KI_STACK_WALK Walk = StartAt(8, 20);

    Walk.Register[6] = 77;
    ExpectReturn(&Walk, &From, 20); /* CFA = 21 */
    assert(Walk.Register[12] == 0x1000 + 17 && Walk.Register[13] == 0x1000 + 24);
    assert(Walk.Register[14] == STACK + 19 * 8 && Walk.Register[15] == STACK + 22 * 8);
    assert(Walk.Register[3] == 77 && Walk.Register[KiRegisterRbp] == 0x1000 + 23);
    assert(Walk.Register[0] == CALLER); /* the word at CFA - 8 */
}

/* What cfi.inc writes for the stubs of trap.asm. */
static void TestTrap(void)
{
    static const UCHAR Program[] = {0x0F, 20,   0x77, 40,   0x77, 16, 0x06, 0x08, 0x10,
                                    0x29, 0x33, 0x24, 0x22, 0x77, 24, 0x06, 0x08, 0x10,
                                    0x29, 0x34, 0x24, 0x22, 0x90, 5,  0x87, 2};
    KI_DWARF_TABLES From = Make("zRS", Program, sizeof(Program));

    for (ULONG Words = 0; Words <= 2; Words++) {
        KI_STACK_WALK Walk = StartAt(8, 10);
        Stack[10] = Stack[11] = 0x10; /* error codes and vectors may look like CS */
        Stack[10 + Words] = CALLER;
        Stack[11 + Words] = 0x10;
        Stack[12 + Words] = 0x202;
        Stack[13 + Words] = STACK + 0x1000; /* another stack */
        assert(KiUnwindDwarfFrame(&Walk, &From) == KiStepDone);
        assert(Walk.Rip == CALLER && Walk.Interrupted);
        assert(Walk.Register[KiRegisterRsp] == STACK + 0x1000);
    }
}

static KI_STEP StepWith(const UCHAR *Program, ULONG Size, ULONG RspIndex)
{
    KI_DWARF_TABLES From = Make("zR", Program, Size);
    KI_STACK_WALK Walk = StartAt(0x20, RspIndex), Before = Walk;
    KI_STEP Step = KiUnwindDwarfFrame(&Walk, &From);

    assert(Step == KiStepDone || memcmp(&Walk, &Before, sizeof(Walk)) == 0);
    return Step;
}
#define STEP(Index, ...)                                                                           \
    StepWith((const UCHAR[]){__VA_ARGS__}, sizeof((const UCHAR[]){__VA_ARGS__}), Index)

static void TestEnds(void)
{
    KI_DWARF_TABLES From = Make("zP", (const UCHAR *)"", 1);
    KI_STACK_WALK Walk = StartAt(0x20, 5);

    assert(KiUnwindDwarfFrame(&Walk, &From) == KiStepBadTables);
    assert(STEP(5, 0) == KiStepDone);
    assert(STEP(5, 0x07, 16) == KiStepOutermost);
    assert(STEP(64, 0) == KiStepNoStack);
    assert(STEP(5, 0x86, 9) == KiStepNoStack);
    assert(STEP(5, 0x0B) == KiStepBadTables);
    assert(STEP(5, 0x0A, 0x0A, 0x0A, 0x0A, 0x0A) == KiStepBadTables);
    assert(STEP(5, 0x0F, 0x7F) == KiStepBadTables);
    assert(STEP(5, 0x0F, 1, 0x22) == KiStepBadTables);
    assert(STEP(5, 0x0F, 2, 0x30, 0x06) == KiStepNoStack);
    assert(STEP(5, 0x3F) == KiStepBadTables);
    assert(STEP(5, 0x09, 3, 16) == KiStepBadTables);
    assert(STEP(5, 0x0C, 16, 0) == KiStepBadTables);
    Walk = StartAt(0, 5);
    Walk.Rip = CODE - 1;
    From = Make("zR", (const UCHAR *)"", 1);
    assert(KiUnwindDwarfFrame(&Walk, &From) == KiStepNoRoutine);
}

static void TestDamage(void)
{
    static const UCHAR Program[] = {0x41, 0x0E, 16,   0x83, 2,    0x0A, 0x10, 6,    4,
                                    0x77, 8,    0x06, 0x22, 0x0F, 3,    0x76, 0x10, 0x06,
                                    0x0B, 0x02, 9,    0x0C, 6,    16,   0x16, 12,   2,
                                    0x35, 0x06, 0x05, 3,    3,    0x2E, 0x80, 1,    0xC3};
    KI_DWARF_TABLES From = Make("zR", Program, sizeof(Program));
    UCHAR Good[sizeof(Tables)];
    UCHAR *Exact;

    memcpy(Good, Tables, From.Size);
    srand(1);
    for (ULONG Round = 0; Round < 300000; Round++) {
        ULONG Size = rand() % 8 == 0 ? (ULONG)rand() % From.Size : From.Size;
        KI_STACK_WALK Walk = StartAt(rand() % 0x40, rand() % ARRAYSIZE(Stack));
        KI_DWARF_TABLES Damaged;
        Exact = malloc(Size); /* the sanitizer sees every byte behind it */
        memcpy(Exact, Good, Size);
        for (ULONG i = rand() % 5; i != 0 && Size != 0; i--) {
            Exact[rand() % Size] = (UCHAR)rand();
        }
        Damaged = (KI_DWARF_TABLES){Exact, Size, TABLES};
        Walk.Interrupted = rand() % 2;
        KiUnwindDwarfFrame(&Walk, &Damaged);
        free(Exact);
    }
}

int main(void)
{
    TestOwnStack();
    puts("ok 1 - this program's stack, as the C library walks it");
    TestRows();
    puts("ok 2 - rows");
    TestOtherRules();
    puts("ok 3 - other rules");
    TestTrap();
    puts("ok 4 - interrupted code, other stacks");
    TestEnds();
    puts("ok 5 - ends and mistakes");
    TestDamage();
    puts("ok 6 - 300000 damaged tables");
    puts("1..6");
    return 0;
}
