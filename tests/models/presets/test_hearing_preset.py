"""audio_classify over graphs with known answers: windows, pieces, and what they come to together."""

import math
from typing import Any

import numpy as np
import pytest
from fake_graphs import FakeGraph, spec, tensor

from edged.errors import CorruptModel
from edged.media import AudioChunk
from edged.messages.records import AudioWindow
from edged.models.presets.hearing import SoundClassifier
from edged.models.presets.mel import Mel, MelOptions
from edged.models.runtime import Heard, HearOptions

WINDOW = 1600


def loudness(x: Any) -> dict[str, Any]:
    """Scores: how loud a window is, and the rest."""
    level = float(np.abs(x).mean())
    return {"y": np.array([[level, 1 - level]], np.float32)}


def ear(
    shape: tuple[int, ...] = (1, WINDOW), **parameters: Any
) -> tuple[SoundClassifier, FakeGraph]:
    graph = FakeGraph([tensor("x", shape)], [tensor("y", (1, 2))], loudness)
    described = spec("audio_classify", labels=("loud", "quiet"), parameters=parameters)
    return SoundClassifier(graph, described), graph


def pcm(*levels: float) -> bytes:
    """A tenth of a second of each level."""
    return b"".join(np.full(WINDOW, level * 32768, "<i2").tobytes() for level in levels)


def loud(heard: Heard) -> list[tuple[int, int, float]]:
    """Start, end and how loud, of each window."""
    return [
        (
            one.start_ms,
            one.end_ms,
            round(next(c.score for c in one.classes if c.label == "loud"), 3),
        )
        for one in heard.windows
    ]


def overall(heard: Heard) -> float:
    return round(next(one.score for one in heard.classes if one.label == "loud"), 3)


def test_each_window_has_its_labels_and_the_whole_their_mean() -> None:
    model, graph = ear()

    heard = model.hear(AudioChunk(data=pcm(0.5, 0.25, 0.0)), HearOptions())

    assert loud(heard) == [(0, 100, 0.5), (100, 200, 0.25), (200, 300, 0.0)]
    assert overall(heard) == 0.25
    assert graph.input.shape == (1, WINDOW)
    assert graph.input.dtype == np.float32


def test_the_last_window_is_filled_with_silence_and_counts_for_its_time() -> None:
    model, graph = ear()

    heard = model.hear(AudioChunk(data=pcm(0.5, 0.5)[: 2 * WINDOW * 3 // 2]), HearOptions())

    assert loud(heard) == [(0, 100, 0.5), (100, 200, 0.25)]
    assert overall(heard) == round((0.5 * 2 + 0.25) / 3, 3)
    assert graph.input[0, WINDOW // 2 :].any() == np.False_


def test_less_than_a_window_is_one() -> None:
    model, _ = ear()

    heard = model.hear(AudioChunk(data=pcm(0.5)[:2]), HearOptions())

    assert [one[:2] for one in loud(heard)] == [(0, 100)]


def test_no_audio_is_no_window() -> None:
    model, _ = ear()

    heard = model.hear(AudioChunk(data=b""), HearOptions())

    assert (heard.windows, heard.classes, heard.used) == ((), (), 0)


def test_windows_overlap_by_the_manifests_hop() -> None:
    model, _ = ear(hop_ms=50)

    heard = model.hear(AudioChunk(data=pcm(0.5, 0.25)), HearOptions())

    assert loud(heard) == [(0, 100, 0.5), (50, 150, 0.375), (100, 200, 0.25)]


@pytest.mark.parametrize("piece", [700, 1600, 2500, 16_000])
@pytest.mark.parametrize("hop_ms", [50, 100, 250])
def test_in_pieces_it_hears_what_it_hears_at_once(piece: int, hop_ms: int) -> None:
    """As edged.pipeline.hearing gives them: what was used is left out, what was skipped is passed over."""
    model, _ = ear(hop_ms=hop_ms)
    data = np.random.default_rng(5).integers(-9000, 9000, 16_123).astype("<i2")
    whole = model.hear(AudioChunk(data=data.tobytes()), HearOptions())

    windows: list[AudioWindow] = []
    sums, rest, at, heard = b"", data[:0], 0, whole
    for begin in range(0, len(data), piece):
        fresh = data[max(begin, at) : begin + piece]
        chunk = np.concatenate([rest, fresh])
        start = at if len(rest) else max(begin, at)
        final = begin + piece >= len(data)
        options = HearOptions(final=final, sums=sums)
        heard = model.hear(AudioChunk(data=chunk.tobytes(), start=start), options)
        windows += heard.windows
        sums, rest = bytes(heard.sums), chunk[heard.used :]
        at = start + heard.used if not final else at

    assert tuple(windows) == whole.windows
    assert overall(heard) == overall(whole)


def test_a_wider_hop_may_be_asked_but_no_narrower_one() -> None:
    model, _ = ear()
    audio = AudioChunk(data=pcm(0.1, 0.2, 0.3, 0.4))

    assert len(model.hear(audio, HearOptions(hop=2 * WINDOW)).windows) == 2
    assert len(model.hear(audio, HearOptions(hop=1)).windows) == 4


def test_a_graph_of_any_length_gets_windows_as_long_as_the_manifest_says() -> None:
    model, graph = ear((-1,), window_ms=50)

    assert len(model.hear(AudioChunk(data=pcm(0.5)), HearOptions()).windows) == 2
    assert graph.input.shape == (800,)


def test_only_the_labels_that_were_asked_for_are_told() -> None:
    model, _ = ear()

    heard = model.hear(AudioChunk(data=pcm(0.25)), HearOptions(top_k=1, min_score=0.5))

    assert [one.label for one in heard.windows[0].classes] == ["quiet"]
    assert [one.label for one in heard.classes] == ["quiet"]


MEL = {"kind": "log_mel", "n_fft": 256, "window_length": 256, "hop_length": 128, "fmin": 50.0, "fmax": 8000.0}  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_a_graph_may_take_a_spectrogram(turned: bool) -> None:
    axes = "mels_frames" if turned else "frames_mels"
    seen: dict[str, Any] = {}

    def answer(x: Any) -> dict[str, Any]:
        seen["x"] = x
        return {"y": np.array([[0.5, 0.5]])}

    shape = (1, 1, 32, 10) if turned else (1, 1, 10, 32)
    graph = FakeGraph([tensor("x", shape)], [tensor("y", (1, 2))], answer)
    parameters = {**MEL, "mel_axes": axes, "mean": -4.0, "std": 2.0}
    model = SoundClassifier(graph, spec("audio_classify", parameters=parameters))
    samples = np.random.default_rng(6).integers(-9000, 9000, 9 * 128 + 256).astype("<i2")

    heard = model.hear(AudioChunk(data=samples.tobytes()), HearOptions())

    options = MelOptions(n_fft=256, length=256, hop=128, n_mels=32, fmin=50, fmax=8000)
    expected = (Mel(options).spectrogram(samples.astype(np.float32) / np.float32(32768)) + 4) / 2
    assert len(heard.windows) == 1
    found = seen["x"][0, 0].T if turned else seen["x"][0, 0]
    assert np.allclose(found, expected, atol=1e-5)


WRONG: dict[str, tuple[tuple[int, ...], dict[str, Any], str]] = {
    "stereo": ((2, WINDOW), {}, "one window"),
    "a spectrogram of one axis": ((64,), {"kind": "log_mel"}, "one spectrogram"),
    "several spectrograms": ((4, 96, 64), {"kind": "log_mel"}, "one spectrogram"),
    "no such kind": ((1, WINDOW), {"kind": "mfcc"}, "kind"),
    "bands above half the rate": ((96, 64), {"kind": "log_mel", "fmax": 9000.0}, "fmax"),
    "bands that end before they begin": ((96, 64), {"kind": "log_mel", "fmin": 7600.0}, "fmax"),
    "an offset of nothing": ((96, 64), {"kind": "log_mel", "log_offset": 0.0}, "log_offset"),
    "a window beyond its transform": ((96, 64), {"kind": "log_mel", "window_length": 600}, "window_length"),
    "a deviation of zero": ((96, 64), {"kind": "log_mel", "std": 0.0}, "std"),
    "a hop of nothing": ((1, WINDOW), {"hop_ms": 0}, "hop_ms"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_when_it_is_loaded(case: str) -> None:
    shape, parameters, named = WRONG[case]

    with pytest.raises(CorruptModel, match=named):
        ear(shape, **parameters)


def test_silence_is_what_the_canary_hears() -> None:
    model, _ = ear()

    assert model.canary() == "1"
    assert math.isclose(overall(model.hear(AudioChunk(data=pcm(0.0)), HearOptions())), 0.0)
