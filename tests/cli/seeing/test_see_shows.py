"""What people and programs get of the frames of a file."""

import io
import json
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace
from seen_frames import CUP, FACE, HAND, MASK, MASK_DATA, MASK_PART, POSE, TABBY, seen

from edged.bridge.framing import Buffer
from edged.cli.seeing import words
from edged.cli.seeing.drawn import Blank
from edged.cli.seeing.looking import follow
from edged.cli.seeing.position import Line, Silence
from edged.cli.seeing.shows import show
from edged.errors import Internal
from edged.messages.replies import AnyReply, Loading
from edged.messages.requests import AnyRequest
from edged.messages.seeing import Look, Looked, See, Seen, Stretch

REQUEST = See(look=Look(task="hands"), path="/clip.mp4")
PICTURE = Looked(frames=1, detected=1, fps=90.0)
TRACK = Stretch(of="hand", start_ms=0, end_ms=61_000, frames=2, most=1)
VIDEO = Looked(frames=2, detected=1, fps=30.0, duration_ms=61_000, tracks=(TRACK,))
FRAMES = (
    replace(seen("hands", at_ms=0), hands=(HAND,)),
    seen("hands", at_ms=61_000, frame_id=1),
)


class Daemon:
    """Answers with what it was given."""

    def __init__(self, *answers: AnyReply) -> None:
        self._answers = answers

    def stream(
        self, request: AnyRequest, parts: Sequence[Buffer] = ()
    ) -> Iterator[tuple[AnyReply, tuple[Buffer, ...]]]:
        assert (request, parts) == (REQUEST, ())
        for answer in self._answers:
            yield answer, (MASK_DATA,) if isinstance(answer, Seen) and answer.masks else ()


def shown(
    *answers: AnyReply, as_json: bool = False, lines: bool = False, out: io.StringIO | None = None
) -> str:
    out = out or io.StringIO()
    to = show(as_json=as_json, lines=lines, out=out)
    to.end(follow(Daemon(*answers), REQUEST, (), takers=(to, Blank()), watcher=Silence()))
    return out.getvalue()


def test_a_picture_is_one_object() -> None:
    found = json.loads(shown(replace(seen("hands"), hands=(HAND,)), PICTURE, as_json=True))

    assert found["hands"][0]["gesture"] == "Thumb_Up"


def test_a_video_is_one_object_even_when_it_has_one_frame() -> None:
    several = json.loads(shown(*FRAMES, VIDEO, as_json=True))
    single = json.loads(shown(FRAMES[0], PICTURE, as_json=True))

    assert (several["frames"], several["detected"], several["fps"]) == (2, 1, 30.0)
    assert several["tracks"][0]["of"] == "hand"
    assert single["frames"] == 1


def test_a_frame_is_a_line() -> None:
    lines = shown(*FRAMES, VIDEO, lines=True).splitlines()

    found = [json.loads(line) for line in lines]
    assert [one["frame_id"] for one in found] == [0, 1]
    assert [len(one["hands"]) for one in found] == [1, 0]


def test_a_picture_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    whole = replace(seen(), hands=(HAND,), faces=(FACE,), poses=(POSE,))

    last = shown(whole, PICTURE)

    told = capsys.readouterr().out
    assert last == "640 x 480, 10.5 ms, a-model on cpu\n"
    for expected in (
        "Right", "Thumb_Up", "0.97", "standing", "30/33", "left elbow 164°, neck 170°",
        "160,120 320 x 240", "left (-12°, +3° ± 6°)", "mouthSmileLeft, jawOpen",
    ):  # fmt: skip
        assert expected in told
    assert "right knee" not in told


def test_columns_without_anything_in_them_are_left_out() -> None:
    (table,) = words.tables(
        replace(seen("face"), faces=(replace(FACE, eyes=None, blendshapes={}),))
    )

    assert table.columns == ["face", "at (pixels)", ">score"]


def test_a_mask_objects_and_classes_are_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    shown(replace(seen("segment"), masks=(MASK,), parts=(MASK_PART,)), PICTURE)
    shown(replace(seen("detect"), objects=(CUP,)), PICTURE)
    shown(replace(seen("classify"), classes=(TABBY,)), PICTURE)

    told = capsys.readouterr().out
    assert "50%" in told
    assert "cup" in told
    assert "0.610" in told


def test_nothing_is_told_as_nothing() -> None:
    assert shown(seen("hands"), PICTURE).startswith("nothing found\n640 x 480")
    assert shown(Looked(frames=0, detected=0, fps=0.0)) == "there was no frame\n"
    assert shown(replace(seen("embed"), vector=1024), PICTURE).startswith("1024 dimensions")


def test_a_video_is_told_by_its_stretches(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(*FRAMES, replace(VIDEO, lost=3))

    assert "hand   0:00.00   1:01.00" in capsys.readouterr().out
    assert told == (
        "2 frames, something in 1 (50%), 3 lost with a worker, 30.0 frames a second, "
        "a-model on cpu\n"
    )


def test_an_answer_without_an_end_is_an_error() -> None:
    with pytest.raises(Internal):
        shown(*FRAMES)


def test_a_person_sees_how_far_a_video_is_and_what_is_loaded() -> None:
    line: list[str] = []
    above: list[str] = []
    to = show(as_json=False, lines=True, out=io.StringIO())
    loading = Loading(model="a-model", expected_ms=2_000)

    follow(
        Daemon(loading, *FRAMES, VIDEO),
        REQUEST,
        (),
        takers=(to, Blank()),
        watcher=Line(line.append, above.append),
    )

    assert above == ["loading a-model, about 2 s"]
    assert len(line) == 1
    assert line[0].startswith("1:01.00, 2 frames, ")


def test_a_frame_is_told_in_a_line() -> None:
    found = replace(seen(), hands=(HAND,), poses=(POSE,), faces=(FACE, FACE))

    assert words.summary(found) == "Right Thumb_Up; body standing; 2 faces"
    assert words.summary(seen()) == "nothing"
