"""Promise: the debugging tutorial of the book's chapter 5 works with Etude and gdb, through every stub: a breakpoint in a driver that
is not loaded yet, the request at it, what the client wrote in the buffer, steps through the driver's source, and on.
"""

import re

import gdbrun
import pytest

STUBS = ("qemu", "com2")


def thread_of(console):
    """The id of a thread that does no harm with another priority."""
    return int(re.search(r"^ *(\d+) .*threaded DPCs", console.run("threads"), re.M)[1])


def priority_of(gdb, thread):
    return int(re.search(r"Priority (\d+)", gdb.run(f"nt thread -t {thread:x}"))[1])


def look(gdb, thread, priority):
    """At the breakpoint: the stack, the request, the driver's device, the buffer."""
    stack = gdb.run("backtrace")
    assert re.search(r"^#0 .*BoosterWrite .*drivers/booster/booster\.c", stack, re.M) and "ZwWriteFile" in stack, stack
    request = gdb.run("nt irp Irp")
    assert "Irp is active with 1 stacks 1 is current" in request, request
    assert re.search(r"^>\[IRP_MJ_WRITE\(4\), N/A\(0\)\]", request, re.M) and r"\Device\Booster \Driver\booster" in request, request
    assert "Length 0x8 " in request and "System buffer=" in request, request
    buffer = gdb.run("print *(BOOSTER_REQUEST *)Irp->AssociatedIrp.SystemBuffer")
    assert re.search(rf"ThreadId = {thread},\s+Priority = {priority}\b", buffer), buffer
    assert r"\Driver\booster" in gdb.run("nt devobj DeviceObject")
    irp = int(gdb.run("print/x Irp").split("= ")[1], 16)
    assert f"{irp:016x} [" in gdb.run("nt irpfind")
    assert re.search(r"-- 0 \((LOW|PASSIVE)_LEVEL\)", gdb.run("nt irql"))


def step_through(gdb):
    """Line by line to where the driver completes the request, in its own source."""
    lines = []
    while len(lines) < 20:
        lines.append(gdb.run("next"))
        if "return BoosterComplete(Irp, Status" in lines[-1]:
            return
    raise AssertionError(lines)


@pytest.mark.parametrize("by", STUBS)
@pytest.mark.parametrize("smp", (1, 4))
def test_chapter_5(by, smp):
    with gdbrun.machine(by, smp=smp) as (console, stub):
        thread = thread_of(console)
        with gdbrun.session(stub) as gdb:
            assert len(re.findall(r"^\*? +\d+ +Thread", gdb.run("info threads"), re.M)) == smp
            assert "serial" in gdb.run("nt lm") and "booster" not in gdb.run("nt lm")
            assert "Breakpoint 1" in gdb.run("nt bu booster!BoosterWrite")
            gdb.let_go()
            console.run("sc start booster")
            console.type(f"boost {thread} 20")
            stop = gdb.answer()
            assert re.search(r"Breakpoint 1, BoosterWrite \(DeviceObject=0x[0-9a-f]+, Irp=(Irp@entry=)?0x[0-9a-f]+\)", stop), stop
            look(gdb, thread, 20)
            step_through(gdb)
            assert priority_of(gdb, thread) == 20
            gdb.let_go()
            console.prompt()
            console.type(f"boost {thread} 17")
            assert "Breakpoint 1, BoosterWrite" in gdb.answer(), "it stays until it is deleted"
            look(gdb, thread, 17)
            gdb.run("delete")
            gdb.let_go()
            console.prompt()
            assert re.search(rf"^ *{thread} .* 17/", console.run("threads"), re.M)
