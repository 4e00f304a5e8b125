"""Promise: gdb debugs the kernel over COM2, with nothing of the emulator's help.

Real gdb stops the machine and lets it go on, on one and on four processors: breakpoints, watchpoints, steps, registers, memory,
threads, Ctrl-C even when no processor takes interrupts, detaching and coming again. A driver's breakpoint and assertion, and a
crash, stop in it. A client of our own sends what gdb would not: damaged packets, lost acknowledgements, nonsense.
"""

import contextlib
import re
import time

import pexpect
import pytest

import qemu
from gdbclient import Client, machine

PROMPT = "(gdb) "


class Gdb:
    """A gdb at its prompt."""

    def __init__(self, line):
        kernel = qemu.BUILD / "kernel.elf"
        first = ["set confirm off", "set width 0", "set pagination off", "set width 0", "set style enabled off", "set remotetimeout 100"]
        arguments = ["-q", "-nx", "-iex", "set auto-load off", str(kernel)]
        for each in first:
            arguments += ["-ex", each]
        self.child = pexpect.spawn("gdb", arguments, timeout=qemu.PATIENCE, encoding="utf-8", codec_errors="replace", echo=False)
        self.child.delaybeforesend = None
        self.child.expect_exact(PROMPT)
        self.commands = 0
        self.said = self.do(f"target remote {line}")

    def do(self, command):
        """What gdb says to it, up to a mark: prompts come when it pleases them."""
        self.commands += 1
        self.child.sendline(command)
        return self.collect()

    def collect(self):
        self.child.expect_exact(PROMPT)
        said = self.child.before
        self.child.sendline(f"echo done {self.commands}.\\n")
        self.child.expect(rf"done {self.commands}\.\r+\n")
        said += self.child.before
        self.child.expect_exact(PROMPT)
        return said.replace("\r", "")

    def value(self, expression):
        text = self.do(f"print/x {expression}")
        return int(re.search(r"= (0x[0-9a-f]+)", text)[1], 16)

    def go(self):
        """Let the machine run; stop() interrupts it."""
        self.child.sendline("continue")
        self.child.expect_exact("Continuing.")

    def stop(self):
        self.commands += 1
        self.child.sendintr()
        said = self.collect()
        if "Quit\n" not in said:
            return said
        self.go()  # Ctrl-C came before the machine ran
        return self.stop()

    def close(self):
        qemu.end(self.child)


@contextlib.contextmanager
def gdb(line):
    debugger = Gdb(line)
    try:
        yield debugger
    finally:
        debugger.close()


def threads(debugger):
    return re.findall(r'Thread (\d+) "CPU (\d+) - (.*?) IRQL (\d+)', debugger.do("info threads"))


def look(debugger):
    """Registers and memory, at the first stop."""
    assert "KiWaitForDebugger" in debugger.said, debugger.said
    assert threads(debugger) == [("1", "0", "starting", "0")]
    assert debugger.value("$cs") == 0x10 and debugger.value("$cr0") & 1 and debugger.value("$efer") & 0x400
    assert debugger.value("$gs_base") == debugger.value("&KiBootProcessor")
    assert debugger.value("KeNumberProcessors") == 1
    assert "Cannot access memory at address 0x1234" in debugger.do("x/gx 0x1234")
    assert "Cannot access memory" in debugger.do("x/gx 0x8000000000000000")
    assert "Cannot access memory" in debugger.do("set var *(long *)0x1234 = 1")
    # The local APIC's registers are no memory to look at: reading a device changes it.
    before = debugger.value("$r12")
    debugger.do("set var $r12 = 0x123456789abcdef0")
    debugger.do("set var $xmm7.uint128 = 77")
    debugger.do("flushregs")
    assert debugger.value("$r12") == 0x123456789ABCDEF0 and debugger.value("$xmm7.uint128") == 77
    debugger.do(f"set var $r12 = {before}")
    assert "not" in debugger.do("set var $cr3 = 0").lower()


def stop_and_step(debugger, smp):
    """Breakpoints of both kinds, a watchpoint, steps."""
    assert "Breakpoint 1" in debugger.do("break KiReadyThread")
    assert "KiReadyThread (Thread=" in debugger.do("continue")
    text = debugger.do("x/i $pc")
    assert "int3" not in text
    assert "KeReadyThread" in debugger.do("finish")
    debugger.do("delete")
    debugger.do("hbreak KeStartAllProcessors")
    assert "KeStartAllProcessors ()" in debugger.do("continue")
    assert threads(debugger)[0][2] == 'thread "Phase1"'
    debugger.do("delete")
    start = debugger.value("$pc")
    debugger.do("stepi")
    assert 0 < debugger.value("$pc") - start <= 15
    # Cannot insert: the debugger would run into it itself.
    debugger.do("break KdServeDebugger")
    assert "Cannot insert breakpoint" in debugger.do("continue")
    debugger.do("delete")
    if smp > 1:
        debugger.do("watch KeNumberProcessors")
        for number in range(1, smp):
            text = debugger.do("continue")
            assert f"Old value = {number}" in text and f"New value = {number + 1}" in text, text
        debugger.do("delete")
    debugger.do("rwatch KeActiveProcessors")
    assert "Value = " in debugger.do("continue")
    debugger.do("delete")
    debugger.do("break IoInitSystem")
    assert "IoInitSystem ()" in debugger.do("continue")
    debugger.do("delete")
    assert "IopInitializeTimers" in debugger.do("next")


def hit_often(debugger, smp):
    """Where all processors come again and again, at once: each stop and each step over it is one that counts."""
    debugger.do("break KiDispatchInterrupt")
    debugger.do("ignore $bpnum 8")
    text = debugger.do("continue")
    assert "KiDispatchInterrupt (" in text, text
    assert "already hit 9 times" in debugger.do("info breakpoints")
    assert len(threads(debugger)) == smp
    assert {each[1] for each in threads(debugger)} == {str(number) for number in range(smp)}
    # With interrupts shut out a step is one instruction, also of what reads and sets the interrupt flag.
    debugger.do("delete")
    debugger.do("stepi 12")


def step_each_processor(debugger, smp):
    """One that idles is stepped while the others stand still; a halt is stepped over."""
    for number in range(1, smp + 1):
        debugger.do(f"thread {number}")
        before = debugger.value("KeNumberProcessors"), debugger.value("$pc")
        debugger.do("stepi")
        debugger.do("stepi")
        assert f"[Current thread is {number} " in debugger.do("thread")
        assert debugger.value("KeNumberProcessors") == before[0]


def run_commands(debugger):
    """monitor: what can run while the machine stands does, the rest says why not."""
    assert re.search(r"^ffffffff80\w+  ffffffff80\w+  nt", debugger.do("monitor lm"), re.M | re.I)
    assert "nt!KiIdleLoop" in debugger.do(f"monitor ln {debugger.value('&KiIdleLoop'):#x}")
    text = debugger.do("monitor help")
    assert "lm" in text and "threads" not in text
    assert "threads needs the machine to run" in debugger.do("monitor threads")
    assert "no such command" in debugger.do("monitor nonsense")
    assert "pxe at" in debugger.do("monitor pte 0xffffffff80200000")
    # From here on as with a UART that has no FIFO.
    assert debugger.value("HalpDebuggerFifo") == 16
    debugger.do("set var HalpDebuggerFifo = 1")


def place_of(debugger, number):
    debugger.do(f"thread {number}")
    return debugger.value("$pc")


def spin(debugger, smp):
    """Every processor at `jmp .` with interrupts off: Ctrl-C comes all the same."""
    place = debugger.value("&KiPhase1")
    before = debugger.value(f"*(unsigned short *){place}")
    debugger.do(f"set var *(unsigned short *){place} = 0xfeeb")
    saved = []
    for number in range(1, smp + 1):
        debugger.do(f"thread {number}")
        saved.append((debugger.value("$pc"), debugger.value("$eflags")))
        debugger.do(f"set var $pc = {place}")
        debugger.do("set var $eflags = 2")
    # On a busy host it takes a while until all have come so far as to go on.
    for number in range(20):
        debugger.go()
        time.sleep(0.2 * (number + 1))
        assert "SIGINT" in debugger.stop()
        if all(place_of(debugger, number) == place for number in range(1, smp + 1)):
            break
    for number, (pc, flags) in enumerate(saved, 1):
        assert place_of(debugger, number) == place and debugger.value("$eflags") & 0x200 == 0
        debugger.do(f"set var $pc = {pc}")
        debugger.do(f"set var $eflags = {flags}")
    debugger.do(f"set var *(unsigned short *){place} = {before}")


@pytest.mark.parametrize("smp", [1, 4])
def test_gdb(tmp_path, smp):
    with machine(tmp_path, smp=smp, cmdline="break") as (console, line):
        console.expect_exact("waiting for gdb")
        with gdb(line) as debugger:
            look(debugger)
            stop_and_step(debugger, smp)
            hit_often(debugger, smp)
            step_each_processor(debugger, smp)
            run_commands(debugger)
            spin(debugger, smp)
            debugger.go()
            console.expect_exact(qemu.PROMPT)
            assert "SIGINT" in debugger.stop()
            debugger.do("break KiBugCheckCommand")
            debugger.do("detach")
        # It runs on, without a trace of the breakpoints; then another comes.
        console.sendline("echo still $here")
        console.expect_exact("still $here")
        console.expect_exact(qemu.PROMPT)
        with gdb(line) as debugger:
            assert len(threads(debugger)) == smp
            debugger.go()
            debugger.stop()
            debugger.go()
            debugger.child.kill(9)
        # That one has not said good-bye; the next one is served all the same.
        with gdb(line) as debugger:
            assert len(threads(debugger)) == smp
            debugger.do("detach")
        console.sendline("irql")
        console.expect_exact("PASSIVE")
        console.expect_exact(qemu.PROMPT)


@pytest.mark.parametrize("smp", [1, 4])
def test_breakpoints_in_drivers_and_crashes(tmp_path, smp):
    """DbgBreakPoint, int 2Dh and a failed assertion stop in gdb and go on from there; a bugcheck stops there first."""
    commands = "; ".join(
        f"sc create {name} type= kernel binPath= c:\\tests\\{name}.sys; sc start {name}; sc stop {name}"
        for name in ("bug_breakpoint", "bug_assert", "bug_debug_service")
    )
    with machine(tmp_path, smp=smp, cmdline="break", commands=f"{commands}; bugcheck 0x1234") as (console, line):
        console.expect_exact("waiting for gdb")
        with gdb(line) as debugger:
            debugger.do("monitor set dbgprint on")
            text = debugger.do("continue")
            assert "SIGTRAP" in text and "DbgBreakPoint ()" in text and "Etude is up" in text, text
            assert debugger.value("KdDebuggerNotPresent") == 0
            console.expect_exact("sc start bug_breakpoint")
            text = debugger.do("continue")
            console.expect_exact("never reached")
            console.expect_exact("Assertion failed: KmtNumber > 0")
            assert "RtlAssert (" in text and "Assertion failed: KmtNumber > 0" in text, text
            text = debugger.do("continue")
            console.expect_exact("never reached")
            assert "SIGTRAP" in text and debugger.value("*(unsigned short *)($pc - 2)") == 0x2DCD, text
            text = debugger.do("continue")
            console.expect_exact("never reached")
            console.expect_exact("Fatal system error 0x00001234")
            assert "SIGABRT" in text, text
            assert "KiBugCheckCommand" in debugger.do("bt 4")
            assert len(threads(debugger)) == smp
            debugger.child.sendline("continue")
            debugger.child.expect_exact("*** STOP: 0x00001234")
            console.expect_exact("STOP: 0x00001234")
            console.expect(pexpect.EOF)
        console.wait()
        assert console.exitstatus == qemu.STATUS_BUGCHECK


def test_gdb_after_the_crash(tmp_path):
    with machine(tmp_path, smp=2) as (console, line):
        console.expect_exact(qemu.PROMPT)
        console.sendline("bugcheck")
        console.expect_exact("The system is halted.")
        with gdb(line) as debugger:
            assert "KiBugCheckCommand" in debugger.do("bt 4")
            assert len(threads(debugger)) == 2
            debugger.do("detach")


def test_protocol(tmp_path):
    with machine(tmp_path, smp=2) as (console, line):
        console.expect_exact(qemu.PROMPT)
        client = Client(line)
        # Noise stops nobody, or not for long.
        client.raw(b"\x00\xff#garbage-+")
        client.raw(b"$unfinished")
        console.sendline("echo alive")
        console.expect("alive\\s+etude> ")
        # From now on it stands.
        client.raw(b"$?#00")
        assert client.byte() == b"-"
        assert client.ask("?").startswith("T02thread:")
        assert "PacketSize=" in client.ask("qSupported:swbreak+;hwbreak+")
        # An answer that was lost is sent again; an acknowledgement that was lost does not matter.
        client.send("qC")
        first = client.reply()
        client.raw(b"-")
        assert client.reply() == first
        client.send("qC")
        client.raw(b"$qC#b4")
        assert client.reply() == client.reply() == first
        # A packet in the middle of another, one without end, wrong digits, too long a one.
        client.raw(b"$m12345$qC#b4")
        assert client.reply() == first
        client.raw(b"$qC#zz")
        assert client.byte() == b"-"
        client.send("M0,2000:" + "a" * 0x3000)
        assert client.byte() == b"-"
        for nonsense in ("vMustReplyEmpty", "vCont2?", "j", "qFoo", "!", "bc"):
            assert client.ask(nonsense) == "", nonsense
        # Errors, and nothing else, for what cannot be.
        for wrong in ("m", "m,", "mzz,1", "m10", "m0,10", "mfffffffffffffffff,8", "M0,1:0", "M0,1:00", "Mffffffff80200000,2:0", "X0,1:1",
                      "X0,5:ab", "p", "pfff", "pzz", "P0", "P0=", "P0=12", "P3c=0000000000000000", "Z0,0,1", "Z0,1234,1", "Z9,1000,1",
                      "Z2,ffffffff80200001,8", "Z2,ffffffff80200000,3", "Z1,8000000000000000,1", "Hg99", "Hg", "H", "T99", "T", "Gzz",
                      "vCont;", "vCont;x", "vCont;s:99", "C", "qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:fffff,1",
                      "qThreadExtraInfo,99", "qRcmd,0", "qRcmd,zz"):
            assert re.fullmatch("E[0-9a-f]{2}", client.ask(wrong)), wrong
        # A read across the end of what is mapped gives what there is.
        base = int.from_bytes(bytes.fromhex(client.ask("p10")), "little") & ~0xFFF
        code = client.ask(f"m{base:x},10")
        assert len(code) == 32
        # What is written is there, also where the kernel itself cannot write, and as binary with escapes.
        assert client.ask(f"M{base:x},2:0102") == "OK" and client.ask(f"m{base:x},2") == "0102"
        assert client.ask(f"X{base:x},2:}}\x03}}\x04") == "OK" and client.ask(f"m{base:x},2") == "2324"
        assert client.ask(f"M{base:x},10:{code}") == "OK" and client.ask(f"m{base:x},10") == code
        registers = client.ask("g")
        assert len(registers) == 608 * 2 and client.ask("p10") == registers[32 * 8 : 32 * 8 + 16]
        assert client.ask("G" + registers) == "OK" and client.ask("g") == registers
        # Four debug registers, and no fifth.
        for number in range(4):
            assert client.ask(f"Z2,{base + number * 8:x},8") == "OK"
        assert client.ask(f"Z2,{base + 32:x},8").startswith("E")
        assert client.ask(f"Z2,{base:x},8") == "OK"  # the first one again
        for number in range(4):
            assert client.ask(f"z2,{base + number * 8:x},8") == "OK"
        parts, offset = "", 0
        while True:
            part = client.ask(f"qXfer:features:read:target.xml:{offset:x},100")
            parts += part[1:]
            offset += len(part) - 1
            if part[0] == "l":
                break
        assert parts.endswith("</target>")
        assert bytes.fromhex(client.ask("qThreadExtraInfo,2")).startswith(b"CPU 1 - ")
        assert client.ask("qfThreadInfo") == "m1,2" and client.ask("qsThreadInfo") == "l"
        # Without acknowledgements; then somebody else comes, who wants them.
        assert client.ask("QStartNoAckMode") == "OK"
        client.acks = False
        assert client.ask("qC") == first
        client.close()
        client = Client(line)
        client.raw(b"+")
        client.send("?")
        assert client.byte() == b"+"
        assert client.reply().startswith("T02")
        # It goes on, is stopped by Ctrl-C, and detaches.
        client.send("vCont;c")
        assert client.byte() == b"+"
        console.sendline("echo running")
        console.expect("running\\s+etude> ")
        client.raw(b"\x03")
        assert client.reply().startswith("T02")
        assert client.ask("vCont;s:2;c").startswith("T05thread:2;")
        assert client.ask("D") == "OK"
        console.sendline("echo alone")
        console.expect("alone\\s+etude> ")
        assert client.nothing() == b"" or client.nothing() == b""
        client.close()


def test_refused_options(tmp_path):
    """A machine without COM2 says so and starts; so does one that is to use another port. A driver does not get the line."""
    result = qemu.execute("irql", cmdline="debug")
    assert result.passed and "debug: there is no COM2" in result.output
    result = qemu.execute("irql", cmdline="debug debugport=com1", debug_port=str(tmp_path / "x"))
    assert result.passed and "the debugger's port is COM2, not com1" in result.output
