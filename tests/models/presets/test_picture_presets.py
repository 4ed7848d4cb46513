"""image_classify, image_detect, image_embed and image_segment over graphs with known answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from fake_graphs import FakeGraph, raw, spec, tensor

from edged.errors import CorruptModel
from edged.messages.records import SignatureTensor
from edged.models.presets import adapt
from edged.models.presets.classify import PictureClassifier
from edged.models.presets.detect import PictureDetector
from edged.models.presets.embed import PictureEmbedder
from edged.models.presets.segment import PictureSegmenter
from edged.models.runtime import ClassifyOptions, EmbedOptions, ModelSpec, Segmented

INPUT = tensor("image", [1, 100, 200, 3])
GREY = raw(np.full((100, 200, 3), 128))
WIDE = raw(np.full((200, 800, 3), 128))


def graph(outputs: Mapping[str, Any], facts: Sequence[SignatureTensor] = ()) -> FakeGraph:
    """Takes 200 x 100 pixels and always gives the same."""
    plain = [tensor(name, np.shape(value)) for name, value in outputs.items()]
    return FakeGraph([INPUT], facts or plain, outputs)


# --- classify ---


def classifier(scores: Any, **facts: Any) -> PictureClassifier:
    facts = {"labels": ("cat", "dog", "owl"), **facts}
    return PictureClassifier(
        graph({"scores": np.array([scores], np.float32)}), spec("image_classify", **facts)
    )


def told(model: PictureClassifier, **options: Any) -> list[tuple[str, float, int]]:
    found = model.classify(GREY, ClassifyOptions(**options)).classes
    return [(one.label, round(one.score, 4), one.index) for one in found]


def test_the_greatest_scores_come_first_with_their_labels() -> None:
    model = classifier([0.1, 0.7, 0.2])

    assert told(model, top_k=2) == [("dog", 0.7, 1), ("owl", 0.2, 2)]
    assert told(model, min_score=0.5) == [("dog", 0.7, 1)]


def test_logits_become_scores_by_word() -> None:
    logits = [0.0, np.log(3), 0.0]

    assert told(classifier(logits, parameters={"activation": "softmax"}), top_k=1) == [
        ("dog", 0.6, 1)
    ]
    assert told(classifier(logits, parameters={"activation": "sigmoid"}), top_k=1) == [
        ("dog", 0.75, 1)
    ]


def test_large_logits_do_not_overflow() -> None:
    for activation in ("softmax", "sigmoid"):
        model = classifier([-1e30, 1e30, 0], parameters={"activation": activation})
        assert told(model, top_k=1) == [("dog", 1.0, 1)]


@pytest.mark.parametrize("scores", [[0.1, 7.0, 0.2], [-0.5, 0.1, 0.1], [np.nan, 0.1, 0.1]])
def test_logits_that_nobody_spoke_of_are_refused_with_the_word_to_say(scores: Any) -> None:
    with pytest.raises(CorruptModel, match="outside 0 to 1") as caught:
        classifier(scores).classify(GREY, ClassifyOptions())

    assert "activation" in caught.value.fix


def test_the_background_is_left_out_and_the_labels_begin_behind_it() -> None:
    model = classifier([0.6, 0.1, 0.3], parameters={"label_offset": -1})

    assert told(model) == [("dog", 0.3, 2), ("cat", 0.1, 1)]


def test_what_has_no_label_has_its_number() -> None:
    assert told(classifier([0.1, 0.2, 0.7], labels=("cat",)), top_k=1) == [("", 0.7, 2)]


def test_quantized_scores_are_real_ones() -> None:
    fake = graph(
        {"scores": np.array([[0, 255, 51]], np.uint8)},
        [tensor("scores", [1, 3], "uint8", step=1 / 255)],
    )
    model = PictureClassifier(fake, spec("image_classify", labels=("cat", "dog", "owl")))

    assert told(model) == [("dog", 1.0, 1), ("owl", 0.2, 2), ("cat", 0.0, 0)]


def test_one_of_several_outputs_is_named() -> None:
    fake = graph({"features": np.ones((1, 8)) * 50, "scores": np.array([[0.25, 0.5]])})

    chosen = PictureClassifier(fake, spec("image_classify", parameters={"output": "scores"}))

    assert chosen.classify(GREY, ClassifyOptions()).classes[0].index == 1
    with pytest.raises(CorruptModel, match="no output of that name") as caught:
        PictureClassifier(fake, spec("image_classify", parameters={"output": "other"}))
    assert "features, scores" in caught.value.fix


def test_a_parameter_that_nothing_reads_is_refused_with_those_that_are() -> None:
    with pytest.raises(CorruptModel, match="parameter sdt of fake") as caught:
        classifier([1, 0, 0], parameters={"sdt": 1.0})

    assert " std" in caught.value.fix


def test_a_task_without_a_preset_is_refused() -> None:
    with pytest.raises(CorruptModel, match="no preset knows the task gestures"):
        adapt(graph({}), spec("gestures"))


# --- detect ---

SSD = {
    "TFLite_Detection_PostProcess": [[[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0], [0, 0, 1, 1]]],
    "TFLite_Detection_PostProcess:1": [[2.0, 0.0, 1.0]],
    "TFLite_Detection_PostProcess:2": [[0.9, 0.6, 0.3]],
    "TFLite_Detection_PostProcess:3": [2.0],
}


def detector(outputs: Mapping[str, Any], **facts: Any) -> PictureDetector:
    arrays = {name: np.array(value, np.float32) for name, value in outputs.items()}
    facts = {"labels": ("cat", "dog", "owl"), **facts}
    return PictureDetector(graph(arrays), spec("image_detect", **facts))


def found(model: PictureDetector, picture: Any = GREY, **options: Any) -> list[tuple[Any, ...]]:
    options = {"min_score": 0.25, "top_k": 100, **options}
    result = model.detect(picture, ClassifyOptions(**options))
    return [
        (one.label, round(one.score, 3), *(round(at, 2) for at in (one.left, one.top, one.width, one.height)))
        for one in result.objects
    ]  # fmt: skip


def test_the_four_outputs_of_an_ssd_are_boxes_in_the_picture() -> None:
    model = detector(SSD)

    assert found(model, WIDE) == [("owl", 0.9, 160, 20, 320, 80), ("cat", 0.6, 0, 0, 800, 200)]
    assert (model.detect(WIDE, ClassifyOptions()).width, model.detect(WIDE, ClassifyOptions()).height) == (800, 200)  # fmt: skip


def test_more_or_surer_ones_are_asked_for() -> None:
    assert len(found(detector(SSD), top_k=1)) == 1
    assert len(found(detector(SSD), min_score=0.7)) == 1


def test_outputs_in_another_order_are_known_by_name_or_said() -> None:
    boxes, classes, scores, count = SSD.values()
    named = {"num_detections": count, "det_scores": scores, "det_classes": classes, "boxes": boxes}
    nameless = {"a": scores, "b": boxes, "c": count, "d": classes}

    by_name = detector(named)
    by_word = detector(nameless, parameters={"outputs": "scores boxes count classes"})

    assert found(by_name) == found(by_word) == found(detector(SSD))


def test_an_ssd_of_three_outputs_has_as_many_boxes_as_scores() -> None:
    boxes, classes, scores, _ = SSD.values()
    model = detector({"boxes": boxes, "classes": classes, "scores": scores})

    assert [one[0] for one in found(model)] == ["owl", "cat", "dog"]


@pytest.mark.parametrize(
    "parameters", [{"outputs": "boxes scores"}, {"outputs": "boxes scores what"}, {"kind": "rcnn"}]
)
def test_an_order_that_cannot_be_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(CorruptModel, match="parameter"):
        detector(SSD, parameters=parameters)


def test_a_graph_that_is_no_ssd_is_refused_when_loaded() -> None:
    with pytest.raises(CorruptModel, match="four outputs"):
        detector({"x": [[0.0]], "y": [[0.0]]})


V8 = [[50, 50, 40, 20, 0.1, 0.8, 0.0], [51, 50, 40, 20, 0.1, 0.7, 0.0], [150, 20, 20, 20, 0, 0, 0.5]] + [[5, 5, 2, 2, 0.0, 0.0, 0.0]] * 9  # fmt: skip


def test_a_yolo_with_a_column_for_each_box_is_turned_and_its_overlaps_go() -> None:
    model = detector({"output0": [np.array(V8).T]}, parameters={"kind": "yolo"})

    assert found(model) == [("dog", 0.8, 30, 40, 40, 20), ("owl", 0.5, 140, 10, 20, 20)]


def test_boxes_come_back_through_the_letterbox() -> None:
    model = detector(
        {"output0": [np.array(V8).T]}, parameters={"kind": "yolo", "resize": "letterbox"}
    )

    # 800 x 200 lies in 200 x 100 as 200 x 50, 25 below the top.
    assert found(model, WIDE)[0] == ("dog", 0.8, 120, 60, 160, 80)


def test_a_yolo_with_a_score_for_the_box_multiplies_it() -> None:
    rows = [[50, 50, 40, 20, 0.5, 0.2, 0.9, 0.0]] + [[0.0] * 8] * 9

    by_labels = detector({"output": [rows]}, parameters={"kind": "yolo"})
    by_word = detector(
        {"output": [rows]}, labels=(), parameters={"kind": "yolo", "objectness": True}
    )

    assert found(by_labels) == [("dog", 0.45, 30, 40, 40, 20)]
    assert found(by_word) == [("", 0.45, 30, 40, 40, 20)]


def test_boxes_may_be_corners_or_fractions() -> None:
    rows = [[0.1, 0.2, 0.3, 0.6, 0.9, 0, 0]] + [[0.0] * 7] * 9
    parameters = {"kind": "yolo", "box": "xyxy", "box_units": "fractions"}

    assert found(detector({"y": [rows]}, parameters=parameters)) == [("cat", 0.9, 20, 20, 40, 40)]


def test_boxes_that_are_no_numbers_are_left_out() -> None:
    rows = [[np.nan, 0, 1, 1, 0.9, 0, 0], [np.inf, 0, 1, 1, 0.9, 0, 0]] + [[0.0] * 7] * 9

    assert found(detector({"y": [rows]}, parameters={"kind": "yolo"})) == []


def test_a_head_without_scores_is_refused() -> None:
    model = detector({"y": [[[0.0] * 4] * 9]}, parameters={"kind": "yolo"})

    with pytest.raises(CorruptModel, match="no scores"):
        found(model)


# --- embed ---


def test_a_vector_has_length_one_unless_it_is_wanted_as_it_is() -> None:
    model = PictureEmbedder(graph({"y": np.array([[[3.0, 4.0]]])}), spec("image_embed"))

    unit = np.frombuffer(model.embed(GREY, EmbedOptions()).data, "<f4")
    plain = np.frombuffer(model.embed(GREY, EmbedOptions(unit=False)).data, "<f4")

    assert unit.tolist() == pytest.approx([0.6, 0.8])
    assert plain.tolist() == [3.0, 4.0]


def test_a_vector_of_zeros_stays_one() -> None:
    model = PictureEmbedder(graph({"y": np.zeros((1, 3))}), spec("image_embed"))

    assert np.frombuffer(model.embed(GREY, EmbedOptions()).data, "<f4").tolist() == [0.0] * 3


def test_a_quantized_vector_is_a_real_one() -> None:
    fake = graph(
        {"y": np.array([[1, 3]], np.int8)}, [tensor("y", [1, 2], "int8", step=0.5, zero=-1)]
    )

    found = PictureEmbedder(fake, spec("image_embed")).embed(GREY, EmbedOptions(unit=False))

    assert np.frombuffer(found.data, "<f4").tolist() == [1.0, 2.0]


# --- segment ---


def segmented(mask: Any, picture: Any = GREY, **facts: Any) -> tuple[Segmented, Any]:
    model = PictureSegmenter(graph({"mask": np.array(mask)}), spec("image_segment", **facts))
    result = model.segment(picture)
    return result, np.frombuffer(result.data, np.uint8).reshape(result.height, result.width)


LEFT_HALF = np.repeat(np.repeat([[1.0, 0.0]], 50, axis=1), 50, axis=0).astype(np.float32)
"""50 rows of 100 columns."""


@pytest.mark.parametrize("shape", [(1, 50, 100, 1), (1, 1, 50, 100), (1, 50, 100), (50, 100)])
def test_one_channel_is_how_surely_a_pixel_is_foreground(shape: tuple[int, ...]) -> None:
    result, mask = segmented(LEFT_HALF.reshape(shape), WIDE, labels=("person",))

    assert (result.kind, result.labels, mask.shape) == ("confidence", ("person",), (200, 800))
    assert (mask[:, :380] == 255).all()
    assert (mask[:, 420:] == 0).all()
    assert 0 < mask[100, 400] < 255


@pytest.mark.parametrize("planes", [False, True])
def test_several_channels_give_the_class_of_each_pixel(planes: bool) -> None:
    classes = np.stack([1 - LEFT_HALF, LEFT_HALF * 9, LEFT_HALF * 3], axis=0 if planes else -1)

    result, mask = segmented(classes[np.newaxis], WIDE)

    assert result.kind == "category"
    assert set(np.unique(mask)) == {0, 1}
    assert (mask[:, :400] == 1).all()
    assert (mask[:, 400:] == 0).all()


def test_whole_numbers_are_classes_already() -> None:
    result, mask = segmented((LEFT_HALF * 7).astype(np.int32)[np.newaxis])

    assert result.kind == "category"
    assert set(np.unique(mask)) == {0, 7}


def test_one_of_several_channels_may_be_the_foreground() -> None:
    both = np.stack([np.log(LEFT_HALF * 3 + 1), np.zeros_like(LEFT_HALF)], axis=-1)

    result, mask = segmented(
        both[np.newaxis], parameters={"foreground": 0, "activation": "softmax"}
    )

    assert result.kind == "confidence"
    assert (mask[50, 10], mask[50, 190]) == (204, 128)  # 4 / 5 and 1 / 2 of 255


def test_the_bars_of_a_letterbox_are_no_part_of_the_mask() -> None:
    rows = np.zeros((100, 200), np.float32)
    rows[25:75] = 1.0  # where the picture lies

    _, mask = segmented(rows[np.newaxis], WIDE, parameters={"resize": "letterbox"})

    assert (mask == 255).all()


def test_masks_that_cannot_be_are_refused() -> None:
    with pytest.raises(CorruptModel, match="no mask"):
        segmented(np.zeros((1, 5), np.float32).reshape(1, 1, 1, 1, 5))
    with pytest.raises(CorruptModel, match="too many classes"):
        segmented(np.full((1, 2, 2), 256, np.int32))
    with pytest.raises(CorruptModel, match="resize"):
        segmented(LEFT_HALF[np.newaxis], parameters={"resize": "crop"})
    with pytest.raises(CorruptModel, match="no channel 4"):
        segmented(np.zeros((1, 8, 8, 2), np.float32), parameters={"foreground": 4})


# --- all of them ---


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("image_classify", {"y": np.array([[0.2, 0.8]])}),
        ("image_detect", {name: np.array(value) for name, value in SSD.items()}),
        ("image_embed", {"y": np.array([[0.2, 0.8]])}),
        ("image_segment", {"y": LEFT_HALF[np.newaxis]}),
    ],
)
def test_a_canary_is_the_same_every_time(task: str, answer: dict[str, Any]) -> None:
    described: ModelSpec = spec(task)
    first = adapt(graph(answer), described).canary()

    assert first
    assert adapt(graph(answer), described).canary() == first
