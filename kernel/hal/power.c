/*
 * power.c - switching off, restarting, and ending an emulator with an exit status.
 *
 * Each way is tried in turn, the proper one first; none of them returns when it works. They are
 * also the last step of a bugcheck: no locks, no memory, any IRQL.
 */
#include "halp.h"

#define PM1_SCI_ENABLED 0x0001 /* ACPI has power management, not the firmware's SMM */
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_TYPE_MASK (7U << PM1_SLEEP_TYPE_SHIFT)
#define PM1_SLEEP_ENABLE (1U << 13)
#define ACPI_ENABLE_POLL_LIMIT 1000000
#define POWER_OFF_SPINS 10000000 /* a PC takes a moment */

/* QEMU's PM1a control ports, for a machine whose tables say nothing. S5 is sleep type 0 there. */
#define QEMU_Q35_PM1A_CONTROL 0x604
#define QEMU_PC_PM1A_CONTROL 0xB004

#define RESET_PORT 0xCF9
#define RESET_REQUEST 0x02
#define RESET_HARD_NOW 0x06
#define PCI_ADDRESS_PORT 0xCF8
#define PCI_DATA_PORT 0xCFC
#define PCI_ADDRESS_ENABLE (1U << 31)
#define KEYBOARD_PORT 0x64
#define KEYBOARD_INPUT_FULL 0x02
#define KEYBOARD_PULSE_RESET 0xFE
#define KEYBOARD_POLL_LIMIT 100000

#define DEBUG_EXIT_PORT 0xF4

/* Not a stall by the clock: in a bugcheck the clock may be what is broken. */
static void HalpSpin(ULONG Times)
{
    for (ULONG i = 0; i < Times; i++) {
        YieldProcessor();
    }
}

DECLSPEC_NORETURN static void HalpStop(void)
{
    for (;;) {
        _disable();
        __halt();
    }
}

/*** Off ***/

/* Until it is asked for ACPI mode, some firmware keeps the sleep registers to itself. */
static void HalpTakePowerManagement(void)
{
    if (HalpPlatform.SmiCommandPort == 0 || HalpPlatform.AcpiEnable == 0 ||
        (HalpIn16(HalpPlatform.Pm1aControlPort) & PM1_SCI_ENABLED)) {
        return;
    }
    HalpOut8(HalpPlatform.SmiCommandPort, HalpPlatform.AcpiEnable);
    for (ULONG i = 0; i < ACPI_ENABLE_POLL_LIMIT; i++) {
        if (HalpIn16(HalpPlatform.Pm1aControlPort) & PM1_SCI_ENABLED) {
            return;
        }
        YieldProcessor();
    }
}

/* Type first, then type and enable: some chips look at the type when enable is written. */
static void HalpEnterSleep(USHORT Port, UCHAR Type)
{
    USHORT Control;

    if (Port == 0) {
        return;
    }
    Control = HalpIn16(Port) & (USHORT) ~(PM1_SLEEP_TYPE_MASK | PM1_SLEEP_ENABLE);
    Control |= (USHORT)(Type << PM1_SLEEP_TYPE_SHIFT);
    HalpOut16(Port, Control);
    HalpOut16(Port, Control | PM1_SLEEP_ENABLE);
}

void HalPowerOff(void)
{
    _disable();
    HalpFlushDebugPort();
    HalpDetectHypervisor(); /* a bugcheck may come before start has done it */
    if (HalpPlatform.SleepTypeKnown && HalpPlatform.Pm1aControlPort != 0) {
        HalpTakePowerManagement();
        HalpEnterSleep(HalpPlatform.Pm1aControlPort, HalpPlatform.SleepTypeA);
        HalpEnterSleep(HalpPlatform.Pm1bControlPort, HalpPlatform.SleepTypeB);
        HalpSpin(POWER_OFF_SPINS);
    }
    if (HalpUnderHypervisor) {
        HalpOut16(QEMU_Q35_PM1A_CONTROL, PM1_SLEEP_ENABLE);
        HalpOut16(QEMU_PC_PM1A_CONTROL, PM1_SLEEP_ENABLE);
    }
    HalpStop();
}

/*** Restart ***/

/* A register in memory is left alone: mapping it could fail, and other ways follow. */
static void HalpWriteResetRegister(void)
{
    const ACPI_ADDRESS *Register = &HalpPlatform.ResetRegister;
    ULONG Offset = (ULONG)(Register->Address & 0xFFFF);

    if (!HalpPlatform.ResetSupported) {
        return;
    }
    if (Register->Space == ACPI_SPACE_PORT && Register->Address <= 0xFFFF) {
        HalpOut8((USHORT)Register->Address, HalpPlatform.ResetValue);
    } else if (Register->Space == ACPI_SPACE_PCI_CONFIG) {
        /* Bus 0; bits 32-47 are the device, 16-31 the function, 0-15 the offset. */
        ULONG Device = (ULONG)(Register->Address >> 32) & 0x1F;
        ULONG Function = (ULONG)(Register->Address >> 16) & 7;
        HalpOut32(PCI_ADDRESS_PORT,
                  PCI_ADDRESS_ENABLE | Device << 11 | Function << 8 | (Offset & 0xFC));
        HalpOut8((USHORT)(PCI_DATA_PORT + (Offset & 3)), HalpPlatform.ResetValue);
    }
}

/* The keyboard controller's output 0 is wired to the processor's reset line since the PC/AT. */
static void HalpPulseKeyboardReset(void)
{
    for (ULONG i = 0; i < KEYBOARD_POLL_LIMIT; i++) {
        if (!(HalpIn8(KEYBOARD_PORT) & KEYBOARD_INPUT_FULL)) {
            break;
        }
        YieldProcessor();
    }
    HalpOut8(KEYBOARD_PORT, KEYBOARD_PULSE_RESET);
}

void HalReboot(void)
{
    _disable();
    HalpFlushDebugPort();
    HalpWriteResetRegister();
    HalpSpin(POWER_OFF_SPINS / 10);
    HalpOut8(RESET_PORT, RESET_REQUEST);
    HalpOut8(RESET_PORT, RESET_HARD_NOW);
    HalpSpin(POWER_OFF_SPINS / 10);
    HalpPulseKeyboardReset();
    HalpSpin(POWER_OFF_SPINS / 10);
    HalpTripleFault();
}

/*** Emulator ***/

void HalExitEmulator(UCHAR Value)
{
    _disable();
    HalpFlushDebugPort();
    HalpDetectHypervisor();
    if (HalpUnderHypervisor) {
        HalpOut8(DEBUG_EXIT_PORT, Value); /* without the device nothing happens */
    }
    HalPowerOff();
}
