"""Build drivers against somebody else's driver headers and import libraries (Debian's mingw-w64-x86-64-dev), with vector registers
in use. What those headers lack of Windows 10 is declared in foreign.h; what their libraries lack comes from the kernel's own."""

import subprocess
from pathlib import Path

import qemu

MINGW = Path("/usr/x86_64-w64-mingw32")
PUBLIC = [argument for path in sorted((qemu.ROOT / "drivers").glob("*/")) for argument in ("-I", path)]
# A header that the WDK has not, either, and drivers bring, is ours.
OWN = ["-idirafter", qemu.ROOT / "lib/ddk"]
INCLUDES = ["-isystem", MINGW / "include/ddk", "-isystem", MINGW / "include", *PUBLIC, *OWN]
# Their headers and ours have the same layouts, so sources that mix signs and sizes as those headers do are no concern here; a
# routine that nobody declares is.
FLAGS = ["-O2", "-fms-extensions", "-mno-stack-arg-probe", "-Wno-everything", "-Werror=implicit-function-declaration"]
COMPILER = ["clang", "--target=x86_64-w64-mingw32", *FLAGS, "-include", qemu.ROOT / "tests/host/foreign.h", *INCLUDES]
# Their headers define a few inline routines in every object.
LINKER = ["ld.lld", "-m", "i386pep", "--subsystem", "native", "--entry", "DriverEntry", f"-L{MINGW}/lib"]
LINKER += ["--allow-multiple-definition", "--disable-runtime-pseudo-reloc"]


class Lacking(Exception):
    """The other headers lack something that the source uses: the compiler's first complaint."""


def build(sources, driver):
    """The driver made of these sources."""
    objects = []
    for source in sources:
        objects.append(driver.with_suffix(f".{source.stem}.o"))
        process = subprocess.run([*COMPILER, "-c", source, "-o", objects[-1]], capture_output=True, text=True)
        if process.returncode:
            raise Lacking(next(line.partition("error: ")[2] for line in process.stderr.splitlines() if "error: " in line))
    libraries = ["-lntoskrnl", "-lhal", qemu.BUILD / "lib/ntoskrnl.lib", qemu.BUILD / "lib/hal.lib"]
    process = subprocess.run([*LINKER, *objects, *libraries, "-o", driver], capture_output=True, text=True)
    if process.returncode:
        raise Lacking(next(line.partition("error: ")[2] for line in process.stderr.splitlines() if "error: " in line))
    return driver
