"""Start Etude under QEMU: the one place where QEMU's command line is made.

make's targets use it as a program (`qemu.py run|exec|debug|debug-wait`, with the settings in the environment, see `main`); tests use it
as a module:

    result = execute("beep 440 500; irql", smp=2)     # boots, runs console commands, waits for the end
    assert result.passed, result.output

    with console(smp=2) as child:                     # a pexpect child on the serial port
        child.expect_exact("etude> ")
        child.sendline("cpus")

Settings are the fields of `Machine`; what is not set is as the environment's BOOT, MACHINE, CPU and MEM say, so that all tests can run
on another machine. Everything needed must have been built (`make all`); the output folder is taken from the environment variable
O, else build/.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# For make, word for word as the make before was told: another spelling of the folder would be other flags, and everything in it, which
# machines are being started from, made anew.
OUTPUT = os.environ.get("O", "build")
BUILD = ROOT / OUTPUT
sys.path.insert(0, str(ROOT / "boot/tools"))

import bootdisk  # noqa: E402
import bootiso  # noqa: E402

PROMPT = "etude> "
FIRMWARE = {"grub": [], "uefi": ["-bios", "/usr/share/ovmf/OVMF.fd"]}
# bootindex: OVMF asks the network and the shell first otherwise.
MEDIUM = {
    "cdrom": "-drive if=none,id=boot,media=cdrom,readonly=on,format=raw,file={iso} -device ide-cd,drive=boot,bootindex=0",
    "usb": "-drive if=none,id=boot,readonly=on,format=raw,file={iso} -device qemu-xhci -device usb-storage,drive=boot,bootindex=0",
    "disk": "-drive if=none,id=boot,readonly=on,format=raw,file={iso} -device virtio-blk-pci,drive=boot,bootindex=0",
}
DISK_SIZE = 1 << 20  # of a new one
# MB: what the kernel itself asks for; OVMF keeps so much that below this it stops without a word, or leaves too little.
LEAST_MEMORY = {"direct": 16, "grub": 16, "uefi": 48}
# A disk for crash files: headers, memory from address 0 on (q35 has a hole below 4 GB), and a sector with the mark.
CRASH_MARK = b"Etude crash disk"
CRASH_HEADERS, SECTOR = 2 << 20, 512

# QEMU's exit status is (value << 1) | 1 of what the guest writes to the debug-exit device.
STATUS_PASSED, STATUS_FAILED, STATUS_BUGCHECK = 33, 35, 37
# The machine that figures and places in memory are of, whatever the environment says, and that others differ from.
REFERENCE = {"boot": "direct", "machine": "q35", "cpu": "max", "mem": "128M"}
VARIABLES = {"boot": "BOOT", "machine": "MACHINE", "cpu": "CPU", "mem": "MEM"}
FIRMWARE_SECONDS = 60  # that UEFI may take on a busy host, before what is to be timed begins
# Nothing that is tested takes so long on any host: a limit for what hangs, so that the other tests get their turn.
PATIENCE = 900
FIRMWARE_MEMORY = 8 << 20  # that UEFI keeps for itself, at most


def chosen(setting):
    """The environment's value of one of REFERENCE's settings, or that of REFERENCE."""
    return os.environ.get(VARIABLES[setting]) or REFERENCE[setting]


@dataclass
class Machine:
    """How to start. Every field has a value that suits tests; make's defaults for people stand in `main`."""

    boot: str = field(default_factory=lambda: chosen("boot"))  # "direct": QEMU loads the kernel; "grub": a BIOS boots the CD image; "uefi": OVMF does
    medium: str = "cdrom"  # or "usb": the image is a stick; "disk": a disk (not direct)
    smp: int = 1
    mem: str = field(default_factory=lambda: chosen("mem"))
    machine: str = field(default_factory=lambda: chosen("machine"))  # "q35" or "pc"
    cpu: str = field(default_factory=lambda: chosen("cpu"))
    accel: str = "tcg"
    audio: str = "none"  # QEMU audio driver that plays the speaker: "pa", "alsa", ...
    wav: str = ""  # file to record the speaker in, instead of audio
    cmdline: str = ""  # the kernel's command line
    commands: str = None  # console commands to run, then power off; None: interactive
    extra_files: tuple = ()  # files that appear under c:\extra
    icount: bool = False  # count instructions: every run is the same
    debug: bool = False  # the debug kernel (make DEBUG=1)
    boot_disk: bool = True  # False leaves it out (direct boot only)
    disk: str = ""  # image of a disk, made if it is not there; "new": an empty one for this machine alone
    crash: str = ""  # image of a disk that crash files go to, made if it is not there
    debug_port: str = ""  # where gdb finds the kernel's own stub, on COM2: a TCP port's number, or the path of a socket
    devices: tuple = ()  # further devices, by QEMU's names: "edu", or with options, "edu,dma_mask=0xff"
    qemu_extra: tuple = ()  # further QEMU arguments
    files: dict = field(default_factory=dict)  # more boot disk members: name -> bytes


@dataclass
class Result:
    """How a run of console commands ended."""

    status: int  # QEMU's exit status, None after a timeout
    output: str  # all that came over the serial port
    seconds: float

    @property
    def passed(self):
        return self.status == STATUS_PASSED

    def explain(self):
        """What happened, in words."""
        known = {
            STATUS_PASSED: "all commands succeeded",
            STATUS_FAILED: "a command failed",
            STATUS_BUGCHECK: "the kernel stopped with a bugcheck, or could not start",
            None: f"no end after {self.seconds:.0f} s",
            0: "the machine was switched off or reset before the commands had ended",
        }
        return known.get(self.status, f"QEMU ended with status {self.status}")


def debug_build():
    """Where `make DEBUG=1` puts what it builds."""
    return BUILD if BUILD.name == "debug" else BUILD / "debug"


def read_extra(name):
    try:
        return f"extra/{Path(name).name}", Path(name).read_bytes()
    except OSError as error:
        sys.exit(f"EXTRA_FILES: {name}: {error.strerror}")


def prepare(machine, folder):
    """Arguments that make QEMU boot this machine. Files made for it alone go into folder."""
    build = debug_build() if machine.debug else BUILD
    kernel, disk, iso = build / "boot/etude.elf", build / "boot/bootdisk.cpio", build / "etude.iso"
    members = [read_extra(name) for name in machine.extra_files]
    members += sorted(machine.files.items())
    cmdline = f"debug {machine.cmdline}".strip() if machine.debug_port else machine.cmdline
    if machine.commands is not None:
        members.append(("exec.txt", machine.commands.encode() + b"\n"))
        cmdline = f"exec {cmdline}".strip()
    if members:
        own_disk = Path(folder) / "bootdisk.cpio"
        own_disk.write_bytes(bootdisk.extend(disk.read_bytes(), members))
        disk = own_disk
    if machine.boot == "direct":
        return ["-kernel", str(kernel), "-append", cmdline] + ["-initrd", str(disk)] * machine.boot_disk
    if machine.boot in FIRMWARE:
        if members or cmdline:
            iso = Path(folder) / "etude.iso"
            bootiso.make_iso(iso, kernel, disk, build / "boot/BOOTX64.EFI", cmdline)
        return FIRMWARE[machine.boot] + MEDIUM[machine.medium].format(iso=str(iso).replace(",", ",,")).split(" ")
    sys.exit(unknown_boot(machine.boot))


def unknown_boot(boot):
    return f"BOOT={boot}: there are only {', '.join(FIRMWARE)} and direct"


def audio_arguments(machine):
    # QEMU hears 1024 samples ahead of the guest's clock: the first note is recorded longer by those, the last one shorter.
    # At 192 kHz that is 4 ms rather than the 21 ms of the default rate.
    path = machine.wav.replace(",", ",,")
    recorder = f"wav,id=snd0,path={path},timer-period=1000,out.frequency=192000,out.channels=1"
    driver = recorder if machine.wav else f"{machine.audio},id=snd0"
    return ["-audiodev", driver, "-machine", f"{machine.machine},pcspk-audiodev=snd0"]


def check_writable(name, path):
    """A file that the machine or a program will write at the end of a run is tried before it. It is made when it is not there."""
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        sys.exit(f"{name}={path}: {error.strerror}")


def disk_arguments(machine, folder):
    """The disk is a virtio block device. cache=directsync would cost a second a write; writethrough keeps what a killed QEMU
    has said is written."""
    if not machine.disk:
        return []
    path = Path(folder) / "disk.img" if machine.disk == "new" else Path(machine.disk)
    if not path.exists():
        try:
            with path.open("wb") as image:
                image.truncate(DISK_SIZE)
        except OSError as error:
            sys.exit(f"DISK={path}: {error.strerror}")
    escaped = str(path).replace(",", ",,")
    drive = f"if=none,id=disk0,format=raw,cache=writethrough,file={escaped}"
    return ["-drive", drive, "-device", "virtio-blk-pci,drive=disk0"]


def memory_size(text):
    """Bytes of QEMU's -m."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "M")
    if not number.isdecimal() or unit not in units:
        sys.exit(f"MEM={text}: a size is a number with K, M or G behind it")
    return int(number) * units[unit]


def make_crash_disk(path, size):
    """An empty image, which takes no room until a crash. One that is there already must be such a disk, and becomes as
    large as it must be."""
    size = CRASH_HEADERS + size + (2 << 30) * (size > 2 << 30) + SECTOR
    with open(path, "r+b" if path.exists() else "w+b") as image:
        old = image.seek(0, os.SEEK_END)
        image.seek(max(old - SECTOR, 0))
        if old and not image.read(SECTOR).startswith(CRASH_MARK):
            sys.exit(f"CRASH={path}: this is no disk for crash files; a file that is not there yet would become one")
        if old < size:
            image.truncate(size)
            image.seek(size - SECTOR)
            image.write(CRASH_MARK)


def crash_disk_arguments(machine):
    if not machine.crash:
        return []
    path = Path(machine.crash)
    try:
        make_crash_disk(path, memory_size(machine.mem))
    except OSError as error:
        sys.exit(f"CRASH={path}: {error.strerror}")
    escaped = str(path).replace(",", ",,")
    drive = f"if=none,id=crash,format=raw,discard=unmap,detect-zeroes=unmap,file={escaped}"
    return ["-drive", drive, "-device", "virtio-blk-pci,drive=crash"]


def debug_port_arguments(machine):
    """COM2, for gdb. The machine does not wait for it: the kernel does, when its command line says so."""
    if not machine.debug_port:
        return []
    escaped = machine.debug_port.replace(",", ",,")
    place = f"host=127.0.0.1,port={escaped}" if machine.debug_port.isdigit() else f"path={escaped}"
    return ["-chardev", f"socket,id=com2,{place},server=on,wait=off", "-serial", "chardev:com2"]


def qemu_command(machine, folder, serial):
    """The whole command line. serial: QEMU arguments for COM1, as a list."""
    command = ["qemu-system-x86_64", "-display", "none", "-nic", "none"]
    command += audio_arguments(machine)
    command += ["-m", machine.mem, "-cpu", machine.cpu, "-accel", machine.accel]
    if machine.icount:
        command += ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2020-01-01T00:00:00,clock=vm"]
    command += ["-smp", str(machine.smp)]
    if machine.commands is not None:
        command += ["-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    command += disk_arguments(machine, folder)
    command += crash_disk_arguments(machine)
    for device in machine.devices:
        command += ["-device", device]
    return command + serial + debug_port_arguments(machine) + prepare(machine, folder) + list(machine.qemu_extra)


def follow(process, log, deadline, echo):
    """Collect what appears in the file `log` until the process ends; False when the deadline came first."""
    output = b""
    while True:
        ended = process.poll() is not None
        piece = log.read()
        output += piece
        if echo and piece:
            echo(piece)
        if ended:
            return True, output
        if time.monotonic() > deadline:
            return False, output
        if not piece:
            time.sleep(0.01)


def execute(commands, timeout=PATIENCE, echo=None, **settings):
    """Boot, run the console commands, power off. echo(bytes) gets the output as it comes. Returns a Result.

    The serial port goes to a file, which takes bytes at any rate: output never holds the guest up.
    """
    machine = Machine(commands=commands, **settings)
    started = time.monotonic()
    timeout += FIRMWARE_SECONDS * (machine.boot == "uefi")
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        path = Path(folder) / "serial.log"
        path.touch()
        serial = ["-monitor", "none", "-serial", f"file:{path}"]
        process = subprocess.Popen(qemu_command(machine, folder, serial), stdin=subprocess.DEVNULL)
        try:
            with path.open("rb") as log:
                ended, output = follow(process, log, started + timeout, echo)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    status = process.returncode if ended else None
    return Result(status, output.decode(errors="replace").replace("\r\n", "\n"), time.monotonic() - started)


def end(child):
    """End a pexpect child. pexpect kills what does not end by itself, but gives it a tenth of a second then: on a busy host too little."""
    import pexpect

    try:
        child.close(force=True)
    except pexpect.ExceptionPexpect:
        child.ptyproc.wait()


@contextlib.contextmanager
def console(timeout=PATIENCE, **settings):
    """A pexpect child whose terminal is the machine's serial port. Ends QEMU when left."""
    import pexpect

    machine = Machine(**settings)
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        serial = ["-monitor", "none", "-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1"]
        command = qemu_command(machine, folder, serial)
        child = pexpect.spawn(command[0], command[1:], timeout=timeout, encoding="utf-8", codec_errors="replace")
        try:
            yield child
        finally:
            end(child)


def number_from_environment(name, default):
    """A variable that is a whole number above 0. SMP=0 would be one processor to QEMU, without a word."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) == 0:
        sys.exit(f"{name}={text}: this is a whole number, 1 or more")
    return int(text)


def check_memory(boot, mem):
    """Too little for what boots: QEMU, the firmware and the loader would each say so in a way of its own, or not at all."""
    if boot not in LEAST_MEMORY:
        sys.exit(unknown_boot(boot))
    if memory_size(mem) < LEAST_MEMORY[boot] << 20:
        sys.exit(f"MEM={mem}: BOOT={boot} needs {LEAST_MEMORY[boot]}M or more")


def words_from_environment(name):
    """A variable that is written as words of a command line, quoted where they have blanks."""
    try:
        return tuple(shlex.split(os.environ.get(name, "")))
    except ValueError as error:
        sys.exit(f"{name}: {error}")


def machine_from_environment(**defaults):
    """make's variables as Machine settings, and whether they can be obeyed: what cannot is said in one line, before anything runs."""
    get = os.environ.get
    names = VARIABLES | {"accel": "ACCEL", "audio": "AUDIO", "wav": "WAV", "disk": "DISK", "crash": "CRASH"}
    names |= {"cmdline": "CMDLINE", "debug_port": "DEBUG_PORT"}
    settings = defaults | {key: get(name) for key, name in names.items() if get(name)}
    if get("SMP"):
        settings["smp"] = number_from_environment("SMP", 1)
    settings["icount"] = get("ICOUNT", "") not in ("", "0")
    settings["extra_files"] = tuple(get("EXTRA_FILES", "").split())
    settings["qemu_extra"] = words_from_environment("QEMU_EXTRA")
    check_memory(settings.get("boot", chosen("boot")), settings.get("mem", chosen("mem")))
    if settings.get("wav"):
        check_writable("WAV", settings["wav"])
    return settings


def run():
    machine = Machine(**machine_from_environment(boot="grub", smp=2))
    print("Etude under QEMU. Ctrl-A X ends it, Ctrl-A C reaches QEMU's own prompt.", flush=True)
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        return subprocess.call(qemu_command(machine, folder, ["-serial", "mon:stdio"]))


def run_commands():
    def echo(piece):
        sys.stdout.buffer.write(piece)
        sys.stdout.flush()

    commands = os.environ.get("CMD", "")
    if not commands.strip():
        sys.exit('make exec CMD="beep 440 500; irql" needs the commands to run')
    timeout = number_from_environment("TIMEOUT", 120)
    result = execute(commands, timeout, echo, **machine_from_environment())
    if result.passed:
        return 0
    sys.stdout.flush()
    print(f"\nmake exec: {result.explain()}", file=sys.stderr)
    return {STATUS_FAILED: 1, STATUS_BUGCHECK: 2, None: 124}.get(result.status, 3)


def start_stopped(folder, stub, serial, machine, **options):
    """QEMU with a machine that has stopped before its first instruction and listens for gdb at the socket `stub`."""
    serial = serial + ["-S", "-chardev", f"socket,id=gdb,path={stub},server=on,wait=off", "-gdb", "chardev:gdb"]
    process = subprocess.Popen(qemu_command(machine, folder, serial), **options)
    while not is_listened_to(stub) and process.poll() is None:
        time.sleep(0.01)
    return process


def is_listened_to(path):
    """Whether a socket takes connections: its file is there a moment before."""
    listening = "00010000"  # __SO_ACCEPTCON
    return any(fields[3] == listening and fields[-1] == str(path) for line in open("/proc/net/unix") if (fields := line.split()))


def gdb_command(*commands, symbol_folders=()):
    """gdb with the kernel's symbols and its own commands, then these."""
    setup = [f"source {ROOT / 'kernel/kd/gdb/session.gdb'}"]
    setup += [f"nt sympath +{folder}" for folder in dict.fromkeys(symbol_folders)]
    arguments = [argument for each in (*setup, *commands) for argument in ("-ex", each)]
    return ["gdb", "-q", "-iex", f"add-auto-load-safe-path {BUILD.resolve()}", str(BUILD / "kernel.elf"), *arguments]


def debug():
    """gdb in front of a stopped machine, which has its console on a terminal device of its own, and stops again where the
    kernel starts. A hardware breakpoint does that: the kernel is not in memory yet."""
    machine = Machine(**machine_from_environment())
    log = BUILD / "debug.log"
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        stub = Path(folder) / "gdb"
        serial = ["-monitor", "none", "-chardev", f"pty,id=com1,logfile={log}", "-serial", "chardev:com1"]
        process = start_stopped(folder, stub, serial, machine, stdin=subprocess.DEVNULL, process_group=0)
        # Ctrl-C is gdb's; a handler, unlike SIG_IGN, does not pass to it. A terminal that is closed ends the machine too.
        signal.signal(signal.SIGINT, lambda *_: None)
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(1))
        try:
            print(f"The console's output also goes to {log}.", flush=True)
            folders = [Path(name).resolve().parent for name in machine.extra_files]
            steps = f"target remote {stub}", "thbreak KiSystemStartup", "continue"
            return subprocess.call(gdb_command(*steps, symbol_folders=folders), cwd=ROOT)
        finally:
            process.kill()
            process.wait()


def debug_wait():
    """A stopped machine for a gdb elsewhere, VS Code's for example; its console is this terminal."""
    stub = BUILD / "gdb.sock"
    stub.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        machine = Machine(**machine_from_environment())
        process = start_stopped(folder, stub, ["-serial", "mon:stdio"], machine)
        print(f"The machine waits for gdb: target remote {stub}. Ctrl-A X ends it.", flush=True)
        return process.wait()


def analyze():
    """gdb in front of a crash file. Without COMMANDS it says what happened, and ends."""
    core = os.environ.get("CRASH", "")
    if not core:
        sys.exit("make analyze CRASH=file needs a crash disk's image, or what QEMU's dump-guest-memory -p wrote")
    try:
        with open(core, "rb") as image:
            if image.read(4) != b"\x7fELF":
                sys.exit(f"CRASH={core}: there is no complete crash file on it")
    except OSError as error:
        sys.exit(f"CRASH={core}: {error.strerror}")
    folders = [Path(name).resolve().parent for name in os.environ.get("EXTRA_FILES", "").split()]
    if os.environ.get("CMD", "") == "gdb":
        return subprocess.call(gdb_command(f"core-file {core}", symbol_folders=folders), cwd=ROOT)
    commands = ["set pagination off", f"core-file {core}"]
    commands += [each.strip() for each in (os.environ.get("CMD") or "nt analyze -v").split(";")]
    return subprocess.call([*gdb_command(*commands, symbol_folders=folders), "-batch"], cwd=ROOT)


def main():
    """The environment holds what people give make: BOOT SMP MEM MACHINE CPU ACCEL AUDIO WAV DISK CRASH CMDLINE EXTRA_FILES ICOUNT
    QEMU_EXTRA, and for exec CMD and TIMEOUT. run boots by GRUB with two CPUs, the others directly with one."""
    actions = {"run": run, "exec": run_commands, "debug": debug, "debug-wait": debug_wait, "analyze": analyze}
    sys.exit(actions[sys.argv[1]]())


if __name__ == "__main__":
    main()
