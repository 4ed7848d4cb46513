"""What does voice activity cost through a worker, and from a client, over calling onnxruntime here?"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from statistics import median

from benchmarks import echo, inprocess, sounds
from benchmarks.figures import (
    Figure,
    difference,
    interleaved,
    median_call,
    microseconds,
    ratio,
    seconds,
)
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.capture.parts import PART_SAMPLES
from edged.media import SPEECH, AudioChunk
from edged.messages import replies, requests
from edged.models.lease import Lease
from edged.models.runtime import VadOptions, VoiceActivity

TITLE = "Voice activity: Silero in a worker, beside Silero in this process"

MODEL = "silero-v6"
WINDOW_BYTES = 1024
"""512 samples of s16le."""

WINDOW_S = 0.032

Contestants = dict[str, Callable[[], float]]
_names = count(1)


def measure(*, quick: bool) -> list[Figure]:
    """Single windows, as from a microphone; then a whole minute in parts of 30 s."""
    calls, rounds = (100, 5) if quick else (300, 11)
    sound = sounds.pcm(sounds.CONVERSATION)
    with ExitStack() as stack:
        raw = stack.enter_context(echo.running())
        daemon = stack.enter_context(Served())
        client = stack.enter_context(daemon.client())
        worker = stack.enter_context(borrowed())
        found: dict[str, list[float]] = {}
        for windows in (1, 8):
            data = sound[320_000 : 320_000 + windows * WINDOW_BYTES]
            found |= interleaved(_live(worker, client, raw, data, calls), rounds)
        window = sound[320_000 : 320_000 + WINDOW_BYTES]
        found |= interleaved(_paced(worker, client, window, calls // 5), max(3, rounds // 2))
        found |= interleaved(_whole(worker, client, sound), rounds)
    live = _live_figures(found, 1) + _live_figures(found, 8)
    return live + _paced_figures(found) + _whole_figures(found)


class Borrowed:
    """A lease in this process, with the loop that it belongs to."""

    def __init__(self, runner: asyncio.Runner, lease: Lease[VoiceActivity]) -> None:
        self._runner = runner
        self._lease = lease

    def median_call(self, data: bytes, times: int, *, pause_s: float = 0.0) -> float:
        """The median time of a call, within one run of the loop."""
        return self._runner.run(self._median_call(data, times, pause_s))

    async def _median_call(self, data: bytes, times: int, pause_s: float) -> float:
        chunk, options, taken = AudioChunk(data=data), VadOptions(stream="live"), []
        for _ in range(times):
            if pause_s:
                await asyncio.sleep(pause_s)
            started = time.perf_counter()
            await self._lease.call(self._lease.model.detect, chunk, options)
            taken.append(time.perf_counter() - started)
        return median(taken)

    def whole(self, parts: list[bytes]) -> None:
        """A whole recording, part by part."""
        self._runner.run(self._whole(parts))

    async def _whole(self, parts: list[bytes]) -> None:
        for number, part in enumerate(parts, 1):
            options = VadOptions(stream="whole", final=number == len(parts))
            await self._lease.call(self._lease.model.detect, AudioChunk(data=part), options)


@contextmanager
def borrowed() -> Iterator[Borrowed]:
    """Silero in a worker of this process, as the daemon has it."""
    pool = inprocess.pool()
    with asyncio.Runner() as runner:
        lending = pool.borrow(MODEL, VoiceActivity)
        try:
            yield Borrowed(runner, runner.run(lending.__aenter__()))
        finally:
            runner.run(lending.__aexit__(None, None, None))
            runner.run(pool.close())


def _live(
    worker: Borrowed, client: SyncClient, raw: echo.Echo, data: bytes, calls: int
) -> Contestants:
    windows = len(data) // WINDOW_BYTES
    chunk, options = AudioChunk(data=data), VadOptions(stream="live")
    stream = requests.Vad(audio=SPEECH, stream=f"live{next(_names)}")
    here = partial(inprocess.silero().detect, chunk, options)
    asked = partial(client.ask, stream, replies.VadResult, (data,))
    asked()
    return {
        f"in-process, {windows}": partial(median_call, here, calls),
        f"Lease.call, {windows}": partial(worker.median_call, data, calls),
        f"client, {windows}": partial(median_call, asked, calls),
        f"echo, {windows}": partial(median_call, partial(raw.ask, [b"x" * 100, data]), calls),
    }


def _paced(worker: Borrowed, client: SyncClient, data: bytes, calls: int) -> Contestants:
    """One window whenever a microphone has one: nobody's caches are warm."""
    chunk, options = AudioChunk(data=data), VadOptions(stream="live")
    stream = requests.Vad(audio=SPEECH, stream=f"live{next(_names)}")
    here = partial(inprocess.silero().detect, chunk, options)
    asked = partial(client.ask, stream, replies.VadResult, (data,))
    return {
        "in-process, paced": partial(median_call, here, calls, pause_s=WINDOW_S),
        "Lease.call, paced": partial(worker.median_call, data, calls, pause_s=WINDOW_S),
        "client, paced": partial(median_call, asked, calls, pause_s=WINDOW_S),
    }


def _paced_figures(found: dict[str, list[float]]) -> list[Figure]:
    note = "a window each 32 ms, all caches cold"
    here, lease, client = (f"{who}, paced" for who in ("in-process", "Lease.call", "client"))
    over = {who: difference(found, who, here) * 1e6 for who in (lease, client)}
    return [
        microseconds("in-process, at the pace of a microphone", found[here], note),
        Figure(what="Lease.call over in-process, at that pace", value=over[lease], unit="us"),
        Figure(what="client over in-process, at that pace", value=over[client], unit="us"),
    ]


def _live_figures(found: dict[str, list[float]], windows: int) -> list[Figure]:
    unit = "window" if windows == 1 else "windows"
    floor = median(found[f"echo, {windows}"])
    over = difference(found, f"client, {windows}", f"in-process, {windows}")
    lease = difference(found, f"Lease.call, {windows}", f"in-process, {windows}")
    return [
        *(
            microseconds(f"{what}, {windows} {unit}", found[f"{what}, {windows}"])
            for what in ("in-process", "Lease.call", "client", "echo")
        ),
        Figure(
            what=f"Lease.call over in-process, {windows} {unit}",
            value=lease * 1e6,
            unit="us",
            most=150,
        ),
        Figure(
            what=f"client over in-process, in raw echoes, {windows} {unit}",
            value=over / floor,
            unit="x",
            most=6,
            note=f"{over * 1e6:.0f} us",
        ),
    ]


def _whole(worker: Borrowed, client: SyncClient, sound: bytes) -> Contestants:
    step = PART_SAMPLES * 2
    parts = [sound[start : start + step] for start in range(0, len(sound), step)]
    return {
        "whole, in-process": lambda: seconds(lambda: _whole_here(sound)),
        "whole, in-process in parts": lambda: seconds(lambda: _parts_here(parts)),
        "whole, Lease.call": lambda: seconds(lambda: worker.whole(parts)),
        "whole, client": lambda: seconds(lambda: _whole_asked(client, parts)),
    }


def _whole_here(sound: bytes) -> None:
    inprocess.silero().detect(AudioChunk(data=sound), VadOptions(final=True))


def _parts_here(parts: list[bytes]) -> None:
    for number, part in enumerate(parts, 1):
        options = VadOptions(stream="whole", final=number == len(parts))
        inprocess.silero().detect(AudioChunk(data=part), options)


def _whole_asked(client: SyncClient, parts: list[bytes]) -> None:
    for number, part in enumerate(parts, 1):
        request = requests.Vad(audio=SPEECH, stream="whole", final=number == len(parts))
        client.ask(request, replies.VadResult, (part,))


def _whole_figures(found: dict[str, list[float]]) -> list[Figure]:
    here = "whole, in-process"
    return [
        Figure(what="a minute in one call, in-process", value=median(found[here]) * 1e3, unit="ms"),
        Figure(
            what="a minute in 30-s parts, Lease.call / in-process",
            value=ratio(found, "whole, Lease.call", here),
            unit="x",
            most=1.1,
        ),
        Figure(
            what="a minute in 30-s parts, client / in-process",
            value=ratio(found, "whole, client", here),
            unit="x",
            most=1.1,
        ),
        Figure(
            what="a minute in 30-s parts, in-process / in one call",
            value=ratio(found, "whole, in-process in parts", here),
            unit="x",
        ),
    ]
