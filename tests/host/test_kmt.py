"""Promise: the driver interface keeps its contracts, seen from real drivers, on one, two and four processors.

Every tests/kmt/X.c is a driver that tests one part of the interface and prints TAP from its DriverEntry. Each runs in a machine
of its own. Afterwards it must unload.
"""

import pytest

import qemu
import tap

DRIVERS = sorted(path.stem for path in (qemu.ROOT / "tests/kmt").glob("*.c"))
COMMANDS = r"sc create {0} type= kernel binPath= c:\tests\{0}.sys; sc start {0}; sc stop {0}; sc delete {0}"


def test_there_are_drivers():
    assert DRIVERS


@pytest.mark.parametrize("smp", [1, 2, 4])
@pytest.mark.parametrize("driver", DRIVERS)
def test_driver(driver, smp):
    result = qemu.execute(COMMANDS.format(driver), smp=smp, timeout=120)
    report = tap.parse(result.output)
    assert not report.failed and not report.problems, result.output
    assert report.good and result.passed, f"{result.explain()}\n{result.output}"
    print(f"{driver} on {smp}: {len(report.passed)} passed, {len(report.skipped)} skipped")
