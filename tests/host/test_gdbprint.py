"""Promise: with `monitor set dbgprint on` gdb on COM2 prints what drivers and the kernel print while the machine runs, all of it, whole and
in the order of the console, and goes on to take Ctrl-C; what was printed before can be asked for while the machine stands.
"""

import re
import threading

import qemu
from gdbclient import Session, command, machine

STRIPE = re.compile(r"^# stripe (\d) (\d+) abcdefghijklmnopqrstuvwxyz0123456789 end\r?$", re.M)
TAIL = 20000  # characters that are compared


def run(session, text):
    """What gdb is sent while the console runs a command. Both lines are read all the time, or the machine would wait."""
    said = []
    session.go()
    reader = threading.Thread(target=lambda: said.append(session.client.printed()))
    reader.start()
    command(session.console, text)
    session.client.raw(b"\x03")
    reader.join(qemu.PATIENCE)
    assert said and said[0][1].startswith("T02"), said
    return said[0][0]


def test_what_is_printed_reaches_gdb(tmp_path):
    with machine(tmp_path, smp=4) as (console, line):
        console.expect_exact(qemu.PROMPT)
        session = Session(console, line)
        client = session.client
        assert "Etude is up" in client.monitor("dbgprint")
        assert "set dbgprint on|off" in client.monitor("help") and "usage" not in client.monitor("set dbgprint on")
        said = run(session, r"sc create p type= kernel binPath= c:\tests\print.sys; sc start p")
        stripes = [(int(thread), int(number)) for thread, number in STRIPE.findall(said)]
        assert sorted(stripes) == [(thread, number) for thread in range(4) for number in range(200)]
        for thread in range(4):
            assert [number for who, number in stripes if who == thread] == list(range(200))
        # The ring has the same, in the same order; while the machine stands it needs no lock.
        assert len(said) > TAIL and client.monitor("dbgprint").endswith(said[-TAIL:])
        # What the filter lets through can be set meanwhile, and a breakpoint in what prints is met.
        assert "(DbgPrint)" in client.monitor("dbgkflt")
        client.monitor("dbgkflt DEFAULT 0")
        assert "stripe" not in run(session, "sc stop p; sc start p")
        client.monitor("dbgkflt DEFAULT 0xf")
        client.monitor("set dbgprint off")
        assert run(session, "sc stop p; sc start p") == ""
        assert "usage" in client.monitor("set dbgprint") or "no such command" in client.monitor("set dbgprint")
        assert client.ask("D") == "OK"
        command(console, "irql")
