"""Promise: a driver goes when nothing needs it any more, and not before: neither while a device of its is open, nor while a
thread runs in it.

The drivers tests/kmt/holder.c (has the beep device open until it is stopped itself) and lateexit.c (leaves a thread behind) say
in notes what they see.
"""

import re

import qemu


def run(commands, smp=2):
    result = qemu.execute(commands, smp=smp, timeout=60)
    assert result.passed, f"{result.explain()}\n{result.output}"
    return result.output.replace("\r", "")


def state_after(output, command):
    """The state that the `sc` answer to a command, the last of its kind, tells."""
    return re.search(r"STATE *: \d+ +(\w+)", output[output.rindex(f"> {command}") :])[1]


def test_open_device_delays_the_unload():
    output = run(
        r"sc create h type= kernel binPath= c:\tests\holder.sys; sc start h; sc stop beep; sc query beep; drivers; sc stop h; "
        "sc query h; sc query beep; winobj \\Driver; sc start beep; beep 440 20"
    )
    assert state_after(output, "sc stop beep") == "STOP_PENDING", output
    assert "Beep (unload pending)" in output, output
    assert "opening it once more: 0xC000000E" in output, "a device that is going away was opened\n" + output
    assert state_after(output, "sc query h") == "STOPPED", output
    assert state_after(output, "sc query beep") == "STOPPED", "the last close did not unload\n" + output
    assert not re.search(r"^beep +Driver", output[output.index("winobj") :], re.M), output


def test_thread_keeps_the_image():
    output = run(r"sc create l type= kernel binPath= c:\tests\lateexit.sys; sc start l; sc stop l; sc query l; sc start l; sc stop l")
    assert output.count("the thread has outlived the unload") == 2, output
