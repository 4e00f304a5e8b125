"""Promise: whatever the firmware's ACPI tables say about devices, Etude starts, or says why not and stops.

QEMU adds tables of our making to its own; the parsers themselves are proven by tests/unit/acpi.c.
"""

import struct

import pytest

import qemu


def hpet(address, space=0):
    """An HPET table's body: block id, address, number and tick."""
    return struct.pack("<IBBBBQI", 0x8086A201, space, 64, 0, 0, address, 0)


# Signature and body of an extra table. QEMU's own HPET is off, so that these are the only ones.
TABLES = {
    "hpet-beyond-the-processor": ("HPET", hpet(0xFFFFFFFFFFFFF000)),
    "hpet-in-memory": ("HPET", hpet(0x100000)),
    "hpet-in-a-hole": ("HPET", hpet(0xFD000000)),
    "hpet-in-ports": ("HPET", hpet(0x70, space=1)),
    "hpet-cut-short": ("HPET", b"\x01\x02\xa2\x86"),
    "second-madt": ("APIC", struct.pack("<II", 0xFEE00000, 1) + b"\x00\x00" * 8 + b"\xff" * 64),
    "sleep-type-nonsense": ("SSDT", b"\x08_S5_\x12\xff\xff\xff\xff" * 20),
    "empty": ("XYZW", b""),
}


@pytest.mark.parametrize("name", TABLES)
def test_extra_table(name, tmp_path):
    signature, body = TABLES[name]
    path = tmp_path / "table"
    path.write_bytes(body)
    extra = ("-acpitable", f"sig={signature},data={path}")
    result = qemu.execute("cpus; irql", smp=2, machine="q35,hpet=off", qemu_extra=extra)
    assert result.passed, result.explain() + result.output
    assert "2 running of 2 found" in result.output


def test_without_tables():
    """A PC of 64 bits has ACPI; without, the stop code and its first parameter tell. (UEFI starts on no such PC.)"""
    result = qemu.execute("cpus", **qemu.REFERENCE | dict(machine="pc,acpi=off"))
    assert result.status == qemu.STATUS_BUGCHECK
    assert "0x0000005C (0x0000000000000001" in result.output
