"""Stretches of speech become emotions, over graphs whose answer the test gives."""

from collections.abc import Mapping

import numpy as np
import pytest
from fake_graphs import FakeGraph, tensor

from edged.errors import BadRequest, CorruptModel
from edged.media import AudioChunk
from edged.models.engines.graph import Array
from edged.models.presets.feeling import SpokenFeeling
from edged.models.runtime import ClassifyOptions, ModelSpec, Parameter

ALL = ClassifyOptions(top_k=100)
SECOND = 16_000


def loudness(x: Array) -> Mapping[str, Array]:
    """How calm and how loud the samples are: 1 - peak and peak."""
    peak = float(np.abs(x).max(initial=0))
    return {"y": np.array([[1 - peak, peak]], np.float32)}


def feeling(
    graph: FakeGraph, labels: tuple[str, ...] = ("calm", "angry"), **parameters: Parameter
) -> SpokenFeeling:
    spec = ModelSpec(
        id="feelings",
        task="speech_emotion",
        engine="onnx",
        files={},
        labels=labels,
        parameters=parameters,
    )
    return SpokenFeeling(graph, spec)


def graph(samples: int = -1) -> FakeGraph:
    return FakeGraph([tensor("x", [1, samples])], [tensor("y", [1, 2])], loudness)


def pcm(*levels: float, seconds: float = 1.0) -> AudioChunk:
    values = np.concatenate([np.full(round(SECOND * seconds), one * 32768) for one in levels])
    return AudioChunk(data=values.astype("<i2").tobytes())


def test_a_graph_of_any_length_gets_the_whole_stretch() -> None:
    fake = graph()

    found = feeling(fake).feel(pcm(0.25, 0.75), ALL)

    assert fake.input.shape == (1, 2 * SECOND)
    assert [(one.label, one.score) for one in found.classes] == [("angry", 0.75), ("calm", 0.25)]


def test_a_shred_of_speech_is_filled_up_with_silence() -> None:
    fake = graph()

    feeling(fake).feel(AudioChunk(data=bytes(20)), ALL)

    assert fake.input.shape == (1, SECOND // 2)


def test_windows_of_the_graphs_length_count_equally() -> None:
    found = feeling(graph(SECOND)).feel(pcm(0.5, 0.0), ALL)

    assert {one.label: one.score for one in found.classes} == {"calm": 0.75, "angry": 0.25}


def test_scores_are_made_to_sum_to_one() -> None:
    fake = FakeGraph(
        [tensor("x", [1, -1])], [tensor("y", [1, 2])], {"y": np.array([[0.2, 0.6]], np.float32)}
    )

    found = feeling(fake).feel(pcm(0.5), ALL)

    assert [round(one.score, 3) for one in found.classes] == [0.75, 0.25]


def test_samples_are_normalized_where_the_manifest_says_so() -> None:
    fake = graph()
    quiet = AudioChunk(data=np.tile(np.array([50, 150], "<i2"), SECOND).tobytes())

    feeling(fake, activation="softmax", normalize=True).feel(quiet, ALL)

    assert fake.input.mean() == pytest.approx(0, abs=1e-3)
    assert fake.input.std() == pytest.approx(1, abs=0.05)


def test_an_emotion_without_a_label_and_scores_that_are_none_are_refused() -> None:
    with pytest.raises(CorruptModel, match="more emotions than labels"):
        feeling(graph(), labels=("calm",)).feel(pcm(0.5), ALL)
    wild = FakeGraph(
        [tensor("x", [1, -1])], [tensor("y", [1, 2])], {"y": np.array([[-4, 9]], np.float32)}
    )
    with pytest.raises(CorruptModel, match="outside 0 to 1"):
        feeling(wild).feel(pcm(0.5), ALL)


def test_half_a_sample_and_a_graph_of_two_inputs_are_refused() -> None:
    with pytest.raises(BadRequest, match="half a sample"):
        feeling(graph()).feel(AudioChunk(data=bytes(3)), ALL)
    two = FakeGraph([tensor("x", [1, -1]), tensor("z", [1])], [tensor("y", [1, 2])], {})
    with pytest.raises(CorruptModel, match="audio alone"):
        feeling(two)


def test_the_canary_is_the_emotion_of_silence() -> None:
    assert feeling(graph()).canary() == "0"


def test_a_spectrogram_is_made_where_the_graph_takes_one() -> None:
    fake = FakeGraph(
        [tensor("x", [1, 96, 64])], [tensor("y", [1, 2])], {"y": np.array([[0.9, 0.1]], np.float32)}
    )

    found = feeling(fake, kind="log_mel").feel(pcm(0.5, seconds=1.5), ALL)

    assert fake.input.shape == (1, 96, 64)
    assert found.classes[0].label == "calm"
