"""Promise: a machine that stops leaves its memory on a disk that was made for that, as a core file which gdb opens with all of
the kernel's commands; it writes to no other disk; and what QEMU itself dumps can be opened as well. A break on the serial
line, and an NMI, stop a machine that hangs. Every bugcheck that the kernel raises is explained.
"""

import json
import os
import re
import socket
import subprocess
import time

import pytest

import gdbrun
import qemu
import shell


def crash(path, commands="notmyfault irql", **settings):
    result = qemu.execute(commands, crash=str(path), **settings)
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    return result.output


def ask(core, *commands):
    """What gdb says to these commands about a core file."""
    return "\n".join(gdbrun.ask(f"core-file {core}", commands))


@pytest.mark.parametrize("smp", [1, 4])
def test_crash_file(tmp_path, smp):
    core = tmp_path / "crash.img"
    screen = crash(core, "sc start booster; notmyfault irql", smp=smp, disk="new")
    memory = re.search(r"(\d+) MB of memory", screen)[1]  # 127 MB, or what UEFI leaves
    assert "Crash files go to disk 1" in screen and f"Crash file: {memory} MB written" in screen, screen
    said = ask(core, "info threads", "nt analyze -v", "nt process", "nt drvobj booster", "nt lm", "nt vm", "nt dbgprint")
    assert len(re.findall(r"^[* ] +\d+ +.*LWP", said, re.M)) == smp, said
    assert "DRIVER_IRQL_NOT_LESS_OR_EQUAL (d1)" in said, said
    assert re.search(r"SYMBOL_NAME: +notmyfault!NotMyFaultDoPagedAtDispatch", said), said
    assert "IMAGE_NAME:  notmyfault.sys" in said, said
    assert re.search(r"booster!\w*|\\Driver\\booster", said, re.I), said
    assert "*** STOP: 0x000000D1" in said, said  # of the ring in memory
    assert "Traceback" not in said, said
    # The registers are those of the screen, and the processor that crashed is the first one.
    rip = re.search(r"^rip=([0-9a-f]{16})", screen, re.M)[1]
    assert f"0x{rip}" in ask(core, "print/x $rip"), rip
    assert os.stat(core).st_blocks * 512 < 64 << 20  # empty memory takes no room


def test_a_later_crash_replaces_it(tmp_path):
    core = tmp_path / "crash.img"
    crash(core, "notmyfault divide")
    crash(core, "bugcheck", mem="64M")
    assert "MANUALLY_INITIATED_CRASH (e2)" in ask(core, "nt analyze")
    crash(core, "notmyfault divide", mem="192M")  # it grows
    assert "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (7e)" in ask(core, "nt analyze")


def test_crash_file_when_a_callback_faults(tmp_path):
    core = tmp_path / "crash.img"
    driver = "bug_callback_faults"
    screen = crash(core, f"sc create {driver} type= kernel binPath= c:\\tests\\{driver}.sys; sc start {driver}")
    assert re.search(r"while reporting.*Crash file: \d+ MB written", screen, re.S), screen
    assert "MANUALLY_INITIATED_CRASH (e2)" in ask(core, "nt analyze")


LOAD = r"sc create {0} type= kernel binPath= c:\tests\{0}.sys; sc start {0}"


def test_what_drivers_save(tmp_path):
    """Their data are found by GUID; who wants to see what is saved is given all of it."""
    core = tmp_path / "crash.img"
    screen = crash(core, LOAD.format("bug_callbacks"))
    pieces = re.findall(r"^# io: reason 3, 24 of 24 bytes, type (\d), length (\d+)", screen, re.M)
    kinds = [kind for kind, _ in pieces]
    assert kinds[:2] == ["3", "3"] and kinds[-1] == "4" and set(kinds[2:-1]) == {"1", "2"}, kinds
    assert sum(int(length) for kind, length in pieces if kind == "2") > 120 << 20
    said = ask(core, "nt enumtag", "nt analyze -v")
    identity = "{12345678-9abc-def0-0102-030405060708}"
    assert re.search(rf"^{identity} - 0x14 bytes at \w+, of data\n  (a5 ){{16}} \.{{16}}\n  (a5 ){{4}}", said, re.M), said
    assert re.search(rf"^{identity} - 0xa bytes at \w+, of own data\n  6d 79 20 62 75 66 66 65 72 00 +my buffer\.$", said, re.M), said
    assert re.search(rf"^SECONDARY_DATA:.*\n{identity} 0x14 bytes, of data\n{identity} 0xa bytes, of own data$", said, re.M), said


def test_crash_file_when_one_who_looks_on_faults(tmp_path):
    core = tmp_path / "crash.img"
    screen = crash(core, LOAD.format("bug_dumpio_faults"))
    # It begins anew after each of two that fault while it is written; two that fault at the end do not matter to those behind them.
    assert screen.count("Writing memory") == 3 and screen.count("while reporting") == 4, screen
    ends = re.findall(r"^# onlooker (\d): the end, after (\d+) MB", screen, re.M)
    assert [who for who, _ in ends] == ["0", "5"] and all(int(size) > 120 for _, size in ends), ends
    assert re.search(r"Crash file: \d+ MB written", screen)
    assert "MANUALLY_INITIATED_CRASH (e2)" in ask(core, "nt analyze")


def test_no_other_disk_is_touched(tmp_path):
    other, small = tmp_path / "other", tmp_path / "small"
    other.write_bytes(b"mine" * (1 << 20))
    small.write_bytes(bytes((1 << 20) - 512) + qemu.CRASH_MARK.ljust(512, b"\0"))
    contents = other.read_bytes(), small.read_bytes()
    drives = [f"if=none,id={path.name},format=raw,file={path}" for path in (other, small)]
    result = qemu.execute(
        "bugcheck",
        mem="128M",
        devices=("virtio-blk-pci,drive=other", "virtio-blk-pci,drive=small"),
        qemu_extra=tuple(each for drive in drives for each in ("-drive", drive)),
    )
    assert "Disk 1 is marked for crash files, but too small: 130 MB are needed" in result.output, result.output
    assert "Writing memory" not in result.output
    assert (other.read_bytes(), small.read_bytes()) == contents
    with pytest.raises(SystemExit, match="no disk for crash files"):
        qemu.make_crash_disk(other, 1 << 20)


def test_make_analyze(tmp_path):
    core = tmp_path / "crash.img"

    def analyze(**settings):
        command = ["make", "-s", "analyze", f"CRASH={core}", *(f"{key}={value}" for key, value in settings.items())]
        return subprocess.run(command, capture_output=True, text=True, timeout=qemu.PATIENCE, cwd=qemu.ROOT)

    qemu.make_crash_disk(core, 128 << 20)
    empty = analyze()
    assert empty.returncode != 0 and "no complete crash file" in empty.stderr
    crash(core)
    assert "IMAGE_NAME:  notmyfault.sys" in analyze().stdout
    assert "notmyfault" in analyze(CMD="nt lm; nt irql").stdout


class Monitor:
    """QEMU's machine protocol: a line of JSON there and back."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + qemu.PATIENCE
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "event" not in answer:
                assert "error" not in answer, answer
                return answer["return"]


def load_notmyfault(console):
    """Where its code is: (start, end)."""
    console.run("sc start notmyfault")
    image = re.search(r"^([0-9A-F]{16})  ([0-9A-F]{16})  notmyfault\.sys", console.run("lm"), re.M)
    return [int(address, 16) for address in image.groups()]


def await_code(monitor, image, processors):
    """Return when so many processors are in it twice: once they may be on their way there."""
    start, end = image
    deadline = time.monotonic() + qemu.PATIENCE
    seen = 0
    while seen < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        registers = monitor.run("human-monitor-command", **{"command-line": "info registers -a"})
        there = sum(start <= int(rip, 16) < end for rip in re.findall(r"\bRIP=([0-9a-f]{16})", registers))
        seen += there >= processors


def test_what_qemu_dumps(tmp_path):
    qmp, core = tmp_path / "qmp", tmp_path / "core"
    with shell.boot(smp=2, qemu_extra=("-qmp", f"unix:{qmp},server=on,wait=off")) as console:
        console.child.sendline("notmyfault irql")
        console.child.expect_exact("The system is halted.")
        Monitor(qmp).run("dump-guest-memory", paging=True, protocol=f"file:{core}")
    said = ask(core, "nt analyze -v")
    assert "DRIVER_IRQL_NOT_LESS_OR_EQUAL (d1)" in said and "IMAGE_NAME:  notmyfault.sys" in said, said


@pytest.mark.parametrize("smp", [1, 4])
def test_break_key(tmp_path, smp):
    """A processor that spins at DISPATCH_LEVEL is where the report shows it."""
    qmp, core = tmp_path / "qmp", tmp_path / "crash.img"
    extra = ("-qmp", f"unix:{qmp},server=on,wait=off")
    with shell.boot(smp=smp, crash=str(core), cmdline="dpcwatchdog=0", qemu_extra=extra) as console:
        image = load_notmyfault(console)
        monitor = Monitor(qmp)
        console.child.sendline("notmyfault hangdpc")
        await_code(monitor, image, 1)
        monitor.run("chardev-send-break", id="com1")
        console.child.expect_exact("The system is halted.")
        screen = console.child.before
    assert "MANUALLY_INITIATED_CRASH" in screen and "notmyfault!RunForEver" in screen, screen
    assert "nt!KiHandleInterrupt" in screen or smp > 1, screen
    assert "RunForEver" in ask(core, "nt running -t", "nt analyze -v")


@pytest.mark.parametrize("fault, line, smp", [
    ("hangall", "com1", 1), ("hangall", "com1", 4), ("hanghigh", "com2", 1), ("hanghigh", "com2", 4), ("hanghigh", "nmi", 4)])
def test_nobody_runs_any_more(tmp_path, fault, line, smp):
    """All processors spin. Below the serial port's IRQL the break key of the console stops them; above, with interrupts off, that of
    the debugger's line does, which is an NMI, and so does the machine's own NMI."""
    qmp, core = tmp_path / "qmp", tmp_path / "crash.img"
    settings = {"debug_port": str(tmp_path / "com2")} if line == "com2" else {}
    # However long the host takes, it is the key that stops the machine, not the watchdog of the DPCs.
    extra = ("-qmp", f"unix:{qmp},server=on,wait=off")
    with shell.boot(smp=smp, crash=str(core), cmdline="dpcwatchdog=0", qemu_extra=extra, **settings) as console:
        image = load_notmyfault(console)
        monitor = Monitor(qmp)
        console.child.sendline(f"notmyfault {fault}")
        for _ in range(smp):
            console.child.expect(r"processor \d hangs")
        await_code(monitor, image, smp)
        if line == "nmi":
            monitor.run("inject-nmi")
        else:
            monitor.run("chardev-send-break", id=line)
        console.child.expect_exact("The system is halted.")
        screen = console.child.before
    assert ("NMI_HARDWARE_FAILURE" if line == "nmi" else "MANUALLY_INITIATED_CRASH") in screen, screen
    assert len(re.findall(r"^CPU \d, IRQL \d+", screen, re.M)) == smp and "does not answer" not in screen, screen
    routine = "RunForEver" if fault == "hangall" else "RunAtHighLevel"
    assert screen.count(f"notmyfault!{routine}") >= smp, screen
    assert f"notmyfault!{routine}" in ask(core, "nt running -t", "nt analyze -v")


def test_blue_screen(tmp_path):
    """What GRUB leaves is a screen of text: it is read from its memory, and its colour from QEMU's picture of it."""
    qmp, cells, picture = tmp_path / "qmp", tmp_path / "cells", tmp_path / "picture.ppm"
    with shell.boot(boot="grub", qemu_extra=("-qmp", f"unix:{qmp},server=on,wait=off")) as console:
        monitor = Monitor(qmp)
        console.child.sendline("notmyfault irql")
        console.child.expect_exact("The system is halted.\r")  # each sign goes to the screen after the port
        monitor.run("pmemsave", val=0xB8000, size=80 * 25 * 2, filename=str(cells))
        monitor.run("screendump", filename=str(picture))
    data = cells.read_bytes()
    assert set(data[1::2]) == {0x1F}, set(data[1::2])  # white on blue, everywhere
    lines = [data[start : start + 160 : 2].decode("ascii").rstrip() for start in range(0, len(data), 160)]
    assert lines[1].startswith("*** STOP: 0x000000D1 (0x"), lines
    assert any("DRIVER_IRQL_NOT_LESS_OR_EQUAL" in line for line in lines)
    assert any(line.startswith("Probably caused by : notmyfault.sys ( notmyfault!") for line in lines), lines
    assert lines[-1] == "The system is halted.", lines
    pixels = picture.read_bytes()[-720 * 400 * 3 :]
    blue = sum(pixels[i : i + 3] == b"\0\0\xa8" or pixels[i : i + 3] == b"\0\0\xaa" for i in range(0, len(pixels), 3))
    assert blue > len(pixels) // 3 * 0.7, blue


def font():
    """Each letter as the bits of its cell: the kernel's own font, with the empty rows around."""
    rows = re.findall(r"^    \{(0x.*?)\},", (qemu.ROOT / "kernel/hal/font.c").read_text(), re.M)
    letters = [bytes(2) + bytes(int(byte, 16) for byte in row.split(",")) + bytes(2) for row in rows]
    return {letter: chr(code) for code, letter in enumerate(letters, ord(" "))}


def read_picture(path):
    """The lines of text on a picture (PPM) of a screen that is white on blue everywhere."""
    _, width, height, _, pixels = re.match(rb"(P6)\s+(\d+)\s+(\d+)\s+(\d+)\s(.*)", path.read_bytes(), re.S).groups()
    width, height, letters = int(width), int(height), font()
    colours = [pixels[i : i + 3] for i in range(0, len(pixels), 3)]
    assert len(letters) == 95 and set(colours) == {b"\0\0\xa8", b"\xff\xff\xff"}, set(colours)
    bits = "".join("01"[colour[0] != 0] for colour in colours)

    def letter(column, row):
        starts = range(row * 16 * width + column * 8, (row + 1) * 16 * width, width)
        return letters[bytes(int(bits[start : start + 8], 2) for start in starts)]

    return ["".join(letter(i, j) for i in range(width // 8)).rstrip() for j in range(height // 16)]


def test_blue_screen_of_pixels(tmp_path):
    """What UEFI leaves are pixels: every letter of QEMU's picture is one of the font's."""
    qmp, picture = tmp_path / "qmp", tmp_path / "picture.ppm"
    with shell.boot(boot="uefi", qemu_extra=("-qmp", f"unix:{qmp},server=on,wait=off")) as console:
        monitor = Monitor(qmp)
        console.child.sendline("notmyfault irql")
        console.child.expect_exact("The system is halted.\r")  # each sign goes to the screen after the port
        monitor.run("screendump", filename=str(picture))
    lines = read_picture(picture)
    assert lines[1].startswith("*** STOP: 0x000000D1 (0x"), lines
    assert any("DRIVER_IRQL_NOT_LESS_OR_EQUAL" in line for line in lines), lines
    assert any(line.startswith("Probably caused by : notmyfault.sys ( notmyfault!") for line in lines), lines
    assert "The system is halted." in lines, lines


def test_stack_of_a_thread():
    """Through the switch of threads: one that waits, the console's own, and none."""
    with shell.boot(smp=2) as console:
        # It may be burying a thread of the start.
        text = shell.eventually(lambda: "KiSwapResume" in (said := console.run("stack 12")) and said, "the reaper does not wait")
        assert "usage: stack TID" in console.run("stack x")
    lines = re.findall(r"^  ffffffff[0-9a-f]{8}  nt!(\w+)", text, re.M | re.I)
    assert lines[0] == "KiSwapResume" and lines[-1] == "KiThreadStartup" and "PspReaperThread" in lines, text
    assert not qemu.execute("stack 4096").passed


def test_nmi(tmp_path):
    qmp = tmp_path / "qmp"
    with shell.boot(smp=2, qemu_extra=("-qmp", f"unix:{qmp},server=on,wait=off")) as console:
        Monitor(qmp).run("inject-nmi")
        console.child.expect_exact("The system is halted.")
        assert "NMI_HARDWARE_FAILURE" in console.child.before


def test_every_bugcheck_is_explained():
    """A code that stands in a call of the kernel's stands in its table of meanings, with a text."""
    raised = set()
    for path in (qemu.ROOT / "kernel").rglob("*.c"):
        text = path.read_text()
        for call in re.findall(r"\b(?:KeBugCheck(?:Ex|Blaming)?|KiBugCheck|IopBadIrp)\(([^;]*)", text):
            raised.update(re.findall(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b", call.partition(")")[0]))
    codes = set(re.findall(r"^#define (\w+) 0x", (qemu.ROOT / "lib/ddk/bugcodes.h").read_text(), re.M))
    table = (qemu.ROOT / "kernel/ke/bugcode.c").read_text().partition("KiBugParameters[]")[2]
    explained = set(re.findall(r"^    \{([A-Z0-9_]+),", table, re.M))
    assert len(raised & codes) > 40 and not (raised & codes) - explained, (raised & codes) - explained
