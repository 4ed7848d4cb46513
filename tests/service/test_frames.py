"""How files of landmarks are told."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from edged.messages.replies import Done, Progress
from edged.messages.seeing import FramesExport, FramesPart
from edged.pipeline.seeing.reading import FilePiece
from edged.service import frames

REQUEST = FramesExport(session_id="abc", format="npz")


def _part(*, offset: int, size_bytes: int, progress: float) -> FramesPart:
    return FramesPart(
        session_id="abc",
        format="npz",
        media_type="application/zip",
        offset=offset,
        size_bytes=size_bytes,
        progress=progress,
    )


def _told(pieces: Sequence[FilePiece]) -> list[object]:
    async def given() -> AsyncGenerator[FilePiece, None]:
        for piece in pieces:
            yield piece

    async def scenario() -> list[object]:
        return [reply async for reply in frames.file_replies(given(), REQUEST)]

    return asyncio.run(scenario())


def test_pieces_follow_each_other_and_empty_ones_are_not_sent() -> None:
    first, second, done = _told(
        [FilePiece(b"", 0.1), FilePiece(b"1234", 0.5), FilePiece(b"", 0.6), FilePiece(b"56", 1.0)]
    )

    assert first == (_part(offset=0, size_bytes=4, progress=0.5), [b"1234"])
    assert second == (_part(offset=4, size_bytes=2, progress=1.0), [b"56"])
    assert done == Done()


def test_a_client_hears_how_far_the_work_is_while_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "TOLD_EVERY_S", 0.0)

    told = _told([FilePiece(b"", 0.25), FilePiece(b"", 0.5)])

    assert told == [
        Progress(stage="export", fraction=0.25),
        Progress(stage="export", fraction=0.5),
        Done(),
    ]
