"""Promise: drivers run the same when they are compiled against somebody else's headers and linked with somebody else's import
libraries, with vector registers in use.

All of drivers/* is built a second time so, and takes the place of the first build on the boot disk; sessions with both are
compared. As many of the in-guest tests as those headers can compile are built a second time and must hold. foreign.c is a driver
that knows nothing of this kernel at all.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

import foreign
import qemu
import tap
import test_kmt

DRIVERS = sorted({path.parent.name for path in (qemu.ROOT / "drivers").glob("*/*.c")})
# driver -> why it cannot be built against the other headers
EXCLUDED = {"multi": "is about ExAllocatePool3 and secure pools, which came years after those headers"}
# In-guest tests that are not built twice; those whose machine is special run in test_kmt.py, and so does "debugger": those
# headers declare KdDebuggerEnabled as imported and as a pointer, which is one dereference too many.
LONG = re.compile(r"stress_|.*million|.*storm|many|.*race")
TOGETHER = 8  # tests in one machine

# Typed with both builds of all drivers. Beyond these, each driver that is not running is started and stopped.
SESSION = [
    "devices",
    "sc query serial",
    "beep 440 20",
    "melody play Scale:d=32,o=5,b=240:c,e,g",
    "melody wait",
    "sc stop kmelody",
    "sc stop beep",
    "sc start beep",
    "sc start kmelody",
    "melody play Up:d=32,o=6,b=240:8p,c",
    "melody stop",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("foreign")


@pytest.fixture(scope="module")
def drivers(folder):
    """Boot disk members: every driver, built against the other headers."""
    members = {}
    for name in DRIVERS:
        if name not in EXCLUDED:
            sources = sorted((qemu.ROOT / "drivers" / name).glob("*.c"))
            members[f"drivers/{name}.sys"] = foreign.build(sources, folder / f"{name}.sys").read_bytes()
    return members


def services():
    """Name -> start type, of those that are registered."""
    registry = (qemu.ROOT / "iso/registry.reg").read_text() + "\n\n"
    found = re.findall(r"Services\\(\w+)\](.*?)\n\n", registry, re.S)
    return {name: int(re.search(r'"Start"=dword:(\w+)', values)[1], 16) for name, values in found if '"Start"' in values}


def session():
    commands, registered = [*SESSION], services()
    for name in sorted(set(DRIVERS) - EXCLUDED.keys()):
        if name not in registered:
            commands.append(rf"sc create {name} type= kernel binPath= c:\drivers\{name}.sys")
        if registered.get(name, 3) == 3:
            commands += [f"sc start {name}", "devices", f"sc stop {name}"]
    return commands


def without_numbers(output):
    """What is the same on every run: numbers and where they stand are not."""
    text = re.sub(r"\b(0x)?[0-9A-Fa-f`]*[0-9][0-9A-Fa-f`.]*\b", "N", output[output.index("etude>") :])
    return re.sub(r" +", " ", text)


@pytest.mark.parametrize("smp", [1, 4])
def test_every_driver_runs_the_same(drivers, smp, record):
    commands = "; ".join(session())
    first = qemu.execute(commands, smp=smp)
    second = qemu.execute(commands, smp=smp, files=drivers)
    assert first.passed, f"{first.explain()}\n{first.output}"
    assert second.passed, f"{second.explain()}\n{second.output}"
    assert without_numbers(first.output) == without_numbers(second.output)
    names = ", ".join(path.partition("/")[2] for path in drivers)
    record(f"built a second time against mingw's headers: {names}" + "".join(f"; not {k}: {v}" for k, v in EXCLUDED.items()))


def test_nothing_is_left_out_without_need():
    assert set(EXCLUDED) <= set(DRIVERS) and {"beep", "kmelody", "serial"} <= set(DRIVERS) - EXCLUDED.keys()


def fits_with_others(name):
    """Whether a test can share a machine: it needs no devices of its own, and leaves nothing behind on purpose."""
    special = test_kmt.devices(name) or test_kmt.machine(name) or LONG.match(name) or name == "debugger"
    return not special and "together with the console" not in " ".join(test_kmt.FILES[name].read_text().split())


@pytest.fixture(scope="module")
def tests(folder):
    """In-guest tests by name, and why others could not be built."""
    built, lacking = {}, {}

    def build(name):
        try:
            built[name] = foreign.build([test_kmt.FILES[name]], folder / f"{name}.sys")
        except foreign.Lacking as error:
            lacking[name] = str(error)

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(build, filter(fits_with_others, test_kmt.DRIVERS)))
    return built, lacking


def shortened(text):
    """Without the checks that held."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("ok "))[:1500]


def test_in_guest_tests_hold(tests, drivers, record):
    built, lacking = tests
    names = sorted(built)

    def boot(group):
        commands = "; ".join(test_kmt.COMMANDS.format(name) for name in group)
        replaced = drivers | {f"tests/{name}.sys": built[name].read_bytes() for name in group}
        return group, qemu.execute(commands, smp=2, files=replaced)

    groups = [names[start::len(names) // TOGETHER + 1] for start in range(len(names) // TOGETHER + 1)]
    faults = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for group, result in pool.map(boot, groups):
            pieces = re.split(r"^etude> sc start kmt_(\w+)\n", result.output, flags=re.M)
            texts = {name: text.partition("etude>")[0] for name, text in zip(pieces[1::2], pieces[2::2])}
            bad = [name for name in group if not tap.parse(texts.get(name, "")).good]
            faults += [f"{name}: {shortened(texts.get(name, 'not reached'))}" for name in bad]
            faults += [result.explain()] if not bad and not result.passed else []
    assert not faults, "\n".join(faults)
    # The rest is about what came after those headers.
    assert len(built) > 2 * len(lacking)
    record(f"in-guest tests built a second time against mingw's headers: {len(built)} of {len(built) + len(lacking)}")
    for name, why in sorted(lacking.items()):
        record(f"  not {name}: {why}")


COMMANDS = r"sc create foreign type= kernel binPath= c:\extra\foreign.sys; sc start foreign; sc stop foreign"


@pytest.mark.parametrize("smp", [1, 2])
def test_foreign_driver(folder, smp):
    driver = foreign.build([qemu.ROOT / "tests/host/foreign.c"], folder / "foreign.sys")
    result = qemu.execute(COMMANDS, smp=smp, extra_files=(str(driver),))
    assert result.passed, f"{result.explain()}\n{result.output}"
    assert r"foreign: \Registry\Machine\System\CurrentControlSet\Services\foreign" in result.output
    assert "foreign: levels 210, timer 0\n" in result.output, result.output
    assert "foreign: unloaded" in result.output
