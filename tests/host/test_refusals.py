"""A machine that Etude cannot start on is told so, in words, and QEMU ends with the status of a bugcheck. (By UEFI,
the firmware needs more itself: test_firmware.py.)"""

import pytest
from qemu import REFERENCE, STATUS_BUGCHECK, execute

REFUSALS = {
    "no boot disk": (dict(boot_disk=False), "Etude needs its boot disk"),
    "too little memory": (dict(mem="12M"), "Etude needs at least 16 MB of RAM"),
    "too little memory, GRUB": (dict(mem="12M", boot="grub"), "Etude needs at least 16 MB of RAM"),
    "no 64-bit mode": (dict(cpu="qemu32"), "this processor has no 64-bit mode"),
    "no CPUID": (dict(cpu="486"), "this processor has no 64-bit mode"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name):
    settings, message = REFUSALS[name]
    result = execute("irql", **REFERENCE | settings)
    assert f"etude: cannot start: {message}" in result.output
    assert result.status == STATUS_BUGCHECK
