"""Makes model files from fetched ones, deterministically: runs where the puller runs.

One module per builder, loaded when it is asked for. The same ingredients and parameters give the
same bytes on every machine, so that a manifest can state the hash of what comes out.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from edged.errors import EngineMissing
from edged.models.manifest import Build


class Needs(Struct, frozen=True, kw_only=True):
    """Packages that a builder imports, and the extra that brings them."""

    packages: tuple[str, ...] = ()
    extra: str = ""


BUILDERS: Mapping[str, Needs] = {
    "mediapipe_task": Needs(),
    "bert_onnx": Needs(packages=("numpy", "onnx", "safetensors"), extra="language"),
    "quantize": Needs(packages=("numpy", "onnx", "onnxruntime"), extra="language"),
}
"""By the builder's module."""


def check(build: Build) -> None:
    """Make sure that a builder's packages are installed; imports nothing.

    Raises:
        EngineMissing: naming the extra to install.
    """
    needs = BUILDERS[build.builder]
    for package in needs.packages:
        if importlib.util.find_spec(package) is None:
            raise EngineMissing(
                f"{package} is not installed, which makes files of the kind {build.builder}",
                fix=f"pip install 'edged[{needs.extra}]'",
                extra=needs.extra,
            )


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
    check(build)
    builder = importlib.import_module(f"edged.models.build.{build.builder}")
    builder.make(build.parameters, ingredients, into)
