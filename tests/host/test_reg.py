"""Promise: `reg` shows and changes the registry as reg.exe does on Windows; with a disk the registry survives the machine, also
one that is switched off in the middle of writing."""

import random
import re
import time

import pytest

import qemu
import shell
from accounts import settled, settled_difference

MINE = r"HKLM\SOFTWARE\Mine"
FULL = r"HKEY_LOCAL_MACHINE\SOFTWARE\Mine"
DONE = "The operation completed successfully."
NOT_FOUND = "ERROR: The system was unable to find the specified registry key or value."


@pytest.fixture(scope="module")
def console():
    with shell.boot() as console:
        yield console


@pytest.fixture
def mine(console):
    """A key to play with."""
    assert DONE in console.run(f"reg add {MINE}")
    yield console
    console.run(f"reg delete {MINE} /f")
    assert NOT_FOUND in console.run(f"reg query {MINE}")


VALUES = {
    "text": ("REG_SZ", '"some text"', "some text"),
    "number": ("REG_DWORD", "0x2a", "0x2a"),
    "decimal": ("REG_DWORD", "42", "0x2a"),
    "long": ("REG_QWORD", "0x123456789abcdef0", "0x123456789abcdef0"),
    "bytes": ("REG_BINARY", "00ff10", "00FF10"),
    "list": ("REG_MULTI_SZ", r"one\0two", r"one\0two"),
    "path": ("REG_EXPAND_SZ", r"%SystemRoot%\x", r"%SystemRoot%\x"),
    "umlaut": ("REG_SZ", "\u00e4\u00f6\u20ac", "\u00e4\u00f6\u20ac"),
}


def test_values(mine):
    for name, (kind, data, _) in VALUES.items():
        assert DONE in mine.run(f"reg add {MINE} /v {name} /t {kind} /d {data}"), name
    assert DONE in mine.run(f"reg add {MINE} /ve /d default")
    text = mine.run(f"reg query {MINE}")
    assert f"\n{FULL}\n" in text
    for name, (kind, _, shown) in VALUES.items():
        assert f"    {name}    {kind}    {shown}\n" in text, (name, text)
    assert "    (Default)    REG_SZ    default\n" in text
    assert "    number    REG_DWORD    0x2a\n" in mine.run(f"reg query {MINE} /v NUMBER")
    assert "overwrites" in mine.run(f"reg add {MINE} /v text /d new")
    assert DONE in mine.run(f"reg add {MINE} /v text /d new /f")
    assert DONE in mine.run(f"reg delete {MINE} /v number /f")
    assert NOT_FOUND in mine.run(f"reg query {MINE} /v number")
    assert DONE in mine.run(f"reg delete {MINE} /va /f")
    assert "REG_" not in mine.run(f"reg query {MINE}")


def test_trees(mine):
    for path in ("a", r"a\b\c\d", "e"):
        assert DONE in mine.run(rf"reg add {MINE}\{path} /v v /d {path[-1]}")
    text = mine.run(f"reg query {MINE}")
    assert rf"{FULL}\a" in text and rf"{FULL}\e" in text and rf"{FULL}\a\b" not in text
    text = mine.run(f"reg query {MINE} /s")
    assert [line for line in text.splitlines() if line.startswith("HKEY")] == [
        FULL, rf"{FULL}\a", rf"{FULL}\a\b", rf"{FULL}\a\b\c", rf"{FULL}\a\b\c\d", rf"{FULL}\e"]
    assert DONE in mine.run(rf"reg delete {MINE}\a /f")
    assert NOT_FOUND in mine.run(rf"reg query {MINE}\a\b")
    assert "v    REG_SZ    e" in mine.run(rf"reg query {MINE}\e")


def test_mistakes(mine):
    for line in ("reg", "reg query", f"reg query {MINE} /x", f"reg add {MINE} /v", f"reg nosense {MINE}"):
        assert "usage: reg" in mine.run(line), line
    assert "Invalid key name" in mine.run("reg query HKLMX")
    assert NOT_FOUND in mine.run(rf"reg query {MINE}\none")
    for kind, data in (("REG_DWORD", "abc"), ("REG_DWORD", "0x100000000"), ("REG_BINARY", "123"), ("REG_BINARY", "xy"), ("REG_ODD", "1")):
        assert "ERROR: Invalid syntax" in mine.run(f"reg add {MINE} /v v /t {kind} /d {data}"), kind
    assert "/f" in mine.run(f"reg delete {MINE}")
    assert "ERROR" in mine.run(r"reg import c:\none.reg")


def test_export_and_import():
    with shell.boot() as first:
        for name, (kind, data, _) in VALUES.items():
            first.run(f"reg add {MINE}\\below /v {name} /t {kind} /d {data}")
        first.run(rf"reg add {MINE} /v quoted /d c:\folder\file")
        first.run(f"reg add {MINE} /v blob /t REG_BINARY /d " + "0123456789abcdef" * 20)
        exported = first.run(f"reg export {MINE}")
        queried = first.run(f"reg query {MINE} /s")
    with shell.boot(files={"extra/saved.reg": exported[exported.index("Windows"):].encode()}) as second:
        assert DONE in second.run(r"reg import c:\extra\saved.reg")
        assert second.run(f"reg query {MINE} /s") == queried
        assert second.run(f"reg export {MINE}") == exported


def test_what_is_wrong_in_a_file_is_named():
    text = "Windows Registry Editor Version 5.00\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Mine]\n\"a\"=rubbish\n\"b\"=\"good\"\n"
    with shell.boot(files={"extra/bad.reg": text.encode()}) as console:
        answer = console.run(r"reg import c:\extra\bad.reg")
        assert r"c:\extra\bad.reg:3:" in answer and "ERROR" in answer
        assert "good" in console.run(f"reg query {MINE}")


def run(disk, commands, **settings):
    result = qemu.execute(commands, disk=str(disk), **settings)
    assert result.passed, result.output
    return result.output


def test_values_survive_the_machine(tmp_path):
    disk = tmp_path / "disk.img"
    assert "the disk is empty" in run(disk, f"reg add {MINE} /v v /t REG_DWORD /d 7")
    output = run(disk, f"reg query {MINE}; reg add {MINE} /v w /d second; reg flush")
    assert "v    REG_DWORD    0x7" in output and re.search(r"registry: generation \d+ from the disk", output)
    output = run(disk, f"reg query {MINE}; reg delete {MINE} /f", smp=4)
    assert "w    REG_SZ    second" in output
    result = qemu.execute(f"reg query {MINE}", disk=str(disk))
    assert NOT_FOUND in result.output


def test_a_fresh_registry(tmp_path):
    disk = tmp_path / "disk.img"
    run(disk, f"reg add {MINE}")
    result = qemu.execute(f"reg query {MINE}", disk=str(disk), cmdline="registry=fresh")
    assert NOT_FOUND in result.output and "fresh from registry.reg" in result.output
    assert NOT_FOUND in qemu.execute(f"reg query {MINE}", disk=str(disk)).output


def test_new_keys_of_registry_reg_are_added(tmp_path):
    disk = tmp_path / "disk.img"
    run(disk, f"reg add {MINE} /v v /d mine")
    text = (qemu.ROOT / "iso/registry.reg").read_text() + "\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\New]\n\"n\"=\"new\"\n"
    output = run(disk, rf"reg query HKLM\SOFTWARE\New; reg query {MINE}; reg delete HKLM\SOFTWARE\New /f", files={"registry.reg": text.encode()})
    assert "n    REG_SZ    new" in output and "v    REG_SZ    mine" in output
    result = qemu.execute(r"reg query HKLM\SOFTWARE\New", disk=str(disk), files={"registry.reg": text.encode()})
    assert NOT_FOUND in result.output, "what was deleted does not come back"


def test_disks_that_cannot_be_used(tmp_path):
    small, foreign = tmp_path / "small.img", tmp_path / "foreign.img"
    small.write_bytes(bytes(32 << 10))
    foreign.write_bytes(b"a file system" + bytes((1 << 20) - 13))
    before = foreign.read_bytes()
    assert "the disk is too small" in run(small, f"reg add {MINE}; reg flush")
    assert "left alone" in run(foreign, f"reg add {MINE}; reg flush")
    assert foreign.read_bytes() == before


def test_a_damaged_generation_leaves_the_one_before(tmp_path):
    disk = tmp_path / "disk.img"
    run(disk, f"reg add {MINE} /v v /d one; reg flush; reg add {MINE} /v v /d two /f")
    image = bytearray(disk.read_bytes())
    half = len(image) // 2
    newest = 0 if int.from_bytes(image[16:24], "little") > int.from_bytes(image[half + 16 : half + 24], "little") else half
    image[newest + 512 + 100] ^= 0xFF
    disk.write_bytes(image)
    output = run(disk, f"reg query {MINE}")
    assert "is damaged" in output and "v    REG_SZ    one" in output


def test_the_machine_is_killed_while_it_writes(tmp_path):
    """Each write sets two values to the same number: a later start finds both the same, and not older than what was flushed."""
    disk, numbers = tmp_path / "disk.img", random.Random(4)
    run(disk, f"reg add {MINE} /v a /d 0; reg add {MINE} /v b /d 0")
    last = 0
    for _ in range(4):
        with shell.boot(disk=str(disk)) as console:
            text = console.run(f"reg query {MINE}")
            a, b = (int(re.search(rf" {name}    REG_SZ    (\d+)", text)[1]) for name in "ab")
            assert a >= last and a - b in (0, 1), text
            flushed = a
            for number in range(a + 1, a + numbers.randrange(2, 5)):
                line = f"reg add {MINE} /v a /d {number} /f; reg add {MINE} /v b /d {number} /f; reg flush"
                assert DONE in console.run(line)
                flushed = number
            console.child.send(f"reg add {MINE} /v a /d {flushed + 1} /f; reg add {MINE} /v b /d {flushed + 1} /f; reg flush\r")
            time.sleep(numbers.random() / 20)
            console.child.kill(9)
            last = flushed


def test_nothing_leaks():
    tests = ("keys", "regvalues", "regnotify", "regcallback", "rtlregistry", "stress_registry")
    with shell.boot(smp=2) as console:
        for name in tests:
            console.run(rf"sc create {name} type= kernel binPath= c:\tests\{name}.sys")

        def round():
            for name in tests:
                assert "RUNNING" in console.run(f"sc start {name}")
                assert "STOPPED" in console.run(f"sc stop {name}")

        round()
        before = settled(console)
        round()
        changed = settled_difference(console, before)
        changed.pop("pool NonPaged Irp ", None)  # some are kept for the next request
        assert changed == {}
