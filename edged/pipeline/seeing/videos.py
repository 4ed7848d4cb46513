"""A video, looked at frame by frame: what each shows, and in the end when what was to be seen."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from msgspec import Struct

from edged.capture.sight import SightOptions, Sights
from edged.messages.replies import Progress
from edged.messages.seeing import Looked as Summary
from edged.messages.seeing import Stretch
from edged.pipeline.seeing.eyes import QuickEyes
from edged.pipeline.seeing.showing import Facts, Shown, counts, found, seen
from edged.pipeline.seeing.streaming import Looked, Missed, Onlooking

_MS = 1_000_000

BREAK_MS = 1_000
"""What is not seen for so long is seen anew: a new stretch begins."""

PROGRESS_S = 0.5
"""How often it is told how far a video is."""

_PLACEHOLDER_FPS = 15.0


class _Open(Struct):
    """A stretch that goes on."""

    start_ms: int
    end_ms: int
    frames: int = 1
    most: int = 1


class Stretches:
    """When things of each kind were seen."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._over: list[Stretch] = []

    def add(self, at_ms: int, things: Mapping[str, int]) -> None:
        """A frame shows so many things of each kind; frames come in order of time."""
        for of, count in things.items():
            before = self._open.get(of)
            if before is not None and at_ms - before.end_ms <= BREAK_MS:
                before.end_ms = at_ms
                before.frames += 1
                before.most = max(before.most, count)
                continue
            self._close(of)
            self._open[of] = _Open(start_ms=at_ms, end_ms=at_ms, most=count)

    def finish(self) -> tuple[Stretch, ...]:
        """All of them, in order of time."""
        for of in list(self._open):
            self._close(of)
        return tuple(sorted(self._over, key=lambda one: (one.start_ms, one.of)))

    def _close(self, of: str) -> None:
        one = self._open.pop(of, None)
        if one is not None:
            self._over.append(
                Stretch(
                    of=of,
                    start_ms=one.start_ms,
                    end_ms=one.end_ms,
                    frames=one.frames,
                    most=one.most,
                )
            )


async def look_through(
    sights: Sights, eyes: QuickEyes, path: str, *, fps: float | None, facts: Facts
) -> AsyncGenerator[Shown | Progress | Summary, None]:
    """What each frame of a video shows, now and then how far it is, and last what was seen in all.

    How far it is can be told only of a video that says how long it lasts.

    Args:
        sights: open the video.
        eyes: look at its frames, as one stream.
        path: of its file, absolute.
        fps: so many frames a second of it at most; None: every one.
        facts: what is told of each frame beside its number and time.

    Raises:
        NotFound, Denied, BadMedia, BadRequest: it is no video that can be read.
        EdgedError: what the eyes raise, unless it is about one frame alone: that is counted as lost.
    """
    tally = _Tally()
    options = SightOptions(device=path, fps=fps or _PLACEHOLDER_FPS, every=fps is None)
    async with (
        sights.open("video", options) as source,
        aclosing(Onlooking(eyes, source.frames()).seen()) as every,
    ):
        async for one in every:
            if one is not None and (shown := tally.add(one, facts, eyes)) is not None:
                yield shown
                if progress := tally.progress():
                    yield progress
    yield tally.summary()


class _Tally:
    """Counts what was seen, and tells it."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._of_ms = 0
        self._frames = self._detected = self._lost = 0
        self._last_ms = 0
        self._stretches = Stretches()

    def add(self, one: Looked | Missed, facts: Facts, eyes: QuickEyes) -> Shown | None:
        """What is told of a frame; None when it was lost."""
        if isinstance(one, Missed):
            self._lost += 1
            return None
        at_ms = one.frame.at_ns // _MS
        self._last_ms, self._of_ms = at_ms, one.frame.of_ms
        self._frames += 1
        self._detected += found(one.view)
        self._stretches.add(at_ms, counts(one.view))
        told = Facts(
            task=facts.task,
            model=facts.model,
            device=eyes.device,
            points=facts.points,
            frame_id=one.frame.number,
            captured_at_ms=at_ms,
        )
        return seen(one.view, told)

    def progress(self) -> Progress | None:
        """How far it is, when that was not told for a while."""
        now = time.monotonic()
        if not self._of_ms or now - self._said < PROGRESS_S:
            return None
        self._said = now
        fraction = min(1.0, self._last_ms / self._of_ms)
        return Progress(stage="look", fraction=fraction, done_ms=self._last_ms)

    def summary(self) -> Summary:
        """The end of it."""
        took_s = time.monotonic() - self._began
        return Summary(
            frames=self._frames,
            detected=self._detected,
            lost=self._lost,
            fps=round(self._frames / took_s, 1) if took_s else 0.0,
            duration_ms=self._last_ms,
            tracks=self._stretches.finish(),
        )
