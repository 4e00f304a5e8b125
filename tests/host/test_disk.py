"""Promise: the disk driver works with every way in which its device interrupts, with several disks and with none, and stops
and starts again; a disk keeps what was written, and a protected one says that it is.
"""

import pytest

import qemu
import tap

RUN = r"sc create k type= kernel binPath= c:\tests\disk.sys; sc start k; sc stop k; sc delete k"


def drive(path, options=""):
    """QEMU arguments for an image that is no `disk` of the machine."""
    path.write_bytes(bytes(qemu.DISK_SIZE))
    return f"if=none,id={path.stem},format=raw,file={path}{options}"


def run(commands, **settings):
    result = qemu.execute(commands, smp=2, **settings)
    report = tap.parse(result.output)
    assert result.passed and report.good and not report.failed, result.output
    return result.output


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_lines(tmp_path, machine):
    device = "virtio-blk-pci,drive=disk,vectors=0"
    output = run("pci; " + RUN, machine=machine, devices=(device,), qemu_extra=("-drive", drive(tmp_path / "disk")))
    assert "MSI-X" not in output.partition("1af4:")[2].partition("functions, configuration")[0]


def test_protected(tmp_path):
    device = "virtio-blk-pci,drive=disk"
    output = run(RUN, devices=(device,), qemu_extra=("-drive", drive(tmp_path / "disk", ",readonly=on")))
    assert "a protected disk is read" in output
    assert (tmp_path / "disk").read_bytes() == bytes(qemu.DISK_SIZE)


def test_two_disks_and_a_restart(tmp_path):
    """The disk's contents live on; the second disk has names of its own."""
    second = tmp_path / "second"
    image = tmp_path / "first.img"
    commands = "sc stop virtioblk; sc start virtioblk; " + RUN + r"; winobj \device\harddisk1"
    output = run(
        commands, disk=str(image), devices=("virtio-blk-pci,drive=second",), qemu_extra=("-drive", drive(second))
    )
    assert "Partition0" in output.partition("winobj")[2], output
    assert second.read_bytes() == bytes(qemu.DISK_SIZE)
    written = image.read_bytes()
    assert written != bytes(qemu.DISK_SIZE)
    qemu.execute("sc query virtioblk", disk=str(image))
    assert image.read_bytes() == written


def test_no_disk():
    result = qemu.execute("sc query virtioblk")
    assert "was not loaded" not in result.output and "STOPPED" in result.output, result.output
