"""Promise: `make exec` tells by its exit status whether the commands succeeded, so that scripts can rely on it; `make demo`
tells whether the tune was heard."""

import os
import re
import subprocess
import sys
import time

import pytest

import qemu

HERE = qemu.ROOT / "tests/host"
SETTINGS = "BOOT SMP MEM MACHINE CPU ACCEL AUDIO WAV CMDLINE EXTRA_FILES ICOUNT QEMU_EXTRA CMD TIMEOUT".split()
FAILING = ["nosuchcommand", "irql; sc query nosuchservice; irql", "beep", r"melody play c:\music\nosuch.rtttl"]


def run(program, *arguments, **environment):
    """Run one of make's programs as make does; the finished process, with its output."""
    clean = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    command = [sys.executable, str(HERE / program), *arguments]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=2 * qemu.PATIENCE)


def execute(commands, **environment):
    return run("qemu.py", "exec", CMD=commands, **{"TIMEOUT": str(qemu.PATIENCE)} | environment)


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
        ("MEM", "1M", "MEM=1M: BOOT=direct needs 16M or more"),
        ("MEM", "lots", "MEM=lots: a size is a number with K, M or G behind it"),
        ("WAV", "/nosuchfolder/up.wav", "WAV=/nosuchfolder/up.wav: No such file or directory"),
        ("EXTRA_FILES", "/nosuchfolder/my.sys", "EXTRA_FILES: /nosuchfolder/my.sys: No such file or directory"),
        ("QEMU_EXTRA", "-name 'x", "QEMU_EXTRA: No closing quotation"),
    ],
)
def test_a_wrong_variable_is_told_in_one_line(name, value, message):
    process = execute("irql", **{name: value})
    assert process.returncode == 1 and process.stderr == message + "\n", process.stdout + process.stderr


def test_uefi_needs_more_memory():
    process = execute("irql", BOOT="uefi", MEM="32M")
    assert process.returncode == 1 and process.stderr == "MEM=32M: BOOT=uefi needs 48M or more\n"


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("KINDS", "irp foo", "KINDS: foo is no kind of event; there are interrupts irql "),
        ("PICTURE", "/nosuchfolder/a.svg", "PICTURE=/nosuchfolder/a.svg: No such file or directory"),
        ("FROM", "1", "FROM=0 TO=99: both are needed, in microseconds"),
    ],
)
def test_a_wrong_variable_stops_a_trace_before_it_runs(name, value, message):
    started = time.monotonic()
    process = run("trace.py", CMD="beep 440 60000", TIMEOUT="100", **{name: value})
    assert process.returncode == 1 and process.stderr.startswith(message) and process.stderr.count("\n") == 1, process.stderr
    assert time.monotonic() - started < 100


@pytest.mark.parametrize(
    "program, argument, environment, message",
    [
        ("hunt.py", "nosuchrace", {}, "RACE=nosuchrace: there are lock, check, wake"),
        ("hunt.py", "mix", {"SEEDS": "some"}, "SEEDS=some: this is a whole number, 1 or more"),
        ("demo.py", "nosuchtune", {}, "demo.py: there is no nosuchtune; there are furelise, "),
        ("trace.py", "/nosuchfolder/export", {}, "/nosuchfolder/export: No such file or directory"),
        ("trace.py", __file__, {}, f"{__file__}: no export, or not all of it"),
    ],
)
def test_programs_tell_mistakes_in_one_line(program, argument, environment, message):
    process = run(program, argument, **environment)
    assert process.returncode == 1 and process.stderr.startswith(message) and process.stderr.count("\n") == 1, process.stderr


def make(*arguments):
    """make without what an outer one has told its children; nothing is built."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments, "help"], cwd=qemu.ROOT, env=clean, capture_output=True, text=True, timeout=qemu.PATIENCE)


@pytest.mark.parametrize("wrong", ["SPM=4", "CDM=irql; cpus", "smp=4", "Q_=x y=z"])
def test_make_knows_its_variables(wrong):
    process = make(wrong, "SMP=2", "CMD=irql; a=b")
    assert process.returncode == 2 and process.stderr.count("\n") == 1, process.stderr
    assert f"{wrong.partition('=')[0]}: there is no variable of this name" in process.stderr
    assert make("sdk", wrong).returncode == 2, "with several goals, too"


def test_make_takes_every_variable_that_the_pages_name():
    pages = [qemu.ROOT / "Makefile", qemu.ROOT / "README.md", *(qemu.ROOT / "docs").glob("*.md")]
    lines = [line for page in pages for line in page.read_text().splitlines() if re.search(r"^#\?|(?<!# )\bmake ", line)]
    names = {name for line in lines for name in re.findall(r"\b([A-Z_]{1,12})=", line)} - {"ETUDE"}
    assert {"SMP", "PYTEST_ARGS", "RACE", "DISK", "DEBUG", "V", "O", "NAME"} <= names, names
    process = make(*(f"{name}=" for name in names - {"O"}), "UNIT_CC=gcc")
    assert process.returncode == 0 and "make run" in process.stdout, process.stderr


def test_make_help_names_every_variable():
    known = re.search(r"^SETTINGS := ((?:.*\\\n)*.*)", (qemu.ROOT / "Makefile").read_text(), re.M)[1].replace("\\\n", " ").split()
    shown = make().stdout
    assert len(known) > 20 and not [name for name in known if f"{name}=" not in shown]


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
    process = subprocess.run([sys.executable, "-c", wrong], capture_output=True, text=True, timeout=2 * qemu.PATIENCE)
    assert process.returncode == 1, process.stdout
    assert "do not match" in process.stderr
