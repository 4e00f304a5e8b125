"""Promise: with `pageable=1` the debug kernel's paged pool is not there at DISPATCH_LEVEL and above, and correct code does not notice: a
representative set of the test drivers passes so, on two processors, one after the other in one machine."""

import re

import pytest

import qemu

# Each group in a machine of its own.
GROUPS = [
    "apc beepflood calldpc completion csq deferred dpc fastmutex files guardedmutex interrupt irps",
    "iofaults lists mdl mdllock mutex namedevent names objects print pushlock queue removelock",
    "resource rtl rundown semaphore startio stress_io stress_ke threads timer waits work workitem",
]
COMMANDS = r"sc create {0} type= kernel binPath= c:\tests\{0}.sys; sc start {0}; sc stop {0}; sc delete {0}"


@pytest.mark.parametrize("group", GROUPS)
def test_correct_drivers_do_not_notice(group):
    commands = "; ".join(COMMANDS.format(name) for name in group.split())
    result = qemu.execute(f"{commands}; pageable", smp=2, debug=True, cmdline="pageable=1")
    assert result.passed, f"{result.explain()}\n{result.output}"
    assert not re.search("^not ok", result.output, re.M), result.output
    assert int(re.search(r"not there; faults so far: (\d+)", result.output)[1]) > 10000


def test_the_switch_on_the_console():
    result = qemu.execute("pageable; pageable on; dir; pageable off; dir; pageable", debug=True, smp=2)
    assert result.passed, result.output
    assert re.search(r"memory is resident; faults so far: 0\b", result.output)
    assert int(re.search(r"(\d+) pages have vanished", result.output)[1]) > 5
    assert int(re.search(r"(\d+) pages are there", result.output)[1]) > 5
    assert int(re.search(r"resident; faults so far: ([1-9]\d*)", result.output)[1]) > 100
