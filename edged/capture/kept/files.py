"""Kept landmarks as files in pieces: CSV, JSON, NPZ; no file is ever held as a whole. Worker side."""

import io
import zipfile
from array import array
from collections.abc import Iterator
from functools import cache
from typing import Final, Protocol

import msgspec
import numpy as np

from edged.capture.kept.orders import NextPass, ReadWish
from edged.capture.kept.pages import kept
from edged.capture.kept.rows import Row, Track, Values
from edged.messages.seeing import LandmarkKind
from edged.vision.blocks import VALUES
from edged.vision.names import FACE_KEY_POINTS, HAND, POSE

COLUMNS: Final = (
    "at_ms", "source", "kind", "slot", "point", "name",
    "x", "y", "z", "visibility", "world_x", "world_y", "world_z",
)  # fmt: skip
"""Of a CSV file: a row for each point. What a kind does not have stays empty."""

_NUMBERS: Final = 7
_TIME: Final = "@"


class LandmarkFile(Protocol):
    """A file in the making: its bytes come as rows do."""

    def write(self, rows: Iterator[Row]) -> Iterator[bytes]:
        """What these rows add to the file; they come in order of time."""
        ...

    def finish(self) -> Iterator[bytes]:
        """The end of the file."""
        ...


class CsvFile:
    """A head line, then a line for each point that was seen."""

    def __init__(self) -> None:
        self._begun = False

    def write(self, rows: Iterator[Row]) -> Iterator[bytes]:
        """See LandmarkFile."""
        yield from self._head()
        for row in rows:
            for slot in np.flatnonzero(row.seen).tolist():
                yield _lines(row, slot).encode()

    def finish(self) -> Iterator[bytes]:
        """See LandmarkFile."""
        yield from self._head()

    def _head(self) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            yield (",".join(COLUMNS) + "\n").encode()


def _lines(row: Row, slot: int) -> str:
    points = row.points[slot]
    template = _template(row.source, row.kind, slot, len(points))
    text = (template % tuple(points.ravel().tolist())).replace(_TIME, str(row.at_ms))
    return text.replace("nan", "") if np.isnan(points).any() else text


@cache
def _template(source: int, kind: LandmarkKind, slot: int, count: int) -> str:
    """The lines of one thing: its time is a sign, its numbers are to be filled in."""
    values = len(VALUES[kind])
    numbers = ",".join(["%.7g"] * values + [""] * (_NUMBERS - values))
    return "".join(
        f"{_TIME},{source},{kind},{slot},{point},{point_name(kind, point, count)},{numbers}\n"
        for point in range(count)
    )


def point_name(kind: LandmarkKind, point: int, count: int) -> str:
    """The name of a point, of so many; those of a face's mesh have none."""
    if kind == "face":
        return FACE_KEY_POINTS[point] if count == len(FACE_KEY_POINTS) else ""
    names = HAND if kind == "hands" else POSE
    return names[point] if point < len(names) else ""


class JsonFile:
    """One object: session, models, names of the values, and all frames as `frames.list` tells them."""

    def __init__(self, wish: ReadWish) -> None:
        self._head = {
            "session_id": wish.session_id,
            "models": wish.models,
            "values": VALUES,
        }
        self._begun = False
        self._encode = msgspec.json.Encoder().encode

    def write(self, rows: Iterator[Row]) -> Iterator[bytes]:
        """See LandmarkFile."""
        for row in rows:
            for one in kept(row):
                before = b",\n" if self._begun else self._opening()
                yield before + self._encode(one)

    def finish(self) -> Iterator[bytes]:
        """See LandmarkFile."""
        yield (b"" if self._begun else self._opening()) + b"\n]}\n"

    def _opening(self) -> bytes:
        self._begun = True
        return self._encode(self._head)[:-1] + b',"frames":[\n'


class _Outlet(io.RawIOBase):
    """What a zip file is written to: bytes to be fetched, and no way back."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:  # type: ignore[explicit-override] # typing.override is of Python 3.12
        return True

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[explicit-override, override] # as above; a narrower buffer
        self._bytes += data
        return len(data)

    def drain(self) -> bytes:
        """What was written since the last time."""
        data = bytes(self._bytes)
        self._bytes.clear()
        return data


class NpzFile:
    """Arrays for numpy.load.

    `pose_at` (int64, ms), `pose` (float32, frames x slots x points x values), `pose_values` (their
    names), and so on; of further sources `pose_at_1`, `pose_1`, ...

    Each track is passed over twice: its frames are counted, then written. What came in between is
    left out, what went is NaN.
    """

    def __init__(self) -> None:
        self._outlet = _Outlet()
        self._zip = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._pass: _Pass | None = None
        self._counted: _Counted | None = None

    def begin(self, step: NextPass) -> Iterator[bytes]:
        """Begin to count a track, or to write the one that was counted."""
        yield from self._end_pass()
        if step.counting:
            self._counted = _Counted((step.source, step.kind))
            return
        if self._counted is not None and self._counted.times:
            self._pass = _Pass(self._zip, self._counted)
        self._counted = None
        yield self._outlet.drain()

    def write(self, rows: Iterator[Row]) -> Iterator[bytes]:
        """See LandmarkFile."""
        for row in rows:
            if self._counted is not None:
                self._counted.add(row)
            elif self._pass is not None:
                self._pass.add(row)
                yield self._outlet.drain()

    def finish(self) -> Iterator[bytes]:
        """See LandmarkFile."""
        yield from self._end_pass()
        self._zip.close()
        yield self._outlet.drain()

    def _end_pass(self) -> Iterator[bytes]:
        if self._pass is not None:
            for _ in self._pass.fill():
                yield self._outlet.drain()
            self._pass = None
            yield self._outlet.drain()


class _Counted:
    """What the first pass over a track finds: the times of its frames, and the largest one."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self.times = array("q")  # 8 bytes a frame
        self.slots = 0
        self.points = 0

    def add(self, row: Row) -> None:
        self.times.append(row.at_ms)
        self.slots = max(self.slots, row.points.shape[0])
        self.points = max(self.points, row.points.shape[1])


class _Pass:
    """The second pass: the track's arrays, written as its rows come."""

    def __init__(self, target: zipfile.ZipFile, counted: _Counted) -> None:
        source, kind = counted.track
        suffix = f"_{source}" if source else ""
        _save(target, f"{kind}_values{suffix}", np.array(VALUES[kind]))
        _save(target, f"{kind}_at{suffix}", np.array(counted.times, "<i8"))
        self._shape = (counted.slots, counted.points, len(VALUES[kind]))
        self._times = iter(counted.times)
        self._due = next(self._times, None)
        self._entry = target.open(f"{kind}{suffix}.npy", "w", force_zip64=True)
        shape = (len(counted.times), *self._shape)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._entry, header)

    def add(self, row: Row) -> None:
        """The next row; only those count whose time was counted."""
        while self._due is not None and self._due < row.at_ms:
            self._put(None)
        if self._due == row.at_ms:
            self._put(row.points)

    def fill(self) -> Iterator[None]:
        """Write what is due and did not come, frame by frame, and end the array."""
        while self._due is not None:
            self._put(None)
            yield
        self._entry.close()

    def _put(self, points: Values | None) -> None:
        whole = np.full(self._shape, np.nan, "<f4")
        if points is not None:
            slots, count = (
                min(points.shape[0], whole.shape[0]),
                min(points.shape[1], whole.shape[1]),
            )
            whole[:slots, :count] = points[:slots, :count]
        self._entry.write(whole.tobytes())
        self._due = next(self._times, None)


def _save(
    target: zipfile.ZipFile, name: str, array: np.ndarray[tuple[int], np.dtype[np.generic]]
) -> None:
    with target.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)
