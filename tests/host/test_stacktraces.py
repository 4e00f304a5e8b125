"""Promise: with `stacktraces=1` the debug kernel knows who allocated and freed each block of pool, who opened and closed each handle:
on the console, in the report of what a driver leaves behind, and on the crash screen."""

import re

import pytest

import gdbrun
import qemu

LOAD = r"sc create {0} type= kernel binPath= c:\tests\{1}.sys; sc start {0}"

LINE = "-" * 38


def run(commands, **settings):
    return qemu.execute(commands, debug=True, smp=2, cmdline="stacktraces=1", **settings)


def stacks(text, heading):
    """The stacks below each line that matches heading."""
    return [match[1].splitlines() for match in re.finditer(heading + r"[^\n]*\n((?:  .*\n)+)", text)]


@pytest.fixture(scope="module")
def shown():
    """What the commands say of a driver with three blocks, before and after it stops, and of one that opens handles and closes them."""
    users = f"{LOAD.format('pooluser', 'pooluser')}; pooltrace PUs?; sc stop pooluser; pooltrace PUs?"
    result = run(f"{users}; {LOAD.format('namedevent', 'namedevent')}; pooltrace; htrace 0")
    assert result.passed, f"{result.explain()}\n{result.output}"
    return result.output.replace("\r", "")


def test_blocks_of_a_tag_are_grouped_by_stack(shown):
    for tag, size in ("PUs3", 10000), ("PUs2", 1000), ("PUs1", 100):
        (stack,) = stacks(shown, f"{tag}  1 blocks, {size} bytes:")
        assert re.match("  pooluser!(KmtRun|DriverEntry)", stack[0]), stack
        assert re.search("nt!(Iop|Io)RunDriverEntry", "\n".join(stack)) and "nt!KiThreadStartup" in stack[-1], stack


def test_the_counts_are_bounded(shown):
    live, freed, room, lost = map(int, re.search(r"blocks in use (\d+), freed (\d+), room for (\d+), not recorded (\d+)", shown).groups())
    assert live > 50 and freed > 5 and live + freed <= room and lost == 0


def test_handles_that_were_opened_and_closed(shown):
    events = re.findall(r"^Handle = 0x([0-9a-f]+) - (OPEN|CLOSE)\nThread ID = 0x[0-9a-f]+, Process ID = 0x4\n((?:  .*\n)+)", shown, re.M)
    kinds = {kind for _, kind, _ in events}
    assert kinds == {"OPEN", "CLOSE"}
    last = {}
    for handle, kind, stack in reversed(events):  # in the order in which they happened
        assert kind == ("CLOSE" if last.get(handle) == "OPEN" else "OPEN") or handle not in last, (handle, kind)
        last[handle] = kind
        assert stack.startswith("  nt!Ob"), stack
    assert any("namedevent!" in stack for _, _, stack in events)
    parsed, dumped = (int(re.search(rf"{word} 0x([0-9a-f]+) stack traces", shown)[1], 16) for word in ("Parsed", "Dumped"))
    assert parsed >= dumped == len(events)


def test_what_a_driver_leaves_behind_is_reported_with_its_stacks():
    result = run(f"{LOAD.format('poolleaker', 'pooluser')}; sc stop poolleaker")
    text = result.output.replace("\r", "")
    assert result.status == qemu.STATUS_BUGCHECK and "0x000000C4 (0x0000000000000062" in text, text
    assert re.search(
        r"\*\*\*   pool PUs2: 1 blocks, \d+ bytes, allocated at pooluser!.*\n\*\*\*     1 of them, 1000 bytes, last by:\n\*\*\*       pooluser!", text
    ), text


def test_a_handle_that_is_left_open_is_reported_with_its_stack():
    text = run(f"{LOAD.format('leaky', 'leaky')}; sc stop leaky").output
    assert re.search(r"\*\*\*   handle [0-9a-f]+ to Event: opened at leaky!.*\n(\*\*\*       nt!.*\n)+\*\*\*       leaky!", text), text


def crash(driver):
    result = run(f"{LOAD.format(driver, driver)}")
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    return result.output.replace("\r", "")


@pytest.mark.parametrize("driver, state", [("bug_pool_double_free", "freed"), ("bug_special_use_after_free", "freed"),
                                           ("bug_special_overrun", "in use"), ("bug_pool_overrun", "in use")])
def test_a_crash_shows_the_life_of_its_block(driver, state):
    text = crash(driver)
    blocks = re.findall(r"^Parameter \d: pool block [0-9A-F]{16}, (\d+) bytes, tag (.{4}), (.*)$", text, re.M)
    assert state in [kind for _, _, kind in blocks], text
    (stack, *_) = stacks(text, r"allocated by thread \d+\.\d+:")
    assert stack[0].strip().startswith(f"{driver}!"), text
    frees = stacks(text, r"freed by thread \d+\.\d+:")
    assert bool(frees) == (state == "freed"), text
    assert not frees or any(f"{driver}!" in line for line in frees[0]), text


def test_gdb_tells_the_same(tmp_path, monkeypatch):
    """Of a crash file: the console's words, found in memory alone; and why there is nothing to tell."""
    core, release = tmp_path / "crash.img", qemu.BUILD
    used = f"{LOAD.format('pooluser', 'pooluser')}; pooltrace PUs?; {LOAD.format('namedevent', 'namedevent')}; htrace 0; bugcheck"
    result = run(used, crash=str(core))
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    text = result.output.replace("\r", "")
    monkeypatch.setattr(qemu, "BUILD", release / "debug")
    groups = text[text.index("PUs3  1 blocks") :].split("etude>")[0].strip()
    commands = ["nt pooltrace PUs?", "nt pooltrace", "nt htrace 0", "nt htrace 4", "nt pooltrace zzzz", "nt pooltrace 0x10", "nt htrace"]
    answers = dict(zip(commands, gdbrun.ask(f"core-file {core}", commands)))
    assert answers["nt pooltrace PUs?"].strip() == groups
    assert re.search(r"blocks in use \d+, freed \d+, room for 16384, not recorded 0\nhandle events \d+", answers["nt pooltrace"])
    events = re.findall(r"^Handle = .*\n.*\n(?:  .*\n)+", text[text.rindex("sc start namedevent") :], re.M)
    assert len(events) > 5 and "".join(f"{LINE}\n{each}" for each in events) in answers["nt htrace 0"] + "\n", answers["nt htrace 0"]
    assert 0 < answers["nt htrace 4"].count("Handle = 0x4 - ") == answers["nt htrace 4"].count("Handle = ")
    assert "no block in use has the tag zzzz" in answers["nt pooltrace zzzz"] and "usage: nt htrace HANDLE" in answers["nt htrace"]
    assert "0000000000000010 is in no block" in answers["nt pooltrace 0x10"]


def test_correct_drivers_do_not_notice():
    names = "poolquota specialpool securepool irpfail iofaults obsync stress_mdl inherit"
    result = run("; ".join(LOAD.format(name, name) + f"; sc stop {name}; sc delete {name}" for name in names.split()) + "; pooltrace")
    assert result.passed and not re.search("^not ok", result.output, re.M), f"{result.explain()}\n{result.output}"
    freed, lost = map(int, re.search(r"freed (\d+), room for \d+, not recorded (\d+)", result.output).groups())
    assert freed > 1000 and lost == 0


def test_without_the_option_there_is_nothing():
    result = qemu.execute("pooltrace", debug=True)
    assert "start with stacktraces=1" in result.output
