"""Decoding in other formats than speech: rate, channels, length, and what cannot be done."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

from edged.capture.mono import Frames
from edged.capture.raw import RawAudio
from edged.capture.sound import PART_S, sound_parts, spread
from edged.errors import BadMedia, BadRequest
from edged.media import AudioFormat

STEREO = AudioFormat(sample_rate=44_100, channels=2, sample_format="f32le")


class Frameful:
    """Frames as they are given."""

    damaged = False

    def __init__(self, *runs: tuple[Frames, int]) -> None:
        self._runs = runs

    def frames(self) -> Iterator[tuple[Frames, int]]:
        yield from self._runs

    def is_short(self, audio_ms: int) -> bool:
        return audio_ms < 1


def _decoded(source: Frameful | RawAudio, wanted: AudioFormat = STEREO) -> np.ndarray:
    parts = list(sound_parts(source, wanted))
    assert [part.final for part in parts] == [False] * (len(parts) - 1) + [True]
    at = 0
    for part in parts:
        assert part.start == at
        at += len(part.pcm) // wanted.frame_bytes
    data = b"".join(part.pcm for part in parts)
    return np.frombuffer(data, "<f4").reshape(-1, wanted.channels)


def _tone(seconds: float, rate: int) -> Frames:
    time = np.arange(int(seconds * rate)) / rate
    ears = (np.sin(2 * np.pi * 440 * time), 0.5 * np.sin(2 * np.pi * 660 * time))
    return np.stack(ears, axis=1).astype(np.float32)


def test_the_right_rate_passes_unchanged_in_parts_of_ten_seconds() -> None:
    sound = _tone(PART_S + 1.5, 44_100)

    np.testing.assert_array_equal(_decoded(Frameful((sound, 44_100))), sound)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_another_rate_is_resampled_without_losing_time(rate: int) -> None:
    found = _decoded(Frameful((_tone(2, rate), rate)))

    expected = _tone(2, 44_100)
    assert abs(len(found) - len(expected)) <= 64
    middle = slice(4_410, 80_000)
    np.testing.assert_allclose(found[middle], expected[middle], atol=0.02)


def test_a_rate_that_changes_in_the_middle_goes_on() -> None:
    found = _decoded(Frameful((_tone(1, 48_000), 48_000), (_tone(1, 44_100), 44_100)))

    assert abs(len(found) - 88_200) <= 64


def test_raw_pcm_of_16_bit_is_scaled() -> None:
    fd = os.memfd_create("pcm")
    try:
        os.write(fd, np.array([16_384, -32_768] * 100, "<i2").tobytes())
        found = _decoded(RawAudio(fd, AudioFormat(sample_rate=44_100, channels=2)))
    finally:
        os.close(fd)

    assert found.shape == (100, 2)
    assert found[0].tolist() == [0.5, -1.0]


def test_mono_is_in_both_ears_and_more_channels_are_in_both() -> None:
    one = np.array([[0.5], [0.25]], np.float32)
    four = np.array([[0.4, 0.2, 0.6, 0.2]], np.float32)

    assert spread(one, 2).tolist() == [[0.5, 0.5], [0.25, 0.25]]
    np.testing.assert_allclose(spread(four, 2), [[0.4, 0.3]], rtol=1e-6)
    np.testing.assert_allclose(spread(four, 1), [[0.35]], rtol=1e-6)


def test_nothing_and_formats_that_are_not_made_are_refused() -> None:
    with pytest.raises(BadMedia):
        _decoded(Frameful())
    with pytest.raises(BadRequest):
        _decoded(Frameful(), AudioFormat(sample_rate=44_100, channels=2))
    with pytest.raises(BadMedia, match="finite"):
        _decoded(Frameful((np.full((4, 2), np.nan, np.float32), 44_100)))
