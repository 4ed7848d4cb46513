"""What does keeping landmarks cost, and reading them again?

The codec on what MediaPipe sees in a film of people who come and go (10 frames a second, real motion; faces
and hands are too small in it to be found often), and on what it sees when a camera sways before a photograph of
a man at a desk (30 frames a second: real trembling of the tracker, made motion), which has face, hands and
body at once. Reading: pages and files of a session of hours, as its worker does it, and that worker's memory.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from benchmarks import alone, processes, sights
from benchmarks.bare_tasks import FRAME_MS, MODELS, Bare
from benchmarks.figures import Figure, median_call
from benchmarks.sights import Pixels
from edged.capture.kept.orders import Into, ReadWish
from edged.messages.seeing import LandmarkKind
from edged.messages.sessions import SessionsStart
from edged.models.seeing import SealedBlock
from edged.pipeline.seeing.reading import Reading, Stretch
from edged.store import Connection, Store, landmark_blocks, sessions
from edged.store import sights as store_sights
from edged.vision.blocks import VALUES, Block, decode, encode

TITLE = "Landmarks: what keeping a frame costs, and reading it again"

Floats = npt.NDArray[np.float32]
Kinds = Mapping[LandmarkKind, Sequence[Block]]

POINTS: Mapping[LandmarkKind, int] = {"face": 468, "hands": 21, "pose": 33}
PLAIN_BYTES = 8_688
"""Of a holistic frame as 543 points of four float32. Source: issue 5."""

TARGET_BYTES = 1_900
TARGET_ERROR = 1e-4
SWAYS = 2
HOURS = 3
FPS = 15


def measure(*, quick: bool) -> list[Figure]:
    """The codec on a film and on a photograph; then a long session."""
    needed = [sights.model_file(MODELS[task]) for task in ("face_mesh", "hands", "pose")]
    if missing := [path.parent.name for path in needed if not path.exists()]:
        print(f"left out, models are not here (`make models`): {', '.join(missing)}")
        return []
    found = []
    film = sights.video()
    if film is not None:
        seen = _seconds(_looked(_film(film, most=200 if quick else None)))
        found += _codec("film", seen, rounds=3 if quick else 10)
    swayed = sights.frames() * SWAYS
    seen = _seconds(_looked((number * FRAME_MS, one) for number, one in enumerate(swayed)))
    found += _codec("swaying photograph", seen, rounds=3 if quick else 10)
    found += _holistic(seen)
    return found + asyncio.run(_reading(seen["pose"], hours=1 if quick else HOURS))


# --- what is seen ---


def _film(path: Path, *, most: int | None) -> Iterator[tuple[int, Pixels]]:
    with closing(av.open(str(path))) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == most:
                return
            pixels: Pixels = np.ascontiguousarray(frame.to_ndarray(format="rgb24"), np.uint8)
            yield int((frame.time or 0.0) * 1000), pixels


def _looked(
    frames: Iterable[tuple[int, Pixels]],
) -> dict[LandmarkKind, list[tuple[int, Floats]]]:
    """What three tasks find in frames that follow each other: of each kind, time and points by place."""
    tasks = {"face": Bare("face_mesh"), "hands": Bare("hands"), "pose": Bare("pose")}
    found: dict[LandmarkKind, list[tuple[int, Floats]]] = {"face": [], "hands": [], "pose": []}
    for at_ms, pixels in frames:
        results = {kind: task.look(pixels)[0] for kind, task in tasks.items()}
        for kind, rows in found.items():
            points = _READ[kind](results[kind])
            if not np.isnan(points).all():
                rows.append((at_ms, points))
    for task in tasks.values():
        task.close()
    return found


def _face(result: Any) -> Floats:  # noqa: ANN401 - the library has no types, here and below
    points = np.full((1, POINTS["face"], 3), np.nan, np.float32)
    for number, one in enumerate(result.face_landmarks[:1]):
        points[number] = [(p.x, p.y, p.z) for p in one[: POINTS["face"]]]
    return points


def _hands(result: Any) -> Floats:  # noqa: ANN401
    points = np.full((2, POINTS["hands"], 3), np.nan, np.float32)
    for side, one in zip(result.handedness, result.hand_landmarks, strict=True):
        points[int(side[0].category_name == "Right")] = [(p.x, p.y, p.z) for p in one]
    return points


def _pose(result: Any) -> Floats:  # noqa: ANN401
    points = np.full((1, POINTS["pose"], 7), np.nan, np.float32)
    for seen, world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True):
        points[0] = [
            (p.x, p.y, p.z, p.visibility, w.x, w.y, w.z) for p, w in zip(seen, world, strict=True)
        ]
    return points


_READ: Mapping[LandmarkKind, Callable[[Any], Floats]] = {
    "face": _face,
    "hands": _hands,
    "pose": _pose,
}


def _seconds(seen: Mapping[LandmarkKind, Sequence[tuple[int, Floats]]]) -> Kinds:
    """A block for each second and kind, as sessions keep them."""
    return {kind: [*_blocks(rows)] for kind, rows in seen.items()}


def _blocks(rows: Sequence[tuple[int, Floats]]) -> Iterator[Block]:
    for second in sorted({at_ms // 1000 for at_ms, _ in rows}):
        some = [row for row in rows if row[0] // 1000 == second]
        times = np.array([at_ms for at_ms, _ in some], np.int64)
        yield Block(times, np.stack([points for _, points in some]))


# --- the codec ---


def _codec(where: str, seen: Kinds, *, rounds: int) -> list[Figure]:
    found: list[Figure] = []
    for kind, blocks in seen.items():
        if blocks:
            found += _kind(f"{where}: {kind}", kind, blocks, rounds)
    return found


def _kind(what: str, kind: LandmarkKind, blocks: Sequence[Block], rounds: int) -> list[Figure]:
    bodies = [encode(kind, block) for block in blocks]
    frames = sum(len(block.times_ms) for block in blocks)
    encoding = median_call(lambda: [encode(kind, block) for block in blocks], rounds)
    decoding = median_call(lambda: [decode(body) for body in bodies], rounds)
    plain = POINTS[kind] * len(VALUES[kind]) * 4 * (2 if kind == "hands" else 1)
    return [
        Figure(
            what=f"{what}, a frame",
            value=sum(map(len, bodies)) / frames,
            unit="bytes",
            note=f"of {plain} as float32; {frames} frames in {len(blocks)} blocks",
        ),
        Figure(what=f"{what}, encoding a frame", value=encoding / frames * 1e6, unit="us"),
        Figure(what=f"{what}, decoding a frame", value=decoding / frames * 1e6, unit="us"),
        Figure(
            what=f"{what}, largest error",
            value=max(_error(one, decode(body)) for one, body in zip(blocks, bodies, strict=True))
            * 1e6,
            unit="millionths",
            most=TARGET_ERROR * 1e6,
        ),
    ]


def _error(block: Block, decoded: Block) -> float:
    away = np.abs(block.points.astype(np.float64) - decoded.points)
    return float(np.nanmax(away))


def _holistic(seen: Kinds) -> list[Figure]:
    """All kinds of one frame together."""
    sizes = {
        kind: sum(len(encode(kind, block)) for block in blocks)
        / max(sum(len(block.times_ms) for block in blocks), 1)
        for kind, blocks in seen.items()
    }
    return [
        Figure(
            what="swaying photograph: a holistic frame",
            value=sum(sizes.values()),
            unit="bytes",
            most=TARGET_BYTES,
            note=f"of {PLAIN_BYTES} as 543 points of four float32; here {1761 * 4} are kept",
        )
    ]


# --- reading ---


async def _reading(blocks: Sequence[Block], *, hours: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = Store.open(Path(folder) / "edged.db", bytes(range(32)))
        reading = Reading(store)
        try:
            session = await store.write(partial(_long, blocks=blocks, hours=hours))
            return await _read(reading, session, hours)
        finally:
            await reading.close()
            store.close()


def _long(db: Connection, blocks: Sequence[Block], hours: int) -> str:
    """A session with a body at 15 frames a second; the same seconds again and again."""
    session_id = sessions.create(db, kind="live", options=SessionsStart()).id
    sight = store_sights.add(db, session_id, 0, kind="camera", target_fps=FPS)
    track = store_sights.add_track(db, sight, kind="pose", model="pose-landmarker-full")
    for second in range(hours * 3600):
        points = blocks[second % len(blocks)].points[:FPS]
        times = second * 1000 + np.arange(len(points), dtype=np.int64) * 1000 // FPS
        sealed = SealedBlock(
            kind="pose",
            second=second,
            start_ms=int(times[0]),
            end_ms=int(times[-1]),
            frames=len(points),
            detected=len(points),
        )
        landmark_blocks.add(db, session_id, track, sealed, encode("pose", Block(times, points)))
    return session_id


async def _read(reading: Reading, session: str, hours: int) -> list[Figure]:
    frames = hours * 3600 * FPS
    midst = hours * 1_800_000
    stretch = Stretch(session_id=session, from_ms=midst)
    await reading.page(stretch, ReadWish(into="values", limit=1))  # starts the worker
    worker = reading.worker
    assert worker is not None
    begun = processes.memory(worker.pid)["Private"]
    found = []
    pages: tuple[Into, ...] = ("values", "parts")
    files: tuple[Into, ...] = ("csv", "json", "npz")
    for into in pages:
        times = [await _timed_page(reading, stretch, into, midst) for _ in range(10)]
        found.append(
            Figure(
                what=f"a page of 500 bodies in the midst of {hours} hours, {into}",
                value=median(times) * 1e3,
                unit="ms",
            )
        )
    for into in files:
        taken, size = await _timed_file(reading, session, into)
        found.append(
            Figure(
                what=f"{hours} hours as {into}",
                value=frames / taken / 1e3,
                unit="thousand frames/s",
                note=f"{size / 1e6:.0f} MB in {taken:.0f} s",
            )
        )
    found.append(
        Figure(
            what="memory of the worker that reads, after all of it",
            value=processes.memory(worker.pid)["Private"],
            unit="MB",
            note=f"{begun:.0f} MB after its first page; private",
        )
    )
    return found


async def _timed_page(reading: Reading, stretch: Stretch, into: Into, from_ms: int) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await reading.page(stretch, ReadWish(into=into, from_ms=from_ms))
    return loop.time() - started


async def _timed_file(reading: Reading, session: str, into: Into) -> tuple[float, int]:
    loop = asyncio.get_running_loop()
    started, size = loop.time(), 0
    async with aclosing(reading.file(Stretch(session_id=session), ReadWish(into=into))) as pieces:
        async for piece in pieces:
            size += len(piece.data)
    return loop.time() - started, size


if __name__ == "__main__":
    raise SystemExit(alone.run("landmarks", TITLE, measure))
