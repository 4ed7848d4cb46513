"""Tiny ONNX graphs with answers that can be worked out by hand, and manifests for them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]
Arrays = Mapping[str, npt.NDArray[Any]]


def write_graph(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    takes: tuple[str, int, Shape],
    gives: tuple[str, Shape],
    constants: Arrays,
) -> None:
    """One graph; `gives` is float32."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(*takes)],
        [helper.make_tensor_value_info(gives[0], TensorProto.FLOAT, gives[1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_colours(path: Path) -> None:
    """Takes planes; scores: how red, green and blue a picture is, each 0 to 1."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["y"]),
    ]
    write_graph(
        path,
        nodes,
        takes=("x", TensorProto.FLOAT, [1, 3, 8, 8]),
        gives=("y", [1, 3]),
        constants={},
    )


BOXES = ((16, 16, 8, 8), (17, 16, 8, 8), (48, 32, 16, 32))
"""Middle, width and height, in an input of 64 x 64; the second lies almost on the first."""

SCORES = ((0.9, 0.0, 0.0), (0.8, 0.0, 0.0), (0.0, 0.5, 0.0))
"""Of each box, for each colour, when the picture is all of that colour."""


def write_yolo(path: Path) -> None:
    """A head as YOLOv8's: a column for each box, whose score is that of a colour by SCORES."""
    padding = 9
    boxes = np.zeros((1, 4, len(BOXES) + padding), np.float32)
    boxes[0, :, : len(BOXES)] = np.array(BOXES, np.float32).T
    scores = np.zeros((1, 3, len(BOXES) + padding), np.float32)
    scores[0, :, : len(BOXES)] = np.array(SCORES, np.float32).T
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Reshape", ["mean", "column"], ["levels"]),
        helper.make_node("Mul", ["levels", "scores"], ["found"]),
        helper.make_node("Concat", ["boxes", "found"], ["y"], axis=1),
    ]
    write_graph(
        path,
        nodes,
        takes=("x", TensorProto.FLOAT, [1, 3, 64, 64]),
        gives=("y", [1, 7, len(BOXES) + padding]),
        constants={"column": np.array([1, 3, 1], np.int64), "boxes": boxes, "scores": scores},
    )


def write_same(path: Path, shape: Shape) -> None:
    """Gives what it takes."""
    write_graph(
        path,
        [helper.make_node("Identity", ["x"], ["y"])],
        takes=("x", TensorProto.FLOAT, shape),
        gives=("y", shape),
        constants={},
    )


def write_bands(path: Path, frames: int, bands: int) -> None:
    """The mean of a spectrogram's frames: one value for each band."""
    write_graph(
        path,
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=[2], keepdims=0)],
        takes=("x", TensorProto.FLOAT, [1, 1, frames, bands]),
        gives=("y", [1, 1, bands]),
        constants={},
    )


PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "##ly")
VOTES = np.array([[0, 0], [0, 0], [0, 0], [0, 0], [0, 3], [3, 0], [0, 0]], np.float32)
"""Of each piece, for Negative and Positive."""


def write_votes(path: Path) -> None:
    """Logits: the mean of the votes of all pieces."""
    nodes = [
        helper.make_node("Gather", ["votes", "input_ids"], ["each"]),
        helper.make_node("ReduceMean", ["each"], ["y"], axes=[1], keepdims=0),
    ]
    write_graph(
        path,
        nodes,
        takes=("input_ids", TensorProto.INT64, [1, "n"]),
        gives=("y", [1, 2]),
        constants={"votes": VOTES},
    )


def write_known_texts(path: Path, scores: Mapping[str, float]) -> None:
    """Takes a text, gives the score of those that it knows, and 0 for all others."""
    node = helper.make_node(
        "LabelEncoder",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        keys_strings=list(scores),
        values_floats=list(scores.values()),
        default_float=0.0,
    )
    graph = helper.make_graph(
        [node],
        "texts",
        [helper.make_tensor_value_info("x", TensorProto.STRING, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))


def write_manifest(  # noqa: PLR0913 - a manifest has so many parts
    target: Path,
    task: str,
    files: Mapping[str, Path],
    *,
    engine: str = "onnx",
    labels: Sequence[str] = (),
    labels_file: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """A user's manifest for files that stay where they are."""
    lines = [
        f'id = "{target.stem}"\ntask = "{task}"\nengine = "{engine}"\ndescription = "of a test"',
        'license = "Apache-2.0"\nmemory_bytes = 60_000_000',
        'threads = 1\ndevice = "cpu"',  # nothing is left to be measured
        f"labels = {json.dumps(list(labels))}\nlabels_file = {json.dumps(labels_file)}",
    ]
    for name, path in files.items():
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(
            f'[[files]]\nname = "{name}"\npath = "{path}"\nbytes = {len(content)}\nsha256 = "{digest}"'
        )
    lines.append("[parameters]")
    lines += [f"{name} = {json.dumps(value)}" for name, value in (parameters or {}).items()]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines) + "\n")
