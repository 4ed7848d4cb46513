"""A picture as the tensor that a graph takes: size, order, scale and type as its manifest says."""

import numpy as np
from msgspec import Struct

from edged.errors import CorruptModel
from edged.media import ImageFormat, Picture
from edged.messages.records import SignatureTensor
from edged.models.engines.graph import Array, Graph
from edged.models.engines.quantized import stored
from edged.models.presets.fitting import FILTERS, WAYS, Fit, Way, fitted, plan
from edged.models.presets.metadata import TensorNotes
from edged.models.presets.parameters import number_of, numbers_of, whole_of, word_of
from edged.models.presets.pictures import MEGAPIXELS, MOST_MEGAPIXELS, Pixels, image_of
from edged.models.runtime import ModelSpec

LARGEST_SIDE = 4096
"""Pixels of a graph's input; a larger one is a mistake."""

_FINER = 2
"""A JPEG is decoded to at least so many times the input's size: what is reduced then has all it needs."""

GREY = Picture(data=bytes([128] * 12), raw=ImageFormat(width=2, height=2))
"""What canaries are shown."""


class Scaling(Struct, frozen=True, kw_only=True):
    """real = (pixel x scale - mean) / deviation; numbers of shape (1,) or (3,)."""

    scale: float
    mean: Array
    deviation: Array

    def real(self, pixels: Array) -> Array:
        """Pixels as float32."""
        values: Array = pixels.astype(np.float32)
        if self.scale != 1.0:
            values *= np.float32(self.scale)
        values -= self.mean
        values /= self.deviation
        return values


class Eye:
    """Prepares pictures for one graph.

    Args:
        graph: takes one picture, 1 x height x width x 3 or 1 x 3 x height x width.
        spec: its parameters; see docs/PRESETS.md.
        notes: what the graph's file says of its input.

    Raises:
        CorruptModel: it takes something else, or a parameter is wrong.
    """

    def __init__(self, graph: Graph, spec: ModelSpec, notes: TensorNotes) -> None:
        self._tensor = _one_picture(graph, spec)
        self._planes = _has_planes(self._tensor, spec)
        self.size = _size(self._tensor, spec, planes=self._planes)
        self._backwards = word_of(spec, "colours", "rgb", among=("rgb", "bgr")) == "bgr"
        self._way: Way = _way(spec)
        self._filter = FILTERS[word_of(spec, "filter", "bilinear", among=FILTERS)]
        self._fill = _fill(spec)
        self._scaling = _scaling(self._tensor, spec, notes)
        self._megapixels = whole_of(
            spec, "max_megapixels", MEGAPIXELS, least=1, most=MOST_MEGAPIXELS
        )

    @property
    def name(self) -> str:
        """Of the input."""
        return self._tensor.name

    def tensor(self, picture: Picture) -> tuple[dict[str, Array], Fit]:
        """The graph's input, and which part of the picture lies where in it.

        Raises:
            BadRequest, BadMedia: the picture cannot be read; see pictures.image_of.
        """
        seen = image_of(picture, megapixels=self._megapixels, enough=_FINER * max(self.size))
        fit = plan((seen.width, seen.height), self.size, self._way)
        small = fitted(seen.image, fit, self.size, resampling=self._filter, fill=self._fill)
        return {self.name: self._prepared(np.asarray(small))}, fit

    def _prepared(self, pixels: Pixels) -> Array:
        ordered: Array = pixels[:, :, ::-1] if self._backwards else pixels
        values = self._as_stored(ordered) if self._scaling is None else self._scaling.real(ordered)
        if self._planes:
            values = values.transpose(2, 0, 1)
        batch = np.ascontiguousarray(values[np.newaxis])
        return batch if self._scaling is None else self._typed(batch)

    def _as_stored(self, pixels: Pixels) -> Array:
        """Pixels for a graph that takes them as integers: 0 to 255, or -128 to 127."""
        return (pixels ^ 0x80).view(np.int8) if self._tensor.dtype == "int8" else pixels

    def _typed(self, batch: Array) -> Array:
        """Real numbers in the graph's own type, quantized where it is."""
        kind = np.dtype(self._tensor.dtype)
        if self._tensor.quantized is None and kind.kind in "iu":
            limits = np.iinfo(kind)
            batch = np.clip(np.rint(batch), limits.min, limits.max)
        return stored((self._tensor,), {self.name: batch})[self.name].astype(kind, copy=False)


def _one_picture(graph: Graph, spec: ModelSpec) -> SignatureTensor:
    inputs = graph.signature().inputs
    if len(inputs) != 1 or len(inputs[0].shape) != len(("batch", "rows", "columns", "colours")):
        raise CorruptModel(f"{spec.id} does not take one picture", model=spec.id)
    if inputs[0].dtype not in {"float32", "float16", "uint8", "int8"}:
        raise CorruptModel(f"{spec.id} takes pictures of {inputs[0].dtype}", model=spec.id)
    return inputs[0]


def _has_planes(tensor: SignatureTensor, spec: ModelSpec) -> bool:
    """Whether the colours come before rows and columns."""
    guess = "nchw" if tensor.shape[1] == len("rgb") != tensor.shape[3] else "nhwc"
    planes = word_of(spec, "layout", guess, among=("nhwc", "nchw")) == "nchw"
    colours = tensor.shape[1] if planes else tensor.shape[3]
    if colours not in {-1, len("rgb")}:
        raise CorruptModel(f"{spec.id} takes {colours} colours, not three", model=spec.id)
    return planes


def _size(tensor: SignatureTensor, spec: ModelSpec, *, planes: bool) -> tuple[int, int]:
    """Width and height of the input; the manifest says what the graph leaves free."""
    height, width = tensor.shape[2:4] if planes else tensor.shape[1:3]
    if width < 1:
        width = whole_of(spec, "width", 0, least=1, most=LARGEST_SIDE)
    if height < 1:
        height = whole_of(spec, "height", 0, least=1, most=LARGEST_SIDE)
    return width, height


def _way(spec: ModelSpec) -> Way:
    found = word_of(spec, "resize", "stretch", among=WAYS)
    return next(one for one in WAYS if one == found)


def _fill(spec: ModelSpec) -> tuple[int, int, int]:
    red, green, blue = [min(255, max(0, round(one))) for one in _three(spec, "fill", (0.0,))]
    return red, green, blue


def _three(spec: ModelSpec, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    found = numbers_of(spec, name, default)
    return found if len(found) == len("rgb") else found * len("rgb")


def _scaling(tensor: SignatureTensor, spec: ModelSpec, notes: TensorNotes) -> Scaling | None:
    """How pixels become numbers; None: integers, as they are.

    Integer inputs take pixels unless somebody says how they are scaled: their zero points and
    steps are made for that. Of uint8 only the manifest is believed: metadata speaks of real ones.
    Source: TensorFlow Lite Task Library, image_preprocessor.
    """
    stated = not {"scale", "mean", "std"}.isdisjoint(spec.parameters)
    if not stated and (tensor.dtype == "uint8" or (tensor.dtype == "int8" and not notes.mean)):
        return None
    noted = not stated and notes.mean and notes.deviation
    mean, deviation = (notes.mean, notes.deviation) if noted else ((0.0,), (1.0,))
    scaling = Scaling(
        scale=float(number_of(spec, "scale", 1.0)),
        mean=np.array(numbers_of(spec, "mean", mean), np.float32),
        deviation=np.array(numbers_of(spec, "std", deviation), np.float32),
    )
    if not scaling.deviation.all():
        raise CorruptModel(f"the deviation of {spec.id} is zero", model=spec.id)
    return scaling
