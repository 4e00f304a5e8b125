/*
 * The timer wheel: a radix queue over due ticks.
 *
 * A due tick is a number of nine 6-bit digits. A timer stands on the level of the highest digit in
 * which its due tick differs from Current, in the slot of that digit's value. So everything on a
 * level is due before everything on the levels above, a lower slot is due before a higher one of
 * the same level, and the wheel never wraps. Insertion and removal touch one list. When the first
 * slot comes due, Current moves to the slot's start and its timers move to lower levels: each timer
 * moves at most nine times, and a timer cancelled early, as most are, never.
 *
 *      Current 1.7.3 (three digits shown)      level 2   level 1   level 0
 *      due 1.7.5                                                    slot 5
 *      due 1.9.0                                         slot 9
 *      due 4.0.0                               slot 4
 *
 * A slot may hold any number of timers. So they first go to a list of their own, Moving, by one
 * change of links, and from there to their slots one by one; the caller may drop the lock in
 * between. What is in Moving may be due before everything in the slots: it is emptied first. The
 * same way, all timers are filed anew when the system time has been set and with it the due times
 * of the absolute ones.
 *
 * Due times are rounded up to a tick and the time rounded down, so no timer expires early. One with
 * a tolerable delay is due at the roundest tick within it: the one with the most zero bits at the
 * end, where others are likely to be due, too. No locks and no hardware here: callers hold
 * KiDispatcherLock, and the host tests this file.
 */
#include "timerwheel.h"

/* Rounding this one up would wrap to 0, and make what is never due the first of all. */
#define LAST_TICK ((1ULL << (KI_WHEEL_DIGIT_BITS * KI_WHEEL_LEVELS)) - 1)

void KiWheelInitialize(PKI_TIMER_WHEEL Wheel)
{
    Wheel->NextDue100ns = KI_WHEEL_NEVER;
    for (ULONG Level = 0; Level < KI_WHEEL_LEVELS; Level++) {
        for (ULONG Slot = 0; Slot < KI_WHEEL_SLOTS; Slot++) {
            InitializeListHead(&Wheel->Slot[Level][Slot]);
        }
    }
    InitializeListHead(&Wheel->Moving);
}

/* The number in [First, Last] with the most zero bits at the end. */
static ULONG64 KiRoundestOf(ULONG64 First, ULONG64 Last)
{
    ULONG64 Different = (First - 1) ^ Last;

    return First == 0 ? 0 : Last & ~((1ULL << (63 - __builtin_clzll(Different))) - 1);
}

/* The tick to file Timer under: rounded up, and not in the past, where no slot would be found. */
static ULONG64 KiDueTick(const KI_TIMER_WHEEL *Wheel, const KTIMER *Timer)
{
    ULONG64 Due = Timer->DueTime.QuadPart;
    ULONG64 Tick = Due >> KI_WHEEL_TICK_SHIFT;
    ULONG Tolerance = Timer->Header.TimerControlFlags >> KI_TIMER_TOLERANCE_SHIFT;

    if ((Due & ((1ULL << KI_WHEEL_TICK_SHIFT) - 1)) != 0 && Tick < LAST_TICK) {
        Tick += 1;
    }
    if (Tolerance != 0 && Due + (1ULL << Tolerance) > Due) {
        ULONG64 Last = (Due + (1ULL << Tolerance)) >> KI_WHEEL_TICK_SHIFT;
        Tick = Last > Tick ? KiRoundestOf(Tick, Last) : Tick;
    }
    return max(Tick, Wheel->Current);
}

/* Returns the tick that it stands under. */
static inline ULONG64 KiWheelLink(PKI_TIMER_WHEEL Wheel, PKTIMER Timer)
{
    ULONG64 Tick = KiDueTick(Wheel, Timer);
    ULONG64 Different = Tick ^ Wheel->Current;
    ULONG Level = Different == 0 ? 0 : (63 - __builtin_clzll(Different)) / KI_WHEEL_DIGIT_BITS;
    ULONG Slot = (Tick >> (Level * KI_WHEEL_DIGIT_BITS)) % KI_WHEEL_SLOTS;

    if ((Wheel->SlotSummary[Level] & (1ULL << Slot)) == 0) {
        Wheel->SlotSummary[Level] |= 1ULL << Slot;
        Wheel->LevelSummary |= 1U << Level;
        Wheel->Earliest[Level][Slot] = Tick;
    } else if (Tick < Wheel->Earliest[Level][Slot]) {
        Wheel->Earliest[Level][Slot] = Tick;
    }
    InsertTailList(&Wheel->Slot[Level][Slot], &Timer->TimerListEntry);
    return Tick;
}

static void KiWheelMarkEmpty(PKI_TIMER_WHEEL Wheel, ULONG Level, ULONG Slot)
{
    Wheel->SlotSummary[Level] &= ~(1ULL << Slot);
    if (Wheel->SlotSummary[Level] == 0) {
        Wheel->LevelSummary &= ~(1U << Level);
    }
}

/* Finds the first slot; FALSE when the wheel is empty. */
static BOOLEAN KiWheelFirst(const KI_TIMER_WHEEL *Wheel, PULONG Level, PULONG Slot)
{
    if (Wheel->LevelSummary == 0) {
        return FALSE;
    }
    *Level = __builtin_ctz(Wheel->LevelSummary);
    *Slot = __builtin_ctzll(Wheel->SlotSummary[*Level]);
    return TRUE;
}

/* Tells the clock when to look again: at once, as long as timers are on the move. */
static void KiWheelPublish(PKI_TIMER_WHEEL Wheel)
{
    ULONG Level, Slot;

    if (!IsListEmpty(&Wheel->Moving)) {
        Wheel->NextDue100ns = 0;
    } else if (KiWheelFirst(Wheel, &Level, &Slot)) {
        Wheel->NextDue100ns = Wheel->Earliest[Level][Slot] << KI_WHEEL_TICK_SHIFT;
    } else {
        Wheel->NextDue100ns = KI_WHEEL_NEVER;
    }
}

void KiWheelInsert(PKI_TIMER_WHEEL Wheel, PKTIMER Timer)
{
    ULONG64 Due = KiWheelLink(Wheel, Timer) << KI_WHEEL_TICK_SHIFT;

    Wheel->Count += 1;
    if (Due < Wheel->NextDue100ns) {
        Wheel->NextDue100ns = Due;
    }
}

void KiWheelRemove(PKI_TIMER_WHEEL Wheel, PKTIMER Timer)
{
    PLIST_ENTRY Head = Timer->TimerListEntry.Flink;

    Wheel->Count -= 1;
    if (!RemoveEntryList(&Timer->TimerListEntry)) {
        return;
    }
    /* It stood alone, so its neighbour was the list's head. */
    if (Head != &Wheel->Moving) {
        ULONG Index = (ULONG)(Head - &Wheel->Slot[0][0]);
        ULONG64 Tick = (&Wheel->Earliest[0][0])[Index];
        KiWheelMarkEmpty(Wheel, Index / KI_WHEEL_SLOTS, Index % KI_WHEEL_SLOTS);
        if (Tick << KI_WHEEL_TICK_SHIFT > Wheel->NextDue100ns) {
            return; /* not the first slot */
        }
    }
    KiWheelPublish(Wheel);
}

/* The tick at which the time enters a slot. */
static ULONG64 KiSlotStart(const KI_TIMER_WHEEL *Wheel, ULONG Level, ULONG Slot)
{
    ULONG Shift = Level * KI_WHEEL_DIGIT_BITS;
    ULONG64 Above = Wheel->Current >> (Shift + KI_WHEEL_DIGIT_BITS);
    return ((Above << KI_WHEEL_DIGIT_BITS) | Slot) << Shift;
}

/* A slot's timers, of which there are some, go to the list of those on the move. */
static void KiWheelEmptySlot(PKI_TIMER_WHEEL Wheel, ULONG Level, ULONG Slot)
{
    PLIST_ENTRY Head = &Wheel->Slot[Level][Slot];
    PLIST_ENTRY End = Wheel->Moving.Blink;

    End->Flink = Head->Flink;
    Head->Flink->Blink = End;
    Wheel->Moving.Blink = Head->Blink;
    Head->Blink->Flink = &Wheel->Moving;
    InitializeListHead(Head);
    KiWheelMarkEmpty(Wheel, Level, Slot);
}

/* The first timer on the move goes to its slot. */
static void KiWheelMoveTimer(PKI_TIMER_WHEEL Wheel)
{
    PLIST_ENTRY Entry = RemoveHeadList(&Wheel->Moving);
    PKTIMER Timer = CONTAINING_RECORD(Entry, KTIMER, TimerListEntry);

    if (Timer->Header.TimerControlFlags & KI_TIMER_ABSOLUTE) {
        LONG64 Due = (LONG64)Timer->DueTime.QuadPart + Wheel->Shift100ns;
        Timer->DueTime.QuadPart = (ULONG64)max(Due, 0);
    }
    KiWheelLink(Wheel, Timer);
}

void KiWheelShiftAbsolute(PKI_TIMER_WHEEL Wheel, LONG64 Shift100ns)
{
    ULONG Level, Slot;

    while (KiWheelFirst(Wheel, &Level, &Slot)) {
        KiWheelEmptySlot(Wheel, Level, Slot);
    }
    Wheel->Shift100ns = Shift100ns;
    KiWheelPublish(Wheel);
}

/* Nothing more is due. Moving on to the present keeps new timers on low levels; allowed while no
 * slot is entered. */
static void KiWheelAdvance(PKI_TIMER_WHEEL Wheel, ULONG64 Now)
{
    ULONG Level, Slot;

    if (Now > Wheel->Current &&
        (!KiWheelFirst(Wheel, &Level, &Slot) || KiSlotStart(Wheel, Level, Slot) > Now)) {
        Wheel->Current = Now;
    }
    KiWheelPublish(Wheel);
}

PKTIMER KiWheelExpire(PKI_TIMER_WHEEL Wheel, ULONG64 Now100ns, PULONG Budget)
{
    ULONG64 Now = Now100ns >> KI_WHEEL_TICK_SHIFT;
    ULONG Level, Slot;

    for (; *Budget != 0; *Budget -= 1) {
        if (!IsListEmpty(&Wheel->Moving)) {
            KiWheelMoveTimer(Wheel);
            continue;
        }
        Wheel->Shift100ns = 0;
        if (!KiWheelFirst(Wheel, &Level, &Slot) || Wheel->Earliest[Level][Slot] > Now) {
            KiWheelAdvance(Wheel, Now);
            return NULL;
        }
        if (Level == 0) {
            PKTIMER Timer = CONTAINING_RECORD(Wheel->Slot[0][Slot].Flink, KTIMER, TimerListEntry);
            KiWheelRemove(Wheel, Timer);
            Wheel->ExpiredCount += 1;
            *Budget -= 1;
            return Timer;
        }
        /* The time has come to a slot of a higher level: its timers differ in lower digits. */
        Wheel->Current = KiSlotStart(Wheel, Level, Slot);
        KiWheelEmptySlot(Wheel, Level, Slot);
    }
    KiWheelPublish(Wheel);
    return NULL;
}
