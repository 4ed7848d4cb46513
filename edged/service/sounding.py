"""`separate` and `denoise`: a piece of sound taken apart, or without its noise."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Self

from edged.errors import EdgedError, Unsupported
from edged.media import SPEECH
from edged.messages.replies import AnyReply, Done, Progress
from edged.messages.voice import Denoise, Denoised, Separate, Separated, Stem, StemPart
from edged.models.listening import StemSound
from edged.models.manifest import Manifest
from edged.service import heard
from edged.service.chosen import chosen, loading
from edged.service.house import House
from edged.store import audio, recordings, stems
from edged.store.stems import KeptStems

Parts = tuple[bytes | memoryview, ...]
Outgoing = AnyReply | tuple[AnyReply, tuple[bytes | memoryview, ...]]

TWO = ("vocals", "music")

KEPT_PART_BYTES = 2**20
"""Of a stem in one transaction: 6 s."""


async def separate(house: House, request: Separate, parts: Parts) -> AsyncGenerator[Outgoing, None]:
    """The stems as they are made, or kept; then how long they are.

    Raises:
        ModelMissing: no model can do it. Unsupported: the one that was asked for has fewer stems.
    """
    model = _separator(house, request)
    started = time.monotonic()
    async with heard.opened(house, request, parts) as source:
        if told := loading(house, model.id):
            yield told
        runs = house.sounding.separate(
            source,
            model.id,
            two=request.stems == len(TWO),
            priority=request.priority,
            keep_alive_ms=request.keep_alive_ms,
        )
        ends_ms: dict[str, int] = {}
        async with _Keeping(house, _names(model, request), source.name) as keeping:
            async with aclosing(runs):
                async for run, fraction in runs:
                    if run.stem == next(iter(ends_ms), ""):  # the next moment begins
                        yield Progress(stage="separate", fraction=fraction)
                    ends_ms[run.stem] = _end_ms(run)
                    if request.keep:
                        await keeping.take(run)
                    else:
                        yield _part(run), (run.data,)
            kept = await keeping.finish(max(ends_ms.values(), default=0))
    found = {
        name: Stem(duration_ms=end_ms, recording_id=kept.get(name))
        for name, end_ms in ends_ms.items()
    }
    elapsed_ms = round((time.monotonic() - started) * 1000)
    yield Separated(stems=found, model=model.id, processing_time_ms=elapsed_ms)


def _separator(house: House, request: Separate) -> Manifest:
    """The model for so many stems: asked for, the default, or the best of those with enough."""
    if request.model is not None or request.stems == len(TWO):
        model = chosen(house, "separate", request.model)
    else:
        model = _with_four(house)
    if len(_stems(model)) < request.stems:
        raise Unsupported(
            f"{model.id} gives {len(_stems(model))} stems, not {request.stems}",
            fix="ask for two, or for a model with four: `edged models list --task separate`",
            model=model.id,
        )
    return model


def _with_four(house: House) -> Manifest:
    known = [house.pool.manifest(one.id) for one in house.pool.summaries("separate")]
    enough = [one for one in known if len(_stems(one)) > len(TWO)]
    installed = {one.id for one in house.pool.summaries("separate") if one.installed}
    enough.sort(key=lambda one: (one.id in installed, one.rank), reverse=True)
    return enough[0] if enough else chosen(house, "separate", None)


def _stems(model: Manifest) -> tuple[str, ...]:
    """The names of a model's stems, as its manifest tells them."""
    told = model.parameters.get("stems", "")
    return tuple(told.split()) if isinstance(told, str) and told else TWO


def _names(model: Manifest, request: Separate) -> tuple[str, ...]:
    """The stems to keep; none when they are sent."""
    if not request.keep:
        return ()
    return TWO if request.stems == len(TWO) else _stems(model)


def _end_ms(run: StemSound) -> int:
    frames = run.start + len(run.data) // run.audio.frame_bytes
    return frames * 1000 // run.audio.sample_rate


def _part(run: StemSound) -> StemPart:
    return StemPart(
        stem=run.stem,
        audio=run.audio,
        start_ms=run.start * 1000 // run.audio.sample_rate,
        size_bytes=len(run.data),
    )


class _Keeping:
    """Puts stems into the store; what is not finished is deleted again.

    Args:
        house: the daemon. names: of the stems; none: nothing is kept. title: of their session.
    """

    def __init__(self, house: House, names: tuple[str, ...], title: str) -> None:
        self._store = house.store
        self._owner = house.asker.client_id
        self._names = names
        self._title = title
        self._kept: KeptStems | None = None
        self._waiting = {name: bytearray() for name in names}
        self._numbers = dict.fromkeys(names, 0)
        self._finished = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._kept is None or self._finished:
            return
        for recording_id in self._kept.recordings.values():
            with suppress(EdgedError):  # somebody deleted it, or the disk is full: another time
                await self._store.write(lambda db, one=recording_id: recordings.delete(db, one))  # type: ignore[misc] # a default

    async def take(self, run: StemSound) -> None:
        """Store a run."""
        if self._kept is None:
            names, title, facts, owner = self._names, self._title, run.audio, self._owner
            self._kept = await self._store.write(
                lambda db: stems.begin(db, names, title=title, facts=facts, owner=owner)
            )
        waiting = self._waiting[run.stem]
        waiting += run.data
        while len(waiting) >= KEPT_PART_BYTES:
            await self._write(self._kept, run.stem, bytes(waiting[:KEPT_PART_BYTES]))
            del waiting[:KEPT_PART_BYTES]

    async def _write(self, kept: KeptStems, name: str, data: bytes) -> None:
        number = self._numbers[name]
        self._numbers[name] += 1
        await self._store.write(
            lambda db: audio.add(db, kept.recordings[name], number=number, data=data)
        )

    async def finish(self, duration_ms: int) -> dict[str, str]:
        """The recordings by the stems' names; nothing follows."""
        kept = self._kept
        if kept is None:
            return {}
        for name, waiting in self._waiting.items():
            if waiting:
                await self._write(kept, name, bytes(waiting))
        await self._store.write(lambda db: stems.finish(db, kept, duration_ms=duration_ms))
        self._finished = True
        return kept.recordings


async def denoise(house: House, request: Denoise, parts: Parts) -> AsyncGenerator[Outgoing, None]:
    """The cleaned speech in parts, then `done`.

    Raises:
        ModelMissing: no model can do it.
    """
    model = chosen(house, "denoise", request.model).id
    async with heard.opened(house, request, parts) as source:
        if told := loading(house, model):
            yield told
        runs = house.sounding.denoise(
            source, model, priority=request.priority, keep_alive_ms=request.keep_alive_ms
        )
        count = 0
        async with aclosing(runs):
            async for run in runs:
                count += 1
                reply = Denoised(
                    audio=SPEECH,
                    model=model,
                    start_ms=run.audio.start_ms,
                    size_bytes=len(run.audio.data),
                    progress=run.progress,
                )
                yield reply, (run.audio.data,)
    yield Done(count=count)
