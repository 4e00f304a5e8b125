"""locks and qlocks: who holds what, and who waits for it."""

import re

import gdb

from .command import NtError, command, number, usage, write
from .memory import address_of, kernel_file, read, structure, try_read, variable, walk
from .module import Namer, unsigned
from .processor import prcbs, selected, stacks_of, thread_of

OWNED_EXCLUSIVE = 0x80
WAITING, OWNER = 1, 2  # low bits of KSPIN_LOCK_QUEUE.Lock
LONGEST_QUEUE = 64


def owners(resource):
    """(thread, count) of those who have it."""
    found = [resource["OwnerEntry"]]
    table = resource["OwnerTable"]
    if int(table):
        found += [table[index] for index in range(1, min(int(table["TableSize"]), 4096))]
    return [(unsigned(each["OwnerThread"]), int(each["OwnerCount"])) for each in found if int(each["OwnerThread"])]


def waiters(last):
    """Threads in a queue: a ring of which the resource knows the last one."""
    if not int(last):
        return []
    kind = "struct _EX_RESOURCE_WAITER"
    found, each = [], structure(structure(last, kind)["Next"], kind)
    while len(found) < 1000:
        found.append(unsigned(each["Thread"]))
        if address_of(each) == unsigned(last):
            break
        each = structure(each["Next"], kind)
    return found


def show_resource(resource, namer):
    held = owners(resource)
    address = address_of(resource)
    exclusive = int(resource["Flag"]) & OWNED_EXCLUSIVE
    how = "Available" if not held else "Exclusively owned" if exclusive else f"Shared {len(held)} owning threads"
    write(f"Resource @ {namer(address)} ({address:#018x})    {how}")
    if int(resource["ContentionCount"]):
        write(f"    Contention Count = {int(resource['ContentionCount'])}")
    for label, field in (("NumberOfSharedWaiters", "NumberOfSharedWaiters"), ("NumberOfExclusiveWaiters", "NumberOfExclusiveWaiters")):
        if int(resource[field]):
            write(f"    {label} = {int(resource[field])}")
    if held:
        write("     Threads: " + "    ".join(f"{thread & ~3:016x}-{count:02d}{'<*>' if exclusive else ''}" for thread, count in held))
    for label, field in (("Exclusive", "ExclusiveWaiters"), ("Shared", "SharedWaiters")):
        queue = waiters(resource[field])
        if queue:
            write(f"     Threads Waiting On {label} Access:")
            for thread in queue:
                write(f"              {thread:016x}")


@command("locks", "[-v] [ADDRESS]")
def locks(arguments):
    """Executive resources that are held or waited for, with owners and waiters; -v shows the others too."""
    addresses = [each for each in arguments if each != "-v"]
    if len(addresses) > 1:
        raise usage()
    namer = Namer()
    if addresses:
        show_resource(structure(number(addresses[0]), "ERESOURCE"), namer)
        return
    write("**** DUMP OF ALL RESOURCE OBJECTS ****")
    total = held = 0
    for resource in walk(variable("ExpResourceList"), "ERESOURCE", "SystemResourcesList"):
        total += 1
        busy = bool(owners(resource)) or int(resource["ActiveEntries"]) != 0
        held += busy
        if busy or "-v" in arguments:
            show_resource(resource, namer)
    write(f"{total} total locks, {held} locks currently held")


def handles_on(low, high):
    """(handle, lock, next, owner?, processor) of what looks like queue handles of in-stack queued spin locks in [low, high)."""
    data = try_read(low, high - low)
    if data is None:
        return
    for at in range(0, len(data) - 23, 8):
        following, lock = int.from_bytes(data[at : at + 8], "little"), int.from_bytes(data[at + 8 : at + 16], "little")
        if lock & 7 in (WAITING, OWNER) and lock >> 47 == 0x1FFFF and (following == 0 or following >> 47 == 0x1FFFF):
            yield low + at, lock & ~7, following, bool(lock & OWNER), data[at + 23]


def queue_of(handle, lock):
    """The handles from one to the queue's tail, which the lock word tells; None: that was no handle after all."""
    tail = try_read(lock, 8)
    tail = int.from_bytes(tail, "little") if tail else 0
    chain = [handle]
    while chain[-1] != tail and len(chain) < LONGEST_QUEUE:
        words = try_read(chain[-1], 16)
        following = int.from_bytes(words[:8], "little") if words else 0
        if not following or following in chain:
            break
        chain.append(following)
    return chain if chain[-1] == tail else None


def used_stacks(each):
    """(low, high) of what is in use of a processor's stacks: reading all of them takes seconds over a serial line."""
    thread = thread_of(int(each["Number"]))
    rsp = 0
    if thread is not None:
        with selected(thread):
            rsp = int(gdb.parse_and_eval("(unsigned long)$rsp"))
    for low, high in stacks_of(each):
        if low < rsp <= high:
            yield rsp, high
            return  # it stands on this one
        yield low, high


def queued_locks():
    """lock -> {processor: place in the queue}, 0 the owner."""
    found = {}
    for each in prcbs():
        for low, high in used_stacks(each):
            for handle, lock, _, owner, _ in handles_on(low, high):
                chain = queue_of(handle, lock) if owner else None
                if chain is not None:
                    found[lock] = {read(link + 23, 1)[0]: place for place, link in enumerate(chain)}
    return found


def spin_locks():
    """(name, address) of the kernel's global spin locks."""
    text = gdb.execute("info variables -q -t KSPIN_LOCK", to_string=True)
    for name in re.findall(r"KSPIN_LOCK (\w+);", text):
        objfile = kernel_file()
        symbol = objfile.lookup_global_symbol(name) or objfile.lookup_static_symbol(name)
        if symbol is not None:
            yield name, unsigned(symbol.value().address)


@command("qlocks")
def qlocks(arguments):
    """Spin locks: in-stack queued ones with the processors that hold them and wait, and the kernel's own that are held.

    Queue handles are found on the stacks that the processors run on; a handle elsewhere is not seen."""
    if arguments:
        raise usage()
    namer = Namer()
    numbers = [int(each["Number"]) for each in prcbs()]
    write("Key: O = Owner, 1-n = Wait order, blank = not owned/waiting\n")
    write(f"{'':40}Processor Number")
    write(f"    {'Lock Name':34}" + "".join(f"{each:3}" for each in numbers))
    for lock, places in queued_locks().items():
        marks = [{None: " ", 0: "O"}.get(places.get(each), places.get(each)) for each in numbers]
        write(f"{namer(lock):38}" + "".join(f"{mark:>3}" for mark in marks).rstrip())
    write("\nSpin locks held:")
    held = [(name, int.from_bytes(read(address, 8), "little")) for name, address in spin_locks()]
    for name, owner in held:
        if owner:
            write(f"    nt!{name:34} {describe_owner(owner)}")
    if not any(owner for _, owner in held):
        write("    none")
    show_recorded(namer)


def show_recorded(namer):
    """The debug kernel's record of the locks that each processor holds, with who took them."""
    try:
        record = variable("KiHeld")
    except NtError:
        return  # the release kernel keeps none
    write("\nTaken and not released, in order:")
    for each in prcbs():
        held = record[int(each["Number"])]
        for index in range(min(int(held["Depth"]), held["Entry"].type.range()[1] + 1)):
            entry = held["Entry"][index]
            lock, caller = namer(entry["Lock"]), namer.caller(entry["Caller"])
            write(f"    processor {int(each['Number'])}: {lock} at IRQL {int(entry['Irql'])}, by {caller}")


def describe_owner(word):
    """A spin lock's word is its owner's thread, the raw ones' is 1."""
    running = {unsigned(each["CurrentThread"]): int(each["Number"]) for each in prcbs()}
    if word in running:
        return f"thread {word:016x} on processor {running[word]}"
    return "held" if word == 1 else f"{word:016x}"
