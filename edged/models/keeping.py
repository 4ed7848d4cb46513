"""Keeps the pinned models in memory: loads them at the start, and again when they were lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from edged.errors import EdgedError
from edged.messages.replies import Reason
from edged.models.pins import Pins

LOOK_S = 10.0
LONGEST_WAIT_S = 300.0
"""A pinned model that cannot be loaded is tried again after 10 s, 20 s, ... at most so much."""


class Keeping:
    """Loads what is pinned, one model after the other, beside everything else. Loop thread only.

    Args:
        pins: which models.
        absent: loads nothing of those whose files it says are not here; the reason.
        is_loaded: whether one is in memory.
        load: brings one there, without ending a quarantine.
    """

    def __init__(
        self,
        pins: Pins,
        *,
        absent: Callable[[str], EdgedError | None],
        is_loaded: Callable[[str], bool],
        load: Callable[[str], Awaitable[object]],
    ) -> None:
        self._pins = pins
        self._absent = absent
        self._is_loaded = is_loaded
        self._load = load
        self._lost = asyncio.Event()
        self._failed: dict[str, EdgedError] = {}
        self._wait_s: dict[str, float] = {}
        self._next_try: dict[str, float] = {}

    def look(self) -> None:
        """Look soon: a pinned model may have been lost, or become loadable."""
        self._lost.set()

    async def run(self) -> None:
        """Keep them until cancelled."""
        while True:
            self._lost.clear()
            for model in sorted(self._pins.models):
                await self._keep(model)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._lost.wait()
            except TimeoutError:
                continue

    async def _keep(self, model: str) -> None:
        if self._is_loaded(model):
            self._forget(model)
            return
        absent = self._absent(model)
        if absent is not None:
            self._forget(model)
            self._failed[model] = absent
            return
        if time.monotonic() < self._next_try.get(model, 0.0):
            return
        try:
            await self._load(model)
            self._forget(model)
        except EdgedError as error:
            self._put_off(model, error)

    def _put_off(self, model: str, error: EdgedError) -> None:
        wait_s = self._wait_s.get(model, LOOK_S)
        self._failed[model] = error
        self._wait_s[model] = min(LONGEST_WAIT_S, 2 * wait_s)
        self._next_try[model] = time.monotonic() + wait_s

    def _forget(self, model: str) -> None:
        for facts in (self._failed, self._wait_s, self._next_try):
            facts.pop(model, None)

    def reasons(self) -> list[Reason]:
        """The pinned models that are not in memory, and why."""
        found = [
            Reason(
                code=error.code,
                message=f"{model} is pinned and not in memory: {error.message}",
                fix=f"{error.fix}; or `edged models pin {model} --off`",
            )
            for model, error in sorted(self._failed.items())
            if model in self._pins.models and not self._is_loaded(model)
        ]
        if self._pins.problem:
            found.append(
                Reason(
                    code="config_error",
                    message=self._pins.problem,
                    fix="pin them again with `edged models pin ID`",
                )
            )
        return found
