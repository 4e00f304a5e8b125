"""Promise: the pure code (parsers, tables, conversions) is right on the host too, under the address and undefined-behaviour
sanitizers."""

import subprocess

import pytest

import qemu

UNITS = sorted(path.stem for path in (qemu.ROOT / "tests/unit").glob("*.c"))


def test_there_are_units():
    assert UNITS


@pytest.mark.parametrize("unit", UNITS)
def test_unit(unit):
    process = subprocess.run([qemu.BUILD / "unit" / unit], capture_output=True, text=True, timeout=qemu.PATIENCE, cwd=qemu.ROOT)
    assert process.returncode == 0, process.stdout + process.stderr
