"""What sessions kept of what they saw, read through a real daemon and by its commands."""

import asyncio
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from landmark_samples import made_up, seen_session
from PIL import Image
from preset_graphs import write_colours, write_manifest
from real_daemon import Daemon

from edged import keys
from edged.cli.main import main
from edged.config import Keys
from edged.errors import BadRequest, NotFound
from edged.messages import seeing as wire
from edged.messages.replies import Done
from edged.messages.sessions import OneSession, SessionsGet, SessionsStart
from edged.store import Connection, Store, key_frames, object_sightings, opens, sessions, sights
from edged.vision.blocks import VALUES

PICTURE = b"RIFF....WEBP" + bytes(range(256)) * 5_000  # more than one part


class Seen:
    """A daemon whose store has a session of three kinds, objects and a key frame."""

    def __init__(self, daemon: Daemon, session: str, frame: str) -> None:
        self.daemon = daemon
        self.session = session
        self.frame = frame

    def ask(self, request: Any, reply: type[Any]) -> Any:
        return self.daemon.ask(request, reply)

    def stream(self, request: Any) -> tuple[list[Any], bytes]:
        """All replies, and their parts put together."""
        with self.daemon.client() as client:
            told = list(client.stream(request))
        return [reply for reply, _ in told], b"".join(bytes(p) for _, parts in told for p in parts)


def _fill(db: Connection) -> tuple[str, str]:
    session = seen_session(db, kinds=("face", "hands", "pose"))
    sight = sights.add(db, session, 0, kind="camera", target_fps=10.0)
    objects = sights.add_track(db, sight, kind="objects", model="coco")
    for start_ms, score in ((0, 0.5), (2_000, 0.9)):
        object_sightings.add(
            db,
            session,
            objects,
            label="cat",
            start_ms=start_ms,
            end_ms=start_ms + 500,
            score=score,
        )
    screen = sights.add_track(db, sight, kind="screen", model="")
    frame = key_frames.add(
        db,
        session,
        screen,
        at_ms=1_234,
        width=64,
        height=48,
        media_type="image/webp",
        body=PICTURE,
    )
    sessions.move(db, session, to="processing")
    sessions.settle(db, session)
    return session, frame


def _unit(*values: float) -> bytes:
    vector = np.array(values, "<f4")
    return bytes((vector / np.linalg.norm(vector)).tobytes())


def _colourful(db: Connection) -> str:
    """A session with key frames of three colours, as the tiny model sees them, and one without."""
    session = sessions.create(db, kind="live", options=SessionsStart()).id
    sight = sights.add(db, session, 0, kind="screen", target_fps=1.0)
    track = sights.add_track(db, sight, kind="screen", model="tiny-embed")
    vectors = (_unit(1, 0, 0), _unit(0, 1, 0), _unit(1, 0.2, 0), None)
    for number, vector in enumerate(vectors):
        key_frames.add(
            db,
            session,
            track,
            at_ms=number * 1_000,
            width=8,
            height=8,
            media_type="image/webp",
            body=b"picture",
            vector_model=None if vector is None else "tiny-embed",
            vector=vector,
        )
    return session


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home)
    paths = daemon.paths
    write_colours(home / "colours.onnx")
    write_manifest(
        paths.manifests / "tiny-embed.toml",
        "image_embed",
        {"model.onnx": home / "colours.onnx"},
        parameters={"std": 255.0},
    )
    paths.state.mkdir(mode=0o700, parents=True)
    key = keys.load(paths.key_file, database=paths.database, settings=Keys(), opens=opens)
    store = Store.open(paths.database, key)
    session, frame = asyncio.run(store.write(_fill))
    asyncio.run(store.write(_colourful))
    store.close()
    try:
        daemon.start()
        yield Seen(daemon, session, frame)
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def cli(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., bytes]:
    """Runs a command and returns what it prints."""
    monkeypatch.setenv("EDGED_HOME", str(seen.daemon.home))

    def run(*arguments: str) -> bytes:
        status = main(arguments)
        printed = capfdbinary.readouterr().out
        assert status == 0, printed
        return printed

    return run


def test_frames_are_listed_page_by_page(seen: Seen) -> None:
    pages, from_ms = [], 0
    while from_ms is not None:
        request = wire.FramesList(session_id=seen.session, from_ms=from_ms, limit=12)
        pages.append(seen.ask(request, wire.Frames))
        from_ms = pages[-1].next_ms

    frames = [one for page in pages for one in page.frames]
    assert len(pages) == 3
    assert len(frames) == 30 * 3 + 15 + 10
    assert [one.at_ms for one in frames] == sorted(one.at_ms for one in frames)
    assert pages[0].models == {kind: f"{kind}-model" for kind in VALUES}
    assert pages[0].values["pose"] == ("x", "y", "z", "visibility")
    assert {one.source for one in frames} == {0, 1}


def test_frames_come_as_arrays_in_parts(seen: Seen) -> None:
    request = wire.FramesList(session_id=seen.session, kinds=("hands",), points="parts", fps=5.0)

    (reply,), content = seen.stream(request)

    assert [(one.of, one.shape) for one in reply.parts] == [
        ("hands_at", (15,)),
        ("hands", (15, 2, 21, 3)),
    ]
    times = np.frombuffer(content[: reply.parts[0].size_bytes], "<i8")
    points = np.frombuffer(content[reply.parts[0].size_bytes :], "<f4").reshape(15, 2, 21, 3)
    assert times.tolist() == list(range(0, 3_000, 200))
    assert np.array_equal(points, made_up("hands", times).points, equal_nan=True)
    assert reply.values == {"hands": VALUES["hands"]}


def test_wall_time_is_the_sessions_clock_moved_to_its_beginning(seen: Seen) -> None:
    ours = wire.FramesList(session_id=seen.session, kinds=("pose",), from_ms=500, to_ms=1_500)
    began = seen.ask(SessionsGet(session_id=seen.session), OneSession).session.started_at
    began_ms = round(np.datetime64(began.rstrip("Z"), "ms").astype(int))
    moved = wire.FramesList(
        session_id=seen.session,
        kinds=("pose",),
        from_ms=began_ms + 500,
        to_ms=began_ms + 1_500,
        wall=True,
        limit=5,
    )

    plain, wall = seen.ask(ours, wire.Frames), seen.ask(moved, wire.Frames)

    assert [one.at_ms - began_ms for one in wall.frames if not one.source] == [
        one.at_ms for one in plain.frames if not one.source
    ][:5]
    assert wall.next_ms == began_ms + 1_000


def test_smoothing_is_of_the_reading_and_not_of_what_is_stored(seen: Seen) -> None:
    raw, calm, again = (
        seen.ask(
            wire.FramesList(session_id=seen.session, kinds=("face",), smooth=smooth), wire.Frames
        ).frames
        for smooth in (False, True, False)
    )

    assert calm != raw
    assert again == raw


@pytest.mark.parametrize(
    "request_",
    [
        wire.FramesList(session_id="nothing"),
        wire.FramesExport(session_id="nothing", format="csv"),
        wire.TracksDerive(session_id="nothing", tracks=("posture",)),
        wire.FramesSearch(label="cat", session_id="nothing"),
        wire.FramesImage(frame_id="nothing"),
    ],
    ids=lambda request: type(request).__name__,
)
def test_what_is_not_there_is_not_found(seen: Seen, request_: Any) -> None:
    with pytest.raises(NotFound):
        seen.stream(request_)


def test_an_export_comes_in_pieces_that_follow_each_other(seen: Seen) -> None:
    request = wire.FramesExport(session_id=seen.session, format="csv", kinds=("face", "pose"))

    *pieces, last = seen.stream(request)[0]
    content = seen.stream(request)[1]

    assert isinstance(last, Done)
    assert pieces[-1].progress == 1.0
    assert [piece.offset for piece in pieces] == [
        sum(before.size_bytes for before in pieces[:number]) for number in range(len(pieces))
    ]
    assert sum(piece.size_bytes for piece in pieces) == len(content)
    assert content.count(b"\n") == 1 + 30 * (468 + 33) + 10 * 33


def test_objects_are_found_by_their_label_the_best_first(seen: Seen) -> None:
    found = seen.ask(wire.FramesSearch(label="Cat"), wire.Sightings).sightings
    good = seen.ask(wire.FramesSearch(label="cat", min_score=0.8), wire.Sightings).sightings

    assert [(one.start_ms, one.score) for one in found] == [(2_000, 0.9), (0, 0.5)]
    assert [one.start_ms for one in good] == [2_000]


def test_all_objects_of_a_session_are_told_in_order_of_time(seen: Seen) -> None:
    found = seen.ask(wire.FramesSearch(session_id=seen.session), wire.Sightings).sightings

    assert [(one.start_ms, one.label) for one in found] == [(0, "cat"), (2_000, "cat")]


def test_a_search_is_for_a_label_or_for_a_picture(seen: Seen) -> None:
    for request in (wire.FramesSearch(), wire.FramesSearch(label="cat", path="/tmp/cat.jpg")):
        with pytest.raises(BadRequest):
            seen.stream(request)


def test_key_frames_are_found_by_a_picture_the_most_similar_first(
    seen: Seen, cli: Callable[..., bytes], tmp_path: Path
) -> None:
    picture = tmp_path / "red.png"
    Image.new("RGB", (32, 32), (255, 0, 0)).save(picture)

    found = seen.ask(wire.FramesSearch(path=str(picture), min_score=0.1), wire.Sightings)
    first = json.loads(cli("frames", "search", "--like", str(picture), "--limit", "1", "--json"))

    assert found.model == "tiny-embed"
    assert [one.start_ms for one in found.sightings] == [0, 2_000]
    assert found.sightings[0].score == pytest.approx(1.0, abs=1e-4)
    assert found.sightings[1].score == pytest.approx(1 / np.hypot(1, 0.2), abs=1e-4)
    assert [one["frame_id"] for one in first["sightings"]] == [found.sightings[0].frame_id]


def test_without_key_frames_nothing_is_similar(seen: Seen, tmp_path: Path) -> None:
    picture = tmp_path / "red.png"
    Image.new("RGB", (8, 8)).save(picture)
    request = wire.FramesSearch(path=str(picture), session_id=seen.session)

    assert seen.ask(request, wire.Sightings) == wire.Sightings(sightings=())


def test_a_key_frame_is_given_whole(seen: Seen) -> None:
    (reply,), content = seen.stream(wire.FramesImage(frame_id=seen.frame))

    assert content == PICTURE
    assert (reply.session_id, reply.at_ms, reply.width) == (seen.session, 1_234, 64)


def test_tracks_follow_from_landmarks(seen: Seen) -> None:
    request = wire.TracksDerive(session_id=seen.session, tracks=("activity", "posture"))

    found = seen.ask(request, wire.DerivedTracks)

    assert found.experimental
    assert set(found.definitions) == {"activity", "posture"}
    assert {one.start_ms for one in found.derived if one.track == "activity"} >= {0, 1_000, 2_000}


def test_the_commands_list_and_export(
    seen: Seen, cli: Callable[..., bytes], tmp_path: Path
) -> None:
    out = tmp_path / "hands.npz"

    told = json.loads(cli("frames", "list", seen.session, "--kind", "pose", "--json"))
    lines = cli("frames", "list", seen.session, "--from", "1", "--to", "2", "--jsonl").splitlines()
    table = cli("frames", "list", seen.session, "--kind", "hands", "--limit", "1").decode()
    written = json.loads(
        cli("frames", "export", seen.session, "--format", "npz", "--out", str(out), "--json")
    )
    csv = cli("frames", "export", seen.session, "--format", "csv", "--kind", "pose", "--fps", "1")

    assert len(told["frames"]) == 40
    assert len(lines) == 10 * 3 + 5
    assert "hands" in table
    assert written["size_bytes"] == out.stat().st_size
    with np.load(io.BytesIO(out.read_bytes())) as arrays:
        assert arrays["pose"].shape == (30, 1, 33, 7)
    assert csv.count(b"\n") == 1 + 3 * 33 + 33


def test_the_commands_search_and_derive(
    seen: Seen, cli: Callable[..., bytes], tmp_path: Path
) -> None:
    out = tmp_path / "screen.webp"

    hits = json.loads(cli("frames", "search", "--label", "cat", "--json"))["sightings"]
    cli("frames", "image", seen.frame, "--out", str(out))
    table = cli("frames", "derive", seen.session, "--track", "activity").decode()

    assert [hit["score"] for hit in hits] == [0.9, 0.5]
    assert out.read_bytes() == PICTURE
    assert "experimental" in table
    assert "activity:" in table


def test_a_file_that_is_there_is_not_replaced(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGED_HOME", str(seen.daemon.home))
    out = tmp_path / "mine.csv"
    out.write_text("mine")

    status = main(["frames", "export", seen.session, "--format", "csv", "--out", str(out)])

    assert status == BadRequest.exit_status
    assert out.read_text() == "mine"


def test_the_daemon_itself_holds_no_arrays(seen: Seen) -> None:
    maps = Path(f"/proc/{seen.daemon.pid}/maps").read_text()

    assert "numpy" not in maps
