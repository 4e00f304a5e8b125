"""Promise: drivers hear of what happens besides requests: reinitialisation when others have been loaded, the shutdown of the
system in the reverse order of registration, last chance last; and what they write to the event log is listed."""

import re

import qemu
import shell

START = r"sc create life type= kernel binPath= c:\tests\driverlife.sys; sc start life; "


def told(output):
    return re.findall(r"^driverlife: (.*?)\r*$", output, re.M)


def test_from_load_to_shutdown():
    with shell.boot(smp=2) as console:
        console.run(START.rstrip("; "))
        # A worker writes the log.
        log = shell.eventually(lambda: (said := console.run("eventlog")).count(" C00") == 2 and said, "nothing is logged")
        console.run("eventlog clear")
        assert "C00" not in console.run("eventlog")
        console.child.send("shutdown\r")
        assert console.ends() == 0
        output = console.text + console.child.before
    assert told(output) == [
        "DriverEntry ends",
        "boot reinit 1 at IRQL 0",
        "reinit 2 at IRQL 0",
        "reinit 3 at IRQL 0",
        "shutdown second",
        "shutdown first",
        "shutdown last chance",
    ], output
    (entry,) = re.findall(r"^ +\d+  \d{4}-.* C0041234 .*$", log, re.M)
    assert "life" in entry and '"two" "words" 0000abcd 00000007' in entry
    assert log.count(" C0045678") == 1, "it is not believed what it counted wrongly"


def test_unloaded_drivers_hear_nothing():
    result = qemu.execute(START + "sc stop life; sc delete life", smp=2)
    assert result.passed, result.output
    assert not [line for line in told(result.output) if line.startswith("shutdown")], result.output


def test_shutdown_and_reboot_commands():
    for command in ("shutdown", "reboot"):
        with qemu.console(smp=1, qemu_extra=("-no-reboot",)) as child:
            for line in (*START.split("; ")[:2], command):
                child.expect_exact(qemu.PROMPT)
                child.sendline(line)
            child.expect_exact("driverlife: shutdown second")
            child.expect_exact("driverlife: shutdown last chance")


def test_a_driver_that_fails_leaves_no_device_but_what_is_open():
    """It is not accused of deleting twice what it has deleted once, and what it forgot goes, wherever it stands in the list."""
    result = qemu.execute(r"sc create f type= kernel binPath= c:\tests\failopen.sys; sc start f; winobj \Device", smp=2)
    assert result.status == qemu.STATUS_FAILED, result.output
    assert "failopen: opened, 0x00000000" in result.output and "[SC] StartService FAILED 21:" in result.output
    assert re.findall(r"^io: .* left a device behind$", result.output, re.M) == [r"io: \Driver\f failed and left a device behind"]
    assert not re.search(r"^Kmt", result.output, re.M), result.output
