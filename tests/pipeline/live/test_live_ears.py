"""Live hearing: the same utterances however the sound is divided, and their audio to the sample."""

import asyncio
from array import array
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_fakes import FakeLease, FakeVad, sound

from edged.capture.mono import loudness as with_arrays
from edged.errors import WorkerGone
from edged.media import AudioChunk, ms_to_samples
from edged.messages.records import Span
from edged.models.runtime import Probabilities, VadOptions, VoiceActivity
from edged.pipeline.live.ears import Ears, LiveUtterance
from edged.pipeline.live.loudness import Loudness
from edged.pipeline.live.pace import Pace
from edged.speech.segmenter import Segmenter, SegmenterOptions

OPTIONS = SegmenterOptions(min_silence_ms=256, padding_ms=96)
TALK = sound((False, 480), (True, 960), (False, 640), (True, 1920), (False, 320))


class DyingVad:
    """Fulfils VoiceActivity; its worker dies so many times."""

    def __init__(self, deaths: int) -> None:
        self._deaths = deaths
        self._alive = FakeVad()

    def canary(self) -> str:
        return self._alive.canary()

    def detect(self, audio: AudioChunk, options: VadOptions) -> Probabilities:
        if self._deaths:
            self._deaths -= 1
            raise WorkerGone("killed")
        return self._alive.detect(audio, options)


def heard(
    chunks: Sequence[AudioChunk], *, vad: VoiceActivity | None = None, backlog_ms: int = 30_000
) -> tuple[list[LiveUtterance], Ears]:
    """All utterances of what is pushed at once."""

    async def work() -> tuple[list[LiveUtterance], Ears]:
        ears = Ears(OPTIONS, backlog_ms=backlog_ms)
        for chunk in chunks:
            ears.push(chunk)
        ears.close()
        await ears.listen(FakeLease(vad or FakeVad(), None))
        found = []
        while (utterance := ears.take()) is not None:
            found.append(utterance)
        return found, ears

    return asyncio.run(work())


def chunks_of(pcm: bytes, sizes: Sequence[int]) -> list[AudioChunk]:
    """The sound in chunks of so many samples, the rest in one."""
    chunks, at = [], 0
    for size in [*sizes, len(pcm) // 2]:
        data = pcm[2 * at : 2 * (at + size)]
        chunks.append(AudioChunk(data=data, start=at))
        at += len(data) // 2
    return chunks


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(min_value=0, max_value=9_000), max_size=12))
def test_utterances_do_not_depend_on_how_the_sound_is_divided(sizes: list[int]) -> None:
    whole, _ = heard(chunks_of(TALK, []))

    found, ears = heard(chunks_of(TALK, sizes))

    assert found == whole
    assert ears.position_ms == len(TALK) // 32


def test_an_utterance_has_its_audio_with_a_lead_and_no_more() -> None:
    found, _ = heard(chunks_of(TALK, []))

    first, second = found
    assert (first.audio_ms, first.start_ms, first.end_ms) == (280, 384, 1536)
    assert (second.audio_ms, second.start_ms, second.end_ms) == (1880, 1984, 4096)
    for one in found:
        cut = slice(2 * ms_to_samples(one.audio_ms), 2 * ms_to_samples(one.end_ms))
        assert one.audio.data == TALK[cut]


def test_a_lead_never_reaches_into_the_utterance_before() -> None:
    pcm = sound((True, 640), (False, 288), (True, 640), (False, 320))

    first, second = heard(chunks_of(pcm, []))[0]

    assert second.audio_ms >= first.end_ms


@pytest.mark.parametrize(("jump_ms", "together"), [(20, True), (2_000, False)])
def test_a_small_error_of_the_clock_is_no_jump_and_lost_time_is_one(
    jump_ms: int, *, together: bool
) -> None:
    half = sound((False, 320), (True, 640))
    later = AudioChunk(
        data=sound((True, 640), (False, 320)), start=len(half) // 2 + ms_to_samples(jump_ms)
    )

    found, _ = heard([AudioChunk(data=half), later])

    assert len(found) == (1 if together else 2)
    assert together or found[1].start_ms == 960 + jump_ms


def test_what_waits_is_bounded_and_the_newest_is_kept() -> None:
    second = sound((True, 640), (False, 360))
    chunks = [AudioChunk(data=second, start=16_000 * number) for number in range(3_600)]

    found, ears = heard(chunks, backlog_ms=5_000)

    assert sum(one.audio.duration_ms for one in found) <= 5_000
    assert found[-1].end_ms >= 3_599_640
    assert ears.skipped_from_ms == 0
    assert ears.heard_up_to(3_600_000) == 0


def test_a_worker_that_dies_costs_the_piece_that_it_had() -> None:
    async def work() -> Ears:
        ears = Ears(OPTIONS, backlog_ms=30_000)
        listening = asyncio.get_running_loop().create_task(
            ears.listen(FakeLease(DyingVad(1), None))
        )
        ears.push(AudioChunk(data=bytes(32_000)))
        await ears.changed()
        ears.push(AudioChunk(data=TALK, start=16_000))
        ears.close()
        await listening
        return ears

    ears = asyncio.run(work())

    first = ears.take()
    assert first is not None
    assert first.start_ms == 1_384
    assert ears.skipped_from_ms == 0


def test_a_model_that_dies_every_time_is_given_up() -> None:
    seconds = [AudioChunk(data=bytes(32_000), start=160_000 * number) for number in range(5)]

    with pytest.raises(WorkerGone):
        heard(seconds, vad=DyingVad(3))


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=6_000), st.integers(min_value=1, max_value=2_000))
def test_loudness_without_arrays_is_that_of_the_decoder(data: bytes, step: int) -> None:
    pcm = data[: len(data) // 2 * 2]
    meter = Loudness()

    found = array("f")
    for at in range(0, len(pcm), 2 * step):
        found.frombytes(meter.feed(pcm[at : at + 2 * step]))

    expected = with_arrays(np.frombuffer(pcm, "<i2"))[: len(pcm) // 1024]
    assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_an_opening_is_what_the_utterance_becomes_when_the_silence_lasts() -> None:
    segmenter = Segmenter(OPTIONS)
    loud, silent = (0.9, 0.5), (0.0, 0.0)
    shown = []

    spans: list[Span] = []
    for window in [silent] * 10 + [loud] * 30 + [silent] * 8:
        spans += segmenter.feed(*window)
        shown.append(segmenter.opening)

    (span,) = spans
    assert shown[9 + 7] is None
    assert shown[9 + 8] is not None
    settled = [one for one in shown if one is not None and one.paused]
    assert [(one.start_ms, one.end_ms) for one in settled] == [(span.start_ms, span.end_ms)] * 5


def test_a_pace_is_unknown_then_follows_what_is_measured() -> None:
    pace = Pace()
    assert (pace.known, pace.eta_ms(1_000), pace.eta_ms(0)) == (False, None, 0)

    for _ in range(30):
        pace.note(1_000, 0.5)
    pace.note(0, 9.0)

    assert pace.eta_ms(10_000) == 5_000
    assert pace.cost_s(2_000) == pytest.approx(1.0)
