"""Joins what was heard in overlapping windows: local speakers become speakers, frames become turns.

A model of segmentation says who of up to three speakers is active in each frame of a 10-s window,
but not who they were in the window before; clustering of their voices says that.
Source: H. Bredin, pyannote.audio 2.1 speaker diarization pipeline (2023): aggregation by the number
of speakers in each frame.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.speech.diarization.recording import Heard

SHIFT = 270
"""Samples from frame to frame of the segmentation model."""

CENTRE = 495
"""Samples from a frame's start to its middle; half a shift before it a turn begins or ends."""

WINDOW_FRAMES = 589
STEP_FRAMES = 296
"""Windows begin 5 s after each other, so that each moment is heard in two of them."""

RATE = 16_000

BRIDGED_MS = 150
"""A shorter pause of one speaker is part of the turn."""

LEAST_MS = 100
"""A shorter turn is none."""

Active = npt.NDArray[np.bool_]


class Local(Struct, frozen=True):
    """One speaker of one window. active: packed bits of its 589 frames."""

    window: int
    active: bytes

    def frames(self) -> Active:
        """In which frames, shape (589,)."""
        bits = np.unpackbits(np.frombuffer(self.active, np.uint8), count=WINDOW_FRAMES)
        return bits.astype(np.bool_)


def local(window: int, active: Active) -> Local:
    """A local speaker, as it is kept."""
    return Local(window, np.packbits(active).tobytes())


def stitched(
    locals_: Sequence[Local], speakers: "npt.NDArray[np.intp]", *, windows: int, end_ms: int
) -> tuple[list[Heard], list[int]]:
    """Turns in order of their start, those of different speakers may overlap.

    Args:
        locals_: in order of their windows.
        speakers: of each local one, from 0, shape (n,).
        windows: how many there were.
        end_ms: the recording's length; nothing is heard afterwards.

    Returns:
        The turns, speakers numbered by first words; and which speaker each number was before.
    """
    spans = _spans(locals_, speakers, windows)
    turns = [
        (first, min(last, end_ms), speaker)
        for speaker, found in spans.items()
        for first, last in _bridged(found)
        if min(last, end_ms) - first >= LEAST_MS
    ]
    turns.sort()
    order = list(dict.fromkeys(speaker for _, _, speaker in turns))
    numbers = {speaker: number for number, speaker in enumerate(order)}
    return [Heard(first, last, numbers[speaker]) for first, last, speaker in turns], order


def _spans(
    locals_: Sequence[Local], speakers: "npt.NDArray[np.intp]", windows: int
) -> dict[int, list[tuple[int, int]]]:
    """Where each speaker is active, in milliseconds, step by step."""
    told: list[dict[int, Active]] = [{} for _ in range(windows)]
    for one, speaker in zip(locals_, speakers.tolist(), strict=True):
        known = told[one.window].get(speaker, np.zeros(WINDOW_FRAMES, np.bool_))
        told[one.window][speaker] = known | one.frames()
    spans: dict[int, list[tuple[int, int]]] = {}
    for step in range(windows + 1):
        here = told[step] if step < windows else None
        before = told[step - 1] if step else None
        for speaker, active in _step(here, before):
            spans.setdefault(speaker, []).extend(_stretches(active, step * STEP_FRAMES))
    return spans


def _step(
    here: dict[int, Active] | None, before: dict[int, Active] | None
) -> Iterator[tuple[int, Active]]:
    """Who is active in the frames between two windows' starts, as both windows say.

    The window in whose middle a frame lies has the greater say: at its edges a model hears less.
    None: there is no such window.
    """
    share = np.arange(1, STEP_FRAMES + 1) / STEP_FRAMES
    shares = (np.ones(STEP_FRAMES), share) if before is None else (share, 1.0 - share)
    if here is None:
        shares = (share, np.ones(STEP_FRAMES))
    scores: dict[int, npt.NDArray[np.float64]] = {}
    for told, start, say in ((here, 0, shares[0]), (before, STEP_FRAMES, shares[1])):
        for speaker, active in (told or {}).items():
            part = np.zeros(STEP_FRAMES)
            part[: min(STEP_FRAMES, WINDOW_FRAMES - start)] = active[start : start + STEP_FRAMES]
            scores[speaker] = scores.get(speaker, np.zeros(STEP_FRAMES)) + part * say
    if scores:
        order = sorted(scores)
        yield from zip(order, _chosen(np.array([scores[one] for one in order])), strict=True)


def _chosen(scores: npt.NDArray[np.float64]) -> Active:
    """Of each frame the speakers with the greatest scores, as many as both windows say in the mean.

    scores: shape (speakers, frames); the result likewise.
    """
    ranks = np.argsort(np.argsort(-scores, axis=0, kind="stable"), axis=0, kind="stable")
    chosen: Active = (ranks < np.floor(scores.sum(axis=0) + 0.5)) & (scores > 0)
    return chosen


def _stretches(active: Active, first: int) -> list[tuple[int, int]]:
    """Runs of active frames, in milliseconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
    times = ((edges + first) * SHIFT + CENTRE - SHIFT // 2) * 1000 // RATE
    return list(zip(times[::2].tolist(), times[1::2].tolist(), strict=True))


def _bridged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in spans:
        if found and first - found[-1][1] < BRIDGED_MS:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
