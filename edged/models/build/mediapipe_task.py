"""Bundles TFLite files as MediaPipe's Tasks take them: a zip that is stored, not compressed.

Parameters:
    normalize: the ingredient that lacks metadata and gets it; empty: none.
    mean, std: how that one wants its pixels, (pixel - mean) / std; 0 and 255.
    repeat: the ingredient that gives too few points, and gives some of them once more; empty: none.
    repeated: which points, in order.

The entries are the ingredients in their order, under their names. Nothing but their bytes counts:
no clock, no file system, no version of a package.
Source: mediapipe/tasks/python/metadata/metadata_writers/model_asset_bundle_utils.py.
"""

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from edged.models import graph_files
from edged.models.build.parameters import check_known, numbers_of, word_of
from edged.models.build.tflite_metadata import with_normalization
from edged.models.build.tflite_repeat import with_repeated_points
from edged.models.runtime import Parameter

PARAMETERS = frozenset({"normalize", "mean", "std", "repeat", "repeated"})

_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
_ALIGNED = 16
"""TensorFlow Lite reads tensors where they lie in the bundle."""
_HEADER_BYTES = 30
_PADDING = 0xD935
"""The id of an extra field that only moves what follows. Source: Android's zipalign."""
_PADDING_HEAD = struct.Struct("<HHH")


def make(parameters: Mapping[str, Parameter], ingredients: Mapping[str, Path], into: Path) -> None:
    """Write a bundle; see edged.models.build.make."""
    check_known(parameters, PARAMETERS)
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as bundle:
        for name, path in ingredients.items():
            graph_files.check_tflite(path, name=name)
            _add(bundle, name, _changed(name, path.read_bytes(), parameters))


def _changed(name: str, content: bytes, parameters: Mapping[str, Parameter]) -> bytes:
    """An ingredient as the bundle holds it."""
    if name == word_of(parameters, "repeat", ""):
        points = numbers_of(parameters, "repeated", (0.0,))
        content = with_repeated_points(content, [int(point) for point in points])
    if name == word_of(parameters, "normalize", ""):
        mean = numbers_of(parameters, "mean", (0.0,))
        deviation = numbers_of(parameters, "std", (255.0,))
        content = with_normalization(content, mean=mean, deviation=deviation)
    return content


def _add(bundle: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _FIRST_MOMENT)
    entry.create_system = 0  # else it depends on where this runs
    entry.extra = _padding(bundle.start_dir + _HEADER_BYTES + len(name.encode()))
    bundle.writestr(entry, content)


def _padding(at: int) -> bytes:
    """An extra field after which the place is a multiple of 16."""
    fill = -(at + _PADDING_HEAD.size) % _ALIGNED
    return _PADDING_HEAD.pack(_PADDING, 2 + fill, _ALIGNED) + bytes(fill)
