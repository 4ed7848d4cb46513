"""Model manifests: what a model is, where its files come from, and how it may be run.

Ours lie in model_manifests/ (in an installed wheel beside the package's modules), the user's in the
config folder's manifests/; one TOML file each, named for the model's id.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

import edged
from edged.errors import ConfigError
from edged.messages.wire import ModelId
from edged.models.runtime import Parameter

Task = Literal["vad", "transcribe", "stream_transcribe"]

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Edition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file's content in another release of its wheel, known to do as well."""

    bytes: Annotated[int, Meta(ge=0, le=2**53)]
    sha256: _Sha256


class ManifestFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a model.

    name: what the adapter calls it. bytes, sha256: of the whole file. editions: or one of these.
    wheel, member: the distribution that brings it, and its path inside.
    path: absolute; or relative to the models folder. Without wheel and path: <model>/<name> there.
    """

    name: _Name
    bytes: Annotated[int, Meta(ge=0, le=2**53)]
    sha256: _Sha256
    wheel: str = ""
    member: str = ""
    path: str = ""
    editions: tuple[Edition, ...] = ()

    @property
    def sizes(self) -> set[int]:
        """The file is so large, or so, in bytes."""
        return {self.bytes, *(edition.bytes for edition in self.editions)}

    def has_sha256(self, sha256: str) -> bool:
        """Whether this is the hash of a content that is known to do."""
        return sha256 in {self.sha256, *(edition.sha256 for edition in self.editions)}


class Quality(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stated figure, for example word_error_rate 0.05, and who stated it for which data."""

    metric: _Name
    value: float
    source: _Name


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model.

    memory_bytes: that its worker needs. worker: name of a process shared with other models.
    holds_gil: no other thread, so no other model, can run beside it. yields: fed in blocks.
    window_ms: the most that is given at once. packs: short utterances are packed into one window.
    rank: stated quality, comparable within a task; the greatest that fits is the default.
    canary: the known answer of the adapter's canary; empty: the one at load.
    load_ms: how long a load takes, until it was measured; 0: guessed from the size.
    """

    id: ModelId
    task: Task
    engine: _Name
    description: str
    license: _Name
    languages: tuple[str, ...] = ()
    files: tuple[ManifestFile, ...] = ()
    parameters: dict[str, Parameter] = {}
    memory_bytes: Annotated[int, Meta(ge=1, le=2**53)]
    worker: str = ""
    holds_gil: bool = False
    yields: bool = False
    threads: Annotated[int, Meta(ge=1, le=256)] = 1
    window_ms: Annotated[int, Meta(ge=32, le=600_000)] = 10_000
    packs: bool = False
    quality: Quality | None = None
    rank: float = 0.0
    canary: str = ""
    load_ms: Annotated[int, Meta(ge=0)] = 0

    @property
    def process(self) -> str:
        """The name of the worker process that runs it."""
        return self.worker or self.id

    @property
    def size_bytes(self) -> int:
        """All its files together."""
        return sum(file.bytes for file in self.files)


class Engine(Struct, frozen=True, kw_only=True):
    """An adapter: its module, the packages of which it needs one, and the extra that brings them."""

    module: str
    packages: tuple[str, ...]
    extra: str = "speech"


ENGINES: Mapping[str, Engine] = {
    "silero": Engine(module="edged.models.engines.silero", packages=("onnxruntime",)),
    "pocketsphinx": Engine(module="edged.models.engines.pocketsphinx", packages=("pocketsphinx",)),
    "faster_whisper": Engine(
        module="edged.models.engines.faster_whisper", packages=("faster_whisper",)
    ),
    "sherpa_offline": Engine(
        module="edged.models.engines.sherpa_offline", packages=("sherpa_onnx",)
    ),
    "sherpa_online": Engine(module="edged.models.engines.sherpa_online", packages=("sherpa_onnx",)),
    "litert": Engine(
        module="edged.models.engines.litert",
        packages=("ai_edge_litert", "tflite_runtime"),
        extra="vision",
    ),
}


def shipped_folder() -> str:
    """Where our own manifests lie: in the wheel, or at the top of a source checkout."""
    package = os.path.dirname(os.path.abspath(edged.__file__))
    inside = os.path.join(package, "model_manifests")
    beside = os.path.join(os.path.dirname(package), "model_manifests")
    return inside if os.path.isdir(inside) else beside


def read_folders(folders: Iterable[str | os.PathLike[str]]) -> tuple[list[Manifest], list[str]]:
    """The manifests of several folders, and what is wrong with those that cannot be used.

    A later folder's manifest replaces an earlier one with the same id.
    """
    found: dict[str, Manifest] = {}
    problems: list[str] = []
    for path in _manifest_files(folders):
        try:
            manifest = read(path)
        except ConfigError as error:
            problems.append(f"{error.message}; {error.fix}")
        else:
            found[manifest.id] = manifest
    return sorted(found.values(), key=lambda one: one.id), problems


def _manifest_files(folders: Iterable[str | os.PathLike[str]]) -> list[str]:
    paths: list[str] = []
    for folder in folders:
        if os.path.isdir(folder):
            names = sorted(name for name in os.listdir(folder) if name.endswith(".toml"))
            paths += [os.path.join(folder, name) for name in names]
    return paths


def read(path: str | os.PathLike[str]) -> Manifest:
    """One manifest.

    Raises:
        ConfigError: it names the file, the field and what to do.
    """
    name = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            tree = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is not TOML: {error}", fix="correct that line") from error
    try:
        manifest = msgspec.convert(tree, Manifest)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {error}", fix=_fix_for(str(error))) from error
    if manifest.id != name.removesuffix(".toml"):
        raise ConfigError(
            f"{name}: field `id` is {manifest.id}", fix=f"name the file {manifest.id}.toml"
        )
    return manifest


def _fix_for(complaint: str) -> str:
    if field := re.search(r"missing required field `(\w+)`", complaint):
        return f"add `{field[1]}`; docs/MODELS.md explains it"
    if field := re.search(r"unknown field `(\w+)`", complaint):
        return f"remove `{field[1]}`, or correct its spelling; docs/MODELS.md lists all fields"
    return "correct the field; docs/MODELS.md explains it"


def lint(manifests: Iterable[Manifest], engines: Mapping[str, Engine] = ENGINES) -> list[str]:
    """Everything that is wrong with a set of manifests, one line each with the model's id."""
    manifests = list(manifests)
    return [line for one in manifests for line in _lint_one(one, engines)] + _lint_shared(manifests)


def _lint_one(manifest: Manifest, engines: Mapping[str, Engine]) -> list[str]:
    lines = [
        f"`files`: {file.name} {complaint}"
        for file in manifest.files
        for complaint in _lint_file(file)
    ]
    names = [file.name for file in manifest.files]
    if len(set(names)) < len(names):
        lines.append("`files`: two files with the same name")
    if manifest.engine not in engines:
        lines.append(f"`engine`: {manifest.engine} is unknown; one of {', '.join(engines)}")
    if manifest.packs and manifest.task != "transcribe":
        lines.append("`packs`: only for the task transcribe")
    return [f"{manifest.id}: {line}" for line in lines]


def _lint_file(file: ManifestFile) -> list[str]:
    lines = [
        f"`{field}` must stay inside its folder"
        for field, value in (("name", file.name), ("member", file.member), ("path", file.path))
        if ".." in value.split("/") or (field != "path" and value.startswith("/"))
    ]
    if bool(file.wheel) != bool(file.member):
        lines.append("needs `wheel` and `member` together")
    if file.wheel and file.path:
        lines.append("has both `wheel` and `path`; remove one")
    return lines


def _lint_shared(manifests: list[Manifest]) -> list[str]:
    """A model that holds the GIL stops every other one in its process."""
    lines: list[str] = []
    for manifest in manifests:
        mates = [
            one.id for one in manifests if one.process == manifest.process and one.id != manifest.id
        ]
        if manifest.holds_gil and mates:
            lines.append(
                f"{manifest.id}: `worker`: it holds the GIL and cannot share a process with "
                f"{', '.join(mates)}; give it a worker of its own"
            )
    return lines
