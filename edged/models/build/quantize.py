"""Makes ONNX models smaller and faster: weights, or all numbers, in 8 or 4 bits.

Methods:
    dynamic: weights in int8, a scale for each channel; inputs in 8 bits with one scale for a whole
        batch: a result depends on what else is in its batch.
    nbits8, nbits4: weights in blocks of 32, a scale for each; a row's result depends on itself.
    static: weights and activations in int8; the scales come from calibration samples.

As a builder: ingredient `model.onnx`, and for `static` the samples, `*.npz` or `*.npy`.
Parameters:
    method: nbits8.
"""

import logging
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from edged.errors import BadRequest, CorruptModel
from edged.models import graph_files
from edged.models.build import in_blocks
from edged.models.build.graph import content_of
from edged.models.build.parameters import check_known, ingredient, word_of
from edged.models.engines.ort import ORT_ERRORS
from edged.models.runtime import Parameter

Method = Literal["dynamic", "nbits4", "nbits8", "static"]
METHODS: tuple[Method, ...] = get_args(Method)

PARAMETERS = frozenset({"method"})

SAMPLES = (".npz", ".npy")
MOST_SAMPLES = 1000
"""More only cost time: the scales are settled long before."""

Sample = Mapping[str, npt.NDArray[np.generic]]
"""Arrays by the names of a model's inputs."""

_FAILURES = (
    *ORT_ERRORS, onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError,
    RuntimeError, KeyError, IndexError, TypeError, AttributeError, NotImplementedError, AssertionError,
)  # fmt: skip
"""What onnxruntime's quantizer raises for models that it cannot take; it has no class of its own."""

_FLOAT = {"DefaultTensorType": onnx.TensorProto.FLOAT}
"""Of tensors whose type onnx cannot infer: those behind operators of com.microsoft."""


def make(parameters: Mapping[str, Parameter], ingredients: Mapping[str, Path], into: Path) -> None:
    """Write a quantized model; see edged.models.build.make."""
    check_known(parameters, PARAMETERS)
    named = word_of(parameters, "method", "nbits8", among=METHODS)
    method = next(one for one in METHODS if one == named)
    samples = [path for name, path in ingredients.items() if name.endswith(SAMPLES)]
    quantize(ingredient(ingredients, "model.onnx"), into, method, samples)


def quantize(source: Path, into: Path, method: Method, samples: Sequence[Path] = ()) -> None:
    """Write a quantized copy of a model. Blocking; takes seconds to minutes.

    Args:
        source: an ONNX model in float32, in one file.
        into: the file to write; what was there is replaced.
        method: see the module.
        samples: for `static`: each file holds one input of every name, as calibration.

    Raises:
        CorruptModel: it is no ONNX model, names data outside itself, or cannot be quantized so.
        BadRequest: `static` without samples, or samples that are not the model's inputs.
        OSError: a file cannot be read or written.
    """
    graph_files.check_onnx(source, name=source.name)
    try:
        model = onnx.load(source, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise CorruptModel(f"{source.name} is no ONNX model") from error
    if method in {"nbits4", "nbits8"}:
        in_blocks.quantize(model, int(method.removeprefix("nbits")))
        into.write_bytes(content_of(model))
        return
    with _quiet():
        if method == "dynamic":
            _dynamic(source, into)
        else:
            _static(source, into, _Samples(model, samples))


def samples_in(folder: Path) -> list[Path]:
    """The calibration samples of a folder, by name.

    Raises:
        BadRequest: it holds none.
    """
    found = sorted(path for path in folder.iterdir() if path.suffix in SAMPLES)
    if not found:
        raise BadRequest(
            "the calibration folder holds no samples",
            fix="put .npz files there, each with an array for every input of the model by its name",
        )
    return found[:MOST_SAMPLES]


def read_sample(path: Path, inputs: Sequence[str]) -> Sample:
    """One sample: an .npz by the inputs' names; an .npy for a model with one input.

    Raises:
        BadRequest: it is no such file, or has not the model's inputs.
    """
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            found = {inputs[0]: loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise BadRequest(f"the sample {path.name} cannot be read as arrays") from error
    if set(found) != set(inputs):
        raise BadRequest(
            f"the sample {path.name} holds {', '.join(found)}",
            fix=f"the model takes {', '.join(inputs)}",
        )
    return found


def inputs_of(model: onnx.ModelProto) -> list[str]:
    """The names of what a model takes; old ones list their weights there too."""
    weights = {one.name for one in model.graph.initializer}
    return [one.name for one in model.graph.input if one.name not in weights]


class _Samples(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
    """Gives the samples one after the other, read when they are asked for."""

    def __init__(self, model: onnx.ModelProto, paths: Sequence[Path]) -> None:
        if not paths:
            raise BadRequest(
                "static quantization needs samples of the model's inputs",
                fix="--calibration DIR, with .npz files by the inputs' names",
            )
        self._samples = self._read(paths, inputs_of(model))

    @staticmethod
    def _read(paths: Sequence[Path], inputs: Sequence[str]) -> Iterator[Sample]:
        for path in paths:
            yield read_sample(path, inputs)

    def get_next(self) -> Sample | None:
        """The next sample; None when there are no more."""
        return next(self._samples, None)


def _dynamic(source: Path, into: Path) -> None:
    try:
        quantize_dynamic(
            _prepared(source),
            into,
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={**_FLOAT, "MatMulConstBOnly": True},
        )
    except _FAILURES as error:
        raise _cannot() from error


def _static(source: Path, into: Path, samples: CalibrationDataReader) -> None:
    try:
        quantize_static(
            _prepared(source),
            into,
            samples,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QInt8,
            extra_options=_FLOAT,
        )
    except _FAILURES as error:
        raise _cannot() from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantizer's advice about operators that it skips, which goes to the root logger."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _prepared(source: Path) -> onnx.ModelProto:
    """With shapes and types known, and constants folded."""
    with tempfile.TemporaryDirectory(prefix="edged-") as folder:
        prepared = Path(folder) / "prepared.onnx"
        # Its symbolic shapes need one more package, and onnx infers enough without it.
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        return onnx.load(prepared)


def _cannot() -> CorruptModel:
    return CorruptModel(
        "onnxruntime cannot quantize the model so", fix="try --method nbits8, or dynamic"
    )
