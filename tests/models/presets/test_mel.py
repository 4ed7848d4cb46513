"""Log-mel spectrograms, against numbers worked out in another way."""

import cmath
import math

import msgspec
import numpy as np
import pytest

from edged.models.presets.mel import Mel, MelOptions, MelScale, to_hertz, to_mel

RATE = 16_000


def tone(hertz: float, samples: int = 4_000) -> "np.typing.NDArray[np.float32]":
    return np.sin(2 * np.pi * hertz * np.arange(samples) / RATE).astype(np.float32)


def mel(hertz: float) -> float:
    """The formula of the HTK book."""
    return 1127 * math.log(1 + hertz / 700)


def by_hand(samples: "np.typing.NDArray[np.float32]", options: MelOptions, band: int) -> float:
    """One number of the first frame: a discrete Fourier transform and a triangle, term by term."""
    windowed = [
        float(one) * (0.5 - 0.5 * math.cos(2 * math.pi * at / options.length))
        for at, one in enumerate(samples[: options.length])
    ]
    low, high = mel(options.fmin), mel(options.fmax)
    left, middle, right = (
        low + (high - low) * (band + at) / (options.n_mels + 1) for at in range(3)
    )
    total = 0.0
    for line in range(1, options.n_fft // 2 + 1):
        place = mel(line * RATE / options.n_fft)
        weight = min((place - left) / (middle - left), (right - place) / (right - middle))
        if weight > 0:
            turn = -2j * math.pi * line / options.n_fft
            amplitude = abs(sum(one * cmath.exp(turn * at) for at, one in enumerate(windowed)))
            total += weight * amplitude**options.power
    return math.log(total + options.offset)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("band", [0, 20, 63])
def test_a_number_is_the_one_worked_out_by_hand(power: int, band: int) -> None:
    options = MelOptions(power=power)
    samples = np.random.default_rng(4).normal(0, 0.1, 800).astype(np.float32)

    found = Mel(options).spectrogram(samples)

    assert found.dtype == np.float32
    assert found[0, band] == pytest.approx(by_hand(samples, options, band), abs=1e-4)


def test_known_places_on_both_scales() -> None:
    assert to_mel(np.array([1000.0]), "htk")[0] == pytest.approx(1000, abs=0.1)
    assert to_mel(np.array([500.0, 1000.0, 6400.0]), "slaney").tolist() == pytest.approx(
        [7.5, 15, 42]
    )


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_a_frequency_goes_there_and_back(scale: MelScale) -> None:
    hertz = np.array([0.0, 125.0, 999.0, 1001.0, 7500.0])

    assert to_hertz(to_mel(hertz, scale), scale).tolist() == pytest.approx(hertz.tolist())


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("hertz", [300.0, 1000.0, 4000.0])
def test_a_tone_is_loudest_in_its_own_band(scale: MelScale, hertz: float) -> None:
    options = MelOptions(scale=scale)
    low, high = to_mel(np.array([options.fmin, options.fmax]), scale)
    place = float(to_mel(np.array([hertz]), scale)[0])

    found = Mel(options).spectrogram(tone(hertz))

    expected = (place - low) / (high - low) * (options.n_mels + 1) - 1
    assert abs(int(found[3].argmax()) - expected) <= 1


def test_silence_is_the_logarithm_of_the_offset() -> None:
    silence = np.zeros(800, np.float32)

    assert np.allclose(Mel(MelOptions()).spectrogram(silence), math.log(0.001))
    assert np.allclose(Mel(MelOptions(decadic=True)).spectrogram(silence), -3)


def test_a_number_of_frames_takes_just_so_many_samples() -> None:
    for options in (MelOptions(), MelOptions(centred=True), MelOptions(hop=100, length=512)):
        assert len(Mel(options).spectrogram(np.zeros(options.samples(96), np.float32))) == 96


def test_filters_of_area_one_have_it() -> None:
    options = MelOptions(scale="slaney", area=True, n_mels=20, n_fft=4096)
    line_hz = RATE / options.n_fft

    areas = Mel(options).filters.sum(axis=0) * line_hz

    assert areas.tolist() == pytest.approx([1.0] * 20, rel=0.02)


def test_a_centred_window_mirrors_what_lies_before_the_first_sample() -> None:
    options = MelOptions(centred=True)
    samples = tone(440)
    mirrored = np.concatenate([samples[1:201][::-1], samples, samples[-201:-1][::-1]])

    found = Mel(options).spectrogram(samples)

    plain = msgspec.structs.replace(options, centred=False)
    assert np.array_equal(found, Mel(plain).spectrogram(mirrored))
