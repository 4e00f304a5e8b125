"""Promise: what DbgPrint prints comes out whole, whoever else prints at the same time, and can be read again."""

import re

import pytest

import qemu

PRINT = r"sc create p type= kernel binPath= c:\tests\print.sys; sc start p"
STRIPE = re.compile(r"^# stripe (\d) (\d+) abcdefghijklmnopqrstuvwxyz0123456789 end\r?$", re.M)


@pytest.mark.parametrize("smp", [1, 4])
def test_lines_are_not_torn(smp):
    result = qemu.execute(PRINT, smp=smp)
    assert result.passed, f"{result.explain()}\n{result.output}"
    stripes = [(int(thread), int(number)) for thread, number in STRIPE.findall(result.output)]
    assert sorted(stripes) == [(thread, number) for thread in range(4) for number in range(200)]
    for thread in range(4):
        assert [number for who, number in stripes if who == thread] == list(range(200))


def test_the_last_output_can_be_seen_again():
    result = qemu.execute(PRINT + "; dbgprint")
    before, after = result.output.replace("\r", "").split("etude> dbgprint\n")
    assert "ok 1 - UNICODE_STRING" in after
    assert len(STRIPE.findall(before)) == len(STRIPE.findall(after)) == 800


def test_the_cut_text():
    """A text of 602 bytes is cut to 511; what was padding says where."""
    result = qemu.execute(PRINT)
    assert re.search(r"^# {510}\n", result.output.replace("\r", ""), re.M), result.output[:3000]
    assert "never seen" not in result.output


FILTER = r'"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Debug Print Filter"'


def test_the_filter_is_set_by_name():
    commands = "dbgkflt; dbgkflt ihvdriver 0x8; dbgkflt win2000 3; dbgkflt 0 0xc; dbgkflt; dbgkflt all"
    result = qemu.execute(commands)
    assert result.passed, result.output
    first, *_, changed, everything = re.split(r"etude> dbgkflt.*\n", result.output.replace("\r", ""))[1:]
    assert re.search(r"^ +101  DEFAULT +0x0000000f  error warning trace info \(DbgPrint\)$", first, re.M), first
    assert re.search(r"^ +77  IHVDRIVER +0x00000000  \(drivers by DbgPrintEx\)$", first, re.M), first
    assert re.search(r"^ +77  IHVDRIVER +0x00000008  info ", changed, re.M), changed
    assert re.search(r"^ +all  WIN2000 +0x00000003$", changed, re.M) and " SYSTEM         0x0000000c  trace info\n" in changed
    assert re.search(r"^ +0  SYSTEM ", everything, re.M) and re.search(r"^ +145  DRIVEEXTENDER ", everything, re.M)
    assert not qemu.execute("dbgkflt nobody 1").passed
    assert not qemu.execute("dbgkflt default").passed


def test_the_registry_decides_at_boot(tmp_path):
    """Closed there, DbgPrint is silent from the next boot on; the error level is open to all."""
    disk = str(tmp_path / "disk.img")
    close = f"reg add {FILTER} /v DEFAULT /t REG_DWORD /d 0 /f; reg add {FILTER} /v IHVDRIVER /t REG_DWORD /d 15 /f"
    result = qemu.execute(close, disk=disk)
    assert result.passed, result.output
    output = qemu.execute("dbgkflt; " + PRINT, disk=disk).output
    assert re.search(r" DEFAULT +0x00000000 ", output) and re.search(r" IHVDRIVER +0x0000000f ", output), output
    assert "# stripe" not in output and "errors always pass" in output and "not ok - information passed" in output
