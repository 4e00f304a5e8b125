"""Promise: the public headers compile without a warning as C11 and as C++17, for a Windows target under clang and for the
kernel under gcc: each by itself, in any order and twice."""

import re
import subprocess

import pytest

import qemu

WINDOWS = ["--target=x86_64-pc-windows-msvc", "-fms-extensions", "-ffreestanding"]
MINGW = ["--target=x86_64-pc-windows-gnu", *WINDOWS[1:]]
KERNEL = ["-ffreestanding", "-fno-pic", "-mcmodel=kernel", "-mno-red-zone", "-mgeneral-regs-only", "-fshort-wchar", "-m64"]
COMPILERS = {
    "clang, C11": ["clang", "-x", "c", "-std=c11", *WINDOWS],
    "clang for mingw, C11": ["clang", "-x", "c", "-std=c11", *MINGW],
    "clang, C++17": ["clang++", "-x", "c++", "-std=c++17", *WINDOWS],
    "gcc, GNU C11": ["gcc", "-x", "c", "-std=gnu11", *KERNEL],
    "gcc, GNU C++17": ["g++", "-x", "c++", "-std=gnu++17", *KERNEL],
}
DDK = qemu.ROOT / "lib/ddk"
# Every header by itself, and those that drivers name in other orders.
INCLUDES = {path.relative_to(DDK).as_posix(): [path.relative_to(DDK).as_posix()] for path in sorted(DDK.rglob("*.h"))} | {
    "all": ["ntifs.h", "ntddk.h", "wdm.h", "ntddbeep.h"],
    "all, backwards": ["wdm.h", "ntddbeep.h", "ntddk.h", "ntifs.h"],
    "twice": ["ntddk.h", "ntddbeep.h", "ntddk.h", "ntddbeep.h"],
    "careful": ["fltKernel.h", "dontuse.h", "ntstrsafe.h", "csq.h"],
    "kmelody": ["ntddk.h", "kmelody.h"],
}
# What drivers expect to find.
PUBLIC = (
    "ntdef.h ntstatus.h bugcodes.h wdm.h ntddk.h ntifs.h ntddbeep.h ntddser.h dpfilter.h ntstrsafe.h fltKernel.h dontuse.h csq.h"
).split()


# Expanded by the headers' own, for annotations, or in C only; or about a declaration rather than a use.
NOT_IN_CPP = re.compile(r"_\w+_$|nt_va_|STRSAFE_|NT_PRINTF|DONTUSE|DEFINE_GUID$|RtlpLiteral|PCI_|SERIAL_|WDMSEC_|ExInterlocked(Add|Compare)|KeInit")


def test_macros_are_good_in_cpp():
    """macros.cpp compiles, and uses every macro with arguments that drivers do."""
    source = qemu.ROOT / "tests/host/macros.cpp"
    for compiler in (name for name in COMPILERS if "++" in name):
        command = [*COMPILERS[compiler], "-Wall", "-Wextra", "-Wno-multichar", "-Werror", "-fsyntax-only", f"-I{DDK}", source]
        process = subprocess.run(command, capture_output=True, text=True)
        assert process.returncode == 0, f"{compiler}\n{process.stderr[:3000]}"
    text = source.read_text()
    macros = {name for path in DDK.rglob("*.h") for name in re.findall(r"^ *# *define (\w+)\(", path.read_text(), re.M)}
    assert len(macros) > 150
    assert not sorted(name for name in macros if not NOT_IN_CPP.match(name) and not re.search(rf"\b{name}\b", text))


def test_every_public_header_is_there():
    assert not [name for name in PUBLIC if name not in INCLUDES]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_headers(compiler):
    """One process a compiler: every set of headers is a translation unit of its own."""
    flags = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{DDK}", f"-I{qemu.ROOT}/drivers/kmelody", "-"]
    faults = {}
    for name, headers in INCLUDES.items():
        source = "".join(f"#include <{header}>\n" for header in headers)
        process = subprocess.run([*COMPILERS[compiler], *flags], input=source, capture_output=True, text=True)
        if process.returncode:
            faults[name] = process.stderr[:1000]
    assert not faults, "\n".join(f"{name}: {text}" for name, text in faults.items())
