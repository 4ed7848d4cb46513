"""What processes cost, as the kernel counts it. Linux only."""

from pathlib import Path

MB = 1e6


def memory(pid: int) -> dict[str, float]:
    """A process's memory in MB: `Pss`, `Rss`, `Private` (what would be free without it)."""
    found: dict[str, float] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        found[name.rstrip(":")] = int(value) * 1024 / MB
    found["Private"] = found["Private_Clean"] + found["Private_Dirty"]
    return found


def pss(pid: int) -> float:
    """A process's proportional share of memory in MB; 0 when it has ended."""
    try:
        return memory(pid)["Pss"]
    except (OSError, KeyError):
        return 0.0


def tree(pid: int) -> float:
    """The proportional shares of a process and of all that it started, summed, in MB."""
    return pss(pid) + sum(tree(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """The pids of its child processes."""
    found: list[int] = []
    folder = Path(f"/proc/{pid}/task")
    for task in folder.iterdir() if folder.is_dir() else ():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # a thread that just ended
    return found


def maps(pid: int) -> str:
    """The files that it maps; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


def cpu_seconds(pid: int) -> float:
    """Processor time of all its threads, in nanosecond steps."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    return total / 1e9
