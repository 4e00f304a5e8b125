"""Promise: the public headers compile without a warning as C11 and as C++17, for a Windows target under clang and for the
kernel under gcc, in any order and twice."""

import subprocess

import pytest

import qemu

WINDOWS = ["--target=x86_64-pc-windows-msvc", "-fms-extensions", "-ffreestanding"]
KERNEL = ["-ffreestanding", "-fno-pic", "-mcmodel=kernel", "-mno-red-zone", "-mgeneral-regs-only", "-fshort-wchar", "-m64"]
COMPILERS = {
    "clang, C11": ["clang", "-x", "c", "-std=c11", *WINDOWS],
    "clang, C++17": ["clang++", "-x", "c++", "-std=c++17", *WINDOWS],
    "gcc, GNU C11": ["gcc", "-x", "c", "-std=gnu11", *KERNEL],
    "gcc, GNU C++17": ["g++", "-x", "c++", "-std=gnu++17", *KERNEL],
}
INCLUDES = {
    "wdm": ["wdm.h"],
    "ntddk": ["ntddk.h"],
    "ntifs": ["ntifs.h"],
    "all": ["ntifs.h", "ntddk.h", "wdm.h", "ntddbeep.h"],
    "all, backwards": ["wdm.h", "ntddbeep.h", "ntddk.h", "ntifs.h"],
    "twice": ["ntddk.h", "ntddbeep.h", "ntddk.h", "ntddbeep.h"],
    "kmelody": ["ntddk.h", "kmelody.h"],
}


@pytest.mark.parametrize("includes", INCLUDES)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_headers(compiler, includes):
    source = "".join(f"#include <{name}>\n" for name in INCLUDES[includes])
    flags = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{qemu.ROOT}/lib/ddk", f"-I{qemu.ROOT}/drivers/kmelody"]
    process = subprocess.run([*COMPILERS[compiler], *flags, "-"], input=source, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[:3000]
