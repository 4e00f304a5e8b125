"""Promise: `make exec` tells by its exit status whether the commands succeeded, so that scripts can rely on it; `make demo`
tells whether the tune was heard."""

import os
import subprocess
import sys

import pytest

import qemu

HERE = qemu.ROOT / "tests/host"
SETTINGS = "BOOT SMP MEM MACHINE CPU ACCEL AUDIO WAV CMDLINE EXTRA_FILES ICOUNT QEMU_EXTRA CMD TIMEOUT".split()
FAILING = ["nosuchcommand", "irql; sc query nosuchservice; irql", "beep", r"melody play c:\music\nosuch.rtttl"]


def run(program, *arguments, **environment):
    """Run one of make's programs as make does; the finished process, with its output."""
    clean = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    command = [sys.executable, str(HERE / program), *arguments]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=300)


def execute(commands, **environment):
    return run("qemu.py", "exec", CMD=commands, **environment)


@pytest.mark.parametrize("boot", ["direct", "grub"])
def test_success_is_0(boot):
    process = execute("irql; sc query beep", BOOT=boot)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "PASSIVE_LEVEL" in process.stdout and "SERVICE_NAME" in process.stdout


@pytest.mark.parametrize("commands", FAILING)
def test_a_failed_command_is_1(commands):
    process = execute(commands)
    assert process.returncode == 1, process.stdout + process.stderr
    assert "a command failed" in process.stderr


def test_a_bugcheck_is_2():
    process = execute("bugcheck; irql")
    assert process.returncode == 2, process.stdout + process.stderr
    assert "*** STOP" in process.stdout and "PASSIVE_LEVEL" not in process.stdout


def test_time_is_limited():
    process = execute("beep 440 60000", TIMEOUT="3")
    assert process.returncode == 124, process.stdout + process.stderr


def test_switching_off_hides_no_failure():
    assert execute("nosuchcommand; shutdown").returncode != 0


def test_extra_files_processors_and_memory_are_honoured(tmp_path):
    (tmp_path / "own.rtttl").write_text("own:d=32,o=6,b=240:c,e,g\n")
    (tmp_path / "own.sys").write_bytes((qemu.BUILD / "drivers/kmelody.sys").read_bytes())
    files = f"{tmp_path}/own.rtttl {tmp_path}/own.sys"
    commands = r"melody play c:\extra\own.rtttl; melody wait; sc create own type= kernel binPath= c:\extra\own.sys; cpus; mem"
    process = execute(commands, EXTRA_FILES=files, SMP="3", MEM="64M")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "(63 MB)" in process.stdout or "(64 MB)" in process.stdout


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("SMP", "0", "SMP=0: this is a whole number, 1 or more"),
        ("TIMEOUT", "soon", "TIMEOUT=soon: this is a whole number, 1 or more"),
        ("DISK", "/nosuchfolder/disk", "DISK=/nosuchfolder/disk: No such file or directory"),
        ("CRASH", "/nosuchfolder/disk", "CRASH=/nosuchfolder/disk: No such file or directory"),
        ("BOOT", "floppy", "BOOT=floppy: there are only grub, uefi and direct"),
    ],
)
def test_a_wrong_variable_is_told_in_one_line(name, value, message):
    process = execute("irql", **{name: value})
    assert process.returncode == 1 and process.stderr == message + "\n", process.stdout + process.stderr


def test_wav_records(tmp_path):
    recording = tmp_path / "beep.wav"
    process = execute("beep 440 300", WAV=str(recording), ICOUNT="1")
    assert process.returncode == 0, process.stdout + process.stderr
    import wav

    (tone,) = wav.listen(recording)
    assert abs(wav.cents(tone.hertz, 440)) < 5 and abs(tone.ms - 300) < 20


def test_demo_is_0_when_the_tune_is_heard():
    process = run("demo.py")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "all" in process.stdout and "notes match" in process.stdout
    assert (qemu.BUILD / "demo.wav").stat().st_size > 1_000_000


def test_demo_is_1_when_it_is_not(tmp_path):
    """The same kernel, but the tune asked for is not the tune on its boot disk."""
    wrong = f"import sys; sys.path.insert(0, {str(HERE)!r}); import demo, rtttl; load = rtttl.load; "
    wrong += "rtttl.load = lambda path: load(path)[:20] + load(path)[21:]; sys.exit(demo.main())"
    process = subprocess.run([sys.executable, "-c", wrong], capture_output=True, text=True, timeout=300)
    assert process.returncode == 1, process.stdout
    assert "do not match" in process.stderr
