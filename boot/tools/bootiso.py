"""Make a CD image that boots Etude through GRUB on a PC with a BIOS.

usage: bootiso.py OUTPUT KERNEL BOOTDISK [COMMAND-LINE]

Only the GRUB modules that iso/grub.cfg needs go in, and no fonts, themes or translations: the image is small and GRUB has
little to read before the kernel starts.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = "biosdisk iso9660 normal configfile multiboot2"


def quoted(text):
    """As a string of GRUB's script language."""
    for special in '\\"$':
        text = text.replace(special, "\\" + special)
    return f'"{text}"'


def make_iso(output, kernel, disk, command_line=""):
    with tempfile.TemporaryDirectory(prefix="etude-iso-") as name:
        boot = Path(name) / "boot"
        (boot / "grub").mkdir(parents=True)
        shutil.copy(kernel, boot / "etude.elf")
        shutil.copy(disk, boot / "bootdisk.cpio")
        shutil.copy(ROOT / "iso/grub.cfg", boot / "grub")
        (boot / "grub/cmdline.cfg").write_text(f"set cmdline={quoted(command_line)}\n")
        command = ["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", str(output), name]
        command += [f"--install-modules={MODULES}", "--fonts=", "--themes=", "--locales="]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            sys.exit(f"{result.stderr}grub-mkrescue failed: {output}")


if __name__ == "__main__":
    make_iso(*sys.argv[1:])
