"""The kernel's stub on COM2 without gdb: packets of the remote serial protocol, byte by byte.

    with machine(tmp_path, smp=2) as (console, line):
        client = Client(line)
        assert client.ask("qC") == "QC1"
"""

import contextlib
import re
import socket
import time

import qemu

SECONDS = qemu.PATIENCE  # for an answer


@contextlib.contextmanager
def machine(tmp_path, **settings):
    """(console, path of the line) of a machine that may be debugged over it."""
    line = tmp_path / "com2"
    with qemu.console(debug_port=str(line), **settings) as console:
        deadline = time.monotonic() + qemu.PATIENCE
        while not qemu.is_listened_to(line):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield console, line


class Client:
    """The protocol by hand, for what gdb itself would not send, or not so fast."""

    def __init__(self, line):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SECONDS)
        self.socket.connect(str(line))
        self.acks, self.waiting = True, b""

    def raw(self, data):
        self.socket.sendall(data)

    def byte(self):
        if not self.waiting:  # all at once: a line that is not read holds the machine up
            self.waiting = self.socket.recv(1 << 16)
        assert self.waiting, "the line is closed"
        one, self.waiting = self.waiting[:1], self.waiting[1:]
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
        return re.sub(r"(.)\*(.)", lambda run: run[1] * (ord(run[2]) - 28), text.decode("latin-1"), flags=re.DOTALL)

    def ask(self, text):
        self.send(text)
        return self.reply()

    def nothing(self, seconds=0.3):
        if self.waiting:
            said, self.waiting = self.waiting, b""
            return said
        self.socket.settimeout(seconds)
        try:
            said = self.socket.recv(100)
        except TimeoutError:
            said = b""
        self.socket.settimeout(SECONDS)
        return said

    def close(self):
        self.socket.close()

    def register(self, number):
        """One of 8 bytes; 16 is rip."""
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def read(self, address, length):
        return bytes.fromhex(self.ask(f"m{address:x},{length:x}"))

    def monitor(self, line):
        """What gdb would print for `monitor`."""
        self.send("qRcmd," + line.encode().hex())
        text = ""
        while (answer := self.reply()) != "OK":
            assert answer[0] == "O", answer
            text += bytes.fromhex(answer[1:]).decode()
        return text

    def printed(self):
        """What a running machine has printed until it stopped, and why it did."""
        text = ""
        while (answer := self.reply())[0] == "O":
            text += bytes.fromhex(answer[1:]).decode()
        return text, answer


def command(console, text):
    console.sendline(text)
    console.expect_exact(text)
    console.expect_exact(qemu.PROMPT)


class Session:
    """At the stub of a machine at its prompt, with acknowledgements off; the machine stands."""

    def __init__(self, console, line):
        self.console, self.client = console, Client(line)
        self.client.ask("?")
        self.client.ask("qSupported:swbreak+;hwbreak+")
        assert self.client.ask("QStartNoAckMode") == "OK"
        self.client.acks = False

    def set(self, addresses, letter="Z", kind=0):
        """Breakpoints: "z" clears them."""
        for address in addresses:
            assert self.client.ask(f"{letter}{kind},{address:x},1") == "OK", f"{address:x}"

    def go(self):
        self.client.send("vCont;c")

    def stop(self):
        self.client.raw(b"\x03")
        assert self.client.reply().startswith("T02")

    def run(self, text):
        """A console command that runs into nothing; then it stands again."""
        self.go()
        command(self.console, text)
        self.stop()
