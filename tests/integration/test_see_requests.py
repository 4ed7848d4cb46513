"""Pictures, films and streams, looked at by a real daemon with models from PyPI alone."""

import asyncio
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from camera import PipedCamera
from PIL import Image
from portraits import astronaut, face, film
from real_daemon import Daemon
from viewer import WITHIN_S, seeing_daemon, viewing

from edged.errors import BadRequest, Conflict, ModelMissing, NotFound, Unsupported
from edged.media import AudioFormat, ImageFormat
from edged.messages.replies import AnyReply, Done
from edged.messages.seeing import (
    FrameTaken,
    Look,
    Looked,
    See,
    Seen,
    SightState,
    StreamFrame,
)
from edged.messages.sessions import SourceWish, StreamClose, StreamClosed, StreamOpen

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

DETECTOR = "face-detector-short-range"
FACE = Look(task="face")
RAW = ImageFormat(width=512, height=512)
SMALL = ImageFormat(width=160, height=160)
FRAMES = StreamOpen(stream="see", kind="frames", look=FACE)


@pytest.fixture(scope="module")
def seer(pulled: Path) -> Iterator[Daemon]:
    with seeing_daemon(pulled, DETECTOR, "face-iris", "selfie-segmenter") as daemon:
        yield daemon


def _replies(
    daemon: Daemon, request: See, parts: tuple[bytes, ...] = ()
) -> list[tuple[AnyReply, bytes]]:
    """Every reply with its parts joined."""
    with daemon.client() as client:
        return [
            (reply, b"".join(bytes(part) for part in behind))
            for reply, behind in client.stream(request, parts)
        ]


def _one(daemon: Daemon, wanted: Look) -> tuple[Seen, bytes]:
    """What the astronaut shows."""
    request = See(look=wanted, image=RAW)
    replies = _replies(daemon, request, (astronaut().tobytes(),))
    (found,) = [(reply, data) for reply, data in replies if isinstance(reply, Seen)]
    assert isinstance(replies[-1][0], Looked)
    return found


# --- pictures ---


def test_eyes_are_told_with_their_irises(seer: Daemon) -> None:
    seen, _ = _one(seer, Look(task="iris"))

    (found,) = seen.faces
    assert len(found.landmarks) == 478
    assert found.eyes is not None
    assert found.eyes.gaze is not None
    assert found.eyes.left.iris is not None
    assert found.eyes.right.iris is not None
    assert found.eyes.right.iris[0] < found.eyes.left.iris[0], "her right is on the picture's left"
    assert 0.1 < found.eyes.left.openness < 0.6


def test_points_in_parts_are_those_in_the_reply(seer: Daemon) -> None:
    values, _ = _one(seer, FACE)
    parts, data = _one(seer, Look(task="face", points="parts"))

    (facts,) = parts.parts
    points = np.frombuffer(data, np.float32).reshape(facts.shape)
    assert (facts.of, facts.shape, parts.faces[0].landmarks) == ("face", (1, 6, 2), ())
    assert points[0] == pytest.approx(np.array(values.faces[0].landmarks), abs=1e-6)


def test_a_mask_has_the_pictures_size_and_somebody_in_its_middle(seer: Daemon) -> None:
    seen, data = _one(seer, Look(task="segment"))

    mask = np.frombuffer(data, np.uint8).reshape(seen.parts[0].shape)
    assert (seen.masks[0].kind, mask.shape) == ("confidence", (512, 512))
    assert mask[150, 220] > 200
    assert mask[20, 20] < 50


@pytest.mark.parametrize("effect", ["blur", "replace", "cutout"])
def test_the_background_is_changed_and_somebody_is_not(seer: Daemon, effect: str) -> None:
    wanted = Look(task="segment", effect=effect, background="#00ff00")  # type: ignore[arg-type] # by name

    seen, data = _one(seer, wanted)

    picture = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    assert seen.masks[0].kind == "picture"
    assert seen.masks[0].media_type == f"image/{'png' if effect == 'cutout' else 'jpeg'}"
    assert picture[150, 220, :3] == pytest.approx(astronaut()[150, 220], abs=25)
    if effect == "cutout":
        assert (picture[20, 20, 3], picture[150, 220, 3]) == (
            pytest.approx(0, abs=40),
            pytest.approx(255, abs=15),
        )
    if effect == "replace":
        assert picture[20, 20] == pytest.approx([0, 255, 0], abs=60)


def test_what_is_not_here_is_missing_with_the_command_that_brings_it(seer: Daemon) -> None:
    for wanted, model in (
        (Look(task="pose", complexity="lite"), "pose-landmarker-lite"),
        (Look(task="holistic", complexity="heavy"), "holistic-heavy"),
        (Look(task="pose"), "pose-landmarker"),
    ):
        with pytest.raises(ModelMissing) as missing:
            _one(seer, wanted)
        assert f"edged models pull {model}" in missing.value.fix
    with pytest.raises(Unsupported):
        _one(seer, Look(task="pose", model=DETECTOR))


def test_a_film_is_looked_at_as_often_as_asked_and_its_faces_are_one_stretch(
    seer: Daemon, tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    film(path, [face()] * 20)

    told = [one for one, _ in _replies(seer, See(look=FACE, path=str(path), fps=5.0))]

    seen = [one for one in told if isinstance(one, Seen)]
    times = [one.captured_at_ms for one in seen]
    end = told[-1]
    assert isinstance(end, Looked)
    assert times == [0, 200, 400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800]
    assert (end.frames, end.detected, end.lost) == (10, 10, 0)
    assert [(one.of, one.start_ms, one.end_ms, one.frames) for one in end.tracks] == [
        ("face", 0, 1_800, 10)
    ]


# --- streams ---


def test_what_waits_when_a_stream_is_closed_is_still_looked_at(seer: Daemon) -> None:
    data = face().tobytes()

    async def work() -> tuple[list[Seen], StreamClosed | None, list[FrameTaken]]:
        async with viewing(seer, FRAMES) as viewer:
            taken = await asyncio.gather(*(viewer.send(data, image=SMALL) for _ in range(12)))
            await viewer.client.ask(StreamClose(stream="see"), Done)
            with pytest.raises((Conflict, NotFound)):
                await viewer.send(data, image=SMALL)
            await viewer.until(lambda: viewer.closed is not None)
            return viewer.seen, viewer.closed, taken

    seen, closed, taken = asyncio.run(work())

    assert [one.frame_id for one in taken] == list(range(12))
    assert seen[-1].frame_id == 11
    assert closed is not None
    assert closed.frames is not None
    counts = closed.frames
    assert (counts.captured, counts.processed + counts.late) == (12, 12)
    assert (counts.processed, counts.detected) == (len(seen), len(seen))
    assert seen[-1].dropped == counts.late
    assert [one.captured_at_ms for one in seen] == sorted({one.captured_at_ms for one in seen})


def test_a_camera_is_looked_at_in_the_asked_rhythm_and_status_shows_it(
    seer: Daemon, piped_camera: PipedCamera
) -> None:
    source = SourceWish(kind="camera", device=str(piped_camera.path))
    request = StreamOpen(stream="see", kind="camera", look=FACE, source=source, fps=10)

    async def work() -> tuple[list[Seen], StreamClosed | None, tuple[SightState, ...]]:
        async with viewing(seer, request) as viewer:
            with pytest.raises(BadRequest):
                await viewer.send(face().tobytes(), image=SMALL)
            await viewer.until(lambda: len(viewer.seen) >= 12)
            report = await viewer.client.health()
            await viewer.close()
            return viewer.seen, viewer.closed, report.watching

    seen, closed, (state,) = asyncio.run(work())

    took_ms = seen[11].captured_at_ms - seen[1].captured_at_ms
    assert 900 <= took_ms < 1_600
    assert (seen[0].width, seen[0].height, seen[0].faces) == (640, 480, ())
    assert (state.kind, state.models, state.target_fps) == ("camera", {"face": DETECTOR}, 10)
    assert state.counts.captured >= state.counts.processed >= 12
    assert closed is not None
    assert seer.health().watching == ()


DYING = """
import asyncio, os, sys
from edged.bridge.client import Client
from edged.messages import seeing, sessions

async def work():
    async with Client(sys.argv[1], answer_within_s=15) as client:
        look = seeing.Look(task="face")
        request = sessions.StreamOpen(stream="see", kind="frames", look=look)
        async for reply, _ in client.stream(request):
            if isinstance(reply, sessions.StreamOpened):
                os._exit(9)

asyncio.run(work())
"""


def test_a_client_that_dies_takes_its_stream_with_it(seer: Daemon) -> None:
    died = subprocess.run(
        [sys.executable, "-c", DYING, seer.paths.endpoint], timeout=WITHIN_S, check=False
    )

    assert died.returncode == 9
    assert seer.wait(lambda: seer.health().watching == (), within_s=10)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (StreamOpen(stream="see", kind="frames"), BadRequest),
        (StreamOpen(stream="see", kind="frames", look=FACE, fps=5), BadRequest),
        (StreamOpen(stream="see", kind="frames", look=FACE, model=DETECTOR), BadRequest),
        (
            StreamOpen(
                stream="see", kind="frames", look=FACE, audio=AudioFormat(sample_rate=16_000)
            ),
            BadRequest,
        ),
        (StreamOpen(stream="see", kind="camera", look=FACE, source=SourceWish()), BadRequest),
        (
            StreamOpen(stream="see", kind="screen", look=Look(task="face", model="none")),
            ModelMissing,
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(
    seer: Daemon, request_: StreamOpen, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        seer.ask(request_, StreamClosed)


def test_frames_need_an_open_stream_and_a_name_is_given_once(seer: Daemon) -> None:
    async def work() -> None:
        async with viewing(seer, FRAMES) as viewer:
            with pytest.raises(Conflict):
                async for _ in viewer.client.stream(FRAMES):
                    pass
            with pytest.raises(NotFound):
                request = StreamFrame(stream="other", image=SMALL)
                await viewer.client.ask(request, FrameTaken, [face().tobytes()])

    asyncio.run(work())
