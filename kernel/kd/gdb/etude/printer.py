"""Registry of pretty printers, for types of the kernel and of drivers alike.

    @printer("_UNICODE_STRING")
    class UnicodeString: ...           # takes a gdb.Value; to_string, perhaps children, as gdb wants it

A printer is chosen by the name of a typedef ("NTSTATUS"), or by the tag of the structure behind it ("_IRP").
"""

import gdb
import gdb.printing

PRINTERS = {}


def printer(*names):
    """Decorator for a class or function that takes a value and gives gdb's printer for it."""

    def register(kind):
        PRINTERS.update({name: kind for name in names})
        return kind

    return register


class Collection(gdb.printing.PrettyPrinter):
    """What gdb asks for each value it prints; `disable pretty-printer global etude` turns it off."""

    def __init__(self):
        super().__init__("etude")

    def __call__(self, value):
        kind = value.type.unqualified()
        while True:
            found = PRINTERS.get(kind.name) or PRINTERS.get(kind.tag)
            if found:
                return found(value)
            if kind.code != gdb.TYPE_CODE_TYPEDEF:
                return None
            kind = kind.target().unqualified()


gdb.printing.register_pretty_printer(None, Collection(), replace=True)
