"""Promise: lib/ddk declares what a driver compiled against anyone's correct WDK-style headers expects.

Types, members, bit-fields, constants, IOCTL codes, routines and callbacks are compared with an independent set of driver headers
(Debian's mingw-w64-x86-64-dev). docs/abi.md lists and explains every difference; nothing else is left out.
"""

import pytest

import abi
import layout

# A comparison that has lost these is no comparison.
PRINCIPAL = (
    "DISPATCHER_HEADER KEVENT KSEMAPHORE KMUTANT KTIMER KDPC KAPC KWAIT_BLOCK KDEVICE_QUEUE KDEVICE_QUEUE_ENTRY "
    "DRIVER_OBJECT DRIVER_EXTENSION DEVICE_OBJECT FILE_OBJECT IRP IO_STACK_LOCATION IO_STATUS_BLOCK MDL LIST_ENTRY "
    "SLIST_HEADER UNICODE_STRING OBJECT_ATTRIBUTES FAST_MUTEX NPAGED_LOOKASIDE_LIST PAGED_LOOKASIDE_LIST "
    "GENERAL_LOOKASIDE WORK_QUEUE_ITEM LARGE_INTEGER ERESOURCE OWNER_ENTRY EX_RUNDOWN_REF KLOCK_QUEUE_HANDLE KGUARDED_MUTEX "
    "DEVICE_OBJECT.DeviceExtension IRP.Tail.Overlay.CurrentStackLocation IO_STACK_LOCATION.Parameters.DeviceIoControl.IoControlCode "
    "KDEVICE_QUEUE.Hint SLIST_HEADER.HeaderX64.Depth STATUS_PENDING IRP_MJ_DEVICE_CONTROL SynchronizationEvent DO_BUFFERED_IO "
    "DISPATCH_LEVEL IOCTL_BEEP_SET IOCTL_SERIAL_SET_BAUD_RATE DPFLTR_IHVDRIVER_ID IRQL_NOT_LESS_OR_EQUAL KeSetEvent() "
    "IoCreateDevice() DRIVER_DISPATCH()"
).split()
LEAST = {"types": 150, "members": 500, "sizes of members": 500, "bit-fields": 10, "constants": 1500, "routines": 350}


@pytest.fixture(scope="module")
def comparison():
    if not layout.MINGW_FOLDER.exists():
        pytest.fail("the package mingw-w64-x86-64-dev is missing: make deps")
    return abi.compare()


def test_every_difference_is_explained(comparison, record):
    page = abi.Page(abi.PAGE.read_text())
    assert not list(abi.faults(comparison, page)), "tests/host/abi.py says the same"
    counts = ", ".join(f"{count} {kind}" for kind, count in comparison.compared.items())
    record(f"driver headers compared with mingw's: {counts}")
    record(
        f"driver headers: {len(comparison.different)} differences explained in docs/abi.md; {len(comparison.absent)} names that only "
        f"we have, {len(comparison.more)} members that only they have"
    )


def test_enough_is_compared(comparison):
    assert not [name for name in PRINCIPAL if name not in comparison.own or name not in comparison.other]
    assert not {kind: count for kind, count in comparison.compared.items() if count < LEAST.get(kind, 1)}


def test_what_headers_lack_is_not_measured():
    text = "typedef struct { char A; KDPC B; struct { int C : 3; int D : 29; }; } PROBE;\n"
    probe = layout.Headers(layout.OWN.includes + text, layout.OWN.arguments)
    expressions = ["__builtin_offsetof(PROBE, B)", "sizeof(PROBE)", "sizeof(NOTHING)", "__builtin_offsetof(PROBE, E)"]
    measured = layout.measure(probe, {expression: expression for expression in expressions})
    assert measured == {"__builtin_offsetof(PROBE, B)": 8, "sizeof(PROBE)": 0x50}
    fields = [field for field in layout.bit_fields(probe) if field[0] == "PROBE"]
    assert fields == [("PROBE", "C"), ("PROBE", "D")]
    assert layout.measure_bits(probe, [*fields, ("PROBE", "E")])[fields[1]] == 0xFFFFFFF8 << 8 * 0x48


def test_differences_are_noticed():
    result = abi.Comparison()
    result.add("constants", {"A": "1", "B": "2", "C": "3", "D": "4"}, {"A": "1", "B": "9", "C": "9"})
    result.more = ["T.New", "T.Old"]
    text = "| `C` | `3` | `9` | Because. |\n| `A` | `1` | `2` | Gone. |\n| `T.O*` | Why. |\n| `U.*` | Gone. |\n```\nE = 5\n```\n"
    found = list(abi.faults(result, abi.Page(text)))
    assert [sentence.split()[0] for sentence in found[:4]] == ["B", "A", "D", "E"] and len(found) == 6
    assert "D = 4" in abi.update(result, text) and "E = 5" not in abi.update(result, text)
