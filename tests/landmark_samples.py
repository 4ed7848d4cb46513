"""Sessions that have seen something: made-up landmarks of known values, in a store."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edged.messages.seeing import LandmarkKind
from edged.messages.sessions import SessionsStart
from edged.models.seeing import SealedBlock
from edged.store import Connection, landmark_blocks, sessions, sights
from edged.vision.blocks import VALUES, Block, encode

POINTS: dict[LandmarkKind, int] = {"face": 468, "hands": 21, "pose": 33}
SLOTS: dict[LandmarkKind, int] = {"face": 1, "hands": 2, "pose": 1}
FRAME_MS = 100


def made_up(kind: LandmarkKind, times: NDArray[np.int64]) -> Block:
    """Points on the codec's grid whose x tells their time and their number, so nothing is rounded.

    Of hands the left one is seen in every frame, the right one only in even ones.
    """
    shape = len(times), SLOTS[kind], POINTS[kind], len(VALUES[kind])
    points = np.zeros(shape, np.float32)
    points[..., 0] = (times[:, None, None] % 8_000 + np.arange(POINTS[kind])) / 8_192
    points[..., 1] = np.arange(SLOTS[kind])[:, None] / 4
    if kind == "pose":
        points[..., 3] = 1.0  # visible
    if kind == "hands":
        points[times // FRAME_MS % 2 == 1, 1] = np.nan
    return Block(times, points)


def seconds(
    kind: LandmarkKind, count: int, *, first: int = 0
) -> Iterator[tuple[SealedBlock, bytes]]:
    """Ten frames in each of so many seconds."""
    for second in range(first, first + count):
        times = second * 1_000 + np.arange(0, 1_000, FRAME_MS, dtype=np.int64)
        sealed = SealedBlock(
            kind=kind,
            second=second,
            start_ms=int(times[0]),
            end_ms=int(times[-1]),
            frames=len(times),
            detected=len(times),
        )
        yield sealed, encode(kind, made_up(kind, times))


def seen_session(db: Connection, *, kinds: tuple[LandmarkKind, ...], count: int = 3) -> str:
    """A session whose first camera saw all kinds for so many seconds, and a second one a body for one."""
    session_id = sessions.create(db, kind="live", options=SessionsStart()).id
    watched = [(0, kind, count) for kind in kinds] + [(1, kinds[-1], 1)]
    for number, kind, length in watched:
        sight = sights.add(db, session_id, number, kind="camera", device="", target_fps=10.0)
        track = sights.add_track(db, sight, kind=kind, model=f"{kind}-model")
        for sealed, body in seconds(kind, length):
            landmark_blocks.add(db, session_id, track, sealed, body)
    return session_id
