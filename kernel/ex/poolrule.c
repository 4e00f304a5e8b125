/*
 * poolrule.c - rules that choose pool allocations: read from words, and applied. Pure.
 */
#include "pool.h"
#include "poolrule.h"

#define EX_CERTAIN 10000 /* a probability of 1 */

void ExpStartRule(PEX_POOL_RULE Rule)
{
    *Rule = (EX_POOL_RULE){.Mode = ExRuleAlways, .Highest = ~(SIZE_T)0};
}

/*** Reading. ***/

typedef struct _EX_TEXT {
    const char *At, *End;
} EX_TEXT;

static BOOLEAN ExpReadNumber(EX_TEXT *Text, ULONG64 *Value)
{
    const char *Start = Text->At;

    *Value = 0;
    for (; Text->At < Text->End && *Text->At >= '0' && *Text->At <= '9'; Text->At++) {
        if (*Value > (~0ULL - 9) / 10) {
            return FALSE;
        }
        *Value = *Value * 10 + (ULONG64)(*Text->At - '0');
    }
    return (BOOLEAN)(Text->At != Start);
}

static BOOLEAN ExpReadSign(EX_TEXT *Text, char Sign)
{
    if (Text->At == Text->End || *Text->At != Sign) {
        return FALSE;
    }
    Text->At++;
    return TRUE;
}

/* "LOW-HIGH", "LOW-" or "SIZE". */
static BOOLEAN ExpReadRange(EX_TEXT *Text, PEX_POOL_RULE Rule)
{
    ULONG64 Low, High = ~0ULL;

    if (!ExpReadNumber(Text, &Low)) {
        return FALSE;
    }
    if (!ExpReadSign(Text, '-')) {
        High = Low;
    } else if (Text->At != Text->End && !ExpReadNumber(Text, &High)) {
        return FALSE;
    }
    Rule->Lowest = Low;
    Rule->Highest = High;
    return (BOOLEAN)(Low <= High);
}

/* Per cent with up to two decimals, in parts of EX_CERTAIN. */
static BOOLEAN ExpReadPercent(EX_TEXT *Text, ULONG64 *Value)
{
    ULONG64 Whole, Digit, Unit = EX_CERTAIN / 1000;

    if (!ExpReadNumber(Text, &Whole) || Whole > 100) {
        return FALSE;
    }
    *Value = Whole * (EX_CERTAIN / 100);
    if (ExpReadSign(Text, '.')) {
        for (; Text->At < Text->End && *Text->At != '%'; Text->At++, Unit /= 10) {
            Digit = (ULONG64)(*Text->At - '0');
            if (Digit > 9 || Unit == 0) {
                return FALSE;
            }
            *Value += Digit * Unit;
        }
    }
    ExpReadSign(Text, '%');
    return (BOOLEAN)(*Value <= EX_CERTAIN);
}

static BOOLEAN ExpReadPattern(EX_TEXT *Text, char *Pattern, SIZE_T Room)
{
    SIZE_T Length = (SIZE_T)(Text->End - Text->At);

    if (Length == 0 || Length >= Room) {
        return FALSE;
    }
    memset(Pattern, 0, Room);
    memcpy(Pattern, Text->At, Length);
    Text->At = Text->End;
    return TRUE;
}

static BOOLEAN ExpReadPlace(EX_TEXT *Text, PEX_POOL_RULE Rule)
{
    char Place[6];

    if (!ExpReadPattern(Text, Place, sizeof(Place))) {
        return FALSE;
    }
    Rule->AtStart = (BOOLEAN)(strcmp(Place, "start") == 0);
    return (BOOLEAN)(Rule->AtStart || strcmp(Place, "end") == 0);
}

static BOOLEAN ExpReadMode(EX_TEXT *Text, PEX_POOL_RULE Rule, EX_RULE_MODE Mode)
{
    if (Rule->Mode != ExRuleAlways) {
        return FALSE; /* it can have one only */
    }
    Rule->Mode = Mode;
    if (Mode == ExRuleProbability) {
        return ExpReadPercent(Text, &Rule->Value);
    }
    return (BOOLEAN)(ExpReadNumber(Text, &Rule->Value) && Rule->Value != 0);
}

static BOOLEAN ExpReadValue(EX_TEXT *Text, PEX_POOL_RULE Rule, const char *Name, SIZE_T Length)
{
    static const char *const Names[] = {"tag",   "driver",      "size", "count",
                                        "every", "probability", "at"};
    ULONG Known = 0;

    while (Known < ARRAYSIZE(Names) &&
           (strlen(Names[Known]) != Length || strncmp(Names[Known], Name, Length) != 0)) {
        Known++;
    }
    switch (Known) {
    case 0:
        return ExpReadPattern(Text, Rule->Tag, sizeof(Rule->Tag));
    case 1:
        return ExpReadPattern(Text, Rule->Driver, sizeof(Rule->Driver));
    case 2:
        return ExpReadRange(Text, Rule);
    case 3:
        return ExpReadMode(Text, Rule, ExRuleCount);
    case 4:
        return ExpReadMode(Text, Rule, ExRuleEvery);
    case 5:
        return ExpReadMode(Text, Rule, ExRuleProbability);
    case 6:
        return ExpReadPlace(Text, Rule);
    default:
        return FALSE;
    }
}

BOOLEAN ExpParseRuleWord(PEX_POOL_RULE Rule, const char *Word, SIZE_T Length)
{
    EX_TEXT Text = {Word, Word + Length};
    EX_POOL_RULE Changed = *Rule;

    while (Text.At < Text.End && *Text.At != '=' && *Text.At != ':') {
        Text.At++;
    }
    if (Text.At++ == Text.End ||
        !ExpReadValue(&Text, &Changed, Word, (SIZE_T)(Text.At - 1 - Word)) || Text.At != Text.End) {
        return FALSE;
    }
    *Rule = Changed;
    return TRUE;
}

/*** Applying. ***/

BOOLEAN ExpIsRuleAbout(const EX_POOL_RULE *Rule, ULONG Tag, SIZE_T Size, const char *Driver)
{
    CHAR Stem[EX_RULE_DRIVER_CHARS];
    char *Dot;

    if (Size < Rule->Lowest || Size > Rule->Highest ||
        (Rule->Tag[0] != 0 && !ExpMatchTag(Tag, Rule->Tag))) {
        return FALSE;
    }
    if (Rule->Driver[0] == 0) {
        return TRUE;
    }
    strncpy(Stem, Driver, sizeof(Stem) - 1);
    Stem[sizeof(Stem) - 1] = 0;
    Dot = strrchr(Stem, '.');
    if (Dot != NULL) {
        *Dot = 0;
    }
    return ExpMatchName(Stem, Rule->Driver);
}

BOOLEAN ExpDoesRuleFire(const EX_POOL_RULE *Rule, ULONG64 Number, ULONG64 Random)
{
    switch (Rule->Mode) {
    case ExRuleCount:
        return (BOOLEAN)(Number == Rule->Value);
    case ExRuleEvery:
        return (BOOLEAN)(Number % Rule->Value == 0);
    case ExRuleProbability:
        /* The high half of a product spreads evenly over the range. */
        return (BOOLEAN)(((Random >> 32) * EX_CERTAIN) >> 32 < Rule->Value);
    default:
        return TRUE;
    }
}
