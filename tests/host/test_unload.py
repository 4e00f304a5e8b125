"""Promise: a driver goes when nothing needs it any more, and not before: neither while a device of its is open, nor while a
thread runs in it.

The drivers tests/kmt/holder.c (has the beep device open until it is stopped itself) and lateexit.c (leaves a thread behind) say
in notes what they see.
"""

import re

import qemu
import shell


def run(commands, smp=2):
    result = qemu.execute(commands, smp=smp)
    assert result.passed, f"{result.explain()}\n{result.output}"
    return result.output.replace("\r", "")


def state(answer):
    """What sc tells of a service."""
    return re.search(r"STATE *: \d+ +(\w+)", answer)[1]


def await_stop(console, name):
    """What the service's state is in the end, once its stop is no longer pending."""
    return shell.eventually(lambda: (found := state(console.run(f"sc query {name}"))) != "STOP_PENDING" and found, "the stop stays pending")


def test_open_device_delays_the_unload():
    with shell.boot(smp=2) as console:
        console.run(r"sc create h type= kernel binPath= c:\tests\holder.sys")
        console.run("sc start h")
        assert state(console.run("sc stop beep")) == "STOP_PENDING"
        assert state(console.run("sc query beep")) == "STOP_PENDING"
        assert "Beep (unload pending)" in console.run("drivers")
        assert "opening it once more: 0xC000000E" in console.run("sc stop h"), "a device that is going away was opened"
        assert state(console.run("sc query h")) == "STOPPED"
        # Nobody waits for the worker that the last close sends.
        assert await_stop(console, "beep") == "STOPPED", "the last close did not unload"
        assert not re.search(r"^beep +Driver", console.run(r"winobj \Driver"), re.M)
        assert state(console.run("sc start beep")) == "RUNNING"
        assert "STATUS" not in console.run("beep 440 20")


def test_thread_keeps_the_image():
    note = "the thread has outlived the unload"
    with shell.boot(smp=2) as console:
        console.run(r"sc create l type= kernel binPath= c:\tests\lateexit.sys")
        for _ in range(2):
            assert state(console.run("sc start l")) == "RUNNING"
            if note not in console.run("sc stop l"):
                console.wait(note)  # sc gives the driver a second, a slow host's thread takes longer
            assert await_stop(console, "l") == "STOPPED"


CREATE = r"sc create {0} type= kernel binPath= c:\tests\{0}.sys; sc start {0}; sc stop {0}"


def test_what_is_left_behind_is_reported():
    output = run(CREATE.format("leaky") + "; lm; sc start leaky; sc stop leaky; irql")
    report = output[output.index("leaky.sys is being unloaded and leaves behind") : output.index("> lm")]
    for pattern in (
        r"armed timer [0-9A-F]+: leaky!Expired",
        r"thread [0-9A-F]+: leaky!Sleeper",
        r"code that runs, in thread [0-9A-F]+: leaky!Linger",
        r"work item that runs, in thread [0-9A-F]+: leaky!Linger",
        r"handle [0-9a-f]+ to Event: opened at leaky!",
        r"ERESOURCE that was not deleted, made [0-9A-F]+: leaky!",
        r"symbolic link, made [0-9A-F]+: leaky!",
        r"pool Left: 1 blocks, \d+ bytes, allocated at leaky!",
    ):
        assert re.search(pattern, report), report
    assert output.count("leaves behind") == 2, "what an image left is not held against the next one\n" + output
    assert "Unloaded modules:\n" in output and re.search(r"^[0-9A-F]{16}  [0-9A-F]{16}  leaky\.sys$", output, re.M), output


def test_forgotten_notifications_are_reported():
    create = r"sc create {0} type= kernel binPath= c:\tests\pnpforget.sys"
    with shell.boot(smp=2) as console:
        console.run(create.format("pnpfails"))
        text = console.run("sc start pnpfails")
        assert re.search(r"io: \\Driver\\pnpfails failed and leaves a plug and play notification behind: pnpforget!Forgotten", text), text
        assert "pnpforget.sys" not in console.run("lm").partition("Unloaded modules")[0], "it is taken back"
        assert "leaves" not in console.run("sc start pnpfails").replace("failed and leaves", "", 1), "once for each"
        console.run("sc delete pnpfails")
        console.run(create.format("pnpkeeps"))
        assert state(console.run("sc start pnpkeeps")) == "RUNNING"
        text = console.run("sc stop pnpkeeps")
        assert re.search(r"io: \\Driver\\pnpkeeps unloads and leaves a plug and play notification behind: pnpforget!Forgotten", text), text
        assert state(console.run("sc query pnpkeeps")) == "STOP_PENDING"
        assert "pnpforget.sys" in console.run("lm").partition("Unloaded modules")[0]


def test_clean_drivers_leave_nothing():
    output = run("sc stop kmelody; sc stop beep; sc start beep; sc start kmelody")
    assert "leaves behind" not in output


def test_verified_drivers_stop_the_system():
    result = qemu.execute("verifier /driver leaky.sys; " + CREATE.format("leaky"), smp=2)
    assert result.status == qemu.STATUS_BUGCHECK and "STOP: 0x000000C7" in result.output, result.output


def test_a_jump_into_an_unloaded_driver():
    result = qemu.execute(CREATE.format("ghost") + "; beep 440 60000", smp=2)
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    assert "STOP: 0x000000CE" in result.output and "never reached" not in result.output, result.output
    assert "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS" in result.output
    assert re.search(r"parameter 1 is <Unloaded_ghost\.sys>\+0x", result.output), result.output
    assert "ghost!Haunt" in result.output, "the report before\n" + result.output


def test_references_are_reported():
    commands = CREATE.format("referrer").replace("; sc stop referrer", "") + "; " + CREATE.format("refdropper")
    commands += "; sc stop referrer; irql; sc start referrer"
    result = qemu.execute(commands, smp=2, debug=True)
    output = result.output.replace("\r", "")
    assert result.passed, f"{result.explain()}\n{output}"
    references = re.findall(r"object references: at least (\d+) to (\w+) [0-9A-F]+( \"\w+\")?, taken at (\w+![^\n]*)", output)
    assert [reference[:3] for reference in sorted(references)] == [
        ("1", "Event", ' "KmtLate"'),
        ("1", "Thread", ""),
        ("2", "Event", ' "KmtKept"'),
    ], output
    assert all(reference[3].startswith("referrer!") for reference in references), references
    assert "refdropper.sys is being unloaded" not in output, output
