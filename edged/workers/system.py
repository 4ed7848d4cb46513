"""What the kernel says about a process: its state, its memory, and whether memory ran out."""

import os
import re

_UNKNOWN = ""


def state_of(pid: int) -> str:
    """One letter as in /proc/PID/stat: R, S, D, T (stopped), Z; empty when it is gone."""
    text = _read(f"/proc/{pid}/stat")
    # The name in parentheses may hold anything, parentheses too.
    return text.rpartition(")")[2].strip()[:1]


def pss_bytes(pid: int) -> int:
    """Proportional set size: own memory and a fair share of what others map too; 0 if unknown."""
    found = re.search(r"^Pss:\s+(\d+) kB", _read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def available_memory() -> int:
    """Bytes that can be had without swapping; 0 if unknown."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def oom_kills() -> int:
    """Processes that the kernel ended for want of memory so far, in our group or the machine."""
    group = _read("/proc/self/cgroup").partition("0::")[2].split("\n")[0]
    text = _read(f"/sys/fs/cgroup{group}/memory.events") or _read("/proc/vmstat")
    found = re.search(r"^oom_kill (\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


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
