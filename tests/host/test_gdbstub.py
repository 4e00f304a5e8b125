"""Promise: gdb debugs the kernel over COM2, with nothing of the emulator's help.

Real gdb looks at a machine after its crash. A client of our own speaks the protocol: registers, memory, watchpoints, a step,
Ctrl-C, detaching and coming again, and what gdb would not send: damaged packets, lost acknowledgements, nonsense.
"""

import contextlib
import re
import socket
import time

import pexpect

import qemu

PROMPT = "(gdb) "

@contextlib.contextmanager
def machine(tmp_path, **settings):
    """(console, path of the line) of a machine that waits for gdb."""
    line = tmp_path / "com2"
    with qemu.console(timeout=30, debug_port=str(line), **settings) as console:
        deadline = time.monotonic() + 30
        while not line.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield console, line


class Gdb:
    """A gdb at its prompt."""

    def __init__(self, line):
        kernel = qemu.BUILD / "kernel.elf"
        first = ["set confirm off", "set width 0", "set pagination off", "set width 0", "set style enabled off", "set remotetimeout 20"]
        arguments = ["-q", "-nx", "-iex", "set auto-load off", str(kernel)]
        for each in first:
            arguments += ["-ex", each]
        self.child = pexpect.spawn("gdb", arguments, timeout=30, encoding="utf-8", codec_errors="replace", echo=False)
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

    def close(self):
        self.child.close(force=True)


@contextlib.contextmanager
def gdb(line):
    debugger = Gdb(line)
    try:
        yield debugger
    finally:
        debugger.close()


def threads(debugger):
    return re.findall(r'Thread (\d+) "CPU (\d+) - (.*?) IRQL (\d+)', debugger.do("info threads"))


def test_gdb_after_the_crash(tmp_path):
    with machine(tmp_path, smp=2) as (console, line):
        console.expect_exact(qemu.PROMPT)
        console.sendline("bugcheck")
        console.expect_exact("The system is halted.")
        with gdb(line) as debugger:
            assert "KiBugCheckCommand" in debugger.do("bt 4")
            assert len(threads(debugger)) == 2
            debugger.do("detach")


class Client:
    """The protocol by hand."""

    def __init__(self, line):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(line))
        self.acks = True

    def raw(self, data):
        self.socket.sendall(data)

    def byte(self):
        one = self.socket.recv(1)
        assert one, "the line is closed"
        return one

    def send(self, text):
        data = text.encode("latin-1")
        self.raw(b"$" + data + f"#{sum(data) & 255:02x}".encode())

    def reply(self):
        while self.byte() != b"$":
            pass
        text = b""
        while (one := self.byte()) != b"#":
            text += one
        assert int(self.byte() + self.byte(), 16) == sum(text) & 255
        if self.acks:
            self.raw(b"+")
        return text.decode("latin-1")

    def ask(self, text):
        self.send(text)
        return self.reply()

    def nothing(self, seconds=0.3):
        self.socket.settimeout(seconds)
        try:
            said = self.socket.recv(100)
        except TimeoutError:
            said = b""
        self.socket.settimeout(10)
        return said

    def close(self):
        self.socket.close()


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
