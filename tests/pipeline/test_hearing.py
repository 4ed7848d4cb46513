"""Audio of any length goes through a classifier in pieces, and what is told has a bound."""

import asyncio
import itertools

import pytest

from edged.capture.parts import DecodedPart
from edged.media import SPEECH_RATE, AudioChunk, samples_to_ms
from edged.messages.records import AudioWindow, Class
from edged.models.runtime import ClassifyOptions, Heard, HearOptions
from edged.pipeline.hearing import MOST_CLASSES, MOST_WINDOWS, Listening

WINDOW = SPEECH_RATE
"""The fake's: a second."""

PART = 30 * SPEECH_RATE


class FakeModel:
    """Hears as AudioClassifier promises; what it was given is checked to be without gaps."""

    def __init__(self) -> None:
        self.largest = 0
        self.next = 0

    async def hear(self, audio: AudioChunk, options: HearOptions) -> Heard:
        hop = max(WINDOW, options.hop)
        self.largest = max(self.largest, audio.samples)
        assert audio.start == self.next or not audio.samples
        starts = list(range(0, audio.samples if options.final else audio.samples - WINDOW + 1, hop))
        used = starts[-1] + hop if starts else 0
        self.next = audio.start + used
        return Heard(
            classes=(Class(label="hum", score=0.5, index=0),),
            windows=tuple(
                AudioWindow(
                    start_ms=samples_to_ms(audio.start + at),
                    end_ms=samples_to_ms(audio.start + at + WINDOW),
                    classes=(),
                )
                for at in starts
            ),
            hop=hop,
            used=used,
            sums=bytes(8),
            computed_us=10,
        )


def listened(parts: list[int], *, stated_ms: int, top_k: int = 5) -> tuple[FakeModel, Listening]:
    """A source of parts with so many samples each."""
    model = FakeModel()
    listening = Listening(model.hear, ClassifyOptions(top_k=top_k), stated_ms=stated_ms)

    async def listen() -> None:
        at = 0
        for number, samples in enumerate(parts):
            final = number == len(parts) - 1
            part = DecodedPart(pcm=bytes(2 * samples), rms=b"", start=at, final=final)
            await listening.listen(part)
            at += samples

    asyncio.run(listen())
    return model, listening


def test_windows_follow_each_other_over_the_borders_of_parts() -> None:
    _, listening = listened([25_000, 25_000, 14_000], stated_ms=4_000)

    found = listening.result("cpu")

    assert [one.start_ms for one in found.windows] == [0, 1000, 2000, 3000]
    assert (found.audio_ms, found.device, found.computed_us) == (4000, "cpu", 30)
    assert found.classes[0].label == "hum"


def test_a_last_part_without_samples_ends_what_is_open() -> None:
    _, listening = listened([20_000, 0], stated_ms=0)

    assert [one.start_ms for one in listening.result("cpu").windows] == [0, 1000]


@pytest.mark.parametrize("stated", [True, False])
def test_ten_hours_are_told_in_a_bounded_number_of_windows(stated: bool) -> None:
    """Stated, the windows are even; else every second one goes whenever there are too many."""
    seconds = 36_000
    parts = [PART] * (seconds // 30)

    model, listening = listened(parts, stated_ms=seconds * 1000 if stated else 0)

    found = listening.result("cpu")
    starts = [one.start_ms for one in found.windows]
    steps = {later - earlier for earlier, later in itertools.pairwise(starts)}
    assert found.audio_ms == seconds * 1000
    assert MOST_WINDOWS // 2 <= len(starts) <= MOST_WINDOWS
    assert max(steps) <= 2 * min(steps)
    assert len(steps) == 1 or not stated
    assert model.largest <= PART + WINDOW


def test_many_labels_for_each_window_are_told_for_fewer_windows() -> None:
    _, listening = listened([PART] * 10, stated_ms=300_000, top_k=1000)

    windows = listening.result("cpu").windows

    assert 0 < len(windows) * 1000 <= MOST_CLASSES
