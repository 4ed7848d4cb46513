"""A tiny CTC model whose answer is known: the level of the samples says which token is heard."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from small_graphs import save

from edged.media import AudioChunk

FRAME = 320
"""Samples: 20 ms, as of wav2vec 2.0."""

_SPACING = 0.05
"""Between the levels of two tokens, of full scale; token 0 is silence."""


def write_model(folder: Path, tokens: Sequence[str]) -> dict[str, str]:
    """`model.onnx` and `vocab.json`, token 0 is the blank; paths by name.

    The mean of each frame's samples is compared with every token's level: the nearest one has
    nearly all the probability.
    """
    levels = np.arange(len(tokens), dtype=np.float32).reshape(1, 1, -1) * _SPACING
    weights = [
        numpy_helper.from_array(np.full((1, 1, FRAME), 1 / FRAME, np.float32), "mean_of"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
        numpy_helper.from_array(levels, "levels"),
        numpy_helper.from_array(np.array(-20_000, np.float32), "steep"),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["input_values", "one"], ["channel"]),
        helper.make_node("Conv", ["channel", "mean_of"], ["means"], strides=[FRAME]),
        helper.make_node("Transpose", ["means"], ["column"], perm=[0, 2, 1]),
        helper.make_node("Sub", ["column", "levels"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["square"]),
        helper.make_node("Mul", ["square", "steep"], ["logits"]),
    ]
    model = save(
        folder / "model.onnx",
        nodes,
        {"input_values": (TensorProto.FLOAT, (1, "samples"))},
        {"logits": (TensorProto.FLOAT, (1, "frames", len(tokens)))},
        weights,
    )
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    return {"model.onnx": str(model), "vocab.json": str(vocabulary)}


def spoken(tokens: Sequence[str], said: Sequence[tuple[str, int]]) -> AudioChunk:
    """Audio in which each token is heard for so many frames."""
    frames = [np.full(FRAME * count, tokens.index(token) * _SPACING) for token, count in said]
    samples = np.round(np.concatenate(frames) * 32768).astype("<i2")
    return AudioChunk(data=samples.tobytes())
