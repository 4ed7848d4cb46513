"""What the kernel says about a process: its state, its memory, and whether memory ran out."""

import os
import re
from collections.abc import Iterator

_UNKNOWN = ""

_NO_LIMIT = 2**60
"""Version 1 of the groups says so with a number near 2**63."""


def state_of(pid: int) -> str:
    """One letter as in /proc/PID/stat: R, S, D, T (stopped), Z; empty when it is gone."""
    text = _read(f"/proc/{pid}/stat")
    # The name in parentheses may hold anything, parentheses too.
    return text.rpartition(")")[2].strip()[:1]


def pss_bytes(pid: int) -> int:
    """Proportional set size: own memory and a fair share of what others map too; 0 if unknown."""
    return _kilobytes(_read(f"/proc/{pid}/smaps_rollup"), "Pss")


def resident_bytes(pid: int) -> int:
    """Memory of a process now, all that it shares included; 0 if unknown. Measured: 20 us."""
    return _kilobytes(_read(f"/proc/{pid}/status"), "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most that `resident_bytes` was, since the start or the last `reset_peak`; 0 if unknown."""
    return _kilobytes(_read(f"/proc/{pid}/status"), "VmHWM")


def own_peak_bytes(pid: int) -> int:
    """As `peak_bytes`, without the files that are mapped now: the kernel can read them again."""
    text = _read(f"/proc/{pid}/status")
    return max(0, _kilobytes(text, "VmHWM") - _kilobytes(text, "RssFile"))


def reset_peak(pid: int) -> bool:
    """Start `peak_bytes` anew; whether the kernel let us. Source: proc(5), clear_refs, 5."""
    try:
        descriptor = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.write(descriptor, b"5") == 1
    except OSError:
        return False
    finally:
        os.close(descriptor)


def vram_bytes(pid: int) -> int:
    """Bytes of an accelerator's own memory; 0 when there is none, or its driver does not tell.

    Drivers of the kernel's own graphics stack (amdgpu, i915, xe, nouveau) tell; NVIDIA's does not.
    Source: docs.kernel.org/gpu/drm-usage-stats.html.
    """
    clients: dict[str, int] = {}
    try:
        names = os.listdir(f"/proc/{pid}/fdinfo")
    except OSError:
        return 0
    for name in names:
        text = _read(f"/proc/{pid}/fdinfo/{name}")
        if client := re.search(r"^drm-client-id:\s+(\d+)", text, re.MULTILINE):
            found = re.findall(r"^drm-(?:resident|memory)-vram\d*:\s+(\d+) KiB", text, re.MULTILINE)
            clients[client[1]] = 1024 * max(map(int, found), default=0)
    return sum(clients.values())


def available_memory(root: str = "") -> int:
    """Bytes that can be had without swapping, in the machine and in our group; 0 if unknown.

    Args:
        root: of another tree of the kernel's files, for tests.
    """
    found = _kilobytes(_read(f"{root}/proc/meminfo"), "MemAvailable")
    left = [room for folder in _groups(root) if (room := _room(folder)) is not None]
    known = [*left, found] if found else left
    return max(1, min(known)) if known else 0


def _groups(root: str) -> Iterator[str]:
    """The folders of our memory groups, the innermost first, up to the root of each tree.

    In a container the path may be the host's: then only the root of the tree is there.
    """
    for line in _read(f"{root}/proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        tree = f"{root}/sys/fs/cgroup" + ("/memory" if controllers else "")
        names = [name for name in path.split("/") if name not in {"", ".", ".."}]
        for depth in range(len(names), -1, -1):
            yield "/".join([tree, *names[:depth]])


def _room(folder: str) -> int | None:
    """Bytes that a group may take yet, what it could drop of cached files counted; None: no limit.

    Source: docs.kernel.org/admin-guide/cgroup-v2.html (memory.high slows down, memory.max kills)
    and cgroup-v1/memory.html.
    """
    limits = [
        int(text)
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes")
        if (text := _read(f"{folder}/{name}").strip()).isdigit()
    ]
    used = _read(f"{folder}/memory.current") or _read(f"{folder}/memory.usage_in_bytes")
    if not limits or min(limits) >= _NO_LIMIT or not used.strip().isdigit():
        return None
    cached = _cached_files(_read(f"{folder}/memory.stat"))
    return max(0, min(limits) - int(used) + min(cached, int(used)))


def _cached_files(text: str) -> int:
    """File pages that a group could drop; version 1 has them with those below it as total_*."""
    found = dict(re.findall(r"^((?:total_)?(?:in)?active_file) (\d+)", text, re.MULTILINE))
    prefix = "total_" if "total_inactive_file" in found else ""
    return sum(int(found.get(f"{prefix}{name}_file", "0")) for name in ("active", "inactive"))


def oom_kills() -> int:
    """Processes that the kernel ended for want of memory so far, in our group or the machine."""
    group = _read("/proc/self/cgroup").partition("0::")[2].split("\n")[0]
    text = _read(f"/sys/fs/cgroup{group}/memory.events") or _read("/proc/vmstat")
    found = re.search(r"^oom_kill (\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _kilobytes(text: str, name: str) -> int:
    """A line like `Name:  123 kB`, in bytes; 0 when it is not there."""
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _read(path: str) -> str:
    """A file of the kernel's as text; empty where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return _UNKNOWN
    try:
        return os.read(descriptor, 65_536).decode(errors="replace")
    except OSError:
        return _UNKNOWN
    finally:
        os.close(descriptor)
