"""Control codes taken apart."""

from .command import command, number, usage, write
from .header import device_type

METHODS = ("METHOD_BUFFERED", "METHOD_IN_DIRECT", "METHOD_OUT_DIRECT", "METHOD_NEITHER")
ACCESSES = ("FILE_ANY_ACCESS", "FILE_READ_ACCESS", "FILE_WRITE_ACCESS", "FILE_READ_ACCESS | FILE_WRITE_ACCESS")


def decode(code):
    """(device type, access, function, method) of a code, as CTL_CODE put them in."""
    return code >> 16 & 0xFFFF, code >> 14 & 3, code >> 2 & 0xFFF, code & 3


def describe(code):
    """ "CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)"."""
    device, access, function, method = decode(code)
    return f"CTL_CODE({device_type(device) or hex(device)}, {function:#x}, {METHODS[method]}, {ACCESSES[access]})"


@command("ioctldecode", "CODE", machine=False)
def ioctldecode(arguments):
    """What a control code of IRP_MJ_DEVICE_CONTROL says: device type, function, method, access."""
    if len(arguments) != 1:
        raise usage()
    code = number(arguments[0]) & 0xFFFFFFFF
    device, access, function, method = decode(code)
    write(f"IOCTL {code:#010x}: {describe(code)}")
    write(f"  Device Type: {device:#06x} ({device_type(device) or 'no name for it'})")
    write(f"  Function:    {function:#05x} ({'of the driver' if function >= 0x800 else 'reserved for Microsoft'})")
    write(f"  Method:      {method} ({METHODS[method]})")
    write(f"  Access:      {access} ({ACCESSES[access]})")
