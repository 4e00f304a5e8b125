"""What starting Etude costs: the kernel's size, instructions and time to the console prompt.

`make bench` runs this. Instructions are counted by QEMU (one time-stamp tick is one instruction) and are the same on every
run; times are the best of several runs, because other work on the host can only add to them.
"""

import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/host"))

import qemu  # noqa: E402

RUNS = 7


def image_bytes():
    """The kernel as loaders get it, without debug sections."""
    return (qemu.BUILD / "boot/etude.elf").stat().st_size


def instructions_to_prompt():
    """From the kernel's first instruction until the first console command runs."""
    result = qemu.execute("loader", icount=True)
    if not result.passed:
        sys.exit(f"{result.output}\nbench: {result.explain()}")
    return int(re.search(r"entered +(\d+) time-stamp ticks ago", result.output)[1])


def seconds_to_prompt(boot):
    """From starting QEMU until the prompt has arrived here."""
    started = time.monotonic()
    with qemu.console(boot=boot) as child:
        child.expect_exact(qemu.PROMPT)
        return time.monotonic() - started


def main():
    rows = [
        ("kernel image", f"{image_bytes() / 1024:.0f} KB", "512 KB"),
        ("kernel entry to prompt", f"{instructions_to_prompt() / 1e6:.2f} M instructions", "30 M"),
    ]
    for boot, goal in (("direct", "0.3 s"), ("grub", "0.8 s")):
        best = min(seconds_to_prompt(boot) for _ in range(RUNS))
        rows.append((f"launch to prompt, {boot}", f"{best:.3f} s", goal))
    for name, figure, goal in rows:
        print(f"{name:32}{figure:>24}   goal: below {goal}")


main()
