/*
 * poolfault.c - failure injection: allocations that are refused although there is memory.
 *
 * Rules choose them, by tag, driver, size, count and probability: `poolfail` on the console,
 * `poolfail=` on the boot command line. The pools ask in their general path, which all allocations
 * take while there are rules. The kernel's own lookaside lists are passed by meanwhile
 * (ExStocksPassed): what they have in stock would never fail. Only what must succeed, however long
 * it takes, is not refused.
 */
#include "pool.h"
#include "kd.h"
#include "poolrule.h"

static EX_POOL_RULES ExpFaults = {.Option = "poolfail"};

BOOLEAN ExpIsFaultDue(ULONG Tag, SIZE_T Size, PVOID Caller)
{
    return (BOOLEAN)(ExpChooseRule(&ExpFaults, Tag, Size, Caller) != NULL);
}

BOOLEAN ExpAreFaultsOn(void)
{
    return (BOOLEAN)(ExpFaults.Count != 0);
}

void ExpInitializeFaults(void)
{
    ExpReadBootRules(&ExpFaults);
}

static NTSTATUS ExpRunFaultCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    return ExpRunRuleCommand(&ExpFaults, Console, Argc, Argv, "failed");
}

KD_COMMAND("poolfail",
           "[off | [tag=PATTERN] [driver=NAME] [size=LOW-HIGH] [count=N|every=N|probability=P]]",
           "allocations that fail: the rules and what they did, or one more rule",
           ExpRunFaultCommand);
