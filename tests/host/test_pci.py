"""Promise: PCI functions are found, shown and given objects on both of QEMU's PC machines, behind bridges too, and interrupts of
their lines and messages arrive on both: the Interrupt Line register is the I/O APIC input there."""

import re

import pytest

import qemu
import tap

MACHINES = {"q35": "memory", "pc": "ports CF8h/CFCh"}
START = r"sc create t type= kernel binPath= c:\tests\{0}.sys; sc start t; sc stop t"


@pytest.mark.parametrize("machine", MACHINES)
def test_pci_command(machine):
    result = qemu.execute("pci; devices", machine=machine, devices=("edu,addr=0x9",))
    assert result.passed, result.output
    assert re.search(r"^00:00\.0  8086:[0-9a-f]{4}  host bridge \(060000\)", result.output, re.M)
    edu = re.search(r"^00:09\.0  1234:11e8 .*\n((?: +.*\n)+)", result.output, re.M)
    assert edu, result.output
    assert re.search(r"BAR 0: memory [0-9a-f]{8}h, 1024 KB\n", edu[1])
    assert re.search(r"INTA# line (10|11)\n", edu[1])
    assert "MSI, 1 message\n" in edu[1]
    assert f"configuration space by {MACHINES[machine]}" in result.output
    assert "PCI0000_00_09_0" in result.output


def test_functions_behind_bridges():
    devices = ("pci-bridge,id=near,chassis_nr=1,addr=0x5", "pci-bridge,id=far,bus=near,chassis_nr=2,addr=0x3", "edu,bus=far,addr=0x7")
    result = qemu.execute("pci; devices", machine="pc", devices=devices)
    assert result.passed, result.output
    near = int(re.search(r"^00:05\.0 .*PCI bridge.* to bus (\d+)", result.output, re.M)[1])
    far = int(re.search(rf"^{near:02x}:03\.0 .*PCI bridge.* to bus (\d+)", result.output, re.M)[1])
    assert 0 < near < far
    assert re.search(rf"^{far:02x}:07\.0  1234:11e8", result.output, re.M), result.output
    assert f"PCI0000_{far:02x}_07_0" in result.output


def test_many_functions_of_one_device():
    devices = tuple(f"edu,addr=0x6.{number},multifunction=on" for number in (0, 3, 7))
    result = qemu.execute("pci", devices=devices)
    assert re.findall(r"^00:06\.(\d)  1234:11e8", result.output, re.M) == ["0", "3", "7"], result.output


@pytest.mark.parametrize("driver, devices", {"interruptline": 4, "interruptmessage": 2, "interruptstorm": 4}.items())
def test_interrupts_on_the_older_machine(driver, devices):
    """test_kmt.py runs the same drivers on q35."""
    result = qemu.execute(START.format(driver), machine="pc", smp=2, devices=("edu",) * devices)
    report = tap.parse(result.output)
    assert report.good and result.passed, f"{result.explain()}\n{result.output}"


def test_message_table_in_a_bar():
    """MSI-X: a function with several messages, each with a vector of its own."""
    result = qemu.execute("pci", devices=("virtio-rng-pci",))
    assert re.search(r"1af4:[0-9a-f]{4} .*\n(?: +.*\n)*? +MSI-X, [2-9] messages, table in BAR \d\n", result.output), result.output
