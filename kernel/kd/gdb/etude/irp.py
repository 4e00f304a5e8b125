"""Requests: one with its stack locations, and all there are."""

import gdb

from .command import NtError, command, number, usage, write
from .device import driver_name, device_at, is_device, named_device
from .header import irp_flags, major_name, minor_name
from .ioctl import describe
from .memory import address_of, is_readable, kernel_type, structure, try_read
from .module import Namer
from .poolpage import Block, Pool, tag_text
from .status import format_status

IO_TYPE_IRP = 6
SL_PENDING_RETURNED, SL_ERROR_RETURNED = 0x01, 0x02
INVOKE = ((0x40, "Success"), (0x80, "Error"), (0x20, "Cancel"))
IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL = 0x0E, 0x0F
IRP_TAG = int.from_bytes(b"Irp ", "little")
MASK64 = (1 << 64) - 1


def irp_size():
    return kernel_type("IRP").sizeof


def location_size():
    return kernel_type("IO_STACK_LOCATION").sizeof


def where_it_is(address):
    """What the pool knows of memory that is no IRP."""
    try:
        block = Pool().block_of(address)
    except (NtError, gdb.error):
        return ""
    if not isinstance(block, Block):
        return ""
    return f"; it lies in a block of pool, {block.state.lower()}" + (f", tag {tag_text(block.tag)}" if block.used else "")


def irp_at(address):
    """The IRP at an address; NtError says what is there instead."""
    if not is_readable(address, irp_size()):
        raise NtError(f"there is no IRP at {address:016x}: the memory is not there")
    irp = structure(address, "IRP")
    kind, count, size = int(irp["Type"]), int(irp["StackCount"]), int(irp["Size"])
    if kind != IO_TYPE_IRP:
        gone = ", as that of one that has been freed" if kind == 0 else ""
        raise NtError(f"there is no IRP at {address:016x}: its type is {kind}{gone}{where_it_is(address)}")
    if count < 0 or size < irp_size() + count * location_size():
        raise NtError(f"the IRP at {address:016x} is damaged: {count} stack locations in {size} bytes")
    return irp


def location(irp, index):
    """Stack location number index, from 1."""
    return structure(address_of(irp) + irp_size() + (index - 1) * location_size(), "IO_STACK_LOCATION")


def current_location(irp):
    """The current stack location, or None."""
    index = int(irp["CurrentLocation"])
    return location(irp, index) if 1 <= index <= int(irp["StackCount"]) else None


def state(irp):
    """Where the request is on its way."""
    index, count = int(irp["CurrentLocation"]), int(irp["StackCount"])
    if 1 <= index <= count:
        at = address_of(irp) + irp_size() + (index - 1) * location_size()
        return f"Irp is active with {count} stacks {index} is current (= {at:#018x})"
    if index == count + 1:
        return f"Irp has {count} stacks and none is current: it has not been sent, or its completion has reached the sender"
    if index == count + 2:
        return f"Irp is completed: it has {count} stacks and is past the last"
    return f"Irp is damaged: it has {count} stacks, and the current one is said to be {index}"


def arguments_of(stack):
    """The four words that WinDbg shows as Args."""
    parameters = stack["Parameters"]["Others"]
    return [int(parameters[f"Argument{index}"]) & MASK64 for index in (1, 2, 3, 4)]


def meaning(stack):
    """The parameters in words, for the requests that most drivers have."""
    major, parameters = int(stack["MajorFunction"]), stack["Parameters"]
    name = major_name(major)
    if name in ("IRP_MJ_READ", "IRP_MJ_WRITE"):
        each = parameters["Read" if name == "IRP_MJ_READ" else "Write"]
        return f"Length {int(each['Length']):#x}  Key {int(each['Key']):#x}  ByteOffset {int(each['ByteOffset']['QuadPart']):#x}"
    if major in (IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL):
        each = parameters["DeviceIoControl"]
        code = int(each["IoControlCode"])
        sizes = f"in {int(each['InputBufferLength']):#x} out {int(each['OutputBufferLength']):#x}"
        return f"{code:#010x} {describe(code)}  {sizes}"
    return ""


def show_location(stack, current, names):
    """One stack location, as WinDbg shows it."""
    major, minor, control = (int(stack[field]) for field in ("MajorFunction", "MinorFunction", "Control"))
    device, file, routine = (int(stack[field]) & MASK64 for field in ("DeviceObject", "FileObject", "CompletionRoutine"))
    name = major_name(major)
    write(f"{'>' if current else ' '}[{name}({major:x}), {minor_name(major, minor)}({minor:x})]")
    invoke = [text for bit, text in INVOKE if control & bit] if routine else []
    if control & SL_PENDING_RETURNED:
        invoke.append("pending")
    if control & SL_ERROR_RETURNED:
        invoke.append("error")
    write(
        f"          {int(stack['Flags']):3x} {control:2x} {device:016x} {file:016x}"
        f" {routine:016x}-{int(stack['Context']) & MASK64:016x} {' '.join(invoke)}".rstrip()
    )
    if device or routine:
        write(f"\t       {named_device(device) if device else '(no device)':30} {names(routine) if routine else ''}".rstrip())
    write("\t\t\tArgs: " + " ".join(f"{each:08x}" for each in arguments_of(stack)))
    if current and meaning(stack):
        write(f"\t\t\t{meaning(stack)}")


def buffers(irp):
    mdl, system = int(irp["MdlAddress"]), int(irp["AssociatedIrp"]["SystemBuffer"]) & MASK64
    words = [f"Mdl={mdl:016x}" if mdl else "No Mdl"]
    words += [f"System buffer={system:016x}"] if system else ["No System Buffer"]
    if int(irp["UserBuffer"]):
        words.append(f"User buffer={int(irp['UserBuffer']) & MASK64:016x}")
    thread = int(irp["Tail"]["Overlay"]["Thread"]) & MASK64
    return ": ".join(words) + f": Thread {thread:016x}:  Irp stack trace."


def show_details(irp, names):
    """The fields that WinDbg's detail level 1 adds."""
    write(f"Flags = {int(irp['Flags']):08x} {irp_flags(irp['Flags'])}".rstrip())
    write(f"ThreadListEntry.Flink = {int(irp['ThreadListEntry']['Flink']) & MASK64:016x}")
    write(f"ThreadListEntry.Blink = {int(irp['ThreadListEntry']['Blink']) & MASK64:016x}")
    write(f"IoStatus.Status = {format_status(irp['IoStatus']['Status'])}")
    write(f"IoStatus.Information = {int(irp['IoStatus']['Information']):x}")
    write(f"RequestorMode = {int(irp['RequestorMode']):08x} {'UserMode' if int(irp['RequestorMode']) else 'KernelMode'}")
    write(f"Cancel = {int(irp['Cancel']):02x}")
    write(f"CancelIrql = {int(irp['CancelIrql']):x}")
    routine = int(irp["CancelRoutine"]) & MASK64
    write(f"CancelRoutine = {routine:016x} {names(routine) if routine else ''}".rstrip())
    write(f"PendingReturned = {int(irp['PendingReturned'])}")
    write(f"UserIosb = {int(irp['UserIosb']) & MASK64:016x}")
    write(f"UserEvent = {int(irp['UserEvent']) & MASK64:016x}")
    overlay = irp["Tail"]["Overlay"]
    write(f"Tail.Overlay.Thread = {int(overlay['Thread']) & MASK64:016x}")
    write(f"Tail.Overlay.ListEntry.Flink = {int(overlay['ListEntry']['Flink']) & MASK64:016x}")
    write(f"Tail.Overlay.OriginalFileObject = {int(overlay['OriginalFileObject']) & MASK64:016x}")
    system = int(irp["AssociatedIrp"]["SystemBuffer"]) & MASK64
    if system and not int(irp["Flags"]) & 0x8:
        data = try_read(system, 16)
        write(f"SystemBuffer: {data.hex(' ') if data else 'cannot be read'}")


@command("irp", "ADDRESS [DETAIL]")
def irp(arguments):
    """A request: its buffers, its state, and its stack locations with driver, arguments and completion routine.

    The current location is marked. DETAIL 1 shows the other fields, too, and the beginning of the system buffer."""
    if not 1 <= len(arguments) <= 2:
        raise usage()
    request, names = irp_at(number(arguments[0])), Namer()
    routine = int(request["CancelRoutine"]) & MASK64
    write(state(request))
    write(f" {buffers(request)}")
    words = [f"Status {format_status(request['IoStatus']['Status'])}", f"Information {int(request['IoStatus']['Information']):x}"]
    words += ["cancelled"] if int(request["Cancel"]) else []
    words += [f"Cancel routine {names(routine)}"] if routine else []
    write(f" {'  '.join(words)}")
    write("     cmd  flg cl Device   File     Completion-Context")
    for index in range(1, int(request["StackCount"]) + 1):
        show_location(location(request, index), index == int(request["CurrentLocation"]), names)
    if len(arguments) > 1 and number(arguments[1]):
        write()
        show_details(request, names)


# --- irpfind --------------------------------------------------------------------------------------------------------------


def all_irps():
    """Every IRP in the non-paged pool that is one at the moment, wherever it is on its way."""
    for block in Pool().blocks(0):
        if block.tag == IRP_TAG and block.size >= irp_size():
            try:
                yield irp_at(block.address)
            except NtError:
                pass  # one that waits on a lookaside list


def has_argument(irp, data):
    return any(data in arguments_of(location(irp, i)) for i in range(1, int(irp["StackCount"]) + 1))


def has_in_stack(field):
    def matches(irp, data):
        return any(int(location(irp, i)[field]) & MASK64 == data for i in range(1, int(irp["StackCount"]) + 1))

    return matches


def has_process(irp, data):
    mdl = int(irp["MdlAddress"])
    return bool(mdl) and is_readable(mdl, 48) and int(structure(mdl, "MDL")["Process"]) & MASK64 == data


CRITERIA = {
    "arg": has_argument,
    "device": has_in_stack("DeviceObject"),
    "fileobject": has_in_stack("FileObject"),
    "mdlprocess": has_process,
    "thread": lambda irp, data: int(irp["Tail"]["Overlay"]["Thread"]) & MASK64 == data,
    "userevent": lambda irp, data: int(irp["UserEvent"]) & MASK64 == data,
}


def parse_find(arguments):
    """(verbose, restart address, criterion): WinDbg's [-v] [PoolType [RestartAddress [Criteria Data]]], of which the numbers may
    be left out."""
    words = list(arguments)
    verbose = bool(words) and words[0] == "-v"
    words = words[1:] if verbose else words
    numbers = []
    while words and words[0].lower() not in CRITERIA:
        numbers.append(number(words.pop(0)))
    if len(numbers) > 2 or len(words) not in (0, 2):
        raise usage()
    if numbers and numbers[0] != 0:
        raise NtError("requests are in the non-paged pool only, pool type 0")
    wanted = (CRITERIA[words[0].lower()], number(words[1])) if words else None
    return verbose, numbers[1] if len(numbers) > 1 else 0, wanted


@command("irpfind", "[-v] [0 [RESTART]] [arg|device|fileobject|mdlprocess|thread|userevent DATA]")
def irpfind(arguments):
    """All requests in the non-paged pool, or those that have DATA in the field that the word before it means.

    Finds those of verified and other drivers alike, from the moment IoAllocateIrp makes them until IoFreeIrp. -v shows each as
    `nt irp` does. RESTART leaves out what is at lower addresses."""
    verbose, restart, wanted = parse_find(arguments)
    write("  Irp              [   Thread       ] irpStack: (Mj,Mn)   DevObj           [Driver]")
    count = 0
    for request in all_irps():
        if address_of(request) < restart or (wanted and not wanted[0](request, wanted[1])):
            continue
        count += 1
        stack = current_location(request)
        thread = int(request["Tail"]["Overlay"]["Thread"]) & MASK64
        text = f"{address_of(request):016x} [{thread:016x}] "
        if stack is None:
            text += state(request)
        else:
            device = int(stack["DeviceObject"]) & MASK64
            driver = driver_name(device_at(device)) if is_device(device) else "no device object"
            text += f"irpStack: ({int(stack['MajorFunction']):2x},{int(stack['MinorFunction']):2x})  {device:016x} [ {driver}]"
        write(text)
        if verbose:
            irp([f"{address_of(request):#x}"])
    write(f"{count} requests")
