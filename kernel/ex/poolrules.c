/*
 * poolrules.c - tables of rules: from the boot command line and the console, and asked by the
 * pools.
 *
 * Rules are read without a lock, on every allocation as long as there are any. One is written only
 * while it is not active; whoever still reads it from before applies either rule to one allocation.
 * ExpRuleLock keeps consoles apart.
 *
 * An allocation is a driver's if the driver called the pools, or if it called the kernel, which
 * allocates on its behalf: an IRP, a name, a thread. So whatever can fail in a driver's call does.
 */
#include "pool.h"
#include "kd.h"
#include "ldr.h"
#include "poolrule.h"

static EX_PUSH_LOCK ExpRuleLock;

/* The name of the driver on whose behalf Caller allocates; the kernel's own when there is none. */
static const char *ExpDriverOfCaller(PVOID Caller)
{
    PLDR_MODULE Module = LdrFindModule(Caller);

    if (Module == LdrQueryModule(0)) {
        PVOID Driver = KeFindDriverCaller();

        Module = Driver == NULL ? Module : LdrFindModule(Driver);
    }
    return Module == NULL ? "" : Module->Name;
}

/* Weyl's sequence, scrambled: the same numbers on every start. */
static ULONG64 ExpDrawRandom(void)
{
    static volatile LONG64 State;
    ULONG64 Value = (ULONG64)InterlockedAdd64(&State, (LONG64)0x9E3779B97F4A7C15ULL);

    Value = (Value ^ Value >> 30) * 0xBF58476D1CE4E5B9ULL;
    return Value ^ Value >> 27;
}

PEX_POOL_RULE ExpChooseRule(PEX_POOL_RULES Rules, ULONG Tag, SIZE_T Size, PVOID Caller)
{
    const char *Driver = NULL;
    PEX_POOL_RULE Chosen = NULL;

    for (ULONG i = 0; i < EX_MAXIMUM_RULES && Rules->Count != 0; i++) {
        PEX_POOL_RULE Rule = &Rules->Rules[i];
        ULONG64 Number;

        if (!__atomic_load_n(&Rule->Active, __ATOMIC_ACQUIRE)) {
            continue;
        }
        if (Driver == NULL) {
            Driver = Rule->Driver[0] != 0 ? ExpDriverOfCaller(Caller) : NULL;
        }
        if (!ExpIsRuleAbout(Rule, Tag, Size, Driver != NULL ? Driver : "")) {
            continue;
        }
        Number = (ULONG64)InterlockedIncrement64(&Rule->Chosen);
        if (Chosen == NULL && ExpDoesRuleFire(Rule, Number, ExpDrawRandom())) {
            InterlockedIncrement64(&Rule->Done);
            Chosen = Rule;
        }
    }
    return Chosen;
}

static BOOLEAN ExpActivateRule(PEX_POOL_RULES Rules, const EX_POOL_RULE *New)
{
    for (ULONG i = 0; i < EX_MAXIMUM_RULES; i++) {
        PEX_POOL_RULE Rule = &Rules->Rules[i];

        if (!Rule->Active) {
            *Rule = *New;
            __atomic_store_n(&Rule->Active, 1, __ATOMIC_RELEASE);
            InterlockedIncrement(&Rules->Count);
            return TRUE;
        }
    }
    return FALSE;
}

static void ExpEndRules(PEX_POOL_RULES Rules)
{
    for (ULONG i = 0; i < EX_MAXIMUM_RULES; i++) {
        if (InterlockedExchange(&Rules->Rules[i].Active, 0) != 0) {
            InterlockedDecrement(&Rules->Count);
        }
    }
}

/*** The command line. ***/

/* The first Sign in [At, End), or End. */
static const char *ExpFindSign(const char *At, const char *End, char Sign)
{
    while (At < End && *At != Sign) {
        At++;
    }
    return At;
}

static BOOLEAN ExpParseBootRule(PEX_POOL_RULE Rule, const char *Value, SIZE_T Length)
{
    const char *End = Value + Length;

    ExpStartRule(Rule);
    if (ExpFindSign(Value, End, ':') == End) {
        CHAR Word[EX_RULE_TAG_CHARS + 4] = "tag:";

        if (Length + 4 >= sizeof(Word)) {
            return FALSE;
        }
        memcpy(Word + 4, Value, Length);
        return ExpParseRuleWord(Rule, Word, Length + 4);
    }
    while (Value < End) {
        const char *WordEnd = ExpFindSign(Value, End, ',');

        if (!ExpParseRuleWord(Rule, Value, (SIZE_T)(WordEnd - Value))) {
            return FALSE;
        }
        Value = WordEnd + 1;
    }
    return TRUE;
}

void ExpReadBootRules(PEX_POOL_RULES Rules)
{
    const char *Value;
    SIZE_T Length;

    for (ULONG i = 0; (Value = KiFindBootOption(Rules->Option, i, &Length)) != NULL; i++) {
        EX_POOL_RULE Rule;

        if (!ExpParseBootRule(&Rule, Value, Length) || !ExpActivateRule(Rules, &Rule)) {
            KdPrintf("%s=%.*s: no rule, or one too many\n", Rules->Option, (int)Length, Value);
        }
    }
}

/*** The console. ***/

static void ExpShowRule(PKD_CONSOLE Console, ULONG Number, const EX_POOL_RULE *Rule,
                        const char *Done)
{
    KdConsolePrint(Console, "%u:", Number);
    if (Rule->Tag[0] != 0) {
        KdConsolePrint(Console, " tag=%s", Rule->Tag);
    }
    if (Rule->Driver[0] != 0) {
        KdConsolePrint(Console, " driver=%s", Rule->Driver);
    }
    if (Rule->Lowest != 0 || Rule->Highest != ~(SIZE_T)0) {
        KdConsolePrint(Console, " size=%I64u-%I64u", Rule->Lowest, Rule->Highest);
    }
    if (Rule->AtStart) {
        KdConsolePrint(Console, " at=start");
    }
    if (Rule->Mode == ExRuleProbability) {
        KdConsolePrint(Console, " probability=%I64u.%02I64u%%", Rule->Value / 100,
                       Rule->Value % 100);
    } else if (Rule->Mode != ExRuleAlways) {
        KdConsolePrint(Console, " %s=%I64u", Rule->Mode == ExRuleCount ? "count" : "every",
                       Rule->Value);
    }
    KdConsolePrint(Console, "  matched %I64d %s %I64d\n", Rule->Chosen, Done, Rule->Done);
}

static NTSTATUS ExpAddConsoleRule(PEX_POOL_RULES Rules, PKD_CONSOLE Console, int Argc, char **Argv)
{
    EX_POOL_RULE Rule;

    ExpStartRule(&Rule);
    for (int i = 1; i < Argc; i++) {
        if (!ExpParseRuleWord(&Rule, Argv[i], strlen(Argv[i]))) {
            return KdConsoleUsage(Console);
        }
    }
    if (!ExpActivateRule(Rules, &Rule)) {
        KdConsolePrint(Console, "%u rules are the most\n", EX_MAXIMUM_RULES);
        return KdConsoleReported(Console, STATUS_INSUFFICIENT_RESOURCES);
    }
    return STATUS_SUCCESS;
}

NTSTATUS ExpRunRuleCommand(PEX_POOL_RULES Rules, PKD_CONSOLE Console, int Argc, char **Argv,
                           const char *Done)
{
    NTSTATUS Status = STATUS_SUCCESS;

    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&ExpRuleLock);
    if (Argc == 2 && strcmp(Argv[1], "off") == 0) {
        ExpEndRules(Rules);
    } else if (Argc > 1) {
        Status = ExpAddConsoleRule(Rules, Console, Argc, Argv);
    } else {
        for (ULONG i = 0; i < EX_MAXIMUM_RULES; i++) {
            if (Rules->Rules[i].Active) {
                ExpShowRule(Console, i + 1, &Rules->Rules[i], Done);
            }
        }
    }
    ExReleasePushLockExclusive(&ExpRuleLock);
    KeLeaveCriticalRegion();
    ExpChoosePoolPath();
    return Status;
}
