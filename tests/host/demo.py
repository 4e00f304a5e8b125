"""Play a tune on the emulated machine, record it, and show the notes in the recording beside those asked for.

`make demo` runs this. The recording stays in build/demo.wav. Exit status 0 only if every note was heard, in order, in tune
and in time, and nothing else. Instruction counting makes every run the same and lets rests and waits cost nothing.

usage: demo.py [TUNE]    a tune in iso/music, "furelise" if none is named
"""

import sys

import melody
import qemu
import rtttl
import wav


def play(tune, recording):
    """Boot, play c:\\music\\TUNE.rtttl to its end, power off."""
    commands = rf"melody play c:\music\{tune}.rtttl; melody wait"
    return qemu.execute(commands, icount=True, wav=str(recording))


def main():
    tune = sys.argv[1] if len(sys.argv) > 1 else "furelise"
    path = qemu.ROOT / f"iso/music/{tune}.rtttl"
    if not path.exists():
        sys.exit(f"demo.py: there is no {tune}; there are {', '.join(sorted(each.stem for each in path.parent.iterdir()))}")
    notes = rtttl.load(path)
    recording = qemu.BUILD / "demo.wav"
    recording.unlink(missing_ok=True)
    result = play(tune, recording)
    if not result.passed:
        print(f"{result.output}\nmake demo: {tune} was not played: {result.explain()}", file=sys.stderr)
        return 1
    rows = melody.compare(notes, wav.listen(recording) if recording.exists() else [])
    print(melody.table(rows))
    wrong = sum(1 for row in rows if row.complaint)
    if not melody.matches(rows):
        print(f"make demo: {wrong or 'all'} of {len(rows)} notes do not match; recording: {recording}", file=sys.stderr)
        return 1
    count = sum(row.asked.count for row in rows)
    print(f"{tune}: all {count} notes match, within {melody.CENTS} cents and {melody.MS} ms each.")
    print(f"{recording} took {result.seconds:.1f} s to record.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
