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


@contextlib.contextmanager
def machine(tmp_path, **settings):
    """(console, path of the line) of a machine that may be debugged over it."""
    line = tmp_path / "com2"
    with qemu.console(timeout=90, debug_port=str(line), **settings) as console:
        deadline = time.monotonic() + 30
        while not line.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield console, line


class Client:
    """The protocol by hand, for what gdb itself would not send, or not so fast."""

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
        return re.sub(r"(.)\*(.)", lambda run: run[1] * (ord(run[2]) - 28), text.decode("latin-1"), flags=re.DOTALL)

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

    def register(self, number):
        """One of 8 bytes; 16 is rip."""
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def read(self, address, length):
        return bytes.fromhex(self.ask(f"m{address:x},{length:x}"))
