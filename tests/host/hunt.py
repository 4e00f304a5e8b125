"""Hunt for races: run the stress driver under many schedules of the debug kernel, each drawn from a seed.

usage: hunt.py [KIND]        make hunt SEEDS=10000 [FIRST=1] [JOBS=2]

Instructions are counted, on the reference machine, so a run depends on nothing but its commands: a seed that fails, fails again. Each seed has a
machine of its own, with one processor or two by turns. KIND is the start of the service's name, which
tests/kmt/stress_mix.c explains: mix, or lock, check, wake to see a race found that was put there on purpose. Exit status 1
when a seed failed.
"""

import os
import re
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import qemu

COMMANDS = r"seed {0}; sc create {1}_{0} type= kernel binPath= c:\tests\stress_mix.sys; sc start {1}_{0}; sc stop {1}_{0}; seed"
KINDS = "mix", "lock", "check", "wake"
SIGNS = re.compile(r"^(?:not ok|\*\*\*) .*$", re.M)


@dataclass
class Run:
    """What came of one seed."""

    seed: int
    smp: int
    commands: str
    failed: bool
    output: str

    @property
    def evidence(self):
        """The lines that tell what is wrong."""
        return "\n".join(SIGNS.findall(self.output)) or self.output

    @property
    def again(self):
        """A command that does the same once more."""
        return f"make exec DEBUG=1 ICOUNT=1 SMP={self.smp} CMD={shlex.quote(self.commands)}"


def run(seed, kind="mix"):
    smp, commands = 1 + seed % 2, COMMANDS.format(seed, kind)
    result = qemu.execute(commands, debug=True, icount=True, smp=smp, **qemu.REFERENCE)
    output = result.output if result.status is not None else f"{result.output}\n*** {result.explain()}\n"
    return Run(seed, smp, commands, not result.passed, output)


def hunt(first, count, kind="mix", jobs=1, tell=lambda done: None):
    """The first run that fails, of seeds first to first + count - 1, or None. tell(n) hears how many are done."""
    with ThreadPoolExecutor(jobs) as pool:
        for one in pool.map(lambda seed: run(seed, kind), range(first, first + count)):
            if one.failed:
                pool.shutdown(wait=True, cancel_futures=True)
                return one
            tell(one.seed - first + 1)
    return None


def main():
    kind = sys.argv[1] if len(sys.argv) > 1 else "mix"
    if kind not in KINDS:
        sys.exit(f"RACE={kind}: there are {', '.join(KINDS[1:])}")
    first, count = qemu.number_from_environment("FIRST", 1), qemu.number_from_environment("SEEDS", 1000)
    jobs = qemu.number_from_environment("JOBS", os.cpu_count())

    def tell(done):
        if sys.stdout.isatty():
            print(f"\r{done} of {count} seeds", end="", flush=True)

    failed = hunt(first, count, kind, jobs, tell)
    if not failed:
        print(f"\r{count} seeds from {first} on: nothing found")
        return 0
    print(f"\rseed {failed.seed} fails:\n{failed.evidence}\n\nOnce more:\n{failed.again}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
