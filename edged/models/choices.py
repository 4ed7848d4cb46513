"""Which of several devices and thread counts a model gets, from what was found out. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from edged.errors import Unsupported
from edged.models.accelerators import AUTO, CPU, Runtime, check_asked, is_processor

WORTH_A_DEVICE = 1.2
WORTH_A_DOUBLING = 1.15
"""So many times quicker an accelerator, or twice the threads, has to be: both cost memory, and
other models want the processor too."""

UNMEASURED_THREADS = 4
"""At most, where nothing was measured: more seldom help small models."""


class Choice(Struct, frozen=True, kw_only=True):
    """How a model is to be loaded.

    asked: as configured: auto, cpu, gpu, npu, or one by name. device: what that comes to here.
    scratch: a folder of this load alone, in which the worker writes the canary's profile.
    """

    asked: str = "auto"
    device: str = "cpu"
    threads: int = 1
    strict: bool = False
    scratch: str = ""


Findings = Mapping[str, str]
"""Devices and why each does not work; empty: it works."""


def usable(asked: str, runtime: Runtime, findings: Findings) -> tuple[str, ...]:
    """The devices that are as asked and work, the first choice first; at least one.

    Args:
        asked: auto, cpu, gpu, npu, or a device's name.
        runtime: whose order it is.
        findings: of its devices; one that is not in it was not found.

    Raises:
        Unsupported: the word is unknown, or no device is as asked; it names those that work.
    """
    check_asked(asked)
    working = [one for one in runtime.devices if one == CPU or findings.get(one) == ""]
    fitting = [one for one in working if _fits(one, asked) and not _doubles(one, asked, runtime)]
    if not fitting:
        raise Unsupported(
            f"{_spelt(asked)} here{_why(asked, runtime, findings)}",
            fix=f"ask for one of {', '.join(['auto', *working])}; "
            "`edged doctor` tells what each one lacks",
        )
    return tuple(fitting)


def _fits(device: str, asked: str) -> bool:
    """Plain `cpu` means the plain processor; `gpu` and `npu` mean any of that kind."""
    return asked in {AUTO, device} or (asked != CPU and device.startswith(f"{asked}:"))


def _doubles(device: str, asked: str, runtime: Runtime) -> bool:
    """Whether a device is the plain processor under another name, and was not asked for so."""
    way, plain = runtime.accelerator(device), runtime.accelerator(CPU)
    same = way is not None and plain is not None and way.provider == plain.provider
    return same and device not in {CPU, asked}


def _spelt(asked: str) -> str:
    return f"no {asked} works" if ":" not in asked else f"the device {asked} does not work"


def _why(asked: str, runtime: Runtime, findings: Findings) -> str:
    reasons = [
        f"{one}: {findings[one]}"
        for one in runtime.devices
        if _fits(one, asked) and findings.get(one)
    ]
    return f" ({'; '.join(reasons)})" if reasons else f": {runtime.name} has none"


def thread_counts(physical: int, logical: int) -> tuple[int, ...]:
    """1, 2, 4, ..., the physical cores; never all that share a core's units.

    Args:
        physical: cores.
        logical: processors that this process may use; fewer in a container.
    """
    most = max(1, min(physical, logical))
    powers = [2**power for power in range(most.bit_length()) if 2**power <= most]
    return tuple(sorted({*powers, most}))


def unmeasured_threads(physical: int, logical: int) -> int:
    """The number of threads where nobody measured."""
    return max(1, min(physical, logical, UNMEASURED_THREADS))


def ways(devices: Sequence[str], counts: Sequence[int]) -> list[tuple[str, int]]:
    """Every device, the processors with each number of threads: what is worth measuring."""
    return [
        (device, count)
        for device in devices
        for count in (counts if is_processor(device) else counts[:1])
    ]


def best(measured: Mapping[tuple[str, int], float]) -> tuple[str, int]:
    """The way to take, from seconds per call: quick, but not at any price.

    Plain processor and one thread win unless another is clearly quicker.

    Args:
        measured: device and threads to seconds; at least one.
    """
    # the cheapest first: each next one has to earn its place
    order = sorted(measured, key=lambda way: (way[0] != CPU, not is_processor(way[0]), way[1]))
    chosen = order[0]
    for way in order[1:]:
        needed = WORTH_A_DOUBLING if way[0] == chosen[0] else WORTH_A_DEVICE
        if measured[way] * needed < measured[chosen]:
            chosen = way
    return chosen
