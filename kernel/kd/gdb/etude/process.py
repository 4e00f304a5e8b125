"""process, thread, running, ready, stacks, apc: who there is, and what each is doing."""

from .command import NtError, command, number, usage, write
from .memory import address_of, walk
from .module import Namer
from .processor import current_number, prcb, prcbs
from .stack import format_stack, stack_of
from .threads import all_threads, describe_thread, head_line, image_of, processes, stack_lines, state_of, thread_at, threads_of, wait_lines

DETAILS, THREADS, STACKS = 1, 2, 4
CURRENT = 0xFFFFFFFFFFFFFFFF  # -1 as an address: what the selected processor runs


def handle_count(process):
    table = process["ObjectTable"]
    fields = {each.name for each in table.type.target().fields()} if int(table) else set()
    return int(table["HandleCount"]) if "HandleCount" in fields else int(table["Count"]) if "Count" in fields else None


def show_process(process, flags, namer):
    write(f"PROCESS {address_of(process):016x}")
    write(f"    Cid: {int(process['UniqueProcessId']):04x}    ActiveThreads: {int(process['ActiveThreads'])}")
    count = handle_count(process)
    handles = "" if count is None else f"  HandleCount: {count}."
    write(f"    DirBase: {int(process['DirectoryTableBase']):08x}  ObjectTable: {int(process['ObjectTable']):016x}{handles}")
    write(f"    Image: {image_of(process)}")
    if flags & DETAILS:
        write(f"    BasePriority: {int(process['BasePriority'])}  Affinity: {int(process['Affinity']) & 0xFFFFFFFFFFFFFFFF:x}")
        write(f"    QuotaPoolUsage: non-paged {int(process['Quota'][0]['Usage'])}, paged {int(process['Quota'][1]['Usage'])} bytes")
    if flags & (THREADS | STACKS):
        for thread in threads_of(process):
            write()
            lines = describe_thread(thread, namer, bool(flags & STACKS))
            if not flags & STACKS:
                lines = lines[:1] + [f"    {each}" for each in wait_lines(thread, namer)]
            for line in lines:
                write(f"        {line}")
    write()


def selects(process, what, image):
    known = what in (0, address_of(process), int(process["UniqueProcessId"]))
    return known and (image is None or image.lower() == image_of(process).lower())


@command("process", "[ADDRESS|CID|0|-1 [FLAGS [IMAGE]]]")
def process(arguments):
    """Processes and their threads.

    Without arguments, or with -1, the one whose thread runs on the selected processor; 0 means all of them. FLAGS: 1 adds priorities and
    quota, 2 threads with what they wait for, 4 their stacks; 7 unless given, but 0 for all of them. IMAGE takes those of that
    name."""
    if len(arguments) > 3:
        raise usage()
    namer = Namer()
    what = number(arguments[0]) if arguments else CURRENT
    if what == CURRENT:
        what = int(prcb(current_number())["CurrentThread"]["Process"])
    flags = number(arguments[1]) if len(arguments) > 1 else (0 if what == 0 else 7)
    image = arguments[2] if len(arguments) > 2 else None
    idle = prcbs()[0]["IdleThread"]["Process"]  # it is in no list
    known = [idle.dereference()] if what == address_of(idle) else processes()
    found = [each for each in known if selects(each, what, image)]
    if not found:
        raise NtError(f"there is no process {' '.join(arguments)}")
    if what == 0:
        write("**** NT ACTIVE PROCESS DUMP ****")
    for each in found:
        show_process(each, flags, namer)


@command("thread", "[ADDRESS [FLAGS] | -t TID]")
def thread(arguments):
    """A thread: what it waits for, its requests, priorities and stack. Without arguments the one on the selected processor.

    ADDRESS may be -1, which means that one too. FLAGS without 4 leave the stack out."""
    flags = STACKS
    if len(arguments) == 2 and arguments[0] != "-t":
        flags = number(arguments.pop())
    if len(arguments) == 2 and arguments[0] == "-t":
        tid = number(arguments[1])
        found = next((each for each in all_threads() if int(each["Cid"]["UniqueThread"]) == tid), None)
        if found is None:
            raise NtError(f"no thread has the id {tid:x}")
    elif len(arguments) == 1 and arguments[0] != "-t":
        address = number(arguments[0])
        found = prcb(current_number())["CurrentThread"].dereference() if address == CURRENT else thread_at(address)
    elif not arguments:
        found = prcb(current_number())["CurrentThread"].dereference()
    else:
        raise usage()
    for line in describe_thread(found, Namer(), bool(flags & STACKS)):
        write(line)


@command("running", "[-i] [-t]")
def running(arguments):
    """The thread that each processor runs, and the one it is to run next. -i includes idle processors, -t shows stacks."""
    if set(arguments) - {"-i", "-t", "-it", "-ti"}:
        raise usage()
    options, namer, all_of_them = "".join(arguments), Namer(), prcbs()
    idle = [each for each in all_of_them if int(each["CurrentThread"]) == int(each["IdleThread"])]
    write(f"System Processors:  ({sum(int(each['SetMember']) for each in all_of_them):016x})")
    write(f"  Idle Processors:  ({sum(int(each['SetMember']) for each in idle):016x})\n")
    write("       Prcbs             Current         (pri) Next            (pri) Idle")
    for each in all_of_them:
        current, following = each["CurrentThread"], each["NextThread"]
        if int(current) == int(each["IdleThread"]) and "i" not in options:
            continue
        after = f"{int(following):016x} ({int(following['Priority']):2})" if int(following) else " " * 21
        write(
            f"{int(each['Number']):3}    {address_of(each):016x}  {int(current):016x} ({int(current['Priority']):2}) {after}"
            f" {int(each['IdleThread']):016x}"
        )
        if "t" in options:
            write()
            for line in stack_lines(current.dereference(), namer):
                write(line)
            write()


@command("ready", "[CPU]")
def ready(arguments):
    """Threads that are ready and wait for a processor, by processor and priority."""
    if len(arguments) > 1:
        raise usage()
    for each in [prcb(number(arguments[0]))] if arguments else prcbs():
        if int(each["ReadySummary"]) == 0:
            write(f"Processor {int(each['Number'])}: No threads in READY state")
            continue
        for priority in reversed(range(each["ReadyList"].type.range()[1] + 1)):
            if int(each["ReadySummary"]) >> priority & 1:
                write(f"Processor {int(each['Number'])}: Ready Threads at priority {priority}")
                for found in walk(each["ReadyList"][priority], "KTHREAD", "ReadyListEntry"):
                    write(f"    {head_line(found)}")


def blocker(frames, namer):
    """The first routine that is not part of waiting as such."""
    names = [namer.caller(pc) for _, pc in frames]
    common = ("nt!KiSw", "nt!KiSleep", "nt!KiWait", "nt!KeWait", "nt!KeDelay", "nt!KeRemoveQueue")
    return next((each for each in names if not each.startswith(common)), names[0] if names else "")


@command("stacks", "[DETAIL [FILTER]]")
def stacks(arguments):
    """All threads with where they are: a line for each; with DETAIL 2 the whole stack.

    FILTER, a part of a routine's name, takes only threads that have it on their stacks."""
    if len(arguments) > 2:
        raise usage()
    detail = number(arguments[0]) if arguments else 0
    wanted = arguments[1].lower() if len(arguments) > 1 else ""
    namer, count = Namer(), 0
    write("Proc.Thread  Thread            Switches  State        Blocker")
    for process in processes():
        write(f"                            [{address_of(process):016x} {image_of(process)}]")
        for each in threads_of(process):
            frames = stack_of(each) if state_of(each) not in ("INITIALIZED", "TERMINATED") else []
            if wanted and not any(wanted in namer(pc).lower() for _, pc in frames):
                continue
            count += 1
            client = each["Cid"]
            write(
                f"{int(client['UniqueProcess']):4x}.{int(client['UniqueThread']):06x}  {address_of(each):016x}  "
                f"{int(each['ContextSwitches']):<8}  {state_of(each):<11}  {blocker(frames, namer)}"
            )
            for line in format_stack(frames, namer)[1:] if detail >= 2 else ():
                write(f"        {line}")
    write(f"\nThreads Processed: {count}")


def apc_lists(each):
    """(list head, what it is) of a thread's APC lists: two for the process that it is attached to, two for its own."""
    states = [(each["ApcState"], "")]
    if int(each["ApcStateIndex"]):
        states.append((each["SavedApcState"], ", not before it has detached"))
    for state, text in states:
        for mode, name in enumerate(("KERNEL", "USER")):
            if int(state["ApcListHead"][mode]["Flink"]):
                yield state["ApcListHead"][mode], name + text


def show_apcs(each, namer):
    """APCs that wait for a thread; how many."""
    count = 0
    for head, text in apc_lists(each):
        for apc in walk(head, "KAPC", "ApcListEntry"):
            if count == 0:
                write(f"    Thread {address_of(each):016x}  Cid {int(each['Cid']['UniqueThread']):x}")
            count += 1
            write(f"        KAPC @ {address_of(apc):016x}  [{text}]")
            for name in ("KernelRoutine", "RundownRoutine", "NormalRoutine"):
                address = int(apc[name]) & 0xFFFFFFFFFFFFFFFF
                write(f"          {name:<15}{namer(address) if address else '0'}")
    return count


@command("apc", "[thre ADDRESS | proc ADDRESS]")
def apc(arguments):
    """APCs that wait to be delivered: of all threads, of one, or of a process's."""
    if arguments and (len(arguments) != 2 or arguments[0] not in ("thre", "thread", "proc", "process")):
        raise usage()
    if not arguments:
        chosen = [(each, list(threads_of(each))) for each in processes()]
    elif arguments[0].startswith("proc"):
        address = number(arguments[1])
        chosen = [(each, list(threads_of(each))) for each in processes() if address_of(each) == address]
        if not chosen:
            raise NtError(f"there is no process at {address:016x}")
    else:
        found = thread_at(number(arguments[1]))
        chosen = [(found["Process"].dereference(), [found])]
    namer, count = Namer(), 0
    for process, threads in chosen:
        write(f"Process {address_of(process):016x} {image_of(process)}")
        count += sum(show_apcs(each, namer) for each in threads)
    write(f"{count} APCs wait" if count != 1 else "1 APC waits")
