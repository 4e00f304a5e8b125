"""Promise: Etude starts on every machine it says it starts on, and gets all its processors and memory to work."""

import re

import pytest

import qemu
import shell

# Machine, processor model, memory, processors, how it is booted: every value of each at least once, and the extremes together.
MATRIX = [
    ("q35", "max", "128M", 1, "direct"),
    ("q35", "qemu64", "48M", 8, "direct"),
    ("q35", "max", "4G", 8, "grub"),
    ("q35", "qemu64", "4G", 2, "direct"),
    ("pc", "max", "48M", 2, "grub"),
    ("pc", "qemu64", "256M", 4, "direct"),
    ("pc", "qemu64", "48M", 1, "grub"),
    ("pc", "max", "4G", 3, "direct"),
    ("q35", "max", "64M", 5, "grub"),
]
FIELDS = ("machine", "cpu", "mem", "smp", "boot")


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: "-".join(map(str, row)))
def test_machine(row):
    settings = dict(zip(FIELDS, row))
    with shell.boot(**settings) as console:
        listed = re.findall(r"^ +(\d+) +\d+ +\d+% ", console.run("cpus"), re.M)
        assert [int(number) for number in listed] == list(range(settings["smp"]))
        assert "PASSIVE_LEVEL" in console.run("irql")
        assert "RUNNING" in console.run("sc query beep")
        megabytes = int(re.search(r"\((\d+) MB\)", console.run("mem"))[1])
        expected = int(settings["mem"][:-1]) * (1024 if settings["mem"].endswith("G") else 1)
        assert expected * 0.9 - 2 <= megabytes <= expected


@pytest.mark.parametrize("boot", ["direct", *qemu.FIRMWARE])
def test_words_of_the_command_line_that_nobody_obeys_are_told(boot):
    """And no others."""
    words = "verifer=0x10 dpcwatchdog=soon pageable=1 break=1 debugport  verifier=0x10 specialpool=tag=Nix? iorundown=5"
    result = qemu.execute("irql", boot=boot, cmdline=words)
    assert result.passed, result.output
    assert re.findall(r"^command line: (\S+): (.*)$", result.output, re.M) == [
        ("verifer=0x10", "there is no such word"),
        ("dpcwatchdog=soon", "a number belongs behind this"),
        ("pageable=1", "only the debug kernel (DEBUG=1) knows this"),
        ("break=1", "nothing belongs behind this"),
        ("debugport", "a value belongs behind this"),
    ]


def test_the_debug_kernel_knows_more_words():
    result = qemu.execute("irql", debug=True, cmdline="seed=3 pageable=0  stacktraces=0", **qemu.REFERENCE)
    assert result.passed and "command line:" not in result.output, result.output


@pytest.mark.parametrize("boot", qemu.LEAST_MEMORY)
def test_the_smallest_machine_plays(boot):
    with shell.boot(mem=f"{qemu.LEAST_MEMORY[boot]}M", boot=boot) as console:
        console.run("melody play x:d=32,o=6,b=240:c,d,e")
        console.run("melody wait")
        assert len(re.findall(r"^ +\d+ +[1-9]\d*$", console.run("tones"), re.M)) >= 3
