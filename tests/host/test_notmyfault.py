"""Promise: each of the classic faults of drivers gives the bugcheck that it gives on Windows, and the screen blames the driver
that committed it; what gives none is shown by the tool that finds it.
"""

import re

import pytest

import qemu

WATCHDOG = "dpcwatchdog=200"
PATIENT_WATCHDOG = "dpcwatchdog=1000"  # 6 s: the second processor may come late to where they hang
VERIFIED = "verifier /driver notmyfault.sys; "
STOP_AFTER = "; sc stop notmyfault; beep 440 60000"

# fault, what is typed before and after, settings of the machine, the bugcheck, a line of the screen
CRASHES = [
    ("irql", "", "", {}, "D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL", r"notmyfault!NotMyFaultDoPagedAtDispatch"),
    ("overrun", "", "", {}, "19 BAD_POOL_HEADER", r"notmyfault!NotMyFaultDoOverrun"),
    ("overrun", "specialpool tag=Fult; ", "", {}, "D6 DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION", r"notmyfault!NotMyFaultDoOverrun"),
    ("underrun", "", "", {}, "19 BAD_POOL_HEADER", r"notmyfault!NotMyFaultDoUnderrun"),
    ("useafterfree", "", "", {}, "50 PAGE_FAULT_IN_NONPAGED_AREA", r"notmyfault!NotMyFaultDoUseAfterFree"),
    ("doublefree", "", "", {}, "C2 BAD_POOL_CALLER", r"notmyfault!NotMyFaultDoDoubleFree"),
    ("stackoverflow", "", "", {}, "7F UNEXPECTED_KERNEL_MODE_TRAP", r"kernel stack .* is full"),
    ("stacktrash", "", "", {}, "7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", r"^ *4141414141414141"),
    ("null", "", "", {}, "7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", r"notmyfault!NotMyFaultDoNullPointer"),
    ("wild", "", "", {}, "50 PAGE_FAULT_IN_NONPAGED_AREA", r"notmyfault!NotMyFaultDoWildPointer"),
    ("code", "", "", {}, "BE ATTEMPTED_WRITE_TO_READONLY_MEMORY", r"notmyfault!NotMyFaultDoCodeOverwrite"),
    ("divide", "", "", {}, "7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", r"STATUS_INTEGER_DIVIDE_BY_ZERO"),
    ("badirql", "", "", {}, "0A IRQL_NOT_LESS_OR_EQUAL", r"notmyfault!NotMyFaultDoWaitAtDispatch"),
    ("hangdpc", "", "; sleep", {"cmdline": WATCHDOG}, "133 DPC_WATCHDOG_VIOLATION", r"routine notmyfault!RunForEver"),
    ("deadlock", "", "; sleep", {"smp": 2, "cmdline": PATIENT_WATCHDOG}, "133 DPC_WATCHDOG_VIOLATION", r"nt!KiSpinUntilOwned"),
    ("timer", "", STOP_AFTER, {}, "CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS", r"armed timer .*notmyfault!Expired"),
    ("timer", VERIFIED, STOP_AFTER, {}, "C7 TIMER_OR_DPC_INVALID", r"armed timer .*notmyfault!Expired"),
    ("leakpaged", VERIFIED, STOP_AFTER, {}, "C4 DRIVER_VERIFIER_DETECTED_VIOLATION", r"1048576 bytes, allocated at notmyfault!"),
    ("hangirp", VERIFIED, "; sc stop notmyfault; irpfind; bugcheck", {}, "E2 MANUALLY_INITIATED_CRASH", r"STOP_PENDING"),
]


@pytest.mark.parametrize("fault, before, after, settings, stop, line", CRASHES)
def test_crash(fault, before, after, settings, stop, line):
    code, name = stop.split()
    after = after.replace("; sleep", "; beep 440 60000")
    result = qemu.execute(f"{before}notmyfault {fault}{after}", **settings)
    output = result.output.replace("\r", "")
    assert result.status == qemu.STATUS_BUGCHECK, output
    assert re.search(rf"^\*\*\* STOP: 0x{int(code, 16):08X} ", output, re.M) and name in output, output
    assert re.search(line, output, re.M), output
    blamed = "nt" if fault == "hangirp" else "notmyfault.sys"
    assert re.search(rf"^Probably caused by : {re.escape(blamed)} \( .* \)$", output, re.M), output
    if fault == "hangirp":  # a machine that a person has crashed blames nobody; irpfind shows who has the request
        assert "notmyfault!NotMyFaultControl" in output, output


def test_leaks():
    """Nothing stops the machine: poolmon names tag and driver, and the loader what is left."""
    commands = "notmyfault leakpaged; notmyfault leaknonpaged; poolmon /g Fult; sc stop notmyfault"
    result = qemu.execute(commands)
    assert result.passed, result.output
    for kind, routine in (("Paged", "LeakPaged"), ("NonPaged", "LeakNonPaged")):
        assert re.search(rf"Fult {kind} +1 +0 +1 +1048576", result.output), result.output
        assert re.search(rf"pool Fult: 1 blocks, 1048576 bytes, allocated at notmyfault!NotMyFaultDo{routine}", result.output)


def test_the_list_and_a_wrong_name():
    result = qemu.execute("notmyfault")
    assert result.passed and "  stacktrash " in result.output
    assert len(re.findall(r"^  \w+ +\w", result.output.partition("notmyfault")[2], re.M)) == 20, result.output
    assert not qemu.execute("notmyfault nothing").passed
