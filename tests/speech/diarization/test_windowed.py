"""Windows of 10 s become one recording: who is who, what both windows say, and where it ends."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edged.speech.der import LabelledTurn, score
from edged.speech.diarization.recording import Heard
from edged.speech.diarization.stitching import CENTRE, SHIFT, WINDOW_FRAMES, Active
from edged.speech.diarization.voices import directions
from edged.speech.diarization.windowed import STEP, WINDOW, Vectors, Windowed

RATE = 16_000
Samples = npt.NDArray[np.float32]
Float = npt.NDArray[np.float64]
LEVELS = {"a": 0.1, "b": 0.2, "c": 0.3}


class Known:
    """A recording whose samples say who speaks, and the models that read it.

    In every window the local speakers are numbered anew, by who comes first in it.
    """

    def __init__(self, turns: list[tuple[int, int, str]], seconds: float) -> None:
        self.turns = [LabelledTurn(*turn) for turn in turns]
        self.samples = np.zeros((int(seconds * RATE), len(LEVELS)), np.float32)
        for start_ms, end_ms, who in turns:
            self.samples[start_ms * 16 : end_ms * 16, list(LEVELS).index(who)] = LEVELS[who]

    def mixed(self) -> Samples:
        """Each combination of speakers is a level of its own."""
        found: Samples = (self.samples > 0).astype(np.float32) @ np.array([1, 2, 4], np.float32)
        return found

    def segment(self, window: Samples) -> Active:
        levels = window[np.arange(WINDOW_FRAMES) * SHIFT + CENTRE].astype(int)
        active: Active = levels[:, np.newaxis] & np.array([1, 2, 4]) > 0
        firsts = np.where(active.any(axis=0), active.argmax(axis=0), WINDOW_FRAMES)
        numbered: Active = active[:, np.argsort(firsts, kind="stable")]
        return numbered

    def direction(self, samples: Samples) -> Samples | None:
        """A vector by who is heard most."""
        vector = np.array([float((samples == level).sum()) for level in (1, 2, 4)], np.float32)
        length = np.linalg.norm(vector)
        found: Samples = vector / length
        return found if length else None


def heard(known: Known, speakers: int = 0, step: int = 20 * RATE) -> tuple[list[Heard], Float]:
    windowed = Windowed(known.segment, Vectors(known.direction, threshold=0.5))
    samples = known.mixed()
    for first in range(0, max(1, len(samples)), step):
        part = samples[first : first + step]
        windowed.feed(part, final=first + step >= len(samples))
    turns, voices = windowed.turns(speakers)
    return turns, np.zeros((0, 3)) if voices is None else directions(voices)


def rate(known: Known, turns: list[Heard]) -> float:
    found = [LabelledTurn(turn.start_ms, turn.end_ms, str(turn.speaker)) for turn in turns]
    return score(known.turns, found).rate


CONVERSATION = Known(
    [(500, 4_000, "b"), (4_300, 9_000, "a"), (9_300, 14_000, "b"), (13_000, 18_000, "c"),
     (18_500, 23_000, "a"), (24_000, 33_700, "c")],
    seconds=34,
)  # fmt: skip


def test_speakers_are_found_again_in_every_window_and_overlaps_are_kept() -> None:
    turns, voices = heard(CONVERSATION)

    assert rate(CONVERSATION, turns) < 0.01
    assert [turn.speaker for turn in turns] == [0, 1, 0, 2, 1, 2]
    assert any(one.end_ms > other.start_ms for one, other in pairwise(turns)), "an overlap"
    assert voices.argmax(axis=1).tolist() == [1, 0, 2], "in the order of the turns' numbers"


def test_the_size_of_the_parts_does_not_matter() -> None:
    whole, pieces = heard(CONVERSATION), heard(CONVERSATION, step=7_777)

    assert whole[0] == pieces[0]
    assert np.array_equal(whole[1], pieces[1])


def test_two_are_found_when_two_are_asked_for() -> None:
    turns, voices = heard(CONVERSATION, speakers=2)

    assert {turn.speaker for turn in turns} == {0, 1}
    assert voices.shape == (2, 3)


def test_a_recording_of_any_length_is_heard_to_its_end() -> None:
    for length in (1_000, WINDOW * 1000 // RATE, (WINDOW + STEP) * 1000 // RATE + 700, 25_321):
        known = Known([(200, length - 100, "a")], seconds=length / 1000)

        turns, _ = heard(known)

        assert rate(known, turns) < 0.06, length
        assert turns[-1].end_ms <= length


def test_where_nobody_speaks_there_are_no_turns_and_no_voices() -> None:
    for seconds in (0, 0.2, 12):
        turns, voices = heard(Known([], seconds=seconds))

        assert turns == []
        assert len(voices) == 0
