/*
 * poolrule.h - private to ex: rules that choose allocations, by tag, by driver and by size, for
 * failure injection and special pool. Pure but for poolrules.c.
 */
#ifndef _EX_POOLRULE_H_
#define _EX_POOLRULE_H_

#include <ntddk.h>

#define EX_RULE_TAG_CHARS 16
#define EX_RULE_DRIVER_CHARS 32
#define EX_MAXIMUM_RULES 8

/* What a rule does with the allocations it chooses. */
typedef enum _EX_RULE_MODE {
    ExRuleAlways,
    ExRuleCount,      /* the Value-th, once */
    ExRuleEvery,      /* each Value-th */
    ExRuleProbability /* Value of 10000 */
} EX_RULE_MODE;

/* Legend: f fixed while Active   o interlocked. */
typedef struct _EX_POOL_RULE {
    volatile LONG Active;
    EX_RULE_MODE Mode;                 /* f */
    ULONG64 Value;                     /* f */
    SIZE_T Lowest, Highest;            /* f  bytes asked for */
    BOOLEAN AtStart;                   /* f  special pool: the block begins on its page */
    CHAR Tag[EX_RULE_TAG_CHARS];       /* f  pattern; empty: any */
    CHAR Driver[EX_RULE_DRIVER_CHARS]; /* f  pattern of its name without .sys; empty: any */
    volatile LONG64 Chosen;            /* o  allocations that it is about */
    volatile LONG64 Done;              /* o  of these, those that it did something to */
} EX_POOL_RULE, *PEX_POOL_RULE;

/* A rule for everything, always. */
void ExpStartRule(PEX_POOL_RULE Rule);
/*
 * Adds what a word says to a rule: tag=PATTERN, driver=PATTERN, size=LOW-HIGH, count=N, every=N,
 * probability=PERCENT (up to two decimals), at=start, at=end. Length: of the word; the sign between
 * name and value may be = or :. FALSE, with the rule as it was, for anything else.
 */
BOOLEAN ExpParseRuleWord(PEX_POOL_RULE Rule, const char *Word, SIZE_T Length);
/* Whether it is about an allocation; Driver is a module's name, with or without its extension. */
BOOLEAN ExpIsRuleAbout(const EX_POOL_RULE *Rule, ULONG Tag, SIZE_T Size, const char *Driver);
/* Whether a rule that is about the Number-th (from 1) allocation does something to it; Random: 64
 * random bits. */
BOOLEAN ExpDoesRuleFire(const EX_POOL_RULE *Rule, ULONG64 Number, ULONG64 Random);

/*** poolrules.c ***/

struct _KD_CONSOLE;

typedef struct _EX_POOL_RULES {
    const char *Option;  /* i  of the command line */
    volatile LONG Count; /* o  active rules */
    EX_POOL_RULE Rules[EX_MAXIMUM_RULES];
} EX_POOL_RULES, *PEX_POOL_RULES;

/* Makes rules of the boot options' values, "tag:PATTERN,size:LOW-HIGH" and so on; a value without a
 * sign is a tag. Says on the debug port which ones make no sense. Once, with interrupts off. */
void ExpReadBootRules(PEX_POOL_RULES Rules);
/* The rule that chooses an allocation, made by the code that calls from Caller, or NULL. Counts it.
 * Any IRQL. */
PEX_POOL_RULE ExpChooseRule(PEX_POOL_RULES Rules, ULONG Tag, SIZE_T Size, PVOID Caller);
/* The console command of the rules: no words show them, "off" ends them, others make one. Done:
 * what is said of the allocations that a rule did something to. */
NTSTATUS ExpRunRuleCommand(PEX_POOL_RULES Rules, struct _KD_CONSOLE *Console, int Argc, char **Argv,
                           const char *Done);

#endif
