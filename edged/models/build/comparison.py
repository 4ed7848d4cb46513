"""What quantizing did to a model: size, time, and how far its outputs moved."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import onnxruntime
from msgspec import Struct

from edged.errors import BadRequest, CorruptModel
from edged.models.build.quantize import Sample, read_sample
from edged.models.engines.ort import ORT_ERRORS

RUNS = 20
"""Inferences that are timed, after two that are not."""

MOST_COMPARED = 32
"""Samples whose outputs are compared."""

_TYPES = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_,
}  # fmt: skip
_FREE = 16
"""What a free dimension is, when nobody gives a sample; the first one is 1."""

Arrays = list[npt.NDArray[np.generic]]


class Side(Struct, frozen=True, kw_only=True):
    """One of two models. p50_us: the middle of its runs on one thread, with the first sample."""

    bytes: int
    p50_us: int


class Comparison(Struct, frozen=True, kw_only=True):
    """A model and its quantized copy.

    largest_difference: of any number of any output. cosine: the least of all outputs and samples.
    samples: how many were compared; made_up: nobody gave them, so the figures say less.
    """

    before: Side
    after: Side
    largest_difference: float
    cosine: float
    samples: int
    made_up: bool


def compare(before: Path, after: Path, samples: Sequence[Path] = ()) -> Comparison:
    """Run both on the same inputs, on one thread. Blocking.

    Args:
        before: an ONNX model.
        after: one that takes the same.
        samples: files of inputs; without them they are made up from the model's shapes.

    Raises:
        CorruptModel: onnxruntime refuses one of them. BadRequest: a sample does not fit.
    """
    first, second = _open(before), _open(after)
    names = [one.name for one in first.get_inputs()]
    given = [read_sample(path, names) for path in samples[:MOST_COMPARED]]
    inputs: list[Sample] = given or [_made_up(first)]
    pairs = [(_run(first, one), _run(second, one)) for one in inputs]
    return Comparison(
        before=Side(bytes=os.path.getsize(before), p50_us=_time(first, inputs[0])),
        after=Side(bytes=os.path.getsize(after), p50_us=_time(second, inputs[0])),
        largest_difference=max(_difference(*pair) for pair in pairs),
        cosine=min(_cosine(*pair) for pair in pairs),
        samples=len(inputs),
        made_up=not given,
    )


def _open(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except ORT_ERRORS as error:
        raise CorruptModel(f"onnxruntime refuses {path.name}") from error


def _made_up(session: onnxruntime.InferenceSession) -> Sample:
    """Inputs by their shapes: ones for whole numbers (a mask that keeps all), else noise."""
    noise = np.random.default_rng(0)
    found: dict[str, npt.NDArray[np.generic]] = {}
    for one in session.get_inputs():
        kind = _TYPES.get(one.type)
        if kind is None:
            raise BadRequest(
                f"an input of {one.type} cannot be made up", fix="give samples: --calibration DIR"
            )
        shape = [_length(size, first=not place) for place, size in enumerate(one.shape)]
        real = np.issubdtype(kind, np.floating)
        found[one.name] = (
            noise.standard_normal(shape).astype(kind) if real else np.ones(shape, kind)
        )
    return found


def _length(size: int | str | None, *, first: bool) -> int:
    if isinstance(size, int):
        return max(1, size)
    return 1 if first else _FREE


def _run(session: onnxruntime.InferenceSession, sample: Sample) -> Arrays:
    try:
        found: Arrays = session.run(None, dict(sample))
    except ORT_ERRORS as error:
        raise BadRequest(
            "the model does not run on the inputs given, or made up from its shapes",
            fix="give samples of its inputs: --calibration DIR",
        ) from error
    return found


def _time(session: onnxruntime.InferenceSession, sample: Sample) -> int:
    spans = []
    for _ in range(RUNS + 2):
        start = time.perf_counter_ns()
        _run(session, sample)
        spans.append(time.perf_counter_ns() - start)
    return int(median(spans[2:])) // 1000


def _difference(before: Arrays, after: Arrays) -> float:
    pairs = zip(before, after, strict=True)
    return max(float(np.abs(_real(one) - _real(two)).max(initial=0.0)) for one, two in pairs)


def _cosine(before: Arrays, after: Arrays) -> float:
    found = []
    for one, two in zip(before, after, strict=True):
        left, right = _real(one).ravel(), _real(two).ravel()
        lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
        found.append(float(left @ right) / lengths if lengths else float((left == right).all()))
    return min(found)


def _real(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    return np.asarray(values, np.float64)
