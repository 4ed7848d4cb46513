"""Makes model files from fetched ones, deterministically: runs where the puller runs.

One module per builder, loaded when it is asked for. The same ingredients and parameters give the
same bytes on every machine, so that a manifest can state the hash of what comes out.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path

from edged.errors import EngineMissing
from edged.models.manifest import Build

EXTRAS: Mapping[str, str] = {
    "mediapipe_task": "vision",
    "bert_onnx": "language",
    "quantize": "language",
}
"""What brings the packages of each builder."""


def make(build: Build, ingredients: Mapping[str, Path], into: Path) -> None:
    """Write the file that a build describes; in a thread or process of its own: it takes seconds.

    Args:
        build: the builder and its parameters.
        ingredients: where each of the build's ingredients lies, by name; they are only read.
        into: the file to write; what was there is replaced.

    Raises:
        EngineMissing: a package of the builder is not installed.
        CorruptModel: an ingredient is not what the builder takes.
        ConfigError: a parameter is unknown, or has a value that the builder cannot use.
        ModelMissing: the build names no ingredient that the builder needs.
    """
    try:
        builder = importlib.import_module(f"edged.models.build.{build.builder}")
    except ModuleNotFoundError as error:
        raise _missing(build.builder, error) from error
    builder.make(build.parameters, ingredients, into)


def _missing(builder: str, error: ModuleNotFoundError) -> EngineMissing:
    package = (error.name or "").partition(".")[0]
    return EngineMissing(
        f"{package} is not installed, which makes files of the kind {builder}",
        fix=f'pip install "edged[{EXTRAS[builder]}]"',
    )
