"""A trace as a picture, for people who would rather look than read.

Above, the whole trace: who ran when, each row with a tick where something happened. Below, a few microseconds of it: the IRQL
of each processor that did something, what it ran (threads, and the interrupts, DPCs and APCs on top of them), the states of the
threads, and the requests. Arrows lead from who made a thread ready to where it ran.

Which microseconds: those around the middle one of the requests to the driver that got most of them, from when the processor
stopped idling until it idled again; or what is asked for. No dates, no random numbers: the same trace gives the same picture. Colours
follow the reader's light or dark setting.
"""

from collections import Counter
from html import escape

import timeline

WIDTH, LEFT, RIGHT = 1080, 190, 20
PLOT = WIDTH - LEFT - RIGHT
BAR, GAP = 17, 4
LETTER = 6.1  # width of one, in the small font
LEVELS = {0: "PASSIVE", 1: "APC", 2: "DISPATCH", 13: "CLOCK", 14: "IPI", 15: "HIGH"}
CONSOLE = "serial!"
PALETTE = ("t0", "t1", "t2", "t3", "t4", "t5")

STYLE = """
svg { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace } .page { fill: #ffffff }
text { fill: #1f2328 } .dim { fill: #59636e } .big { font-size: 15px; font-weight: bold } .head { font-size: 12px; font-weight: bold }
.grid { stroke: #d1d9e0; stroke-width: 1 } .axis { stroke: #818b98; stroke-width: 1 } .back { fill: #f6f8fa }
.irql { fill: none; stroke: #0550ae; stroke-width: 2 } .under { fill: #0550ae; fill-opacity: 0.12 }
.interrupt { fill: #cf222e } .isr { fill: #a40e26 } .dpc { fill: #bc4c00 } .apc { fill: #8250df } .irp { fill: #1a7f37 }
.idle { fill: #d1d9e0 } .ready { fill: none; stroke: #9a6700; stroke-width: 2; stroke-dasharray: 3 2 }
.waiting { stroke: #818b98; stroke-width: 1 } .wake { fill: none; stroke: #9a6700; stroke-width: 1.5 } .tip { fill: #9a6700 }
.t0 { fill: #0969da } .t1 { fill: #1b7c83 } .t2 { fill: #bf3989 } .t3 { fill: #57606a } .t4 { fill: #7d4e00 } .t5 { fill: #4d2d00 }
.on { fill: #ffffff } .zoom { fill: #9a6700; fill-opacity: 0.35 } .lead { stroke: #9a6700; stroke-width: 1; stroke-dasharray: 4 3 }
.mark { fill: #ffffff; stroke: #1a7f37; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } text { fill: #e6edf3 } .dim { fill: #9198a1 } .grid { stroke: #2f353d } .axis { stroke: #656c76 }
.back { fill: #151b23 } .irql { stroke: #58a6ff } .under { fill: #58a6ff } .idle { fill: #2f353d }
.interrupt { fill: #f85149 } .isr { fill: #ff7b72 } .dpc { fill: #f0883e } .apc { fill: #bc8cff } .irp { fill: #3fb950 }
.t0 { fill: #58a6ff } .t1 { fill: #39c5cf } .t2 { fill: #f778ba } .t3 { fill: #9198a1 } .t4 { fill: #d29922 } .t5 { fill: #e3b341 }
.ready, .wake, .lead { stroke: #e3b341 } .tip, .zoom { fill: #e3b341 } .on { fill: #0d1117 } .mark { fill: #0d1117; stroke: #3fb950 }
}
"""


class Canvas:
    """Collects elements; y is where the next row goes."""

    def __init__(self):
        self.parts, self.y = [], 0
        self.floor = 0  # how many parts are the rows' backgrounds and grid lines: they come first

    def add(self, element, text=None, **attributes):
        said = " ".join(f'{key.rstrip("_").replace("_", "-")}="{number(value)}"' for key, value in attributes.items())
        self.parts.append(f"<{element} {said}/>" if text is None else f"<{element} {said}>{escape(text)}</{element}>")

    def text(self, x, y, text, class_="", anchor="start"):
        self.add("text", text, x=x, y=y, class_=class_, text_anchor=anchor)

    def line(self, x1, y1, x2, y2, class_):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)

    def behind(self, x1, y1, x2, y2):
        """A grid line, below what is drawn on the rows' backgrounds."""
        before = len(self.parts)
        self.line(x1, y1, x2, y2, "grid")
        self.parts.insert(self.floor, self.parts.pop())
        self.floor += len(self.parts) - before

    def bar(self, x, y, width, height, class_):
        self.add("rect", x=x, y=y, width=max(width, 1), height=height, class_=class_, rx=2 if width > 4 else 0)

    def row(self, label, height=BAR):
        """A new row with its label; where it is."""
        y = self.y
        self.add("rect", x=LEFT, y=y, width=PLOT, height=height, class_="back")
        self.parts.insert(self.floor, self.parts.pop())
        self.floor += 1
        self.text(LEFT - 8, y + height / 2 + 4, shorten(label, LEFT - 16), "", "end")
        self.y += height + GAP
        return y

    def heading(self, text, note, x, down):
        self.y += 22
        self.text(12, self.y, text, "head")
        self.text(x, self.y + down, note, "dim")
        self.y += 10


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def shorten(text, width):
    """The text as far as it fits, or nothing of it when that would not be legible."""
    room = int(width / LETTER)
    if len(text) <= room:
        return text
    return text[: room - 1] + "…" if room >= 5 else ""


class Scale:
    """From microseconds to x."""

    def __init__(self, start, end):
        self.start, self.end = start, end

    def __call__(self, time):
        return LEFT + PLOT * (min(max(time, self.start), self.end) - self.start) / (self.end - self.start)

    def shows(self, start, end):
        return end >= self.start and start <= self.end

    def steps(self):
        """Round values, six to twelve of them."""
        span = self.end - self.start
        step = 10.0 ** len(str(int(span))) if span >= 1 else 1.0
        while span / step < 6:
            step /= 2.5 if f"{step:e}"[0] == "5" else 2
        return step


def axis(canvas, scale, top, unit, factor, zero):
    """Grid lines from top down to here, and numbers in units of factor microseconds, from zero."""
    step = scale.steps()
    count = int((scale.end - zero) / step) + 1
    for i in range(count):
        time = zero + i * step
        if time >= scale.start:
            canvas.behind(scale(time), top, scale(time), canvas.y)
            canvas.text(scale(time), canvas.y + 13, f"{i * step / factor:g}", "dim", "middle")
    canvas.line(LEFT, canvas.y, LEFT + PLOT, canvas.y, "axis")
    canvas.text(LEFT - 8, canvas.y + 13, unit, "dim", "end")
    canvas.y += 18


def busy(line, cpu, time):
    """The interval around time in which the processor did not idle at PASSIVE_LEVEL."""
    edges = [(each.start, each.end) for each in line.spans if each.cpu == cpu and (each.kind != "thread" or each.thread >= 0)]
    start = end = time
    grown = True
    while grown:
        grown = False
        for first, last in edges:
            if first <= end + 1 and last >= start - 1 and (first < start or last > end):
                start, end, grown = min(start, first), max(end, last), True
    return start, end


def choose_window(line):
    """See the top. Without any request, the first hundredth."""
    irps = [irp for irp in line.irps if irp.calls and irp.end is not None]
    irps = [irp for irp in irps if not irp.name.startswith(CONSOLE)] or irps
    if not irps:
        return 0, line.end / 100
    module = Counter(irp.name.partition("!")[0] for irp in irps).most_common(1)[0][0]
    irps = [irp for irp in irps if irp.name.startswith(module + "!")]
    irp = irps[len(irps) // 2]
    start, end = busy(line, irp.calls[0][1], irp.start)
    if end - start > line.end / 4:
        start, end = irp.start, irp.end
    room = (end - start) * 0.04
    return start - room, end + room


def ticks(canvas, scale, label, times, class_):
    """A row with a tick for each interval; what falls on one pixel is drawn once."""
    y = canvas.row(label, 13)
    drawn = []
    for start, end in sorted((round(scale(start)), round(scale(end))) for start, end in times):
        if drawn and start <= drawn[-1][1]:
            drawn[-1][1] = max(drawn[-1][1], end)
        else:
            drawn.append([start, max(end, start + 1)])
    for start, end in drawn:
        canvas.bar(start, y + 1, end - start, 11, class_)


def overview(canvas, line, colours, window):
    scale = Scale(0, line.end)
    canvas.heading("the whole trace", "a tick where it ran or happened", LEFT, 0)
    top = canvas.y
    for thread, colour in colours.items():
        spans = [(each.start, each.end) for each in line.spans if each.kind == "thread" and each.thread == thread]
        ticks(canvas, scale, line.trace.threads.get(thread, f"thread {thread}"), spans, colour)
    for kind, limit in (("dpc", 3), ("apc", 1), ("interrupt", 3)):
        found = Counter(each.name for each in line.spans if each.kind == kind)
        for name, _ in sorted(found.most_common(limit)):
            ticks(canvas, scale, name, [(each.start, each.end) for each in line.spans if (each.kind, each.name) == (kind, name)], kind)
    for name, _ in sorted(Counter(irp.name for irp in line.irps).most_common(3)):
        lives = [(irp.start, irp.end if irp.end is not None else line.end) for irp in line.irps if irp.name == name]
        ticks(canvas, scale, f"IRP {name}", lives, "irp")
    axis(canvas, scale, top, "seconds", 1e6, 0)
    middle = scale(window[0])
    canvas.bar(middle - 1, top - 2, max(scale(window[1]) - middle, 3), canvas.y - 18 - top + 4, "zoom")
    return middle


def irql_rows(canvas, scale, line, cpu):
    """The level as a line: as many heights as there are levels in the picture."""
    steps = line.irql[cpu]
    shown = [level for index, (time, level) in enumerate(steps)
             if scale.shows(time, steps[index + 1][0] if index + 1 < len(steps) else line.end)]
    levels = sorted({0, 1, 2, *shown})
    height = 14 * len(levels)
    y = canvas.row("", height)
    canvas.text(12, y + height / 2 + 4, f"CPU {cpu}: IRQL")
    place = {level: y + height - 8 - 14 * index for index, level in enumerate(levels)}
    for level in levels:
        canvas.line(LEFT, place[level], LEFT + PLOT, place[level], "grid")
        canvas.text(LEFT - 8, place[level] + 4, f"{LEVELS.get(level, 'device')} {level}", "dim", "end")
    path, last = [], 0
    for time, level in steps:
        if time <= scale.start:
            last = level
        elif time < scale.end:
            path.append((scale(time), place[last]))
            path.append((scale(time), place[level]))
            last = level
    first = path[0][1] if path else place[last]
    path = [(float(LEFT), first), *path, (float(LEFT + PLOT), place[last])]
    points = " ".join(f"{number(x)},{number(height)}" for x, height in path)
    base = place[0]
    canvas.add("polygon", points=f"{LEFT},{base} {points} {LEFT + PLOT},{base}", class_="under")
    canvas.add("polyline", points=points, class_="irql")


class Labels:
    """Names for bars that are too narrow for them: right of the bar, or above it."""

    def __init__(self):
        self.taken, self.wanted = [], []

    def bar(self, y, start, end):
        self.taken.append((y, start, end))

    def free(self, y, start, end):
        return end <= LEFT + PLOT and all(row != y or last <= start or first >= end for row, first, last in self.taken)

    def place(self, canvas, top):
        for y, start, end, name in sorted(self.wanted):
            width = len(name) * LETTER + 4
            for row, x in ((y, end + 3), *((y - up * (BAR + 1), start) for up in (1, 2, 3))):
                if row >= top and self.free(row, x, x + width):
                    canvas.text(x, row + 12, name)
                    self.bar(row, x, x + width)
                    break


def cpu_rows(canvas, scale, line, cpu, colours):
    """Flames upside up: threads at the bottom, what interrupted them above."""
    spans = [each for each in line.spans if each.cpu == cpu and scale.shows(each.start, each.end)]
    depth = max((each.depth + 1 for each in spans if each.kind != "thread"), default=0)
    rows = depth + 1 + (depth > 0)  # the top one for labels that have no room elsewhere
    height = rows * (BAR + 1)
    labels = Labels()
    y = canvas.row("", height)
    canvas.text(12, y + height - 6, f"CPU {cpu}: runs")
    canvas.text(LEFT - 8, y + height - 6, "thread", "dim", "end")
    if depth:
        canvas.text(LEFT - 8, y + height - BAR - 8, "interrupted by", "dim", "end")
    for each in sorted(spans, key=lambda each: each.start - each.end):
        thread = each.kind == "thread"
        at = y + height - (BAR + 1) * (1 if thread else each.depth + 2)
        x, width = scale(each.start), scale(each.end) - scale(each.start)
        kind = each.kind if not thread else "idle" if each.thread < 0 else colours.get(each.thread, "t5")
        canvas.bar(x, at, width, BAR, kind)
        labels.bar(at, x, x + width)
        if len(each.name) * LETTER <= width - 4 or thread:
            canvas.text(x + 3, at + 12, shorten(each.name, width - 4), "dim" if kind == "idle" else "on")
        else:
            labels.wanted.append((at, x, x + width, each.name))
    labels.place(canvas, y)
    return y + height


def thread_rows(canvas, scale, line, colours):
    """State by state: runs, ready, waits. Returns where each row is."""
    rows = {}
    for thread, colour in colours.items():
        runs = [each for each in line.spans if each.kind == "thread" and each.thread == thread and scale.shows(each.start, each.end)]
        wakes = [each for each in line.wakes if each.thread == thread and scale.shows(each.time, each.ran or line.end)]
        if not runs and not wakes:
            continue
        y = rows[thread] = canvas.row(line.trace.threads.get(thread, f"thread {thread}"))
        canvas.line(LEFT, y + BAR / 2, LEFT + PLOT, y + BAR / 2, "waiting")
        for wake in wakes:
            canvas.line(scale(wake.time), y + BAR / 2, scale(wake.ran or line.end), y + BAR / 2, "ready")
        for run in runs:
            canvas.bar(scale(run.start), y, scale(run.end) - scale(run.start), BAR, colour)
            label = shorten(f"runs on CPU {run.cpu}", scale(run.end) - scale(run.start) - 4)
            canvas.text(scale(run.start) + 3, y + 12, label, "on")
    return rows


def irp_rows(canvas, scale, line):
    for irp in line.irps:
        end = irp.end if irp.end is not None else line.end
        if not scale.shows(irp.start, end):
            continue
        y = canvas.row(f"IRP {irp.address & 0xFFFFFF:x}")
        x, width = scale(irp.start), scale(end) - scale(irp.start)
        canvas.bar(x, y, width, BAR, "irp")
        canvas.text(x + 3, y + 12, shorten(irp.name, width - 4), "on")
        marks = [("sent", time) for time, *_ in irp.calls] + ([("completed", irp.completed)] if irp.completed else [])
        for index, (what, time) in enumerate(marks):
            if scale.start <= time <= scale.end:
                canvas.add("circle", cx=scale(time), cy=y + BAR + 1, r=3, class_="mark")
                canvas.text(scale(time), y + BAR + 14, what, "dim", "middle" if index else "end")
        canvas.y += 14


def arrows(canvas, scale, line, cpus, rows):
    for wake in line.wakes:
        if wake.thread in rows and wake.cpu in cpus and scale.start <= wake.time <= scale.end:
            x, y = scale(wake.time), rows[wake.thread] + BAR / 2
            from_y = cpus[wake.cpu] - BAR - 8
            canvas.add("path", d=f"M{number(x)} {number(from_y)}L{number(x)} {number(y - 4)}", class_="wake")
            canvas.add("path", d=f"M{number(x - 4)} {number(y - 8)}L{number(x)} {number(y)}L{number(x + 4)} {number(y - 8)}Z", class_="tip")


def zoom(canvas, line, colours, window, lead):
    scale = Scale(*window)
    length = window[1] - window[0]
    top = canvas.y
    canvas.heading(f"{length:.1f} microseconds of it" if length < 1000 else f"{length / 1000:.1f} milliseconds of it",
                   f"from {window[0] / 1e6:.6f} s", 12, 15)
    for x in (LEFT, LEFT + PLOT):  # from below the numbers of the axis
        canvas.line(lead, top, x, canvas.y - 4, "lead")
    top = canvas.y
    active = [cpu for cpu in range(len(line.irql)) if any(
        each.cpu == cpu and scale.shows(each.start, each.end) and (each.kind != "thread" or each.thread >= 0) for each in line.spans)]
    cpus = {}
    for cpu in active:
        irql_rows(canvas, scale, line, cpu)
        cpus[cpu] = cpu_rows(canvas, scale, line, cpu, colours)
    canvas.y += 6
    rows = thread_rows(canvas, scale, line, colours)
    canvas.y += 6
    irp_rows(canvas, scale, line)
    arrows(canvas, scale, line, cpus, rows)
    thousand = length >= 1000
    axis(canvas, scale, top, "milliseconds" if thousand else "microseconds", 1000 if thousand else 1, window[0])


def legend(canvas):
    canvas.y += 12
    x = LEFT
    for class_, text in (("interrupt", "interrupt"), ("isr", "service routine"), ("dpc", "DPC"), ("apc", "APC"), ("irp", "request (IRP)"),
                         ("t0", "thread"), ("idle", "idle")):
        canvas.bar(x, canvas.y, 14, 11, class_)
        canvas.text(x + 19, canvas.y + 10, text, "dim")
        x += 34 + LETTER * len(text) + 8
    canvas.line(x, canvas.y + 6, x + 18, canvas.y + 6, "ready")
    canvas.text(x + 23, canvas.y + 10, "made ready", "dim")
    x += 105
    canvas.line(x, canvas.y + 6, x + 18, canvas.y + 6, "waiting")
    canvas.text(x + 23, canvas.y + 10, "waits", "dim")
    canvas.y += 24


def render(trace, title, window=None):
    line = timeline.build(trace)
    window = window or choose_window(line)
    ran = Counter(each.thread for each in line.spans if each.kind == "thread" and each.thread >= 0)
    colours = {thread: PALETTE[min(index, len(PALETTE) - 1)] for index, (thread, _) in enumerate(ran.most_common(8))}
    canvas = Canvas()
    canvas.y = 24
    canvas.text(12, canvas.y, shorten(title, 1.4 * PLOT), "big")
    canvas.y += 18
    plural = "s" if len(trace.cpus) != 1 else ""
    canvas.text(12, canvas.y, f"{sum(map(len, trace.cpus)):,} events in {trace.seconds:.3f} s on {len(trace.cpus)} processor{plural}", "dim")
    lead = overview(canvas, line, colours, window)
    zoom(canvas, line, colours, window, lead)
    legend(canvas)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {number(float(canvas.y))}" width="{WIDTH}">'
    page = '<rect width="100%" height="100%" class="page"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", page, *canvas.parts, "</svg>"]) + "\n"
