"""Promise: breakpoints of the kernel's stub and the trace, which both write code, keep out of each other's way: one on a trace point
stops before and after the trace starts and stops, the code is what it was once both have gone, and nobody sees half of a change.
"""

import re
import subprocess

import pytest

import qemu
import trace
from gdbclient import Session, command, machine

JUMP = 0xE9
# Routines with trace points that nobody runs here, and the one that is run.
QUIET = ("IopCallVerified", "ExpAllocateGuarded", "KeAbandonMutant", "KiPrintOwners", "HalpCpusCommand", "KeGenericCallDpc", "KeRundownQueue")
RUN = "KiIrqlCommand"
MOST_STEPS = 1000


def symbols(kinds="tT"):
    """{name: address} of the kernel's routines, or of other kinds by nm's letters."""
    lines = subprocess.check_output(["nm", qemu.BUILD / "kernel.elf"], text=True).splitlines()
    return {name: int(address, 16) for address, kind, name in map(str.split, lines) if kind in kinds}


def points(names):
    """[(address, stub)] of the trace points in these routines, in the order of addresses."""
    starts = sorted(symbols().items(), key=lambda each: each[1])
    found = []
    for address, stub, _ in sorted(trace.sites()):
        owner = [name for name, start in starts if start <= address][-1]
        if owner.split(".")[0] in names:
            found.append((address, stub))
    return found


def behind_call(name, called):
    """The address to which a routine's call of another returns."""
    code = subprocess.check_output(["objdump", "-d", f"--disassemble={name}", qemu.BUILD / "kernel.elf"], text=True)
    return int(re.search(rf"call +\w+ <{called}>\n *(\w+):", code)[1], 16)


def meet(session, address):
    """`irql` runs into the breakpoint there; what stands there is returned."""
    session.go()
    session.console.sendline("irql")
    reply = session.client.reply()
    assert "swbreak" in reply and session.client.register(16) == address, f"{reply} {session.client.register(16):x}"
    return session.client.read(address, 5)


@pytest.mark.parametrize("smp", [1, 4])
def test_breakpoints_on_trace_points(tmp_path, smp):
    quiet, (raised, lowered) = points(QUIET), points((RUN,))[:2]
    places = [address for address, _ in (*quiet, raised, lowered)]
    assert len(quiet) > 6
    with machine(tmp_path, smp=smp) as (console, line):
        console.expect_exact(qemu.PROMPT)
        session = Session(console, line)
        code = {address: session.client.read(address, 5) for address in places}
        # The breakpoint first, then the trace: it stands on the jump, and the step over it leads into the stub.
        session.set(places)
        session.run("trace start")
        assert meet(session, raised[0])[0] == JUMP
        session.set(places, "z")
        assert session.client.ask("vCont;s").startswith("T05") and session.client.register(16) == raised[1]
        assert all(session.client.read(address, 1)[0] == JUMP for address in places)
        # Set while the trace runs, and still there when it has stopped.
        session.set(places)
        session.set([raised[0], lowered[0]], "z")
        session.go()
        console.expect_exact(qemu.PROMPT)
        session.stop()
        session.set([raised[0], lowered[0]])
        session.run("trace stop")
        assert meet(session, raised[0]) == code[raised[0]]
        session.set([raised[0]], "z")
        session.go()
        assert "swbreak" in session.client.reply() and session.client.register(16) == lowered[0]
        session.set(places, "z")
        assert {address: session.client.read(address, 5) for address in places} == code
        session.go()
        console.expect_exact(qemu.PROMPT)
        # Back and forth, with breakpoints that come and go in between.
        session.stop()
        for round_ in range(4):
            session.set(places[round_ % 2 :: 2], "Zz"[round_ // 2])
            session.run("trace start; trace stop; trace start irql" if round_ % 2 else "trace stop")
        session.set(places, "z")
        session.run("trace stop")
        assert {address: session.client.read(address, 5) for address in places} == code
        assert session.client.ask("D") == "OK"
        command(console, "irql")


def test_nobody_stops_in_a_change(tmp_path):
    """Breakpoints of both kinds in the routine that writes the code, a watchpoint on what it writes, and steps through it."""
    kernel = symbols()
    change, patch = kernel["KiChangeTrace"], behind_call("KiChangeTrace", "KiBeginCodeChange")
    point = points((RUN,))[0][0]
    with machine(tmp_path) as (console, line):
        console.expect_exact(qemu.PROMPT)
        session = Session(console, line)
        client = session.client
        assert client.ask(f"Z0,{kernel['KiBeginCodeChange']:x},1").startswith("E")
        session.set([patch])
        session.set([patch], kind=1)
        session.set([point], kind=2)
        session.run("trace start")
        assert client.read(point, 1)[0] == JUMP
        session.set([patch], "z")
        session.set([patch], "z", kind=1)
        session.set([point], "z", kind=2)
        # The step that leads into the change ends where it is over.
        session.set([change])
        session.go()
        console.sendline("trace stop")
        assert "swbreak" in client.reply()
        session.set([change], "z")
        places = []
        while len(places) < MOST_STEPS and client.read(point, 1)[0] == JUMP:
            assert client.ask("vCont;s").startswith("T05")
            places.append(client.register(16))
        assert 10 < len(places) < MOST_STEPS and kernel["KiEndCodeChange"] < places[-1] < kernel["KiEndCodeChange"] + 0x100, f"{places[-1]:x}"
        for _ in range(20):
            assert client.ask("vCont;s").startswith("T05")
        session.go()
        console.expect_exact(qemu.PROMPT)
        client.raw(b"\x03")
        assert client.reply().startswith("T02")
        assert client.ask("D") == "OK"
        command(console, "irql")


def test_code_stays_when_the_debugger_cannot_be_owned(tmp_path):
    """As after a crash on another processor, made here by KiOwnDebugger's code: `trace` fails, and leaves everything as it was."""
    own, point = symbols()["KiOwnDebugger"], points((RUN,))[0][0]
    assert behind_call("KiBeginCodeChange", "KiOwnDebugger")
    with machine(tmp_path, smp=2) as (console, line):
        console.expect_exact(qemu.PROMPT)
        session = Session(console, line)
        client = session.client
        code, before = client.read(own, 3), client.read(point, 5)
        for refused, traced in (("trace start", False), ("trace stop", True), ("trace start irql", True)):
            if traced:
                session.run("trace start")
            seen = client.read(point, 5)
            assert (seen[0] == JUMP) == traced
            assert client.ask(f"M{own:x},3:31c0c3") == "OK"  # return FALSE
            session.run(refused)
            assert "STATUS_DEVICE_NOT_READY" in console.before and client.read(point, 5) == seen
            assert client.ask(f"M{own:x},3:{code.hex()}") == "OK"
            if traced:
                session.run("trace stop")
                assert "STATUS" not in console.before and client.read(point, 5) == before
        session.run("trace start; trace stop")
        assert "STATUS" not in console.before and client.ask("D") == "OK"
        command(console, "irql")
