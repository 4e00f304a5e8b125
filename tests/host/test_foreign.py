"""Promise: a driver compiled against somebody else's headers and linked with somebody else's import libraries runs unchanged."""

import subprocess

import pytest

import qemu

MINGW = "/usr/x86_64-w64-mingw32"
INCLUDES = ["-isystem", f"{MINGW}/include/ddk", "-isystem", f"{MINGW}/include"]
COMMANDS = r"sc create foreign type= kernel binPath= c:\extra\foreign.sys; sc start foreign; sc stop foreign"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    source = qemu.ROOT / "tests/host/foreign.c"
    compiler = ["clang", "--target=x86_64-w64-mingw32", "-O2", *INCLUDES]
    subprocess.run([*compiler, "-c", source, "-o", folder / "foreign.o"], check=True)
    linker = ["ld.lld", "-m", "i386pep", "--subsystem", "native", "--entry", "DriverEntry", f"-L{MINGW}/lib"]
    subprocess.run([*linker, folder / "foreign.o", "-lntoskrnl", "-lhal", "-o", folder / "foreign.sys"], check=True)
    return folder / "foreign.sys"


@pytest.mark.parametrize("smp", [1, 2])
def test_foreign_driver(driver, smp):
    result = qemu.execute(COMMANDS, smp=smp, extra_files=(str(driver),), timeout=60)
    assert result.passed, f"{result.explain()}\n{result.output}"
    assert r"foreign: \Registry\Machine\System\CurrentControlSet\Services\foreign" in result.output
    assert "foreign: levels 210, timer 0\n" in result.output, result.output
    assert "foreign: unloaded" in result.output
