/*
 * poolspecial.c - special pool: blocks that end where their page ends, or begin where it begins, so
 * that an overrun, or an underrun, faults at the very instruction that makes it, and so does any
 * use after the block is freed.
 *
 *     at=end (the default)                         at=start
 *     | header | pattern ........ | block | slack |     | block | slack | pattern ......... |
 * header |
 *
 * The block starts on 16 bytes, or on a cache line, so up to 15, or 63, bytes of slack are behind
 * it. They and the rest of the page hold a pattern that is checked when the block is freed.
 *
 * Rules choose the blocks (`specialpool` on the console and on the command line), or the caller
 * does by a priority or a flag. Only what is smaller than a page less the header can be one; whole
 * pages have an unmapped page behind them anyway. Each block takes a page.
 */
#include "pool.h"
#include "kd.h"
#include "poolrule.h"
#include "stacktrace.h"

/* SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, parameter 4: as Windows numbers them. */
#define EX_SPECIAL_NOT_ALLOCATED 0x20
#define EX_SPECIAL_NOT_A_START 0x21
#define EX_SPECIAL_BEFORE 0x23
#define EX_SPECIAL_BEHIND 0x24
#define EX_SPECIAL_FREE_IRQL 0x31

typedef struct _EX_SPECIAL_HEADER {
    ULONG Tag;
    USHORT Size;  /* bytes asked for, at least 1 */
    USHORT Start; /* the block's offset in the page */
    ULONG Owner;  /* its number */
    ULONG Check;
} EX_SPECIAL_HEADER, *PEX_SPECIAL_HEADER;
C_ASSERT(sizeof(EX_SPECIAL_HEADER) == EX_SPECIAL_OVERHEAD);

static EX_POOL_RULES ExpSpecial = {.Option = "specialpool"};

BOOLEAN ExpIsSpecialOn(void)
{
    return (BOOLEAN)(ExpSpecial.Count != 0);
}

void ExpInitializeSpecial(void)
{
    ExpReadBootRules(&ExpSpecial);
}

void ExpChooseGuard(PEX_POOL_REQUEST Request)
{
    PEX_POOL_RULE Rule = NULL;

    if (Request->Size > PAGE_SIZE - EX_SPECIAL_OVERHEAD || Request->Kind == EX_KIND_EXECUTE) {
        Request->Flags &= ~(ULONG)EX_REQUEST_SPECIAL;
        return;
    }
    if (ExpSpecial.Count != 0) {
        Rule = ExpChooseRule(&ExpSpecial, Request->Tag, Request->Size, Request->Caller);
    }
    if (Rule != NULL) {
        Request->Flags |= EX_REQUEST_SPECIAL | (Rule->AtStart ? EX_REQUEST_UNDERRUN : (ULONG)0);
    }
    if (Request->Flags & EX_REQUEST_SPECIAL) {
        Request->Size = max(Request->Size, 1U);
    }
}

static ULONG ExpSpecialCheck(const EX_SPECIAL_HEADER *Header)
{
    const ULONG *Words = (const ULONG *)Header;

    return ~ExpPoolCookie ^ (ULONG)(ULONG_PTR)Header ^ Words[0] ^ Words[1] * 3 ^ Words[2] * 5;
}

/* Never 0, which is what overruns write most. */
static UCHAR ExpPatternOf(PVOID Page)
{
    return (UCHAR)((ExpPoolCookie ^ (ULONG)((ULONG_PTR)Page >> PAGE_SHIFT)) | 1);
}

static PEX_SPECIAL_HEADER ExpSpecialHeaderOf(PCHAR Page, BOOLEAN AtStart)
{
    return (PEX_SPECIAL_HEADER)(AtStart ? Page + PAGE_SIZE - sizeof(EX_SPECIAL_HEADER) : Page);
}

PVOID ExpAllocateGuarded(const EX_POOL_REQUEST *Request, PEX_POOL_OWNER Owner)
{
    BOOLEAN AtStart = (BOOLEAN)((Request->Flags & EX_REQUEST_UNDERRUN) != 0);
    ULONG Unit = (Request->Flags & EX_REQUEST_ALIGNED) != 0 ? 64 : EX_POOL_UNIT;
    ULONG Start = AtStart ? 0 : PAGE_SIZE - (((ULONG)Request->Size + Unit - 1) & ~(Unit - 1));
    PCHAR Page = MmAllocateGuardedPage(Request->Kind);
    PEX_SPECIAL_HEADER Header = ExpSpecialHeaderOf(Page, AtStart);

    if (Page == NULL) {
        return NULL;
    }
    /* On a cache line there may be no room left for the header. */
    if (!AtStart && Start < sizeof(*Header)) {
        Start = PAGE_SIZE - (ULONG)((Request->Size + EX_POOL_UNIT - 1) & ~(EX_POOL_UNIT - 1ULL));
    }
    memset(Page, ExpPatternOf(Page), PAGE_SIZE);
    Header->Tag = Request->Tag;
    Header->Size = (USHORT)Request->Size;
    Header->Start = (USHORT)Start;
    Header->Owner = (ULONG)(Owner - ExpOwners);
    Header->Check = ExpSpecialCheck(Header);
    KI_TRACE_INCREMENT_LOCKED(PoolAllocate, Owner->Allocations, Page + Start, Request->Tag,
                              Request->Size);
    InterlockedAdd64(&Owner->Bytes, PAGE_SIZE);
    InterlockedIncrement64(&ExpLargePages[Request->Kind]);
    return Page + Start;
}

static DECLSPEC_NORETURN void ExpBadSpecial(PVOID P, ULONG_PTR Parameter2, ULONG Reason)
{
    KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, (ULONG_PTR)P, Parameter2, 0, Reason);
}

/* Bytes [From, To) of the page must still be the pattern. */
static void ExpCheckPattern(PVOID P, PUCHAR Page, ULONG From, ULONG To, ULONG Reason)
{
    UCHAR Pattern = ExpPatternOf(Page);

    for (ULONG At = From; At < To; At++) {
        if (Page[At] != Pattern) {
            ExpBadSpecial(P, (ULONG_PTR)&Page[At], Reason);
        }
    }
}

static void ExpCheckSpecial(PVOID P, const EX_SPECIAL_HEADER *Header, BOOLEAN AtStart)
{
    PUCHAR Page = PAGE_ALIGN(P);
    ULONG Overhead = sizeof(EX_SPECIAL_HEADER);

    if (Header->Check != ExpSpecialCheck(Header)) {
        ExpBadSpecial(P, (ULONG_PTR)Header, AtStart ? EX_SPECIAL_BEHIND : EX_SPECIAL_BEFORE);
    }
    if (BYTE_OFFSET(P) != Header->Start) {
        ExpBadSpecial(P, Header->Size, EX_SPECIAL_NOT_A_START);
    }
    ExpCheckPattern(P, Page, AtStart ? 0 : Overhead, Header->Start, EX_SPECIAL_BEFORE);
    ExpCheckPattern(P, Page, (ULONG)Header->Start + Header->Size,
                    AtStart ? PAGE_SIZE - Overhead : PAGE_SIZE, EX_SPECIAL_BEHIND);
}

BOOLEAN ExpFreeGuarded(PVOID P, ULONG Tag)
{
    ULONG Kind = (ULONG)MmQueryPoolKind(P);
    BOOLEAN AtStart = (BOOLEAN)(BYTE_OFFSET(P) == 0);
    PEX_SPECIAL_HEADER Header = ExpSpecialHeaderOf(PAGE_ALIGN(P), AtStart);
    PEX_POOL_OWNER Owner;

    switch (MmQueryGuardedPage(P)) {
    case MmNotGuarded:
        return FALSE;
    case MmGuardedInUse:
        break;
    default:
        ExpBadSpecial(P, 0, EX_SPECIAL_NOT_ALLOCATED);
    }
    if (ExpIsIrqlTooHigh(Kind)) {
        KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, KeGetCurrentIrql(), Kind,
                     (ULONG_PTR)P, EX_SPECIAL_FREE_IRQL);
    }
    ExpCheckSpecial(P, Header, AtStart);
    ExpCheckTag(P, Header->Tag, Tag);
    KiCheckFreedMemory(P, Header->Size);
    Owner = &ExpOwners[Header->Owner];
    ExTraceFree(P, NULL);
    KI_TRACE_INCREMENT_LOCKED(PoolFree, Owner->Frees, P, Header->Tag, Header->Size);
    if (!MmFreeGuardedPage(PAGE_ALIGN(P))) {
        ExpBadSpecial(P, 0, EX_SPECIAL_NOT_ALLOCATED);
    }
    if (Owner->Process != NULL) {
        ExpReturnCharge(Owner, Kind, PAGE_SIZE);
    }
    InterlockedAdd64(&Owner->Bytes, -(LONG64)PAGE_SIZE);
    InterlockedDecrement64(&ExpLargePages[Kind]);
    return TRUE;
}

static NTSTATUS ExpRunSpecialCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    return ExpRunRuleCommand(&ExpSpecial, Console, Argc, Argv, "guarded");
}

KD_COMMAND("specialpool",
           "[off | [tag=PATTERN] [driver=NAME] [size=LOW-HIGH] [at=start|end] [every=N]]",
           "allocations with a guard page: the rules and what they did, or one more rule",
           ExpRunSpecialCommand);
