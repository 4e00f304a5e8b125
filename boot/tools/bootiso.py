"""Make a CD image that boots Etude on every PC: by a BIOS through GRUB, by UEFI through Etude's own loader, from a CD or, the
same image written to it byte by byte, from a USB stick.

usage: bootiso.py OUTPUT KERNEL BOOTDISK EFI-LOADER [COMMAND-LINE]

Only the GRUB modules that iso/grub.cfg needs go in, and no fonts, themes or translations: the image is small and GRUB has
little to read before the kernel starts. UEFI reads no ISO 9660 but FAT: the image's second partition is a system partition, with the
kernel and the boot disk a second time.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = "biosdisk iso9660 normal configfile multiboot2"
GRUB = Path("/usr/lib/grub/i386-pc")
# A BIOS starts GRUB from a CD by El Torito and from a disk by the first sector; UEFI finds the system partition by El Torito or in
# the partition table. Every date is that of the files' contents: two images of the same files are the same.
XORRISO = """xorriso -as mkisofs -quiet -r -V ETUDE --grub2-mbr {grub}/boot_hybrid.img --protective-msdos-label
    -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info
    --efi-boot efi.img -efi-boot-part --efi-boot-image --set_all_file_dates {date} -o {output} {tree}"""
DATE = "2020010100000000"


def quoted(text):
    """As a string of GRUB's script language."""
    for special in '\\"$':
        text = text.replace(special, "\\" + special)
    return f'"{text}"'


def run(command):
    # The time of day gets into file systems otherwise, and with it a difference.
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1577836800", "TZ": "UTC"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        sys.exit(f"{result.stderr}{Path(command[0]).name} failed")


def checksums(*files):
    """What the UEFI loader compares what it has read with."""
    return "".join(f"{zlib.crc32(file.read_bytes()):08x} {file.name}\n" for file in files)


def make_system_partition(output, loader, boot):
    """A FAT file system that holds the loader and the folder boot, without what is GRUB's."""
    names = sorted(name for name in boot.iterdir() if name.is_file())
    kilobytes = sum(name.stat().st_size for name in names) // 1024 + 1024
    with open(output, "wb") as image:
        image.truncate(kilobytes * 1024)
    into = ["-i", str(output)]
    run(["mformat", *into, "-T", str(kilobytes * 2), "-h", "64", "-s", "32", "-c", "8", "-N", "45545544", "-v", "ETUDE", "::"])
    run(["mmd", *into, "::EFI", "::EFI/BOOT", "::boot"])
    run(["mcopy", *into, str(loader), "::EFI/BOOT/BOOTX64.EFI"])
    run(["mcopy", *into, *map(str, names), "::boot/"])


def make_iso(output, kernel, disk, loader, command_line=""):
    with tempfile.TemporaryDirectory(prefix="etude-iso-") as name:
        boot = Path(name) / "boot"
        (boot / "grub").mkdir(parents=True)
        shutil.copy(kernel, boot / "etude.elf")
        shutil.copy(disk, boot / "bootdisk.cpio")
        (boot / "cmdline.txt").write_text(command_line + "\n")
        (boot / "sums.txt").write_text(checksums(boot / "etude.elf", boot / "bootdisk.cpio"))
        make_system_partition(Path(name) / "efi.img", loader, boot)
        (boot / "sums.txt").unlink()
        (boot / "cmdline.txt").unlink()
        shutil.copy(ROOT / "iso/grub.cfg", boot / "grub")
        (boot / "grub/cmdline.cfg").write_text(f"set cmdline={quoted(command_line)}\n")
        core = ["-d", str(GRUB), "-p", "/boot/grub", "-o", str(boot / "grub/eltorito.img")]
        run(["grub-mkimage", "-O", "i386-pc-eltorito", *core, *MODULES.split()])
        run([word.format(grub=GRUB, date=DATE, output=output, tree=name) for word in XORRISO.split()])


if __name__ == "__main__":
    make_iso(*sys.argv[1:])
