"""Voices are told apart without weights: made ones with known turns, and what is no voice."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from edged.speech.der import LabelledTurn, score
from edged.speech.diarization import clusters
from edged.speech.diarization.gaussians import DeltaBic, sums_of
from edged.speech.diarization.recording import Heard, Recording

Samples = npt.NDArray[np.float32]
RATE = 16_000


def voice(seconds: float, tract: float, seed: int) -> Samples:
    """Noise through the resonances of vowels, a new one eight times a second.

    tract: how long the throat is: what all resonances are divided by.
    """
    chance = np.random.default_rng(seed)
    length = RATE // 8
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    parts = []
    for _ in range(int(seconds * 8)):
        shape = np.full(len(hertz), 0.01)
        for one in VOWELS[chance.integers(len(VOWELS))]:
            shape += 1 / (1 + ((hertz - one / tract) / 120) ** 2)
        spectrum = np.fft.rfft(chance.standard_normal(length)) * shape
        parts.append(np.fft.irfft(spectrum, length) * chance.uniform(0.5, 1.0))
    sound = np.concatenate(parts) if parts else np.zeros(0)
    scaled: Samples = (0.1 * sound / np.abs(sound).max()).astype(np.float32)
    return scaled


VOWELS = ((270, 2_290, 3_010), (730, 1_090, 2_440), (300, 870, 2_240), (530, 1_840, 2_480))
"""Hz. Source: G. Peterson and H. Barney, JASA 24 (1952)."""

VOICES = (1.0, 0.75, 1.35)


def talk(order: str, seconds: float = 2.0) -> tuple[Samples, list[LabelledTurn]]:
    """Voices by number with half a second of a quiet room between them."""
    room = np.random.default_rng(9).normal(0, 1e-4, RATE // 2).astype(np.float32)
    parts, turns, at = [room], [], len(room)
    for seed, who in enumerate(order):
        sound = voice(seconds, VOICES[int(who)], seed)
        turns.append(LabelledTurn(at * 1000 // RATE, (at + len(sound)) * 1000 // RATE, who))
        parts += [sound, room]
        at += len(sound) + len(room)
    return np.concatenate(parts), turns


def heard(
    samples: Samples,
    speakers: int = 0,
    step: int = 60 * RATE,
    spans: list[tuple[int, int]] | None = None,
) -> list[Heard]:
    recording = Recording()
    for first in range(0, len(samples), step):
        recording.feed(samples[first : first + step], spans if spans and not first else ())
    return recording.turns(speakers)


def labelled(turns: list[Heard]) -> list[LabelledTurn]:
    return [LabelledTurn(turn.start_ms, turn.end_ms, str(turn.speaker)) for turn in turns]


@pytest.mark.parametrize("speakers", [0, 3])
def test_three_voices_are_told_apart_known_to_be_three_or_not(speakers: int) -> None:
    samples, reference = talk("012021012")

    found = heard(samples, speakers)

    assert {turn.speaker for turn in found} == {0, 1, 2}
    assert score(reference, labelled(found)).rate < 0.06
    assert found[0].speaker == 0, "numbered by first words"


def test_a_change_without_a_pause_is_found() -> None:
    sound = np.pad(np.concatenate([voice(4, VOICES[0], 1), voice(4, VOICES[1], 2)]), RATE)

    found = heard(sound)

    assert len(found) == 2
    assert abs(found[0].end_ms - 5_000) <= 150


def test_the_parts_do_not_matter_and_the_same_comes_twice() -> None:
    samples, _ = talk("0102")

    whole, pieces, again = heard(samples), heard(samples, step=12_345), heard(samples)

    assert whole == again
    assert score(labelled(whole), labelled(pieces)).rate < 0.01


def test_only_what_was_told_to_be_speech_has_turns() -> None:
    samples, _ = talk("0101")

    found = heard(samples, spans=[(500, 2_500), (3_000, 5_000)])

    assert found
    assert found[-1].end_ms <= 5_000


def test_one_speaker_is_one_and_three_hundred_asked_are_as_many_as_there_are_pieces() -> None:
    samples, _ = talk("0000")

    assert {turn.speaker for turn in heard(samples)} == {0}
    assert len({turn.speaker for turn in heard(samples, 300)}) <= 16


def test_two_voices_are_one_speaker_when_there_is_but_one() -> None:
    samples, _ = talk("0101")

    assert {turn.speaker for turn in heard(samples, 1)} == {0}


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
        np.zeros(5 * RATE, np.float32),
        np.random.default_rng(1).normal(0, 0.05, 5 * RATE).astype(np.float32),
        np.full(5 * RATE, 0.5, np.float32),
    ],
    ids=["nothing", "less than a frame", "silence", "noise", "a constant"],
)
def test_what_is_no_speech_has_no_turns(samples: Samples) -> None:
    assert heard(samples) == []


def test_a_fifth_of_a_second_and_a_span_behind_the_end_break_nothing() -> None:
    short = voice(0.2, VOICES[0], 1)

    assert len(heard(short, spans=[(0, 200)])) <= 1
    assert heard(short, spans=[(5_000, 9_000)]) == []


def test_silence_that_is_said_to_be_speech_has_no_turns() -> None:
    assert heard(np.zeros(3 * RATE, np.float32), spans=[(0, 3_000)]) == []


def test_many_pieces_are_clustered_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a block are ever compared in pairs, and the voices still come together."""
    monkeypatch.setattr(clusters, "MOST_AT_ONCE", 16)
    monkeypatch.setattr(clusters, "MOST_LEFT", 6)
    chance = np.random.default_rng(3)
    owners = chance.integers(0, 3, 90)
    pieces = sums_of((chance.normal(3 * owner, 1, (80, 4)) for owner in owners), 4)

    labels = clusters.agglomerate(pieces, DeltaBic(np.ones(4) * 4, 1.2), 0)

    pairs = itertools.combinations(range(90), 2)
    assert all(
        (labels[one] == labels[other]) == (owners[one] == owners[other]) for one, other in pairs
    )


def test_somebody_who_said_next_to_nothing_is_kept_when_the_number_is_known() -> None:
    chance = np.random.default_rng(3)
    lengths = [400, 400, 40]
    pieces = sums_of((chance.normal(4 * who, 1, (n, 4)) for who, n in enumerate(lengths)), 4)
    criterion = DeltaBic(np.ones(4) * 4, 1.2)

    assert len(set(clusters.agglomerate(pieces, criterion, 0))) == 2
    assert len(set(clusters.agglomerate(pieces, criterion, 3))) == 3
