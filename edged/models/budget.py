"""The memory of all models together: makes room for one more, or says what takes it."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

from edged.errors import Busy
from edged.models.manifest import Manifest
from edged.models.slot import Slot
from edged.workers import system

RETRY_AFTER_MS = 2_000
NAMED = 3
"""So many of the largest models are named in a refusal."""

MB = 10**6


class Budget:
    """Keeps the models' memory within a limit, and within what the machine has. Loop thread only.

    A model counts with what its manifest says, or with the most that its worker was seen to use.
    Unused models are ended when that makes room, the one that was unused longest first; pinned,
    borrowed and loading ones stay.

    Args:
        limit: bytes; 0: half of what is available now.
        slots: all there are at the moment.
    """

    def __init__(self, limit: int, slots: Callable[[], Iterable[Slot]]) -> None:
        self.limit = limit or system.available_memory() // 2
        self._slots = slots
        self._reserved: dict[object, int] = {}

    @asynccontextmanager
    async def room(self, holder: object, manifest: Manifest) -> AsyncGenerator[None, None]:
        """Room for a model while it is loaded; loads that began earlier come first.

        Args:
            holder: the slot that loads it; or, for a worker outside of the slots, any other thing.
            manifest: the model.

        Raises:
            Busy: it does not fit beside what is in use, or not at all.
        """
        self._refuse_giant(manifest)
        self._reserved[holder] = manifest.memory_bytes
        try:
            await self._make_room(holder, manifest)
            yield
        finally:
            del self._reserved[holder]

    async def free(self, needed: int) -> None:
        """End unused models until so many bytes are available, or none is unused."""
        while 0 < system.available_memory() < needed:
            victim = self._longest_unused()
            if victim is None:
                return
            await victim.evict()

    async def _make_room(self, holder: object, manifest: Manifest) -> None:
        while not self._fits(holder):
            victim = self._longest_unused()
            if victim is None:
                raise self._refusal(holder, manifest)
            await victim.evict()

    def _fits(self, holder: object) -> bool:
        promised = self._up_to(holder)
        if self.limit and self._taken(promised) > self.limit:
            return False
        available = system.available_memory()
        return not available or sum(promised.values()) <= available

    def _taken(self, promised: dict[object, int]) -> int:
        """Bytes of everything in memory, and of what is promised."""
        slots = list(self._slots())
        elsewhere = sum(needed for one, needed in promised.items() if one not in slots)
        return elsewhere + sum(one.memory_bytes(promised.get(one, 0)) for one in slots)

    def _up_to(self, holder: object) -> dict[object, int]:
        """What this load and those that began before it are going to take."""
        found: dict[object, int] = {}
        for one, needed in self._reserved.items():
            found[one] = needed
            if one is holder:
                break
        return found

    def _longest_unused(self) -> Slot | None:
        unused = [
            (since, slot.name, slot)
            for slot in self._slots()
            if slot not in self._reserved and (since := slot.unused_since()) is not None
        ]
        return min(unused)[2] if unused else None

    # --- refusing ---

    def _refuse_giant(self, manifest: Manifest) -> None:
        needed = manifest.memory_bytes
        if not self.limit or needed <= self.limit:
            return
        raise Busy(
            f"no memory for {manifest.id}: it takes {_mb(needed)}, all models together may take"
            f" {_mb(self.limit)}",
            fix="raise `workers.memory_bytes` (docs/CONFIG.md), or choose a smaller model",
            needed=needed,
            limit=self.limit,
        )

    def _refusal(self, holder: object, manifest: Manifest) -> Busy:
        return Busy(
            f"no memory for {manifest.id}: it takes {_mb(manifest.memory_bytes)};"
            f" {self.holders(holder)}",
            fix="try again later, unload or unpin others (`edged models ps`), choose a smaller"
            " model, or raise `workers.memory_bytes`",
            needed=manifest.memory_bytes,
            limit=self.limit,
            available=system.available_memory(),
            retry_after_ms=RETRY_AFTER_MS,
        )

    def holders(self, but: object = None) -> str:
        """What holds the memory, the largest first; for a message."""
        sizes = [
            (slot.memory_bytes(self._reserved.get(slot, 0)), slot.name)
            for slot in self._slots()
            if slot is not but
        ]
        largest = sorted((one for one in sizes if one[0]), reverse=True)[:NAMED]
        if not largest:
            return f"{_mb(system.available_memory())} are available"
        return "in use: " + ", ".join(f"{name} {_mb(size)}" for size, name in largest)


def _mb(size: int) -> str:
    return f"{-(-size // MB)} MB"
