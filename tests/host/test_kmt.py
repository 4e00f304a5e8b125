"""Promise: the driver interface keeps its contracts, seen from real drivers, on one, two, four and eight processors.

Every tests/kmt/X.c is a driver that tests one part of the interface and prints TAP from its DriverEntry. Each runs in a machine
of its own. Afterwards it must unload. The drivers bug_X make one mistake each, and the machine must stop with the code that
the file's first line names. In that first comment, a line "DEVICES: edu edu" adds those to the machine, "MACHINE: mem=256M" sets
what it says (debug=1: the debug kernel), "MEMORY: 128M" is the least that the driver needs, and "SAYS: pattern" is to appear in the
output. A driver with "REFUSED: A B" wants these routines of the kernel, which are not there, and must not be loaded.
"""

import re

import pytest

import qemu
import tap

FILES = {path.stem: path for path in sorted((qemu.ROOT / "tests/kmt").glob("*.c"))}
REFUSED = [name for name in FILES if "\n * REFUSED: " in FILES[name].read_text()]
DRIVERS = [name for name in FILES if not name.startswith("bug_") and name not in REFUSED]
MISTAKES = [name for name in FILES if name.startswith("bug_")]
COMMANDS = r"sc create kmt_{0} type= kernel binPath= c:\tests\{0}.sys; sc start kmt_{0}; sc stop kmt_{0}; sc delete kmt_{0}"


def markers(driver, name):
    """What the file's first comment says in each line that begins with "name:"."""
    return re.findall(rf"^[/ ]\* {name}: (.+?)(?: \*/)?$", FILES[driver].read_text().partition("#include")[0], re.M)


def devices(driver):
    return tuple(" ".join(markers(driver, "DEVICES")).split())


def least_memory(driver):
    return max(map(qemu.memory_size, markers(driver, "MEMORY")), default=0)


def machine(driver):
    enough = markers(driver, "MEMORY") if least_memory(driver) > qemu.memory_size(qemu.chosen("mem")) else []
    return dict(setting.split("=", 1) for line in markers(driver, "MACHINE") for setting in line.split()) | {"mem": size for size in enough}


def ahead(driver, smp=2):
    """What a machine of its own says to the driver. Memory that its file asks for is the kernel's."""
    settings = machine(driver)
    if "mem" in settings and qemu.chosen("boot") == "uefi":
        settings["mem"] = f"{(qemu.memory_size(settings['mem']) + qemu.FIRMWARE_MEMORY) >> 20}M"
    smp = int(settings.pop("smp", smp))
    return qemu.execute(COMMANDS.format(driver), smp=smp, devices=devices(driver), **settings)


def test_there_are_drivers():
    assert DRIVERS and MISTAKES


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
@pytest.mark.parametrize("driver", DRIVERS)
def test_driver(driver, smp, result):
    report = tap.parse(result.output)
    assert not report.failed and not report.problems, result.output
    assert report.good and result.passed, f"{result.explain()}\n{result.output}"
    for pattern in markers(driver, "SAYS"):
        assert re.search(pattern, result.output), f"{pattern} is missing\n{result.output}"


@pytest.mark.parametrize("driver", REFUSED)
def test_refused(driver, result):
    wanted = " ".join(markers(driver, "REFUSED")).split()
    assert sorted(re.findall(rf"^ldr: {driver}\.sys: import ntoskrnl\.exe!(\w+) is missing$", result.output, re.M)) == sorted(wanted)
    assert "FAILED 127" in result.output and "never reached" not in result.output, result.output


@pytest.mark.parametrize("driver", MISTAKES)
def test_mistake(driver, result):
    code, name = re.match(r"/\* STOP: 0x([0-9A-F]{8}) (\w+)", FILES[driver].read_text()).groups()
    assert result.status == qemu.STATUS_BUGCHECK, f"{result.explain()}\n{result.output}"
    assert re.search(rf"\*\*\* STOP: 0x{code}\b", result.output) and name in result.output, result.output
    assert f"{driver}!" in result.output, f"the backtrace does not show the culprit\n{result.output}"
    assert "never reached" not in result.output
    for pattern in markers(driver, "SAYS"):
        assert re.search(pattern, result.output), f"{pattern} is missing\n{result.output}"
