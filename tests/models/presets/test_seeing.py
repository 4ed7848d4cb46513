"""A picture as the tensor that a graph takes."""

from typing import Any

import numpy as np
import pytest
from fake_graphs import FakeGraph, raw, spec, tensor

from edged.errors import CorruptModel
from edged.messages.records import SignatureTensor
from edged.models.presets.metadata import TensorNotes
from edged.models.presets.seeing import Eye

PIXELS = np.array([[[255, 0, 51], [0, 128, 255]]], np.uint8)
"""One row of two pixels."""


def seen(facts: SignatureTensor, notes: TensorNotes | None = None, **parameters: Any) -> Any:
    """The tensor of PIXELS."""
    graph = FakeGraph([facts], [], {})
    eye = Eye(graph, spec("image_classify", parameters=parameters), notes or TensorNotes())
    tensors, _ = eye.tensor(raw(PIXELS))
    found = tensors[facts.name]
    assert found.dtype == np.dtype(facts.dtype)
    return found


def test_without_a_word_floats_are_pixels() -> None:
    assert seen(tensor("x", [1, 1, 2, 3])).tolist() == [PIXELS.tolist()]


def test_mean_and_deviation_are_in_pixels() -> None:
    found = seen(tensor("x", [1, 1, 2, 3]), mean=127.5, std=127.5)

    assert found[0, 0, 0].tolist() == pytest.approx([1, -1, -0.6])


def test_a_scale_comes_first_and_each_colour_has_its_own_numbers() -> None:
    found = seen(
        tensor("x", [1, 3, 1, 2]),
        scale=1 / 255,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )

    assert found.shape == (1, 3, 1, 2)
    assert found[0, :, 0, 0].tolist() == pytest.approx(
        [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225], rel=1e-5
    )


def test_colours_may_be_wanted_the_other_way_round() -> None:
    assert seen(tensor("x", [1, 1, 2, 3]), colours="bgr")[0, 0, 0].tolist() == [51, 0, 255]


def test_the_files_own_metadata_say_how_floats_are_scaled_until_the_manifest_does() -> None:
    notes = TensorNotes(mean=(127.5,), deviation=(127.5,))

    assert seen(tensor("x", [1, 1, 2, 3]), notes)[0, 0, 0, 0] == 1
    assert seen(tensor("x", [1, 1, 2, 3]), notes, std=255.0)[0, 0, 0, 0] == 1
    assert seen(tensor("x", [1, 1, 2, 3]), notes, std=255.0)[0, 0, 0, 1] == 0


def test_bytes_go_in_as_they_are_whatever_metadata_say() -> None:
    notes = TensorNotes(mean=(127.5,), deviation=(127.5,))

    found = seen(tensor("x", [1, 1, 2, 3], "uint8", step=1 / 128, zero=128), notes)

    assert found.tolist() == [PIXELS.tolist()]


def test_signed_bytes_are_pixels_around_zero() -> None:
    found = seen(tensor("x", [1, 1, 2, 3], "int8", step=1 / 255, zero=-128))

    assert found[0, 0].tolist() == [[127, -128, -77], [-128, 0, 127]]


def test_a_quantized_input_takes_steps_when_the_manifest_says_what_is_real() -> None:
    found = seen(tensor("x", [1, 1, 2, 3], "int8", step=0.01, zero=-1), mean=127.5, std=127.5)

    assert found[0, 0, 0].tolist() == [99, -101, -61]


def test_integers_without_a_step_are_rounded_and_cut() -> None:
    found = seen(tensor("x", [1, 1, 2, 3], "int8"), std=1.5)

    assert found[0, 0].tolist() == [[127, 0, 34], [0, 85, 127]]


def test_what_the_graph_leaves_free_the_manifest_says() -> None:
    found = seen(tensor("x", [-1, -1, -1, 3]), width=4, height=2)

    assert found.shape == (1, 2, 4, 3)


def test_planes_are_known_by_their_place_or_by_word() -> None:
    assert seen(tensor("x", [1, 3, 1, 2])).shape == (1, 3, 1, 2)
    assert seen(tensor("x", [1, -1, 1, 2]), layout="nchw").shape == (1, 3, 1, 2)


WRONG: dict[str, tuple[SignatureTensor, dict[str, Any], str]] = {
    "four colours": (tensor("x", [1, 8, 8, 4]), {}, "4 colours"),
    "not four dimensions": (tensor("x", [1, 8]), {}, "one picture"),
    "numbers of another type": (tensor("x", [1, 8, 8, 3], "int64"), {}, "pictures of int64"),
    "no size": (tensor("x", [1, -1, -1, 3]), {}, "width"),
    "a size beyond reason": (tensor("x", [1, -1, 8, 3]), {"height": 100_000}, "height"),
    "no such resize": (tensor("x", [1, 8, 8, 3]), {"resize": "squeeze"}, "resize"),
    "no such filter": (tensor("x", [1, 8, 8, 3]), {"filter": "lanczos"}, "filter"),
    "a mean of two": (tensor("x", [1, 8, 8, 3]), {"mean": (1.0, 2.0)}, "mean"),
    "a mean in words": (tensor("x", [1, 8, 8, 3]), {"mean": "127"}, "mean"),
    "a deviation of zero": (tensor("x", [1, 8, 8, 3]), {"std": 0}, "deviation"),
    "a bound beyond Pillow's": (tensor("x", [1, 8, 8, 3]), {"max_megapixels": 500}, "max_mega"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_when_it_is_loaded(case: str) -> None:
    facts, parameters, named = WRONG[case]

    with pytest.raises(CorruptModel, match=named):
        seen(facts, **parameters)
