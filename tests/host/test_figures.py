"""Promise: Etude stays small and quick: the kernel's size, and what it takes the reference machine from the kernel's first
instruction, or from starting QEMU, to the prompt. The figures are printed; `make bench` shows more of them."""

import re
import subprocess
import time

import pytest

import qemu
import shell

KERNEL_BYTES = 744 * 1024  # 88 of it are for debugging: stub, traces, unwind tables, crash files
INSTRUCTIONS = 30_000_000
SECONDS = {"direct": 0.3, "grub": 0.8}
SLOWNESS = 10  # how many times longer a loaded host may take
LAUNCH_SECONDS = 0.1  # that QEMU takes here to start and to end, without a machine that runs


def test_kernel_size(record):
    size = (qemu.BUILD / "boot/etude.elf").stat().st_size
    record(f"kernel image without debug sections: {size / 1024:.0f} KB, goal < {KERNEL_BYTES >> 10} KB")
    assert size < KERNEL_BYTES


def test_instructions_to_the_prompt(record):
    counts = []
    for _ in range(2):
        result = qemu.execute("loader", icount=True, **qemu.REFERENCE)
        assert result.passed, result.output
        counts.append(int(re.search(r"entered +(\d+) time-stamp ticks ago", result.output)[1]))
    record(f"kernel entry to prompt: {counts[0] / 1e6:.1f} M instructions, goal < 30 M")
    assert counts[0] == counts[1], "counted runs differ"
    assert counts[0] < INSTRUCTIONS


def seconds_of_a_launch():
    """What QEMU alone takes: another host is slower at all it does."""
    started = time.monotonic()
    command = ["qemu-system-x86_64", "-display", "none", "-nic", "none", "-machine", "q35", "-S", "-monitor", "stdio"]
    subprocess.run(command, input=b"quit\n", stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started


@pytest.mark.parametrize("boot", SECONDS)
def test_seconds_to_the_prompt(boot, record):
    times, launches = [], []
    for _ in range(3):
        started = time.monotonic()
        with shell.boot(**qemu.REFERENCE | {"boot": boot}):
            times.append(time.monotonic() - started)
        launches.append(seconds_of_a_launch())
    record(f"launch to prompt, BOOT={boot}: {min(times):.2f} s, goal < {SECONDS[boot]} s")
    assert min(times) < SECONDS[boot] * SLOWNESS * max(1, min(launches) / LAUNCH_SECONDS)
