"""See time: run console commands under the trace, and turn it into a picture and a file for Perfetto.

`make trace CMD="melody play furelise"` boots, runs `trace start`, the commands, `trace stop` and `trace export`, and writes
trace.json (open it at ui.perfetto.dev or chrome://tracing) and trace.svg into the output folder. KINDS chooses what is traced,
FROM and TO, in microseconds, what the lower half of the picture shows, and PICTURE is a file that gets the picture as well.

An export is what kernel/kd/tracedump.c writes between other output: lines `#trace` (rates), `#kind` (the table of events with
the names and forms of their fields), `#thread`, `#cpu` and its events in `#e` (kernel/kd/tracecode.h says how), `#sym`, `#end`.

usage: trace.py [EXPORT]    an export that is there already, instead of a run
"""

import base64
import os
import re
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "1"
KINDS = "interrupts irql dpc apc switch wait ready irp pool lock".split()  # as in kernel/inc/traceevent.h
OTHER_THREAD = 0x80
MASK64 = (1 << 64) - 1


class Damaged(Exception):
    """The text is no whole export."""


@dataclass(slots=True)
class Event:
    """What happened: when (microseconds since the start), where, in whose name; and the three numbers, by their names."""

    time: float
    cpu: int
    thread: int
    irql: int
    kind: str
    values: dict


@dataclass
class Trace:
    """An export."""

    seconds: float
    cpus: list = field(default_factory=list)  # for each, its events in order
    overwritten: list = field(default_factory=list)
    threads: dict = field(default_factory=dict)  # id -> name; idle threads are known by -1 - processor
    symbols: dict = field(default_factory=dict)

    def events(self):
        """All, in order of time; what is at the same time stays in its processor's order."""
        return sorted((event for events in self.cpus for event in events), key=lambda event: event.time)

    def code(self, address):
        """A routine's name, without the offset."""
        return self.symbols.get(address, f"{address:x}").partition("+")[0]


def numbers(data, at):
    """Take one number of seven bits a byte: (number, next position)."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise Damaged("an event ends in the middle of a number")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def decode(data):
    """(ticks, thread, kind, irql, extra, a, b) of each event of a processor."""
    at = time = thread = 0
    last = {}
    while at < len(data):
        if at + 2 > len(data):
            raise Damaged("an event ends early")
        kind, irql = data[at], data[at + 1]
        ticks, at = numbers(data, at + 2)
        time += ticks
        if kind & OTHER_THREAD:
            thread, at = numbers(data, at)
        kind &= ~OTHER_THREAD
        extra, at = numbers(data, at)
        pair = []
        for which in (0, 1):
            step, at = numbers(data, at)
            step = (step >> 1) ^ -(step & 1)
            last[kind, which] = (last.get((kind, which), 0) + step) & MASK64
            pair.append(last[kind, which])
        yield time, thread, kind, irql, extra, *pair


def names(fields):
    """The names of a kind's three fields, None for one it has not."""
    return [None if each == "-" else each.partition(":")[0] for each in fields]


def parse(text):
    """The export that stands in some output. Raises Damaged."""
    try:
        return read(text)
    except (ValueError, KeyError, TypeError) as error:  # a line that is cut off, or mixed with another
        raise Damaged(f"{type(error).__name__}: {error}") from error


def read(text):
    """The same; raises what the lines make of it."""
    kinds, lines, trace, khz, start = {}, {}, None, 0, 0
    ended = False
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "#trace":
            version, *settings = rest.split()
            if version != VERSION:
                raise Damaged(f"version {version}; this program knows {VERSION}")
            values = dict(each.split("=") for each in settings)
            khz, start = int(values["khz"]), int(values["start"])
            trace, ended = Trace((int(values["stop"]) - start) / khz / 1000), False
            kinds, lines = {}, {}
        elif trace is None:
            continue
        elif word == "#kind":
            number, name, *fields = rest.split()
            kinds[int(number)] = (name, names(fields))
        elif word == "#thread":
            number, processor, name = rest.split(" ", 2)
            trace.threads[int(number) or -1 - int(processor)] = name
        elif word == "#cpu":
            lines[len(lines)] = []
            trace.overwritten.append(int(re.search(r"overwritten=(\d+)", rest)[1]))
        elif word == "#e":
            lines[len(lines) - 1].append(rest)
        elif word == "#sym":
            address, name = rest.split(" ", 1)
            trace.symbols[int(address, 16)] = name
        elif word == "#end":
            ended = True
    if not ended:
        raise Damaged("no export, or not all of it")
    for cpu, encoded in lines.items():
        data = b"".join(base64.b64decode(line + "=" * (-len(line) % 4)) for line in encoded)
        trace.cpus.append([])
        for ticks, thread, kind, irql, *three in decode(data):
            name, fields = kinds[kind]
            values = {key: value for key, value in zip(fields, three) if key}
            thread = thread or -1 - cpu
            trace.cpus[cpu].append(Event((ticks - start) * 1000 / khz, cpu, thread, irql, name, values))
    return trace


def sites():
    """(address, stub, kind) of each trace point, from the kernel's file."""
    import qemu

    kernel = qemu.BUILD / "kernel.elf"
    symbols = dict(reversed(line.split()[0::2]) for line in subprocess.check_output(["nm", kernel], text=True).splitlines()
                   if "KiTraceSites" in line)
    start, end = (int(symbols[f"KiTraceSites{which}"], 16) for which in ("Start", "End"))
    dump = subprocess.check_output(["objdump", "-s", f"--start-address={start}", f"--stop-address={end}", kernel], text=True)
    data = bytes.fromhex("".join(re.sub(r" ", "", line[18:54]) for line in dump.splitlines() if re.match(r" [0-9a-f]{16} ", line)))
    for at in range(0, len(data), 12):
        code, stub, kind = struct.unpack_from("<iiI", data, at)
        yield start + at + code, start + at + 4 + stub, kind


def record(commands, kinds="", **settings):
    """Run commands under the trace; the result of the run and the trace."""
    import qemu

    # To play is to say "play" and return; what is to be seen comes after.
    if "melody play" in commands and "melody wait" not in commands:
        commands += "; melody wait"
    result = qemu.execute(f"trace start {kinds}; {commands}; trace stop; trace export", **settings)
    return result, parse(result.output) if "#end" in result.output else None


def write(trace, folder, title, window, picture=""):
    """trace.json and trace.svg; the latter where picture says, too."""
    import tracejson
    import tracesvg

    (folder / "trace.json").write_text(tracejson.render(trace))
    for path in [folder / "trace.svg", *map(Path, picture.split())]:
        path.write_text(tracesvg.render(trace, title, window))


def chosen_window():
    """FROM and TO; None without them."""
    limits = [os.environ.get(name) for name in ("FROM", "TO")]
    if not any(limits):
        return None
    try:
        first, last = map(float, limits)
    except (TypeError, ValueError):
        sys.exit("FROM=0 TO=99: both are needed, in microseconds")
    return first, last


def chosen_kinds():
    """KINDS, as `trace start` takes them."""
    kinds = os.environ.get("KINDS", "")
    for word in kinds.lower().split():
        if word not in KINDS and not re.fullmatch(r"events=\d+", word):
            sys.exit(f"KINDS: {word} is no kind of event; there are {' '.join(KINDS)}, and events=NUMBER")
    return kinds


def read_export(name):
    try:
        return parse(Path(name).read_text(errors="replace"))
    except OSError as error:
        sys.exit(f"{name}: {error.strerror}")
    except Damaged as error:
        sys.exit(f"{name}: {error}")


def main():
    import qemu

    commands = os.environ.get("CMD", "").strip().rstrip(";")
    window, kinds, picture = chosen_window(), chosen_kinds(), os.environ.get("PICTURE", "")
    for path in picture.split():
        qemu.check_writable("PICTURE", path)
    if len(sys.argv) > 1:
        trace = read_export(sys.argv[1])
    elif not commands:
        sys.exit('make trace CMD="melody play furelise" needs the commands to run')
    else:
        settings = qemu.machine_from_environment(smp=2)
        result, trace = record(commands, kinds, timeout=qemu.number_from_environment("TIMEOUT", 120), **settings)
        if trace is None or not result.passed:
            sys.exit(f"{result.output}\nmake trace: {result.explain()}")
    write(trace, qemu.BUILD, commands or Path(sys.argv[-1]).name, window, picture)
    count = sum(map(len, trace.cpus))
    lost = f", {sum(trace.overwritten)} older ones overwritten" if any(trace.overwritten) else ""
    print(f"{count} events in {trace.seconds:.3f} s on {len(trace.cpus)} processors{lost}")
    print(f"{qemu.BUILD}/trace.svg: the picture. {qemu.BUILD}/trace.json: for ui.perfetto.dev")


if __name__ == "__main__":
    main()
