"""Promise: a bugcheck stops every processor and leaves on the serial port all that is needed to find the cause: code, name,
parameters, registers, and a backtrace with the names of functions."""

import re

import pytest

import qemu

ADDRESS = r"[0-9a-fA-F`]{16,17}"


@pytest.fixture(scope="module")
def screen():
    result = qemu.execute("bugcheck", smp=4)
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    return result.output


def test_code_name_and_parameters(screen):
    assert re.search(r"\*\*\* STOP: 0x000000E2 \((0x[0-9A-F]{16}, ?){3}0x[0-9A-F]{16}\)", screen), screen
    assert "MANUALLY_INITIATED_CRASH" in screen


def test_registers(screen):
    for register in "rax rbx rcx rdx rsi rdi rsp rbp rip r8 r9 r10 r11 r12 r13 r14 r15".split():
        assert re.search(rf"\b{register} *= *{ADDRESS}", screen), f"{register} is missing\n{screen}"


def test_backtrace_names_functions(screen):
    frames = re.findall(r"\bnt!(\w+)(?:\+0x[0-9a-f]+)?", screen)
    assert len(frames) >= 3, screen
    assert any(name.startswith(("Kd", "Ke")) for name in frames)


def test_every_processor_has_stopped_and_is_shown(screen):
    assert qemu.PROMPT not in screen[screen.index("*** STOP") :]
    assert sorted(re.findall(r"^CPU (\d), IRQL", screen, re.M)) == ["0", "1", "2", "3"]
    assert "does not answer" not in screen


def test_callbacks():
    commands = r"sc create c type= kernel binPath= c:\tests\bug_callbacks.sys; sc start c"
    result = qemu.execute(commands)
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    assert re.findall(r"^(?:\*\*\* callback of |# |    \{)(.*)$", result.output, re.M) == [
        "first",
        "plain: my buffer, 10 bytes, IRQL 15",
        "last",
        "plain: my buffer, 2 bytes, IRQL 15",
        "data",
        "data: reason 2, 48 of 48 bytes, room for 1",
        "12345678-9ABC-DEF0-0102-030405060708}, 20 bytes:",
        "io: reason 3, 24 of 24 bytes, type 3, length 20",
        "own data",
        "data: reason 2, 48 of 48 bytes, room for 1",
        "12345678-9ABC-DEF0-0102-030405060708}, 10 bytes:",
        "io: reason 3, 24 of 24 bytes, type 3, length 10",
        "io: reason 3, 24 of 24 bytes, type 4, length 0",
    ]
