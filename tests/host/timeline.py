"""What a trace means: from single events to what lasted, who woke whom, and what became of each request.

Which interrupts, DPCs and APCs were under way belongs to a processor's current stack, that is, to a thread: a software interrupt
that switches threads is left where its thread runs again, on another processor perhaps. So open activities are put aside with
the thread at each switch, and go on, as further spans, when it comes back.
"""

from dataclasses import dataclass, field

VECTORS = {0x1F: "APC interrupt", 0x2F: "dispatch interrupt", 0xD1: "clock interrupt", 0xE1: "IPI"}
PENDING = 0x103


@dataclass
class Span:
    """Something that lasted on a processor."""

    kind: str  # "interrupt", "isr", "dpc", "apc", "thread"
    name: str
    cpu: int
    thread: int
    start: float
    end: float
    depth: int = 0
    key: tuple = ()  # what its end will name


@dataclass
class Wake:
    """A thread made ready: by whom, and when it ran."""

    thread: int
    time: float
    cpu: int
    by: str  # the innermost activity there
    by_thread: int
    ran: float = None
    ran_cpu: int = None


@dataclass
class Irp:
    """The life of a request."""

    address: int
    start: float
    thread: int
    end: float = None  # None: still there when the trace ended
    name: str = "?"
    calls: list = field(default_factory=list)  # (time, cpu, routine, major)
    routines: list = field(default_factory=list)  # (time, cpu, completion routine)
    completed: float = None
    completed_cpu: int = None
    status: int = None
    pending: bool = False


@dataclass
class Timeline:
    """All of it."""

    trace: object
    spans: list = field(default_factory=list)
    irql: list = field(default_factory=list)  # for each processor, [(time, level)]
    wakes: list = field(default_factory=list)
    irps: list = field(default_factory=list)
    problems: list = field(default_factory=list)  # events that do not fit together
    end: float = 0


def vector_name(vector):
    return VECTORS.get(vector, f"interrupt {vector:02x}h")


class Processor:
    """Follows one processor through its events."""

    def __init__(self, number, thread, start):
        self.number, self.thread, self.since, self.stack = number, thread, start, []


class Builder:
    """Reads events in order of time."""

    def __init__(self, trace):
        self.trace = trace
        self.line = Timeline(trace, irql=[[] for _ in trace.cpus])
        self.cpus = [Processor(cpu, events[0].thread if events else -1 - cpu, events[0].time if events else 0)
                     for cpu, events in enumerate(trace.cpus)]
        self.parked = {}  # thread -> its open activities
        self.irps = {}  # address -> Irp
        self.waking = {}  # thread -> Wake that has not run yet

    def complain(self, event, text):
        self.line.problems.append((event.cpu, event.time, text))

    def close(self, span, time):
        if time > span.start or span.kind != "thread":
            span.end = time
            self.line.spans.append(span)

    def push(self, event, kind, name, key):
        stack = self.cpus[event.cpu].stack
        stack.append(Span(kind, name, event.cpu, event.thread, event.time, event.time, len(stack), key))

    def pop(self, event, key, text):
        stack = self.cpus[event.cpu].stack
        # What began before the trace, or in what is overwritten, has no beginning here: then the stack is empty.
        if stack and stack[-1].key == key:
            self.close(stack.pop(), event.time)
        elif stack:
            self.complain(event, text)

    def switch(self, event):
        cpu, new = self.cpus[event.cpu], event.values["to"] or -1 - event.cpu
        if event.thread != cpu.thread:
            self.complain(event, f"thread {event.thread} switches, but {cpu.thread} ran")
        self.close(Span("thread", self.name(cpu.thread), event.cpu, cpu.thread, cpu.since, event.time), event.time)
        for span in cpu.stack:
            self.close(Span(**vars(span)), event.time)
        self.parked[cpu.thread] = cpu.stack
        cpu.stack = self.parked.pop(new, [])
        for span in cpu.stack:
            span.cpu, span.start = event.cpu, event.time
        cpu.thread, cpu.since = new, event.time
        wake = self.waking.pop(new, None)
        if wake:
            wake.ran, wake.ran_cpu = event.time, event.cpu

    def name(self, thread):
        return self.trace.threads.get(thread, f"thread {thread}")

    def ready(self, event):
        if event.values["was"] & 0xFF == 5 or event.values["was"] & 0xFF == 0:
            stack = self.cpus[event.cpu].stack
            by = stack[-1].name if stack else self.name(event.thread)
            wake = Wake(event.values["thread"], event.time, event.cpu, by, event.thread)
            self.line.wakes.append(wake)
            self.waking[wake.thread] = wake

    def irp(self, event):
        address, what = event.values["irp"], event.kind
        irp = self.irps.get(address)
        if what == "irp.allocate":
            if irp:
                self.complain(event, f"IRP {address:x} allocated twice")
            irp = self.irps[address] = Irp(address, event.time, event.thread)
            self.line.irps.append(irp)
        elif irp is None:
            # A return comes after the IRP's end more often than not; others were there before the trace.
            return
        elif what == "irp.call":
            routine = self.trace.code(event.values["routine"])
            irp.name = routine if irp.name == "?" else irp.name
            irp.calls.append((event.time, event.cpu, routine, event.values["major"]))
        elif what == "irp.return":
            irp.pending |= event.values["status"] == PENDING
        elif what == "irp.routine":
            irp.routines.append((event.time, event.cpu, self.trace.code(event.values["routine"])))
        elif what == "irp.complete":
            irp.completed, irp.completed_cpu, irp.status = event.time, event.cpu, event.values["status"]
        elif what == "irp.free":
            irp.end = event.time
            del self.irps[address]

    def level(self, event):
        steps = self.line.irql[event.cpu]
        if event.kind in ("irql.raise", "irql.lower", "int.leave"):
            now = event.values["to"]
        else:
            now = event.irql
        if not steps or steps[-1][1] != now:
            steps.append((event.time, now))

    def take(self, event):
        values, code = event.values, self.trace.code
        self.level(event)
        match event.kind:
            case "int.enter":
                self.push(event, "interrupt", vector_name(values["vector"]), ("int", values["vector"]))
            case "int.leave":
                self.pop(event, ("int", values["vector"]), f"leaves interrupt {values['vector']:x}, which is not the last one")
            case "isr.begin":
                self.push(event, "isr", code(values["routine"]), ("isr", values["routine"]))
            case "isr.end":
                self.pop(event, ("isr", values["routine"]), "end of a service routine that is not the last")
            case "dpc.run":
                self.push(event, "dpc", code(values["routine"]), ("dpc", values["dpc"]))
            case "dpc.end":
                self.pop(event, ("dpc", values["dpc"]), "end of a DPC that is not the last")
            case "apc.run":
                self.push(event, "apc", code(values["routine"]), ("apc", values["apc"]))
            case "apc.end":
                self.pop(event, ("apc", values["apc"]), "end of an APC that is not the last")
            case "switch":
                self.switch(event)
            case "ready":
                self.ready(event)
        if event.kind.startswith("irp."):
            self.irp(event)

    def finish(self):
        self.line.end = self.trace.seconds * 1e6
        for cpu in self.cpus:
            self.close(Span("thread", self.name(cpu.thread), cpu.number, cpu.thread, cpu.since, self.line.end), self.line.end)
            for span in cpu.stack:
                self.close(span, self.line.end)
        self.line.spans.sort(key=lambda span: (span.start, span.cpu, span.depth))
        return self.line


def build(trace):
    """The timeline of a trace."""
    builder = Builder(trace)
    for event in trace.events():
        builder.take(event)
    return builder.finish()
