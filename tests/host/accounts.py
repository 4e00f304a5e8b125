"""What the running system has allocated, as its own console commands tell it: to find leaks by comparing before and after."""

import re
import time

# A tag may hold any printable characters, spaces too: four of them.
POOL = re.compile(r"^(.{4}) (NonPaged|Paged|Execute) +allocs (\d+) frees (\d+) diff (-?\d+) bytes (-?\d+)$", re.M)
# What the kernel's own lookaside lists keep for the next request is nobody's leak. A driver's list has to go with the driver.
KEPT = re.compile(r"^(.{4}) (NonPaged|Paged) +size .* kept (\d+) \((\d+) bytes\) .* nt!\S+$", re.M)
OBJECT = re.compile(r"^(\w+) +(\d+) +(\d+) +\d+$", re.M)
WORKERS = re.compile(r"^workers (\d+) ", re.M)
MEMORY = re.compile(r"^(image pages|kernel stacks|locked pages|driver pages) (\d+)$", re.M)


def accounts(console):
    """Outstanding allocations and bytes of each pool tag without what the kernel's lookaside lists keep, objects and handles of each
    type, pages of images, stacks. Worker threads, which come and go as work does and stay up to half a minute, are left out."""
    while True:
        found = everything(console)
        workers, _ = found.pop("pool NonPaged Ewkr")
        if workers == int(WORKERS.search(console.run("workers"))[1]):  # else some came or went meanwhile
            return without_threads(found, workers)


def without_threads(found, number):
    """What is found without that of so many threads."""
    threads, size = found["pool NonPaged Thre"]
    rest = found | {name: found[name] - number for name in ("kernel stacks", "objects Thread")}
    return rest | {"pool NonPaged Thre": (threads - number, size - number * size // threads)}


def everything(console):
    pools = {}
    for tag, pool, _, _, count, size in POOL.findall(console.run("pool")):
        pools[f"pool {pool} {tag}"] = (int(count), int(size))
    assert pools, "the pool command lists no tags"
    lists = KEPT.findall(console.run("lookaside"))
    assert lists, "the lookaside command lists none of the kernel's"
    for tag, pool, kept, size in lists:
        if int(kept):
            count, total = pools.get(f"pool {pool} {tag}", (0, 0))
            pools[f"pool {pool} {tag}"] = (count - int(kept), total - int(size))
    found = {what: held for what, held in pools.items() if held != (0, 0)}  # a tag that is merely known holds nothing
    kinds = OBJECT.findall(console.run("objects"))
    assert kinds, "the objects command lists no types"
    for kind, objects, handles in kinds:
        found[f"objects {kind}"], found[f"handles {kind}"] = int(objects), int(handles)
    found |= {what: int(count) for what, count in MEMORY.findall(console.run("mem"))}
    return found


def difference(before, after, names=("",)):
    """What has changed: name -> (before, after). names: how the names begin that count."""
    names = [name for name in before.keys() | after.keys() if name.startswith(names)]
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def settled(console, looks=3):
    """The accounts, once nothing that ended before is still being cleaned up: the same at so many looks in a row. A processor that
    its host does not run may keep that waiting for a moment."""
    found, same = accounts(console), 1
    while same < looks:
        time.sleep(0.3)
        before, found = found, accounts(console)
        same = same + 1 if found == before else 1
    return found


def settled_difference(console, before, names=("",), seconds=120):
    """The difference to now, once it has vanished or time is up: what ended may be cleaned up a moment later."""
    deadline = time.monotonic() + seconds
    while (changed := difference(before, accounts(console), names)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return changed
