"""Lets a large request in when its memory will be there: predicts its peak before it runs.

Only requests whose input passes BULKY are looked at: a small one costs nothing here.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from edged.errors import Busy
from edged.workers import system

BULKY = 2**20
"""Bytes of input from which on a request is predicted and measured."""

SPARE_BYTES = 32 * 2**20
"""What is left for everything else when a prediction is right."""

RETRY_AFTER_MS = 1_000
MB = 10**6


class Meter:
    """What requests of the models of one worker need, as the manifest says and as it was seen.

    The largest request since the load tells best: what a smaller one finds in the process's heap
    was left there by others.
    """

    def __init__(self) -> None:
        self._base = 0
        self._seen: dict[str, tuple[int, float]] = {}

    def start(self, pid: int, model: str) -> None:
        """Note the worker's size after it has loaded a model."""
        self._base = system.resident_bytes(pid)
        self._seen.pop(model, None)

    def per_byte(self, model: str, estimate: float) -> float:
        """Bytes of memory that a byte of input takes: as seen, else as estimated."""
        seen = self._seen.get(model)
        return estimate if seen is None else seen[1]

    def peak(self, model: str, size: int, estimate: float) -> int:
        """How large the worker will be while it works on so many bytes."""
        return self._base + int(size * self.per_byte(model, estimate))

    def watch(self, pid: int) -> tuple[int, int]:
        """Begin to measure a request; give what it returns to `learn`."""
        reset = system.reset_peak(pid)
        return system.resident_bytes(pid), 0 if reset else system.peak_bytes(pid)

    def learn(self, pid: int, model: str, size: int, began: tuple[int, int]) -> None:
        """Note what a request took; nothing when the worker is gone or the kernel does not tell."""
        before, old_peak = began
        peak = system.peak_bytes(pid)
        if not peak or not before or peak <= old_peak:
            return
        largest, known = self._seen.get(model, (0, 0.0))
        if size >= largest:
            self._seen[model] = size, max(0, peak - self._base) / size
        elif (peak - before) / size > known:
            self._seen[model] = largest, (peak - before) / size


class Claim(Struct, eq=False):
    """A large request that waits or runs: the worker it runs in, and how large that will be.

    pid: asks for the worker's process id; 0 while there is none.
    """

    worker: object
    pid: Callable[[], int]
    peak: int

    @property
    def missing(self) -> int:
        """Bytes that its worker has not taken yet."""
        pid = self.pid()
        return max(0, self.peak - (system.resident_bytes(pid) if pid else 0))


class Admission:
    """All large requests. Loop thread only.

    Args:
        free: ends unused models until so many bytes are available.
        holders: says what holds the memory, for a refusal.
    """

    def __init__(self, free: Callable[[int], Awaitable[None]], holders: Callable[[], str]) -> None:
        self._free = free
        self._holders = holders
        self._running: list[Claim] = []
        self._waiting = 0
        self._left = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Requests that wait for memory."""
        return self._waiting

    @asynccontextmanager
    async def admit(self, claim: Claim, model: str, within_s: float) -> AsyncGenerator[None, None]:
        """Run a large request when its memory is there; wait for those that run, if that helps.

        Raises:
            Busy: it would not fit now, and nothing that runs would make room for it in time.
        """
        await self._wait(claim, model, within_s)
        self._running.append(claim)
        try:
            yield
        finally:
            self._running.remove(claim)
            self._left.set()

    async def _wait(self, claim: Claim, model: str, within_s: float) -> None:
        if self._fits(claim):
            return
        await self._free(self._needed(claim))
        self._waiting += 1
        try:
            async with asyncio.timeout(within_s):
                while not self._fits(claim):
                    if not self._running:
                        raise self._refusal(claim, model)
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError as error:
            raise self._refusal(claim, model) from error
        finally:
            self._waiting -= 1

    def _fits(self, claim: Claim) -> bool:
        if not claim.missing:
            return True
        available = system.available_memory()
        return not available or self._needed(claim) <= available

    def _needed(self, claim: Claim) -> int:
        """Bytes that this one and all that run will take yet; a worker runs one at a time."""
        missing: dict[object, int] = {}
        for one in (*self._running, claim):
            missing[one.worker] = max(missing.get(one.worker, 0), one.missing)
        return sum(missing.values()) + SPARE_BYTES

    def _refusal(self, claim: Claim, model: str) -> Busy:
        return Busy(
            f"no memory for a request of {model}: it will take about"
            f" {-(-claim.missing // MB)} MB more; {self._holders()}",
            fix="send it in smaller parts, try again later, or unload other models",
            needed=claim.missing,
            available=system.available_memory(),
            retry_after_ms=RETRY_AFTER_MS,
        )


def input_bytes(arguments: tuple[object, ...]) -> int:
    """Bytes of a call's input: those in the `data` or the `parts` of its arguments."""
    size = 0
    for argument in arguments:
        data = getattr(argument, "data", b"")
        size += data.nbytes if type(data) is memoryview else len(data)
        size += sum(map(len, getattr(argument, "parts", ())))
    return size
