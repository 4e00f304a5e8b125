/*
 * Proves that one step up the stack undoes each kind of prologue that unwind data can describe,
 * also from its middle, and epilogues, and that damaged images end the walk instead of leading out
 * of it.
 *
 * unit-sources: kernel/ke/unwind.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ke/unwind.h"

#define IMAGE_BASE 0xFFFFF80000010000ULL
#define IMAGE_SIZE 0x1000
#define STACK_BASE 0xFFFFF88000020000ULL
#define STACK_SIZE 0x400
#define HEADER 0x80
#define TABLE 0x200
#define INFO 0x300
#define CHAINED_INFO 0x340
#define CODE 0x400
#define CALLER 0xFFFFFFFF80212345ULL

static UCHAR Image[IMAGE_SIZE];
static ULONG64 Stack[STACK_SIZE / 8];
static ULONG Reads;

BOOLEAN KiReadMemory(ULONG64 Address, PVOID Value, ULONG Size)
{
    Reads++;
    if (Address - IMAGE_BASE <= IMAGE_SIZE - Size) {
        memcpy(Value, Image + (Address - IMAGE_BASE), Size);
        return TRUE;
    }
    if (Address - STACK_BASE <= STACK_SIZE - Size) {
        memcpy(Value, (UCHAR *)Stack + (Address - STACK_BASE), Size);
        return TRUE;
    }
    return FALSE;
}

static void Put32(ULONG At, ULONG Value)
{
    memcpy(Image + At, &Value, sizeof(Value));
}

/* An image with one routine [CODE, CODE + 100h), described by the bytes of Info. */
static void MakeImage(const UCHAR *Info, ULONG Size)
{
    memset(Image, 0, sizeof(Image));
    Put32(0x3C, HEADER);
    Put32(HEADER + 0xA0, TABLE);
    Put32(HEADER + 0xA4, 3 * 12);
    for (ULONG i = 0; i < 3; i++) {
        Put32(TABLE + 12 * i, CODE + 0x200 * i);
        Put32(TABLE + 12 * i + 4, CODE + 0x200 * i + 0x100);
        Put32(TABLE + 12 * i + 8, INFO);
    }
    memcpy(Image + INFO, Info, Size);
}

static KI_STACK_WALK StartAt(ULONG Offset, ULONG RspIndex)
{
    KI_STACK_WALK Walk = {.Rip = IMAGE_BASE + CODE + Offset, .Interrupted = TRUE};

    for (ULONG i = 0; i < STACK_SIZE / 8; i++) {
        Stack[i] = 0x1000 + i;
    }
    Walk.Register[KiRegisterRsp] = STACK_BASE + RspIndex * 8;
    return Walk;
}

/* The caller's frame begins right above the return address, which stands at ReturnIndex. */
static void ExpectReturn(KI_STACK_WALK *Walk, ULONG ReturnIndex)
{
    Stack[ReturnIndex] = CALLER;
    assert(KiUnwindImageFrame(Walk, IMAGE_BASE, IMAGE_SIZE) == KiStepDone);
    assert(Walk->Rip == CALLER);
    assert(Walk->Register[KiRegisterRsp] == STACK_BASE + (ReturnIndex + 1) * 8);
}

/* push rbp; push rsi; sub rsp, 28h; lea rbp, [rsp + 20h]: as clang compiles for Windows. */
static const UCHAR Framed[] = {0x01, 11, 4, 0x25, 11, 0x03, 6, 0x42, 2, 0x60, 1, 0x50};

static void TestFramePointer(void)
{
    KI_STACK_WALK Walk;

    MakeImage(Framed, sizeof(Framed));
    Walk = StartAt(0x50, 2); /* RSP has moved on, as after alloca; RBP counts */
    Walk.Register[KiRegisterRbp] = STACK_BASE + 10 * 8 + 0x20;
    ExpectReturn(&Walk, 17);
    assert(Walk.Register[6] == 0x1000 + 15 && Walk.Register[KiRegisterRbp] == 0x1000 + 16);
}

static void TestMiddleOfPrologue(void)
{
    KI_STACK_WALK Walk;

    MakeImage(Framed, sizeof(Framed));
    Walk = StartAt(0, 4); /* nothing done yet */
    ExpectReturn(&Walk, 4);
    Walk = StartAt(1, 4); /* RBP pushed */
    ExpectReturn(&Walk, 5);
    assert(Walk.Register[KiRegisterRbp] == 0x1000 + 4);
    Walk = StartAt(6, 4); /* all but the frame pointer */
    ExpectReturn(&Walk, 11);
}

static void TestLargeFramesAndSaves(void)
{
    /* Saves of RBX and R12 relative to RSP, sub rsp by both large forms, an XMM save to skip. */
    static const UCHAR Info[] = {0x01, 40, 11, 0, 38, 0x68, 2, 0, 30, 0x34, 3,    0, 25, 0xC5,
                                 0x20, 0,  0,  0, 20, 0x01, 4, 0, 10, 0x11, 0x40, 0, 0,  0};
    KI_STACK_WALK Walk;

    MakeImage(Info, sizeof(Info));
    Image[INFO + 2] = 12;
    Walk = StartAt(0x60, 0);
    ExpectReturn(&Walk, 4 + 8);
    assert(Walk.Register[3] == 0x1000 + 3 && Walk.Register[12] == 0x1000 + 4);
}

static void TestLeafAndChain(void)
{
    /* A piece of a routine (sub rsp, 8) whose beginning (push rbx) another entry describes. */
    static const UCHAR Piece[] = {0x21, 4, 1, 0, 4, 0x02, 0, 0};
    static const UCHAR Beginning[] = {0x01, 1, 1, 0, 1, 0x30};
    KI_STACK_WALK Walk;

    MakeImage(Piece, sizeof(Piece));
    Put32(INFO + sizeof(Piece) + 8, CHAINED_INFO);
    memcpy(Image + CHAINED_INFO, Beginning, sizeof(Beginning));
    Walk = StartAt(0x20, 0);
    ExpectReturn(&Walk, 2);
    assert(Walk.Register[3] == 0x1000 + 1);
    Put32(INFO + sizeof(Piece) + 8, INFO); /* a chain without end */
    Walk = StartAt(0x20, 0);
    assert(KiUnwindImageFrame(&Walk, IMAGE_BASE, IMAGE_SIZE) == KiStepBadTables);
    Walk = StartAt(0x150, 7); /* between routines: a leaf */
    ExpectReturn(&Walk, 7);
}

static void TestMachineFrame(void)
{
    static const UCHAR Info[] = {0x01, 0, 1, 0, 0, 0x1A};
    KI_STACK_WALK Walk;

    MakeImage(Info, sizeof(Info));
    Walk = StartAt(8, 3); /* error code, RIP, CS, flags, RSP */
    Stack[4] = CALLER;
    Stack[7] = STACK_BASE + 0x100;
    assert(KiUnwindImageFrame(&Walk, IMAGE_BASE, IMAGE_SIZE) == KiStepDone);
    assert(Walk.Rip == CALLER && Walk.Register[KiRegisterRsp] == STACK_BASE + 0x100);
}

/* Interrupted at each instruction of an epilogue: what of it has not been done yet is done. */
static void TestEpilogue(void)
{
    /* add rsp, 28h; pop rsi; pop r12; ret */
    static const UCHAR Code[] = {0x48, 0x83, 0xC4, 0x28, 0x5E, 0x41, 0x5C, 0xC3};
    static const UCHAR Lea[] = {0x49, 0x8D, 0x65, 0x10, 0x5D, 0xE9, 0, 0x10, 0, 0};
    static const UCHAR Inside[] = {0xE9, 0x10, 0, 0, 0};
    static const struct {
        ULONG Offset, Return;
    } Points[] = {{0, 7}, {4, 2}, {5, 1}, {7, 0}};
    KI_STACK_WALK Walk;

    for (ULONG i = 0; i < ARRAYSIZE(Points); i++) {
        MakeImage(Framed, sizeof(Framed));
        memcpy(Image + CODE + 0x60, Code, sizeof(Code));
        Walk = StartAt(0x60 + Points[i].Offset, 3);
        ExpectReturn(&Walk, 3 + Points[i].Return);
        if (Points[i].Offset == 4) {
            assert(Walk.Register[6] == 0x1000 + 3 && Walk.Register[12] == 0x1000 + 4);
        }
        assert(!Walk.Interrupted);
    }
    /* lea rsp, [r13 + 10h]; pop rbp; jmp to another routine */
    memcpy(Image + CODE + 0x60, Lea, sizeof(Lea));
    Walk = StartAt(0x60, 3);
    Walk.Register[13] = STACK_BASE + 10 * 8;
    ExpectReturn(&Walk, 13);
    assert(Walk.Register[KiRegisterRbp] == 0x1000 + 12);
    /* A jump within the routine is no end of it, nor is anything where a call returns to. */
    memcpy(Image + CODE + 0x60, Inside, sizeof(Inside));
    Walk = StartAt(0x60, 2);
    Walk.Register[KiRegisterRbp] = STACK_BASE + 10 * 8 + 0x20;
    ExpectReturn(&Walk, 17);
    Walk = StartAt(0x100, 2); /* the call was the routine's last instruction */
    Walk.Interrupted = FALSE;
    Walk.Register[KiRegisterRbp] = STACK_BASE + 10 * 8 + 0x20;
    ExpectReturn(&Walk, 17);
}

static void TestDamage(void)
{
    srand(1);
    for (ULONG Round = 0; Round < 200000; Round++) {
        KI_STACK_WALK Walk;
        MakeImage(Framed, sizeof(Framed));
        for (ULONG i = 0; i < 4; i++) {
            ULONG At = rand() % 4 == 0 ? 0x3C + rand() % 4 : HEADER + rand() % (CODE - HEADER);
            Image[At] = (UCHAR)rand();
        }
        Walk = StartAt(rand() % 0x300, rand() % (STACK_SIZE / 8));
        Walk.Register[KiRegisterRbp] = STACK_BASE + rand() % STACK_SIZE;
        Reads = 0;
        KiUnwindImageFrame(&Walk, IMAGE_BASE, IMAGE_SIZE);
        assert(Reads < 8192);
    }
}

int main(void)
{
    TestFramePointer();
    puts("ok 1 - frame pointer in the middle of the frame");
    TestMiddleOfPrologue();
    puts("ok 2 - interrupted in the prologue");
    TestLargeFramesAndSaves();
    puts("ok 3 - large frames, saved registers");
    TestLeafAndChain();
    puts("ok 4 - leaves, chained entries, endless chains");
    TestMachineFrame();
    puts("ok 5 - machine frames");
    TestEpilogue();
    puts("ok 6 - interrupted in the epilogue, last instruction a call");
    TestDamage();
    puts("ok 7 - 200000 damaged images");
    puts("1..7");
    return 0;
}
