"""Promise: the console takes commands as people type them, and each command shows what it says it shows."""

import random
import re

import pytest

import qemu
import shell
from accounts import POOL

COMMANDS = "help sc drivers devices threads irql beep melody tones cpus interrupts dpcs timers pool poolmon".split()
COMMANDS += ["bugcheck", "shutdown", "reboot"]
REFUSED_BEEPS = ["beep", "beep 440", "beep 440 x", "beep 36 100", "beep 32768 100", "beep -1 9", "beep 99999999999999999999 1"]

NO_ADDRESS = "is no address; one is a hexadecimal number, like FFFFF78000000000"
WRONG = [
    ("stack 9999", "There is no thread 9999; `threads` lists them."),
    ("stack 0x7fffffff", "There is no thread 0x7fffffff"),
    ("stack me", "me is no number."),
    ("stack", "usage: stack TID"),
    ("stack {me}", "Thread {me} runs; one that waits has a stack to be shown."),
    ("suspend 9999", "There is no thread 9999; `threads` lists them."),
    ("suspend {me}", "Thread {me} is this console's: nobody could resume it."),
    ("resume 9999", "There is no thread 9999; `threads` lists them."),
    ("resume x y", "usage: resume TID"),
    ("handles 9999", "There is no process 9999; `ps` lists them."),
    ("handles all", "all is no number."),
    ("quota 9999", "There is no process 9999; `ps` lists them."),
    ("quota x", "x is no number."),
    ("quota 4 1", "usage: quota"),
    ("pte xyz", f"pte: xyz {NO_ADDRESS}"),
    ("pte 0x8000000000000000", "pte: 8000000000000000 can be no address: bits 47 to 63 differ"),
    ("pte", "usage: pte ADDRESS"),
    ("ln xyz", f"ln: xyz {NO_ADDRESS}"),
    ("irp xyz", f"irp: xyz {NO_ADDRESS}"),
    ("irp 10", "irp: there is no IRP at 0000000000000010"),
    ("devobj NoSuch", "No device is called NoSuch; `devices` lists them."),
    ("devobj BEEF", "No device is called BEEF; `devices` lists them."),
    ("devobj 0xBEEF", "There is no device at 000000000000BEEF; `devices` lists them."),
    ("devobj FFFFE00000000010", "There is no device at FFFFE00000000010; `devices` lists them."),
    ("devstack 0x12", "There is no device at 0000000000000012; `devices` lists them."),
    ("drvobj NoSuch", "No driver is called NoSuch; `drivers` lists them."),
    ("object Device", "A path begins with a backslash, like \\Device\\Beep."),
    (r"object \NoSuch", r"There is no \NoSuch; `winobj` lists a directory."),
    ("winobj Device", "A path begins with a backslash, like \\Device\\Beep."),
    (r"winobj \NoSuch\x", r"There is no \NoSuch\x; `winobj` lists a directory."),
    (r"dir c:\nosuch", r"There is no folder or file c:\nosuch; `dir` lists all."),
    (r"type c:\nosuch", r"There is no file c:\nosuch; `dir` lists them."),
    ("notmyfault foo", "No fault is called foo; `notmyfault` lists them."),
    ("notmyfault null null", "usage: notmyfault [FAULT]"),
    ("pool zzzz", "Nothing has been allocated with the tag zzzz."),
    ("trace start foo", "foo: not a kind of event; there are interrupts irql"),
    ("dbgkflt nosuch 1", 'No component is called "nosuch"; `dbgkflt all` lists them.'),
    ("help nosuch", "nosuch: no such command"),
]


@pytest.fixture(scope="module")
def console():
    with shell.boot(smp=2) as console:
        yield console


def rows(text):
    """Lines that begin with a number, split."""
    return [line.split() for line in text.splitlines() if re.match(r" *\d", line)]


def test_help_lists_every_command_with_a_line(console):
    text = console.run("help")
    for command in COMMANDS:
        assert re.search(rf"^ *{command}\b.* \w+", text, re.M), f"{command} is missing\n{text}"
    assert text.splitlines() == [line.rstrip() for line in text.splitlines()]


def test_an_unknown_command_is_named(console):
    assert "frobnicate" in console.run("frobnicate 1 2")


def test_nothing_typed_nothing_said(console):
    assert console.run("").strip() == ""
    assert console.run("   ").strip() == ""


def test_irql(console):
    text = console.run("irql")
    for name, level in (("PASSIVE_LEVEL", 0), ("APC_LEVEL", 1), ("DISPATCH_LEVEL", 2), ("CLOCK_LEVEL", 13), ("HIGH_LEVEL", 15)):
        assert re.search(rf"{name}\D+8? ?\D*\b{level}\b", text), text


def test_cpus(console):
    text = console.run("cpus")
    assert "2 running of 2 found" in text
    assert re.findall(r"^ +(\d+) +\d+ +\d+% +\d+ +\d+ ", text, re.M) == ["0", "1"], text


def test_interrupts_count(console):
    """The serial line's interrupts, which bring these very characters, are counted."""

    def serial():
        match = re.search(r"serial!\w+ .*?(\d+) claimed", console.run("interrupts"))
        assert match, "the serial driver's interrupt is not listed"
        return int(match[1])

    before = serial()
    console.run("irql")
    assert serial() > before


def test_dpcs_are_queued_on_every_processor(console):
    kinds = [row[:2] for row in rows(console.run("dpcs"))]
    assert kinds == [[cpu, kind] for cpu in "01" for kind in ("ordinary", "threaded")]


def test_timers_show_a_sounding_beep(console):
    console.run("melody play x:d=1,o=5,b=1:c")  # four minutes
    shell.eventually(lambda: re.search(r" in +\d+\.\d+ ms .*\bbeep!", console.run("timers")), "the beep has no timer")
    console.run("melody stop")
    console.run("melody wait")
    assert "beep!" not in console.run("timers")


def test_threads(console):
    text = console.run("threads")
    assert len(rows(text)) >= 4, text
    assert "running" in text and "waiting" in text and "Console" in text, text
    assert all(int(row[0]) % 4 == 0 for row in rows(text)), text


def test_drivers_and_devices(console):
    text = console.run("drivers")
    assert re.search(r"^serial .*Serial0", text, re.M) and re.search(r"^beep .*Beep", text, re.M), text
    text = console.run("devices")
    assert re.search(r"^Serial0 .*serial", text, re.M) and re.search(r"^Beep .*beep", text, re.M), text


def test_pool_counts_add_up(console):
    text = console.run("pool")
    lines = POOL.findall(text)
    assert len(lines) > 5, text
    for tag, _, allocations, frees, count, size in lines:
        assert int(allocations) - int(frees) == int(count), tag
        assert (int(size) > 0) == (int(count) > 0), tag
    (tag, *_), *_ = lines
    assert {line[0] for line in POOL.findall(console.run(f"pool {tag}"))} == {tag}


def test_beep_lasts_as_long_as_asked():
    """By a clock that stands still when the host does: instructions are counted."""
    trace = re.findall(r"^ +(\d+) +(\d+)$", qemu.execute("beep 440 100; tones", icount=True).output, re.M)
    (start, hertz), (end, silence) = trace[-2:]
    assert (hertz, silence) == ("440", "0")
    assert 99 <= (int(end) - int(start)) / 10000 <= 105


@pytest.mark.parametrize("command", REFUSED_BEEPS)
def test_beep_refuses(console, command):
    before = console.run("tones")
    text = console.run(command)
    assert re.search(r"usage|STATUS_INVALID_PARAMETER", text), text
    assert console.run("tones") == before


def test_wrong_arguments_show_the_usage(console):
    for command in ("irql now", "melody", "melody dance", "cpus 1 2 3"):
        assert re.search(r"usage", console.run(command), re.I), command


@pytest.mark.parametrize(("command", "answer"), WRONG, ids=[command for command, _ in WRONG])
def test_a_wrong_argument_is_explained(console, command, answer):
    """What is wrong, and what would be right."""
    me = re.search(r"^ *(\d+)  Console ", console.run("threads"), re.M)[1]
    text = console.run(command.replace("{me}", me))
    assert answer.replace("{me}", me) in text, text


def test_addresses_are_taken_as_they_are_shown(console):
    address = re.search(r"^([0-9A-F]{16})  [0-9A-F]{16}  nt", console.run("lm"), re.M)[1]
    for command in ("pte", "ln"):
        assert console.run(f"{command} {address}") == console.run(f"{command} 0x{address}")
    assert "nt" in console.run(f"ln {address}") and "pxe at" in console.run(f"pte {address}")


def test_line_editing(console):
    """Backspace, cursor keys, home and end, kill line; history by the up key."""
    console.child.send("beeep\x7f\x7fp nonsense\x15irqx\x7fl")
    assert "PASSIVE_LEVEL" in console.run("")
    console.child.send("rql\x1b[Hi\x1b[F")
    assert "PASSIVE_LEVEL" in console.run("")
    console.child.send("ixql\x1b[D\x1b[D\x7fr")
    assert "PASSIVE_LEVEL" in console.run("")
    console.run("cpus")
    console.child.send("\x1b[A\x1b[A")
    assert "PASSIVE_LEVEL" in console.run("")


def test_tab_completes_commands(console):
    console.child.send("interr\t")
    assert "serial" in console.run("").lower()


def test_a_line_that_is_too_long(console):
    console.feed(b"x" * 5000)
    console.feed(b"\x15")
    console.catch_up()
    assert "PASSIVE_LEVEL" in console.run("irql")


def test_pasted_lines_are_all_executed(console):
    console.child.send("irql\r" * 20)
    for _ in range(20):
        assert "PASSIVE_LEVEL" in console.prompt()


def test_any_bytes_do_no_harm(console):
    """Every byte value alone, in pairs with escape, and random ones; but for those that end a line."""
    values = [value for value in range(256) if value not in b"\r\n"]
    console.feed(bytes(values) + bytes(reversed(values)))
    console.feed(b"".join(bytes((27, value, 27, 91, value)) for value in values))
    console.feed(bytes(random.Random(1).choices(values, k=2000)))
    console.feed(b"\x1b\x15\x15")
    console.feed(b"\r")
    console.catch_up()
    assert "PASSIVE_LEVEL" in console.run("irql")


def test_shutdown_switches_off():
    with shell.boot() as console:
        console.child.send("shutdown\r")
        assert console.ends() == 0


def test_reboot_comes_back():
    with shell.boot() as console:
        console.run("sc stop beep")
        console.child.send("reboot\r")
        console.prompt()
        assert "PASSIVE_LEVEL" in console.run("irql")
        assert "RUNNING" in console.run("sc query beep")


def test_dir_shows_one_folder(console):
    text = console.run("dir")
    assert re.search(r"^ +<DIR>  c:\\music$", text, re.M) and "furelise" not in text, text
    assert re.search(r"^ +\d+  c:\\registry\.reg$", text, re.M), text
    text = console.run(r"dir C:\Music")
    assert re.search(r"^ +\d+  c:\\music\\furelise\.rtttl$", text, re.M) and "<DIR>" not in text, text
