"""Graphs with the signatures of separators and voices, whose answers are known: made by tests.

None of them is a model: they scale, and write their tokens as steps of a curve.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from small_graphs import Dimensions, save

Named = dict[str, tuple[int, Dimensions]]

SPLEETER = {
    "model_type": "spleeter",
    "n_fft": "4096",
    "hop_length": "1024",
    "window_length": "4096",
    "window_type": "hann",
    "center": "1",
    "pad_mode": "reflect",
    "sample_rate": "44100",
    "version": "1",
    "stems": "2",
}
VITS = {
    "model_type": "vits",
    "comment": "edged",
    "language": "English",
    "add_blank": "0",
    "n_speakers": "0",
    "sample_rate": "16000",
    "punctuation": ", . ! ?",
}
TOKENS = "_ 0\n  5\n, 1\n. 2\n! 3\n? 4\nAH 10\nB 20\nK 30\n"
LEXICON = "hello AH B\nworld K K\nedged AH K\n"
STEP = 256
"""Samples that the voice makes of one token: its number, in hundredths of full scale."""


def _describe(path: Path, facts: dict[str, str]) -> Path:
    model = onnx.load(path)
    helper.set_model_props(model, facts)
    onnx.save(model, path)
    return path


def spectrogram_scaler(path: Path, factor: float) -> Path:
    """Half of a Spleeter: every magnitude times a factor."""
    shape: Dimensions = (2, "pieces", 512, 1024)
    weights = [numpy_helper.from_array(np.array(factor, np.float32), "factor")]
    nodes = [helper.make_node("Mul", ["x", "factor"], ["y"])]
    inputs: Named = {"x": (TensorProto.FLOAT, shape)}
    outputs: Named = {"y": (TensorProto.FLOAT, shape)}
    return _describe(save(path, nodes, inputs, outputs, weights), SPLEETER)


def divider(path: Path, shares: tuple[float, ...], frames: int) -> Path:
    """A Demucs by its shapes: each stem is a share of the mix."""
    weights = [numpy_helper.from_array(np.array(shares, np.float32).reshape(1, -1, 1, 1), "shares")]
    weights.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    nodes = [
        helper.make_node("Unsqueeze", ["mix", "axis"], ["wide"]),
        helper.make_node("Mul", ["wide", "shares"], ["stems"]),
    ]
    return save(
        path,
        nodes,
        {"mix": (TensorProto.FLOAT, (1, 2, frames))},
        {"stems": (TensorProto.FLOAT, (1, len(shares), 2, frames))},
        weights,
    )


def curve_voice(folder: Path) -> dict[str, str]:
    """A VITS voice by its signature, which writes its tokens as a curve."""
    weights = [
        numpy_helper.from_array(np.array(0.01, np.float32), "hundredth"),
        numpy_helper.from_array(np.array([2], np.int64), "axis"),
        numpy_helper.from_array(np.ones((1, 1, STEP), np.float32), "step"),
        numpy_helper.from_array(np.array([1, 1, -1], np.int64), "flat"),
    ]
    nodes = [
        helper.make_node("Cast", ["x"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "hundredth"], ["heights"]),
        helper.make_node("Unsqueeze", ["heights", "axis"], ["columns"]),
        helper.make_node("Mul", ["columns", "step"], ["steps"]),
        helper.make_node("Reshape", ["steps", "flat"], ["y"]),
    ]
    inputs: Named = {
        "x": (TensorProto.INT64, (1, "tokens")),
        "x_lengths": (TensorProto.INT64, (1,)),
        "noise_scale": (TensorProto.FLOAT, (1,)),
        "length_scale": (TensorProto.FLOAT, (1,)),
        "noise_scale_w": (TensorProto.FLOAT, (1,)),
    }
    outputs: Named = {"y": (TensorProto.FLOAT, (1, 1, "samples"))}
    model = _describe(save(folder / "model.onnx", nodes, inputs, outputs, weights), VITS)
    (folder / "tokens.txt").write_text(TOKENS)
    (folder / "lexicon-en-us.txt").write_text(LEXICON)
    names = ("tokens.txt", "lexicon-en-us.txt")
    return {"model.onnx": str(model), **{name: str(folder / name) for name in names}}
