"""Promise: a trace is complete and true: events of each processor are in order and fit together (who is switched to is who is
switched from next, what is entered is left, requests live once), on one, four and eight processors under load; starting and
stopping at any time does no harm; what is overwritten is counted; off, the code is what it was; and what `make trace` makes of
it can be read by those it is for, and is the same for the same trace."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import qemu
import timeline
import trace
import tracejson
import tracesvg

sys.path.insert(0, str(qemu.ROOT / "tests/bench"))

import bench  # noqa: E402

LOAD = r"sc create load type= kernel binPath= c:\tests\traceload.sys; sc start load"
UNLOAD = "sc stop load; sc delete load"
TUNE = "melody play Up:d=16,o=5,b=250:c,e,g"
CAPACITY = 8192


def traced(smp, **settings):
    commands = f"{LOAD}; trace start events={CAPACITY}; {TUNE}; melody wait; trace stop; trace status; trace export; {UNLOAD}"
    result = qemu.execute(commands, smp=smp, **settings)
    assert result.passed and "traceload: 0 problems" in result.output, f"{result.explain()}\n{result.output[-3000:]}"
    return result, trace.parse(result.output)


@pytest.fixture(scope="module", params=[1, 4, 8])
def loaded(request):
    return traced(request.param)


def test_events_are_in_order_and_counted(loaded):
    result, found = loaded
    counts = re.findall(r"^ +\d+ +(\d+) +(\d+)$", result.output, re.M)
    assert len(counts) == len(found.cpus)
    for events, (recorded, overwritten) in zip(found.cpus, counts):
        times = [event.time for event in events]
        assert times == sorted(times)
        assert len(events) == min(int(recorded), CAPACITY) == int(recorded) - int(overwritten)


def test_switches_follow_each_other(loaded):
    for cpu, events in enumerate(loaded[1].cpus):
        running = None
        for event in events:
            assert running in (None, event.thread), f"{event} while {running} runs"
            running = event.thread
            if event.kind == "switch":
                running = event.values["to"] or -1 - cpu


def test_every_kind_of_event_is_there(loaded):
    found = {event.kind for events in loaded[1].cpus for event in events}
    wanted = {"int.enter", "int.leave", "irql.raise", "irql.lower", "dpc.queue", "dpc.run", "dpc.end", "switch", "wait.begin",
              "wait.end", "ready", "irp.allocate", "irp.call", "irp.return", "irp.routine", "irp.routine.end", "irp.complete",
              "irp.free", "pool.allocate", "pool.free"}
    assert wanted <= found, wanted - found


def test_what_begins_ends(loaded):
    """Within the time of which every processor still has its events."""
    found = loaded[1]
    since = max((events[0].time for events, lost in zip(found.cpus, found.overwritten) if lost), default=0)
    whole = trace.Trace(found.seconds, [[event for event in events if event.time >= since] for events in found.cpus],
                        found.overwritten, found.threads, found.symbols)
    line = timeline.build(whole)
    assert not line.problems, line.problems[:10]
    assert line.irps and line.spans and line.wakes
    open_irps = [irp for irp in line.irps if irp.end is None]
    assert len(open_irps) <= len(found.threads)
    assert all(irp.completed is not None for irp in line.irps if irp.end is not None and irp.calls)
    late = [wake for wake in line.wakes if wake.ran is not None and wake.ran < wake.time]
    assert not late, late[:5]


def test_irql_is_what_the_steps_say(loaded):
    """A level that a raise or a drop names is that of the next event, unless an interrupt came between."""
    wrong = []
    for events in loaded[1].cpus:
        for before, event in zip(events, events[1:]):
            if before.kind == "irql.raise" and event.irql < before.values["to"]:
                wrong.append((before, event))
    assert not wrong, wrong[:3]


def test_starts_and_stops_do_no_harm():
    cycles = "; ".join(["trace start events=256; beep 200 1; trace stop"] * 12 + ["trace start irql lock", "trace start dpc"])
    result = qemu.execute(f"{LOAD}; {cycles}; trace status; trace stop; {UNLOAD}; trace dump 5; "
                          f"trace start events=64; {TUNE}; melody wait; trace stop; trace status; trace export", smp=4)
    assert result.passed and "traceload: 0 problems" in result.output, f"{result.explain()}\n{result.output[-3000:]}"
    assert re.search(r"^running, \d+ places in the code, room for 32768 events on each processor: dpc$", result.output, re.M)
    full = trace.parse(result.output)
    assert any(full.overwritten) and max(map(len, full.cpus)) == 64, "of the last one, 64 events and a count of others remain"
    assert re.search(r"^ +\d+\.\d +\d+ +\d+ +\d+ dpc\.(queue|run|end) +", result.output, re.M), result.output[-2000:]


def test_mistakes_are_told():
    commands = ["trace status", "trace stop", "trace dump", "trace start weather", "trace start events=many", "trace", "trace start irp",
                "trace export", "trace stop", "trace stop", "trace dump 1 2"]
    output = qemu.execute("; ".join(commands)).output
    for text in ("never started", "trace: never started", "0xC0000184 STATUS_INVALID_DEVICE_STATE",
                 "weather: not a kind of event; there are " + " ".join(trace.KINDS),
                 "trace: still running; `trace stop` first"):
        assert text in output, f"{text}\n{output}"
    assert output.count("usage: trace start") == 3


@pytest.fixture(scope="module")
def tunes():
    """The same twice: instructions are counted, and no loader reads a disk, which answers in the host's time."""
    return [trace.record(TUNE, icount=True, smp=2, **qemu.REFERENCE)[1] for _ in range(2)]


def test_json_is_what_chrome_reads(tunes):
    events = json.loads(tracejson.render(tunes[0]))["traceEvents"]
    assert len(events) > 100
    flows = {"s": [], "f": []}
    for event in events:
        assert event["ph"] in "XMCisf" and isinstance(event["name"], str) and "pid" in event
        assert event["ph"] == "M" or event["ts"] >= 0
        assert event["ph"] != "X" or event["dur"] >= 0
        if event["ph"] in flows:
            flows[event["ph"]].append(event["id"])
    assert flows["s"] and sorted(flows["s"]) == sorted(flows["f"]) and len(set(flows["s"])) == len(flows["s"])
    names = {event["name"] for event in events}
    assert {"kmelody!PlayerThread", "beep!BeepDeviceControl", "clock interrupt", "CPU 0 IRQL", "CPU 1 IRQL"} <= names


def test_the_picture_is_well_formed_and_the_same_each_time(tunes):
    first, second = (tracesvg.render(each, "<tune> & more") for each in tunes)
    assert first == second
    texts = [element.text for element in ElementTree.fromstring(first).iter() if element.tag.endswith("text")]
    assert "<tune> & more" in texts and "kmelody!PlayerThread" in texts and "microseconds" in texts
    assert "prefers-color-scheme: dark" in first


def test_an_empty_trace_has_a_picture_too():
    nothing = trace.Trace(0.5, [[], []], [0, 0], {-1: "Idle", -2: "Idle"})
    ElementTree.fromstring(tracesvg.render(nothing, "nothing"))
    json.loads(tracejson.render(nothing))


@pytest.mark.parametrize("damage", ["", "#trace 1 khz=1000 start=0 stop=5 groups=1\n", "#trace 2 khz=1\n#end\n",
                                    "#trace 1 khz=1 start=0 stop=1 groups=1\n#kind 1 x a:d b:d c:d\n#cpu 0 recorded=1 overwritten=0\n#e AQI\n#end\n",
                                    "#trace 1 khz=1 start=0 stop=1 groups=1\n#sym 12\n#end\n", "#trace 1 khz=1\n#end\n"])
def test_what_is_no_whole_export_is_refused(damage):
    with pytest.raises(trace.Damaged):
        trace.parse(damage)


def test_a_point_is_one_instruction_that_is_needed_anyway():
    """Long enough to be overwritten by a jump; and none is there for the trace alone, but where somebody waits for a lock."""
    listing = subprocess.check_output(["objdump", "-d", "--no-show-raw-insn", qemu.BUILD / "kernel.elf"], text=True)
    code = [(int(address, 16), text) for address, text in re.findall(r"^ *([0-9a-f]{16}):\s+(\S.*)$", listing, re.M)]
    length = {address: (after - address, text) for (address, text), (after, _) in zip(code, code[1:])}
    points = list(trace.sites())
    assert len(points) > 100
    idle = 0
    for address, stub, kind in points:
        size, text = length[address]
        assert size >= 5 and stub in length, f"{address:x}: {text}"
        idle += text.startswith("nop")
        assert re.match(r"nop|mov|lock (add|inc)|add|inc|ds mov", text), text
    assert idle <= 8


def test_stopped_it_costs_nothing():
    """Instructions to the last digit: a machine in which a trace has run, and one in which none has."""
    image = str(qemu.BUILD / "bench/locks.sys")
    run = bench.COMMANDS.format("locks")
    settings = {"mem": bench.MEMORY, "extra_files": (image,), "qemu_extra": bench.SECOND_PORT}
    plain, after = (bench.counted(f"{first}{run}", **settings) for first in ("", "trace start; trace stop; "))
    assert len(re.findall(r"^bench .*$", plain, re.M)) > 5
    assert re.findall(r"^bench .*$", plain, re.M) == re.findall(r"^bench .*$", after, re.M)
