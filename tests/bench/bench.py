"""What Etude's operations cost, in instructions, and how they scale, in time. `make bench` runs this.

Each driver of this folder measures some rows (see bench.h) in a machine of its own, with one processor on which QEMU counts
instructions: virtual time is one nanosecond for each, interrupts come at the same instruction, and so every run of the same
binary gives the same figures to the last digit. They are printed beside the goals and beside what others take, and written to
bench.json in the output folder: {row: {"min": n, "median": n}}.

Instruction counts say nothing of what waiting for each other costs, so scaling.c is run afterwards on one, two and four
processors, by the clock.

usage: bench.py [DRIVER...]    all drivers, the start-up and the times if none is named
"""

import json
import re
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/host"))

import qemu  # noqa: E402

DRIVERS = sorted(path.stem for path in Path(__file__).parent.glob("*.c") if path.stem != "scaling")
COMMANDS = r"sc create bench type= kernel binPath= c:\extra\{0}.sys; sc start bench; sc stop bench; sc delete bench"
SECOND_PORT = ("-serial", "null")  # interrupts.c has it interrupt
MEMORY = "256M"  # a million timers are 64 MB
LAUNCHES = 7


@dataclass
class Row:
    """One operation: what is measured, the goal, and what others take for it."""

    text: str
    goal: int = None
    linux: str = ""  # Linux 6.1; the nearest thing that a program can ask for, system call included
    lk: str = ""  # the LK kernel
    floor: str = ""  # what the bare instructions take
    missed: str = ""  # why the goal is not met, and what was tried


# Why a goal is missed, and what was tried.
CALLS = """14 are the two routines, which check the IRQL and the owner each time; 5 are the caller's: calls and arguments.
Without any check about 15 would remain. 37 before the rare cases got routines of their own."""
SWITCH = """Of a switch, 39 save and load what callers may rely on, XMM6-15 above all; about 70 choose a processor and 65 a
thread, by priority and affinity over the whole machine; every routine keeps a frame for backtraces. 1,316 and 728 before
the usual wait did without a description of itself, and before lists of processors without ready threads were passed over."""
TIMER = """Setting reads the counter, as due times are exact to a microsecond (21), finds the slot and links the timer (78);
cancelling unlinks it (35); each takes the dispatcher lock (25). 350 before the wheel's first slot was looked for only when
it may change. It is flat, which is what the wheel is for."""
POOL = """The block's header and its neighbour's are checked at each free, and the tag's counts are exact (2 locked
additions); the blocks come from the processor's own list, without a lock."""
LOOKASIDE = """Pushing and popping are calls in the WDK's interface, with a 16-byte exchange each (25); the interface counts
allocations and frees, too. 45 before the depth was read inline and the exchanges lost what they did not need."""
DPC = """The interrupt's frame has all registers and XMM0-5, which drivers may use (34); 38 dispatch and acknowledge it; 80 put
the DPC into the queue, with interrupts off, as ISRs queue DPCs, too. 280 before the own processor was asked directly."""
ZWWRITE = """About 90 look up the handle and lock its entry, 160 make and free the IRP, 350 send, complete and finish it, as
every request, 130 begin and end the request on the file and its device stack; writing to Linux's /dev/null has no request at
all. 1,220 before handles were looked up by one exchange for the lock and one for its end."""

ROWS = {
    "spinlock": Row("spin lock acquire + release, IRQL raised and lowered", 14, lk="20", floor="6", missed=CALLS),
    "qspinlock": Row("in-stack queued spin lock acquire + release"),
    "exspinlock": Row("shared spin lock acquire shared + release"),
    "fastmutex": Row("fast mutex acquire + release", 30, linux="64 (pthread mutex)", lk="107"),
    "guardedmutex": Row("guarded mutex acquire + release"),
    "pushlock_shared": Row("push lock acquire shared + release"),
    "pushlock_exclusive": Row("push lock acquire exclusive + release"),
    "rundown": Row("rundown protection acquire + release"),
    "eresource_shared": Row("ERESOURCE acquire shared + release"),
    "eresource_exclusive": Row("ERESOURCE acquire exclusive + release"),
    "mutant": Row("mutex wait + release"),
    "event": Row("event set + satisfied wait", 110, linux="1,507 (eventfd)", lk="131"),
    "semaphore": Row("semaphore release + satisfied wait", 110, lk="88"),
    "waitmulti_2": Row("wait for all of 2 events that are set"),
    "waitmulti_64": Row("wait for all of 64 events that are set"),
    "pingpong": Row("two threads over two events, one round", 800, linux="6,961 (futex)", lk="1,505", floor="37", missed=SWITCH),
    "yield_pair": Row("yield to another thread and back", 500, linux="3,319", lk="1,249", floor="37", missed=SWITCH),
    "thread": Row("thread create + end + join", 5000, linux="66,052 (pthread)", lk="7,829"),
    "timer_1": Row("timer set + cancel, 1 armed", 150, linux="2,077", lk="245", missed=TIMER),
    "timer_10": Row("timer set + cancel, 10 armed", 150, missed=TIMER),
    "timer_1k": Row("timer set + cancel, 1,000 armed", 150, missed=TIMER),
    "timer_10k": Row("timer set + cancel, 10,000 armed", 150, linux="2,141", lk="42,305", missed=TIMER),
    "timer_100k": Row("timer set + cancel, 100,000 armed", 150, missed=TIMER),
    "timer_1m": Row("timer set + cancel, 1,000,000 armed", 150, missed=TIMER),
    "pool32": Row("pool allocate + free, 32 bytes"),
    "pool64": Row("pool allocate + free, 64 bytes", 110, lk="347", missed=POOL),
    "pool4k": Row("pool allocate + free, 4 KB"),
    "pool2": Row("ExAllocatePool2, zeroed + free, 64 bytes", 190),
    "pool3": Row("ExAllocatePool3 with a priority + free, 64 bytes", 460),
    "secureupdate": Row("64 bytes of a secure pool changed", 970),
    "poolquota": Row("the same, charged to the process", 570),
    "poolspecial": Row("the same, in special pool", 24500),
    "lookasideex": Row("LOOKASIDE_LIST_EX allocate + free", 43),
    "lookaside": Row("lookaside list allocate + free", 30, missed=LOOKASIDE),
    "lock1": Row("MDL: 1 page locked + unlocked", 430),
    "lock16": Row("MDL: 16 pages locked + unlocked", 4750),
    "map1": Row("MDL: 1 page mapped + unmapped", 1125),
    "map16": Row("MDL: 16 pages mapped + unmapped", 3300),
    "contiguous16": Row("contiguous memory allocated + freed, 64 KB", 7700),
    "dpc": Row("DPC queued -> running", 160, floor="12 (self-IPI)", missed=DPC),
    "isr_dpc_thread": Row("device interrupt -> ISR -> DPC -> thread runs", 1000),
    "attach": Row("attached to a process and back", 235),
    "process": Row("process made + deleted", 8_400),
    "apc": Row("special kernel APC queued -> running"),
    "workitem": Row("work item queued -> running in a worker"),
    "irp": Row("IRP built, sent to the null driver, completed, freed", 400, linux="573 (write)"),
    "irp_filter": Row("the same through a filter with a completion routine"),
    "irp_skip": Row("the same through a filter that skips its location", 500),
    "irp_allocate": Row("IRP allocated + freed", 210),
    "csq": Row("cancel-safe queue insert + remove next", 265),
    "removelock": Row("remove lock acquire + release", 80),
    "irp_built": Row("the same by IoBuildDeviceIoControlRequest"),
    "handle": Row("handle looked up, and the reference dropped", 140),
    "object": Row("event object made + closed", 1230),
    "object_named": Row("the same with a name", 3210),
    "name_open": Row("named event opened + closed", 2090),
    "zwwrite": Row("ZwWriteFile of 1 byte to the null driver", 573, linux="573 (write)", missed=ZWWRITE),
    "zwread4k": Row("ZwReadFile of 4 KB, buffered, from the null driver"),
    "zwread4k_direct": Row("the same, direct", 2700),
    "zwread4k_neither": Row("the same, neither buffered nor direct", 1340),
    "zwioctl_buffered": Row("ZwDeviceIoControlFile, METHOD_BUFFERED, 16 bytes each way", 2020),
    "zwioctl_in": Row("the same, METHOD_IN_DIRECT", 2840),
    "zwioctl_out": Row("the same, METHOD_OUT_DIRECT", 2840),
    "zwioctl_neither": Row("the same, METHOD_NEITHER", 1320),
    "zwqueryfile": Row("ZwQueryInformationFile of a file's position", 660),
    "zwopen": Row("ZwOpenFile of the null driver + ZwClose", 5370),
    "irp_associated": Row("master IRP with one associated IRP, to the null driver", 840),
    "pnp_notify": Row("device interface enabled -> who registered is told", 4_650),
    "driver_load": Row("ZwLoadDriver + ZwUnloadDriver of a small driver", 715_000),
    "routine_address": Row("MmGetSystemRoutineAddress", 820),
    "zwopenkey": Row("ZwOpenKey by a path of six names and a link, ZwClose", 8_600),
    "zwsetvaluekey": Row("ZwSetValueKey of a REG_DWORD", 2_100),
    "zwqueryvaluekey": Row("ZwQueryValueKey of a REG_DWORD", 1_660),
    "boot": Row("kernel entry -> console prompt", 20_000_000, linux="1,590,000,000", lk="50,900,000 (xv6)"),
}


def counted(commands, **settings):
    """Output of a run on which instructions are counted."""
    result = qemu.execute(commands, icount=True, **qemu.REFERENCE | settings)
    if not result.passed:
        sys.exit(f"{result.output}\nbench: {result.explain()}")
    return result.output


def count_driver(driver):
    """{row: {"min": n, "median": n}} of all rows that a driver measures."""
    image = qemu.BUILD / f"bench/{driver}.sys"
    output = counted(COMMANDS.format(driver), mem=MEMORY, extra_files=(str(image),), qemu_extra=SECOND_PORT)
    return {name: {"min": int(least), "median": int(median)} for name, least, median in
            re.findall(r"^bench (\w+) (\d+) (\d+)$", output, re.MULTILINE)}


def count_boot():
    """From the kernel's first instruction until the first console command runs."""
    count = int(re.search(r"entered +(\d+) time-stamp ticks ago", counted("loader"))[1])
    return {"boot": {"min": count, "median": count}}


def count_all(drivers):
    figures = {}
    for driver in drivers:
        figures |= count_driver(driver)
    return figures


def verdict(row, median):
    if row.goal is None:
        return ""
    return "met" if median <= row.goal else f"x{median / row.goal:.2f}"


def print_counts(figures):
    print("Instructions, one processor (minimum and median of many runs)\n")
    print(f"{'row':20}{'operation':54}{'minimum':>10}{'median':>10}{'goal':>11} {'':7}Linux 6.1 / LK / bare floor")
    for name, row in ROWS.items():
        if name in figures:
            least, median = figures[name]["min"], figures[name]["median"]
            goal = f"{row.goal:,}" if row.goal else "-"
            others = " / ".join(each or "-" for each in (row.linux, row.lk, row.floor))
            others = others if others != "- / - / -" else ""
            line = f"{name:20}{row.text:54}{least:>10,}{median:>10,}{goal:>11} {verdict(row, median):7}{others}"
            print(line.rstrip())
    reasons = {}
    for name, row in ROWS.items():
        if row.missed and name in figures and figures[name]["median"] > row.goal:
            reasons.setdefault(row.missed, []).append(name)
    for reason, names in reasons.items():
        print("\n" + textwrap.fill(f"{', '.join(names)}: {' '.join(reason.split())}", 120, subsequent_indent="    "))


def scale(processors):
    """{operation: times a second} with as many threads as processors."""
    image = qemu.BUILD / "bench/scaling.sys"
    result = qemu.execute(COMMANDS.format("scaling"), smp=processors, extra_files=(str(image),), **qemu.REFERENCE)
    if not result.passed:
        sys.exit(f"{result.output}\nbench: {result.explain()}")
    return {name: int(rate) for name, rate in re.findall(r"^scale (\w+) (\d+)$", result.output, re.MULTILINE)}


def print_scaling():
    columns = {processors: scale(processors) for processors in (1, 2, 4)}
    print("\nThousands of operations a second by the clock, one thread on each processor (TCG)\n")
    print(f"{'operation':24}" + "".join(f"{f'{processors} CPU':>12}" for processors in columns))
    for name in columns[1]:
        print(f"{name:24}" + "".join(f"{column[name] / 1000:>12,.0f}" for column in columns.values()))


def seconds_to_prompt(boot):
    """From starting QEMU until the prompt has arrived here."""
    started = time.monotonic()
    with qemu.console(**qemu.REFERENCE | {"boot": boot}) as child:
        child.expect_exact(qemu.PROMPT)
        return time.monotonic() - started


def print_launches():
    """The best of some: other work on the host can only add."""
    print(f"\nkernel image {(qemu.BUILD / 'boot/etude.elf').stat().st_size / 1024:.0f} KB, goal 744 KB")
    for boot, goal in (("direct", 0.3), ("grub", 0.8)):
        best = min(seconds_to_prompt(boot) for _ in range(LAUNCHES))
        print(f"starting QEMU to prompt, BOOT={boot}: {best:.3f} s, goal {goal} s")


def as_json(figures):
    return json.dumps(figures, indent=1, sort_keys=True) + "\n"


def main():
    chosen = [name for name in sys.argv[1:] if name != "scaling"]
    figures = count_all(chosen if sys.argv[1:] else DRIVERS)
    if not sys.argv[1:]:
        figures |= count_boot()
        (qemu.BUILD / "bench.json").write_text(as_json(figures))
    if figures:
        print_counts(figures)
    if not chosen:
        print_scaling()
    if not sys.argv[1:]:
        print_launches()


if __name__ == "__main__":
    main()
