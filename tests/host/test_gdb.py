"""Promises: gdb sees what WinDbg would, by commands of the same names, on a running machine with one and four processors, on one
that has crashed, and on a dump; drivers' symbols come and go with the drivers, and breakpoints in drivers wait for them; F5
in VS Code does the same; docs/debugging.md lists every command.

Each machine answers a whole script, so that there are few boots.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

import gdbrun
import gdbsession
import qemu

TARGET = r"sc create target type= kernel binPath= c:\tests\debugtarget.sys; sc start target; sc stop target"
TUTORIAL = ["nt process 0 0 System", "nt lm m nt", "nt bu booster!DriverEntry", "nt bu booster!NoSuchRoutine", "nt bu nosuchdriver!DriverEntry", "break BoosterWrite"]
TUTORIAL += ["continue", "nt lm m booster", "continue", "backtrace", "print *(BOOSTER_REQUEST *)Irp->AssociatedIrp.SystemBuffer"]
TUTORIAL += ["next", "nt thread", "finish", "delete", "nt bu debugtarget!DebugTargetStop", "continue"]
AT_TARGET = ["backtrace", "nt lm", "nt locks", "nt qlocks", "nt dpcs", "nt apc", "nt timer", "nt irql", "nt running -i -t"]
AT_TARGET += ["nt stacks 2 DebugTarget", "nt process 0 0", "nt process 4 7", "nt ready", "nt pcr", "nt prcb 0", "nt idt", "nt idt 2f"]
AT_TARGET += ["nt dbgprint", "nt ln DebugTargetStop+4", "nt lm v m debugtarget", "nt reload"]
REFUSALS = ["nt", "nt nosuch", "nt process 1 2 3 4", "nt thread 1234", "nt timer ffffe00000000000", "nt prcb 63", "nt pcr $nosuch", "nt analyze"]
REFUSALS += ["nt pooltrace", "nt htrace 0"]
END = ["delete", "break HalExitEmulator", "continue", "nt lm", "info breakpoints"]


@pytest.fixture(scope="module", params=[("qemu", 1), ("qemu", 4), ("com2", 1), ("com2", 4)], ids=lambda each: "-".join(map(str, each)))
def machine(request):
    """(processors, answers) of the long session."""
    by, smp = request.param
    commands = TUTORIAL + AT_TARGET + REFUSALS + END
    return smp, gdbsession.run(f"sc start booster; boost 12 17; sc stop booster; {TARGET}", commands, by=by, smp=smp)


def expect(answers, command, *patterns):
    """Each pattern is found in what the command printed."""
    for pattern in patterns:
        assert re.search(pattern, answers[command]), f"{command}: no {pattern!r} in\n{answers[command]}"


def test_before_the_kernel_is_there(machine):
    """What cannot be shown yet says so, and how to come there."""
    _, answers = machine
    expect(answers, "nt process 0 0 System", "^nt process: the kernel has not come so far: `hbreak KiPhase1` and `continue` come first$")
    expect(answers, "nt lm m nt", r"^nt lm: the kernel has not come so far: `hbreak KiPhase1`|(?m:^ffffffff`8\w{7}   ffffffff`8\w{7}   nt )")


def test_tutorial_of_chapter_5(machine):
    _, answers = machine
    expect(answers, "nt bu booster!DriverEntry", "pending")
    expect(answers, "nt bu booster!NoSuchRoutine", "^nt bu: booster has no function NoSuchRoutine$")
    expect(answers, "nt bu nosuchdriver!DriverEntry", "^nt bu: nosuchdriver: no file with symbols")
    expect(answers, "continue", r"DriverEntry \(DriverObject=0x\w+, RegistryPath=0x\w+\) at drivers/booster/booster.c")
    expect(answers, "nt lm m booster", r"(?m)^fffff8\w\w`\w{8}   fffff8\w\w`\w{8}   booster +\(symbols\) +\S+booster.dbg$")
    expect(answers, "continue #2", r"BoosterWrite \(.*booster.c:\d+")
    expect(answers, "backtrace", "#0  BoosterWrite", "IofCallDriver", "ZwWriteFile", "BoostCommand", "KiThreadStartup")
    expect(answers, next(each for each in answers if each.startswith("print")), "ThreadId = 12,", "Priority = 17")
    expect(answers, "nt thread", r"THREAD ffff\w+  Cid 0004\.\w+  RUNNING", "IRP List:", "booster!BoosterWrite", "nt!ConsoleThread", "Console")
    expect(answers, "finish", "IopCall|IofCallDriver")


def test_symbols_come_and_go(machine):
    _, answers = machine
    expect(answers, "continue #3", r"DebugTargetStop \(Handle=0x")
    expect(answers, "nt lm", r"debugtarget +\(symbols\)", r"Unloaded modules:\n(.*\n)*.*booster\.sys", r"nt +\(symbols\) +\S+kernel\.elf")
    expect(answers, "nt lm v m debugtarget", r"Image path: \S*c:\\tests\\debugtarget\.sys", "ImageSize: 0000")
    expect(answers, "nt reload", r"(?m)^debugtarget\.sys +\S+/tests/debugtarget\.dbg$")
    expect(answers, "nt ln DebugTargetStop+4", r"debugtarget!DebugTargetStop\+0x4", r"tests/kmt/debugtarget\.c:\d+")
    assert " debugtarget  " not in answers["nt lm #2"], answers["nt lm #2"]
    expect(answers, "nt lm #2", r"debugtarget\.sys")


def test_what_processors_do(machine):
    smp, answers = machine
    expect(answers, "nt running -i -t", "debugtarget!DebugTargetStop", "debugtarget!HoldLocked", "nt!KiThreadStartup")
    prcbs = re.findall(r"(?m)^ +(\d+)    ffff\w{12}  ffff\w{12} \(", answers["nt running -i -t"])
    assert prcbs == [str(each) for each in range(smp)], answers["nt running -i -t"]
    expect(answers, "nt irql", r"processor 0x0 -- 2 \(DISPATCH_LEVEL\)")
    expect(answers, "nt pcr", "KPCR for Processor 0 at ffff", r"Irql: 2", r"DpcQueue: Normal +: 0x\w+  debugtarget!DebugTargetDpc")
    expect(answers, "nt prcb 0", r"Current IRQL -- 2", r"DPCs -- queued 1,", r"Interrupt Count -- 0000")
    expect(answers, "nt dpcs", r"(?m)^ 0: Normal   : 0xfffff8\w+  debugtarget!DebugTargetDpc$")
    expect(answers, "nt timer", r"every 60000 ms +debugtarget!DebugTargetTimer \(DPC @ fffff8\w+\)", r"in 3\d\d\d\.\d+ s", r"thread ffff")
    expect(answers, "nt idt", r"nt!KiVector\d+", r"serial!SerialInterrupt \(KINTERRUPT ffff\w+\)  IRQL \d+")
    expect(answers, "nt idt 2f", r"(?m)^2f:\s+ffffffff8\w+ nt!KiVector47$")
    for cpu in range(smp):
        expect(answers, "nt ready", rf"Processor {cpu}: ")


def test_threads_and_locks(machine):
    smp, answers = machine
    expect(answers, "nt process 0 0", r"PROCESS ffff\w{12}\n +Cid: 0004 .*\n.*ObjectTable: ffff\w+  HandleCount: \d+\.\n +Image: System")
    expect(answers, "nt process 4 7", r"WAIT: \(WrResource\) KernelMode Non-Alertable", "debugtarget!DebugTargetWaiter", "Reaper", "BasePriority: 8")
    expect(answers, "nt stacks 2 DebugTarget", "nt!ExpWaitForResource", r"Threads Processed: %d" % (3 if smp > 1 else 2))
    expect(answers, "nt locks", r"Resource @ debugtarget!Resource \(0xfffff8\w+\)    Exclusively owned", r"-01<\*>", "NumberOfExclusiveWaiters = 1")
    expect(answers, "nt locks", r"Waiting On Exclusive Access:\n +ffff\w{12}\n", r"\d+ total locks, 1 locks currently held")
    owner, waiter = (re.search(rf"THREAD (\w+)  Cid \S+  {state}", answers["nt process 4 7"])[1] for state in ("RUNNING on processor 0", r"WAIT: \(WrRes"))
    expect(answers, "nt locks", f"{owner}-01", rf"Access:\n +{waiter}")
    expect(answers, "nt qlocks", r"(?m)^debugtarget!QueuedLock +O" + (r"  1" if smp > 1 else "$"))
    expect(answers, "nt apc", rf"Thread {waiter}", "NormalRoutine +debugtarget!DebugTargetNormalApc", "1 APC waits")
    expect(answers, "nt dbgprint", "Etude is up", "ok 1 - an APC is queued")


def test_refusals_are_one_line(machine):
    _, answers = machine
    expect(answers, "nt", "nt analyze", "nt process")
    for command in REFUSALS[1:]:
        assert len(answers[command].splitlines()) == 1, f"{command}: {answers[command]}"
        assert "Traceback" not in answers[command]
    expect(answers, "nt process 1 2 3 4", "usage: nt process")
    expect(answers, "nt thread 1234", "cannot access memory at address 0x1234")
    expect(answers, "nt prcb 63", "there is no processor 99")
    expect(answers, "nt analyze", "no bugcheck has happened")
    expect(answers, "nt pooltrace", "only the debug kernel keeps stacks: make DEBUG=1")
    expect(answers, "nt htrace 0", "only the debug kernel keeps stacks: make DEBUG=1")


def test_no_traceback_anywhere(machine):
    _, answers = machine
    for command, text in answers.items():
        assert "Traceback" not in text and "Python Exception" not in text and "Error:" not in text, f"{command}: {text}"


STANDING = ["backtrace", "nt thread", "nt running -i -t"]
CRASHED = ["nt analyze", "nt analyze -v", "nt irql", "backtrace", "nt thread", "nt lm", "nt dbgprint", "nt running -i -t"]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """What gdb says of one crash: on the machine, through either stub, and on both kinds of dumps."""
    folder = tmp_path_factory.mktemp("crashed")
    line, disk, dump = folder / "com2", folder / "crash.img", folder / "core"
    with gdbrun.machine(smp=4, mem="64M", debug_port=str(line), crash=str(disk)) as (console, stub):
        console.child.sendline(r"sc create b type= kernel binPath= c:\tests\bug_fault_at_dispatch.sys; sc start b")
        console.child.expect_exact("The system is halted.")
        return {
            "QEMU's stub": gdbsession.look(f"target remote {stub}", [*CRASHED, f"monitor dump-guest-memory -p {dump}"]),
            "QEMU's dump": gdbsession.look(f"core-file {dump}", CRASHED),
            "the kernel's stub": gdbsession.look(f"target remote {line}", CRASHED),
            "the crash file": gdbsession.look(f"core-file {disk}", CRASHED),
        }


def test_crash_and_dump(crashed):
    """A bugcheck is explained the same way on the machine and on what is left of it."""
    for answers in crashed.values():
        expect(answers, "nt analyze", r"DRIVER_IRQL_NOT_LESS_OR_EQUAL \(d1\)", "Arg1: 0000000000001000, address touched", "MODULE_NAME: bug_fault_at_dispatch")
        expect(answers, "nt analyze", "SYMBOL_NAME:  bug_fault_at_dispatch!DriverEntry", r"FAULTING_SOURCE_LINE:  tests/kmt/bug_fault_at_dispatch\.c:\d+")
        expect(answers, "nt analyze", "FAILURE_BUCKET_ID:  D1_bug_fault_at_dispatch!DriverEntry", "IMAGE_NAME:  bug_fault_at_dispatch.sys")
        expect(answers, "nt analyze -v", "CURRENT_IRQL:  2", r"TRAP_FRAME:  ffff", r"rip=fffff8\w+", "STACK_TEXT:", "nt!IopRunDriverEntry", r"(?s)(Processor \d:.*){3}")
        expect(answers, "nt irql", r"when it crashed -- 2 \(DISPATCH_LEVEL\)")
        expect(answers, "backtrace", r"bug_fault_at_dispatch\.c:\d+", "IopRunDriverEntry")
        expect(answers, "nt dbgprint", r"\*\*\* STOP: 0x000000D1")


@pytest.mark.parametrize("command", CRASHED)
def test_all_say_the_same_of_a_crash(crashed, command):
    """But that QEMU knows where processors stand now, in the bugcheck; the kernel's own stub and its file show them where they were
    stopped. And the file has not what was printed after it."""
    said = [answers[command] for answers in crashed.values()]
    if command == "nt dbgprint":
        said[3] += said[2][len(said[3]) :]
    if command in STANDING:
        assert said[0] == said[1] and said[2] == said[3], "\n\n".join(said)
        assert len(said[0]) > len(said[2])
    else:
        assert said == said[:1] * 4, "\n\n".join(said)


def test_without_a_machine():
    answers = gdbsession.look("echo", ["nt error c0000005", "nt error 5", "nt error 103 1", "nt error 12345", "nt process", "help nt irql"])
    expect(answers, "nt error c0000005", r"Error code: \(NTSTATUS\) 0xc0000005 \(-1073741819\) - STATUS_ACCESS_VIOLATION")
    expect(answers, "nt error 5", r"Error code: \(Win32\) 0x5 \(5\) - Access is denied")
    expect(answers, "nt error 103 1", "STATUS_PENDING")
    expect(answers, "nt error 12345", "^nt error: 0x12345 has no name here")
    expect(answers, "nt process", "^nt process: there is no machine")
    expect(answers, "help nt irql", "Usage: nt irql", "WinDbg: !irql")


def test_another_build_is_noticed():
    """The debug kernel runs, and gdb has the release kernel's symbols, or the other way round."""
    other = qemu.BUILD.parent if qemu.BUILD == qemu.debug_build() else qemu.debug_build()
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        stub = Path(folder) / "gdb"
        machine = qemu.Machine(debug=other == qemu.debug_build(), commands="help")
        process = qemu.start_stopped(folder, stub, ["-monitor", "none", "-serial", "null"], machine, stdin=subprocess.DEVNULL)
        startup = re.search(r"(\w+) \w KiSystemStartup", subprocess.check_output(["nm", other / "kernel.elf"], text=True))[1]
        try:
            answers = gdbsession.look(f"target remote {stub}", [f"thbreak *0x{startup}", "continue", "nt lm"])
        finally:
            process.kill()
            process.wait()
    assert "warning: the kernel in memory is not" in answers["continue"] + answers["nt lm"], answers


def test_symbols_beside_a_users_driver(tmp_path):
    """EXTRA_FILES: symbols are found where the driver is, if they are of the same build; one without them is named all the same."""
    for name in ("zero", "enumproc"):
        (tmp_path / f"my{name}.sys").write_bytes((qemu.BUILD / f"drivers/{name}.sys").read_bytes())
    (tmp_path / "myzero.dbg").write_bytes((qemu.BUILD / "drivers/zero.dbg").read_bytes())
    (tmp_path / "myenumproc.dbg").write_bytes((qemu.BUILD / "drivers/zero.dbg").read_bytes())
    start = "; ".join(rf"sc create {name} type= kernel binPath= c:\extra\{name}.sys; sc start {name}" for name in ("myzero", "myenumproc"))
    files = tuple(str(tmp_path / f"my{name}.sys") for name in ("zero", "enumproc"))
    commands = ["nt bu myzero!DriverEntry", "continue", "delete", "break HalExitEmulator", "continue", "nt lm"]
    answers = gdbsession.run(start, commands, extra_files=files, symbol_folders=[tmp_path])
    expect(answers, "continue", r"DriverEntry \(.*drivers/zero/\w+\.c:\d+")
    expect(answers, "nt lm", r"myzero +\(symbols\) .*myzero\.dbg", r"myenumproc +\(no symbols\) .*myenumproc\.dbg is of another build")


def strip_comments(text):
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def test_f5_in_vs_code():
    """What launch.json makes VS Code's adapter send: the same options, the same setup, a breakpoint before the driver is there."""
    code = qemu.ROOT / ".vscode"
    launch = strip_comments((code / "launch.json").read_text())["configurations"][0]
    tasks = {each["label"]: each for each in strip_comments((code / "tasks.json").read_text())["tasks"]}
    task = tasks[launch["preLaunchTask"]]
    assert task["command"].split()[0] == "make" and "debug-wait" in task["command"].split()
    place = lambda text: text.replace("${workspaceFolder}/build", str(qemu.BUILD)).replace("${workspaceFolder}", str(qemu.ROOT))  # noqa: E731
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        stub = Path(folder) / "gdb"
        machine = qemu.Machine(commands="sc start booster")
        process = qemu.start_stopped(folder, stub, ["-monitor", "none", "-serial", "null"], machine, stdin=subprocess.DEVNULL)
        lines = [f'-interpreter-exec console "{place(each["text"])}"' for each in launch["setupCommands"]]
        lines += [f"-target-select remote {stub}", "-break-insert -f booster.c:20", "-exec-continue"]
        option = place(launch["miDebuggerArgs"]).partition('"')[2].strip('"')
        gdb = [launch["miDebuggerPath"], "-nx", "--interpreter=mi", "-iex", option, place(launch["program"])]
        session = subprocess.Popen(gdb, cwd=qemu.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            session.stdin.write("\n".join(lines) + "\n")
            session.stdin.flush()
            output = ""
            for line in session.stdout:
                output += line
                if line.startswith("*stopped") and 'reason="breakpoint-hit"' in line:
                    break
            assert re.search(r'\*stopped,reason="breakpoint-hit".*func="DriverEntry".*booster\.c', output), output
        finally:
            session.kill()
            session.communicate()
            process.kill()
            process.wait()


def test_every_command_is_in_the_table():
    """docs/debugging.md's table is what the registry says: `tests/host/gdbsession.py` puts it there."""
    rows = gdbsession.table()
    shown = re.findall(r"^\| `[^`]+` \| `nt .*$", (qemu.ROOT / "docs/debugging.md").read_text(), re.MULTILINE)
    assert len(rows) > 20 and shown == rows, sorted(set(rows) ^ set(shown))
