"""Encoding kept audio: what goes in comes out, in the codecs' own files."""

import io
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.capture.encoder import Encoder, encode, kept_rate
from edged.errors import BadRequest
from edged.messages.sessions import Codec

CODECS: list[Codec] = ["opus", "flac", "aac"]


def chirp(seconds: float, rate: int, channels: int = 1) -> NDArray[np.int16]:
    """A tone that rises, with noise, another one in each channel."""
    at = np.arange(int(seconds * rate)) / rate
    tones = [9_000 * np.sin(2 * np.pi * (200 + 80 * at + 50 * one) * at) for one in range(channels)]
    noise = np.random.default_rng(1).standard_normal((len(at), channels)) * 200
    return (np.stack(tones, axis=1) + noise).astype(np.int16)


def decoded(data: bytes) -> tuple[NDArray[Any], int]:
    """Samples of shape (n, channels), full scale 1.0, and their rate."""
    with av.open(io.BytesIO(data), "r") as media:
        frames = [frame.to_ndarray() for frame in media.decode(audio=0)]
        rate, channels = media.streams.audio[0].rate, media.streams.audio[0].channels
    samples: NDArray[Any] = np.concatenate(frames, axis=1)
    scale = 2**15 if samples.dtype == np.int16 else 1.0
    shaped = samples.reshape(-1, channels) if samples.shape[0] != channels else samples.T
    return shaped / scale, rate


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (48_000, 2)])
def test_a_file_decodes_to_the_same_sound_at_the_same_time(
    codec: Codec, rate: int, channels: int
) -> None:
    """Within 5 ms: chunks are put behind each other by their times."""
    pcm = chirp(2.0, rate, channels)

    samples, its_rate = decoded(encode(pcm, codec, rate))

    assert samples.shape[1] == channels
    assert 0 <= len(samples) * rate / its_rate - len(pcm) < 1_024
    step = its_rate // rate
    heard = samples[::step][: len(pcm), 0]
    spectrum = np.fft.rfft(heard) * np.conj(np.fft.rfft(pcm[:, 0] / 2**15, len(heard)))
    lag = int(np.argmax(np.fft.irfft(spectrum, len(heard))))
    assert min(lag, len(heard) - lag) <= rate // 200


def test_flac_keeps_every_bit() -> None:
    pcm = chirp(1.0, 22_050, 2)

    samples, rate = decoded(encode(pcm, "flac", 22_050))

    assert rate == 22_050
    assert (np.rint(samples * 2**15).astype(np.int16) == pcm).all()


def test_a_day_of_opus_at_16_khz_fits_350_mb() -> None:
    """Also of loud noise, which no codec can predict."""
    noise = np.random.default_rng(2).standard_normal((10 * 16_000, 1)) * 8_000
    chunks = [chirp(10.0, 16_000), noise.astype(np.int16)]

    sizes = [len(encode(pcm, "opus", 16_000)) for pcm in chunks]

    assert max(sizes) * 8_640 <= 350_000_000


def test_a_chunk_may_be_as_short_as_one_sample() -> None:
    pcm = np.full((1, 1), 100, np.int16)

    files = [encode(pcm, codec, 16_000) for codec in CODECS]

    assert all(len(decoded(data)[0]) >= 1 for data in files)


def test_without_samples_there_is_no_file() -> None:
    encoder = Encoder("opus", 16_000, 1)

    assert encoder.finish() == b""


def test_rates_that_a_codec_does_not_know_are_kept_at_the_next_higher_one() -> None:
    assert [kept_rate("opus", rate) for rate in (8_000, 11_025, 16_000, 44_100)] == [
        8_000, 12_000, 16_000, 48_000,
    ]  # fmt: skip
    assert kept_rate("aac", 44_100) == 44_100
    assert kept_rate("flac", 12_345) == 12_345


def test_a_rate_above_every_codec_is_refused() -> None:
    with pytest.raises(BadRequest, match="at most 48000 Hz"):
        kept_rate("opus", 96_000)


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (16_000, 3)])
def test_an_encoder_refuses_what_its_codec_does_not_know(rate: int, channels: int) -> None:
    with pytest.raises(BadRequest):
        Encoder("opus", rate, channels)


def test_a_wiped_file_leaves_no_bytes() -> None:
    encoder = Encoder("flac", 16_000, 1)
    encoder.feed(chirp(2.0, 16_000))

    encoder.wipe()

    assert not any(encoder._buffer.getvalue())
