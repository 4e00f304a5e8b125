"""Devices, drivers and files."""

from .command import NtError, command, usage, write
from .header import characteristics, device_flags, device_type, driver_flags, file_flags, major_name
from .memory import address_of, is_readable, kernel_type, structure, unicode_string
from .module import Namer
from .namespace import file_name, is_object, resolve

STACK_LIMIT = 128  # devices on each other; no request could pass more
DEVICE_LIMIT = 4096  # of one driver
EXTENSION_FLAGS = {0x1: "DOE_UNLOAD_PENDING", 0x2: "DOE_DELETE_PENDING", 0x80000000: "DOE_DELETED"}  # kernel/io/iop.h
IO_TYPE_DEVICE, IO_TYPE_DRIVER, IO_TYPE_FILE = 3, 4, 5


def device_at(address):
    """The DEVICE_OBJECT at an address; NtError when there is none."""
    address = address_of(address)
    if not is_readable(address, kernel_type("DEVICE_OBJECT").sizeof):
        raise NtError(f"there is no device object at {address:016x}: the memory is not there")
    device = structure(address, "DEVICE_OBJECT")
    if int(device["Type"]) != IO_TYPE_DEVICE:
        raise NtError(f"there is no device object at {address:016x}: its type is {int(device['Type'])}")
    return device


def is_device(address):
    try:
        device_at(address)
        return True
    except NtError:
        return False


def extension_of(device):
    """Etude's part of a device object."""
    return structure(int(device["DeviceObjectExtension"]), "DEVOBJ_EXTENSION")


def device_name(device):
    """As it was created with; "" for none."""
    at = int(device["DeviceObjectExtension"])
    return unicode_string(extension_of(device)["Name"]) if is_readable(at, 8) else "<unreadable>"


def driver_name(device):
    """The name of a device's driver, "\\Driver\\Beep"."""
    at = int(device["DriverObject"])
    return unicode_string(structure(at, "DRIVER_OBJECT")["DriverName"]) if is_readable(at, 8) else "<unreadable>"


def named_device(address):
    """A device in a few words, for whoever refers to one."""
    if not int(address):
        return "none"
    if not is_device(address):
        return "no device object"
    device = device_at(address)
    return f"{device_name(device)} {driver_name(device)}".strip()


def neighbours(device, step):
    """The devices that step leads to from device, one after another; each once."""
    seen = {address_of(device)}
    for _ in range(STACK_LIMIT):
        following = int(step(device))
        if not following:
            return
        if following in seen:
            raise NtError(f"the device stack goes in a circle: {address_of(device):016x} leads back to {following:016x}")
        seen.add(following)
        device = device_at(following)
        yield device
    raise NtError(f"the device stack has more than {STACK_LIMIT} devices")


def above(device):
    return device["AttachedDevice"]


def below(device):
    return extension_of(device)["AttachedTo"]


@command("devobj", "NAME|ADDRESS")
def devobj(arguments):
    """A device object: its driver, flags, references, the request it works on, and its neighbours in the device stack.

    NAME is one of \\Device, or a whole path."""
    if len(arguments) != 1:
        raise usage()
    device = device_at(resolve(arguments[0], "Device", "\\Device"))
    extension = extension_of(device)
    write(f"Device object ({address_of(device):016x}) is for:")
    write(f" {device_name(device) or '(no name)'} {driver_name(device)} DriverObject {int(device['DriverObject']):016x}")
    write(
        f"Current Irp {int(device['CurrentIrp']):016x} RefCount {int(device['ReferenceCount'])}"
        f" Type {int(device['DeviceType']):08x} ({device_type(device['DeviceType']) or 'unknown'})"
    )
    write(f"Flags ({int(device['Flags']):#010x}) {device_flags(device['Flags'])}")
    write(f"DevExt {int(device['DeviceExtension']):016x} DevObjExt {address_of(extension):016x} StackSize {int(device['StackSize'])}")
    flags = int(extension["ExtensionFlags"])
    write(f"ExtensionFlags ({flags:#010x}) {' '.join(text for bit, text in EXTENSION_FLAGS.items() if flags & bit)}".rstrip())
    write(f"Characteristics ({int(device['Characteristics']):#010x}) {characteristics(device['Characteristics'])}".rstrip())
    if int(above(device)):
        write(f"AttachedDevice (Upper) {int(above(device)):016x} {named_device(above(device))}")
    if int(below(device)):
        write(f"AttachedTo (Lower) {int(below(device)):016x} {named_device(below(device))}")
    write(f"Device queue is {'' if int(device['DeviceQueue']['Busy']) else 'not '}busy.")


@command("devstack", "NAME|ADDRESS")
def devstack(arguments):
    """The device stack that a device is in, top first; the device itself is marked."""
    if len(arguments) != 1:
        raise usage()
    device = device_at(resolve(arguments[0], "Device", "\\Device"))
    top = device
    for top in neighbours(device, above):
        pass
    write("  !DevObj           !DrvObj                  !DevExt           ObjectName")
    for each in [top, *neighbours(top, below)]:
        mark = ">" if address_of(each) == address_of(device) else " "
        extension = int(each["DeviceExtension"])
        write(f"{mark} {address_of(each):016x}  {driver_name(each):24} {extension:016x}  {device_name(each)}".rstrip())


# --- drvobj ---------------------------------------------------------------------------------------------------------------


def devices_of(driver):
    """The devices of a driver, the newest first."""
    device, seen = int(driver["DeviceObject"]), set()
    while device:
        if device in seen or len(seen) == DEVICE_LIMIT:
            raise NtError(f"the driver's list of devices is damaged: it comes back to {device:016x}")
        seen.add(device)
        yield device_at(device)
        device = int(device_at(device)["NextDevice"])


def show_devices(driver):
    write("\nDevice Object list:")
    count = 0
    for device in devices_of(driver):
        write(f"{address_of(device):016x}  {device_name(device)}".rstrip())
        count += 1
    if not count:
        write("none")


def show_dispatch(driver, names):
    for title, routine in (
        ("DriverEntry:", driver["DriverInit"]),
        ("DriverStartIo:", driver["DriverStartIo"]),
        ("DriverUnload:", driver["DriverUnload"]),
        ("AddDevice:", structure(int(driver["DriverExtension"]), "DRIVER_EXTENSION")["AddDevice"]),
    ):
        where = int(routine)
        write(f"{title:15} {where:016x}  {names(where) if where else ''}".rstrip())
    write("\nDispatch routines:")
    for index in range(driver["MajorFunction"].type.range()[1] + 1):
        where = int(driver["MajorFunction"][index])
        write(f"[{index:02x}] {major_name(index):34} {where:016x}  {names(where)}")


@command("drvobj", "NAME|ADDRESS [FLAGS]")
def drvobj(arguments):
    """A driver object: its devices and its routines.

    NAME is one of \\Driver or \\FileSystem, or a whole path. FLAGS: 1 the devices, 2 the routines; 3 without FLAGS."""
    if not 1 <= len(arguments) <= 2:
        raise usage()
    flags = int(arguments[1], 16) if len(arguments) > 1 and arguments[1].isalnum() else 3
    at = resolve(arguments[0], "Driver", "\\Driver", "\\FileSystem")
    driver = structure(at, "DRIVER_OBJECT")
    if int(driver["Type"]) != IO_TYPE_DRIVER:
        raise NtError(f"there is no driver object at {at:016x}: its type is {int(driver['Type'])}")
    write(f"Driver object ({at:016x}) is for:")
    write(f" {unicode_string(driver['DriverName'])}")
    write(f"Image {int(driver['DriverStart']):016x} size {int(driver['DriverSize']):x}")
    write(f"Flags ({int(driver['Flags']):#010x}) {driver_flags(driver['Flags'])}".rstrip())
    if flags & 1:
        show_devices(driver)
    if flags & 2:
        write()
        show_dispatch(driver, Namer())


# --- fileobj --------------------------------------------------------------------------------------------------------------


ACCESSES = (
    ("ReadAccess", "Read"),
    ("WriteAccess", "Write"),
    ("DeleteAccess", "Delete"),
    ("SharedRead", "SharedRead"),
    ("SharedWrite", "SharedWrite"),
    ("SharedDelete", "SharedDelete"),
)


@command("fileobj", "ADDRESS")
def fileobj(arguments):
    """A file object: name, device, flags, access, position, and who waits for it."""
    if len(arguments) != 1:
        raise usage()
    at = resolve(arguments[0], "File")
    file = structure(at, "FILE_OBJECT")
    if int(file["Type"]) != IO_TYPE_FILE:
        raise NtError(f"there is no file object at {at:016x}: its type is {int(file['Type'])}")
    write(file_name(at) or "(no name)")
    write(f"\nDevice Object: {int(file['DeviceObject']):016x}   {named_device(file['DeviceObject'])}")
    if int(file["RelatedFileObject"]):
        related = int(file["RelatedFileObject"])
        write(f"Related File Object: {related:016x}   {file_name(related) if is_object(related, 'File') else 'no file object'}")
    write("Access: " + (" ".join(text for field, text in ACCESSES if int(file[field])) or "none noted"))
    write(f"\nFlags: {int(file['Flags']):#x}  {file_flags(file['Flags'])}")
    write(f"FsContext: {int(file['FsContext']):#018x}  FsContext2: {int(file['FsContext2']):#018x}")
    write(f"CurrentByteOffset: {int(file['CurrentByteOffset']['QuadPart']):x}")
    write(f"Busy: {int(file['Busy'])}  Waiters: {int(file['Waiters'])}  FinalStatus: {int(file['FinalStatus']) & 0xFFFFFFFF:08x}")
