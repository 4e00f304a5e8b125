/*
 * Proves that rules for failing or guarded allocations are read as they are written, that what
 * makes no sense leaves a rule as it was, and that a rule fires as often as it says.
 *
 * unit-sources: kernel/ex/poolrule.c kernel/ex/pooltag.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ex/poolrule.h"

static EX_POOL_RULE Rule;

static BOOLEAN Parse(const char *Word)
{
    /* At the end of a block, so that a step behind the word is seen. */
    SIZE_T Length = strlen(Word);
    char *Copy = malloc(Length + (Length == 0));
    EX_POOL_RULE Before = Rule;
    BOOLEAN Good;

    memcpy(Copy, Word, Length);
    Good = ExpParseRuleWord(&Rule, Copy, Length);
    assert(Good || memcmp(&Before, &Rule, sizeof(Rule)) == 0);
    free(Copy);
    return Good;
}

static ULONG Tag(const char *Text)
{
    ULONG Value;

    memcpy(&Value, Text, sizeof(Value));
    return Value;
}

static void TestWords(void)
{
    static const char *const Bad[] = {"",
                                      "tag",
                                      "tag=",
                                      "=x",
                                      "size=",
                                      "size=9-1",
                                      "size=1x",
                                      "count=0",
                                      "every=",
                                      "every=-1",
                                      "probability=",
                                      "probability=101",
                                      "at=middle",
                                      "colour=red",
                                      "probability=1.234",
                                      "size=99999999999999999999",
                                      "tag=12345678901234567"};

    ExpStartRule(&Rule);
    for (ULONG i = 0; i < ARRAYSIZE(Bad); i++) {
        assert(!Parse(Bad[i]));
    }
    assert(Parse("tag=I*") && Parse("driver:zero") && Parse("size=16-64") && Parse("at=start"));
    assert(strcmp(Rule.Tag, "I*") == 0 && strcmp(Rule.Driver, "zero") == 0 && Rule.AtStart);
    assert(Rule.Lowest == 16 && Rule.Highest == 64 && Rule.Mode == ExRuleAlways);
    assert(Parse("size=7") && Rule.Lowest == 7 && Rule.Highest == 7);
    assert(Parse("size=7-") && Rule.Highest == ~(SIZE_T)0);
    assert(Parse("count=3") && Rule.Mode == ExRuleCount && Rule.Value == 3);
    assert(!Parse("every=2")); /* one mode only */
}

static void TestChoice(void)
{
    ExpStartRule(&Rule);
    assert(ExpIsRuleAbout(&Rule, Tag("Any "), 0, "x.sys"));
    assert(Parse("tag=Zero") && Parse("driver=zero") && Parse("size=8-16"));
    assert(ExpIsRuleAbout(&Rule, Tag("Zero"), 8, "zero.sys"));
    assert(ExpIsRuleAbout(&Rule, Tag("Zero"), 16, "zero"));
    assert(!ExpIsRuleAbout(&Rule, Tag("Zero"), 17, "zero") &&
           !ExpIsRuleAbout(&Rule, Tag("Zeno"), 8, "zero") &&
           !ExpIsRuleAbout(&Rule, Tag("Zero"), 8, "zeros.sys"));
}

static ULONG CountFired(const char *Word, ULONG Tries)
{
    ULONG Fired = 0;

    ExpStartRule(&Rule);
    assert(Parse(Word));
    for (ULONG i = 1; i <= Tries; i++) {
        Fired += ExpDoesRuleFire(&Rule, i, (ULONG64)i * (~0ULL / Tries));
    }
    return Fired;
}

int main(void)
{
    TestWords();
    TestChoice();
    assert(CountFired("count=7", 100) == 1 && CountFired("every=7", 100) == 14);
    assert(CountFired("probability=100", 1000) == 1000 && CountFired("probability=0", 1000) == 0);
    ULONG Half = CountFired("probability=50.00%", 10000);
    assert(Half > 4990 && Half < 5010);
    printf("ok\n");
    return 0;
}
