"""Promise: the console shows requests, devices and drivers one by one, and verifies the drivers that it is told to: what a driver
does wrong with a request then stops the release kernel, too, with the driver's name; other drivers' mistakes do not."""

import re

import pytest

import qemu
import shell

START = r"sc create v type= kernel binPath= c:\tests\bug_irp_status_other.sys; sc start v"


@pytest.fixture(scope="module")
def console():
    with shell.boot(smp=2) as console:
        yield console


def test_devices_and_drivers(console):
    text = console.run("devobj beep")
    assert r"\Device\Beep \Driver\beep" in text and "StackSize 1" in text and "Device queue is not busy." in text
    address = re.search(r"DriverObject ([0-9A-F]{16})", text)[1]
    text = console.run(f"drvobj {address}")
    assert r"\Driver\beep" in text
    assert re.search(r"^IRP_MJ_DEVICE_CONTROL +beep!\w+", text, re.M), text
    assert "beep!BeepStartIo" in text
    assert re.search(r"^> [0-9A-F]{16} \\Driver\\serial +[0-9A-F]{16} \\Device\\Serial0", console.run("devstack serial0"), re.M)
    assert r"\FileSystem\BootFs" in console.run("drvobj bootfs")


@pytest.mark.parametrize("line", ["devobj", "devobj nothing", "devobj ffffffff80200000", "drvobj 1234567812345678", "drvobj x y",
                                  "devstack \\", "irp", "irp x", "irp fffff78000000000", "irp 0x7fffffff0000"])
def test_bad_arguments(console, line):
    assert re.search(r"usage|STATUS_|there is no IRP|is no address", console.run(line))


def test_a_request_is_found_and_shown():
    load = r"sc create h type= kernel binPath= c:\tests\heldirp.sys; sc start h"
    with shell.boot(smp=2) as console:
        assert "verifier /all" in console.run("irpfind")
        console.run("verifier /all")
        address = re.search(r"# IRP ([0-9A-F]{16})", console.run(load))[1]
        found = re.findall(rf"^{address} [0-9A-F]{{16}} IRP_MJ_FLUSH_BUFFERS +heldirp!Dispatch", console.run("irpfind"), re.M)
        assert len(found) == 2, "the filter and the base have it"
        text = console.run(f"irp {address}")
        assert f"Irp ({address}) has 2 locations, 1 is current" in text
        assert re.search(r"^>\[IRP_MJ_FLUSH_BUFFERS\(9\), 0\] 00 e1 .* heldirp!Pass ", text, re.M), text
        assert re.search(r"^ \[IRP_MJ_FLUSH_BUFFERS\(9\), 0\] 00 e0 .* heldirp!Free ", text, re.M), text
        assert r"\Driver\h \Device\KmtHeldFilter" in text
        console.run(load.replace("h ", "f ").replace("heldirp", "heldfilter").replace("start h", "start f"))
        names = re.findall(r"^([> ]) [0-9A-F]{16} (\S+) +[0-9A-F]{16} (\S+)$", console.run("devstack KmtHeld"), re.M)
        assert names == [(" ", r"\Driver\f", "-"), (">", r"\Driver\h", r"\Device\KmtHeld")]
        console.run("sc stop f")
        text = console.run("verifier")
        assert "[X] 0x00000010" in text and "Verified drivers: all" in text
        assert int(re.search(r"requests sent +(\d+)", text)[1]) > 0
        console.run("sc stop h")
        assert address not in console.run("irpfind")
        console.run("verifier /reset")
        assert "Verified drivers: none" in console.run("verifier /query")


def test_a_request_that_outlives_the_verification_is_forgotten():
    with shell.boot(smp=2) as console:
        console.run("verifier /all")
        loaded = console.run(r"sc create h type= kernel binPath= c:\tests\heldirp.sys; sc start h")
        address = re.search(r"# IRP ([0-9A-F]{16})", loaded)[1]
        console.run("verifier /reset")
        console.run("sc stop h")
        console.run("verifier /all")
        assert address not in console.run("irpfind")


@pytest.mark.parametrize("line", ["verifier /flags", "verifier /driver", "verifier /frobnicate", "verifier /flags 0x1 /driver a.sys", "verifier /flags 0x100 /all",
                                  "verifier /flags 0x10", "verifier /driver " + 40 * "x"])
def test_bad_settings(console, line):
    assert re.search(r"usage|the flags are|STATUS_", console.run(line))
    assert "none" in console.run("verifier")


def test_a_verified_driver_is_stopped():
    result = qemu.execute(f"verifier /flags 0x10 /driver bug_irp_status_other.sys; {START}")
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    assert re.search(r"Culprit: driver bug_irp_status_other.sys, device \w+ \\Device\\KmtBase of \\Driver\\v, IRP", result.output)


def test_others_are_not():
    result = qemu.execute(f"verifier /driver beep.sys; {START}; verifier /reset")
    assert "never reached" in result.output and result.status != qemu.STATUS_BUGCHECK, result.output
