# What `make debug` sets up in gdb before it gives the prompt to a person: kernel sources at once, each
# driver's as it is loaded, before its DriverEntry runs. `reload` looks at the module table again.
set disassembly-flavor intel
set print pretty on
set confirm off
set breakpoint pending on

python
import gdb
from pathlib import Path

BUILD = Path(gdb.current_progspace().filename).parent
LINKED_AT = 0x140000000  # where lld-link puts an image unless told otherwise


class Reload(gdb.Command):
    """Load the symbols of all drivers in the kernel's module table."""

    def __init__(self):
        super().__init__("reload", gdb.COMMAND_FILES)
        self.known = {}

    def invoke(self, argument, from_tty):
        slots = gdb.parse_and_eval("LdrpSlots")
        for number in range(slots.type.range()[1] + 1):
            module = slots[number]["Module"]
            base, name = int(module["Base"]), module["Name"].string()
            if base and self.known.get(name) != base and name.endswith(".sys"):
                self.load(name, base)

    def load(self, name, base):
        for folder in ("drivers", "tests"):
            image = BUILD / folder / name.replace(".sys", ".dbg")
            if image.exists():
                gdb.execute(f"add-symbol-file {image} -o {base - LINKED_AT:#x}", to_string=True)
                self.known[name] = base


class OnLoad(gdb.Breakpoint):
    """Stops nobody: the routine is called for a driver that is mapped and has not run yet."""

    def __init__(self, reload):
        super().__init__("IopLoadDriverObject", internal=True)
        self.reload = reload

    def stop(self):
        self.reload.invoke("", False)
        return False


OnLoad(Reload())
end

tbreak KiSystemStartup
continue
