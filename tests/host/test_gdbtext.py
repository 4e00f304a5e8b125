"""Promise: gdb's breakpoints may stand in any routine that the kernel's stub itself calls; each is met by those who are debugged and by
nobody else, none is lost meanwhile, and with `monitor set dbgprint on` all that is printed still comes, whole.
"""

import re
import subprocess
import threading
import time

import pytest

import qemu
from gdbclient import Session, command, machine
from test_gdbpatch import symbols

CALL = re.compile(r"\b(?:call|jmp) +([0-9a-f]+) <([^>+]+)>")
STOPS = 20
MOST_STOPS = 300  # interrupts and other processors meet some of what is called, too


def called():
    """{name: address} of what the stub's own text, in which no breakpoint can be set, calls outside of it."""
    kernel = symbols()
    first, last = kernel["KiDebuggerTextStart"], kernel["KiDebuggerTextEnd"]
    code = subprocess.check_output(["objdump", "-d", f"--start-address={first}", f"--stop-address={last}", qemu.BUILD / "kernel.elf"], text=True)
    places = {name: int(address, 16) for address, name in CALL.findall(code)}
    entry = kernel["KiTrapEntryStart"], kernel["KiVectorStubsEnd"]
    return {name: at for name, at in places.items() if not first <= at < last and not entry[0] <= at < entry[1]}


def meet(session, places, kind, enough):
    """Runs into breakpoints and over each until enough(printed, met) holds; what was printed, and how often each was met."""
    client, said, met = session.client, "", dict.fromkeys(places, 0)
    while not enough(said, met):
        assert sum(met.values()) < MOST_STOPS, (said, met)
        session.go()
        text, reply = client.printed()
        said += text
        assert ("swbreak", "hwbreak")[kind] in reply, reply
        thread, place = re.search(r"thread:(\w+)", reply)[1], client.register(16)
        met[place] += 1
        session.set([place], "z", kind)
        client.send(f"vCont;s:{thread};c")
        text, reply = client.printed()
        assert text == "" and reply.startswith(f"T05thread:{thread};") and client.register(16) != place
        session.set([place], "Z", kind)
    return said, met


@pytest.mark.parametrize("smp", [1, 4])
def test_breakpoints_in_what_the_stub_calls(tmp_path, smp):
    kernel, outside = symbols(), called()
    assert {"memcpy", "strlen", "HalQueryCounter100ns"} <= set(outside)
    clock, quiet, prints = outside.pop("HalQueryCounter100ns"), kernel["KiIrqlCommand"], kernel["DbgPrint"]
    with machine(tmp_path, smp=smp) as (console, line):
        console.expect_exact(qemu.PROMPT)
        session = Session(console, line)
        session.client.monitor("set dbgprint on")
        session.run(r"sc create p type= kernel binPath= c:\tests\print.sys")
        for kind, places in ((0, list(outside.values())), (1, [kernel[name] for name in ("memcpy", "RtlFormatString")])):
            session.set([quiet], kind=kind)
            session.set([prints])
            console.sendline("sc start p; sc stop p")
            session.go()
            assert "swbreak" in session.client.printed()[1] and session.client.register(16) == prints
            session.set([prints], "z")
            # In the middle of what a driver prints.
            session.set(places, kind=kind)
            busy = kernel["memcpy"], kernel["RtlFormatString"]
            first = "ok 1 - UNICODE_STRING"
            met = meet(session, [quiet, *places], kind, lambda said, met: sum(met.values()) >= STOPS and min(met[each] for each in busy) > 1 and first in said)[1]
            assert met[quiet] == 0
            session.set([clock], kind=kind)
            meet(session, [quiet, clock, *places], kind, lambda _, met: met[clock] > 0)
            session.set([clock, *places], "z", kind)
            # The one that nobody has run into is still there.
            session.go()
            rest = threading.Thread(target=lambda: met.update(rest=session.client.printed()))
            rest.start()
            console.expect_exact(qemu.PROMPT)
            console.sendline("irql")
            rest.join(qemu.PATIENCE)
            assert ("swbreak", "hwbreak")[kind] in met["rest"][1] and session.client.register(16) == quiet
            session.set([quiet], "z", kind)
            session.go()
            console.expect_exact(qemu.PROMPT)
            session.stop()
        assert session.client.ask("D") == "OK"
        command(console, "irql")


def test_an_interrupt_under_way_arrives(tmp_path):
    """A stop between the two writes by which one processor interrupts another sends NMIs itself: the interrupt still goes where it was to."""
    code = subprocess.check_output(["objdump", "-d", "--disassemble=HalpSendCommand", qemu.BUILD / "kernel.elf"], text=True)
    between = int(re.search(r"mov +%\w+,0x310\(%\w+\)\n *(\w+):", code)[1], 16)
    with machine(tmp_path, smp=4) as (console, line):
        console.expect_exact(qemu.PROMPT)
        session = Session(console, line)
        session.set([between])
        console.sendline("trace start; trace stop")
        meet(session, [between], 0, lambda _, met: met[between] == 6)  # one for each of the others, twice
        session.set([between], "z")
        session.go()
        console.expect_exact(qemu.PROMPT)
        session.stop()
        assert session.client.ask("D") == "OK"
        command(console, "irql")


@pytest.mark.parametrize("smp", [1, 4])
def test_watchpoints_on_the_debuggers_own_data(tmp_path, smp):
    """It is not stopped by what it does itself, and an NMI meets none: the exception's end would let the next NMI in, onto its stack."""
    variables = symbols("bBdD")
    with machine(tmp_path, smp=smp) as (console, line):
        console.expect_exact(qemu.PROMPT)
        session = Session(console, line)
        for name, length in (("KiNmiSent", 4), ("KiDebugOwner", 4), ("KiBugCheckOwner", 4), ("KdpSession", 8)):
            assert session.client.ask(f"Z4,{variables[name]:x},{length:x}") == "OK"
        session.client.monitor("set dbgprint on")
        for _ in range(12):
            session.go()
            time.sleep(0.02)
            session.client.raw(b"\x03")
            assert session.client.printed()[1].startswith("T02thread:1;")
        session.client.monitor("set dbgprint off")
        session.run("irql")
        assert session.client.ask("D") == "OK"
        command(console, "irql")
