"""Promise: gdb's `nt` commands for requests, devices, objects, handles, pools and page tables show what the kernel's own console
shows, on the machine, through QEMU's stub and through the kernel's own, and on a dump of it; the printers show what a driver has put into its variables; and whatever is damaged or is
no such thing ends in one line that says so.
"""

import random
import re

import gdbrun
import pytest

LOAD = r"sc create {0} type= kernel binPath= c:\tests\{0}.sys; sc start {0}"
DRIVERS = ("heldirp", "heldfilter", "subject")
# Tags whose figures do not change between the console's look and gdb's.
STEADY = ("Devi", "Driv", "Type", "Proc", "Sbjt")
KERNEL_ADDRESS = "0xffffffff80000000"
CONSOLE = ("devobj KmtHeld", "drvobj heldirp", "devstack KmtHeld", r"object \Device\KmtHeld", "handles", "pool", "vm", f"pte {KERNEL_ADDRESS}")

# Each in a bracket of its own: what is asked while something is damaged. {} is nothing, so that gdb's own braces stay.
DAMAGE = {
    "circle of devices": (
        "nt devstack KmtHeld",
        "set var ((DRIVER_OBJECT *)$held)->DeviceObject->NextDevice->AttachedDevice->AttachedDevice = $base",
        "set var $base->AttachedDevice->AttachedDevice = 0",
        r"the device stack goes in a circle",
    ),
    "wild device": (
        "nt devstack KmtHeld",
        "set var $base->AttachedDevice->AttachedDevice = (void *)0x1234",
        "set var $base->AttachedDevice->AttachedDevice = 0",
        r"there is no device object at 0000000000001234: the memory is not there",
    ),
    "circle of a driver's devices": (
        "nt drvobj heldirp 1",
        "set var $base->NextDevice = ((DRIVER_OBJECT *)$held)->DeviceObject",
        "set var $base->NextDevice = 0",
        r"list of devices is damaged",
    ),
    "list without a way back": (
        "nt list Subject.Items _SUBJECT_ITEM Link Number",
        "set var Subject.Item[1].Link.Flink = 0",
        "set var Subject.Item[1].Link.Flink = &Subject.Item[2].Link",
        r"Number=101\n.*broken at 0x0",
    ),
    "list that leads nowhere": (
        "nt list Subject.Items _SUBJECT_ITEM Link Number",
        "set var Subject.Item[1].Link.Flink = (void *)0xdeadbeefdeadbeef",
        "set var Subject.Item[1].Link.Flink = &Subject.Item[2].Link",
        r"Number=101\n.*broken at 0xdeadbeefdeadbeef",
    ),
    "list in a circle": (
        "nt dl Subject.Items",
        "set var Subject.Item[2].Link.Flink = &Subject.Item[1].Link",
        "set var Subject.Item[2].Link.Flink = &Subject.Items",
        r"goes in a circle",
    ),
    "list printed": (
        "print Subject.Items",
        "set var Subject.Item[2].Link.Flink = &Subject.Item[1].Link",
        "set var Subject.Item[2].Link.Flink = &Subject.Items",
        r"damaged after 3 entries",
    ),
    "request with too many locations": (
        "nt irp Subject.Write",
        "set var Subject.Write->StackCount = 100",
        "set var Subject.Write->StackCount = 1",
        r"the IRP at [0-9a-f]{16} is damaged: 100 stack locations in 280 bytes",
    ),
    "request past its end": (
        "nt irp Subject.Write",
        "set var Subject.Write->CurrentLocation = 77",
        "set var Subject.Write->CurrentLocation = 1",
        r"Irp is damaged: it has 1 stacks, and the current one is said to be 77",
    ),
    "pool header": (
        "nt pool Subject.Small",
        "set var ((unsigned char *)Subject.Small)[-14] = 99",
        "set var ((unsigned char *)Subject.Small)[-14] = $units",
        r"\*[0-9a-f]{16} damaged header: its check is",
    ),
    "string": (
        "print Subject.Text",
        "set var Subject.Text.Length = 0x1001",
        "set var Subject.Text.Length = Subject.Text.MaximumLength - 2",
        r"<damaged: a length of 4097, which is odd>",
    ),
    "string nowhere": (
        "print Subject.Text",
        "set var $text = Subject.Text.Buffer, Subject.Text.Buffer = (void *)0x1234",
        "set var Subject.Text.Buffer = $text",
        r"bytes at 0x1234 that cannot be read",
    ),
    "directory": (
        r"nt object \BaseNamedObjects",
        "set var $next = $directory->Entries.Flink->Flink, $directory->Entries.Flink->Flink = (void *)8",
        "set var $directory->Entries.Flink->Flink = $next",
        r"broken at 0x8",
    ),
}

ADDRESSES = ("0", "1", "0x1234", "ffffffffffffffff", "ffffe00000000000", "ffffa0007ffff000", "8000000000000000", "KeSetEvent")
RUINS = ((1, 300), (3, 2000))  # seed, words
TAKE_ADDRESS = ("irp", "devobj", "drvobj", "devstack", "object", "fileobj", "pool", "dl", "list", "dt _IRP", "handle 0 3")

COMMANDS = {
    "devobj": "nt devobj KmtHeld",
    "drvobj": "nt drvobj heldirp",
    "devstack": "nt devstack KmtHeld",
    "object": r"nt object \Device\KmtHeld",
    "directory": r"nt object \BaseNamedObjects",
    "link": r"nt object \??\C:",
    "objects": "nt object 0 Device",
    "handles": "nt handle",
    "handle": "nt handle Subject.Handle 7",
    "handles of a type": "nt handle 0 3 4 Ev*",
    "poolused": "nt poolused 1",
    "poolused sorted": "nt poolused 2",
    "vm": "nt vm",
    "pte": f"nt pte {KERNEL_ADDRESS}",
    "irpfind": "nt irpfind",
    "irpfind device": "nt irpfind 0 0 device Subject.Write->Tail.Overlay.CurrentStackLocation->DeviceObject",
    "irp held": "nt irp $irp",
    "irp write": "nt irp Subject.Write",
    "irp control": "nt irp Subject.Control 1",
    "pool small": "nt pool Subject.Small+40 2",
    "pool large": "nt pool Subject.Buffer+0x1700",
    "pool paged": "nt pool Subject.Paged 3",
    "pool special": "nt pool Subject.Special",
    "pool gone": "nt pool Subject.Gone",
    "pool beyond": "nt pool Subject.Special+0x70",
    "fileobj": "nt fileobj $file",
    "list": "nt list Subject.Items _SUBJECT_ITEM Link Number",
    "list empty": "nt list Subject.Empty",
    "dl": "nt dl Subject.Items",
    "dt": "nt dt _SUBJECT_ITEM Subject.Item[1]",
    "dt layout": "nt dt nt!_IO_STATUS_BLOCK",
    "subject": "print Subject",
    "irp printed": "print *Subject.Write",
    "mdl printed": "print *Subject.Mdl",
    "ioctldecode": "nt ioctldecode 9c402408",
    "addresses": "printf \"%p %p %p %p\\n\", Subject.Write, Subject.Control, Subject.Small, Subject.Write->MdlAddress",
}


def prepare(held, handles):
    """gdb's variables: addresses that the console told."""
    file = re.search(r"([0-9A-F]{16})  File ", handles)[1]
    return [
        f"set $irp = 0x{held}",
        f"set $file = 0x{file}",
        "set $base = ((IRP *)$irp)->Tail.Overlay.CurrentStackLocation->DeviceObject",
        "set $held = $base->DriverObject",
        "set $units = ((unsigned char *)Subject.Small)[-14]",
        "python gdb.set_convenience_variable('directory', "
        r"__import__('etude.memory').memory.structure(__import__('etude.namespace').namespace.lookup('\\BaseNamedObjects'), "
        "'OBJECT_DIRECTORY').address)",
    ]


def hurt_dump(dump, seed, words):
    """A copy of a dump in which that many words of memory are wrong: 0, all ones, anything, or a pointer to something else."""
    chance, data = random.Random(seed), bytearray(dump.read_bytes())
    pages = [at for at in range(8192, len(data) - 4096, 4096) if any(data[at : at + 4096 : 8])]
    for _ in range(words):
        at = chance.choice(pages) + 8 * chance.randrange(512)
        somewhere = chance.choice((0xFFFFE00000002000, 0xFFFFFFFF80300000, 0xFFFFA00000001000)) + 8 * chance.randrange(4096)
        data[at : at + 8] = chance.choice((0, (1 << 64) - 1, chance.getrandbits(64), somewhere)).to_bytes(8, "little")
    path = dump.with_name("hurt")
    path.write_bytes(data)
    return path


def by_name(answers):
    """{name: answer} of COMMANDS, without the numbers that gdb gives to values."""
    return {name: re.sub(r"^\$\d+ = ", "", text) for name, text in zip(COMMANDS, answers)}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(console's answers, gdb's, what gdb says to damage, to nonsense, and of dumps that are full of damage)."""
    nonsense = [f"nt {name} {address}" for name in TAKE_ADDRESS for address in ADDRESSES]
    damage = [[each[1], each[0], each[2]] for each in DAMAGE.values()]
    line = tmp_path_factory.mktemp("line") / "com2"
    with gdbrun.machine(smp=2, boot="direct", mem="32M", debug_port=str(line)) as (console, stub):
        dump = stub.with_name("core")
        loaded = "".join(console.run(LOAD.format(name)) for name in DRIVERS)
        said = {line.split()[0]: console.run(line) for line in CONSOLE}
        held = re.search(r"# IRP ([0-9A-F]{16})", loaded)[1]
        setup = prepare(held, said["handles"])
        commands = [setup, *COMMANDS.values(), *damage, *nonsense, *COMMANDS.values(), f"monitor dump-guest-memory -p {dump}"]
        answers = gdbrun.ask(f"target remote {stub}", commands)
        dead = gdbrun.ask(f"core-file {dump}", [setup, *COMMANDS.values()])
        over_line = gdbrun.ask(f"target remote {line}", [setup, *COMMANDS.values()])
        # The machine has run in between: a worker that nobody needs any more may have ended, say. Then the next two say the same.
        now = dead
        for _ in range(5):
            if over_line[1:] == now[1:]:
                break
            now = gdbrun.ask(f"target remote {stub}", [setup, *COMMANDS.values()])
            over_line = gdbrun.ask(f"target remote {line}", [setup, *COMMANDS.values()])
        ruins = [gdbrun.ask(f"core-file {hurt_dump(dump, seed, words)}", COMMANDS.values()) for seed, words in RUINS]
        for name in reversed(DRIVERS):
            assert "STATUS_" not in console.run(f"sc stop {name}")
    said["held"] = held.lower()
    size = len(COMMANDS)
    first, again = by_name(answers[1:]), by_name(answers[-size - 1 :])
    assert answers[0] == "" and dead[0] == "" and over_line[0] == "", (answers[0], dead[0], over_line[0])
    assert again == first, "what was damaged is mended, and nothing else has changed"
    assert by_name(dead[1:]) == first, "a dump says the same"
    assert by_name(over_line[1:]) == by_name(now[1:]), "and so does the kernel's own stub"
    hurt = dict(zip(DAMAGE, answers[1 + size :]))
    wrong = dict(zip(nonsense, answers[1 + size + len(DAMAGE) :]))
    return said, first, hurt, wrong, ruins


def test_devices_are_those_of_the_console(shown):
    said, nt, *_ = shown
    for pattern in (r"DriverObject ([0-9a-fA-F]{16})", r"RefCount (\d+)", r"Type ([0-9a-f]{8})", r"StackSize (\d+)", r"DevObjExt (\w+)",
                    r"\(Upper\) (\w+)", r"object \((\w+)\)", r"Device queue is (\w+)"):
        assert re.search(pattern, nt["devobj"])[1].lower() == re.search(pattern, said["devobj"])[1].lower(), pattern
    assert r"\Device\KmtHeld \Driver\heldirp" in nt["devobj"] and "DO_DEVICE_HAS_NAME" in nt["devobj"]
    row = r"^([> ]) ([0-9A-Fa-f]{16}) +(\S+)"
    stack = re.findall(row, nt["devstack"], re.M)
    assert [(mark, at, name) for mark, at, name in stack] == [
        (mark, at.lower(), name) for mark, at, name in re.findall(row, said["devstack"], re.M)
    ]
    assert [name for _, _, name in stack] == [r"\Driver\heldfilter", r"\Driver\heldirp"]


def test_a_driver_is_that_of_the_console(shown):
    said, nt, *_ = shown
    routines = dict(re.findall(r"^(IRP_MJ_\w+|DriverUnload:|DriverEntry:) +(heldirp!\S+)", said["drvobj"], re.M))
    assert len(routines) >= 6
    mine = dict(re.findall(r"^(?:\[..\] )?(IRP_MJ_\w+|DriverUnload:|DriverEntry:) +[0-9a-f]{16}  (heldirp!\S+)", nt["drvobj"], re.M))
    assert mine == routines
    assert nt["drvobj"].count("nt!IopInvalidDeviceRequest") == 28 - 4
    assert re.search(r"Device Object list:\n[0-9a-f]{16}  \\Device\\KmtHeldFilter\n[0-9a-f]{16}  \\Device\\KmtHeld\n", nt["drvobj"])


def test_objects_are_those_of_the_console(shown):
    said, nt, *_ = shown
    for pattern in (r"Object: (\w+)", r"Type: \((\w+)\) Device", r"ObjectHeader: (\w+)", r"HandleCount: (\d+)", r"PointerCount: (\d+)",
                    r"Directory Object: (\w+)", r"Name: (\S+)"):
        assert re.search(pattern, nt["object"])[1].lower() == re.search(pattern, said["object"])[1].lower(), pattern
    assert re.search(r"^     \d\d  [0-9a-f]{16} Event +Subject$", nt["directory"], re.M)
    assert re.search(r"SymbolicLink\n.*Target String is '\\Device\\", nt["link"], re.S)
    count = re.search(r"type Device: (\d+) exist", nt["objects"])[1]
    assert nt["objects"].endswith(f"{count} objects found") and r"Name: \Device\KmtSubject" in nt["objects"]


def test_handles_are_those_of_the_console(shown):
    said, nt, *_ = shown
    row = r"^ *([0-9a-f]+)  ([0-9A-F]{16})  \w+ +([0-9a-f]{8}) "
    console = [(int(value, 16), at.lower(), granted) for value, at, granted in re.findall(row, said["handles"], re.M)]
    row = r"^([0-9a-f]{4}): Object: (\w+)  GrantedAccess: ([0-9a-f]{8})"
    assert [(int(value, 16), at, granted) for value, at, granted in re.findall(row, nt["handles"], re.M)] == console
    assert r"Name: \BaseNamedObjects\Subject" in nt["handle"] and "notification event, not signaled" in nt["handle"]
    assert len(console) > 128, "the table has two levels"
    assert nt["handles of a type"].count(r"Name: \BaseNamedObjects\Subject") == 151 and ") File" not in nt["handles of a type"]


def test_pool_figures_are_those_of_the_console(shown):
    said, nt, *_ = shown
    found = {}
    for tag, kind, *figures in re.findall(r"^(.{4}) (NonPaged|Paged) +allocs (\d+) frees (\d+) diff (\d+) bytes (\d+)", said["pool"], re.M):
        found.setdefault(tag, {})[kind] = [int(each) for each in figures]
    mine = {}
    for line in nt["poolused"].splitlines():
        if re.match(r".{4} +\d+ +\d", line):
            figures = [int(each) for each in line[5:].split()[:8]]
            mine[line[:4]] = figures
    for tag in STEADY:
        for at, kind in ((0, "NonPaged"), (4, "Paged")):
            assert mine[tag.ljust(4)][at : at + 4] == found[tag.ljust(4)].get(kind, [0, 0, 0, 0]), (tag, kind)
    used = [int(line[5:].split()[1]) for line in nt["poolused sorted"].splitlines()[4:-1]]
    assert used == sorted(used, reverse=True) and len(used) > 10
    assert re.search(r"^Sbjt.* subject$", nt["poolused"], re.M)


def test_memory_is_that_of_the_console(shown):
    said, nt, *_ = shown
    for mine, its in ((r"Physical Memory: +(\d+)", r"total pages (\d+)"), (r"Driver Images: +(\d+)", r"image pages (\d+)"),
                      (r"Page Tables: +(\d+)", r"page table pages (\d+)"), (r"Locked by MDLs: +(\d+)", r"locked pages (\d+)")):
        assert re.search(mine, nt["vm"])[1] == re.search(its, said["vm"])[1], mine
    steps = [(level, at.lower(), entry.lower()) for level, at, entry in re.findall(r"^(p\w+) at (\w+) contains (\w+)", said["pte"], re.M)]
    assert [(level.lower(), at, entry) for level, at, entry in re.findall(r"^(P\w+) at (\w+) contains (\w+)", nt["pte"], re.M)] == steps
    assert len(steps) >= 2


def test_requests_are_found_and_shown(shown):
    said, nt, *_ = shown
    write, control, _, mdl = (f"{int(each, 16):016x}" for each in nt["addresses"].split())
    assert {said["held"], write, control} <= set(re.findall(r"^([0-9a-f]{16}) \[", nt["irpfind"], re.M))
    assert set(re.findall(r"^([0-9a-f]{16}) \[", nt["irpfind device"], re.M)) == {write, control}
    held = nt["irp held"]
    assert "Irp is active with 2 stacks 1 is current" in held
    assert re.search(r"^>\[IRP_MJ_FLUSH_BUFFERS\(9\), N/A\(0\)\]\n +0 e1 .* Success Error Cancel pending\n.*KmtHeld .*heldirp!Pass$", held, re.M)
    assert re.search(r"^ \[IRP_MJ_FLUSH_BUFFERS\(9\), N/A\(0\)\]\n +0 e0 .* Success Error Cancel\n.*KmtHeldFilter .*heldirp!Free$", held, re.M)
    assert f"Mdl={mdl}" in nt["irp write"] and "Length 0x1800  Key 0x0  ByteOffset 0x200" in nt["irp write"]
    assert "CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)  in 0x10" in nt["irp control"]
    assert "RequestorMode = 00000000 KernelMode" in nt["irp control"] and "SystemBuffer: 00 00" in nt["irp control"]
    assert re.search(r"^\\Device\\Serial0\n\nDevice Object: \w+   \\Device\\Serial0 \\Driver\\serial$", nt["fileobj"], re.M)
    assert "FO_SYNCHRONOUS_IO" in nt["fileobj"]


def test_a_block_of_pool_has_its_owner(shown):
    _, nt, *_ = shown
    small = int(nt["addresses"].split()[2], 16)
    assert re.search(rf"^\*{small - 16:016x} size: +80 previous size: +\w+  \(Allocated\)  Sbjt\n\t\tPooltag Sbjt, allocated by subject!",
                     nt["pool small"], re.M)
    assert "tag is Sbjt, size is 0x2000 bytes" in nt["pool large"] and "allocated by subject!" in nt["pool large"]
    assert "is Paged pool" in nt["pool paged"] and "(Allocated)  Sbjt" in nt["pool paged"]
    assert re.search(r"is Nonpaged special pool\n\*\w+ size: +64 .*\(Allocated, special pool\)  Sbjt\n.*allocated by subject!", nt["pool special"])
    assert re.search(r"^nt pool: \w+ freed: whoever touches it faults$", nt["pool gone"], re.M)
    assert "unmapped, so that overruns fault" in nt["pool beyond"]


def test_lists_and_layouts(shown):
    _, nt, *_ = shown
    assert re.findall(r"Number=(\d+)", nt["list"]) == ["100", "101", "102"] and nt["list"].endswith("3 entries")
    assert nt["list empty"] == "the list is empty"
    assert len(nt["dl"].splitlines()) == 4
    assert re.search(r"\+0x000 Number +: 101\n +\+0x008 Link +: \[ .* \] 3 others", nt["dt"])
    assert re.search(r"_IO_STATUS_BLOCK, 0x10 bytes\n +\+0x000 Status +: NTSTATUS\n.*\n +\+0x008 Information", nt["dt layout"])


def test_printers(shown):
    _, nt, *_ = shown
    for text in (r'Text = L"quoted \"text\" →"', 'Narrow = "narrow"', "Moment = -100000 (0xfffffffffffe7960)",
                 "Identity = {4d36e967-e325-11ce-bfc1-08002be10318}", "Status = 0xc0000022 STATUS_ACCESS_DENIED",
                 "Header = NotificationEvent, signaled, 0 waiting", "Header = Semaphore, count 2, 0 waiting"):
        assert text in nt["subject"], text
    assert re.search(r"Items = \[ .* \] 3 others", nt["subject"]) and re.search(r"Empty = \[ .* \] empty", nt["subject"])
    assert "<IRP_MJ_WRITE, location 1 of 1>" in nt["irp printed"] and "MdlAddress = 0x" in nt["irp printed"]
    assert re.search(r"<0x1800 bytes at 0xffffe\w+, 2 pages, MDL_SOURCE_IS_NONPAGED_POOL, pfn \w+ \w+>", nt["mdl printed"])


def test_control_codes(shown):
    _, nt, *_ = shown
    assert "CTL_CODE(0x9c40, 0x902, METHOD_BUFFERED, FILE_ANY_ACCESS)" in nt["ioctldecode"]


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told(shown, name):
    text = shown[2][name]
    assert re.search(DAMAGE[name][3], text), text
    assert "Traceback" not in text and not re.search(r"\w+Error:", text), text


@pytest.mark.parametrize("name", TAKE_ADDRESS)
def test_nonsense_is_one_line(shown, name):
    for command, text in shown[3].items():
        if command.startswith(f"nt {name} "):
            assert text and "Traceback" not in text and not re.search(r"\w+Error:", text), (command, text)
            if text.startswith("nt "):
                assert len(text.splitlines()) == 1, (command, text)


@pytest.mark.parametrize("index", range(len(RUINS)))
def test_a_dump_full_of_damage_is_shown_as_far_as_it_goes(shown, index):
    answers = dict(zip(COMMANDS, shown[4][index]))
    for name, text in answers.items():
        assert "Traceback" not in text and "Python Exception" not in text and not re.search(r"\w+Error: ", text), (name, text)
    assert sum(text == shown[1][name] for name, text in answers.items()) >= 3, "what is not damaged is shown as it was"
