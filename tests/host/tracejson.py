"""A trace as Chrome's JSON, which ui.perfetto.dev and chrome://tracing open.

Process 1 is the processors, each with a track of threads, one of interrupts, DPCs and APCs, and a counter for its IRQL. Process
2 is the threads, with what each one ran and waited for; process 3 the requests. Arrows lead from who wakes a thread to where it runs, and
from where a request is sent to where it is completed.
"""

import json

import timeline

CPUS, THREADS, REQUESTS = 1, 2, 3


def meta(name, process, thread, value):
    return {"ph": "M", "name": name, "pid": process, "tid": thread, "args": {"name": value}}


def span(name, category, process, track, start, end, **args):
    return {"ph": "X", "name": name, "cat": category, "pid": process, "tid": track, "ts": start,
            "dur": max(end - start, 0), "args": args}


def flow(number, phase, name, process, thread, time):
    found = {"ph": phase, "name": name, "cat": "flow", "id": number, "pid": process, "tid": thread, "ts": time}
    return found | ({"bp": "e"} if phase == "f" else {})


def lanes(irps, end):
    """The lowest free lane for each request, so that no two overlap."""
    free = []
    for irp in irps:
        for lane, until in enumerate(free):
            if until <= irp.start:
                break
        else:
            lane = len(free)
            free.append(0)
        free[lane] = irp.end if irp.end is not None else end
        yield lane, irp


def tid(thread):
    """Idle threads have no id of their own: 100000 and the processor's number."""
    return thread if thread >= 0 else 100000 - 1 - thread


def processors(line):
    yield meta("process_name", CPUS, 0, "processors")
    for cpu, steps in enumerate(line.irql):
        yield meta("thread_name", CPUS, 2 * cpu, f"CPU {cpu} threads")
        yield meta("thread_name", CPUS, 2 * cpu + 1, f"CPU {cpu} interrupts, DPCs, APCs")
        for time, level in steps:
            yield {"ph": "C", "name": f"CPU {cpu} IRQL", "pid": CPUS, "ts": time, "args": {"IRQL": level}}
    for each in line.spans:
        track = 2 * each.cpu + (each.kind != "thread")
        yield span(each.name, each.kind, CPUS, track, each.start, each.end, thread=tid(each.thread))


def threads(line):
    yield meta("process_name", THREADS, 0, "threads")
    for thread in sorted({each.thread for each in line.spans if each.kind == "thread" and each.thread >= 0}):
        yield meta("thread_name", THREADS, tid(thread), line.trace.threads.get(thread, f"thread {thread}"))
    for each in line.spans:
        if each.kind == "thread" and each.thread >= 0:
            yield span(f"CPU {each.cpu}", "thread", THREADS, tid(each.thread), each.start, each.end)


def requests(line):
    yield meta("process_name", REQUESTS, 0, "requests (IRPs)")
    for lane, irp in lanes(line.irps, line.end):
        end = irp.end if irp.end is not None else line.end
        yield span(irp.name, "irp", REQUESTS, lane, irp.start, end, irp=f"{irp.address:x}", thread=tid(irp.thread),
                   status=None if irp.status is None else f"{irp.status:08x}", pending=irp.pending)
        for time, _, routine, major in irp.calls:
            yield {"ph": "i", "s": "t", "name": routine, "cat": "irp", "pid": REQUESTS, "tid": lane, "ts": time,
                   "args": {"major": major}}


def arrows(line):
    number = 0
    for wake in line.wakes:
        if wake.ran is not None:
            number += 1
            yield flow(number, "s", "wakes", CPUS, 2 * wake.cpu, wake.time)
            yield flow(number, "f", "wakes", CPUS, 2 * wake.ran_cpu, wake.ran)
    for irp in line.irps:
        if irp.calls and irp.completed is not None:
            number += 1
            yield flow(number, "s", "IRP", CPUS, 2 * irp.calls[0][1], irp.calls[0][0])
            yield flow(number, "f", "IRP", CPUS, 2 * irp.completed_cpu, irp.completed)


def render(trace):
    line = timeline.build(trace)
    events = [*processors(line), *threads(line), *requests(line), *arrows(line)]
    for event in events:
        for key in ("ts", "dur"):
            if key in event:
                event[key] = round(event[key], 3)
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": events}, indent=0, sort_keys=True) + "\n"
