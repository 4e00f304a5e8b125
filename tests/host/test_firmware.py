"""Promise: one image starts by BIOS and by UEFI, from a CD, a USB stick and a disk; and what keeps UEFI from starting Etude is
told on the firmware's console. (test_machines.py has the matrix of machines.)
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import qemu

sys.path.insert(0, str(qemu.ROOT / "boot/tools"))
import bootdisk  # noqa: E402
import bootiso  # noqa: E402

CHECK = "cpus; beep 440 20; sc query beep"


def boots(**settings):
    result = qemu.execute(CHECK, **settings)
    assert result.passed, f"{result.explain()}\n{result.output}"
    return result.output


@pytest.mark.parametrize("medium", qemu.MEDIUM)
@pytest.mark.parametrize("boot", qemu.FIRMWARE)
def test_every_way(boot, medium):
    output = boots(boot=boot, medium=medium, smp=2)
    assert f"Loaded by {dict(grub='GRUB', uefi='UEFI')[boot]}" in output and "2 of 2 processors" in output


def test_no_graphics():
    output = boots(boot="uefi", qemu_extra=("-vga", "none"))
    assert "no graphics: the console is on the first serial port" in output, output


def system_partition(folder, change=lambda boot: None, loader="boot/BOOTX64.EFI"):
    """A system partition as a disk. change(boot folder)"""
    boot = folder / "boot"
    boot.mkdir()
    build = qemu.BUILD / "boot"
    (boot / "etude.elf").write_bytes((build / "etude.elf").read_bytes())
    (boot / "bootdisk.cpio").write_bytes((build / "bootdisk.cpio").read_bytes())
    (boot / "sums.txt").write_text(bootiso.checksums(boot / "etude.elf", boot / "bootdisk.cpio"))
    change(boot)
    image = folder / "efi.img"
    bootiso.make_system_partition(image, qemu.BUILD / loader, boot)
    return image


def run(image):
    """The exit status of QEMU, and all that firmware, loader and kernel have said."""
    log = image.parent / "log"
    command = ["qemu-system-x86_64", "-display", "none", "-nic", "none", "-machine", "q35", "-m", "112M"]
    command += [*qemu.FIRMWARE["uefi"], "-serial", f"file:{log}", "-monitor", "none"]
    command += qemu.MEDIUM["disk"].format(iso=image).split(" ")
    command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    status = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=qemu.PATIENCE).returncode
    return status, log.read_text(errors="replace")


def remove(name):
    return lambda boot: (boot / name).unlink()


def flip(name, offset):
    def change(boot):
        data = bytearray((boot / name).read_bytes())
        data[offset] ^= 1
        (boot / name).write_bytes(data)

    return change


def shorten(boot):
    data = (boot / "etude.elf").read_bytes()
    (boot / "etude.elf").write_bytes(data[: len(data) // 2])
    (boot / "sums.txt").unlink()  # nobody would get so far otherwise


def enlarge(boot):
    with (boot / "bootdisk.cpio").open("r+b") as disk:
        disk.truncate(100 << 20)


@pytest.mark.parametrize(
    "change, message",
    [
        (remove("etude.elf"), r"cannot start: \boot\etude.elf is missing"),
        (remove("bootdisk.cpio"), r"cannot start: \boot\bootdisk.cpio is missing"),
        (flip("etude.elf", 300000), r"cannot start: \boot\etude.elf is damaged: its checksum is "),
        (flip("bootdisk.cpio", 300000), r"cannot start: \boot\bootdisk.cpio is damaged: its checksum is "),
        (shorten, r"cannot start: \boot\etude.elf is damaged: the file is cut short"),
        (enlarge, r"cannot start: not enough memory for \boot\bootdisk.cpio: 102400 KB are needed below 4 GB"),
    ],
    ids=["no kernel", "no boot disk", "damaged kernel", "damaged disk", "short kernel", "little memory"],
)
def test_what_keeps_it_from_starting(tmp_path, change, message):
    status, output = run(system_partition(tmp_path, change))
    assert status == qemu.STATUS_BUGCHECK and message in output, output


def run_command(boot):
    disk = boot / "bootdisk.cpio"
    disk.write_bytes(bootdisk.extend(disk.read_bytes(), [("exec.txt", b"cpus\n")]))
    (boot / "sums.txt").unlink()
    (boot / "cmdline.txt").write_text("exec\n")


@pytest.mark.parametrize(
    "times, status, message",
    [
        (1, qemu.STATUS_PASSED, "Loaded by UEFI"),
        (7, qemu.STATUS_PASSED, "Loaded by UEFI"),
        (8, qemu.STATUS_BUGCHECK, "etude: cannot start: the firmware does not let go: Invalid Parameter"),
    ],
)
def test_a_busy_firmware(tmp_path, times, status, message):
    """tests/firmware/busy.c changes the memory map this often while the loader ends the firmware's services."""
    image = system_partition(tmp_path, run_command, loader="firmware/BUSY.EFI")
    (tmp_path / "busy.txt").write_text(f"{times}\n")
    bootiso.run(["mcopy", "-i", str(image), str(qemu.BUILD / "boot/BOOTX64.EFI"), "::EFI/BOOT/LOADER.EFI"])
    bootiso.run(["mcopy", "-i", str(image), str(tmp_path / "busy.txt"), "::"])
    ended, output = run(image)
    assert ended == status and message in output, output


def test_the_image_is_the_same_every_time(tmp_path):
    files = [Path(shutil.copy(qemu.BUILD / "boot" / name, tmp_path)) for name in ("etude.elf", "bootdisk.cpio", "BOOTX64.EFI")]
    first, second = tmp_path / "first.iso", tmp_path / "second.iso"
    for image in (first, second):
        bootiso.make_iso(image, *files)
        files[0].touch()  # a copy: make would take the build's own for changed, and make anew what other machines boot
    assert first.read_bytes() == second.read_bytes()
