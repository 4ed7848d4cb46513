"""A graph whose answer the test gives, and what it was given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edged.media import ImageFormat, Picture
from edged.messages.records import Quantization, Signature, SignatureTensor, TensorType
from edged.models.engines.graph import Array
from edged.models.runtime import ModelSpec, Placement


def tensor(
    name: str,
    shape: Sequence[int],
    dtype: TensorType = "float32",
    *,
    step: float = 0,
    zero: int = 0,
) -> SignatureTensor:
    quantized = Quantization(scale=step, zero_point=zero) if step else None
    return SignatureTensor(name=name, dtype=dtype, shape=tuple(shape), quantized=quantized)


class FakeGraph:
    """Fulfils Graph; `seen` is the last input."""

    def __init__(
        self,
        inputs: Sequence[SignatureTensor],
        outputs: Sequence[SignatureTensor],
        answer: Callable[..., Mapping[str, Any]] | Mapping[str, Any],
    ) -> None:
        self._signature = Signature(inputs=tuple(inputs), outputs=tuple(outputs))
        self._answer = answer
        self.seen: dict[str, Array] = {}

    def signature(self) -> Signature:
        return self._signature

    def placement(self) -> Placement:
        return Placement(device="cpu")

    def run(self, inputs: Mapping[str, Array], outputs: Sequence[str] = ()) -> dict[str, Array]:
        self.seen = dict(inputs)
        for one in self._signature.inputs:
            array = self.seen[one.name]
            assert array.dtype == (object if one.dtype == "string" else np.dtype(one.dtype))
            assert len(array.shape) == len(one.shape)
            assert all(
                wanted in {-1, had} for had, wanted in zip(array.shape, one.shape, strict=True)
            )
        found = self._answer(**inputs) if callable(self._answer) else self._answer
        names = outputs or tuple(found)
        return {name: np.asarray(found[name]) for name in names}

    @property
    def input(self) -> Array:
        """The only input that it was given."""
        return next(iter(self.seen.values()))


def spec(task: str, **facts: Any) -> ModelSpec:
    return ModelSpec(id="fake", task=task, engine="onnx", files=facts.pop("files", {}), **facts)


def raw(pixels: Array) -> Picture:
    """A picture of uint8 pixels, shape (height, width, 3)."""
    height, width, _ = pixels.shape
    return Picture(
        data=pixels.astype(np.uint8).tobytes(), raw=ImageFormat(width=width, height=height)
    )
