"""Promise: lib/ddk declares what a driver compiled against anyone's correct WDK-style headers expects.

Size and offset of every public structure, the value of every public constant, and the shape of every routine are compared
with an independent set of driver headers (Debian's mingw-w64-x86-64-dev). Where that set is older than Windows 10, or lacks an
item, the value stands here.
"""

import pytest

import layout

# Windows 10 x64, where the yardstick has the layout of an older Windows, or nothing.
WINDOWS_10 = {
    "sizeof(DEVICE_OBJECT)": 0x150,  # aligned as pool blocks are; the yardstick forgets it
    "sizeof(POOL_FLAGS)": 8,
    "sizeof(KAPC_ENVIRONMENT)": 4,
    "sizeof(UINT)": 4,
    "sizeof(BYTE)": 1,
    "sizeof(WORD)": 2,
    "sizeof(NT_VA_LIST)": 8,
    "__builtin_offsetof(KTIMER, TimerType)": 0x3A,
    "__builtin_offsetof(MDL, AllocationProcessorNumber)": 0x0C,
    "__builtin_offsetof(MDL, Reserved)": 0x0E,
    "__builtin_offsetof(IRP, AllocationProcessorNumber)": 0x04,
    "__builtin_offsetof(IRP, Reserved)": 0x06,
    "__builtin_offsetof(IRP, Tail.Overlay.IrpExtension)": 0xC8,
    "__builtin_offsetof(KWAIT_BLOCK, WaitType)": 0x10,
    "__builtin_offsetof(KWAIT_BLOCK, BlockState)": 0x11,
    "__builtin_offsetof(KWAIT_BLOCK, WaitKey)": 0x12,
    "__builtin_offsetof(KWAIT_BLOCK, SpareLong)": 0x14,
    "__builtin_offsetof(KWAIT_BLOCK, Thread)": 0x18,
    "__builtin_offsetof(KWAIT_BLOCK, Object)": 0x20,
    "__builtin_offsetof(KWAIT_BLOCK, SparePtr)": 0x28,
    "__builtin_offsetof(KEY_NAME_INFORMATION, NameLength)": 0x00,
    "__builtin_offsetof(KEY_NAME_INFORMATION, Name)": 0x04,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, LastWriteTime)": 0x00,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, TitleIndex)": 0x08,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, SubKeys)": 0x0C,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, MaxNameLen)": 0x10,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, Values)": 0x14,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, MaxValueNameLen)": 0x18,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, MaxValueDataLen)": 0x1C,
    "__builtin_offsetof(KEY_CACHED_INFORMATION, NameLength)": 0x20,
    "__builtin_offsetof(REG_QUERY_KEY_NAME, Object)": 0x00,
    "__builtin_offsetof(REG_QUERY_KEY_NAME, ObjectNameInfo)": 0x08,
    "__builtin_offsetof(REG_QUERY_KEY_NAME, Length)": 0x10,
    "__builtin_offsetof(REG_QUERY_KEY_NAME, ReturnLength)": 0x18,
    "__builtin_offsetof(REG_QUERY_KEY_NAME, CallContext)": 0x20,
    "__builtin_offsetof(REG_QUERY_KEY_NAME, ObjectContext)": 0x28,
    "__builtin_offsetof(REG_QUERY_KEY_NAME, Reserved)": 0x30,
    "sizeof(KEY_CACHED_INFORMATION)": 0x28,
    "sizeof(REG_QUERY_KEY_NAME)": 0x38,
    "RTL_QUERY_REGISTRY_NOSTRING": 0x80,
    "RTL_QUERY_REGISTRY_TYPECHECK": 0x100,
    "RTL_QUERY_REGISTRY_TYPECHECK_SHIFT": 24,
    "POOL_FLAG_USE_QUOTA": 0x01,
    "POOL_FLAG_UNINITIALIZED": 0x02,
    "POOL_FLAG_SESSION": 0x04,
    "POOL_FLAG_CACHE_ALIGNED": 0x08,
    "POOL_FLAG_RAISE_ON_FAILURE": 0x20,
    "POOL_FLAG_NON_PAGED": 0x40,
    "POOL_FLAG_NON_PAGED_EXECUTE": 0x80,
    "POOL_FLAG_PAGED": 0x100,
    "POOL_ZERO_ALLOCATION": 1024,
    "MdlMappingNoWrite": 0x80000000,
    "MdlMappingNoExecute": 0x40000000,
    "OriginalApcEnvironment": 0,
    "AttachedApcEnvironment": 1,
    "CurrentApcEnvironment": 2,
    "InsertApcEnvironment": 3,
    "MUTANT_INCREMENT": 1,
    "SYNCH_LEVEL": 12,
    "IMPERSONATING_WORKER_THREAD": 0xDF,  # the yardstick has the number of HTTP_DRIVER_CORRUPTED
    "FAST_FAIL_CORRUPT_LIST_ENTRY": 3,
    "MACHINE_CHECK_EXCEPTION": 0x9C,
    "DRIVER_VERIFIER_DETECTED_VIOLATION": 0xC4,
    "TIMER_OR_DPC_INVALID": 0xC7,
    "LOCKED_PAGES_TRACKER_CORRUPTION": 0xD9,
    "DPC_WATCHDOG_VIOLATION": 0x133,
    "KERNEL_SECURITY_CHECK_FAILURE": 0x139,
    "KERNEL_MODE_HEAP_CORRUPTION": 0x13A,
    "KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL": 0x192,
}
# How many reasons to wait there are grows with every Windows.
UNCOMPARED = {"MaximumWaitReason"}
# A comparison that has lost these is no comparison.
PRINCIPAL = (
    "DISPATCHER_HEADER KEVENT KSEMAPHORE KMUTANT KTIMER KDPC KAPC KWAIT_BLOCK KDEVICE_QUEUE KDEVICE_QUEUE_ENTRY "
    "DRIVER_OBJECT DRIVER_EXTENSION DEVICE_OBJECT FILE_OBJECT IRP IO_STACK_LOCATION IO_STATUS_BLOCK MDL LIST_ENTRY "
    "SLIST_HEADER UNICODE_STRING OBJECT_ATTRIBUTES FAST_MUTEX NPAGED_LOOKASIDE_LIST PAGED_LOOKASIDE_LIST "
    "GENERAL_LOOKASIDE WORK_QUEUE_ITEM LARGE_INTEGER ERESOURCE OWNER_ENTRY EX_RUNDOWN_REF KLOCK_QUEUE_HANDLE KGUARDED_MUTEX"
).split()


def expectation(expressions):
    """What Windows has for each expression that it is known to have."""
    if not layout.MINGW_FOLDER.exists():
        pytest.fail("the package mingw-w64-x86-64-dev is missing: make deps")
    return layout.measure(layout.MINGW, expressions) | {key: WINDOWS_10[key] for key in expressions if key in WINDOWS_10}


def compare(expressions):
    """Our values and Windows' values of the expressions that our headers have."""
    own = layout.measure(layout.OWN, expressions)
    windows = expectation(list(own))
    different = {key: (hex(value), hex(windows[key])) for key, value in own.items() if windows.get(key, value) != value}
    return own, windows, {key: pair for key, pair in different.items() if key not in UNCOMPARED}


def test_structures_have_windows_layout(record):
    expressions = list(dict.fromkeys(layout.measurable_structures(layout.OWN)))
    own, windows, different = compare(expressions)
    assert not different, "ours, Windows"
    assert not {f"sizeof({name})" for name in PRINCIPAL} - windows.keys() & own.keys()
    members = [key for key in own if "offsetof" in key]
    assert not [key for key in members if key not in windows], "add what Windows has for these to WINDOWS_10"
    assert len(members) > 250
    record(f"driver headers: {len(members)} members of structures compared with Windows'")


def test_constants_have_windows_values(record):
    own, windows, different = compare(list(dict.fromkeys(layout.measurable_constants(layout.OWN))))
    assert not different, "ours, Windows"
    compared = own.keys() & windows.keys()
    assert {"STATUS_PENDING", "IRP_MJ_DEVICE_CONTROL", "SynchronizationEvent", "DO_BUFFERED_IO", "DISPATCH_LEVEL"} <= compared
    record(f"driver headers: {len(compared)} constants compared")


def test_routines_take_what_windows_routines_take(record):
    own = layout.routines(layout.syntax_tree(layout.OWN))
    windows = layout.routines(layout.syntax_tree(layout.MINGW))
    common = own.keys() & windows.keys()
    different = {name: (own[name], windows[name]) for name in common if own[name] != windows[name]}
    assert not different, "ours, Windows"
    assert len(common) > 150
    record(f"driver headers: {len(common)} routines compared")


def test_what_headers_lack_is_not_measured():
    probe = layout.Headers(layout.OWN.includes + "typedef struct { char A; KDPC B; } PROBE;\n", layout.OWN.arguments)
    expressions = ["__builtin_offsetof(PROBE, B)", "sizeof(PROBE)", "sizeof(NOTHING)", "__builtin_offsetof(PROBE, C)"]
    assert layout.measure(probe, expressions) == {"__builtin_offsetof(PROBE, B)": 8, "sizeof(PROBE)": 0x48}
