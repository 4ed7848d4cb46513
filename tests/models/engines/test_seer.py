"""Streams of frames over finders that are fakes: their clocks, their kinds, what is kept, what ends."""

import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
from seers import GREY

from edged.errors import BadMedia, BadRequest, Busy, CorruptModel, Internal
from edged.media import Picture
from edged.messages.seeing import LandmarkKind
from edged.models.engines.seeing.found import Found, Frame, Part, Settings
from edged.models.engines.seeing.seer import MOST_STREAMS, FrameSeer
from edged.models.presets.pictures import pixels
from edged.models.runtime import ModelSpec
from edged.models.seeing import SeeOptions, SeeStream, Sight
from edged.vision.blocks import decode

SPEC = ModelSpec(id="tested", task="holistic_landmarks", engine="fake", files={})
SHAPES: dict[LandmarkKind, tuple[int, int]] = {"face": (468, 3), "hands": (21, 3), "pose": (33, 4)}


def frame_of(picture: Picture) -> Frame:
    """A frame whose engine needs nothing of its own."""
    return Frame(None, pixels(picture))


class Opened(NamedTuple):
    """A finder that was opened, and how."""

    kind: LandmarkKind
    settings: Settings
    finder: "FakeFinder"


class FakeFinder:
    """Fulfils Finder: one thing in every frame, unless it is told to fail."""

    def __init__(self, kind: LandmarkKind) -> None:
        self._kind = kind
        self.closed = 0
        self.fails = False
        self.seen: list[int] = []
        self.meets: threading.Barrier | None = None
        self.lingers_s = 0.0
        self.closed_at: list[int] = []

    def find(self, frame: Frame, at_ms: int) -> Found:
        """The same each time; together with the others, when they are to meet."""
        del frame
        if self.fails:
            raise Internal("the graph failed")
        if self.meets is not None:
            self.meets.wait(5)
        threading.Event().wait(self.lingers_s)
        self.seen.append(at_ms)
        points = np.full((1, *SHAPES[self._kind]), 0.5, np.float32)
        if self._kind == "hands":
            return Found(points=points, scores=(0.9,), labels=("Right",))
        if self._kind == "pose":
            return Found(points=points, world=np.zeros((1, 33, 3), np.float32))
        return Found(points=points)

    def close(self) -> None:
        """Count it, and what was seen before."""
        self.closed += 1
        self.closed_at = list(self.seen)


class Rig:
    """A seer of three kinds, and every finder that it opened."""

    def __init__(self, *kinds: LandmarkKind) -> None:
        self.opened: list[Opened] = []
        self.refused: LandmarkKind | None = None
        parts = [Part(kind, kind, self._opener(kind)) for kind in kinds]
        self.seer = FrameSeer(SPEC, parts, frame_of)

    def _opener(self, kind: LandmarkKind) -> Callable[[ModelSpec, str, Settings], FakeFinder]:
        def opener(spec: ModelSpec, file: str, settings: Settings) -> FakeFinder:
            assert (spec.id, file) == ("tested", kind)
            if kind == self.refused:
                raise CorruptModel("no graph")
            finder = FakeFinder(kind)
            self.opened.append(Opened(kind, settings, finder))
            return finder

        return opener

    def see(self, stream: str = "", at_ms: int = 0, *, keep: bool = False) -> Sight:
        """Look at a grey frame."""
        return self.seer.see(GREY, SeeOptions(stream=stream, at_ms=at_ms, keep=keep))

    def finish(self, stream: str) -> Sight:
        """End a stream."""
        return self.seer.finish(SeeStream(stream=stream))

    @property
    def left_open(self) -> list[LandmarkKind]:
        """The kinds of finders that were not closed."""
        return [one.kind for one in self.opened if not one.finder.closed]


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig("face", "hands", "pose")
    yield rig
    assert all(one.finder.closed <= 1 for one in rig.opened)


def test_groups_follow_each_other_in_the_numbers(rig: Rig) -> None:
    found = rig.see()

    assert [(group.kind, group.count, group.points) for group in found.groups] == [
        ("face", 1, 468),
        ("hands", 1, 21),
        ("pose", 1, 33),
    ]
    assert len(found.points) == 4 * (468 * 3 + 21 * 3 + 33 * 4)
    assert len(found.world) == 4 * 33 * 3
    assert [group.world_points for group in found.groups] == [0, 0, 33]
    assert (len(found.faces), len(found.hands), len(found.bodies)) == (1, 1, 1)
    assert (found.width, found.height) == (48, 32)


def test_kinds_are_looked_for_at_the_same_time(rig: Rig) -> None:
    rig.see("one", 0)
    together = threading.Barrier(3)
    for one in rig.opened[-3:]:
        one.finder.meets = together

    found = rig.see("one", 1)

    assert len(found.groups) == 3


def test_a_hand_belongs_to_a_body_only_where_bodies_were_looked_for(rig: Rig) -> None:
    both = rig.see()
    alone = rig.seer.see(GREY, SeeOptions(kinds=("hands",)))

    assert (both.hands[0].body, alone.hands[0].body) == (0, None)


def test_pictures_that_are_asked_alike_share_their_finders(rig: Rig) -> None:
    before = len(rig.opened)

    rig.see()
    rig.see()
    rig.seer.see(GREY, SeeOptions(min_detection=0.7))

    assert [one.settings.detection for one in rig.opened[before:]] == [0.5] * 3 + [0.7] * 3
    assert rig.left_open == ["face", "hands", "pose"]
    assert not any(one.settings.video for one in rig.opened)


def test_of_several_bodies_both_hands_are_looked_for(rig: Rig) -> None:
    rig.seer.see(GREY, SeeOptions(most=3))

    assert {one.kind: one.settings.most for one in rig.opened[-3:]} == {
        "face": 3,
        "hands": 6,
        "pose": 3,
    }


def test_hands_alone_are_as_many_as_was_asked() -> None:
    rig = Rig("hands")

    rig.seer.see(GREY, SeeOptions(most=3))

    assert rig.opened[-1].settings.most == 3


# --- streams ---


def test_a_stream_has_finders_and_confidences_of_its_own(rig: Rig) -> None:
    options = SeeOptions(
        stream="one", at_ms=5, kinds=("pose",), most=2, min_detection=0.6, min_tracking=0.7
    )
    rig.seer.see(GREY, options)
    rig.see("one", 6)
    rig.see("two", 5)

    first, *others = rig.opened[-4:]
    assert first.settings == Settings(video=True, most=2, detection=0.6, tracking=0.7)
    assert (first.kind, first.finder.seen) == ("pose", [5, 6])
    assert [one.finder.seen for one in others] == [[5]] * 3


def test_only_the_first_frame_of_a_stream_is_fresh(rig: Rig) -> None:
    seen = [rig.see("one", 0), rig.see("one", 1), rig.see("other", 0), rig.see()]
    rig.finish("one")

    assert [one.fresh for one in [*seen, rig.see("one", 0)]] == [True, False, True, False, True]


def test_finders_of_pictures_make_room_for_a_stream(rig: Rig) -> None:
    rig.see()

    rig.see("one")

    assert [one.finder.closed for one in rig.opened[-3:]] == [0, 0, 0]
    assert rig.left_open == ["face", "hands", "pose"]


def test_a_canary_beside_a_stream_leaves_nothing_open(rig: Rig) -> None:
    known = rig.seer.canary()
    rig.see("one")

    again = rig.seer.canary()

    assert known == again == "1 0.5 0.5"
    assert rig.left_open == ["face", "hands", "pose"]


def test_the_end_of_a_stream_closes_its_finders(rig: Rig) -> None:
    rig.see("one")
    rig.see("two")

    rig.finish("one")
    rig.finish("one")

    assert len(rig.left_open) == 3


@pytest.mark.parametrize("at_ms", [10, 9, 0, -1])
def test_a_frame_that_is_not_newer_is_refused(rig: Rig, at_ms: int) -> None:
    rig.see("one", 10)

    with pytest.raises(BadRequest, match="newer"):
        rig.see("one", at_ms)

    assert rig.opened[-1].finder.seen == [10]


def test_a_picture_that_cannot_be_read_takes_no_stream(rig: Rig) -> None:
    with pytest.raises(BadMedia):
        rig.seer.see(Picture(data=b"nothing"), SeeOptions(stream="one"))

    assert rig.finish("one") == Sight()


def test_more_streams_than_eight_are_refused_until_one_ends(rig: Rig) -> None:
    for number in range(MOST_STREAMS):
        rig.see(f"stream {number}")

    with pytest.raises(Busy):
        rig.see("another")
    rig.finish("stream 0")

    assert rig.see("another").width == 48


def test_a_graph_that_failed_is_closed_and_the_stream_may_start_anew(rig: Rig) -> None:
    rig.see("one", 10)
    broken = rig.opened[-1].finder
    broken.fails = True

    with pytest.raises(Internal):
        rig.see("one", 11)
    found = rig.see("one", 12)

    assert broken.closed == 1
    assert len(found.groups) == 3
    assert len(rig.left_open) == 3


def test_no_graph_is_closed_while_it_looks(rig: Rig) -> None:
    rig.see("one", 10)
    broken, *others = (one.finder for one in rig.opened[-3:])
    broken.fails = True
    for finder in others:
        finder.lingers_s = 0.05

    with pytest.raises(Internal):
        rig.see("one", 11)

    assert [finder.closed_at for finder in others] == [[10, 11]] * 2


def test_finders_that_were_opened_before_one_was_refused_are_closed(rig: Rig) -> None:
    rig.see("one")
    rig.refused = "pose"

    with pytest.raises(CorruptModel):
        rig.see("two")

    assert len(rig.left_open) == 3  # those of the first stream


@pytest.mark.parametrize(
    "options",
    [
        SeeOptions(min_detection=1.1),
        SeeOptions(stream="one", min_tracking=-0.1),
        SeeOptions(most=101),
        SeeOptions(stream="one", most=-1),
        SeeOptions(stream="one", at_ms=-1),
    ],
)
def test_what_makes_no_sense_is_refused(rig: Rig, options: SeeOptions) -> None:
    with pytest.raises(BadRequest):
        rig.seer.see(GREY, options)


# --- what is kept ---


def test_a_kept_stream_seals_each_second_when_the_next_begins(rig: Rig) -> None:
    sights = [rig.see("one", at_ms, keep=True) for at_ms in (0, 500, 999, 1000, 1500)]
    rest = rig.finish("one")

    assert [len(sight.sealed) for sight in sights] == [0, 0, 0, 3, 0]
    assert [(one.kind, one.second, one.frames, one.detected) for one in sights[3].sealed] == [
        ("face", 0, 3, 3),
        ("hands", 0, 3, 3),
        ("pose", 0, 3, 3),
    ]
    assert [(one.second, one.start_ms, one.end_ms) for one in rest.sealed] == [(1, 1000, 1500)] * 3
    face, hands, pose = (decode(block) for block in sights[3].blocks)
    assert face.times_ms.tolist() == [0, 500, 999]
    assert face.points.shape == (3, 1, 468, 3)
    assert pose.points.shape == (3, 1, 33, 7)
    assert hands.points.shape == (3, 2, 21, 3)
    assert np.isnan(hands.points[:, 0]).all()  # the left hand, which is not there
    np.testing.assert_allclose(hands.points[:, 1], 0.5, atol=1e-4)


def test_a_stream_that_is_not_kept_seals_nothing(rig: Rig) -> None:
    sights = [rig.see("one", at_ms) for at_ms in (0, 1000, 2000)]

    assert [sight.sealed for sight in (*sights, rig.finish("one"))] == [()] * 4
