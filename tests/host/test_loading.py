"""Promise: a driver's image stays while anybody may still run in it, is there once only, and leaves its place when it goes; in the
end the memory of images is what it was."""

import re

import pytest

import shell
from accounts import settled, settled_difference

LINE = re.compile(r"^[0-9A-F]{16}  [0-9A-F]{16}  (\S+)", re.M)


@pytest.fixture(scope="module")
def console():
    with shell.boot(smp=2) as console:
        yield console


def modules(console):
    return LINE.findall(console.run("lm").partition("Unloaded modules")[0])


def await_unload(console):
    """The last close of beep sends a worker, which nobody waits for."""
    shell.eventually(lambda: "STOPPED" in console.run("sc query beep") and "beep.sys" not in modules(console), "the last close did not unload")


def test_modules_have_symbols(console):
    text = console.run("lm")
    assert {"nt", "serial.sys", "beep.sys", "kmelody.sys"} <= set(LINE.findall(text)) and "no symbols" not in text
    base = re.search(r"^([0-9A-F]{16}).*beep\.sys", text, re.M)[1]
    assert "beep!DriverEntry" in console.run(f"ln 0x{int(base, 16) + 0x1000:x}")
    assert console.run("ln 0x10").strip() == "0000000000000010"


def test_the_last_close_unloads(console):
    """kmelody holds the Beep device open from its first use on."""
    console.run("melody play x:d=1,b=30:c,d,e")
    assert "STOP_PENDING" in console.run("sc stop beep")
    assert "beep.sys" in modules(console)
    assert "FAILED" in console.run("sc start beep")
    assert "STOPPED" in console.run("sc stop kmelody")  # in the middle of a note
    assert "kmelody.sys" not in modules(console)
    await_unload(console)
    assert re.findall(r"^ +\d+ +(\d+)\s*$", console.run("tones"), re.M)[-1] == "0", "the speaker has been left on"
    assert "RUNNING" in console.run("sc start kmelody")
    assert "STATUS_OBJECT_NAME_NOT_FOUND" in console.run("melody wait"), "the player opens without a speaker"
    assert "RUNNING" in console.run("sc start beep")
    assert "STATUS" not in console.run("melody wait")


def test_one_image_for_one_service(console):
    console.run(r"sc create twin type= kernel binPath= c:\drivers\beep.sys")
    text = console.run("sc start twin")
    assert "FAILED" in text and "loaded already" in text
    assert modules(console).count("beep.sys") == 1
    console.run("sc delete twin")


def test_missing_files_are_named(console):
    console.run(r"sc create ghost type= kernel binPath= c:\drivers\ghost.sys")
    text = console.run("sc start ghost")
    assert r"c:\drivers\ghost.sys: no such file" in text and "FAILED 2:" in text
    console.run("sc delete ghost")


def test_paths_in_any_spelling(console):
    console.run("sc stop kmelody")
    for path in (r"\SystemRoot\Drivers\KMELODY.SYS", r"\??\C:\drivers/kmelody.sys", r"drivers\kmelody.sys"):
        console.run(f"sc create tune type= kernel binPath= {path}")
        assert "RUNNING" in console.run("sc start tune"), path
        assert "STOPPED" in console.run("sc stop tune")
        console.run("sc delete tune")
    console.run("sc start kmelody")


def test_loads_and_last_closes_leave_nothing(console):
    def round():
        console.run("melody play x:d=1:c")
        console.run("sc stop beep")
        console.run("sc stop kmelody")
        await_unload(console)
        console.run("sc start beep")
        console.run("sc start kmelody")

    round(), round()
    before = settled(console)
    for _ in range(20):
        round()
    assert settled_difference(console, before) == {}
