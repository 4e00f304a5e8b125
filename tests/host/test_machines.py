"""Promise: drivers find the same on every machine: booted by BIOS and by UEFI, on both kinds of PC, with the oldest processor and
the newest, little memory and much, one to eight processors. Every two of these meet on some machine; and on each machine some
twenty of the drivers in tests/kmt run one after another, which leave nothing behind for the next.

A driver that cannot be one of many says why in its first comment: "ALONE: it leaves a handle behind".
"""

import itertools

import pytest

import qemu
import shell
import tap
from accounts import settled, settled_difference
from test_kmt import COMMANDS, DRIVERS, least_memory, markers

FIELDS = ("boot", "machine", "cpu", "mem", "smp")
VALUES = ("grub", "uefi"), ("pc", "q35"), ("qemu64", "max"), ("48M", "128M", "8G"), (1, 2, 4, 8)
MACHINES = [
    ("uefi", "pc", "max", "48M", 1),
    ("grub", "pc", "qemu64", "48M", 2),
    ("uefi", "q35", "qemu64", "48M", 4),
    ("grub", "q35", "max", "48M", 8),
    ("grub", "q35", "qemu64", "128M", 1),
    ("uefi", "pc", "qemu64", "128M", 2),
    ("grub", "pc", "max", "128M", 4),
    ("uefi", "q35", "qemu64", "128M", 8),
    ("uefi", "q35", "max", "8G", 1),
    ("grub", "q35", "max", "8G", 2),
    ("uefi", "pc", "max", "8G", 4),
    ("grub", "pc", "qemu64", "8G", 8),
]
SHARE = 6  # a machine takes every sixth driver, the next machine the ones beside
COMPANY = [name for name in DRIVERS if not any(markers(name, marker) for marker in ("ALONE", "MACHINE", "DEVICES"))]
WARM_UP = "melody play x:d=32,o=6,b=300:c", "melody wait"  # the player keeps its thread and its file
KEPT = ("objects ", "handles ", "image pages", "driver pages", "locked pages")  # pools keep what the next request may want


def pairs(machine):
    return set(itertools.combinations(zip(FIELDS, machine), 2))


def test_every_pair_meets():
    assert set().union(*map(pairs, itertools.product(*VALUES))) == set().union(*map(pairs, MACHINES))


def run_driver(console, driver):
    """What is wrong with it, or None."""
    output = "".join(console.run(command.strip()) for command in COMMANDS.format(driver).split(";"))
    report = tap.parse(output)
    return None if report.good and "FAILED" not in output else f"{driver}: {report.failed} {report.problems}\n{output}"


def ahead(index):
    """What is wrong with drivers on the machine, and what has changed after all of them."""
    settings = dict(zip(FIELDS, MACHINES[index]))
    drivers = [name for name in COMPANY[index % SHARE :: SHARE] if least_memory(name) <= qemu.memory_size(settings["mem"])]
    with shell.boot(**settings) as console:
        assert f"{settings['smp']} of {settings['smp']} processors" in console.banner
        for command in WARM_UP:
            console.run(command)
        before = settled(console)
        wrong = [run_driver(console, driver) for driver in drivers]
        return list(filter(None, wrong)), settled_difference(console, before, KEPT)


@pytest.mark.parametrize("index", range(len(MACHINES)), ids=["-".join(map(str, machine)) for machine in MACHINES])
def test_machine(index, result):
    wrong, left = result
    assert not wrong, "\n".join(wrong)
    assert not left
