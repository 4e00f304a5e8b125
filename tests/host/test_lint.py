"""Promise: `make lint` notices what it says it checks, and this tree passes it."""

import pytest

import lint

COMMENT = "/* What this is about. */\n"
LONG_FUNCTION = COMMENT + "static void KiLong(void)\n{\n" + "    KiWait();\n" * 81 + "}\n"
FAMILY = "".join(f"void MmMap{number}(void);\n" for number in range(lint.FAMILY))
CLEAN = {
    "kernel/inc/ke.h": COMMENT + "#include <wdm.h>\nvoid KiRun(void);\n",
    "kernel/ke/run.c": COMMENT + '#include <ke.h>\n#include "kep.h"\n\nvoid KiRun(void)\n{\n    KiStop();\n}\n',
    "kernel/ke/kep.h": COMMENT + "void KiStop(void);\nextern int KiCount;\n",
    "kernel/ke/stop.asm": "; Stops.\nextern KiWait\nglobal KiStop\nKiStop:\n    ret\n",
    "kernel/ke/wait.c": COMMENT + '#include "kep.h"\n\nint KiCount = 1;\n\nvoid KiWait(void)\n{\n}\n',
    "kernel/ke/exports.lst": "# kernel\nKeWait\n",
    "lib/ddk/wdm.h": COMMENT + "\n/* Waits. IRQL: any. WDK: KeWait. */\nNTSTATUS NTAPI KeWait(_In_ PVOID Object,\n    _In_ ULONG Flags);\n",
    "drivers/beep/beep.c": COMMENT + "#include <wdm.h>\n#include <kmelody.h>\n",
    "drivers/kmelody/kmelody.h": COMMENT,
    "drivers/kmelody/client/play.c": COMMENT + "#include <ke.h>\n#include <kmelody.h>\n",
}
FAULTS = {
    "another component's header": (
        {"kernel/mm/a.c": COMMENT + '#include "../ke/kep.h"\n'},
        "kernel/mm may not include kernel/ke/kep.h",
    ),
    "a driver with the kernel's header": (
        {"drivers/beep/a.c": COMMENT + '#include "../../kernel/inc/ke.h"\n'},
        "drivers/beep may not include kernel/inc/ke.h",
    ),
    "a driver's own header": (
        {"drivers/kmelody/kmelodyp.h": COMMENT, "drivers/beep/a.c": COMMENT + '#include "../kmelody/kmelodyp.h"\n'},
        "drivers/beep may not include drivers/kmelody/kmelodyp.h",
    ),
    "a function in no header": (
        {"kernel/ke/a.c": COMMENT + "\nvoid KiLost(int A,\n            int B)\n{\n}\n"},
        "KiLost is in no header",
    ),
    "a variable in no header": ({"kernel/ke/a.c": COMMENT + "\nULONG KiLost[4] = {0};\n"}, "KiLost is in no header"),
    "an assembly name in no header": ({"kernel/ke/a.asm": "; A.\nglobal KiLost\n"}, "KiLost is in no header"),
    "a long function": ({"kernel/ke/a.c": LONG_FUNCTION}, "KiLong has 81 lines"),
    "a long file": ({"kernel/ke/a.c": COMMENT + "\n" * 500}, "501 lines"),
    "no opening comment": ({"kernel/ke/a.c": "#include <wdm.h>\n"[1:]}, "does not open with"),
    "unfinished work": ({"kernel/ke/a.c": COMMENT + "/* TO" + "DO: later */\n"}, "TO" + "DO"),
    "an export without prototype": ({"kernel/mm/exports.lst": "MmMap\n"}, "MmMap has no prototype"),
    "a prototype without contract": (
        {"kernel/mm/exports.lst": "MmMap\n", "lib/ddk/mm.h": COMMENT + "\nvoid MmMap(void);\n"},
        "MmMap has no contract",
    ),
    "a contract of another paragraph": (
        {
            "kernel/mm/exports.lst": "MmMap\n",
            "lib/ddk/mm.h": COMMENT + "\n/* Maps. */\nvoid MmMapAll(void);\n\nvoid MmMap(void);\n",
        },
        "MmMap has no contract",
    ),
    "an import without contract": ({"lib/ddk/mm.h": COMMENT + "\nNTKERNELAPI VOID NTAPI\nMmMap(_In_ PVOID A);\n"}, "MmMap has no contract"),
    "a contract without source": (
        {"lib/ddk/mm.h": COMMENT + "\n/* Maps. */\nNTSYSAPI ULONG MmMap(_In_ PVOID A, ...) NT_VARARGS;\n"},
        "the contract of MmMap does not name its source",
    ),
    "one contract for too many": (
        {"kernel/mm/exports.lst": "MmMap\n", "lib/ddk/mm.h": COMMENT + "\n/* Maps. */\n" + FAMILY + "void MmMap(void);\n"},
        "MmMap has no contract",
    ),
}


def complaints(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [text for _, _, text in lint.check(folder).complaints]


def test_a_clean_tree_passes(tmp_path):
    assert complaints(tmp_path, CLEAN) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_noticed(tmp_path, fault):
    files, expected = FAULTS[fault]
    found = complaints(tmp_path, CLEAN | files)
    assert len(found) == 1 and expected in found[0]


@pytest.mark.parametrize("comment, count", [("Maps.", lint.FAMILY - 1), ("Maps. WDK: MmMap.", 20)])
def test_one_comment_may_cover_a_family(tmp_path, comment, count):
    family = "".join(f"NTSTATUS MmMap{number}(_In_ PVOID A,\n    _In_ PVOID B);\n" for number in range(count))
    header = f"{COMMENT}\n/* {comment} */\n{family}_IRQL_requires_(0)\nvoid MmMap(void);\n"
    files = CLEAN | {"lib/ddk/mm.h": header, "kernel/mm/exports.lst": "MmMap\n"}
    assert complaints(tmp_path, files) == []


def test_this_tree_passes(record):
    tree = lint.check(lint.Path(__file__).resolve().parents[2])
    for line in lint.figures(tree):
        record(line)
    assert tree.complaints == []
